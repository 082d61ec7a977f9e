/** Who this program is to Azure, and how the answers of its services become our errors. */
import { AttestryError } from "@attestry/core";
import type * as Identity from "@azure/identity";
import { loadSdk } from "./sdk.ts";

/** Settings that the drivers share. */
export interface AccountOptions {
  /**
   * The service's address. Azure Government and other clouds differ only in it: "https://ACCOUNT.blob.core.usgovcloudapi.net",
   * "https://ACCOUNT.documents.azure.us:443".
   */
  readonly endpoint: string;
  /** The account's key. Without one: Entra ID by DefaultAzureCredential, whose authority for Azure Government is AZURE_AUTHORITY_HOST. */
  readonly key?: string | undefined;
  /** How long one call may take in all, its repetitions included, in ms. Default 60 s. */
  readonly patience?: number | undefined;
}

export const defaultPatience = 60_000;

/** Off this machine only TLS is spoken. The message does not repeat the address: it may hold a signature. @throws USAGE */
export function checkAddress(text: string): URL {
  const url = URL.parse(text);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url?.hostname ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLocal)) return url;
  throw new AttestryError("USAGE", "The address of a service of Azure begins with https://.");
}

/** Entra ID: a managed identity, a workload identity, the environment, or whoever is logged in with `az`. @throws USAGE */
export function entraCredential(): Identity.DefaultAzureCredential {
  const { DefaultAzureCredential } = loadSdk<typeof Identity>("@azure/identity");
  return new DefaultAzureCredential();
}

/** What a service's error has that is safe to tell: requests, addresses and tokens stay out of ours. */
export interface Answer {
  /** The HTTP status; undefined when none came. */
  readonly status: number | undefined;
  /** The service's word, or the system's: "AuthorizationFailure", "ECONNREFUSED". */
  readonly reason: string;
}

/** What the libraries throw: storage and Key Vault have `statusCode`, Cosmos DB has the status in `code`. */
export function answerOf(error: unknown): Answer {
  const { statusCode, code, name } = error as { statusCode?: unknown; code?: unknown; name?: unknown };
  const status = [statusCode, code].find((value) => typeof value === "number" && value >= 400 && value < 600);
  const reason = [code, name, status].find((value) => typeof value === "string" && /^\w+$/.test(value)) ?? status;
  return { status: status as number | undefined, reason: String(reason ?? "unknown reason") };
}

/** The error for a service that does not do what it was asked. */
export function refusedStorage(service: string, error: unknown): AttestryError {
  const { status, reason } = answerOf(error);
  const said = status === undefined ? `cannot be reached (${reason})` : `refused (${status} ${reason})`;
  return new AttestryError("UNAVAILABLE_STORAGE", `${service} ${said}.`, { data: { status, reason } });
}

/** Does something with each, several at once. Ends at the first error, once those under way have ended. */
export async function forEach<T>(
  items: AsyncIterable<T> | Iterable<T>,
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<unknown>>();
  try {
    for await (const item of items) {
      const acting: Promise<unknown> = act(item).finally(() => underWay.delete(acting));
      underWay.add(acting);
      if (underWay.size >= 16) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}
