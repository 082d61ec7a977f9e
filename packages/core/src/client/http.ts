/** One HTTP exchange with a notary: a time limit, a size limit, and errors that say whether trying again may help. */
import { AttestryError, type ErrorCode, errorCatalogue } from "../errors.ts";

export interface HttpOptions {
  /** Base address of the notary, e.g. "https://notary.example.gov". Credentials in it are refused. */
  readonly url: string;
  /** Administrator's token, for the calls that need one. */
  readonly token?: string;
  /** Milliseconds until an exchange is given up. Default 30,000. */
  readonly timeout?: number;
  /** Instead of the runtime's own `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface Exchange {
  readonly path: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of answer that are read at most. Default 64 MiB. */
  readonly limit?: number;
}

export type Send = (exchange: Exchange) => Promise<Uint8Array>;

/** As `Send`, for who needs the answer's headers or reads its body by himself; `timeout` runs until the headers are there. */
export type Open = (exchange: Omit<Exchange, "limit">) => Promise<Response>;

/** @throws USAGE when the address is not one of a notary */
export function createSend(options: HttpOptions): Send {
  const open = createOpen(options);
  const timeout = options.timeout ?? 30_000;
  return async ({ limit = 64 * 1024 * 1024, ...exchange }) => {
    const { response, signal, base } = await open(exchange, AbortSignal.timeout(timeout));
    try {
      return await readBody(response, limit);
    } catch (cause) {
      throw cause instanceof AttestryError ? cause : unreachable(base, signal, cause);
    }
  };
}

/** @throws USAGE when the address is not one of a notary */
export function createStreamingSend(options: HttpOptions): Open {
  const open = createOpen(options);
  return async (exchange) => {
    const given = new AbortController();
    const timer = setTimeout(() => given.abort(), options.timeout ?? 30_000);
    try {
      return (await open(exchange, given.signal)).response;
    } finally {
      clearTimeout(timer);
    }
  };
}

interface Opened {
  readonly response: Response;
  readonly signal: AbortSignal;
  readonly base: URL;
}

/** An answer whose status is good; the body is still to be read. */
function createOpen(options: HttpOptions): (exchange: Exchange, signal: AbortSignal) => Promise<Opened> {
  const base = parseBase(options.url);
  const send = options.fetch ?? fetch;
  return async ({ path, method = "GET", body, contentType, headers: more }, signal) => {
    const headers = new Headers(more);
    if (contentType !== undefined) headers.set("content-type", contentType);
    if (options.token !== undefined) headers.set("authorization", `Bearer ${options.token}`);
    try {
      const init: RequestInit = {
        method,
        headers,
        signal,
        redirect: "error",
        ...(body === undefined ? {} : { body: body as BodyInit }),
      };
      const response = await send(new URL(path.replace(/^\//, ""), base), init);
      if (!response.ok) throw refusal(response, await readBody(response, 1024 * 1024));
      return { response, signal, base };
    } catch (cause) {
      throw cause instanceof AttestryError ? cause : unreachable(base, signal, cause);
    }
  };
}

function parseBase(url: string): URL {
  const base = URL.parse(url.endsWith("/") ? url : `${url}/`);
  if (
    base === null ||
    (base.protocol !== "http:" && base.protocol !== "https:") ||
    base.username !== "" ||
    base.password !== ""
  ) {
    throw new AttestryError(
      "USAGE",
      "The notary's address must look like https://notary.example.gov, with no name or password in it.",
    );
  }
  return base;
}

async function readBody(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader(); // not every browser can iterate over a stream
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length;
    if (length > limit) {
      await reader?.cancel();
      throw new AttestryError("MALFORMED_REQUEST", `The notary's answer is longer than ${limit} bytes.`);
    }
    parts.push(part.value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function unreachable(base: URL, signal: AbortSignal, cause: unknown): AttestryError {
  const data = { server: base.origin };
  if (signal.aborted)
    return new AttestryError("UNAVAILABLE_TIMEOUT", `The notary at ${base.origin} did not answer in time.`, {
      data,
      cause,
    });
  const tls = certificateProblem(cause);
  if (tls !== undefined) {
    const message = `The notary at ${base.origin} was reached, and its certificate is not accepted (${tls}).${hints[tls]}`;
    return new AttestryError("UNAVAILABLE_SERVER", message, { data: { ...data, certificate: tls }, cause });
  }
  const message = `The notary at ${base.origin} cannot be reached. Is it running, and is this its address?`;
  return new AttestryError("UNAVAILABLE_SERVER", message, { data, cause });
}

const ownAuthority =
  " Where it is of an authority of your own, $NODE_EXTRA_CA_CERTS names the PEM file that holds that one.";

/** What Node says of a certificate (a browser says nothing), with what may help. */
const hints: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "",
  DEPTH_ZERO_SELF_SIGNED_CERT: ownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: ownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: " It is for another name than this address has.",
};

/** `fetch` has the reason as its error's cause. */
function certificateProblem(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === "string" && Object.hasOwn(hints, code)) return code;
  return cause === undefined || cause === error ? undefined : certificateProblem(cause);
}

/**
 * The server's problem (RFC 9457) as the error it was there; an answer that is no problem document becomes a general one. That there is
 * no such thing only the notary can say: a gateway's 404 says nothing of the log.
 */
function refusal(response: Response, bytes: Uint8Array): AttestryError {
  const { status, headers } = response;
  const retryAfter = Number(headers.get("retry-after") ?? Number.NaN);
  const data = { status, ...(Number.isFinite(retryAfter) ? { retryAfter } : {}) };
  const isProblem = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === "application/problem+json";
  const problem = isProblem ? parseProblem(bytes) : undefined;
  if (problem !== undefined)
    return new AttestryError(problem.code, problem.detail, { data: { ...problem.data, ...data } });
  if (status === 404) {
    if (isProblem && bytes.length === 0) return new AttestryError("NOT_FOUND", undefined, { data }); // to HEAD
    const message =
      "What answered is no notary, or something stands before it: it has no such address. Check the address.";
    return new AttestryError("UNAVAILABLE_SERVER", message, { data });
  }
  const code = status >= 500 || status === 429 ? "UNAVAILABLE_SERVER" : "MALFORMED_REQUEST";
  return new AttestryError(code, `The notary answered with status ${status}.`, { data });
}

interface Problem {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly data: object;
}

/** Undefined when it is none of ours: the status must do. */
function parseProblem(bytes: Uint8Array): Problem | undefined {
  try {
    const { code, detail, data } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Record<string, unknown>>;
    if (!isErrorCode(code)) return undefined;
    const more = typeof data === "object" && data !== null ? data : {};
    return { code, detail: typeof detail === "string" ? detail : undefined, data: more };
  } catch {
    return undefined;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}
