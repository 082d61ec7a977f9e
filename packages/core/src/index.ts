/** `@attestry/core`: formats, proofs, policy and `verify()`. What a court's expert reads, and nothing else. */
export * from "./errors.ts";
