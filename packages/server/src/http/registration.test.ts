import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CborMap,
  checkInclusion,
  decodeCbor,
  encodeCbor,
  encodeProofFile,
  equalBytes,
  leafHash,
  parseCheckpoint,
  parseEvidence,
  parseNote,
  parseReceipt,
  parseStatement,
  receiptRoot,
  verify,
  withTreeEvidence,
} from "@attestry/core";
import { bytesOf, claimsOf, createIssuer, now, postCbor, postCose, startTestServer, trustIn } from "../testing.ts";

test("a batch is answered in its order, and one bad statement does not spoil the others", async (t) => {
  const server = await startTestServer(t);
  const [a, b] = [await server.issuer.statement(), await server.issuer.statement()];
  const forged = Uint8Array.from(b);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const stranger = await createIssuer().statement();
  const { checkpoints, entries } = await server.batch([a, Uint8Array.of(1, 2, 3), forged, stranger, b]);
  assert.equal(checkpoints.length, 1);
  const codes = entries.map((entry) => (entry.get("error") as CborMap | undefined)?.get("code"));
  assert.deepEqual(codes, [undefined, "MALFORMED_STATEMENT", "VERIFY_SIGNATURE", "POLICY_ISSUER_UNKNOWN", undefined]);
  assert.deepEqual([entries[0]?.get("index"), entries[4]?.get("index")], [0, 1]);
  assert.deepEqual([entries[0]?.get("isNew"), entries[4]?.get("isNew")], [true, true]);
  for (const [entry, statement] of [[entries[0], a] as const, [entries[4], b] as const]) {
    const parsed = parseStatement(statement);
    assert.deepEqual(entry?.get("leafHash"), leafHash(parsed.entry));
    const receipt = parseReceipt(entry?.get("receipt") as Uint8Array);
    const { rootHash, size } = parseCheckpoint(parseNote(checkpoints[0] as Uint8Array).text);
    assert.equal(size, receipt.size);
    assert.deepEqual(receiptRoot(receipt, leafHash(parsed.entry)), rootHash);
  }
});

test("what a batch answers makes a proof file that verifies offline", async (t) => {
  const server = await startTestServer(t);
  const statement = parseStatement(await server.issuer.statement());
  const { checkpoints, entries } = await server.batch([statement.entry]);
  const receipt = withTreeEvidence(parseReceipt(entries[0]?.get("receipt") as Uint8Array), {
    checkpoint: checkpoints[0] as Uint8Array,
    receiptKey: server.notary.receiptKey,
    verifierKeys: server.notary.verifierKeys,
  });
  const evidence = { coseKey: server.issuer.signer.publicKey };
  const proof = encodeProofFile({ statement, evidence, receipts: [receipt] });
  const report = await verify({ proof, digest: statement.digest, trust: trustIn(server.notary) });
  assert.equal(report.verdict, "verified");
});

test("registering the same statement again gives the first entry, within a batch and later, whatever travels beside it", async (t) => {
  const server = await startTestServer(t);
  const statement = await server.issuer.statement();
  const first = await server.batch([await server.issuer.statement(), statement, statement]);
  assert.deepEqual(first.entries.map((entry) => [entry.get("index"), entry.get("isNew")]), [[0, true], [1, true], [1, false]]); // biome-ignore format: one line reads better
  await server.batch([await server.issuer.statement()]);
  const bare = parseStatement(statement).entry;
  const again = await server.batch([bare]);
  assert.deepEqual([again.entries[0]?.get("index"), again.entries[0]?.get("isNew")], [1, false]);
  assert.equal(server.notary.status.head.size, 3);
  const root = parseCheckpoint(parseNote(again.checkpoints[0] as Uint8Array).text).rootHash;
  assert.deepEqual(receiptRoot(parseReceipt(again.entries[0]?.get("receipt") as Uint8Array), leafHash(bare)), root);
});

test("a batch of nothing but refusals, and an empty one, have answers too", async (t) => {
  const server = await startTestServer(t);
  const refused = await server.batch([Uint8Array.of(0)]);
  assert.deepEqual([refused.checkpoints.length, refused.entries.length], [0, 1]);
  const empty = await server.batch([]);
  assert.deepEqual([empty.checkpoints.length, empty.entries.length], [0, 0]);
  assert.equal(server.notary.status.head.size, 0);
});

test("SCRAPI: a statement gets 201, its receipt with a checkpoint, and the address where that can be had again", async (t) => {
  const server = await startTestServer(t);
  const statement = await server.issuer.statement();
  const response = await server.fetch("/entries", postCose(statement));
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("content-type"), "application/cose");
  assert.equal(response.headers.get("location"), "/entries/0");
  const receipt = parseReceipt(await bytesOf(response));
  const leaf = leafHash(parseStatement(statement).entry);
  const { rootHash } = parseCheckpoint(parseNote(receipt.evidence.checkpoint as Uint8Array).text);
  checkInclusion({ index: receipt.index, size: receipt.size, path: receipt.path, leafHash: leaf, root: rootHash });
  const later = await server.fetch("/entries/0");
  assert.equal(later.status, 200);
  assert.ok(equalBytes(receiptRoot(parseReceipt(await bytesOf(later)), leaf), rootHash));
  const parsed = parseStatement(statement);
  const evidence = parseEvidence(parsed.unprotected);
  const withReceipt = encodeProofFile({
    statement: parsed,
    evidence,
    receipts: [await bytesOf(await server.fetch("/entries/0"))],
  });
  const report = await verify({ proof: withReceipt, digest: parsed.digest, trust: trustIn(server.notary) });
  assert.equal(report.verdict, "verified");
});

test("SCRAPI: refusals are concise problem documents in CBOR (RFC 9290)", async (t) => {
  const server = await startTestServer(t);
  const expected: [Uint8Array, number, string][] = [
    [Uint8Array.of(0xff), 400, "MALFORMED_STATEMENT"],
    [await createIssuer().statement(), 403, "POLICY_ISSUER_UNKNOWN"],
    [await server.issuer.statement({ issuedAt: now() + 4000 }), 422, "POLICY_CLAIMS"],
    [new Uint8Array(300 * 1024), 413, "POLICY_TOO_LARGE"],
  ];
  for (const [body, status, code] of expected) {
    const response = await server.fetch("/entries", postCose(body));
    assert.equal(response.status, status, code);
    assert.equal(response.headers.get("content-type"), "application/concise-problem-details+cbor");
    const problem = decodeCbor(await bytesOf(response)) as CborMap;
    assert.deepEqual([problem.get("code"), problem.get(-4)], [code, status]);
    assert.ok(typeof problem.get(-1) === "string" && typeof problem.get(-2) === "string");
  }
});

test("every curve that statements may be signed with registers", async (t) => {
  const server = await startTestServer(t);
  for (const kind of ["P-256", "P-384", "ed25519"] as const) {
    const issuer = createIssuer(kind);
    await server.notary.issuers.addKey(issuer.signer.publicKey);
    const { entries } = await server.batch([await issuer.statement()]);
    assert.equal(entries[0]?.get("isNew"), true, kind);
  }
});

test("a statement's claims and issuer are held to what the notary knows", async (t) => {
  const server = await startTestServer(t);
  const { issuers } = server.notary;
  const other = createIssuer();
  await issuers.addKey(other.signer.publicKey, "https://kent.example");
  const revoked = createIssuer();
  const { id } = await issuers.addKey(revoked.signer.publicKey);
  const early = await revoked.statement();
  await server.batch([early]);
  await issuers.revoke(id, "key lost");
  const statements = [
    await server.issuer.statement({ issuedAt: now() + 290 }),
    await server.issuer.statement({ issuedAt: now() + 400 }),
    await server.issuer.statement({ issuedAt: 0 }),
    await server.issuer.statement({ issuer: "https://kent.example" }),
    await other.statement(),
    await other.statement({ issuer: "https://kent.example" }),
    await revoked.statement(),
    early,
  ];
  const { entries } = await server.batch(statements);
  assert.deepEqual(
    entries.map((entry) => (entry.get("error") as CborMap | undefined)?.get("code") ?? entry.get("isNew")),
    [
      true,
      "POLICY_CLAIMS",
      true,
      "VERIFY_ISSUER",
      "VERIFY_ISSUER",
      true,
      "POLICY_ISSUER_REVOKED",
      "POLICY_ISSUER_REVOKED",
    ],
  );
  assert.equal(claimsOf("x").issuer, "x");
});

test("bodies of the wrong kind are refused with their own code", async (t) => {
  const server = await startTestServer(t, { maxBatchBytes: 5000, maxBatchStatements: 3 });
  const statement = await server.issuer.statement();
  const many = Array.from({ length: 4 }, () => Uint8Array.of(1));
  const expected: [string, RequestInit, number, string][] = [
    ["/v1/entries", postCbor("not an array"), 400, "MALFORMED_REQUEST"],
    ["/v1/entries", postCbor([statement, 7]), 400, "MALFORMED_REQUEST"],
    ["/v1/entries", { ...postCbor([]), body: Uint8Array.of(0x9f, 0xff) as BodyInit }, 400, "MALFORMED_CBOR"],
    ["/v1/entries", { ...postCbor([]), body: "" }, 400, "MALFORMED_CBOR"],
    ["/v1/entries", postCbor(many), 413, "POLICY_TOO_LARGE"],
    ["/v1/entries", postCbor([new Uint8Array(6000)]), 413, "POLICY_TOO_LARGE"],
    ["/v1/entries", { ...postCose(encodeCbor([statement])) }, 415, "MALFORMED_REQUEST"],
    [
      "/v1/entries",
      { method: "POST", headers: { "content-type": "application/json" }, body: "[]" },
      415,
      "MALFORMED_REQUEST",
    ],
    ["/v1/entries", { method: "PUT", body: "x" }, 404, "NOT_FOUND"],
  ];
  for (const [path, init, status, code] of expected) {
    const response = await server.fetch(path, init);
    const problem = (await response.json()) as { code: string; status: number };
    assert.deepEqual([response.status, problem.code, problem.status], [status, code, status]);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
  }
});

test("a chunked body is held to its limit as it arrives", async (t) => {
  const server = await startTestServer(t, { maxBatchBytes: 5000 });
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1000;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const init = { method: "POST", headers: { "content-type": "application/cbor" }, body, duplex: "half" };
  const outcome = await server.fetch("/v1/entries", init as RequestInit).then(
    (response) => response.status,
    () => "cut", // the connection may close under the client before it has read the answer
  );
  assert.ok(outcome === 413 || outcome === "cut", String(outcome));
  assert.ok(sent < 5_000_000);
  assert.equal((await server.fetch("/healthz")).status, 200);
});
