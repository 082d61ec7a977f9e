import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Latency, openLatency } from "./latency.ts";
import { temporaryFolder } from "./testing.ts";

const start = 1_789_999_200; // a full hour, and a full minute
const minute = 60;
const hour = 3600;

/** A history whose clock the test sets, in seconds. */
function opened(t: TestContext, path = join(temporaryFolder(t), "latency.json")) {
  const clock = { at: start };
  const latency: Latency = openLatency(path, () => clock.at * 1000);
  t.after(() => latency.close());
  return { clock, latency, path };
}

test("what was measured is told a fifth above the truth at most, by the minute", (t) => {
  const { clock, latency } = opened(t);
  for (let each = 1; each <= 100; each++) latency.observe(each);
  clock.at += minute;
  latency.observe(5000);
  const first = latency.between(start, start + minute);
  assert.equal(first.count, 100);
  assert.ok(first.median !== undefined && first.median >= 50 && first.median <= 60, String(first.median));
  assert.ok(first.slow !== undefined && first.slow >= 95 && first.slow <= 114, String(first.slow));
  assert.equal(latency.between(start + minute, start + 2 * minute).count, 1);
  assert.deepEqual(latency.between(start + 2 * minute, start + 3 * minute), {
    count: 0,
    median: undefined,
    slow: undefined,
  });
});

test("longer stretches add up what their parts measured", (t) => {
  const { clock, latency } = opened(t);
  for (let step = 0; step < 120; step++) {
    latency.observe(step < 60 ? 10 : 1000);
    clock.at += minute;
  }
  const all = latency.between(start, start + 2 * hour);
  assert.equal(all.count, 120);
  assert.ok(all.median !== undefined && all.median < 13);
  assert.ok(all.slow !== undefined && all.slow >= 1000);
  assert.equal(latency.between(start + 30 * minute, start + 45 * minute).count, 15);
});

test("minutes are kept for a day and hours for a month, and no more", (t) => {
  const { clock, latency } = opened(t);
  latency.observe(10);
  clock.at += 2 * 24 * hour;
  latency.observe(10);
  assert.equal(latency.between(start, start + minute).count, 0);
  assert.equal(latency.between(start, start + hour).count, 1);
  clock.at += 40 * 24 * hour;
  latency.observe(10);
  assert.equal(latency.between(start, start + hour).count, 0);
});

test("it survives a restart, and begins anew when its file is damaged", async (t) => {
  const { latency, path } = opened(t);
  latency.observe(20);
  const before = latency.between(start, start + hour);
  await latency.close();
  assert.deepEqual(opened(t, path).latency.between(start, start + hour), before);
  for (const damaged of ["", "[", "[[[1,-2,3]]]", '[[["a"]]]', "[7]", "null", "{}"]) {
    writeFileSync(path, damaged);
    assert.equal(opened(t, path).latency.between(start, start + hour).count, 0, damaged);
  }
});

test("nothing is written where nothing was measured, and storage that refuses harms nobody", async (t) => {
  const quiet = opened(t);
  await quiet.latency.close();
  assert.ok(!existsSync(quiet.path));
  const { latency } = opened(t, join(temporaryFolder(t), "no", "folder"));
  latency.observe(1);
  await latency.close();
});
