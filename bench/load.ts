/** A client that costs little, so that on a machine with few cores the server is what is measured: requests made beforehand, answers hardly read. */
import { connect, type Socket } from "node:net";

export interface Target {
  readonly url: string;
  readonly path: string;
  readonly contentType: string;
  readonly expectedStatus: number;
}

/** Sends each body over one of `connections` kept-alive connections, one at a time on each. Gives requests a second. */
export async function sendAll(target: Target, bodies: readonly Uint8Array[], connections: number): Promise<number> {
  const requests = bodies.map((body) => encodeRequest(target, body));
  const { hostname, port } = new URL(target.url);
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(hostname, Number(port))));
  let next = 0;
  const start = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const status = await exchange(socket, request);
        if (status !== target.expectedStatus) throw new Error(`the server answered ${status}`);
      }
    }),
  );
  const rate = (requests.length * 1000) / (performance.now() - start);
  for (const socket of sockets) socket.destroy();
  return rate;
}

function encodeRequest({ path, contentType }: Target, body: Uint8Array): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The status of the answer, once all of it is there. */
function exchange(socket: Socket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer: Buffer = Buffer.alloc(0);
    const settle = (end: () => void): void => {
      socket.off("data", onData).off("close", onClose);
      end();
    };
    const onClose = (): void => settle(() => reject(new Error("the server closed the connection")));
    const onData = (part: Buffer): void => {
      answer = answer.length === 0 ? part : Buffer.concat([answer, part]);
      const head = answer.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(answer.toString("latin1", 0, head))?.[1]);
      if (answer.length >= head + 4 + length) settle(() => resolve(Number(answer.toString("latin1", 9, 12))));
    };
    socket.on("data", onData).once("close", onClose);
    socket.write(request);
  });
}
