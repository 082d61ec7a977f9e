/** The page's side of the verifier: starts its worker, asks, and gives what it answers. */
import { AttestryError } from "@attestry/core";
import { scriptUrl } from "../trusted-url.ts";
import type { Answer, Question } from "./question.ts";
import type { VerifyMessage, VerifyRequest } from "./worker.ts";
import workerUrl from "./worker.ts?worker&url";

let worker: Worker | undefined;
let requests = 0;
const waiting = new Map<number, { resolve(message: VerifyMessage): void; reject(error: unknown): void }>();

/** Loads the verifier ahead of time, so that a page that is open goes on without the network. */
export function prepareVerifier(): void {
  start();
}

/** @throws MALFORMED_TRUST_FILE for an installed one that cannot be used; FATAL_INTERNAL when the verifier cannot be started */
export async function ask(question: Question): Promise<Answer> {
  const message = await send({ question });
  if ("answer" in message) return message.answer;
  throw failure(message);
}

/** The origins of the logs that a trust file names. @throws MALFORMED_TRUST_FILE with what is wrong with it */
export async function readTrustFile(trustFile: string): Promise<readonly string[]> {
  const message = await send({ trustFile });
  if ("logs" in message) return message.logs;
  throw failure(message);
}

function failure(message: VerifyMessage): AttestryError {
  return "failed" in message ? new AttestryError(message.failed, message.detail) : new AttestryError("FATAL_INTERNAL");
}

type Body = { readonly question: Question } | { readonly trustFile: string };

function send(body: Body): Promise<VerifyMessage> {
  requests += 1;
  const request: VerifyRequest = { id: requests, ...body };
  return new Promise((resolve, reject) => {
    waiting.set(request.id, { resolve, reject });
    start().postMessage(request);
  });
}

function start(): Worker {
  if (worker !== undefined) return worker;
  const own = new Worker(scriptUrl(workerUrl), { type: "module" });
  worker = own;
  own.onmessage = ({ data }: MessageEvent<VerifyMessage>) => {
    waiting.get(data.id)?.resolve(data);
    waiting.delete(data.id);
  };
  own.onerror = () => {
    for (const { reject } of waiting.values()) reject(new AttestryError("FATAL_INTERNAL"));
    waiting.clear();
    worker = undefined; // the next question may find it again
  };
  return own;
}
