import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { createLogFile } from "./log-file.ts";
import { run, temporaryHome } from "./testing.ts";

test("a log that cannot be written loses lines and stops nothing; when it works again it says how many", () => {
  let [text, room] = ["", 1_000_000];
  const file = createLogFile((bytes) => {
    const taken = Math.min(bytes.length, room);
    if (taken === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    text += Buffer.from(bytes.subarray(0, taken)).toString();
    room -= taken;
    return taken;
  });
  const logger = pino({}, file);
  logger.warn("first");
  room = 5; // the next is cut short
  for (const message of ["second", "third", "fourth"]) logger.warn(message);
  room = 1_000_000;
  logger.warn("fifth");
  logger.warn("sixth");
  const lines = text.trim().split("\n");
  assert.equal(lines[1]?.length, 5);
  const [first, , notice, ...rest] = lines.map((line) => (line.length > 5 ? JSON.parse(line) : line));
  assert.equal(first.msg, "first");
  assert.deepEqual([notice.level, notice.lost], [40, 3]);
  assert.deepEqual(
    rest.map(({ msg }) => msg),
    ["fifth", "sixth"],
  );
});

test("a notary whose log is on a full disk goes on, and answers errors as problem documents", {
  timeout: 60_000,
}, async (t) => {
  if (!existsSync("/dev/full")) return t.skip("only Linux has a file that is always full");
  const home = temporaryHome(t);
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const key = Buffer.concat([Buffer.of(4), randomBytes(32)]);
  const id = createHash("sha256").update("w.example\n").update(key).digest("hex").slice(0, 8);
  const witness = `w.example+${id}+${key.toString("base64")}=http://127.0.0.1:1`; // nobody is there: a line of the log
  const main = join(import.meta.dirname, "main.ts");
  const args = ["up", "--data", "n", "--port", "0", "--no-ledger", "--log-level", "info", "--witness", witness];
  const env = { ...process.env, HOME: home };
  const child = spawn(process.execPath, [main, ...args], { cwd: home, env, stdio: ["ignore", "pipe", full] });
  t.after(() => child.kill("SIGKILL"));
  let shown = "";
  child.stdout?.on("data", (piece) => {
    shown += piece;
  });
  while (!shown.includes("Ctrl-C stops it") && child.exitCode === null)
    await Promise.race([once(child.stdout ?? child, "data"), once(child, "exit")]);
  const url = /address {3}(\S+)/.exec(shown)?.[1] ?? assert.fail(shown);
  writeFileSync(join(home, "a.txt"), "a");
  const place = ["--server", url, "--data", "n"];
  const { code, stderr } = await run(["notarize", "a.txt", ...place], { home });
  assert.equal(code, 0, stderr);
  for (const [path, status] of [
    ["/v1/nothing", 404],
    ["/v1/tokens", 401],
  ] as const) {
    const answer = await fetch(`${url}${path}`);
    assert.equal(answer.headers.get("content-type")?.split(";")[0], "application/problem+json", path);
    assert.equal(answer.status, status, path);
  }
  child.kill("SIGTERM");
  await once(child, "exit");
  assert.equal(child.exitCode, 0);
});
