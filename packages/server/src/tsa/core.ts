/** Core's time stamp functions, in a module of their own so that a notary without them never loads them. */
export * from "../../../core/src/timestamp/index.ts";
