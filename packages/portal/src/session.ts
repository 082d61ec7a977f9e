/** Who is signed in, as the notary says. */
import { AttestryError } from "@attestry/core";

export interface Session {
  readonly signedIn: boolean;
  readonly name?: string;
  readonly permissions: readonly string[];
  /** Goes into the header `x-attestry-csrf` of every change. */
  readonly csrf?: string;
  readonly providers: readonly { readonly id: string; readonly label: string; readonly path: string }[];
}

/** @throws UNAVAILABLE_SERVER */
export async function fetchSession(): Promise<Session> {
  return (await exchange("/v1/session")) as Session;
}

/** Sends a change in the name of who is signed in. @throws UNAVAILABLE_SERVER, POLICY_FORBIDDEN, MALFORMED_REQUEST */
export async function change(session: Session, path: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json", "x-attestry-csrf": session.csrf ?? "" };
  return exchange(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Whether who is signed in has one of these permissions. What is shown hangs on it; the notary decides for itself. */
export function may({ permissions }: Session, ...wanted: readonly string[]): boolean {
  return wanted.some((permission) => permissions.includes(permission));
}

/** `fetch` in the name of who is signed in, for core's clients. */
export function fetchAs({ csrf = "" }: Session): typeof fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("x-attestry-csrf", csrf);
    return fetch(input, { ...init, headers });
  };
}

async function exchange(path: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: AbortSignal.timeout(30_000) });
  } catch (cause) {
    throw new AttestryError("UNAVAILABLE_SERVER", undefined, { cause });
  }
  if (response.ok) return response.json();
  if (response.status >= 500) throw new AttestryError("UNAVAILABLE_SERVER");
  throw new AttestryError(
    response.status === 401 || response.status === 403 ? "POLICY_FORBIDDEN" : "MALFORMED_REQUEST",
  );
}
