/** A thread that checks statements: answers each message of them with what became of each, in order. */
import { parentPort } from "node:worker_threads";
import { checkStatement, createKnownKeys } from "./check.ts";
import { packChecked, settle, unpackWork } from "./pack.ts";

const known = createKnownKeys();

parentPort?.on("message", async (message: Uint8Array) => {
  const { keys, statements } = unpackWork(message);
  for (const [thumbprint, key] of keys) known.add(thumbprint, key);
  const answer = packChecked(await Promise.all(statements.map((bytes) => settle(checkStatement(bytes, known)))));
  parentPort?.postMessage(answer, [answer.buffer]);
});
