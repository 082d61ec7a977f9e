import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { firstLine, run, runJson, start, startNotary, temporaryHome } from "./testing.ts";

describe("up, witness, audit and key", { concurrency: 2 }, () => {
  test("up shows where it listens, where its data is, and a first notarisation that works when it is copied", async (t) => {
    const home = temporaryHome(t);
    const child = start(["up", "--port", "0", "--data", "my data"], { home });
    t.after(() => child.kill("SIGKILL"));
    let shown = "";
    child.stdout?.on("data", (piece) => {
      shown += piece;
    });
    while (!shown.includes("Ctrl-C stops it")) await once(child.stdout ?? child, "data");
    assert.match(shown, /address {3}http:\/\/127\.0\.0\.1:\d+ /);
    assert.ok(shown.includes(join(home, "my data")));
    const [, ...lines] = /another terminal:\n((?: {2}.*\n)+)/.exec(shown)?.[1]?.split("\n") ?? [];
    const script = /another terminal:\n((?: {2}.*\n)+)/.exec(shown)?.[1] ?? "";
    assert.equal(lines.length, 3);
    const bin = join(import.meta.dirname, "../../../node_modules/.bin");
    const env = { ...process.env, HOME: home, PATH: `${bin}:${process.env["PATH"]}` };
    const said = execFileSync("sh", ["-ec", script], { cwd: home, env, encoding: "utf8" });
    assert.match(said, /record\.txt: verified/);
    child.kill("SIGINT");
    child.kill("SIGINT"); // from the terminal, and passed on by a parent that got it too
    await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });

  test("a notary runs with the options that keep its memory small, from the command and from npm's script", async (t) => {
    if (process.platform !== "linux") return t.skip("only Linux shows how a process was started");
    const home = temporaryHome(t);
    const root = join(import.meta.dirname, "../../..");
    const options = readFileSync(join(root, "packages/cli/bin/up.options"), "utf8").trim().split(" ");
    assert.ok(options.length > 0);
    const up = ["up", "--port", "0", "--data"];
    const starts: readonly [command: string, args: readonly string[]][] = [
      [join(root, "packages/cli/bin/attestry"), [...up, join(home, "one")]],
      [process.execPath, [join(root, "scripts/run.mjs"), "packages/cli/src/main.ts", ...up, join(home, "two")]],
    ];
    for (const [command, args] of starts) {
      const env = { ...process.env, HOME: home, options: "--not-ours" };
      const child = spawn(command, args, { cwd: home, env, stdio: ["ignore", "pipe", "ignore"] });
      t.after(() => child.kill("SIGTERM"));
      await once(child.stdout, "data");
      const below = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
      const processes = [String(child.pid), ...below.filter((pid) => pid !== "")];
      const commands = processes.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
      const notary = commands.find(([, first]) => first === options[0]) ?? assert.fail(command);
      assert.deepEqual(notary.slice(1, 1 + options.length), options);
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  });

  test("a notary continues where it was stopped, and where it was killed", async (t) => {
    const home = temporaryHome(t);
    writeFileSync(join(home, "a.pdf"), "a");
    writeFileSync(join(home, "b.pdf"), "b");
    const first = await startNotary(t, home);
    const at = (url: string): string[] => ["--server", url, "--data", first.data];
    assert.equal((await run(["notarize", "a.pdf", ...at(first.url)], { home })).code, 0);
    assert.equal(await first.stop(), 0);
    const second = await startNotary(t, home);
    assert.equal(second.origin, first.origin);
    assert.equal((await run(["notarize", "b.pdf", ...at(second.url)], { home })).code, 0);
    await second.kill();
    const third = await startNotary(t, home);
    const { code, values } = await runJson(["verify", "a.pdf", "b.pdf", ...at(third.url)], { home });
    assert.equal(code, 0);
    assert.deepEqual(
      values.map(({ entry }) => entry.index),
      [0, 1],
    );
  });

  test("what a notary or a witness writes is its user's alone, in a folder that others can enter as well", async (t) => {
    const home = temporaryHome(t);
    const readable = (data: string): string[] =>
      readdirSync(join(home, data), { recursive: true, encoding: "utf8" }).filter(
        (path) => (statSync(join(home, data, path)).mode & 0o077) !== 0,
      );
    for (const data of ["notary", "witness"]) {
      mkdirSync(join(home, data));
      chmodSync(join(home, data), 0o755);
    }
    const { verifierKeys } = await startNotary(t, home);
    const log = verifierKeys.flatMap((vkey) => ["--log", vkey]);
    const witness = start(["witness", "--data", "witness", "--port", "0", "--json", ...log], { home });
    t.after(() => witness.kill("SIGKILL"));
    await firstLine(witness);
    assert.ok(existsSync(join(home, "notary/log.db")));
    assert.deepEqual([readable("notary"), readable("witness")], [[], []]);
  });

  test("a user without a home names a folder, or is told to; nothing lands in the working folder", async (t) => {
    const home = temporaryHome(t);
    writeFileSync(join(home, "a.txt"), "a");
    for (const args of [
      ["token", "list"],
      ["notarize", "a.txt"],
      ["verify", "a.txt"],
      ["key", "new"],
    ]) {
      const { code, stderr } = await run(args, { home, env: { HOME: "", XDG_CACHE_HOME: home } });
      assert.deepEqual(
        [code, /^attestry: There is no home folder .* --data DIR/.test(stderr)],
        [2, true],
        args.join(" "),
      );
    }
    assert.ok(!existsSync(join(home, ".attestry")));
    const named = ["up", "--data", "mine", "--port", "0", "--no-ledger", "--json"];
    const child = start(named, { home, env: { HOME: "", XDG_CACHE_HOME: home } });
    t.after(() => child.kill("SIGKILL"));
    assert.equal(JSON.parse(await firstLine(child)).data, join(home, "mine"));
  });

  test("what cannot be had just now is one line of the log that says what, with no stack", async (t) => {
    const home = temporaryHome(t);
    const nobody = ["--ledger", "http://127.0.0.1:1", "--contract", `0x${"1".repeat(40)}`];
    const child = start(["up", "--data", "n", "--port", "0", ...nobody], { home });
    t.after(() => child.kill("SIGKILL"));
    const [line] = await once(createInterface(child.stderr as NodeJS.ReadableStream), "line");
    const { msg, err } = JSON.parse(line);
    assert.deepEqual([msg, err.code, Object.keys(err)], ["no anchoring", "UNAVAILABLE_LEDGER", ["code", "message"]]);
    assert.match(err.message, /^The node at http:\/\/127\.0\.0\.1:1 cannot be reached/);
  });

  test("a second notary on the same data, a port that is taken, and an open address without a passphrase are refused", async (t) => {
    const home = temporaryHome(t);
    const { url, data, verifierKeys } = await startNotary(t, home);
    const again = await runJson(["up", "--data", data, "--port", "0"], { home });
    assert.deepEqual([again.code, again.values[0].error.code], [2, "CONFLICT_LOCKED"]);
    assert.ok(again.values[0].error.message.includes(data), again.values[0].error.message);
    const { port } = new URL(url);
    const taken = await run(["up", "--data", "other", "--port", port], { home });
    assert.equal(taken.code, 2);
    assert.match(
      taken.stderr,
      new RegExp(`^attestry: Cannot listen on 127\\.0\\.0\\.1, port ${port}: something else listens there`),
    );
    const open = await runJson(["up", "--data", "third", "--port", "0", "--host", "0.0.0.0"], { home });
    assert.deepEqual([open.code, open.values[0].error.code], [2, "USAGE_PASSPHRASE"]);
    assert.equal((await run(["witness", "--data", "w", "--host", "0.0.0.0", "--log", "x"], { home })).code, 2);
    const [log] = verifierKeys;
    const witness = await runJson(["witness", "--data", "w", "--host", "0.0.0.0", "--log", log as string], { home });
    for (const { code, message } of [open.values[0].error, witness.values[0].error]) {
      assert.equal(code, "USAGE_PASSPHRASE");
      for (const flag of ["--passphrase-file", "--no-passphrase", "--tls-cert"])
        assert.ok(message.includes(flag), message);
    }
  });

  test("keys that were made with a passphrase need it again; the right one is taken from a file", async (t) => {
    const home = temporaryHome(t);
    writeFileSync(join(home, "pass"), "correct horse\n");
    const first = await startNotary(t, home, ["--passphrase-file", "pass"]);
    await first.stop();
    assert.match(readFileSync(join(first.data, "keys/log-es256.pem"), "utf8"), /ENCRYPTED/);
    const none = await runJson(["up", "--data", first.data, "--port", "0"], { home });
    assert.deepEqual([none.code, none.values[0].error.code], [2, "USAGE_PASSPHRASE"]);
    const again = await startNotary(t, home, ["--passphrase-file", "pass"]);
    assert.equal(again.origin, first.origin);
  });

  test("started with a channel, the notary stops when its parent is gone", async (t) => {
    const home = temporaryHome(t);
    const data = join(home, "notary");
    const main = join(import.meta.dirname, "main.ts");
    const child: ChildProcess = spawn(process.execPath, [main, "up", "--data", data, "--port", "0", "--json"], {
      env: { ...process.env, HOME: home },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    t.after(() => child.kill("SIGKILL"));
    await firstLine(child);
    child.disconnect();
    await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });

  test("a witness cosigns, and its cosignatures reach proofs, trust and verdicts", async (t) => {
    const home = temporaryHome(t);
    const first = await startNotary(t, home);
    const logKeys = first.verifierKeys.flatMap((vkey) => ["--log", vkey]);
    const child = start(
      ["witness", "--data", "witness", "--port", "0", "--json", "--name", "w.example/1", ...logKeys],
      {
        home,
      },
    );
    t.after(() => child.kill("SIGKILL"));
    const witness = JSON.parse(await firstLine(child)) as { url: string; verifierKeys: string[] };
    await first.stop();
    const notary = await startNotary(
      t,
      home,
      witness.verifierKeys.flatMap((vkey) => ["--witness", `${vkey}=${witness.url}`]),
    );
    writeFileSync(join(home, "a.pdf"), "witnessed");
    const place = ["--server", notary.url, "--data", notary.data];
    assert.equal((await run(["notarize", "a.pdf", ...place], { home })).code, 0);
    const inspected = await runJson(["inspect", "a.pdf"], { home });
    const [receipt] = inspected.values[0].receipts;
    const trust = {
      logs: [{ origin: notary.origin, verifierKeys: notary.verifierKeys, receiptKeys: [receipt.receiptKey] }],
      witnesses: witness.verifierKeys,
    };
    writeFileSync(join(home, "trust.json"), JSON.stringify(trust));
    const { code, values } = await runJson(["verify", "a.pdf", "--trust", "trust.json", ...place], { home });
    assert.deepEqual([code, values[0].verdict], [0, "verified"]);
    assert.equal(values[0].notAfter.independent, true);
    assert.match(values[0].notAfter.basis, /w\.example\/1/);
    const stopped = once(child, "exit");
    child.kill("SIGTERM");
    await stopped;
    assert.equal(child.exitCode, 0);
  });

  test("an audit passes on a good log, also beside the running notary, and names what was tampered with", async (t) => {
    const home = temporaryHome(t);
    mkdirSync(join(home, "in"));
    for (let at = 0; at < 5; at++) writeFileSync(join(home, "in", `${at}.txt`), `${at}`);
    const notary = await startNotary(t, home);
    const audit = ["audit", "--data", notary.data];
    assert.equal((await run(["notarize", "in", "--server", notary.url, "--data", notary.data], { home })).code, 0);
    const running = await runJson(audit, { home });
    assert.equal(running.code, 0, running.stderr);
    const { ok, treeSize, findings } = running.values[0];
    assert.deepEqual({ ok, treeSize, findings }, { ok: true, treeSize: 5, findings: [] });
    await notary.stop();
    assert.match((await run(audit, { home })).stdout, /✓ All holds: 5 entries/);
    const db = new DatabaseSync(join(notary.data, "log.db"));
    const { entry } = db.prepare("SELECT entry FROM entry WHERE idx = 3").get() as { entry: Uint8Array };
    entry[entry.length - 1] = (entry.at(-1) ?? 0) ^ 1;
    db.prepare("UPDATE entry SET entry = ? WHERE idx = 3").run(entry);
    db.close();
    const bad = await runJson(audit, { home });
    assert.equal(bad.code, 1);
    assert.equal(bad.values[0].ok, false);
    assert.ok(
      bad.values[0].findings.some(
        ({ record, at }: { record: string; at: { index: number } }) => record === "entry" && at.index === 3,
      ),
    );
    const text = await run(audit, { home });
    assert.equal(text.code, 1);
    assert.match(text.stdout, /✗ .*3/);
    const nothing = await runJson(["audit", "--data", "nowhere"], { home });
    assert.notEqual(nothing.code, 0);
    assert.ok(nothing.values[0].error.message.length > 10);
    assert.equal(existsSync(join(home, "nowhere")), false, "an audit makes nothing");
  });

  test("keys are made, imported and listed; openssl's are taken over; none is overwritten", async (t) => {
    const home = temporaryHome(t);
    const env = { ATTESTRY_PASSPHRASE: "correct horse" };
    const made = await runJson(["key", "new", "--data", "d"], { home, env });
    assert.equal(made.code, 0, made.stderr);
    const path = join(home, "d/keys/issuer.pem");
    assert.equal(made.values[0].path, path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(readFileSync(path, "utf8"), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    assert.equal((await runJson(["key", "new", "--data", "d"], { home, env })).values[0].error.code, "CONFLICT_EXISTS");
    execFileSync("openssl", ["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "sec1.pem"], { cwd: home });
    const imported = await runJson(["key", "import", "sec1.pem", "--no-passphrase", "--out", "d/keys/other.pem"], {
      home,
    });
    assert.deepEqual([imported.code, imported.values[0].algorithm], [0, "ES384"]);
    execFileSync("openssl", ["genrsa", "-out", "rsa.pem", "2048"], { cwd: home, stdio: "ignore" });
    const rsa = await runJson(["key", "import", "rsa.pem", "--no-passphrase", "--out", "rsa-out.pem"], { home });
    assert.deepEqual([rsa.code, rsa.values[0].error.code], [2, "USAGE"]);
    assert.match(rsa.values[0].error.message, /^rsa\.pem: The key is rsa; use P-256/);
    assert.equal(existsSync(join(home, "rsa-out.pem")), false);
    const { values } = await runJson(["key", "list", "--data", "d"], { home });
    assert.deepEqual(
      values[0].keys.map(({ encrypted, algorithm }: { encrypted: boolean; algorithm: string }) => [
        encrypted,
        algorithm,
      ]),
      [
        [true, "ES256"],
        [false, "ES384"],
      ],
    );
    assert.equal(values[0].keys[0].thumbprint, made.values[0].thumbprint);
    assert.match(
      (await run(["key", "list", "--data", "empty"], { home })).stdout,
      /There is no key in .*attestry key new/,
    );
  });
});
