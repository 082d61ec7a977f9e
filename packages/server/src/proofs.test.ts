import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import {
  type Check,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  parseStatement,
  type QuotedCheckpoint,
  verify,
} from "@attestry/core";
import { createNotaryClient } from "@attestry/core/client";
import { pino } from "pino";
import { bytesOf, startTestServer, type TestServer, trustIn } from "./testing.ts";

const checkNotBefore = async (
  proof: Uint8Array,
  trust: Parameters<typeof verify>[0]["trust"],
): Promise<[string, Check["status"] | undefined]> => {
  const { digest } = parseProofFile(proof).statement;
  const { verdict, checks } = await verify({ proof, digest, trust });
  return [verdict, checks.find(({ name }) => name === "not_before")?.status];
};

test("the proof of a statement that quotes a checkpoint of the log carries it, from registration and from the notary alike", async (t) => {
  const server = await startTestServer(t);
  const notary = createNotaryClient({ url: server.url });
  assert.equal(await notary.newestCheckpoint(), undefined); // nothing in the log yet
  await server.batch([await server.issuer.statement()]);
  const after = (await notary.newestCheckpoint()) as QuotedCheckpoint;
  assert.deepEqual([after.origin, after.size], [server.notary.origin, 1]);
  await server.batch([await server.issuer.statement()]);

  const [quoting, plain] = await notary.register([
    await server.issuer.statement({ after }),
    await server.issuer.statement(),
  ]);
  assert.ok(quoting !== undefined && "proof" in quoting && plain !== undefined && "proof" in plain);
  const trust = trustIn(server.notary);
  for (const proof of [quoting.proof, await server.notary.proofFile(quoting.index)]) {
    assert.deepEqual(await checkNotBefore(proof, trust), ["verified", "pass"]);
    const note = parseProofFile(proof).evidence.checkpointAfter as Uint8Array;
    assert.equal(parseCheckpoint(parseNote(note).text).size, 1);
  }
  assert.deepEqual(await checkNotBefore(plain.proof, trust), ["verified", undefined]);
  const entry = await notary.entry(quoting.index);
  assert.deepEqual(entry.after, { ...after, rootHash: after.rootHash.toHex() });
  assert.equal("after" in (await notary.entry(plain.index)), false);
});

test("what a statement quotes of another log, of another tree or of no head is taken in, and proven by nothing", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement(), await server.issuer.statement()]); // one head, of two entries
  const notary = createNotaryClient({ url: server.url });
  const after = (await notary.newestCheckpoint()) as QuotedCheckpoint;
  const otherRoot = parseStatement(await server.issuer.statement()).digest;
  const quotes: Partial<QuotedCheckpoint>[] = [
    { origin: "another.example/log" },
    { rootHash: otherRoot },
    { size: 1 },
    { size: 1_000 },
  ];
  for (const change of quotes) {
    const [registered] = await notary.register([await server.issuer.statement({ after: { ...after, ...change } })]);
    assert.ok(registered !== undefined && "proof" in registered);
    for (const proof of [registered.proof, await server.notary.proofFile(registered.index)]) {
      assert.equal(parseProofFile(proof).evidence.checkpointAfter, undefined);
      assert.deepEqual(await checkNotBefore(proof, trustIn(server.notary)), ["verified", "unknown"]);
    }
  }
});

test("a checkpoint that the log did not sign is not handed out for quoting", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  const note = await (await server.fetch("/log/checkpoint")).text();
  const unsigned = `${note.split("\n").slice(0, 5).join("\n")}\n`;
  const answering = (body: string): typeof fetch =>
    (async (input, init) =>
      String(input instanceof Request ? input.url : input).endsWith("/log/checkpoint")
        ? new Response(body)
        : fetch(input, init)) as typeof fetch;
  const through = (body: string) => createNotaryClient({ url: server.url, fetch: answering(body) }).newestCheckpoint();
  assert.equal((await through(note))?.size, 1);
  await assert.rejects(through(unsigned), { code: "VERIFY_CHECKPOINT" });
});

/** A server with two entries, the errors that it logs, and its database. */
async function startWithTwo(t: TestContext): Promise<{ server: TestServer; db: DatabaseSync; logged: string[] }> {
  const logged: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
  const first = await startTestServer(t);
  for (const _each of [0, 1]) await first.batch([await first.issuer.statement()]);
  await first.close();
  const server = await startTestServer(t, { data: first.data, logger }); // with no tile in memory
  const db = new DatabaseSync(join(server.data, "log.db"), { timeout: 5000 });
  t.after(() => db.close());
  return { server, db, logged };
}

for (const [what, table, column, where, index] of [
  ["an entry changed", "entry", "entry", "idx = 0", 0],
  ["a tile's hash changed", "tile", "hashes", "level = 0", 1],
  ["a head's root hash changed", "head", "root_hash", "size = 1", 0],
  ["a head's note signature changed", "head", "note_signature", "size = 1", 0],
  ["a head's receipt signature changed", "head", "receipt_signature", "size = 1", 0],
] as const) {
  test(`damage is told as the notary's own fault, with no proof that does not hold: ${what}`, async (t) => {
    const { server, db, logged } = await startWithTwo(t);
    const row = db.prepare(`SELECT ${column} AS value FROM ${table} WHERE ${where}`).get();
    const value = row?.["value"] as Uint8Array;
    // a tile is read once; its first hash is on the path of entry 1
    for (const at of table === "tile" ? [0] : [0, value.length >> 1, value.length - 1]) {
      const damaged = value.with(at, (value[at] as number) ^ 1);
      db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(damaged);
      for (const path of [`/v1/entries/${index}/proof`, `/entries/${index}`]) {
        const answer = await server.fetch(path);
        assert.equal(answer.status, 500, `byte ${at}: ${path}`);
        assert.match(new TextDecoder().decode(await bytesOf(answer)), /attestry audit/);
      }
    }
    assert.match(logged.join(""), /Run attestry audit/);
  });
}
