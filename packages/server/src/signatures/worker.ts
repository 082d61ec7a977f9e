/** A thread that checks signatures: answers each buffer of checks with a byte each, 1 for good, in order. */
import { parentPort } from "node:worker_threads";
import { verifySignature } from "@attestry/core";
import { unpackChecks } from "./pack.ts";

parentPort?.on("message", async (checks: Uint8Array) => {
  const verdicts = unpackChecks(checks).map(({ key, data, signature }) => verifySignature(key, data, signature));
  const answer = Uint8Array.from(await Promise.all(verdicts), Number);
  parentPort?.postMessage(answer, [answer.buffer]);
});
