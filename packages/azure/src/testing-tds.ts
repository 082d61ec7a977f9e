/**
 * As much of a server that speaks TDS 7.4 and 8.0 as tests of the driver need ([MS-TDS] §2.2): it logs in, hands each statement to
 * the test and answers what the test says. It runs no SQL.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";

/** What the client asked. */
export interface Asked {
  readonly text: string;
  /** Names and types of the parameters, as `sp_executesql` has them; undefined for a batch. */
  readonly declared: string | undefined;
  /** Ends the connection, as a server that dies. */
  hangUp(): void;
}

export interface Reply {
  readonly columns?: readonly string[];
  /** null, bigint (as 8 bytes), number (as 4 bytes), text or bytes. */
  readonly rows?: readonly (readonly (null | number | bigint | string | Uint8Array)[])[];
  readonly affected?: number;
  readonly error?: { readonly number: number; readonly class?: number; readonly message?: string };
}

export interface TdsOptions {
  /** Undefined: the server is silent until the client gives up. */
  answer(asked: Asked): Reply | undefined;
  /** What it says to a login. */
  readonly refusal?: Reply["error"];
  readonly certificate?: { readonly key: string; readonly cert: string };
  /** TDS 8.0: TLS first. Else, with a certificate, TLS is agreed on; without one, the server cannot encrypt. */
  readonly strict?: boolean;
}

export interface TdsServer {
  readonly port: number;
  /** Of the logins that came through. */
  readonly logins: string[];
  /** What the clients sent in the clear. */
  readonly inClear: Buffer[];
  /** Connections now open. */
  readonly open: () => number;
  hangUp(): void;
  close(): Promise<void>;
}

const packet = { batch: 1, rpc: 3, response: 4, attention: 6, login: 16, prelogin: 18 } as const;

export async function startTdsServer(options: TdsOptions): Promise<TdsServer> {
  const sockets = new Set<Socket>();
  const logins: string[] = [];
  const inClear: Buffer[] = [];
  const accept = (socket: Socket): void => {
    sockets.add(socket.on("error", () => {}));
    socket.on("close", () => sockets.delete(socket));
    if (socket instanceof tls.TLSSocket) serve(socket, socket, options, logins);
    else {
      socket.on("data", (data: Buffer) => void inClear.push(Buffer.from(data)));
      serve(socket, socket, options, logins);
    }
  };
  const server: Server =
    options.strict === true
      ? tls.createServer({ ...options.certificate, ALPNProtocols: ["tds/8.0"] }, accept).on("tlsClientError", () => {})
      : createServer(accept);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    logins,
    inClear,
    open: () => sockets.size,
    hangUp,
    async close(): Promise<void> {
      hangUp();
      server.close();
      await once(server, "close");
    },
  };
}

/** Speaks with one client. After the handshake of TDS 7.4 it goes on over `stream`. */
function serve(socket: Socket, stream: Duplex, options: TdsOptions, logins: string[]): void {
  let waiting = Buffer.alloc(0);
  let message: Buffer[] = [];
  let encrypted: Encrypted | undefined;
  const send = (tokens: Buffer): void => void stream.write(frame(packet.response, tokens));

  function take(type: number, body: Buffer): void {
    if (type === packet.prelogin && encrypted !== undefined) encrypted.inner.push(body);
    else if (type === packet.prelogin) {
      const { certificate } = options;
      const encrypts = certificate !== undefined && options.strict !== true && stream === socket;
      send(prelogin(encrypts ? 1 : 2));
      if (encrypts) encrypted = startTls(socket, certificate, (secure) => serve(socket, secure, options, logins));
    } else if (type === packet.login && options.refusal !== undefined) {
      send(Buffer.concat([errorToken(options.refusal), done(0xfd, 2)]));
    } else if (type === packet.login) {
      logins.push(loginName(body));
      send(Buffer.concat([...environment, loginAck, done(0xfd, 0)]));
    } else if (type === packet.attention) {
      send(done(0xfd, 0)); // the end of what was asked before
      send(done(0xfd, 0x20));
    } else {
      const asked =
        type === packet.rpc ? parseRpc(body) : { text: withoutHeaders(body).toString("utf16le"), declared: undefined };
      const reply = options.answer({ ...asked, hangUp: () => socket.destroy() });
      if (reply !== undefined && !stream.destroyed) send(tokens(reply, type === packet.rpc));
    }
  }

  stream.on("data", (data: Buffer) => {
    if (encrypted !== undefined && (encrypted.isReady || data[0] !== packet.prelogin)) {
      encrypted.isReady = true;
      return void encrypted.inner.push(data);
    }
    waiting = Buffer.concat([waiting, data]);
    while (waiting.length >= 8 && waiting.length >= waiting.readUInt16BE(2)) {
      const length = waiting.readUInt16BE(2);
      const [type, status] = [waiting.readUInt8(0), waiting.readUInt8(1)];
      message.push(waiting.subarray(8, length));
      waiting = waiting.subarray(length);
      if ((status & 1) === 0) continue;
      const body = Buffer.concat(message.splice(0));
      message = [];
      take(type, body);
    }
  });
}

interface Encrypted {
  readonly inner: Duplex;
  /** Until the client's first word after it, the handshake travels inside packets (§3.2.5.2); then it is the other way round. */
  isReady: boolean;
}

function startTls(
  socket: Socket,
  certificate: NonNullable<TdsOptions["certificate"]>,
  serveSecure: (secure: Duplex) => void,
): Encrypted {
  const inner = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, next) =>
      void socket.write(encrypted.isReady ? chunk : frame(packet.prelogin, chunk), () => next()),
  });
  const encrypted: Encrypted = { inner, isReady: false };
  const secure = new tls.TLSSocket(inner, { isServer: true, ...certificate, maxVersion: "TLSv1.2" });
  secure.on("error", () => socket.destroy());
  serveSecure(secure);
  return encrypted;
}

function frame(type: number, body: Buffer): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at === 0 || at < body.length; at += 4000) {
    const part = body.subarray(at, at + 4000);
    const header = Buffer.from([type, at + 4000 >= body.length ? 1 : 0, 0, 0, 0, 0, packets.length + 1, 0]);
    header.writeUInt16BE(part.length + 8, 2);
    packets.push(header, part);
  }
  return Buffer.concat(packets);
}

/** VERSION and ENCRYPTION (§2.2.6.5): 1 on, 2 not supported. */
function prelogin(encryption: number): Buffer {
  const options = [0x00, 0, 11, 0, 6, 0x01, 0, 17, 0, 1, 0xff];
  return Buffer.from([...options, 16, 0, 0, 0, 0, 0, encryption]);
}

/** LOGIN7 (§2.2.6.4): offset and length of the user's name are at 40. */
function loginName(body: Buffer): string {
  const at = body.readUInt16LE(40);
  return body.toString("utf16le", at, at + 2 * body.readUInt16LE(42));
}

function withoutHeaders(body: Buffer): Buffer {
  return body.subarray(body.readUInt32LE(0));
}

/** RPC (§2.2.6.6) of sp_executesql: the statement, then the declaration of its parameters. */
function parseRpc(body: Buffer): { text: string; declared: string | undefined } {
  const call = withoutHeaders(body).subarray(6);
  const [text, end] = parseText(call, 0);
  return { text, declared: end < call.length ? parseText(call, end)[0] : undefined };
}

/** A parameter of type nvarchar, and where the next one begins. */
function parseText(bytes: Buffer, start: number): [string, number] {
  let at = start + 1 + 2 * bytes.readUInt8(start) + 1; // name, status
  const longest = bytes.readUInt16LE(at + 1);
  at += 8; // type, length, collation
  if (longest !== 0xffff) {
    const length = bytes.readUInt16LE(at);
    return [bytes.toString("utf16le", at + 2, at + 2 + length), at + 2 + length];
  }
  const chunks: Buffer[] = [];
  for (at += 8; ; ) {
    const length = bytes.readUInt32LE(at);
    at += 4;
    if (length === 0) return [Buffer.concat(chunks).toString("utf16le"), at];
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
}

const collation = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]); // SQL_Latin1_General_CP1_CI_AS

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "utf16le")]);
}

function token(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.from([type, 0, 0]);
  header.writeUInt16LE(body.length, 1);
  return Buffer.concat([header, body]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u16(value: number): Buffer {
  return u32(value).subarray(0, 2);
}

const environment = [
  token(0xe3, Buffer.from([1]), short("attestry"), short("master")),
  token(0xe3, Buffer.from([7, 5]), collation, Buffer.from([0])),
  token(0xe3, Buffer.from([4]), short("4096"), short("4096")),
];
const loginAck = token(0xad, Buffer.from([1, 0x74, 0, 0, 4]), short("stand-in"), Buffer.from([16, 0, 0, 0]));

function done(type: number, status: number, count = 0): Buffer {
  return Buffer.concat([Buffer.from([type]), u16(status), u16(0), u32(count), u32(0)]);
}

function errorToken({ number, class: severity = 14, message = "no" }: NonNullable<Reply["error"]>): Buffer {
  const text = Buffer.concat([u16(message.length), Buffer.from(message, "utf16le")]);
  return token(0xaa, u32(number), Buffer.from([1, severity]), text, short("stand-in"), short(""), u32(1));
}

function tokens({ columns = [], rows, affected = rows?.length ?? 0, error }: Reply, isCall: boolean): Buffer {
  const status = (error === undefined ? 0 : 2) | 0x10;
  const end = isCall
    ? [done(0xff, status | 1, affected), Buffer.from([0x79, 0, 0, 0, 0]), done(0xfe, error === undefined ? 0 : 2)]
    : [done(0xfd, status, affected)];
  const body = rows === undefined ? [] : [metadata(rows, columns), ...rows.map(rowToken)];
  return Buffer.concat([...body, ...(error === undefined ? [] : [errorToken(error)]), ...end]);
}

type Value = NonNullable<Reply["rows"]>[number][number];

/** Each column has the type of its first value that is one. */
function metadata(rows: NonNullable<Reply["rows"]>, names: readonly string[]): Buffer {
  const width = rows[0]?.length ?? names.length;
  const columns = Array.from({ length: width }, (_, at) => {
    const sample = rows.map((row) => row[at]).find((value) => value !== null);
    return Buffer.concat([u32(0), u16(1), typeInfo(sample ?? 0), short(names[at] ?? "")]);
  });
  return Buffer.concat([Buffer.from([0x81]), u16(width), ...columns]);
}

function typeInfo(value: Value): Buffer {
  if (typeof value === "number") return Buffer.from([0x26, 4]);
  if (typeof value === "bigint") return Buffer.from([0x26, 8]);
  if (typeof value === "string") return Buffer.concat([Buffer.from([0xe7]), u16(8000), collation]);
  return Buffer.concat([Buffer.from([0xa5]), u16(8000)]);
}

function rowToken(row: readonly Value[]): Buffer {
  return Buffer.concat([Buffer.from([0xd1]), ...row.map(valueBytes)]);
}

function valueBytes(value: Value): Buffer {
  if (value === null) return Buffer.from([0]);
  if (typeof value === "number") return Buffer.concat([Buffer.from([4]), u32(value)]);
  if (typeof value === "bigint") {
    const bytes = Buffer.alloc(9, 8);
    bytes.writeBigInt64LE(value, 1);
    return bytes;
  }
  const bytes = typeof value === "string" ? Buffer.from(value, "utf16le") : Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}
