/** What the notary is asked when a proof is verified, and by whose word: not by that of who edited the proof file, or stands between. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  encodeProofFile,
  encodeReceipt,
  encodeReceiptHeader,
  parseProofFile,
  type Relation,
  withTreeEvidence,
} from "@attestry/core";
import { type Entered, enrol, type TestIssuer, trustFile } from "./asking-testing.ts";
import { type Json, runJson, startSuite } from "./testing.ts";

const { home, notary, place } = await startSuite();
const clerk = await enrol(notary, "https://clerk.example.gov");
const court = await enrol(notary, "https://court.example.gov");
const mallory = await enrol(notary, "https://mallory.example.com");

/** A folder with a file and its proof. */
async function entered(name: string, issuer: TestIssuer): Promise<Entered & { home: string; file: string }> {
  const folder = join(home, name);
  mkdirSync(folder);
  const file = join(folder, "deed.txt");
  writeFileSync(file, name);
  const entry = await issuer.enter(name);
  writeFileSync(`${file}.proof`, entry.proof);
  return { ...entry, home: folder, file };
}

function about({ leaf }: Entered, kind: Relation["kind"], reason: string): Relation {
  return { kind, target: leaf, reason };
}

/** Puts receipts of nothing, which name these entries of the log, before the genuine one. */
function putDecoys(path: string, indexes: readonly number[]): void {
  const proof = parseProofFile(readFileSync(path));
  const decoys = indexes.map((index) =>
    encodeReceipt({
      protectedBytes: encodeReceiptHeader({ origin: notary.origin, keyThumbprint: new Uint8Array(32), time: 1 }),
      signature: new Uint8Array(64),
      size: index + 1,
      index,
      path: Array.from({ length: 32 - Math.clz32(index) }, () => new Uint8Array(32)).slice(0, popCount(index)),
    }),
  );
  const genuine = proof.receipts.map((receipt) => withTreeEvidence(receipt, {}));
  writeFileSync(path, encodeProofFile({ ...proof, later: [], receipts: [...decoys, ...genuine] }));
}

/** Length of the last leaf's path. */
function popCount(index: number): number {
  return [...index.toString(2)].filter((bit) => bit === "1").length;
}

const laterOf = ({ values }: Json): Json => values[0].checks.find(({ name }: Json) => name === "later");

describe("asking the notary", { concurrency: 2 }, () => {
  test("what is asked about is the entry that was verified, whatever other receipts an edited proof file names", async () => {
    const deed = await entered("decoy", clerk);
    const { home, file, index } = deed;
    await clerk.enter("decoy", { relation: about(deed, "revokes", "forged") });
    putDecoys(`${file}.proof`, [index + 1, 999_999]);
    const { code, values } = await runJson(["verify", file, ...place], { home });
    assert.deepEqual([code, values[0].verdict, values[0].warnings], [1, "revoked", []], values[0].summary);
    const refreshed = await runJson(["proof", "refresh", `${file}.proof`, ...place], { home });
    assert.deepEqual([refreshed.code, refreshed.values[0].changed], [0, true], refreshed.stdout);
  });

  test("a gateway's 404 accuses nobody, and leaves open what came later", async (t) => {
    const { home, file } = await entered("gateway", clerk);
    const status = await (await fetch(`${notary.url}/v1/status`)).text();
    for (const body of ['{"message":"no Route matched"}', ""]) {
      const url = await serve(t, (path) => (path === "/v1/status" ? status : undefined), body);
      const ran = await runJson(["verify", file, "--server", url, "--data", notary.data], { home });
      assert.deepEqual([ran.code, ran.values[0].verdict, ran.values[0].warnings], [0, "verified", []]);
      assert.equal(laterOf(ran).status, "unknown");
    }
  });

  test("a notary that shows other keys than a trust file names is not asked, and not accused", async (t) => {
    const { home, file } = await entered("other keys", clerk);
    const trust = join(home, "trust.json");
    writeFileSync(trust, await trustFile(notary));
    const status = (await (await fetch(`${notary.url}/v1/status`)).json()) as { receiptKey: string };
    const shown = JSON.stringify({ ...status, receiptKey: status.receiptKey.replace(/.{4}$/, "AAAA") });
    const asked: string[] = [];
    const url = await serve(t, (path) => (asked.push(path) && path === "/v1/status" ? shown : undefined), "");
    const ran = await runJson(["verify", file, "--trust", trust, "--server", url], { home });
    assert.deepEqual([ran.code, ran.values[0].warnings, asked], [0, [], ["/v1/status"]]);
    assert.match(laterOf(ran).detail, /other keys than those that are trusted for this log\.$/);
  });

  test("the keys of a proof that does not hold are not noted", async () => {
    const { home, file } = await entered("not noted", clerk);
    const proof = parseProofFile(readFileSync(`${file}.proof`));
    // The log's part is whole; the issuer's signature is not under the key that came along.
    const other = parseProofFile((await mallory.enter("not noted either")).proof);
    const receipts = proof.receipts.map((receipt) => withTreeEvidence(receipt, {}));
    const evidence = { ...proof.evidence, ...other.evidence };
    writeFileSync(`${file}.proof`, encodeProofFile({ ...proof, evidence, receipts }));
    const pins = join(home, ".attestry", "known-logs.json");
    const { values } = await runJson(["verify", file, "--offline"], { home });
    assert.deepEqual([values[0].verdict, existsSync(pins)], ["invalid", false]);
    writeFileSync(`${file}.proof`, encodeProofFile({ ...proof, receipts }));
    assert.equal((await runJson(["verify", file, "--offline"], { home })).code, 0);
    assert.ok(existsSync(pins));
  });

  test("revokers that a trust file names are asked for by name: others' many statements crowd out none", async (t) => {
    const deed = await entered("crowded", clerk);
    const { home, file } = deed;
    const trust = join(home, "trust.json");
    writeFileSync(trust, await trustFile(notary, { revokers: [court.name] }));
    const verify = (url: string): Promise<Json> =>
      runJson(["verify", file, "--trust", trust, "--server", url], { home });
    const before = await verify(notary.url);
    assert.deepEqual([before.values[0].verdict, laterOf(before).status], ["verified", "pass"]);
    await court.enter("judgment", { relation: about(deed, "revokes", "judgment 26-1") });
    for (let at = 0; at < 16; at++)
      await mallory.enter("spam", { relation: about(deed, "supersedes", `spam ${at}`), subject: `spam ${at}` });
    const { code, values } = await verify(notary.url);
    assert.deepEqual([code, values[0].verdict, values[0].later[0].reason], [1, "revoked", "judgment 26-1"]);
    // Whoever keeps that question from the notary makes the answer open, not good.
    const through = async (path: string): Promise<Uint8Array | undefined> =>
      path.includes("relatesTo") ? undefined : new Uint8Array(await (await fetch(notary.url + path)).arrayBuffer());
    const kept = await verify(await serve(t, through, ""));
    assert.deepEqual([kept.values[0].verdict, laterOf(kept).status], ["verified", "unknown"]);
  });
});

/** Something that answers what it has, and the rest with a bare 404 or JSON. */
async function serve(
  t: TestContext,
  answer: (path: string) => Promise<string | Uint8Array | undefined> | string | undefined,
  otherwise: string,
): Promise<string> {
  const server = createServer(async ({ url = "" }, response) => {
    const given = await answer(url);
    if (given === undefined) response.writeHead(404, { "content-type": "application/json" }).end(otherwise);
    else response.end(given);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
