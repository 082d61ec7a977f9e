/** The log in PostgreSQL beside the log in SQLite: one notary over each, in turn, and two notaries over one database at once. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { startPostgres } from "../packages/server/src/postgres/testing/server.ts";
import { type Bench, median, seconds } from "./figure.ts";
import { localSigner, makeStatements, type RunningNotary, startNotary } from "./notary.ts";
import { registerBatches } from "./registration.ts";

export const benchPostgres: Bench = async ({ folder, quick }) => {
  const server = await startPostgres();
  if (server === undefined) {
    console.error("bench: postgres is left out, since no PostgreSQL is installed (Debian: apt-get install postgresql)");
    return [];
  }
  const notaries: RunningNotary[] = [];
  try {
    const database = ["--no-ledger", "--database", await server.createDatabase()];
    const data = (name: string): string => join(folder, `postgres-${name}`);
    const start = async (name: string, more: readonly string[]): Promise<RunningNotary> => {
      const notary = await startNotary(data(name), more);
      notaries.push(notary);
      return notary;
    };
    const sqlite = await start("none", ["--no-ledger"]);
    const one = await start("one", database);
    mkdirSync(data("two"), { mode: 0o700 });
    cpSync(join(data("one"), "keys"), join(data("two"), "keys"), { recursive: true });
    const two = await start("two", database);
    return await measure(sqlite, [one, two], { embedded: data("none"), shared: data("one") }, quick);
  } finally {
    for (const notary of notaries) await notary.stop();
    await server.stop();
  }
};

async function measure(
  sqlite: RunningNotary,
  [one, two]: readonly [RunningNotary, RunningNotary],
  data: { readonly embedded: string; readonly shared: string },
  quick: boolean,
) {
  const count = 512 * (quick ? 20 : 60);
  const embedded = localSigner(data.embedded);
  const shared = localSigner(data.shared);
  for (const notary of [one, two]) await registerBatches(notary, await makeStatements(shared, 512 * 4)); // warm
  await registerBatches(sqlite, await makeStatements(embedded, 512 * 4));
  const rates = { sqlite: [] as number[], one: [] as number[], both: [] as number[] };
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    // In turn, so that the machine's own drift falls on all.
    rates.sqlite.push(await registerBatches(sqlite, await makeStatements(embedded, count)));
    rates.one.push(await registerBatches(one, await makeStatements(shared, count)));
    const halves = [await makeStatements(shared, count / 2), await makeStatements(shared, count / 2)] as const;
    const time = await seconds(() => Promise.all([registerBatches(one, halves[0]), registerBatches(two, halves[1])]));
    rates.both.push(count / time);
  }
  const limit = { name: "on SQLite", value: median(rates.sqlite) };
  return [
    { name: "registration on PostgreSQL, one notary", value: median(rates.one), unit: "/s", limit },
    { name: "registration on PostgreSQL, two notaries", value: median(rates.both), unit: "/s", limit },
  ];
}
