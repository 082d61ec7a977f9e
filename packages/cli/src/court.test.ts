/** The whole way, from a file to a court that asks nobody; and what the court sees of every byte that was changed on the way. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  encodeEvmAnchor,
  encodeHex,
  encodeProofFile,
  parseEvmAnchor,
  parseProofFile,
  parseSign1,
  withTreeEvidence,
} from "@attestry/core";
import { startAnvil } from "@attestry/ledger";
import { parseHeader } from "../../core/src/anchor/header.ts";
import { noOpenssl, opensslAuthority, opensslFolder } from "../../core/src/timestamp/test-openssl.ts";
import { addressOf, sealHeader, validatorKey } from "../../core/test-kit/ledger.ts";
import { eventually } from "../../ledger/test-kit/chain.ts";
import { ask, covered, deployFor, notarize, readStatus, serveAuthority } from "./anchor-testing.ts";
import { firstLine, type Json, type Ran, run, runJson, start, startNotary, temporaryHome } from "./testing.ts";

const content = (file: string): string => `content of ${file}`;

/** Notarised, cosigned, anchored, stamped; every process that had to do with it has ended. */
async function dossier(t: TestContext): Promise<{ home: string; proof: Buffer; blockTime: number }> {
  const home = temporaryHome(t);
  const openssl = opensslFolder();
  t.after(() => openssl.remove());
  const authority = opensslAuthority(openssl, "P-256");
  const stamps = await serveAuthority(t, (request) => authority.reply(request));
  const rootPem = Buffer.from(openssl.read("p-256-root.pem")).toString();
  writeFileSync(join(home, "tsa.pem"), rootPem);
  const node = await startAnvil();
  t.after(() => node.close());

  const first = await startNotary(t, home, ["--no-ledger"]);
  const contract = await deployFor(home, node, first);
  const known = first.verifierKeys.flatMap((vkey) => ["--log", vkey]);
  const child = start(["witness", "--data", "w", "--port", "0", "--json", "--name", "w.example/1", ...known], { home });
  t.after(() => child.kill("SIGKILL"));
  const witness = JSON.parse(await firstLine(child)) as { url: string; verifierKeys: string[] };
  assert.equal(await first.stop(), 0);
  const witnesses = witness.verifierKeys.flatMap((vkey) => ["--witness", `${vkey}=${witness.url}`]);
  const places = ["--ledger", node.url, "--contract", contract, "--tsa", `${stamps.url}=${join(home, "tsa.pem")}`];
  const notary = await startNotary(t, home, [...places, ...witnesses, "--anchor-every", "1"]);

  for (const file of ["other.pdf", "deed.pdf"]) {
    writeFileSync(join(home, file), content(file));
    await notarize(home, notary, file);
  }
  await eventually(
    async () => ((await (await fetch(`${notary.url}/v1/anchors`)).json()) as Json).anchors,
    (all: Json[]) => all.some(({ kind, size, state }) => kind === "ledger" && size === 2 && state === "included"),
  );
  await ask(node.url, "anvil_mine", "0x64"); // the chain finalises, and forgets the state of the anchor's own block
  await Promise.all([covered(notary.url, 2, 0), covered(notary.url, 2, 1)]);
  const refresh = (file: string): Promise<Ran> => run(["proof", "refresh", file, "--server", notary.url], { home });
  const refreshed = await refresh("deed.pdf");
  const done = /^✓ deed\.pdf\.proof: refreshed \(1 ledger anchor, 1 time stamp\)\n$/;
  assert.match(refreshed.stdout, done, refreshed.stderr);
  const again = await refresh("deed.pdf.proof");
  assert.match(again.stdout, /^= deed\.pdf\.proof: nothing new \(1 ledger anchor, 1 time stamp\)\n$/);

  // What the expert is given on paper: the keys of log and witness, the block's hash or the validators, the authority's root.
  const { receiptKey } = await readStatus(notary.url);
  const [listed, inspected] = await Promise.all([
    runJson(["anchors", "--server", notary.url], { home }),
    runJson(["inspect", "deed.pdf"], { home }),
  ]);
  const anchored = inspected.values[0].receipts.find(({ anchors }: Json) => anchors.length > 0);
  const [{ blockHash, chainId }] = anchored.anchors;
  const isIt = ({ kind, size }: Json): boolean => kind === "ledger" && size === 2;
  const { blockId, time } = listed.values[0].anchors.find(isIt);
  assert.equal(`0x${blockId}`, blockHash, "the list names the block that the proof is of");
  const ledger = { kind: "evm", name: "the ledger", chainId, contract };
  const trust = {
    logs: [{ origin: notary.origin, verifierKeys: notary.verifierKeys, receiptKeys: [receiptKey] }],
    witnesses: witness.verifierKeys,
    ledgers: [{ ...ledger, blockHashes: [blockHash] }],
    timeStampRoots: [rootPem],
  };
  writeFileSync(join(home, "trust.json"), JSON.stringify(trust));
  const validators = validatorKeys.map((key) => `0x${encodeHex(addressOf(key))}`);
  writeFileSync(join(home, "sealed.json"), JSON.stringify({ ...trust, ledgers: [{ ...ledger, validators }] }));

  assert.equal(await notary.stop(), 0);
  await node.close();
  stamps.close();
  child.kill("SIGTERM");
  await once(child, "exit");
  return { home, proof: readFileSync(join(home, "deed.pdf.proof")), blockTime: Date.parse(time) };
}

const validatorKeys = [0, 1, 2, 3].map(validatorKey);

/** The proof as it would be, were its anchor in the same state on a QBFT chain of those validators. */
function sealAnew(bytes: Uint8Array): Buffer {
  const proof = parseProofFile(bytes);
  const validators = validatorKeys.map(addressOf);
  const sealers = validatorKeys.slice(0, 3);
  const receipts = proof.receipts.map((receipt) => {
    const [anchor] = (receipt.evidence.anchors ?? []).map(parseEvmAnchor);
    if (anchor === undefined) return withTreeEvidence(receipt, {});
    const { stateRoot, number, time } = parseHeader(anchor.header);
    const header = sealHeader({ stateRoot, number, time }, "qbft", { validators }, sealers);
    return withTreeEvidence(receipt, { anchors: [encodeEvmAnchor({ ...anchor, header })] });
  });
  return Buffer.from(encodeProofFile({ ...proof, receipts }));
}

/** Runs a command on a machine whose network is gone, and sees that it does not even try. */
async function offline(home: string, args: readonly string[]): Promise<Ran & { readonly values: Json[] }> {
  writeFileSync(
    join(home, "no-network.cjs"),
    `const used = () => { require("node:fs").writeFileSync("network-used", ""); throw new Error("There is no network."); };
     require("node:net").Socket.prototype.connect = used;
     require("node:dgram").Socket.prototype.send = used;
     require("node:dns").lookup = used;`,
  );
  return runJson(args, { home, env: { NODE_OPTIONS: `--require ${join(home, "no-network.cjs")}` } });
}

test("a record is proved to a court with everything switched off, and each byte that was changed is refused for what it is", {
  skip: noOpenssl,
}, async (t) => {
  const { home, proof, blockTime } = await dossier(t);
  const court = ["--offline", "--trust", "trust.json"];
  const shown = await run(["verify", "deed.pdf", ...court], { home });
  assert.equal(shown.code, 0, shown.stdout);
  assert.match(shown.stdout, /✓ anchors {5}Anchored on chain 31337, contract 0x[0-9a-f]{40}, block \d+ of /);
  assert.match(shown.stdout, /✓ time_stamps Time stamp of .* by CN=Time P-256,O=Example,C=US\./);
  assert.match(shown.stdout, /✓ witnesses {3}Cosigned by w\.example\/1; 1 asked for\./);
  const [good] = (await offline(home, ["verify", "deed.pdf", ...court])).values;
  assert.deepEqual([good.verdict, good.notAfter.independent], ["verified", true]);
  assert.ok(Date.parse(good.notAfter.time) <= blockTime);
  assert.ok(!existsSync(join(home, "network-used")));
  await offline(home, ["verify", "deed.pdf", "--trust", "trust.json"]);
  assert.ok(existsSync(join(home, "network-used")), "it would have been seen");

  const { receipts, statement } = parseProofFile(proof);
  const receipt = receipts.find(({ evidence }) => evidence.anchors !== undefined);
  assert.ok(receipt);
  const { checkpoint = "", anchors = [], timeStamps = [] } = receipt.evidence;
  const [anchor, token] = [parseEvmAnchor(anchors[0] ?? new Uint8Array()), timeStamps[0] ?? new Uint8Array()];
  const note = Buffer.from(checkpoint);
  const sealed = sealAnew(proof);
  const sealedReceipt = parseProofFile(sealed).receipts.find(({ evidence }) => evidence.anchors !== undefined);
  const { header } = parseEvmAnchor(sealedReceipt?.evidence.anchors?.[0] ?? new Uint8Array());

  /** The last place of a part in the proof, from the part's end where `at` is negative. */
  const change = (part: Uint8Array, at: number, bytes = proof): Buffer => {
    const start = bytes.lastIndexOf(part);
    assert.ok(start > 0 && part.length > 0, "the part stands in the proof");
    const changed = Buffer.from(bytes);
    const place = at < 0 ? start + part.length + at : start + at;
    changed[place] = (changed[place] ?? 0) ^ 1;
    return changed;
  };
  /** In a line of the note that begins so: a character of the signature that stays one when its last bit changes. */
  const inSignature = (name: string): number => {
    const line = note.lastIndexOf(`\n\u2014 ${name} `) + 1;
    const at = note.subarray(line + 60).findIndex((char) => /[B-Yb-y]/.test(String.fromCharCode(char)));
    return line + 60 + at;
  };
  const chainId = Buffer.concat([Buffer.from("chain-id"), Buffer.from("197a69", "hex")]);
  const wrong: Record<string, readonly [proof: Uint8Array, check: string, code: string]> = {
    file: [proof, "content", "VERIFY_DIGEST"],
    "statement payload": [change(statement.digest, 3), "signature", "VERIFY_SIGNATURE"],
    "statement signature": [change(parseSign1(proof).signature, 5), "signature", "VERIFY_SIGNATURE"],
    "receipt path": [change(receipt.path[0] ?? new Uint8Array(), 7), "receipt", "VERIFY_INCLUSION"],
    "receipt signature": [change(receipt.signature, 5), "receipt", "VERIFY_INCLUSION"],
    "checkpoint size": [change(note, note.indexOf("\n") + 1), "checkpoint", "VERIFY_CHECKPOINT"],
    "checkpoint signature": [change(note, inSignature(receipt.claims.iss ?? "")), "checkpoint", "VERIFY_CHECKPOINT"],
    cosignature: [change(note, inSignature("w.example/1")), "witnesses", "VERIFY_COSIGNATURE"],
    "chain id": [change(chainId, -1), "anchors", "VERIFY_ANCHOR_LEDGER"],
    contract: [change(anchor.contract, 9), "anchors", "VERIFY_ANCHOR_ACCOUNT"],
    header: [change(anchor.header, 40), "anchors", "VERIFY_ANCHOR_HEADER"],
    account: [change(anchor.accountProof.at(-1) ?? new Uint8Array(), -1), "anchors", "VERIFY_ANCHOR_ACCOUNT"],
    storage: [change(anchor.storageProof.at(-1) ?? new Uint8Array(), -1), "anchors", "VERIFY_ANCHOR_STORAGE"],
    token: [change(token, -1), "time_stamps", "VERIFY_TIME_STAMP"],
  };
  const wrongSealed: typeof wrong = {
    sealed: [sealed, "anchors", ""],
    "sealed header": [change(header, 40, sealed), "anchors", "VERIFY_ANCHOR_HEADER"],
    seal: [change(header, -70, sealed), "anchors", "VERIFY_ANCHOR_SEALS"], // in the last one: 43 bytes come after it
    "sealed chain id": [change(chainId, -1, sealed), "anchors", "VERIFY_ANCHOR_LEDGER"],
  };
  for (const [cases, trust] of [
    [wrong, "trust.json"],
    [wrongSealed, "sealed.json"],
  ] as const) {
    for (const [name, [changed]] of Object.entries(cases)) {
      writeFileSync(join(home, name), name === "file" ? "content of deed.pdg" : content("deed.pdf"));
      writeFileSync(join(home, `${name}.proof`), changed);
    }
    const { values } = await runJson(["verify", ...Object.keys(cases), "--offline", "--trust", trust], { home });
    assert.equal(values.length, Object.keys(cases).length);
    for (const report of values) {
      const [, name, code] = cases[report.file] ?? [];
      const found = report.checks.filter((check: Json) => check.name === name && check.status === "fail");
      const codes = found.map((check: Json) => check.code);
      assert.deepEqual(codes, code === "" ? [] : [code], `${report.file}: ${report.summary}`);
      assert.match(report.verdict, code === "" ? /^verified$/ : /^(invalid|untrusted|altered)$/, report.file);
    }
  }
});
