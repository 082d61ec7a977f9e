import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { type Json, run, runJson, start, startNotary, startSuite } from "./testing.ts";

const { home, notary, place } = await startSuite();

/** How many entries the log has of a file's content. */
async function entriesOf(file: string): Promise<number> {
  const { values } = await runJson(["find", file, "--server", notary.url], { home });
  return values[0].entries.length;
}

/** A running `attestry watch` of a new folder; `next` gives what it says of the next file. */
function watch(
  t: TestContext,
  name: string,
  args: readonly string[] = place,
): { child: ChildProcess; folder: string; next(): Promise<Json> } {
  const folder = join(home, name);
  mkdirSync(folder, { recursive: true });
  const child = start(["watch", folder, "--settle", "1", "--json", ...args], { home });
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  child.stdout?.on("data", (piece) => {
    out += piece;
  });
  return {
    child,
    folder,
    async next() {
      while (!out.includes("\n")) await once(child.stdout ?? child, "data");
      const end = out.indexOf("\n");
      const line = out.slice(0, end);
      out = out.slice(end + 1);
      return JSON.parse(line);
    },
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
  return child.exitCode;
}

/** A line to a notary that is away until it is said where it is. */
async function startLine(
  t: TestContext,
): Promise<{ url: string; hasRefused(times: number): Promise<void>; connectTo(target: string): void }> {
  const refusals = new EventEmitter();
  let [target, refused] = ["", 0];
  const server = createServer((client) => {
    if (target === "") {
      client.destroy();
      refused += 1;
      refusals.emit("one");
      return;
    }
    const { hostname, port } = new URL(target);
    const upstream = connect(Number(port), hostname);
    client.on("error", () => {}).on("close", () => upstream.destroy());
    upstream.on("error", () => {}).on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async hasRefused(times) {
      while (refused < times) await once(refusals, "one");
    },
    connectTo(url) {
      target = url;
    },
  };
}

describe("watch", { concurrency: 4 }, () => {
  test("files are notarised as they land, below the folder too, each once across restarts and a kill", async (t) => {
    const first = watch(t, "landing");
    const { folder } = first;
    writeFileSync(join(folder, "a.pdf"), "landing a");
    assert.deepEqual(
      { ...(await first.next()), hash: 0, index: 0 },
      {
        file: join(folder, "a.pdf"),
        status: "notarized",
        proof: join(folder, "a.pdf.proof"),
        hash: 0,
        index: 0,
      },
    );
    mkdirSync(join(folder, "in"));
    writeFileSync(join(folder, "in/b.pdf"), "landing b");
    writeFileSync(join(folder, ".hidden"), "left alone");
    assert.equal((await first.next()).file, join(folder, "in/b.pdf"));
    assert.equal(await stop(first.child), 0);
    const second = watch(t, "landing");
    writeFileSync(join(folder, "c.pdf"), "landing c");
    assert.equal((await second.next()).file, join(folder, "c.pdf"));
    await stop(second.child, "SIGKILL");
    const third = watch(t, "landing");
    writeFileSync(join(folder, "d.pdf"), "landing d");
    assert.equal((await third.next()).file, join(folder, "d.pdf"));
    assert.equal(await stop(third.child), 0);
    for (const name of ["a.pdf", "in/b.pdf", "c.pdf", "d.pdf"])
      assert.equal(await entriesOf(join(folder, name)), 1, name);
    assert.equal(existsSync(join(folder, ".hidden.proof")), false);
  });

  test("a file that is being written is taken once it has come to rest, and then as a whole", async (t) => {
    const { child, folder, next } = watch(t, "writing");
    const file = join(folder, "video.mp4");
    writeFileSync(join(folder, "before.txt"), "it watches by now");
    await next();
    let longestRest = 0;
    for (let piece = 0; piece < 8; piece++) {
      const written = performance.now();
      appendFileSync(file, Buffer.alloc(100_000, piece));
      await new Promise((resolve) => setTimeout(resolve, 300)); // the camera records in real time
      longestRest = Math.max(longestRest, performance.now() - written);
      assert.ok(!existsSync(`${file}.proof`) || longestRest >= 1000, "it had not come to rest");
    }
    const whole = createHash("sha256").update(readFileSync(file)).digest("hex");
    let { status, hash } = await next();
    while (hash !== whole) {
      assert.ok(longestRest >= 1000, "a part was taken for the whole");
      ({ status, hash } = await next());
    }
    assert.equal(status, "notarized");
    assert.equal(await stop(child), 0);
    const { code, values } = await runJson(["verify", file, "--offline"], { home });
    assert.deepEqual([code, values[0].statement.hash, statSync(file).size], [0, hash, 800_000]);
  });

  test("a file that is written anew, or replaced by an older one, is notarised anew, and its earlier proof is kept", async (t) => {
    const { child, folder, next } = watch(t, "anew");
    const file = join(folder, "deed.pdf");
    writeFileSync(file, "first");
    assert.equal((await next()).status, "notarized");
    writeFileSync(file, "second");
    const second = await next();
    assert.equal(second.kept, `${file}.proof.1`);
    const older = join(home, "older.pdf");
    writeFileSync(older, "older");
    renameSync(older, file);
    assert.equal((await next()).kept, `${file}.proof.2`);
    assert.equal(await stop(child), 0);
  });

  test("what changed while nobody watched is found at the next start", async (t) => {
    const first = watch(t, "meanwhile");
    const file = join(first.folder, "deed.pdf");
    writeFileSync(file, "first");
    await first.next();
    await stop(first.child);
    writeFileSync(file, "second");
    const second = watch(t, "meanwhile");
    assert.equal((await second.next()).kept, `${file}.proof.1`);
    await stop(second.child);
  });

  test("an outage of the notary is waited out", async (t) => {
    const own = join(home, "outage-home");
    mkdirSync(own);
    const other = await startNotary(t, own);
    await other.stop();
    const line = await startLine(t);
    const { child, folder, next } = watch(t, "outage", ["--server", line.url, "--data", other.data]);
    let said = "";
    child.stderr?.on("data", (piece) => {
      said += piece;
    });
    writeFileSync(join(folder, "a.pdf"), "outage");
    // JSON output says nothing of outages: that it asked twice and went on shows that it came through one
    await line.hasRefused(2);
    assert.equal(existsSync(join(folder, "a.pdf.proof")), false);
    assert.equal(child.exitCode, null);
    line.connectTo((await startNotary(t, own)).url);
    assert.equal((await next()).status, "notarized");
    assert.equal(said, "");
    assert.equal(await stop(child), 0);
  });

  test("a log that shows other keys while the watch runs ends it with what to do, and its pin stays", async (t) => {
    const homes = ["keys-before", "keys-after"].map((name) => join(home, name)) as [string, string];
    for (const one of homes) mkdirSync(join(one, "notary", "keys"), { recursive: true, mode: 0o700 });
    const first = await startNotary(t, homes[0]);
    const line = await startLine(t);
    line.connectTo(first.url);
    const { child, folder, next } = watch(t, "keys", ["--server", line.url, "--data", first.data]);
    writeFileSync(join(folder, "a.pdf"), "before");
    assert.equal((await next()).status, "notarized");
    const pins = join(first.data, "known-logs.json");
    const noted = readFileSync(pins, "utf8");
    copyFileSync(join(first.data, "keys/issuer.pem"), join(homes[1], "notary/keys/issuer.pem"));
    const second = await startNotary(t, homes[1], ["--origin", first.origin]);
    await first.stop();
    line.connectTo(second.url);
    const [ended, said] = [once(child, "exit"), text(child.stderr as never)];
    writeFileSync(join(folder, "b.pdf"), "after");
    assert.equal((await next()).error.code, "VERIFY_UNTRUSTED");
    const { error } = await next();
    assert.equal(error.code, "VERIFY_UNTRUSTED");
    assert.match(
      error.message,
      /^WARNING: the keys of the log .* are not the ones noted on .*known-logs\.json and start again\.$/,
    );
    await ended;
    assert.deepEqual([child.exitCode, await said], [1, ""]);
    assert.equal(existsSync(join(folder, "b.pdf.proof")), false);
    assert.equal(readFileSync(pins, "utf8"), noted);
  });

  test("--once ends when everything there has its proof, and does nothing the second time", async () => {
    const folder = join(home, "once");
    mkdirSync(folder);
    for (let at = 0; at < 40; at++) writeFileSync(join(folder, `${at}.txt`), `once ${at}`);
    const args = ["watch", folder, "--once", "--settle", "1", "--out", join(home, "once-proofs"), ...place];
    const first = await runJson(args, { home });
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.values.length, 40);
    assert.equal(readdirSync(join(home, "once-proofs")).length, 40);
    const second = await runJson(args, { home });
    assert.deepEqual([second.code, second.values], [0, []]);
    assert.equal(await entriesOf(join(folder, "7.txt")), 1);
    const nobody = await run(["watch", folder, "--once", "--settle", "1", "--server", "http://127.0.0.1:9"], { home });
    assert.equal(nobody.code, 3);
  });

  test("a key that is not enrolled ends the watch with what to do", async () => {
    const folder = join(home, "stranger");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.pdf"), "stranger");
    const { code, stderr } = await run(
      ["watch", folder, "--settle", "1", "--server", notary.url, "--data", join(home, "s")],
      { home },
    );
    assert.equal(code, 2);
    assert.match(stderr, /attestry: Your key is not enrolled at the notary\. .*attestry issuer add --key/);
  });
});
