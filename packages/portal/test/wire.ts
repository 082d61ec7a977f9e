/** A plain proxy in front of a notary that counts what goes over the wire, so that the portal's weight is measured and not guessed. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Transfer {
  readonly path: string;
  readonly type: string;
  /** Of the body, as it was sent: compressed. */
  bytes: number;
}

export interface Wire {
  readonly url: string;
  readonly transfers: readonly Transfer[];
}

/** Closed when the test ends. */
export async function startWire(t: Pick<TestContext, "after">, target: string): Promise<Wire> {
  const transfers: Transfer[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", target);
    const headers = { ...incoming.headers, host: url.host };
    const forwarded = request(url, { method: incoming.method, headers }, (answer) => {
      const transfer = { path: url.pathname, type: answer.headers["content-type"] ?? "", bytes: 0 };
      transfers.push(transfer);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("data", (piece: Buffer) => {
        transfer.bytes += piece.length;
      });
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, transfers };
}
