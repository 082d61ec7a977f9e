/** The notary that served the portal, as the pages ask it. */
import { AttestryError } from "@attestry/core";
import { createNotaryClient, type NotaryClient } from "@attestry/core/client";

export const notary: NotaryClient = createNotaryClient({ url: location.origin });

/** The newest checkpoint with its cosignatures: a C2SP signed note. @throws UNAVAILABLE_SERVER, MALFORMED_REQUEST */
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
