import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  checkNote,
  createFrontier,
  createNoteSigner,
  createVerifierKey,
  encodeAddCheckpoint,
  encodeCheckpoint,
  encodeHex,
  encodeUtf8,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  parseReceipt,
  parseSignatureLines,
  parseVerifierKey,
  proveConsistency,
  sha256,
  signatureType,
  signNote,
  type Trust,
  verify,
} from "@attestry/core";
import { pino } from "pino";
import { until } from "../postgres/testing/until.ts";
import { startServer } from "../server.ts";
import { bytesOf, randomDigest, refusal, signerOf, startTestServer, temporaryFolder, trustIn } from "../testing.ts";
import { type RunningWitness, startWitness } from "./server.ts";
import { openWitnessState } from "./state.ts";

const origin = "log.example/test";

/** A log without a notary, so that it can misbehave. */
function createLog(prefix = "leaf") {
  const signer = signerOf(generateKeyPairSync("ed25519").privateKey);
  return createLogOf(signer, prefix);
}

function createLogOf(signer: ReturnType<typeof signerOf>, prefix: string) {
  const noteSigner = createNoteSigner(origin, signer, signatureType.ed25519);
  const nodes = new Map<string, Uint8Array>();
  const roots: Uint8Array[] = [createFrontier().root()];
  const frontier = createFrontier();
  for (let i = 0; i < 40; i++) {
    frontier.append(leafHash(encodeUtf8(`${prefix} ${i}`)), (level, index, hash) =>
      nodes.set(`${level}/${index}`, hash),
    );
    roots.push(frontier.root());
  }
  const read = (level: number, index: number): Uint8Array => nodes.get(`${level}/${index}`) as Uint8Array;
  return {
    signer,
    vkey: createVerifierKey(origin, signer.publicKey, signatureType.ed25519).text,
    async request(
      oldSize: number,
      size: number,
      options: { path?: Uint8Array[]; name?: string } = {},
    ): Promise<Uint8Array> {
      const text = encodeCheckpoint({
        origin: options.name ?? origin,
        size,
        rootHash: roots[size] as Uint8Array,
        extensions: [],
      });
      const path = options.path ?? (oldSize <= size ? proveConsistency(oldSize, size, read) : []);
      return encodeAddCheckpoint({ oldSize, path, checkpoint: await signNote(text, [noteSigner]) });
    },
  };
}

async function runWitness(
  t: TestContext,
  logs: readonly string[],
  data = temporaryFolder(t),
): Promise<RunningWitness & { data: string }> {
  const witness = await startWitness({ data, logs, port: 0 });
  t.after(() => witness.close());
  return { ...witness, data };
}

async function add(
  witness: RunningWitness,
  body: Uint8Array,
): Promise<{ status: number; text: string; type: string | null }> {
  const response = await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body: body as BodyInit });
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
}

test("a witness cosigns what continues the last checkpoint, with both of its keys", async (t) => {
  const log = createLog();
  const witness = await runWitness(t, [log.vkey]);
  for (const [from, to] of [
    [0, 0],
    [0, 5],
    [5, 5],
    [5, 8],
    [8, 33],
  ] as const) {
    const body = await log.request(from, to);
    const { status, text } = await add(witness, body);
    assert.equal(status, 200, `${from} to ${to}: ${text}`);
    const note = parseNote(Buffer.from(body).toString().split("\n\n").slice(1).join("\n\n"));
    const signatures = parseSignatureLines(text);
    const { verified, cosignatures } = await checkNote({ text: note.text, signatures }, witness.witness.verifierKeys);
    assert.equal(verified.length, 2);
    assert.ok(cosignatures.every(({ timestamp }) => Math.abs(timestamp - Date.now() / 1000) < 60));
  }
  const latest = await fetch(`${witness.url}/${encodeHex(sha256(encodeUtf8(origin)))}/checkpoint`);
  const note = parseNote(await bytesOf(latest));
  assert.equal(parseCheckpoint(note.text).size, 33);
  const keys = (await (await fetch(`${witness.url}/verifier-keys`)).text()).trim().split("\n").map(parseVerifierKey);
  const checked = await checkNote(note, [parseVerifierKey(log.vkey), ...keys]);
  assert.equal(checked.verified.length, 3, "it carries the log's signature and both of the witness's");
  assert.match(await (await fetch(witness.url)).text(), /33 entries/);
});

test("each refusal has its status", async (t) => {
  const log = createLog();
  const forger = createLog();
  const witness = await runWitness(t, [log.vkey]);
  await add(witness, await log.request(0, 10));
  const expected: [string, Uint8Array, number][] = [
    ["not a request", encodeUtf8("hello"), 400],
    ["nothing", new Uint8Array(), 400],
    ["old size beyond the checkpoint's", await log.request(12, 11), 400],
    ["another key", await forger.request(10, 11), 403],
    ["an unknown log", await log.request(10, 11, { name: "other.example" }), 404],
    ["an old size that is not the witness's", await log.request(9, 11), 409],
    ["an old size of 0 for a log that it knows", await log.request(0, 11), 409],
    ["no proof", await log.request(10, 11, { path: [] }), 422],
    ["a proof too many", await log.request(10, 10, { path: [randomDigest()] }), 422],
    ["a wrong proof", await log.request(10, 11, { path: [randomDigest(), randomDigest(), randomDigest()] }), 422],
  ];
  for (const [what, body, status] of expected) assert.equal((await add(witness, body)).status, status, what);
  const conflict = await add(witness, await log.request(9, 11));
  assert.deepEqual([conflict.text, conflict.type], ["10\n", "text/x.tlog.size"]);
  assert.equal((await add(witness, new Uint8Array(70_000))).status, 413);
  assert.equal((await fetch(`${witness.url}/${"0".repeat(64)}/checkpoint`)).status, 404);
});

test("a forked log is refused at the same size and at a larger one, across a restart too", async (t) => {
  const log = createLog("leaf");
  const fork = createLogOf(log.signer, "other");
  const first = await runWitness(t, [log.vkey]);
  assert.equal((await add(first, await log.request(0, 10))).status, 200);
  assert.equal((await add(first, await fork.request(10, 10))).status, 422);
  assert.equal((await add(first, await fork.request(10, 12))).status, 422);
  await first.close();
  const again = await runWitness(t, [log.vkey], first.data);
  assert.equal(again.witness.verifierKeys[0]?.text, first.witness.verifierKeys[0]?.text);
  assert.equal((await add(again, await fork.request(10, 12))).status, 422);
  assert.equal((await add(again, await fork.request(0, 12))).status, 409);
  assert.equal((await add(again, await log.request(10, 12))).status, 200);
});

test("of many at once, one new head is cosigned a step, and never two roots of one size", async (t) => {
  const log = createLog("leaf");
  const fork = createLogOf(log.signer, "other");
  const witness = await runWitness(t, [log.vkey]);
  const bodies = await Promise.all([
    ...Array.from({ length: 20 }, () => log.request(0, 7)),
    ...Array.from({ length: 20 }, () => fork.request(0, 7)),
  ]);
  const answers = await Promise.all(bodies.map((body) => add(witness, body)));
  const good = answers.map(({ status }) => status === 200);
  assert.equal(good.filter(Boolean).length, 1, "the first moves it from 0 to 7, the others come too late");
  assert.ok(answers.every(({ status, text }) => status === 200 || (status === 409 && text === "7\n")));
  const honest = good.indexOf(true) < 20 ? log : fork;
  const other = honest === log ? fork : log;
  assert.equal((await add(witness, await honest.request(7, 7))).status, 200);
  assert.equal((await add(witness, await other.request(7, 7))).status, 422);
});

test("a witness's data is one process's, and damage to it is said to be that", async (t) => {
  const log = createLog();
  const witness = await runWitness(t, [log.vkey]);
  await assert.rejects(startWitness({ data: witness.data, logs: [log.vkey], port: 0 }), {
    code: "CONFLICT_LOCKED",
    message: `Another process is using the data folder ${witness.data}. Stop it, or name another folder: --data DIR.`,
  });
  await witness.close();
  const path = join(witness.data, "witness.db");
  const state = openWitnessState(path);
  assert.equal(state.advance(origin, 0, { size: 3, rootHash: randomDigest(), note: "" }), true);
  assert.equal(state.advance(origin, 0, { size: 4, rootHash: randomDigest(), note: "" }), false);
  assert.equal(
    state.advance(origin, 3, { size: 3, rootHash: randomDigest(), note: "" }),
    false,
    "another root of that size",
  );
  assert.equal(state.read(origin)?.size, 3);
  state.close();
  writeFileSync(path, readFileSync(path).fill(0xa5, 100, 4096));
  assert.throws(() => openWitnessState(path).read(origin), refusal("FATAL_CORRUPT"));
});

test("a witness whose memory is gone does not begin anew under its old keys", async (t) => {
  const log = createLog();
  const witness = await runWitness(t, [log.vkey]);
  const { data } = witness;
  await witness.close();
  const again = () => startWitness({ data, logs: [log.vkey], port: 0 });
  for (const forget of [() => rmSync(join(data, "witness.db")), () => writeFileSync(join(data, "witness.db"), "")]) {
    forget();
    await assert.rejects(again(), { code: "FATAL_CORRUPT", message: /Put that back from a backup/ });
  }
});

test("a witness and a notary have a folder each, and neither begins in the other's", async (t) => {
  const log = createLog();
  const witness = await runWitness(t, [log.vkey]);
  await witness.close();
  const notary = await startTestServer(t);
  await notary.close();
  const before = readdirSync(notary.data);
  const inNotarys = startWitness({ data: notary.data, logs: [log.vkey], port: 0 });
  await assert.rejects(inNotarys, { code: "USAGE", message: /^\S+ is a notary's\. .* --data DIR\.$/ });
  assert.deepEqual(readdirSync(notary.data), before);
  const inWitnesss = startServer({ data: witness.data, port: 0 });
  await assert.rejects(inWitnesss, { code: "USAGE", message: /^\S+ is a witness's\. .* --data DIR\.$/ });
});

/** An address at which nobody listens. */
const nowhere = "http://127.0.0.1:1";

test("with three witnesses of which one is down, answers carry the quorum's cosignatures, and so do proofs", async (t) => {
  const data = temporaryFolder(t);
  const first = await startTestServer(t, { data });
  const { verifierKeys } = first.notary;
  await first.close();
  const up = [await runWitness(t, verifierKeys), await runWitness(t, verifierKeys)];
  const down = await runWitness(t, verifierKeys);
  await down.close();
  const options = [...up, { ...down, url: nowhere }].map(({ url, witness }) => ({
    url,
    verifierKeys: witness.verifierKeys.map(({ text }) => text),
  }));
  const server = await startTestServer(t, { data, witnesses: options, witnessWait: 20_000 });
  const digest = randomDigest();
  const { checkpoints } = await server.batch([await server.issuer.statement({ digest })]);
  const witnessKeys = up.flatMap(({ witness }) => witness.verifierKeys);
  const { cosignatures } = await checkNote(parseNote(checkpoints[0] as Uint8Array), witnessKeys);
  assert.deepEqual(new Set(cosignatures.map(({ key }) => key.name)).size, 2);

  const trust = { ...trustIn(server.notary), witnesses: witnessKeys, quorum: 2 };
  const proof = await bytesOf(await server.fetch("/v1/entries/0/proof"));
  const report = await verify({ proof, digest, trust });
  assert.equal(report.verdict, "verified", report.summary);
  assert.equal(report.notAfter?.independent, true);
  const served = parseNote(await bytesOf(await server.fetch("/log/checkpoint")));
  assert.equal((await checkNote(served, witnessKeys)).cosignatures.length, 4);
  const scrapi = parseReceipt(await bytesOf(await server.fetch("/entries/0")));
  assert.equal(
    (await checkNote(parseNote(scrapi.evidence.checkpoint as Uint8Array), witnessKeys)).cosignatures.length,
    4,
  );
  const status = (await (await server.fetch("/v1/status")).json()) as {
    witnesses: { healthy: boolean; lastSize: number }[];
  };
  assert.deepEqual(status.witnesses.slice(0, 2).map(({ healthy, lastSize }) => [healthy, lastSize]), [[true, 1], [true, 1]]); // biome-ignore format: one line reads better

  // The cosigned checkpoint outlives the process, and an early entry keeps the early one.
  await server.close();
  const again = await startTestServer(t, { data, witnesses: options, witnessWait: 20_000 });
  await again.batch([await again.issuer.statement()]);
  const kept = parseProofFile(await bytesOf(await again.fetch("/v1/entries/0/proof")));
  assert.equal(kept.receipts[0]?.size, 1);
});

test("a witness that joins later does not set an entry's time forward for those who trust the log's clock alone", async (t) => {
  const data = temporaryFolder(t);
  let time = Date.now() - 10_000_000;
  const clock = (): number => time;
  const first = await startTestServer(t, { data, clock });
  const { verifierKeys } = first.notary;
  const digest = randomDigest();
  const registered = Math.floor(time / 1000);
  await first.batch([await first.issuer.statement({ digest, issuedAt: registered })]);
  time += 9_000_000;
  await first.batch([await first.issuer.statement({ issuedAt: registered })]);
  await first.close();
  const { url, witness } = await runWitness(t, verifierKeys);
  const witnesses = [{ url, verifierKeys: witness.verifierKeys.map(({ text }) => text) }];
  const server = await startTestServer(t, { data, clock, witnesses, witnessWait: 20_000 });
  await server.batch([await server.issuer.statement({ issuedAt: registered })]);
  const proof = await bytesOf(await server.fetch("/v1/entries/0/proof"));
  const timeBy = async (trust: Trust) => (await verify({ proof, digest, trust })).notAfter;
  assert.deepEqual(
    [parseProofFile(proof).receipts.length, (await timeBy(trustIn(server.notary)))?.time],
    [2, registered],
  );
  const cosigned = await timeBy({ ...trustIn(server.notary), witnesses: [...witness.verifierKeys], quorum: 1 });
  assert.deepEqual([cosigned?.independent, (cosigned?.time ?? 0) > registered], [true, true]);
});

test("without a quorum answers go out after the wait, uncosigned, and registration goes on", async (t) => {
  const witness = {
    url: nowhere,
    verifierKeys: (await runWitness(t, [createLog().vkey])).witness.verifierKeys.map(({ text }) => text),
  };
  const server = await startTestServer(t, { witnesses: [witness], witnessWait: 50 });
  const { checkpoints, entries } = await server.batch([await server.issuer.statement()]);
  assert.equal(entries[0]?.get("isNew"), true);
  const { verified } = await checkNote(
    parseNote(checkpoints[0] as Uint8Array),
    server.notary.verifierKeys.map(parseVerifierKey),
  );
  assert.equal(verified.length, 2);
  await until(async () => {
    const status = (await (await server.fetch("/v1/status")).json()) as { witnesses: { healthy: boolean }[] };
    return status.witnesses[0]?.healthy === false;
  });
  const metrics = await (await server.fetch("/metrics")).text();
  assert.match(metrics, /attestry_witness_healthy\{witness="[^"]+"\} 0/);
  assert.match(metrics, /attestry_witness_refuses\{witness="[^"]+"\} 0/); // it is only away
});

test("a log that was put back to an older copy is told so by its witness", async (t) => {
  const data = temporaryFolder(t);
  const first = await startTestServer(t, { data });
  const { verifierKeys } = first.notary;
  await first.batch([await first.issuer.statement()]);
  await first.close();
  const copy = temporaryFolder(t);
  cpSync(data, copy, { recursive: true });
  const witness = await runWitness(t, verifierKeys);
  const witnesses = [{ url: witness.url, verifierKeys: witness.witness.verifierKeys.map(({ text }) => text) }];
  const ahead = await startTestServer(t, { data, witnesses, witnessWait: 20_000 });
  await ahead.batch([await ahead.issuer.statement(), await ahead.issuer.statement()]);
  await ahead.close();
  const lines: { level: number; code?: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const behind = await startTestServer(t, { data: copy, witnesses, witnessWait: 100, logger });
  const answer = await behind.batch([await behind.issuer.statement(), await behind.issuer.statement()]);
  const { verified } = await checkNote(
    parseNote(answer.checkpoints[0] as Uint8Array),
    behind.notary.verifierKeys.map(parseVerifierKey),
  );
  assert.equal(verified.length, 2);
  await until(() => behind.notary.status.witnesses[0]?.problem !== undefined);
  assert.match(behind.notary.status.witnesses[0]?.problem ?? "", /older|old copy/);
  const status = (await (await behind.fetch("/v1/status")).json()) as { witnesses: { code?: string }[] };
  assert.equal(status.witnesses[0]?.code, "VERIFY_CONSISTENCY");
  assert.match(await (await behind.fetch("/metrics")).text(), /attestry_witness_refuses\{witness="[^"]+"\} 1/);
  assert.ok(lines.some(({ level, code }) => level === 50 && code === "VERIFY_CONSISTENCY"));
});

test("a witness that lies, babbles or answers with somebody else's signature is not counted", async (t) => {
  const log = createLog();
  const real = await runWitness(t, [log.vkey]);
  const keys = real.witness.verifierKeys.map(({ text }) => text);
  const [name] = [real.witness.verifierKeys[0]?.name ?? ""];
  const lies = [
    `\u2014 ${name} ${Buffer.alloc(76).toString("base64")}\n`,
    "not signature lines",
    "",
    "x".repeat(1_000_000),
  ];
  const servers = await Promise.all(
    lies.map(async (lie) => {
      const server = createServer((request, response) => {
        request.resume();
        request.on("end", () => response.end(lie));
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      t.after(() => {
        server.close();
        server.closeAllConnections();
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  const witnesses = servers.map((url) => ({ url, verifierKeys: keys }));
  const server = await startTestServer(t, { witnesses, witnessQuorum: 1, witnessWait: 300 });
  const { checkpoints } = await server.batch([await server.issuer.statement()]);
  assert.equal(parseNote(checkpoints[0] as Uint8Array).signatures.length, 2, "the log's own alone");
  await until(() => server.notary.status.witnesses.every(({ healthy }) => !healthy));
});
