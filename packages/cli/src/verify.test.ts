import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { encodeProofFile, parseProofFile, withTreeEvidence } from "@attestry/core";
import { type RunningNotary, run, runJson, startNotary, startSuite } from "./testing.ts";

// One notary serves all of these tests; each has a folder of its own below `home`.
const { suite, home, notary, place } = await startSuite();

/** A folder with one notarised file. */
async function notarized(name: string): Promise<{ home: string; file: string; proof: string }> {
  const folder = join(home, name);
  mkdirSync(folder);
  const file = join(folder, "deed.pdf");
  writeFileSync(file, `the deed of ${name}`);
  const { code, stderr } = await run(["notarize", file, ...place], { home: folder });
  assert.equal(code, 0, stderr);
  return { home: folder, file, proof: `${file}.proof` };
}

describe("verify", { concurrency: 2 }, () => {
  test("a file verifies from its proof alone, and the verdict says that it rests on a first contact", async () => {
    const { home, file, proof } = await notarized("alone");
    const { code, values } = await runJson(["verify", file, "--offline"], { home });
    assert.equal(code, 0);
    assert.equal(values.length, 1);
    const [report] = values;
    assert.equal(report.verdict, "verified");
    assert.equal(report.file, file);
    assert.equal(report.proof, proof);
    assert.equal(report.entry.origin, notary.origin);
    assert.match(report.statement.hash, /^[0-9a-f]{64}$/);
    assert.ok(Date.parse(report.notAfter.time) > 0);
    for (const { name, status, detail, trust } of report.checks) {
      assert.ok(["pass", "fail", "unknown"].includes(status), name);
      assert.ok(detail.length > 0 && trust.length > 0, name);
    }
    const log = report.checks.find(({ name }: { name: string }) => name === "log");
    assert.match(log.trust, /^first contact: .* the proof file itself/);
    const again = await runJson(["verify", file, "--offline"], { home });
    const pinned = again.values[0].checks.find(({ name }: { name: string }) => name === "log");
    assert.match(pinned.trust, /noted at first contact on \d{4}-\d\d-\d\d/);
  });

  test("the notary is asked for later statements, and a revocation is shown with its reason", async () => {
    const { home, file } = await notarized("revoked");
    const before = await runJson(["verify", file, ...place], { home });
    assert.equal(before.values[0].checks.at(-1).status, "pass");
    const revoked = await run(["revoke", file, "--reason", "issued in error", ...place], { home });
    assert.equal(revoked.code, 0, revoked.stderr);
    const { code, values } = await runJson(["verify", file, ...place], { home });
    assert.deepEqual({ code, verdict: values[0].verdict }, { code: 1, verdict: "revoked" });
    assert.equal(values[0].later[0].reason, "issued in error");
    assert.match((await run(["verify", file, ...place], { home })).stdout, /REVOKED\. .*issued in error/);
    const saved = join(home, "revocation.proof");
    const { index } = values[0].later[0];
    const answer = await fetch(`${notary.url}/v1/entries/${index}/proof`);
    writeFileSync(saved, await answer.bytes());
    const { statement } = (await runJson(["inspect", saved], { home })).values[0];
    assert.equal(statement.signedAfter.log, notary.origin, "a revocation is dated from below as well");
  });

  test("a file that replaces an earlier one makes the earlier one superseded", async () => {
    const { home, file, proof } = await notarized("superseded");
    const second = join(home, "deed-2.pdf");
    writeFileSync(second, "a better deed");
    const args = ["notarize", second, "--supersedes", proof, "--reason", "boundary corrected"];
    assert.equal((await run([...args, ...place], { home })).code, 0);
    const { code, values } = await runJson(["verify", file, second, ...place], { home });
    assert.equal(code, 1);
    assert.deepEqual(
      values.map(({ verdict }) => verdict),
      ["superseded", "verified"],
    );
  });

  test("a changed file is altered; a changed proof is invalid; neither depends on the network", async () => {
    const { home, file, proof } = await notarized("altered");
    writeFileSync(file, "another deed");
    for (const where of [["--offline"], place]) {
      const { code, values } = await runJson(["verify", file, ...where], { home });
      assert.deepEqual({ code, verdict: values[0].verdict }, { code: 1, verdict: "altered" });
    }
    const bytes = readFileSync(proof);
    for (const damage of [
      bytes.subarray(0, bytes.length / 2),
      Buffer.from("garbage"),
      Buffer.alloc(0),
      Buffer.alloc(5_000_000),
    ]) {
      writeFileSync(proof, damage);
      const { code, values } = await runJson(["verify", file, "--offline"], { home });
      if (damage.length === 5_000_000) assert.equal(values[0].error.code, "MALFORMED_PROOF_FILE");
      else assert.equal(values[0].verdict, "invalid");
      assert.equal(code, 1);
    }
  });

  test("a file without a proof: the notary's is used; unknown content is not found; nobody to ask is no verdict", async () => {
    const { home, file, proof } = await notarized("without");
    renameSync(proof, join(home, "aside"));
    const found = await runJson(["verify", file, ...place], { home });
    assert.deepEqual([found.code, found.values[0].verdict], [0, "verified"]);
    assert.equal(found.values[0].proof, `the notary at ${notary.url}`);
    const offline = await runJson(["verify", file, "--offline"], { home });
    assert.deepEqual([offline.code, offline.values[0].verdict], [3, "incomplete"]);
    const unreachable = await runJson(["verify", file, "--server", "http://127.0.0.1:9"], { home });
    assert.deepEqual([unreachable.code, unreachable.values[0].verdict], [3, "incomplete"]);
    assert.match(unreachable.values[0].summary, /cannot be reached.* This says nothing about the file\.$/);
    const status = await run(["status", "--server", "http://127.0.0.1:9"], { home });
    assert.deepEqual(
      [status.code, /9 cannot be reached\. (?!.*\bfile\b)/.test(status.stderr)],
      [3, true],
      status.stderr,
    );
    writeFileSync(file, "never seen");
    const unknown = await runJson(["verify", file, ...place], { home });
    assert.deepEqual([unknown.code, unknown.values[0].verdict], [1, "not_found"]);
    const named = await runJson(["verify", file, "--offline", "--proof", join(home, "nowhere")], { home });
    assert.deepEqual([named.code, named.values[0].error.code], [2, "USAGE_FILE"]);
  });

  test("an unreachable notary takes nothing from a proof at hand, and the report says what was not asked", async () => {
    const { home, file } = await notarized("unreachable");
    const { code, values } = await runJson(["verify", file, "--server", "http://127.0.0.1:9"], { home });
    assert.deepEqual([code, values[0].verdict], [0, "verified"]);
    const later = values[0].checks.at(-1);
    assert.equal(later.status, "unknown");
    assert.match(later.detail, /cannot be reached/);
  });

  test("a trust file decides alone: it vouches for its logs and issuers, and for no others", async () => {
    const { home, file } = await notarized("trust");
    const { values } = await runJson(["inspect", file], { home });
    const [receipt] = values[0].receipts;
    const log = { origin: notary.origin, verifierKeys: notary.verifierKeys, receiptKeys: [receipt.receiptKey] };
    const trust = join(home, "trust.json");
    const verdictUnder = async (content: object): Promise<unknown> => {
      writeFileSync(trust, JSON.stringify(content));
      const { code, values } = await runJson(["verify", file, "--offline", "--trust", trust], { home });
      return [code, values[0].verdict];
    };
    assert.deepEqual(await verdictUnder({ logs: [log] }), [0, "verified"]);
    assert.deepEqual(await verdictUnder({ logs: [] }), [1, "untrusted"]);
    assert.deepEqual(await verdictUnder({ logs: [{ ...log, receiptKeys: [values[0].key] }] }), [1, "untrusted"]);
    const { issuer } = values[0].statement;
    assert.deepEqual(await verdictUnder({ logs: [log], issuers: [{ issuer, keys: [values[0].key] }] }), [
      0,
      "verified",
    ]);
    assert.deepEqual(await verdictUnder({ logs: [log], issuers: [{ issuer, keys: [receipt.receiptKey] }] }), [
      1,
      "untrusted",
    ]);
    assert.deepEqual(readdirSync(home).sort(), ["deed.pdf", "deed.pdf.proof", "trust.json"], "nothing is pinned");
    writeFileSync(trust, '{"log":[]}');
    const broken = await runJson(["verify", file, "--offline", "--trust", trust], { home });
    assert.deepEqual([broken.code, broken.values[0].error.code], [2, "USAGE"]); // a wrong call, and no verdict
    assert.ok(broken.values[0].error.message.startsWith(`--trust ${trust}: The trust file cannot be used`));
  });

  test("a log that shows up with other keys fails with a warning, and its pin stays", async () => {
    const { home, file } = await notarized("pins");
    await run(["verify", file, "--offline"], { home });
    const path = join(home, ".attestry", "known-logs.json");
    const pins = JSON.parse(readFileSync(path, "utf8"));
    mkdirSync(join(home, "other"));
    const other = await startNotary(suite, join(home, "other"), ["--origin", notary.origin]);
    const status = await (await fetch(`${other.url}/v1/status`)).json();
    pins.logs[0].verifierKeys = other.verifierKeys;
    pins.logs[0].receiptKey = (status as { receiptKey: string }).receiptKey;
    writeFileSync(path, JSON.stringify(pins));
    const text = readFileSync(path, "utf8");
    const { code, values } = await runJson(["verify", file, "--offline"], { home });
    assert.equal(code, 1);
    assert.ok(["invalid", "untrusted"].includes(values[0].verdict), values[0].verdict);
    assert.match(values[0].warnings[0], /keys of the log .* are not the ones noted/);
    assert.match((await run(["verify", file, "--offline"], { home })).stderr, /WARNING: the keys of the log/);
    assert.equal(readFileSync(path, "utf8"), text);
    const refused = await runJson(["notarize", file, "--server", notary.url], { home });
    assert.deepEqual([refused.code, refused.values.at(-1).error.code], [1, "VERIFY_UNTRUSTED"]);
    await other.kill();
  });

  test("an entry that the notary no longer has, or has another for, is told as a rewritten log", async () => {
    const place = join(home, "rewritten");
    mkdirSync(join(place, "copy"), { recursive: true });
    const files = ["a", "b", "c"].map((name) => join(place, `${name}.pdf`));
    for (const file of files) writeFileSync(file, `rewritten ${file}`);
    const [a = "", b = "", c = ""] = files;
    const honest = await startNotary(suite, place);
    const at = (notary: RunningNotary): string[] => ["--server", notary.url, "--data", notary.data];
    await run(["notarize", a, ...at(honest)], { home: place });
    await honest.stop();
    cpSync(honest.data, join(place, "copy/notary"), { recursive: true });
    const longer = await startNotary(suite, place);
    await run(["notarize", b, ...at(longer)], { home: place });
    await longer.stop();
    const forked = await startNotary(suite, join(place, "copy"));
    const lost = await runJson(["verify", b, ...at(forked)], { home: place });
    await run(["notarize", c, ...at(forked)], { home: place });
    const replaced = await runJson(["verify", b, ...at(forked)], { home: place });
    const kept = await runJson(["verify", a, ...at(forked)], { home: place });
    await forked.stop();
    for (const { code, values } of [lost, replaced]) {
      assert.deepEqual([code, values[0].verdict], [0, "verified"]);
      assert.match(
        values[0].warnings[0],
        /^WARNING: entry 1 of this log is proven, and the notary at .* was rewritten/,
      );
    }
    assert.deepEqual(kept.values[0].warnings, []);
  });

  test("several files: a JSON object each, the worst exit code, and the good are not spoilt by the bad", async () => {
    const { home, file } = await notarized("several");
    const bad = join(home, "bad.pdf");
    writeFileSync(bad, "another");
    writeFileSync(`${bad}.proof`, readFileSync(`${file}.proof`));
    const { code, values } = await runJson(["verify", file, bad, join(home, "missing.pdf"), "--offline"], { home });
    assert.equal(code, 1);
    const byFile = Object.fromEntries(values.map((value) => [value.file, value.verdict ?? value.error.code]));
    assert.deepEqual(byFile, { [file]: "verified", [bad]: "altered", [join(home, "missing.pdf")]: "USAGE_FILE" });
    assert.equal((await run(["verify", `${home}/*.pdf`, "--offline"], { home })).code, 1);
    rmSync(bad);
    assert.equal((await run(["verify", `${home}/*.pdf`, "--offline"], { home })).code, 0);
    const text = await run(["verify", file, join(home, "missing.pdf"), "--offline"], { home });
    assert.equal(text.code, 2);
    assert.match(text.stdout, /2 files: 1 verified, 1 that could not be read\.\n$/);
  });

  test("proofs in a folder of their own are found there, laid out like the files", async () => {
    const folder = join(home, "elsewhere");
    mkdirSync(join(folder, "in/a"), { recursive: true });
    writeFileSync(join(folder, "in/a/deed.pdf"), "deed elsewhere");
    const options = { home: folder };
    assert.equal((await run(["notarize", "in", "--out", "proofs", ...place], options)).code, 0);
    assert.deepEqual(readdirSync(join(folder, "proofs/a")), ["deed.pdf.proof"]);
    assert.equal((await run(["verify", "in", "--proof", "proofs", "--offline"], options)).code, 0);
    const one = await run(["verify", "in", "--proof", "proofs/a/deed.pdf.proof", "--offline"], options);
    assert.match(one.stderr, /--proof names one file's proof/);
    assert.equal(one.code, 2);
  });

  test("standard input is notarised and verified like a file", async () => {
    const folder = join(home, "input");
    mkdirSync(folder);
    const input = Buffer.alloc(3_000_000, "piped");
    const made = await run(["notarize", "-", "--out", ".", ...place], { home: folder, input });
    assert.equal(made.code, 0, made.stderr);
    const good = await runJson(["verify", "-", "--proof", "standard-input.proof", "--offline"], {
      home: folder,
      input,
    });
    assert.deepEqual([good.code, good.values[0].verdict, good.values[0].file], [0, "verified", "-"]);
    const looked = await runJson(["verify", "-", ...place], { home: folder, input });
    assert.equal(looked.values[0].verdict, "verified");
    const bad = await runJson(["verify", "-", "--proof", "standard-input.proof", "--offline"], {
      home: folder,
      input: "x",
    });
    assert.deepEqual([bad.code, bad.values[0].verdict], [1, "altered"]);
    const piped = await run(["notarize", "-", ...place], { home: folder, input: "to standard output" });
    assert.equal(piped.code, 0);
    assert.equal(piped.stderr, "");
  });

  test("naming the proof instead of the file is told", async () => {
    const { home, proof, file } = await notarized("instead");
    const { code, stderr } = await run(["verify", proof, "--offline"], { home });
    assert.equal(code, 2);
    assert.equal(stderr, `attestry: ${proof} is a proof. Name the file that it is for: attestry verify ${file}\n`);
  });

  test("find finds by hash, file, record and time, gets a lost proof again, and finds nothing with exit code 1", async () => {
    const { home, file, proof } = await notarized("find");
    const server = ["--server", notary.url];
    const byFile = await runJson(["find", file, ...server], { home });
    const [entry] = byFile.values[0].entries;
    assert.equal(byFile.code, 0);
    for (const args of [
      [entry.hash],
      [`sha256:${entry.hash.toUpperCase()}`],
      ["--subject", entry.subject],
      [file, "--issuer", entry.issuer],
    ]) {
      const { values } = await runJson(["find", ...args, ...server], { home });
      assert.deepEqual(values[0], { entries: [entry], more: false }, args.join(" "));
    }
    const day = entry.registeredAt.slice(0, 10);
    const today = await runJson(["find", "--from", day, "--to", day, "--limit", "2", ...server], { home });
    assert.equal(today.values[0].entries.length, 2);
    assert.equal(today.values[0].more, true);
    for (const args of [
      ["--to", "2000-01-01"],
      ["--from", "2999-01-01T00:00:00Z"],
      ["--subject", "nobody"],
      ["0".repeat(64)],
    ]) {
      const { code, values } = await runJson(["find", ...args, ...server], { home });
      assert.deepEqual([code, values[0].entries], [1, []], args.join(" "));
    }
    rmSync(proof);
    assert.equal((await run(["find", file, "--save", proof, ...server], { home })).code, 0);
    assert.equal((await run(["verify", file, "--offline"], { home })).code, 0);
  });

  test("find saves the proof that vouches for the file, after a revocation too, and loses nothing that is there", async () => {
    const { home, file, proof } = await notarized("save");
    assert.equal((await run(["revoke", file, "--reason", "entered twice", ...place], { home })).code, 0);
    const other = join(home, "notes.txt");
    writeFileSync(other, "notes that nobody else has");
    const { code, values } = await runJson(["find", file, "--save", other, "--server", notary.url], { home });
    assert.deepEqual([code, values.length, values[0].entries.length], [0, 1, 2]);
    assert.equal(readFileSync(`${other}.1`, "utf8"), "notes that nobody else has");
    const entryOf = (path: string) => parseProofFile(readFileSync(path)).statement.entry;
    assert.deepEqual(entryOf(other), entryOf(proof));
    const folder = await runJson(["find", file, "--save", home, "--server", notary.url], { home });
    assert.deepEqual([folder.code, folder.values.length, folder.values[0].error.code], [2, 1, "USAGE_FILE"]);
  });

  test("a reader of standard output that is gone, or a full disk behind it, makes no verdict good", async (t) => {
    const { home, file } = await notarized("unread");
    writeFileSync(file, "another deed");
    const attestry = join(import.meta.dirname, "../bin/attestry");
    const sh = (script: string) =>
      spawnSync("sh", ["-c", script, attestry, file], { env: { ...process.env, HOME: home } });
    assert.match(String(sh(`{ "$0" verify "$1" --offline; echo "code $?" >&2; } | true`).stderr), /code 1$/m);
    if (!existsSync("/dev/full"))
      return t.diagnostic("the system has no /dev/full: writing to a full disk was not tried");
    for (const form of ["", "--json"]) {
      const { status, stderr } = sh(`"$0" verify "$1" --offline ${form} >/dev/full`);
      assert.equal(status, 3);
      assert.match(String(stderr), /^attestry: standard output cannot be written: the disk is full\.$/m);
      assert.doesNotMatch(String(stderr), /\.ts:\d/);
    }
  });

  test("a server that is no notary is said to be none, and says nothing about the file", async (t) => {
    const { home, file } = await notarized("no-notary");
    const server = createServer(({ url = "" }, response) =>
      response.writeHead(url.startsWith("/any/") ? 200 : 404).end("<html>nothing here"),
    ).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const args of [["find", file], ["status"], ["notarize", file, "--force"], ["proof", "refresh", file]]) {
      for (const place of [url, `${url}/any`]) {
        const { code, values } = await runJson([...args, "--server", place], { home });
        const { error } = values[0];
        assert.deepEqual([code, error.code], [3, "UNAVAILABLE_SERVER"], args.join(" "));
        assert.match(
          error.message,
          /^What answered is no notary.* Check the address\.$|: is this the address of a notary\?$/,
          args.join(" "),
        );
      }
    }
  });

  test("an audit of a folder without a log is a wrong call, and no finding", async () => {
    const { code, values } = await runJson(["audit", "--data", join(home, "no-such")], { home });
    assert.deepEqual([code, values[0].error.code], [2, "USAGE_FILE"]);
  });

  test("the interval is told: existed by then, and signed after the checkpoint that notarize quoted, the same for a whole run", async () => {
    await notarized("interval-before"); // so that the log is not empty
    const { home, file, proof } = await notarized("interval");
    const second = join(home, "map.pdf");
    writeFileSync(second, "the map of interval");
    const forced = await run(["notarize", file, second, "--force", ...place], { home });
    assert.equal(forced.code, 0, forced.stderr);
    const inspected = await runJson(["inspect", file], { home });
    const { signedAfter } = inspected.values[0].statement;
    assert.equal(signedAfter.log, notary.origin);
    assert.equal(inspected.values[0].checkpointAfter.text[1], String(signedAfter.treeSize));
    const ofSecond = await runJson(["inspect", second], { home });
    assert.deepEqual(ofSecond.values[0].statement.signedAfter, signedAfter);

    const words = await run(["verify", file, "--offline"], { home });
    assert.match(words.stdout, /^ {2}existed by {4}\d{4}-.* UTC, by /m);
    const because = `because it quotes entry count ${signedAfter.treeSize} of the log ${notary.origin}`;
    assert.match(words.stdout, new RegExp(`^ {2}signed after {2}\\d{4}-.* UTC, ${because}`, "m"));
    const { values } = await runJson(["verify", file, "--offline"], { home });
    const { notBefore, notAfter, statement } = values[0];
    assert.ok(Date.parse(notBefore.time) <= Date.parse(notAfter.time));
    assert.deepEqual([notBefore.source, notBefore.independent], ["log", false]);
    assert.equal(statement.after.rootHash, signedAfter.rootHash);

    const bare = parseProofFile(readFileSync(proof));
    const { checkpointAfter, ...evidence } = bare.evidence;
    assert.ok(checkpointAfter !== undefined);
    const receipts = bare.receipts.map((receipt) => withTreeEvidence(receipt, {}));
    writeFileSync(proof, encodeProofFile({ ...bare, evidence, receipts }));
    const open = await runJson(["verify", file, "--offline"], { home });
    assert.deepEqual([open.values[0].verdict, open.values[0].notBefore], ["verified", undefined]);
    const refreshed = await runJson(["proof", "refresh", proof, ...place], { home });
    assert.equal(refreshed.values[0].changed, true);
    assert.ok((await runJson(["verify", file, "--offline"], { home })).values[0].notBefore !== undefined);
  });

  test("inspect shows a proof in words and as JSON, and control characters in it do not reach the terminal", async () => {
    const { home, file, proof } = await notarized("inspect");
    const words = await run(["inspect", proof], { home });
    assert.equal(words.code, 0);
    for (const text of [notary.origin, "ES256", "leaf hash", "later statements"])
      assert.ok(words.stdout.includes(text), text);
    const { values } = await runJson(["inspect", file], { home });
    assert.equal(
      values[0].statement.subject,
      `ni:///sha-256;${Buffer.from(values[0].statement.hash.slice(7), "hex").toString("base64url")}`,
    );
    assert.equal(values[0].receipts[0].log, notary.origin);
    writeFileSync(proof, "\x1b[31mgarbage");
    const garbage = await run(["inspect", proof], { home });
    assert.equal(garbage.code, 1);
    assert.match(garbage.stderr, /^attestry: .*deed\.pdf\.proof is no proof file: [^\x1b]*\n$/);
    for (const name of ["plain.txt", "the clerk's.txt"]) writeFileSync(join(home, name), "never notarised");
    const again = new RegExp(`Get the proof again: attestry find ${file} --save ${proof}\n$`);
    const none = /^attestry: plain\.txt is no proof file, and there is no plain\.txt\.proof beside it\. Notarise it/;
    for (const [name, words] of [
      [file, again],
      [proof, again],
      ["plain.txt", none],
      ["the clerk's.txt", /attestry find 'the clerk'\\''s\.txt' --save 'the clerk'\\''s\.txt\.proof'\n$/],
    ] as const) {
      for (const args of [["inspect"], ["revoke", "--reason", "x", ...place], ["proof", "refresh", ...place]]) {
        const { code, stderr } = await run([...args, name], { home });
        assert.deepEqual([code, words.test(stderr), /CBOR/.test(stderr)], [1, true, false], stderr);
      }
    }
  });
});
