/**
 * Errors as clients see them: RFC 9457 problem documents, and RFC 9290 concise ones in CBOR for SCRAPI. The code tells programs
 * what is wrong; the detail tells people, and never names a path, a secret or anything of the inside.
 */
import { type AttestryError, type ErrorCode, encodeCbor, errorCatalogue, isAttestryError } from "@attestry/core";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isoTime } from "./entry-routes.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** How the route answers errors. Default "json". */
    problems?: "json" | "cbor";
  }
}

export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly title: string;
  readonly detail: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  /** What forbids an act on a record: who may ask for the act may read it in the record as well. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Codes whose message may say something of the server's inside; clients get the catalogue's line instead. */
const inward: ReadonlySet<ErrorCode> = new Set(["USAGE", "USAGE_FILE", "USAGE_PASSPHRASE", "UNAVAILABLE_STORAGE"]);

export function toProblem(error: unknown): Problem {
  if (isAttestryError(error)) return fromAttestry(error);
  const { statusCode = 500, message, validation } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode === 413) return describe("POLICY_TOO_LARGE");
  if (statusCode === 503) return describe("UNAVAILABLE_STOPPING");
  if (statusCode >= 400 && statusCode < 500) {
    // Fastify's own refusals; of the request's form `invalidRequest` has told.
    const detail = validation === undefined ? reasonOf(statusCode) : message;
    return describe("MALFORMED_REQUEST", detail, statusCode);
  }
  return describe("FATAL_INTERNAL");
}

/** Answers with the error; the server's log hears of what is its own fault. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500 && problem.code !== "PUSHBACK")
    request.log.error({ err: error, code: problem.code }, "request failed");
  if (problem.retryAfter !== undefined) reply.header("retry-after", String(problem.retryAfter));
  if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="attestry"'); // RFC 6750 §3
  reply.code(problem.status).header("cache-control", "no-store");
  if (request.routeOptions?.config?.problems === "cbor") {
    // RFC 9290 §2: -1 title, -2 detail, -4 response code; custom members have unsigned keys or text.
    const members = new Map<number | string, string | number>([
      [-1, problem.title],
      [-2, problem.detail],
      [-4, problem.status],
      ["code", problem.code],
    ]);
    return reply
      .type("application/concise-problem-details+cbor")
      .serializer(identity)
      .send(Buffer.from(encodeCbor(members)));
  }
  const { status, code, title, detail, data } = problem;
  const body = { status, code, title, detail, ...(data && { data }) };
  return reply.type("application/problem+json").serializer(JSON.stringify).send(body);
}

/** One statement's refusal within a batch that is answered as a whole. */
export function toRefusal(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  const { code, detail } = toProblem(error);
  return { code, detail };
}

function fromAttestry(error: AttestryError): Problem {
  const hidden = inward.has(error.code) || error.code.startsWith("FATAL_");
  const { retryAfter, answer } = error.data;
  const status = typeof answer === "number" ? answer : undefined; // where a protocol wants a status of its own
  const problem = describe(error.code, hidden ? undefined : error.message, status);
  if (error.code === "POLICY_RETAINED") return { ...problem, data: whatRetains(error.data) };
  return typeof retryAfter === "number" ? { ...problem, retryAfter } : problem;
}

function whatRetains({ holds, recordClass, retainUntil }: AttestryError["data"]): Record<string, unknown> {
  if (holds !== undefined) return { holds };
  return { recordClass, ...(typeof retainUntil === "number" && { retainUntil: isoTime(retainUntil) }) };
}

function describe(code: ErrorCode, detail?: string, status?: number): Problem {
  const facts = errorCatalogue[code];
  const answered = status ?? facts.status;
  const retryAfter = answered === 503 || answered === 429 ? 1 : undefined;
  return { status: answered, code, title: facts.meaning, detail: detail ?? facts.meaning, retryAfter };
}

function reasonOf(status: number): string {
  if (status === 415) return "This address does not take a body of that content type.";
  if (status === 408) return "The request did not arrive in time.";
  return errorCatalogue.MALFORMED_REQUEST.meaning;
}

function identity<T>(value: T): T {
  return value;
}
