import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { leafHash, parseStatement, type Relation, type StatementClaims } from "@attestry/core";
import fc from "fast-check";
import { type EntryQuery, findEntries } from "./find.ts";
import type { LogStore } from "./log/store.ts";
import { targetByKey } from "./look-up.ts";
import { createNotary, type Notary } from "./notary.ts";
import { createIssuer, randomDigest } from "./testing.ts";

interface Known {
  readonly claims: StatementClaims;
  readonly registeredAt: number;
}

let folder: string;
let notary: Notary;
let time = 1_800_000_000;
const known: Known[] = [];
const digests = Array.from({ length: 6 }, randomDigest);
const subjects = ["deed 1", "deed 2", "birth 3"];
const issuers = [createIssuer(), createIssuer(), createIssuer()];
let targets: Uint8Array[] = [];

/** 1,300 entries in batches of 130, a minute apart; most have the first subject, few the last issuer. */
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "attestry-find-"));
  notary = await createNotary({ data: folder, clock: () => time * 1000 });
  for (const issuer of issuers) await notary.issuers.addKey(issuer.signer.publicKey);
  for (let batch = 0; batch < 10; batch++) {
    const statements = await Promise.all(
      Array.from({ length: 130 }, (_, at) => {
        const relation: Relation | undefined =
          at % 7 === 0 && targets.length > 0
            ? { kind: "supersedes", target: targets[at % targets.length] as Uint8Array, reason: `${batch} ${at}` }
            : undefined;
        const digest = digests[(at * 5 + batch) % digests.length] as Uint8Array;
        const subject = subjects[at % 20 === 0 ? 1 + (batch % 2) : 0] as string;
        const issuer = issuers[at % 40 === 1 ? 2 : (at + batch) % 2] ?? createIssuer();
        const issuedAt = time - at; // two statements that say the same are one
        return issuer.statement({ digest, subject, issuedAt, ...(relation && { relation }) });
      }),
    );
    const { outcomes } = await notary.register(statements);
    assert.ok(outcomes.every((outcome) => "isNew" in outcome && outcome.isNew));
    const parsed = statements.map(parseStatement);
    known.push(...parsed.map((claims) => ({ claims, registeredAt: time })));
    targets = parsed.slice(0, 3).map(({ entry }) => leafHash(entry));
    time += 60;
  }
});

after(async () => {
  await notary.close();
  rmSync(folder, { recursive: true, force: true });
});

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || (b !== undefined && Buffer.compare(a, b) === 0);

function expected(query: Omit<EntryQuery, "limit">): number[] {
  const { digest, issuer, subject, relatesTo, from = 0, to = Number.POSITIVE_INFINITY } = query;
  const indexes = known.flatMap(({ claims, registeredAt }, index) => {
    const isMeant =
      same(digest, claims.digest) &&
      same(relatesTo, claims.relation?.target) &&
      (issuer ?? claims.issuer) === claims.issuer &&
      (subject ?? claims.subject) === claims.subject;
    return isMeant && registeredAt >= from && registeredAt < to ? [index] : [];
  });
  return indexes.reverse();
}

async function findAll(query: EntryQuery): Promise<number[]> {
  const found: number[] = [];
  let below = query.below;
  do {
    const page = await notary.find({ ...query, below });
    assert.ok(page.entries.length <= query.limit);
    found.push(...page.entries.map(({ index }) => index));
    assert.ok(page.next === undefined || below === undefined || page.next < below, "each page gets on");
    below = page.next;
  } while (below !== undefined);
  return found;
}

test("the pages of any query together are what a look at every entry finds, newest first, each once", async () => {
  const moment = fc.integer({ min: 1_800_000_000 - 100, max: 1_800_000_000 + 700 });
  const query = fc.record(
    {
      digest: fc.constantFrom(...digests, randomDigest()),
      issuer: fc.constantFrom(...issuers.map(({ name }) => name), "https://nobody.example"),
      subject: fc.constantFrom(...subjects, "none"),
      relatesTo: fc.nat({ max: 3 }).map((at) => targets[at] ?? randomDigest()),
      from: moment,
      to: moment,
    },
    { requiredKeys: [] },
  );
  const property = fc.asyncProperty(query, fc.integer({ min: 1, max: 500 }), async (asked, limit) => {
    assert.deepEqual(await findAll({ ...asked, limit }), expected(asked));
  });
  await fc.assert(property, { numRuns: 150 });
});

test("an entry says when it was registered", async () => {
  for (const index of [0, 129, 130, 1299]) {
    assert.equal((await notary.entry(index)).registeredAt, known[index]?.registeredAt);
  }
});

test("a page looks at so many entries and no more, and says where to go on", async () => {
  const query = { subject: "deed 1", issuer: issuers[2]?.name, limit: 500 };
  const first = await notary.find(query);
  assert.ok(first.next !== undefined && first.entries.length < expected(query).length);
  assert.deepEqual(await findAll(query), expected(query));
});

test("what one issuer says of an entry is looked up as such, however much others say of it", async () => {
  const [target = new Uint8Array(32)] = targets;
  const keys: Uint8Array[] = [];
  const lookUp = async (key: Uint8Array): Promise<number[]> => {
    keys.push(key);
    return [];
  };
  await findEntries({ lookUp } as unknown as LogStore, 10, {
    relatesTo: target,
    issuer: "https://court.example",
    limit: 16,
  });
  assert.deepEqual(keys, [targetByKey(target, "https://court.example")]);
});
