import assert from "node:assert/strict";
import { test } from "node:test";
import { createSettling } from "./files/settle.ts";
import { count, duration, progressLine, size } from "./progress.ts";

test("the line shows share, counts, rate and time left once the total is known", () => {
  const state = { files: 250, bytes: 500_000_000, totalFiles: 1000, seconds: 10 };
  assert.equal(
    progressLine("Notarising", { ...state, share: 0.25 }),
    "Notarising █████░░░░░░░░░░░░░░░ 25%  250 of 1,000 files, 500.0 MB (25 files/s, 50.0 MB/s), 30 s left",
  );
  assert.equal(
    progressLine("Notarising", { ...state, totalFiles: 0, share: undefined }),
    "Notarising: 250 files, 500.0 MB (25 files/s, 50.0 MB/s)",
  );
  assert.equal(
    progressLine("Auditing", { ...state, bytes: 0, share: 0.25 }, "entries"),
    "Auditing █████░░░░░░░░░░░░░░░ 25%  250 of 1,000 entries (25 entries/s), 30 s left",
  );
});

test("a share beyond the whole, when files were added meanwhile, is shown as the whole", () => {
  const line = progressLine("Verifying", { files: 12, bytes: 0, totalFiles: 10, seconds: 1, share: 1.2 });
  assert.match(line, /100%.*, 0 s left$/);
});

test("numbers, sizes and durations are as people write them", () => {
  assert.deepEqual([0, 999, 1234567].map(count), ["0", "999", "1,234,567"]);
  assert.deepEqual([0, 999, 1500, 2_000_000_000, 5e15].map(size), ["0 B", "999 B", "1.5 kB", "2.0 GB", "5000.0 TB"]);
  assert.deepEqual([0.2, 59, 61, 3661].map(duration), ["1 s", "59 s", "1 min 1 s", "1 h 1 min"]);
});

test("a file has settled once it has looked the same for the quiet time, and not before", () => {
  const settling = createSettling(1000);
  const look = { dev: 1, ino: 1, size: 10, mtimeMs: 5, ctimeMs: 5 };
  assert.equal(settling.hasSettled("a", look, 0), false);
  assert.equal(settling.hasSettled("a", look, 999), false);
  assert.equal(settling.hasSettled("a", { ...look, size: 11 }, 1500), false);
  assert.equal(settling.hasSettled("a", { ...look, size: 11 }, 2499), false);
  assert.equal(settling.hasSettled("a", { ...look, size: 11 }, 2500), true);
  for (const change of [{ mtimeMs: 6 }, { ctimeMs: 6 }, { ino: 2 }]) {
    assert.equal(settling.hasSettled("a", { ...look, size: 11, ...change }, 9000), false);
    settling.hasSettled("a", { ...look, size: 11 }, 9000);
  }
  settling.keepOnly(new Set());
  assert.equal(settling.hasSettled("a", { ...look, size: 11 }, 99_000), false);
});
