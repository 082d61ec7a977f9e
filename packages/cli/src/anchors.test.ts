import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  type EvmAnchor,
  encodeEvmAnchor,
  encodeHex,
  encodeProofFile,
  encodeSign1,
  type ProofFile,
  parseEvmAnchor,
  parseProofFile,
  parseSign1,
  type TreeEvidence,
  withTreeEvidence,
} from "@attestry/core";
import { type Anvil, startAnvil } from "@attestry/ledger";
import { parseHeader } from "../../core/src/anchor/header.ts";
import { noOpenssl, opensslAuthority, opensslFolder } from "../../core/src/timestamp/test-openssl.ts";
import { addressOf, sealHeader, validatorKey } from "../../core/test-kit/ledger.ts";
import { eventually } from "../../ledger/test-kit/chain.ts";
import { type Json, type Ran, type RunningNotary, run, runJson, start, startNotary, temporaryHome } from "./testing.ts";

async function readStatus(url: string): Promise<Json> {
  return (await fetch(`${url}/v1/status`)).json();
}

/** The notary's n-th place once so many entries are covered there for good. */
async function covered(url: string, entries: number, at = 0): Promise<Json> {
  const places = await eventually(
    async () => (await readStatus(url)).anchoring.places,
    (all: Json) => all[at]?.finalSize >= entries,
  );
  return places[at];
}

async function ask(node: string, method: string, ...params: unknown[]): Promise<Json> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as Json).result;
}

async function notarize(home: string, notary: RunningNotary, file: string): Promise<void> {
  const ran = await run(["notarize", file, "--server", notary.url, "--data", notary.data], { home });
  assert.equal(ran.code, 0, ran.stderr);
}

const proofOf = (home: string, file: string): ProofFile => parseProofFile(readFileSync(join(home, `${file}.proof`)));
const anchorsOf = ({ receipts }: ProofFile): readonly Uint8Array[] =>
  receipts.flatMap(({ evidence }) => evidence.anchors ?? []);

/** The authority's address, answered by `openssl ts`. */
async function serveAuthority(
  t: TestContext,
  reply: (request: Uint8Array) => Uint8Array,
): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    response.setHeader("content-type", "application/timestamp-reply").end(reply(Buffer.concat(parts)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`, close };
}

/** A notary that anchors on that node, in a contract that was deployed by the commands that an operator would use. */
async function startAnchored(
  t: TestContext,
  home: string,
  node: Anvil,
  more: readonly string[],
): Promise<RunningNotary> {
  const first = await startNotary(t, home, ["--no-ledger"]);
  const account = (await run(["ledger", "account", "--data", first.data], { home })).stdout.trim();
  await ask(node.url, "anvil_setBalance", account, "0x8ac7230489e80000"); // 10 ether
  const deploying = ["--ledger", node.url, "--data", first.data, "--notary", first.url];
  const deployed = await runJson(["ledger", "deploy", ...deploying], { home });
  assert.equal(deployed.code, 0, deployed.stdout);
  assert.equal(await first.stop(), 0);
  const { contract } = deployed.values[0];
  return startNotary(t, home, ["--ledger", node.url, "--contract", contract, "--anchor-every", "1", ...more]);
}

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes.at(at) ?? 0) ^ 1);
const lastOf = (list: readonly Uint8Array[]): Uint8Array => list.at(-1) ?? new Uint8Array();
const flipLast = (list: readonly Uint8Array[]): Uint8Array[] =>
  list.with(-1, flip(lastOf(list), lastOf(list).length - 1));

/** The proof with other evidence beside the receipt that has an anchor. */
function withBeside(proof: ProofFile, change: (evidence: TreeEvidence) => TreeEvidence): Uint8Array {
  const receipts = proof.receipts.map((receipt) =>
    withTreeEvidence(receipt, receipt.evidence.anchors === undefined ? {} : change(receipt.evidence)),
  );
  return encodeProofFile({ ...proof, receipts });
}

function withAnchor(proof: ProofFile, change: (anchor: EvmAnchor) => Partial<EvmAnchor>): Uint8Array {
  return withBeside(proof, ({ anchors = [] }) => {
    const anchor = parseEvmAnchor(lastOf(anchors));
    return { anchors: [encodeEvmAnchor({ ...anchor, ...change(anchor) })] };
  });
}

/** The proof with the receipts' signed messages changed. */
function withReceipts(
  proof: Uint8Array,
  change: (receipt: ReturnType<typeof parseSign1>) => ReturnType<typeof parseSign1>,
): Uint8Array {
  const whole = parseSign1(proof);
  const receipts = (whole.unprotected.get(394) as Uint8Array[]).map((bytes) => encodeSign1(change(parseSign1(bytes))));
  whole.unprotected.set(394, receipts);
  return encodeSign1(whole);
}

describe("anchors, from the first one to a court", { concurrency: 2 }, () => {
  test("what was notarised, anchored and stamped is verified with everything switched off, and no byte of it can be changed", {
    skip: noOpenssl,
  }, async (t) => {
    const home = temporaryHome(t);
    const openssl = opensslFolder();
    t.after(() => openssl.remove());
    const authority = opensslAuthority(openssl, "P-256");
    const stamps = await serveAuthority(t, (request) => authority.reply(request));
    const rootPem = Buffer.from(openssl.read("p-256-root.pem")).toString();
    writeFileSync(join(home, "tsa.pem"), rootPem);
    const node = await startAnvil();
    t.after(() => node.close());
    const notary = await startAnchored(t, home, node, ["--tsa", `${stamps.url}=${join(home, "tsa.pem")}`]);
    for (const file of ["other.pdf", "deed.pdf"]) {
      writeFileSync(join(home, file), `content of ${file}`);
      await notarize(home, notary, file);
    }
    await eventually(
      async () => ((await (await fetch(`${notary.url}/v1/anchors`)).json()) as Json).anchors,
      (all: Json[]) => all.some(({ kind, size, state }) => kind === "ledger" && size === 2 && state === "included"),
    );
    await ask(node.url, "anvil_mine", "0x64"); // the chain finalises, and forgets the state of the anchor's own block
    await Promise.all([covered(notary.url, 2, 0), covered(notary.url, 2, 1)]);
    const refreshed = await run(["proof", "refresh", "deed.pdf", "--server", notary.url], { home });
    assert.match(
      refreshed.stdout,
      /^✓ deed\.pdf\.proof: refreshed \(1 ledger anchor, 1 time stamp\)\n$/,
      refreshed.stderr,
    );
    const again = await run(["proof", "refresh", "deed.pdf.proof", "--server", notary.url], { home });
    assert.match(again.stdout, /^= deed\.pdf\.proof: nothing new \(1 ledger anchor, 1 time stamp\)\n$/);

    // What the expert is given on paper: the log's keys, the block's hash, the authority's root.
    const proof = proofOf(home, "deed.pdf");
    const anchor = parseEvmAnchor(lastOf(anchorsOf(proof)));
    const { receiptKey } = await readStatus(notary.url);
    const [listed, inspected] = await Promise.all([
      runJson(["anchors", "--server", notary.url], { home }),
      runJson(["inspect", "deed.pdf"], { home }),
    ]);
    const { blockHash, chainId, contract } = inspected.values[0].receipts.at(-1).anchors[0];
    const isIt = ({ kind, size }: Json): boolean => kind === "ledger" && size === anchor.size;
    const { blockId, time } = listed.values[0].anchors.find(isIt);
    assert.equal(`0x${blockId}`, blockHash, "the list names the block that the proof is of");
    const ledger = { kind: "evm", name: "the ledger", chainId, contract };
    const trust = {
      logs: [{ origin: notary.origin, verifierKeys: notary.verifierKeys, receiptKeys: [receiptKey] }],
      ledgers: [{ ...ledger, blockHashes: [blockHash] }],
      timeStampRoots: [rootPem],
    };
    writeFileSync(join(home, "trust.json"), JSON.stringify(trust));
    const keys = [0, 1, 2, 3].map(validatorKey);
    const validators = keys.map((key) => `0x${encodeHex(addressOf(key))}`);
    writeFileSync(join(home, "sealed.json"), JSON.stringify({ ...trust, ledgers: [{ ...ledger, validators }] }));

    assert.equal(await notary.stop(), 0);
    await node.close();
    stamps.close();

    const shown = await run(["verify", "deed.pdf", "--offline", "--trust", "trust.json"], { home });
    assert.equal(shown.code, 0, shown.stdout);
    assert.match(shown.stdout, /✓ anchors {5}Anchored on chain 31337, contract 0x[0-9a-f]{40}, block \d+ of /);
    assert.match(shown.stdout, /✓ time_stamps Time stamp of .* by CN=Time P-256,O=Example,C=US\./);
    const [{ verdict, notAfter }] = (
      await runJson(["verify", "deed.pdf", "--offline", "--trust", "trust.json"], { home })
    ).values;
    assert.equal(verdict, "verified");
    assert.equal(notAfter.independent, true);
    assert.ok(Date.parse(notAfter.time) <= Date.parse(time));

    // A block of a QBFT chain, made over the same state: its seals prove it.
    const sealed = withAnchor(proof, ({ header }) => ({ header: sealAnew(header, keys) }));
    const bytes = readFileSync(join(home, "deed.pdf.proof"));
    const statement = parseSign1(bytes);
    const wrong: Record<string, readonly [proof: Uint8Array, check: string, code: string, trust?: "sealed"]> = {
      file: [bytes, "content", "VERIFY_DIGEST"],
      statement: [
        encodeSign1({ ...statement, signature: flip(statement.signature, 5) }),
        "signature",
        "VERIFY_SIGNATURE",
      ],
      receipt: [
        withReceipts(bytes, (one) => ({ ...one, signature: flip(one.signature, 5) })),
        "receipt",
        "VERIFY_INCLUSION",
      ],
      checkpoint: [
        withBeside(proof, ({ checkpoint = new Uint8Array() }) => ({
          checkpoint: flip(checkpoint, checkpoint.indexOf(0x0a) + 1),
        })),
        "checkpoint",
        "VERIFY_CHECKPOINT",
      ],
      header: [withAnchor(proof, ({ header }) => ({ header: flip(header, 40) })), "anchors", "VERIFY_ANCHOR_HEADER"],
      account: [
        withAnchor(proof, ({ accountProof }) => ({ accountProof: flipLast(accountProof) })),
        "anchors",
        "VERIFY_ANCHOR_ACCOUNT",
      ],
      storage: [
        withAnchor(proof, ({ storageProof }) => ({ storageProof: flipLast(storageProof) })),
        "anchors",
        "VERIFY_ANCHOR_STORAGE",
      ],
      token: [
        withBeside(proof, ({ timeStamps = [] }) => ({ timeStamps: flipLast(timeStamps) })),
        "time_stamps",
        "VERIFY_TIME_STAMP",
      ],
      seals: [sealed, "anchors", ""],
      seal: [
        withAnchor(parseProofFile(sealed), ({ header }) => ({ header: flip(header, header.lastIndexOf(0xb8) + 12) })),
        "anchors",
        "VERIFY_ANCHOR_SEALS",
      ],
    };
    for (const [name, [changed]] of Object.entries(wrong)) {
      writeFileSync(join(home, name), name === "file" ? "content of deed.pdg" : "content of deed.pdf");
      writeFileSync(join(home, `${name}.proof`), changed);
    }
    const bySeals = ["seals", "seal"];
    const pinned = Object.keys(wrong).filter((name) => !bySeals.includes(name));
    const judged = await Promise.all([
      runJson(["verify", ...pinned, "--offline", "--trust", "trust.json"], { home }),
      runJson(["verify", ...bySeals, "--offline", "--trust", "sealed.json"], { home }),
    ]);
    for (const report of judged.flatMap(({ values }) => values)) {
      const [, check, code] = wrong[report.file] ?? [];
      const found = report.checks.find((one: Json) => one.name === check);
      if (code === "") assert.deepEqual([report.verdict, found.status], ["verified", "pass"], report.summary);
      else {
        assert.deepEqual([found.status, found.code], ["fail", code], `${report.file}: ${report.summary}`);
        assert.match(report.verdict, /^(invalid|untrusted|altered)$/);
      }
    }
    assert.equal(judged.flatMap(({ values }) => values).length, Object.keys(wrong).length);
  });

  test("the first run anchors on a chain of its own, and every command tells of it", async (t) => {
    const home = temporaryHome(t);
    const notary = await startNotary(t, home);
    const at = ["--server", notary.url];
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, notary, "a.txt");
    const { about, name } = await covered(notary.url, 1);
    assert.equal(name, "local");
    const [list, status, refreshed] = await Promise.all([
      run(["anchors", ...at], { home }),
      run(["status", ...at], { home }),
      run(["proof", "refresh", "a.txt", ...at], { home }),
    ]);
    assert.match(list.stdout, /^final {5}the first 1 entry: local, block \d+, 20\d\d-/);
    assert.match(status.stdout, /^entries {3}1, the last at /m);
    assert.match(status.stdout, /^ledger {4}✓ local: 1 of them by 20.* \(1 final, 0 under way, 0 lost\)$/m);
    assert.match(refreshed.stdout, /^✓ a\.txt\.proof: refreshed \(1 ledger anchor, 0 time stamps\)\n$/);

    const verify = (ledger: string): Promise<Ran> =>
      run(["verify", "a.txt", ...at, "--data", notary.data, "--ledger", ledger], { home });
    const asked = await verify(about.url);
    assert.equal(asked.code, 0, asked.stdout);
    assert.match(
      asked.stdout,
      /existed by .* by a pinned block of chain 31337 \(the node at 127\.0\.0\.1:\d+, asked now\)/,
    );
    const stranger = await startAnvil({ moreArguments: ["--chain-id", "5"] });
    t.after(() => stranger.close());
    const empty = await startAnvil();
    t.after(() => empty.close());
    const [gone, elsewhere, without] = await Promise.all([
      verify("http://127.0.0.1:1"),
      verify(stranger.url),
      verify(empty.url),
    ]);
    assert.match(gone.stderr, /^The ledger's node at 127\.0\.0\.1:1 could not be asked\.\n$/);
    assert.match(elsewhere.stderr, /^An anchor is on chain 31337; the node at .* is on chain 5\.\n$/);
    assert.match(without.stderr, /^An anchor is in block \d+, which the node at .* does not have\.\n$/);
    for (const { code, stdout } of [gone, elsewhere, without]) {
      assert.equal(code, 0);
      assert.match(stdout, /\? anchors /, "it is open, and no reason to doubt the rest");
    }
    await ask(empty.url, "anvil_mine", "0x9");
    const forked = await verify(empty.url);
    assert.equal(forked.code, 1);
    assert.match(forked.stdout, /NOT TRUSTED.*\n(.*\n)*.*✗ anchors/);
  });

  test("killed, it leaves no node behind; started again, it goes on with the same chain", async (t) => {
    const home = temporaryHome(t);
    const first = await startNotary(t, home);
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, first, "a.txt");
    const { about } = await covered(first.url, 1);
    const { blockId, block } = (await runJson(["anchors", "--server", first.url], { home })).values[0].anchors[0];
    await first.kill();
    const second = await startNotary(t, home); // at once: the node before is still writing
    writeFileSync(join(home, "b.txt"), "b");
    await notarize(home, second, "b.txt");
    const now = await covered(second.url, 2);
    await assert.rejects(ask(about.url, "eth_chainId"), { name: "TypeError" });
    assert.equal(now.about.contract, about.contract);
    const kept = await ask(now.about.url, "eth_getBlockByNumber", `0x${block.toString(16)}`, false);
    assert.equal(kept.hash, `0x${blockId}`);
    assert.equal(await second.stop(), 0);
    await assert.rejects(ask(now.about.url, "eth_chainId"), { name: "TypeError" });
  });

  test("with --no-ledger nothing is anchored; and a refresh takes nothing from a proof that has more", async (t) => {
    const home = temporaryHome(t);
    const anchored = await startNotary(t, home, ["--anchor-every", "1"]);
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, anchored, "a.txt");
    await covered(anchored.url, 1);
    const refresh = async (url: string): Promise<string> =>
      (await run(["proof", "refresh", "a.txt", "--server", url], { home })).stdout;
    assert.match(await refresh(anchored.url), /refreshed \(1 ledger anchor/);
    const before = readFileSync(join(home, "a.txt.proof"));
    await anchored.stop();

    for (const end of ["", "-wal", "-shm"]) rmSync(join(anchored.data, `anchors.db${end}`), { force: true });
    const plain = await startNotary(t, home, ["--no-ledger"]);
    const { anchoring } = await readStatus(plain.url);
    assert.deepEqual(anchoring, { places: [] });
    const listed = await run(["anchors", "--server", plain.url], { home });
    assert.equal(listed.stdout, "The log has not been anchored yet.\n");
    assert.match(await refresh(plain.url), /^= a\.txt\.proof: nothing new \(1 ledger anchor, 0 time stamps\)\n$/);
    assert.deepEqual(readFileSync(join(home, "a.txt.proof")), before);

    // A damaged proof is mended, and no damage is kept.
    const damaged = withAnchor(parseProofFile(before), ({ storageProof }) => ({
      storageProof: flipLast(storageProof),
    }));
    writeFileSync(join(home, "a.txt.proof"), damaged);
    assert.match(await refresh(plain.url), /^✓ a\.txt\.proof: refreshed \(0 ledger anchors, 0 time stamps\)\n$/);
  });

  test("Ctrl-C ends it at once while its chain is still being started", async (t) => {
    const home = temporaryHome(t);
    const child = start(["up", "--port", "0", "--data", "notary", "--json"], { home });
    t.after(() => child.kill("SIGKILL"));
    await once(child.stdout ?? child, "data");
    const began = Date.now();
    child.kill("SIGINT");
    await once(child, "exit");
    assert.equal(child.exitCode, 0);
    assert.ok(Date.now() - began < 8000);
  });
});

/** The header of a block over the same state on a QBFT chain of those validators. */
function sealAnew(header: Uint8Array, keys: readonly Uint8Array[]): Uint8Array {
  const { stateRoot, number, time } = parseHeader(header);
  return sealHeader({ stateRoot, number, time }, "qbft", { validators: keys.map(addressOf) }, keys.slice(0, 3));
}
