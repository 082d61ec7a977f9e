/** A process of its own that stores 300 MB and reads them back over HTTP; it tells how much its resident memory grew. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { encodeHex } from "@attestry/core";
import { startServer } from "../server.ts";
import { createIssuer, postCose } from "../testing.ts";

const [data = ""] = process.argv.slice(2);
const server = await startServer({ data, port: 0 });
const issuer = createIssuer();
await server.notary.issuers.addKey(issuer.signer.publicKey);
const { readPrivateFile } = await import("../keys/private-file.ts");
const token = (await readPrivateFile(`${data}/admin.token`)).trim();
const authorization = `Bearer ${token}`;

const piece = Buffer.alloc(1024 * 1024, "some of it ");
const pieces = 300;

function hashOf(count: number): Uint8Array {
  const hash = createHash("sha256");
  for (let at = 0; at < count; at++) hash.update(piece);
  return hash.digest();
}

/** Sends so many pieces under their hash and reads them back. */
async function roundTrip(count: number): Promise<boolean> {
  const digest = hashOf(count);
  const path = `${server.url}/v1/objects/${encodeHex(digest)}`;
  await fetch(`${server.url}/entries`, postCose(await issuer.statement({ digest })));
  const length = String(count * piece.length);
  const put = request(path, { method: "PUT", headers: { authorization, "content-length": length } });
  const answered = once(put, "response") as Promise<[IncomingMessage]>;
  for (let at = 0; at < count; at++) if (!put.write(piece)) await once(put, "drain");
  put.end();
  const [answer] = await answered;
  answer.resume();
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  const got = request(`${path}/content`, { headers: { authorization } }).end();
  const [content] = (await once(got, "response")) as [IncomingMessage];
  const hash = createHash("sha256");
  for await (const part of content) hash.update(part as Buffer);
  return hash.digest().equals(digest);
}

await roundTrip(20); // what is loaded and allocated once
const before = process.memoryUsage.rss();
let most = before;
const timer = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 20);
const isSame = await roundTrip(pieces);
clearInterval(timer);
process.send?.({ grown: Math.round((most - before) / 1e6), isSame });
await server.close();
process.disconnect?.();
