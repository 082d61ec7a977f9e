/** A line between a driver and its server that a test cuts: a TCP forwarder on loopback that dies and comes back. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface Line {
  /** Where the driver connects to instead of the server. */
  readonly port: number;
  /** Cuts all connections once so many more bytes have gone to the server, and refuses new ones until `mend`. At once when 0. */
  cut(afterBytes: number): void;
  mend(): void;
  /** Whether it is cut now. */
  readonly down: boolean;
  close(): Promise<void>;
}

/** Forwards from a free port of loopback to a server's port there. */
export async function createLine(serverPort: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let down = false;
  let left = Number.POSITIVE_INFINITY;

  const fall = () => {
    down = true;
    for (const socket of sockets) socket.destroy();
  };
  const server: Server = createServer((client) => {
    if (down) return void client.destroy();
    const upstream = connect(serverPort, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on("error", () => to.destroy())
        .on("close", () => {
          sockets.delete(from);
          to.destroy();
        });
    }
    upstream.pipe(client);
    client.on("data", (chunk: Buffer) => {
      // What is over the limit does not arrive: the server has a part of a message.
      const through = chunk.subarray(0, Math.min(chunk.length, left));
      left -= through.length;
      if (!upstream.write(through)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
      if (left === 0) upstream.end(fall);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    cut: (afterBytes) => {
      left = afterBytes;
      if (left === 0) fall();
    },
    mend: () => {
      down = false;
      left = Number.POSITIVE_INFINITY;
    },
    get down() {
      return down;
    },
    close: async () => {
      fall();
      server.close();
      await once(server, "close");
    },
  };
}
