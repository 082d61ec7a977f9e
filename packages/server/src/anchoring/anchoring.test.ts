import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import {
  type Checkpoint,
  leafHash,
  type ProofFile,
  parseCheckpoint,
  parseEvmAnchor,
  parseNote,
  parsePemCertificates,
  parseProofFile,
  parseStatement,
  type Report,
  sha256,
  type Trust,
  type TrustedLedger,
  verify,
} from "@attestry/core";
import { type AnchorRecord, type Anvil, anvilAccountKey, openSqliteAnchorStore, startAnvil } from "@attestry/ledger";
import { createAccount, deployContract } from "@attestry/ledger/evm";
import { pino } from "pino";
import { noOpenssl, opensslAuthority, opensslFolder } from "../../../core/src/timestamp/test-openssl.ts";
import { testLedger } from "../../../core/test-kit/ledger.ts";
import { eventually } from "../../../ledger/test-kit/chain.ts";
import { bytesOf, refusal, startTestServer, type TestServer, temporaryFolder, trustIn } from "../testing.ts";
import { serve, serveAnswers, testAuthority } from "../tsa/testing.ts";
import { createLine } from "../vault/testing/line.ts";
import type { AnchoringPlace } from "./anchoring.ts";
import { authorityPlace, ledgerPlace, localPlace } from "./places.ts";
import { keptAnchor } from "./testing.ts";

const account = createAccount(anvilAccountKey);
const soon = { everyMs: 100, finality: 0 } as const;
const nowhere = "http://127.0.0.1:1";
/** Where the first contract of that account comes to stand on any chain. */
const firstContract = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

let chain: Anvil;
let contract: string;
before(async () => {
  chain = await startAnvil();
  contract = (await deployContract({ url: chain.url, chainId: chain.chainId, account })).contract;
});
after(() => chain.close());

const onChain = (): AnchoringPlace => ledgerPlace({ url: chain.url, contract, account, ...soon });

async function register(server: TestServer): Promise<{ statement: Uint8Array; index: number }> {
  const statement = await server.issuer.statement();
  const [entry] = (await server.batch([statement])).entries;
  return { statement, index: Number(entry?.get("index")) };
}

interface Proven {
  readonly bytes: Uint8Array;
  readonly file: ProofFile;
  readonly anchors: readonly Uint8Array[];
  readonly timeStamps: readonly Uint8Array[];
}

async function readProof(server: TestServer, index: number): Promise<Proven> {
  const response = await server.fetch(`/v1/entries/${index}/proof`);
  const bytes = await bytesOf(response);
  assert.equal(response.status, 200, new TextDecoder().decode(bytes));
  const file = parseProofFile(bytes);
  const all = (list: "anchors" | "timeStamps") => file.receipts.flatMap(({ evidence }) => evidence[list] ?? []);
  return { bytes, file, anchors: all("anchors"), timeStamps: all("timeStamps") };
}

/** The entry's proof once it holds so many. */
const provenBy = (server: TestServer, index: number, anchors: number, timeStamps = 0): Promise<Proven> =>
  eventually(
    () => readProof(server, index),
    (proof) => proof.anchors.length === anchors && proof.timeStamps.length === timeStamps,
  );

interface PlaceJson {
  readonly name: string;
  readonly kind: string;
  readonly about: Record<string, unknown>;
  readonly submitted: number;
  readonly final: number;
  readonly finalSize: number;
  readonly finalTime?: string;
  readonly problem?: string;
}

async function readPlaces(server: TestServer): Promise<PlaceJson[]> {
  const { anchoring } = (await (await server.fetch("/v1/status")).json()) as { anchoring: { places: PlaceJson[] } };
  return anchoring.places;
}

/** The n-th place once it is so. */
const placeOnce = (server: TestServer, at: number, holds: (place: PlaceJson) => boolean): Promise<PlaceJson> =>
  eventually(
    async () => (await readPlaces(server))[at] as PlaceJson,
    (place) => holds(place),
  );

async function readMetrics(server: TestServer, name: string): Promise<Record<string, number>> {
  const text = await (await server.fetch("/metrics")).text();
  const lines = text.matchAll(new RegExp(`^${name}{ledger="(.*)"} (\\d+)$`, "gm"));
  return Object.fromEntries([...lines].map(([, ledger, value]) => [ledger, Number(value)]));
}

async function listAnchors(server: TestServer, query = ""): Promise<Record<string, unknown>[]> {
  const response = await server.fetch(`/v1/anchors${query}`);
  return ((await response.json()) as { anchors: Record<string, unknown>[] }).anchors;
}

/** Trust in the blocks of that node that the proof's anchors are in, as an expert would pin them. */
async function pinBlocks(node: string, { anchors }: Proven): Promise<TrustedLedger[]> {
  return Promise.all(
    anchors.map(async (bytes) => {
      const { chainId, contract: address, size } = parseEvmAnchor(bytes);
      const latest = await ask(node, "eth_getBlockByNumber", "latest", false);
      const blocks = Array.from({ length: Number(latest["number"]) + 1 }, (_, n) => `0x${n.toString(16)}`);
      const hashes = await Promise.all(
        blocks.map(async (n) => (await ask(node, "eth_getBlockByNumber", n, false))["hash"]),
      );
      const blockHashes = hashes.map((hash) => Uint8Array.fromHex(String(hash).slice(2)));
      return { kind: "evm", name: `size ${size}`, chainId, contract: address, blockHashes, basis: "the node" } as const;
    }),
  );
}

async function ask(node: string, method: string, ...params: unknown[]): Promise<Record<string, unknown>> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as { result: Record<string, unknown> }).result;
}

async function judge({ bytes, file }: Proven, trust: Trust): Promise<Report> {
  return verify({ proof: bytes, digest: file.statement.digest, trust });
}

const statuses = (report: Report, name: string): string[] =>
  report.checks.filter((check) => check.name === name).map(({ status }) => status);

test("an entry's proof file picks up the first anchor and the first stamps that cover it, and verifies by them", {
  skip: noOpenssl,
}, async (t) => {
  const openssl = opensslFolder();
  t.after(() => openssl.remove());
  const authority = opensslAuthority(openssl, "P-256");
  const opensslUrl = await serveAnswers(t, (request) => authority.reply(request));
  const other = await startTestServer(t); // another notary, as a time stamp authority
  const pem = await (await other.fetch("/tsa/certificates")).text();
  const root = parsePemCertificates(pem).at(-1) as Uint8Array;
  const server = await startTestServer(t, {
    anchoring: [
      onChain(),
      authorityPlace({ url: opensslUrl, roots: [authority.root], everyMs: 100 }),
      authorityPlace({ url: `${other.url}/tsa`, roots: [root], everyMs: 100 }),
    ],
  });
  const first = await register(server);
  const one = await provenBy(server, first.index, 1, 2);
  const second = await register(server);
  const two = await provenBy(server, second.index, 1, 2);
  assert.deepEqual((await readProof(server, first.index)).anchors, one.anchors, "the first one stays");
  assert.notDeepEqual(two.anchors, one.anchors);
  assert.deepEqual(
    [one, two].map(({ anchors }) => parseEvmAnchor(anchors[0] as Uint8Array).size),
    [1, 2],
  );

  const ledgers = await pinBlocks(chain.url, two);
  await server.close();
  const trust = { ...trustIn(server.notary), ledgers, timeStampRoots: [authority.root, root] };
  for (const proof of [one, two]) {
    const report = await judge(proof, trust);
    assert.equal(report.verdict, "verified", report.summary);
    assert.deepEqual([statuses(report, "anchors"), statuses(report, "time_stamps")], [["pass"], ["pass", "pass"]]);
    assert.equal(report.notAfter?.independent, true);
  }
});

test("one place that is dead, broken or silent holds up neither the others nor registration, nor the end", async (t) => {
  const { certificates } = await testAuthority();
  const roots = [certificates.root];
  const silent = await serve(t, () => {});
  const refusing = await serve(t, (_request, response) => void response.writeHead(403).end());
  const server = await startTestServer(t, {
    anchoring: [
      ledgerPlace({ url: nowhere, contract, account, ...soon }),
      ledgerPlace({ url: silent, contract: `0x${"12".repeat(20)}`, account, chainId: 31337, ...soon }),
      onChain(),
      authorityPlace({ url: refusing, roots, everyMs: 100 }),
      authorityPlace({ url: `${silent}?key=secret`, roots, everyMs: 100 }),
    ],
  });
  const { index } = await register(server);
  await provenBy(server, index, 1);
  assert.equal((await register(server)).index, 1);
  const live = await placeOnce(server, 2, ({ finalSize }) => finalSize === 2);
  const dead = await placeOnce(server, 0, ({ problem }) => problem !== undefined);
  const refused = await placeOnce(server, 3, ({ problem }) => problem !== undefined);
  assert.deepEqual(live.about, { chainId: 31337, contract, account: account.address });
  assert.deepEqual([live.kind, live.final, live.problem], ["ledger", 2, undefined]);
  assert.ok(Math.abs(Date.parse(live.finalTime ?? "") - Date.now()) < 3_600_000);
  assert.match(dead.problem ?? "", /^The node at http:\/\/127\.0\.0\.1:1 cannot be reached \(.*\)\.$/);
  assert.match(refused.problem ?? "", /^The time stamp authority at .* answered with status 403\.$/);
  assert.doesNotMatch(JSON.stringify(await readPlaces(server)), /secret/);

  const names = (await readPlaces(server)).map(({ name }) => name);
  assert.deepEqual(names.slice(0, 3), [
    `127.0.0.1:1 ${contract}`,
    `chain 31337 0x${"12".repeat(20)}`,
    `chain 31337 ${contract.toLowerCase()}`,
  ]);
  const healthy = await readMetrics(server, "attestry_anchor_healthy");
  assert.deepEqual([healthy[names[0] ?? ""], healthy[names[3] ?? ""]], [0, 0]);
  assert.equal((await readMetrics(server, "attestry_anchor_entries_behind"))[names[0] ?? ""], 2);

  const began = Date.now();
  await server.close();
  assert.ok(Date.now() - began < 8000, "it does not wait for what never answers");
});

test("a ledger that is away at the start, and one whose contract is yet to come, is anchored on once it is there", async (t) => {
  const late = await startAnvil();
  t.after(() => late.close());
  const line = await createLine(Number(new URL(late.url).port));
  t.after(() => line.close());
  line.cut(0);
  const url = `http://127.0.0.1:${line.port}`;
  const server = await startTestServer(t, {
    anchoring: [ledgerPlace({ url, contract: firstContract, account, ...soon })],
  });
  const { index } = await register(server);
  await placeOnce(server, 0, ({ problem }) => /cannot be reached/.test(problem ?? ""));
  assert.deepEqual(await readMetrics(server, "attestry_anchors_final"), {
    [`127.0.0.1:${line.port} ${firstContract}`]: 0,
  });
  line.mend();
  const without = await placeOnce(server, 0, ({ problem }) =>
    /^There is no AttestryAnchors contract at/.test(problem ?? ""),
  );
  assert.equal(without.name, `chain 31337 ${firstContract.toLowerCase()}`);
  await deployContract({ url, chainId: 31337, account });
  await provenBy(server, index, 1);
  assert.equal((await readPlaces(server))[0]?.problem, undefined);
  assert.deepEqual(await readMetrics(server, "attestry_anchors_final"), { [without.name]: 1 }, "and no other name");
});

test("after a restart it goes on, and what was anchored is in proofs wherever the log goes now", async (t) => {
  const first = await startTestServer(t, { anchoring: [onChain()] });
  const { data } = first;
  const { index } = await register(first);
  const proof = await provenBy(first, index, 1);
  const before = await listAnchors(first);
  await first.close();

  const { authority, certificates } = await testAuthority();
  const elsewhere = authorityPlace({
    url: await serveAnswers(t, (request) => authority.respond(request)),
    roots: [certificates.root],
    everyMs: 100,
  });
  const second = await startTestServer(t, { data, anchoring: [elsewhere] });
  const stamped = await provenBy(second, index, 1, 1);
  assert.deepEqual(stamped.anchors, proof.anchors);
  await second.close();

  const third = await startTestServer(t, { data, anchoring: [onChain()] });
  await placeOnce(third, 0, ({ final }) => final === 1);
  const kept = (await listAnchors(third)).find(({ kind }) => kind === "ledger");
  assert.deepEqual(kept, before[0], "nothing is anchored twice");
  const next = await register(third);
  await provenBy(third, next.index, 1);
  assert.deepEqual((await readProof(third, index)).anchors, proof.anchors);
  await third.close();
  const none = await startTestServer(t, { data });
  assert.equal((await readProof(none, index)).timeStamps.length, 1);
  assert.deepEqual(
    (await listAnchors(none)).map(({ kind, size }) => [kind, size]),
    [
      ["ledger", 2],
      ["authority", 1],
      ["ledger", 1],
    ],
  );
});

test("the local chain is anchored on, continues, and is made anew when it was lost", async (t) => {
  const data = temporaryFolder(t);
  const folder = join(data, "ledger");
  const open = () => startTestServer(t, { data, anchoring: [localPlace({ folder, everyMs: 100 })] });
  const anchorNext = async (server: TestServer): Promise<{ index: number; proof: Proven }> => {
    const { index } = await register(server);
    return { index, proof: await provenBy(server, index, 1) };
  };
  const first = await open();
  const old = await anchorNext(first);
  const about = (await readPlaces(first))[0]?.about ?? {};
  assert.deepEqual([about["contract"], about["chainId"]], [firstContract, 31337]);
  assert.equal(
    (await judge(old.proof, { ...trustIn(first.notary), ledgers: await pinBlocks(String(about["url"]), old.proof) }))
      .notAfter?.independent,
    true,
  );
  await first.close();

  const second = await open();
  const more = await anchorNext(second);
  const [place] = await readPlaces(second);
  const block = await ask(String(place?.about["url"]), "eth_getBlockByNumber", "latest", false);
  assert.ok(Number(block["number"]) >= 3, "a deployment and two anchors: it is the same chain");
  await second.close();

  rmSync(join(folder, "chain.json"));
  const third = await open();
  const newest = await anchorNext(third);
  assert.equal(parseEvmAnchor(newest.proof.anchors[0] as Uint8Array).size, 3);
  assert.deepEqual((await readProof(third, old.index)).anchors, old.proof.anchors, "the lost chain's anchors stay");
  assert.deepEqual((await readProof(third, more.index)).anchors, more.proof.anchors);
});

test("GET /v1/anchors lists the newest first, and no more than are asked for", async (t) => {
  const server = await startTestServer(t, { anchoring: [onChain()] });
  assert.deepEqual(await listAnchors(server), []);
  for (const size of [1, 2]) {
    await register(server);
    await placeOnce(server, 0, ({ finalSize }) => finalSize === size);
  }
  const [newest, oldest, ...others] = await listAnchors(server);
  assert.deepEqual([newest?.["size"], oldest?.["size"], others], [2, 1, []]);
  const { block, blockId, time, submittedAt, ...rest } = newest ?? {};
  assert.deepEqual(rest, {
    place: `chain 31337 ${contract.toLowerCase()}`,
    kind: "ledger",
    about: { chainId: 31337, contract, account: account.address },
    size: 2,
    rootHash: Buffer.from(server.notary.status.head.rootHash).toString("hex"),
    state: "final",
  });
  const found = await ask(chain.url, "eth_getBlockByNumber", `0x${Number(block).toString(16)}`, false);
  assert.equal(`0x${blockId}`, found["hash"]);
  assert.equal(Date.parse(String(time)) / 1000, Number(found["timestamp"]));
  assert.ok(Math.abs(Date.parse(String(submittedAt)) - Date.now()) < 60_000);
  assert.deepEqual(await listAnchors(server, "?limit=1"), [newest]);
  assert.equal((await server.fetch("/v1/anchors?limit=501")).status, 400);
});

test("a ledger that is configured twice is gone to once, and the status says so", async (t) => {
  const server = await startTestServer(t, { anchoring: [onChain(), onChain()] });
  await register(server);
  const places = await eventually(
    () => readPlaces(server),
    (all) => all.some(({ finalSize }) => finalSize === 1) && all.some(({ problem }) => problem !== undefined),
  );
  assert.deepEqual(places.map(({ final }) => final).sort(), [0, 1]);
  assert.match(places.find(({ problem }) => problem)?.problem ?? "", /configured twice/);
});

async function putAnchors(data: string, anchors: readonly AnchorRecord[]): Promise<void> {
  const store = openSqliteAnchorStore(data);
  for (const anchor of anchors) await store.put(anchor);
  await store.close();
}

/** A notary that is closed, with two entries of a batch each, and their checkpoints. */
async function makeTwo(t: TestContext): Promise<{ data: string; checkpoints: [Checkpoint, Checkpoint] }> {
  const server = await startTestServer(t);
  const checkpoint = async () => {
    await register(server);
    return parseCheckpoint(parseNote(await bytesOf(await server.fetch("/log/checkpoint"))).text);
  };
  const checkpoints: [Checkpoint, Checkpoint] = [await checkpoint(), await checkpoint()];
  await server.close();
  return { data: server.data, checkpoints };
}

async function startLogged(t: TestContext, data: string): Promise<{ server: TestServer; logged: string[] }> {
  const logged: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
  return { server: await startTestServer(t, { data, logger }), logged };
}

test("anchors that are not of this log's heads spoil no proof", async (t) => {
  const { data, checkpoints } = await makeTwo(t);
  const rootHash = sha256(new Uint8Array());
  await putAnchors(data, [
    await keptAnchor({ ...checkpoints[0], rootHash }),
    { ...(await keptAnchor({ ...checkpoints[0], rootHash, size: 9 })), ledger: "chain 1337 another" },
  ]);
  const { server, logged } = await startLogged(t, data);
  const proof = await readProof(server, 0);
  assert.deepEqual([proof.file.receipts.length, proof.anchors], [1, []]);
  assert.equal((await judge(proof, trustIn(server.notary))).verdict, "verified");
  assert.match(logged.join(""), /what was anchored is not in the log/);
});

test("a damaged anchor is left out of proofs for the next, and is an error in the log", async (t) => {
  const { data, checkpoints } = await makeTwo(t);
  const [first, second] = [await keptAnchor(checkpoints[0]), await keptAnchor(checkpoints[1])];
  await putAnchors(data, [{ ...first, proof: first.proof.with(-40, (first.proof.at(-40) ?? 0) ^ 1) }, second]);
  const { server, logged } = await startLogged(t, data);
  const proof = await readProof(server, 0);
  assert.deepEqual(proof.anchors.map((bytes) => parseEvmAnchor(bytes).size), [2]); // biome-ignore format: one line reads better
  const report = await judge(proof, { ...trustIn(server.notary), ledgers: [testLedger().trusted] });
  assert.deepEqual([report.verdict, statuses(report, "anchors")], ["verified", ["pass"]]);
  assert.match(logged.join(""), /a kept anchor is damaged/);
});

test("with its store of anchors damaged, the notary goes on and says what is wrong", async (t) => {
  const data = temporaryFolder(t);
  writeFileSync(join(data, "anchors.db"), "This is no database. ".repeat(99));
  const server = await startTestServer(t, { data, anchoring: [onChain()] });
  const { statement, index } = await register(server);
  const { file } = await readProof(server, index);
  assert.deepEqual(leafHash(file.statement.entry), leafHash(parseStatement(statement).entry));
  const { anchoring } = (await (await server.fetch("/v1/status")).json()) as { anchoring: unknown };
  assert.deepEqual(anchoring, { places: [], problem: "The file anchors.db is damaged. Restore it from a copy." });
  assert.equal((await server.fetch("/v1/anchors")).status, 500);
});

test("an address that is none is refused before anything starts", () => {
  assert.throws(() => ledgerPlace({ url: "ftp://node.example", contract, account }), refusal("USAGE"));
  assert.throws(() => ledgerPlace({ url: nowhere, contract: "0x1234", account }), refusal("USAGE"));
  assert.throws(() => authorityPlace({ url: "tsa.example", roots: [] }), refusal("USAGE"));
});
