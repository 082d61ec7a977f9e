/** Growth: a log of millions of entries beside one of ten thousand: rate, start-up and memory. */
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { defaultSubject, encodeSign1, leafHash, parseSign1, type Sign1 } from "@attestry/core";
import { createHeadSigner, openLogKeys } from "../packages/server/src/heads.ts";
import { createSequencer } from "../packages/server/src/log/sequencer.ts";
import { openSqliteStore } from "../packages/server/src/log/sqlite-store.ts";
import type { AdmittedEntry } from "../packages/server/src/log/store.ts";
import { lookUpKeys } from "../packages/server/src/look-up.ts";
import type { Bench } from "./figure.ts";
import { median } from "./figure.ts";
import { localSigner, makeStatements, residentMiB, startNotary } from "./notary.ts";
import { registerBatches } from "./registration.ts";

export const benchGrowth: Bench = async ({ folder, quick }) => {
  const sizes = { small: 10_000, large: quick ? 500_000 : 5_000_000 };
  const [small, large] = [join(folder, "grown-small"), join(folder, "grown-large")];
  for (const data of [small, large]) {
    // The first start makes keys, origin and issuer; the filling then goes in below HTTP, since only the size matters here.
    await (await startNotary(data, ["--no-ledger"])).stop();
  }
  await fill(small, sizes.small);
  await fill(large, sizes.large);
  const notaries = [await startNotary(small, ["--no-ledger"]), await startNotary(large, ["--no-ledger"])] as const;
  try {
    const rounds = quick ? 3 : 5;
    const count = 512 * (quick ? 20 : 40);
    const ratios: number[] = [];
    const rates: number[] = [];
    const [signerSmall, signerLarge] = [localSigner(small), localSigner(large)];
    for (const [notary, signer] of [
      [notaries[0], signerSmall],
      [notaries[1], signerLarge],
    ] as const) {
      // biome-ignore format: one line
      await registerBatches(notary, await makeStatements(signer, count)); // warm
    }
    for (let round = 0; round < rounds; round++) {
      // In turn, so that the machine's own drift falls on both.
      const before = await registerBatches(notaries[0], await makeStatements(signerSmall, count));
      const after = await registerBatches(notaries[1], await makeStatements(signerLarge, count));
      ratios.push(after / before);
      rates.push(after);
    }
    const words = sizes.large.toLocaleString("en");
    const value = median(rates);
    return [
      {
        name: `registration at ${words} entries`,
        value,
        unit: "/s",
        limit: { name: "at 10,000 entries", value: value / median(ratios) },
        target: { of: "ratio", atLeast: 0.9 },
      },
      {
        name: `start-up at ${words} entries`,
        value: notaries[1].startMs,
        unit: "ms",
        target: { of: "value", atMost: 2000 },
      },
      {
        name: `resident memory at ${words} entries, after load`,
        value: residentMiB(notaries[1].pid) * 1.048576,
        unit: "MB",
        target: { of: "value", atMost: 300 },
      },
    ];
  } finally {
    for (const notary of notaries) await notary.stop();
  }
};

/** Puts statements with made-up signatures into the log, through the real sequencer, head signer and store. */
async function fill(data: string, count: number): Promise<void> {
  const store = openSqliteStore({ folder: data });
  const signer = createHeadSigner(store.origin, await openLogKeys(join(data, "keys"), { create: false }));
  const sequencer = await createSequencer({ store, signHead: (head) => signer.sign(head) });
  const template = parseSign1((await makeStatements(localSigner(data), 1))[0] as Uint8Array);
  const issuedAt = Math.floor(Date.now() / 1000);
  for (let done = sequencer.head.size; done < count; ) {
    const entries: AdmittedEntry[] = [];
    for (; entries.length < 2048 && done < count; done++) entries.push(madeUp(template, issuedAt));
    await sequencer.submit(entries);
    if (done % 500_000 < 2048)
      console.error(`bench: ${done.toLocaleString("en")} of ${count.toLocaleString("en")} entries`);
  }
  await sequencer.close();
  await store.close();
}

function madeUp(template: Sign1, issuedAt: number): AdmittedEntry {
  const [payload, signature] = [randomFillSync(new Uint8Array(32)), randomFillSync(new Uint8Array(64))];
  const entry = encodeSign1({ protectedBytes: template.protectedBytes, unprotected: new Map(), payload, signature });
  const claims = { issuer: "urn:bench", subject: defaultSubject(payload), issuedAt, digest: payload };
  return { entry, leafHash: leafHash(entry), issuedAt, keys: lookUpKeys(claims) };
}
