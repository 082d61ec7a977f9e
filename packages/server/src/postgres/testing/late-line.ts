/** A line to a server that loses its client and delivers what the client last sent later, as a network may. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface LateLine {
  readonly port: number;
  /** From now on keeps what clients send, and hangs up on each client that sends `bytes` or more. New clients go through. */
  hold(bytes: number): void;
  /** Sends on what was kept, and resolves when the server has answered it. */
  deliver(): Promise<void>;
  close(): Promise<void>;
}

export async function createLateLine(serverPort: number): Promise<LateLine> {
  const sockets = new Set<Socket>();
  const kept: { upstream: Socket; bytes: Buffer }[] = [];
  let held: { limit: number; clients: WeakSet<Socket> } | undefined;
  let open: Socket[] = [];

  const server = createServer((client) => {
    const upstream = connect(serverPort, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => {}));
    open.push(client);
    let waiting: Buffer[] = [];
    upstream.on("data", (data) => void client.write(data));
    upstream.on("close", () => client.destroy());
    client.on("close", () => {
      if (waiting.length === 0) upstream.destroy();
    });
    client.on("data", (data: Buffer) => {
      if (held === undefined || !held.clients.has(client)) return void upstream.write(data);
      waiting.push(data);
      const bytes = Buffer.concat(waiting);
      if (bytes.length < held.limit) return;
      kept.push({ upstream, bytes });
      client.destroy();
      waiting = [bytes];
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hold(limit: number): void {
      held = { limit, clients: new WeakSet(open) };
      open = [];
    },
    async deliver(): Promise<void> {
      held = undefined;
      for (const { upstream, bytes } of kept.splice(0)) {
        const answered = once(upstream, "data");
        upstream.write(bytes);
        await answered;
        upstream.destroy();
      }
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
