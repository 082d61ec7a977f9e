/** The verdict on a file without a proof, where several have registered its content. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Relation } from "@attestry/core";
import { type Entered, enrol } from "./asking-testing.ts";
import { type Json, run, runJson, startSuite } from "./testing.ts";

const { home, notary, place } = await startSuite();
const clerk = await enrol(notary, "https://clerk.example.gov");
const mallory = await enrol(notary, "https://mallory.example.com");

/** Looks a file of that content up, which is in a folder of its own. */
async function verify(content: string): Promise<Json> {
  const folder = join(home, content);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "deed.txt"), content);
  const { code, values, stderr } = await runJson(["verify", "deed.txt", ...place], { home: folder });
  assert.equal(values.length, 1, stderr);
  return { code, ...values[0] };
}

function about({ leaf }: Entered, kind: Relation["kind"]): { readonly relation: Relation } {
  return { relation: { kind, target: leaf, reason: "forged" } };
}

describe("a look-up without a proof", { concurrency: 2 }, () => {
  test("what its first issuer revoked stays revoked when others register it, who are named", async () => {
    const deed = await clerk.enter("masked");
    await mallory.enter("masked", { subject: "before the revocation" });
    await clerk.enter("masked", about(deed, "revokes"));
    assert.equal((await verify("masked")).verdict, "revoked");
    await mallory.enter("masked", { subject: "mine" });
    const { code, verdict, statement, warnings } = await verify("masked");
    assert.deepEqual([code, verdict, statement.issuer], [1, "revoked", clerk.name]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /registered by https:\/\/mallory\.example\.com as well/);
    const { stderr } = await run(["verify", "deed.txt", ...place], { home: join(home, "masked") });
    assert.match(stderr, /^WARNING: the same content/m);
  });

  test("the issuer's own later entry answers: one that supersedes, and one after a revocation", async () => {
    const first = await clerk.enter("superseded");
    const second = await clerk.enter("superseded", { ...about(first, "supersedes"), subject: "corrected" });
    const better = await verify("superseded");
    assert.deepEqual([better.verdict, better.entry.index, better.warnings], ["verified", second.index, []]);
    await clerk.enter("superseded", about(second, "revokes"));
    assert.equal((await verify("superseded")).verdict, "superseded");
    const again = await clerk.enter("superseded", { subject: "again" });
    assert.equal((await verify("superseded")).entry.index, again.index);
  });

  test("what was registered twice and revoked once is verified, with a warning that says so", async () => {
    await clerk.enter("twice");
    const again = await clerk.enter("twice", { subject: "again" });
    await clerk.enter("twice", about(again, "revokes"));
    const { code, verdict, warnings } = await verify("twice");
    assert.deepEqual([code, verdict, warnings.length], [0, "verified", 1]);
    assert.match(
      warnings[0],
      /registered this content again, as entry \d+, and that is revoked: forged\. Ask the issuer/,
    );
  });

  test("a flood of others' entries does not hide the first", async () => {
    const deed = await clerk.enter("flooded");
    for (let at = 0; at < 17; at++) await mallory.enter("flooded", { subject: `spam ${at}` });
    const { verdict, entry, warnings } = await verify("flooded");
    assert.deepEqual([verdict, entry.index, warnings], ["verified", deed.index, []]);
  });

  test("a notary's copy of the proof that does not hold leaves open what the file is", async (t) => {
    await clerk.enter("damaged");
    const server = createServer(async ({ url = "" }, response) => {
      const answer = await fetch(notary.url + url);
      const body = Buffer.from(await answer.arrayBuffer());
      if (url.endsWith("/proof")) body.writeUInt8((body.at(-1) ?? 0) ^ 1, body.length - 1);
      response.writeHead(answer.status, { "content-type": String(answer.headers.get("content-type")) }).end(body);
    }).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = join(home, "damaged");
    mkdirSync(folder);
    writeFileSync(join(folder, "deed.txt"), "damaged");
    const { code, values } = await runJson(["verify", "deed.txt", "--server", url], { home: folder });
    assert.deepEqual([code, values[0].verdict], [3, "incomplete"]);
    assert.match(values[0].summary, /its copy of the proof does not hold: .* This says nothing about the file\.$/);
  });
});
