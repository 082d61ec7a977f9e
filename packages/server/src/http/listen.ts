/** Listening and stopping: what the notary's and the witness's servers have in common. */
import { type AddressInfo, isIPv4 } from "node:net";
import { AttestryError } from "@attestry/core";
import type { FastifyInstance } from "fastify";

/** Listens, and gives the address as a URL. @throws USAGE when the address cannot be listened on */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port, backlog: 1024 });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new AttestryError("USAGE", `Cannot listen on ${host}, port ${port}: ${refusals[code] ?? code}.`, { cause });
  }
  const { address, port: found, family } = app.server.address() as AddressInfo;
  const scheme = "setSecureContext" in app.server ? "https" : "http";
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${found}`;
}

const noSuchAddress = "this machine has no such address; name another: --host 127.0.0.1, or 0.0.0.0 for all of its own";

const refusals: Readonly<Record<string, string>> = {
  EADDRINUSE: "something else listens there; stop it, or name another: --port N (0 takes a free one)",
  EACCES: "this user may not listen on so low a port; name another: --port 8080, say",
  EADDRNOTAVAIL: noSuchAddress,
  ENOTFOUND: noSuchAddress,
};

/** For an address that others can reach, and keys that are to be made without a passphrase. */
export function passphraseWanted(host: string): AttestryError {
  const cure =
    "encrypt the keys (--passphrase-file FILE, or $ATTESTRY_PASSPHRASE), or leave them unencrypted (--no-passphrase)";
  const message = `Others can reach ${host}: ${cure}. For HTTPS: --tls-cert FILE --tls-key FILE.`;
  return new AttestryError("USAGE_PASSPHRASE", message);
}

/** Takes no new requests and waits for those under way; after `timeout` milliseconds their connections are cut. */
export async function stop(app: FastifyInstance, timeout: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), timeout);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
