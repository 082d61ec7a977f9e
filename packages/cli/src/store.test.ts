// `notarize --store`, `custody` and `vault`, with the real binary and a real notary.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run, runJson, start, startNotary, startSuite } from "./testing.ts";

const started = await startSuite(["--no-ledger"]);
const { suite, home } = started;
let { notary, place } = started;

const hashOf = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** A line between the command and the notary that is cut after so many bytes went up, as often as it says. */
async function startBadLine(
  t: { after(done: () => void): void },
  target: () => string,
  cuts: number[],
): Promise<{ url: string; server: Server }> {
  const server = createServer((client: Socket) => {
    const { hostname, port } = new URL(target());
    const upstream = connect(Number(port), hostname);
    let left = cuts[0] ?? Number.POSITIVE_INFINITY;
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
    upstream.pipe(client);
    client.on("data", (piece: Buffer) => {
      upstream.write(piece);
      left -= piece.length;
      if (left > 0) return;
      cuts.shift();
      left = Number.POSITIVE_INFINITY;
      client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, server };
}

describe("the vault from the command line", { concurrency: 1 }, () => {
  test("a record class is added, and counts for what is stored from then on", async () => {
    writeFileSync(join(home, "clip.txt"), "clip");
    const unknown = await runJson(["notarize", "--store", "clip.txt", "--record-class", "clips", ...place], { home });
    assert.deepEqual([unknown.code, unknown.values[0].error.code], [2, "USAGE"]);
    assert.match(unknown.values[0].error.message, /^--record-class takes general.*, not "clips"\.$/);
    for (const keep of ["-1", "1.5", "long"]) {
      const refused = await runJson(["vault", "set-class", "clips", `--keep=${keep}`, ...place], { home });
      assert.deepEqual([refused.code, refused.values[0].error.code], [2, "USAGE"], keep);
    }
    const set = await run(["vault", "set-class", "clips", "--keep", "730", ...place], { home });
    assert.deepEqual([set.code, set.stderr], [0, ""]);
    assert.match(set.stdout, /^clips +keeps for 730 days$/m);
    const stored = await runJson(["notarize", "--store", "clip.txt", "--record-class", "clips", ...place], { home });
    assert.equal(stored.code, 0, stored.stderr);
    const forever = await runJson(["vault", "set-class", "clips", "--keep", "forever", ...place], { home });
    assert.deepEqual(forever.values[0].recordClasses.at(-1), { name: "clips", retention: "forever" });
    const { values } = await runJson(["vault", "list", "clip.txt", ...place], { home });
    assert.equal(Date.parse(values[0].retainUntil) - Date.parse(values[0].storedAt), 730 * 86_400_000);
    await run(["vault", "set-class", "deeds", "--keep", "forever", ...place], { home });
    const move = (name: string): string[] => ["vault", "reclassify", "clip.txt", "--class", name, "--purpose", "p"];
    assert.match((await run([...move("deeds"), ...place], { home })).stdout, /^ {2}class +deeds, kept for ever$/m);
    const nowhere = await run([...move("nowhere"), ...place], { home });
    assert.match(nowhere.stderr, /^attestry: --class nowhere: There is no such record class here; there is general, /);
    assert.equal(nowhere.code, 2);
  });

  test("a file is stored, notarised and taken out again; the data folder never has what it says", async () => {
    const secret = `secret ${randomBytes(24).toString("hex")}`;
    writeFileSync(join(home, "deed.txt"), secret);
    const { values, code, stderr } = await runJson(
      ["notarize", "--store", "deed.txt", "--subject", "2026-17", "--purpose", "intake", ...place],
      { home },
    );
    assert.deepEqual([code, stderr], [0, ""]);
    const [{ status, hash, object, index }] = values;
    assert.deepEqual([status, hash], ["notarized", hashOf(secret)]);
    const verified = await runJson(["verify", "deed.txt", ...place], { home });
    assert.deepEqual([verified.code, verified.values[0].verdict], [0, "verified"]);
    const listed = await runJson(["vault", "list", "--subject", "2026-17", ...place], { home });
    assert.deepEqual([listed.values[0].id, listed.values[0].entryIndex], [object, index]);
    const got = await run(["vault", "get", object, "--out", "copy.txt", "--purpose", "request 88", ...place], { home });
    assert.equal(got.code, 0, got.stderr);
    assert.equal(readFileSync(join(home, "copy.txt"), "utf8"), secret);
    const again = await run(["vault", "get", object, "--out", "copy.txt", "--purpose", "x", ...place], { home });
    assert.match(again.stderr, /copy\.txt is there already/);
    await notary.stop(); // what SQLite has in its write-ahead log is in the file then
    for (const file of readdirSync(notary.data, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const content = readFileSync(join(file.parentPath, file.name));
      assert.ok(!content.includes(secret) && !content.includes(Buffer.from(secret).toString("base64")), file.name);
    }
    notary = await startNotary(suite, home, ["--no-ledger"]);
    place = ["--server", notary.url, "--data", notary.data];
  });

  test("what is stored already is not sent again; what was notarised before is stored under its first entry", async () => {
    writeFileSync(join(home, "first.txt"), "notarised first");
    const notarized = await runJson(["notarize", "first.txt", ...place], { home });
    const stored = await runJson(["notarize", "--store", "first.txt", ...place], { home });
    assert.deepEqual([stored.values[0].status, stored.values[0].index], ["notarized", notarized.values[0].index]);
    const again = await runJson(["notarize", "--store", "first.txt", ...place], { home });
    assert.deepEqual([again.values[0].status, again.values[0].object], ["already", stored.values[0].object]);
    const listed = await runJson(["vault", "list", "first.txt", ...place], { home });
    assert.equal(listed.values.length, 1);
  });

  test("a cut line costs no more than the part that was under way", async (t) => {
    const content = randomBytes(14_000_000);
    writeFileSync(join(home, "video.mp4"), content);
    const line = await startBadLine(t, () => notary.url, [3_000_000, 5_000_000, 1_000_000]);
    const args = ["notarize", "--store", "video.mp4", "--server", line.url, "--data", notary.data];
    const { values, code } = await runJson(args, { home });
    assert.deepEqual([code, values[0].hash], [0, hashOf(content)]);
    const events = await runJson(["custody", "video.mp4", ...place], { home });
    assert.deepEqual(
      events.values[0].events.map(({ action, status }: { action: string; status: string }) => [action, status]),
      [["stored", "holds"]],
    );
  });

  test("a client that was killed goes on, also at a notary that was killed", async (t) => {
    const content = randomBytes(24_000_000);
    writeFileSync(join(home, "long.mp4"), content);
    let seen = 0;
    const slow = createServer((client) => {
      const { hostname, port } = new URL(notary.url);
      const upstream = connect(Number(port), hostname);
      client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
      upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
      upstream.pipe(client);
      client.on("data", (piece) => {
        seen += piece.length;
        upstream.write(piece);
        if (seen > 10_000_000) client.pause(); // the rest never gets through
      });
    });
    slow.listen(0, "127.0.0.1");
    await once(slow, "listening");
    t.after(() => void slow.close());
    const address = slow.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const args = ["notarize", "--store", "long.mp4", "--data", notary.data, "--server"];
    const child = start([...args, url], { home });
    t.after(() => child.kill("SIGKILL"));
    while (seen <= 10_000_000) await sleep(20);
    child.kill("SIGKILL");
    await once(child, "exit");
    // the journal is by server: the address must be the same for the upload to be gone on with
    const journal = readdirSync(join(notary.data, "uploads")).map((name) => join(notary.data, "uploads", name));
    const open = journal.find((path) => readFileSync(path, "utf8").includes("long.mp4")) ?? "";
    const { id } = JSON.parse(readFileSync(open, "utf8"));
    await notary.kill();
    notary = await startNotary(suite, home, ["--no-ledger"]);
    place = ["--server", notary.url, "--data", notary.data];
    seen = Number.NEGATIVE_INFINITY;
    const { values, code, stdout } = await runJson([...args, url], { home });
    assert.equal(code, 0, stdout);
    assert.deepEqual([values[0].hash, values[0].object], [hashOf(content), id], "the same upload");
  });

  test("a file that was changed since its upload began is begun anew; one that changes meanwhile is refused", async (t) => {
    const path = join(home, "growing.mp4");
    writeFileSync(path, randomBytes(13_000_000));
    let seen = 0;
    const line = createServer((client) => {
      const { hostname, port } = new URL(notary.url);
      const upstream = connect(Number(port), hostname);
      client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
      upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
      upstream.pipe(client);
      client.on("data", (piece) => {
        seen += piece.length;
        if (seen > 5_000_000 && statSync(path).size === 13_000_000) appendFileSync(path, "more");
        upstream.write(piece);
      });
    });
    line.listen(0, "127.0.0.1");
    await once(line, "listening");
    t.after(() => void line.close());
    const address = line.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const args = ["notarize", "--store", "growing.mp4", "--server", url, "--data", notary.data];
    const changed = await runJson(args, { home });
    assert.deepEqual([changed.code, changed.values[0].error.code], [2, "CONFLICT_FILE_CHANGED"]);
    assert.equal(existsSync(`${path}.proof`), false);
    const database = new DatabaseSync(join(notary.data, "vault.db"), { readOnly: true, timeout: 60_000 });
    const left = database.prepare("SELECT count(*) AS n FROM vault_upload").get();
    database.close();
    assert.equal(left?.["n"], 0, "nothing half stored is left");
    const again = await runJson(args, { home });
    assert.deepEqual([again.code, again.values[0].status], [0, "notarized"]);
  });

  test("custody names an event that was edited in the database, and audit does", async () => {
    writeFileSync(join(home, "case.txt"), "case file");
    await run(["notarize", "--store", "case.txt", ...place], { home });
    const held = await run(["vault", "hold", "case.txt", "--order", "case 7", "--purpose", "suit", ...place], { home });
    assert.match(held.stdout, /held by\s+case 7/);
    const before = await run(["custody", "case.txt", ...place], { home });
    assert.equal(before.code, 0, before.stdout + before.stderr);
    assert.match(before.stdout, /✓ \S+ {2}held .* by administrator: suit, order case 7/);
    const database = new DatabaseSync(join(notary.data, "vault.db"), { timeout: 60_000 });
    const rows = database.prepare("SELECT object_id, sequence, event FROM vault_custody").all();
    const row = rows.find(({ event }) => Buffer.from(event as Uint8Array).includes("suit"));
    assert.ok(row, "the event is there");
    const edited = Buffer.from(row["event"] as Uint8Array);
    edited.write("gift", edited.indexOf("suit"));
    const update = database.prepare("UPDATE vault_custody SET event = ? WHERE object_id = ? AND sequence = ?");
    update.run(edited, row["object_id"] ?? "", row["sequence"] ?? 0);
    const { code, stdout } = await run(["custody", "case.txt", ...place], { home });
    assert.equal(code, 1);
    assert.match(stdout, /✗ \S+ {2}held .*gift.*\n\s+It was edited: that entry of the log is of other bytes\./);
    const audited = await run(["audit", "--data", notary.data], { home });
    assert.equal(audited.code, 1, audited.stdout);
    update.run(row["event"] ?? null, row["object_id"] ?? "", row["sequence"] ?? 0);
    database.close();
    assert.equal((await run(["custody", "case.txt", ...place], { home })).code, 0);
    const clean = await run(["audit", "--data", notary.data], { home });
    assert.equal(clean.code, 0, clean.stdout);
  });

  test("erasing asks twice, is refused under a hold, and leaves custody and thumbprint", async () => {
    writeFileSync(join(home, "sealed.txt"), "to be sealed");
    await run(["notarize", "--store", "sealed.txt", ...place], { home });
    const erase = ["vault", "erase", "sealed.txt", "--order", "order 12", "--purpose", "sealed by court", ...place];
    const asked = await run(erase, { home });
    assert.deepEqual([asked.code, /This would erase .* Add --yes/.test(asked.stderr)], [2, true]);
    await run(["vault", "hold", "sealed.txt", "--order", "c", "--purpose", "p", ...place], { home });
    const held = await runJson([...erase, "--yes"], { home });
    assert.deepEqual([held.code, held.values[0].error.data.holds], [2, ["c"]]);
    await run(["vault", "release", "sealed.txt", "--order", "c", "--purpose", "p", ...place], { home });
    const erased = await run([...erase, "--yes"], { home });
    assert.match(erased.stdout, /erased\s+\d{4}-/);
    assert.equal((await run(["verify", "sealed.txt", ...place], { home })).code, 0);
    const { values } = await runJson(["custody", "sealed.txt.proof", ...place], { home });
    assert.deepEqual(
      values[0].events.map(({ action }: { action: string }) => action),
      ["stored", "held", "released", "erased"],
    );
  });

  test("each role does its part, and no more", async () => {
    const tokenFile = async (name: string, role: string): Promise<string[]> => {
      const { values } = await runJson(["token", "add", name, "--role", role, ...place], { home });
      writeFileSync(join(home, `${role}.token`), `${values[0].token}\n`);
      return ["--token-file", `${role}.token`, "--server", notary.url];
    };
    const creator = await tokenFile("camera 7", "creator");
    const auditor = await tokenFile("A. Auditor", "auditor");
    mkdirSync(join(home, "scans"));
    for (const name of ["a.txt", "b.txt"]) writeFileSync(join(home, "scans", name), `scan ${name}`);
    const stored = await runJson(["notarize", "--store", "scans", ...creator, "--data", notary.data], { home });
    assert.deepEqual(
      stored.values.map(({ status }) => status),
      ["notarized", "notarized"],
    );
    assert.equal((await run(["vault", "list", ...creator], { home })).code, 2);
    const seen = await run(["custody", "scans/a.txt", ...auditor], { home });
    assert.match(seen.stdout, /stored .* by camera 7: storing/);
    const refused = await run(["notarize", "--store", "scans/b.txt", "--force", ...auditor, "--data", notary.data], {
      home,
    });
    assert.deepEqual([refused.code, /None of your roles allows this/.test(refused.stderr)], [2, true]);
  });

  test("keys rotate, and records open under the new one; a keyring that is gone is not made anew", async () => {
    const rotated = await runJson(["vault", "rotate", "--forget", ...place], { home });
    assert.deepEqual([rotated.code, rotated.values[0].rotation.state, rotated.values[0].pending], [0, "done", 0]);
    const got = await run(["vault", "get", "first.txt", "--out", "out.txt", "--purpose", "x", ...place], { home });
    assert.equal(got.code, 0, got.stderr);
    await notary.stop();
    const keyring = join(notary.data, "keys", "vault.keyring");
    const kept = readFileSync(keyring);
    const { rmSync } = await import("node:fs");
    rmSync(keyring);
    const up = await run(["up", "--data", notary.data, "--port", "0", "--no-ledger"], { home });
    assert.deepEqual([up.code, existsSync(keyring)], [2, false]);
    assert.match(up.stderr, /keyring .* is not there, and stored records need it/);
    writeFileSync(keyring, kept, { mode: 0o600 });
  });
});
