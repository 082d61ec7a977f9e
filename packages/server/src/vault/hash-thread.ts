/** The thread that `content-hash.ts` starts: hashes what it is sent, each content by its number, and answers in order. */
import { createHash, type Hash } from "node:crypto";
import { parentPort } from "node:worker_threads";

/** `update` gives a buffer away until it is answered; `drop` has no answer. */
export type HashRequest =
  | { readonly kind: "update"; readonly content: number; readonly buffer: SharedArrayBuffer; readonly length: number }
  | { readonly kind: "digest"; readonly content: number }
  | { readonly kind: "drop"; readonly content: number };

export type HashAnswer =
  | { readonly kind: "updated"; readonly buffer: SharedArrayBuffer }
  | { readonly kind: "digest"; readonly content: number; readonly digest: Uint8Array };

const hashes = new Map<number, Hash>();
const answer = (message: HashAnswer): void => parentPort?.postMessage(message);

parentPort?.on("message", (request: HashRequest) => {
  const { content } = request;
  const hash = hashes.get(content) ?? createHash("sha256");
  hashes.set(content, hash);
  if (request.kind === "update") {
    hash.update(new Uint8Array(request.buffer, 0, request.length));
    answer({ kind: "updated", buffer: request.buffer });
    return;
  }
  hashes.delete(content);
  if (request.kind === "digest") answer({ kind: "digest", content, digest: new Uint8Array(hash.digest()) });
});
