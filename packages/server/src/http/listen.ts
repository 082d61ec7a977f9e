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
    const why = code === "EADDRINUSE" ? "something else listens there; choose another port" : code;
    throw new AttestryError("USAGE", `Cannot listen on ${host}, port ${port}: ${why}.`, { cause });
  }
  const { address, port: found, family } = app.server.address() as AddressInfo;
  const scheme = "setSecureContext" in app.server ? "https" : "http";
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${found}`;
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
