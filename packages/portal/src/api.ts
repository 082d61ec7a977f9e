/** The notary that served the portal, as the pages ask it. */
import { AttestryError } from "@attestry/core";
import { createNotaryClient, type NotaryClient } from "@attestry/core/client";

export const notary: NotaryClient = createNotaryClient({ url: location.origin });

export type HistorySpan = "hour" | "day" | "month";

/** `GET /v1/history`: a list has a value for each step, null where there was nothing to measure. */
export interface StatusHistory {
  readonly span: HistorySpan;
  /** Seconds. */
  readonly step: number;
  /** When the first step begins, ISO 8601. */
  readonly from: string;
  /** The tree size when each step begins, and now. */
  readonly sizes: readonly number[];
  /** Milliseconds. */
  readonly latency: {
    readonly count: readonly number[];
    readonly median: readonly (number | null)[];
    readonly slow: readonly (number | null)[];
  };
  /** Seconds. */
  readonly anchors: readonly {
    readonly place: string;
    readonly kind: "ledger" | "authority";
    readonly delay: readonly (number | null)[];
  }[];
}

/** @throws UNAVAILABLE_SERVER, MALFORMED_REQUEST */
export async function fetchHistory(span: HistorySpan): Promise<StatusHistory> {
  return JSON.parse(await fetchText(`/v1/history?span=${span}`)) as StatusHistory;
}

/** The newest checkpoint with its cosignatures: a C2SP signed note. @throws as `fetchHistory` */
export function fetchCheckpoint(): Promise<string> {
  return fetchText("/log/checkpoint");
}

async function fetchText(path: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(30_000) });
  } catch (cause) {
    throw new AttestryError("UNAVAILABLE_SERVER", undefined, { cause });
  }
  if (!response.ok) throw new AttestryError(response.status >= 500 ? "UNAVAILABLE_SERVER" : "MALFORMED_REQUEST");
  return response.text();
}
