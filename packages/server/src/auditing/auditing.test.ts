// Audits that begin by themselves, over a real data folder and in a real process; the clock and the timers are the test's.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { type Logger, pino } from "pino";
import { Registry } from "prom-client";
import { addAuditMetrics } from "../metrics.ts";
import { startTestServer } from "../testing.ts";
import { type Auditing, openAuditing } from "./auditing.ts";

const day = 86_400;

interface Scene {
  readonly data: string;
  readonly told: { readonly level: number; readonly msg: string; readonly findings?: number }[];
  readonly recorded: { readonly who: string; readonly action: string }[];
  open(every?: number): Auditing;
  /** Lets seconds pass. */
  pass(seconds: number): void;
  /** Resolves when so many audits have ended. */
  ended(count: number): Promise<void>;
}

/** A notary's data with one entry, closed. */
async function prepare(t: TestContext): Promise<Scene> {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  await server.close();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = Date.parse("2026-11-22T00:00:00Z") / 1000;
  const told: Scene["told"] = [];
  const recorded: { who: string; action: string }[] = [];
  const waiting: { readonly count: number; resolve(): void }[] = [];
  const logger: Logger = pino({ level: "info" }, { write: (line: string) => void told.push(JSON.parse(line)) });
  const countEnded = (): number => recorded.filter(({ action }) => action === "audit-ended").length;
  const actions = {
    async record(who: { name: string }, action: string): Promise<void> {
      recorded.push({ who: who.name, action });
      for (const { count, resolve } of waiting) if (countEnded() >= count) resolve();
    },
    list: async () => [],
  };
  return {
    data: server.data,
    told,
    recorded,
    open(every) {
      const path = join(server.data, "audit.json");
      const auditing = openAuditing({ task: { data: server.data }, path, actions, now: () => now, logger, every });
      t.after(() => auditing.close());
      return auditing;
    },
    pass(seconds) {
      now += seconds;
      t.mock.timers.tick(seconds * 1000);
    },
    ended: (count) =>
      new Promise((resolve) => {
        if (countEnded() >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

test("a running notary audits itself: soon when none ever ended, and then so long after each end", async (t) => {
  const { open, pass, ended, recorded, told } = await prepare(t);
  const auditing = open(day);
  assert.equal(auditing.state().next, "2026-11-22T00:10:00.000Z", "not while it is still starting");
  pass(599);
  assert.deepEqual(recorded, []);
  pass(1);
  await ended(1);
  assert.deepEqual(recorded[0], { who: "notary (schedule)", action: "audit-started" });
  const { last, next } = auditing.state();
  assert.deepEqual([last?.findings, last?.problem, last?.by], [0, undefined, "notary (schedule)"]);
  assert.equal(next, "2026-11-23T00:10:00.000Z");
  assert.ok(told.every(({ level }) => level === 30));
  await auditing.close();
  // a notary that was down when one was due makes up for it
  pass(2 * day);
  const again = open(day);
  assert.equal(again.state().next, "2026-11-24T00:20:00.000Z");
  await again.close();
  assert.equal(open().state().next, undefined, "it is off unless asked for");
  pass(2 * day);
  assert.equal(recorded.length, 2);
});

test("an audit that fails, or does not get to its end, is an error in the log and shows in the metrics", async (t) => {
  const { data, open, pass, ended, told } = await prepare(t);
  const auditing = open(day);
  const registry = new Registry();
  addAuditMetrics(registry, () => auditing.state().last);
  assert.doesNotMatch(await registry.metrics(), /^attestry_audit/m, "nothing is known before the first");
  writeFileSync(join(data, "vault.json"), "{");
  pass(600);
  await ended(1);
  assert.match(await registry.metrics(), /^attestry_audit_findings\{result="stopped"\} 0$/m);
  assert.ok(told.some(({ level, msg }) => level === 50 && msg === "the audit did not get to its end"));
  writeFileSync(join(data, "vault.json"), "{}");
  const log = new DatabaseSync(join(data, "log.db"));
  log.exec("DELETE FROM seen WHERE idx = 0");
  log.close();
  pass(day);
  await ended(2);
  assert.match(await registry.metrics(), /^attestry_audit_findings\{result="fails"\} 1$/m);
  assert.match(await registry.metrics(), /^attestry_audit_ended_seconds\{result="fails"\} 1795392600$/m);
  const failed = told.find(({ msg }) => msg === "the audit found what does not hold");
  assert.deepEqual([failed?.level, failed?.findings], [50, 1]);
});
