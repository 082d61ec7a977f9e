/** The verifier, beside the page: core and its cryptography are loaded here, and only when there is something to verify. */
import { AttestryError, type ErrorCode, isAttestryError, parseTrustFile } from "@attestry/core";
import { judge } from "./judge.ts";
import type { Answer, Question } from "./question.ts";

export type VerifyRequest =
  | { readonly id: number; readonly question: Question }
  | { readonly id: number; readonly trustFile: string };
export type VerifyMessage =
  | { readonly id: number; readonly answer: Answer }
  /** The trust file can be used. */
  | { readonly id: number; readonly logs: readonly string[] }
  | { readonly id: number; readonly failed: ErrorCode; readonly detail: string };

addEventListener("message", ({ data }: MessageEvent<VerifyRequest>) => {
  const tell = (message: VerifyMessage): void => postMessage(message);
  const failed = (error: unknown): void => {
    const { code, message } = isAttestryError(error) ? error : new AttestryError("FATAL_INTERNAL");
    tell({ id: data.id, failed: code, detail: message });
  };
  answer(data).then(tell, failed);
});

async function answer(request: VerifyRequest): Promise<VerifyMessage> {
  const { id } = request;
  if ("question" in request) return { id, answer: await judge(request.question) };
  return { id, logs: parseTrustFile(request.trustFile).logs.map(({ origin }) => origin) };
}
