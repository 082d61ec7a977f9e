/** Asks a time stamp authority over HTTP (RFC 3161 §3.4) and believes nothing it says unchecked. */
import { randomBytes } from "node:crypto";
import { AttestryError } from "@attestry/core";
import {
  checkTimeStamp,
  encodeTimeStampRequest,
  type Imprint,
  parseTimeStampResponse,
  type TimeStamp,
} from "@attestry/core/timestamp";

export interface RequestTimeStampOptions {
  /** The authority's address, http or https: the token proves itself. */
  readonly url: string;
  readonly imprint: Imprint;
  /** The roots that the authority's certificate must lead to, DER. */
  readonly roots: readonly Uint8Array[];
  /** Milliseconds until the exchange is given up. Default 10,000. */
  readonly timeout?: number;
  /** Instead of the runtime's own `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface RequestedTimeStamp extends TimeStamp {
  /** DER, checked fully. */
  readonly token: Uint8Array;
}

const longestAnswer = 64 * 1024;
/** Seconds that the authority's clock may be ahead of ours. */
const mostAhead = 300;

/**
 * A token for the imprint, from that authority and made now: it carries the random nonce that was sent.
 * @throws USAGE (the address), UNAVAILABLE_SERVER or UNAVAILABLE_TIMEOUT (no answer), POLICY_TIME_STAMP (a refusal),
 * MALFORMED_TIME_STAMP or VERIFY_TIME_STAMP (an answer that does not hold)
 */
export async function requestTimeStamp(options: RequestTimeStampOptions): Promise<RequestedTimeStamp> {
  const { imprint, roots } = options;
  const nonce = randomBytes(8);
  const answer = await post(options, encodeTimeStampRequest({ imprint, nonce }));
  const { token } = parseTimeStampResponse(answer);
  const at = Math.floor(Date.now() / 1000) + mostAhead;
  return { token, ...(await checkTimeStamp({ token, imprint, roots, nonce, at })) };
}

async function post(options: RequestTimeStampOptions, body: Uint8Array): Promise<Uint8Array> {
  const url = parseAddress(options.url);
  const send = options.fetch ?? fetch;
  const signal = AbortSignal.timeout(options.timeout ?? 10_000);
  try {
    const response = await send(url, {
      method: "POST",
      body: body as BodyInit,
      headers: { "content-type": "application/timestamp-query", accept: "application/timestamp-reply" },
      signal,
      redirect: "error",
    });
    if (!response.ok) throw failed(url, response.status);
    return await readBody(response);
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    const code = signal.aborted ? "UNAVAILABLE_TIMEOUT" : "UNAVAILABLE_SERVER";
    const problem = signal.aborted ? "did not answer in time" : "cannot be reached";
    throw new AttestryError(code, `The time stamp authority at ${url.origin} ${problem}.`, { cause });
  }
}

function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw new AttestryError("USAGE", "A time stamp authority's address looks like https://tsa.example.gov/tsa.");
  return url;
}

function failed({ origin }: URL, status: number): AttestryError {
  const code = status >= 500 || status === 429 ? "UNAVAILABLE_SERVER" : "POLICY_TIME_STAMP";
  return new AttestryError(code, `The time stamp authority at ${origin} answered with status ${status}.`, {
    data: { status },
  });
}

async function readBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > longestAnswer)
      throw new AttestryError("MALFORMED_TIME_STAMP", `The answer has more than ${longestAnswer} bytes.`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts, length));
}
