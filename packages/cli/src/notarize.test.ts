import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { type Json, run, runJson, start, startSuite } from "./testing.ts";

const { suite, home, notary, place } = await startSuite();

function folder(name: string, files: Record<string, string> = {}): { home: string } {
  const path = join(home, name);
  mkdirSync(path);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(path, file, ".."), { recursive: true });
    writeFileSync(join(path, file), content);
  }
  return { home: path };
}

function byStatus(values: readonly Json[]): Record<string, string[]> {
  const groups = Object.groupBy(values, ({ status }) => status) as Record<string, Json[]>;
  return Object.fromEntries(
    Object.entries(groups).map(([status, group]) => [status, group.map(({ file }) => file).sort()]),
  );
}

/** How many entries the log has of a file's content. */
async function entriesOf(file: string, at: { home: string }): Promise<number> {
  const { values } = await runJson(["find", file, "--server", notary.url], at);
  return values[0].entries.length;
}

describe("notarize", { concurrency: 2 }, () => {
  test("files, folders and globs are notarised together, each proof beside its file", async () => {
    const at = folder("together", { "a.pdf": "a", "in/b.txt": "b", "in/deep/c": "c", "x1.mp4": "x1", "x2.mp4": "x2" });
    const { code, values, stderr } = await runJson(["notarize", "a.pdf", "in", "*.mp4", ...place], at);
    assert.equal(code, 0, stderr);
    assert.deepEqual(byStatus(values), { notarized: ["a.pdf", "in/b.txt", "in/deep/c", "x1.mp4", "x2.mp4"] });
    for (const { file, proof, hash, index } of values) {
      assert.equal(proof, `${file}.proof`);
      assert.ok(existsSync(join(at.home, proof)));
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.ok(Number.isInteger(index));
    }
    const media = await Promise.all(
      ["a.pdf", "in/b.txt", "in/deep/c", "x1.mp4"].map((file) => runJson(["inspect", file], at)),
    );
    assert.deepEqual(
      media.map(({ values }) => values[0].statement.contentType),
      ["application/pdf", "text/plain", undefined, "video/mp4"],
    );
  });

  test("what has its proof is skipped, so that running again goes on; --force renews and keeps the earlier proof", async () => {
    const at = folder("again", { "a.pdf": "again a", "b.pdf": "again b" });
    await run(["notarize", "a.pdf", ...place], at);
    const second = await runJson(["notarize", ".", "--data", notary.data, "--server", notary.url], { home: at.home });
    assert.deepEqual(byStatus(second.values), { already: ["a.pdf"], notarized: ["b.pdf"] });
    assert.equal(await entriesOf("a.pdf", at), 1);
    const earlier = readFileSync(join(at.home, "a.pdf.proof"));
    const forced = await runJson(["notarize", "a.pdf", "--force", ...place], at);
    assert.equal(forced.values[0].kept, "a.pdf.proof.1");
    assert.deepEqual(readFileSync(join(at.home, "a.pdf.proof.1")), earlier);
    assert.notDeepEqual(readFileSync(join(at.home, "a.pdf.proof")), earlier);
  });

  test("a proof of other content is kept, never overwritten", async () => {
    const at = folder("kept", { "a.pdf": "first" });
    await run(["notarize", "a.pdf", ...place], at);
    const earlier = readFileSync(join(at.home, "a.pdf.proof"));
    writeFileSync(join(at.home, "a.pdf"), "second");
    const text = await run(["notarize", "a.pdf", ...place], at);
    assert.match(text.stdout, /its earlier proof is kept as a\.pdf\.proof\.1/);
    assert.deepEqual(readFileSync(join(at.home, "a.pdf.proof.1")), earlier);
    writeFileSync(join(at.home, "a.pdf.proof"), "no proof at all");
    const third = await runJson(["notarize", "a.pdf", ...place], at);
    assert.equal(third.values[0].kept, "a.pdf.proof.2");
    assert.equal(readFileSync(join(at.home, "a.pdf.proof.2"), "utf8"), "no proof at all");
  });

  test("what cannot be used is named, the rest is done, and the exit code tells", async () => {
    const at = folder("partly", { "a.pdf": "partly a", "in/b.pdf": "partly b" });
    spawnSync("mkfifo", [join(at.home, "pipe")]);
    const { code, values } = await runJson(
      ["notarize", "missing.pdf", "a.pdf", "pipe", "in", "nothing*", ...place],
      at,
    );
    assert.equal(code, 2);
    assert.deepEqual(byStatus(values), {
      failed: ["missing.pdf", "nothing*", "pipe"],
      notarized: ["a.pdf", "in/b.pdf"],
    });
    const text = await run(["notarize", "missing.pdf", "a.pdf", "pipe", ...place], at);
    assert.match(text.stderr, /^✗ missing\.pdf cannot be read: there is no such file\.\n/);
    assert.match(text.stderr, /\n✗ pipe is not a file\.\n/);
    assert.match(text.stdout, /1 file had a proof already; 2 files without a proof\.\n$/);
  });

  test("a file that is written to while it is read is named and gets no proof", async () => {
    const at = folder("moving", { "still.pdf": "still" });
    const file = join(at.home, "moving.mp4");
    writeFileSync(file, Buffer.alloc(300_000_000));
    const child = start(["notarize", "moving.mp4", "still.pdf", "--json", ...place], at);
    const writer = setInterval(() => appendFileSync(file, "x"), 2);
    let out = "";
    child.stdout?.on("data", (piece) => {
      out += piece;
    });
    await once(child, "close");
    clearInterval(writer);
    const values: Json[] = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(byStatus(values), { failed: ["moving.mp4"], notarized: ["still.pdf"] });
    assert.equal(values.find(({ status }) => status === "failed").error.code, "CONFLICT_FILE_CHANGED");
    assert.equal(child.exitCode, 2);
    assert.deepEqual(readdirSync(at.home).sort(), ["moving.mp4", "still.pdf", "still.pdf.proof"]);
    rmSync(file);
  });

  test("a full disk is named with the file, nothing is half written, and running again elsewhere works", async (t) => {
    const at = folder("full", { "a.pdf": "full a", "b.pdf": "full b" });
    const out = join(at.home, "out");
    mkdirSync(out);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=12k", "tmpfs", out]).status !== 0)
      return t.skip("nothing can be mounted here");
    try {
      const { code, values } = await runJson(["notarize", "a.pdf", "b.pdf", "--out", "out", ...place], at);
      assert.equal(code, 3);
      assert.deepEqual(byStatus(values), { notarized: ["a.pdf"], failed: ["b.pdf"] });
      const { error } = values.find(({ status }) => status === "failed");
      assert.equal(error.code, "UNAVAILABLE_STORAGE");
      assert.match(error.message, /^out\/b\.pdf\.proof cannot be written: the disk is full/);
      assert.deepEqual(readdirSync(out), ["a.pdf.proof"]);
    } finally {
      spawnSync("umount", [out]);
    }
    const again = await runJson(["notarize", "a.pdf", "b.pdf", "--out", "out", ...place], at);
    assert.equal(again.code, 0);
  });

  test("no notary: told at once, with what to do, before anything is written", async () => {
    const at = folder("nobody", { "a.pdf": "a" });
    const { code, stderr } = await run(["notarize", "a.pdf", "--server", "http://127.0.0.1:9"], at);
    assert.equal(code, 3);
    assert.equal(
      stderr,
      'attestry: The notary at http://127.0.0.1:9 cannot be reached. Start one with "attestry up", or name another with --server.\n',
    );
    assert.deepEqual(readdirSync(at.home), ["a.pdf"]);
    const elsewhere = createServer((_request, response) => void response.end("<h1>Hello</h1>"));
    await once(elsewhere.listen(0, "127.0.0.1"), "listening");
    const { port } = elsewhere.address() as AddressInfo;
    const wrong = await run(["notarize", "a.pdf", "--server", `http://127.0.0.1:${port}`], at);
    assert.match(wrong.stderr, /is this the address of a notary\?/);
    elsewhere.close();
  });

  /** Stands between the command and the notary; `interfere` may spoil an exchange. */
  async function proxy(
    interfere: (body: Buffer, forward: () => Promise<void>, drop: () => void) => Promise<void>,
  ): Promise<Server & { url: string }> {
    const server = createServer(async (incoming, response) => {
      const body = await buffer(incoming);
      const forward = async (): Promise<void> => {
        const { method, headers, url } = incoming;
        const outgoing = request(`${notary.url}${url}`, { method, headers } as object);
        outgoing.end(body);
        const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.end(await buffer(answer));
      };
      const drop = (): void => void incoming.socket.destroy();
      if (incoming.method === "POST") await interfere(body, forward, drop);
      else await forward();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    suite.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return Object.assign(server, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }

  test("when an answer is lost on the way, the same statements are sent again and entered once", async () => {
    const at = folder("lost", { "a.pdf": "lost a", "b.pdf": "lost b" });
    const bodies: Buffer[] = [];
    const server = await proxy(async (body, forward, drop) => {
      bodies.push(body);
      if (bodies.length > 1) return forward();
      const headers = { "content-type": "application/cbor" };
      await fetch(`${notary.url}/v1/entries`, { method: "POST", headers, body: new Uint8Array(body) });
      drop(); // it was entered, and nobody heard
    });
    const { code, values } = await runJson(
      ["notarize", "a.pdf", "b.pdf", "--server", server.url, "--data", notary.data],
      at,
    );
    assert.equal(code, 0);
    assert.deepEqual(byStatus(values), { notarized: ["a.pdf", "b.pdf"] });
    assert.equal(bodies.length, 2);
    assert.deepEqual(bodies[1], bodies[0]);
    for (const file of ["a.pdf", "b.pdf"]) assert.equal(await entriesOf(file, at), 1);
  });

  test("a notary that goes away half way: acknowledged files have their proofs, the others are named, and running again goes on", async () => {
    const names = Array.from({ length: 1200 }, (_, at) => `f${String(at).padStart(4, "0")}.txt`);
    const at = folder("away", Object.fromEntries(names.map((name) => [name, `away ${name}`])));
    let posts = 0;
    const server = await proxy(async (_body, forward, drop) => (posts++ === 0 ? forward() : drop()));
    const cut = await runJson(["notarize", ".", "--server", server.url, "--data", notary.data], at);
    assert.equal(cut.code, 3);
    const { notarized = [], failed = [] } = byStatus(cut.values);
    assert.equal(notarized.length + failed.length, names.length);
    assert.ok(notarized.length >= 1 && failed.length >= 512, `${notarized.length} and ${failed.length}`);
    for (const name of names) assert.equal(existsSync(join(at.home, `${name}.proof`)), notarized.includes(name), name);
    const again = await runJson(["notarize", ".", ...place], at);
    assert.equal(again.code, 0);
    assert.deepEqual(byStatus(again.values), { already: notarized, notarized: failed });
  });

  test("of a thousand files in folders, every one has a proof that verifies", async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `${at % 7}/f${at}.txt`);
    const at = folder("many", Object.fromEntries(names.map((name) => [name, `many ${name}`])));
    const { code, stdout } = await run(["notarize", ".", "--out", join(home, "many-proofs"), ...place], at);
    assert.equal(code, 0);
    assert.match(stdout, /\n {2}… and more like this\n1,000 files notarised at /);
    const verified = await run(
      ["verify", ".", "--proof", join(home, "many-proofs"), "--offline", "--data", notary.data],
      at,
    );
    assert.deepEqual([verified.code, verified.stdout.split("\n").at(-2)], [0, "1,000 files: 1,000 verified."]);
  });

  test("a key that is not enrolled: the error says how an administrator lets it in, and that works", async () => {
    const at = folder("stranger", { "a.pdf": "stranger" });
    const server = ["--server", notary.url];
    const refused = await run(["notarize", "a.pdf", ...server], at);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /Made a signing key: .*issuer\.pem \(not encrypted; mode 0600\)/);
    assert.match(
      refused.stderr,
      /must enrol it; then run the same command again\. To enrol it: attestry issuer add [^.]*\n$/,
    );
    assert.equal(refused.stderr.match(/run the same command again/gi)?.length, 1);
    const hint = /attestry issuer add --key ([\w-]+) --name (\S+)/.exec(refused.stderr);
    assert.ok(hint, refused.stderr);
    assert.equal(statSync(join(at.home, ".attestry/keys/issuer.pem")).mode & 0o777, 0o600);
    const add = ["issuer", "add", "--key", hint[1] ?? "", "--name", "https://clerk.example.gov", ...server];
    const without = await run(add, at);
    assert.deepEqual([without.code, without.stderr.includes("administrator's token")], [2, true]);
    const added = await runJson([...add, "--data", notary.data], at);
    assert.deepEqual([added.code, added.values[0].issuer], [0, "https://clerk.example.gov"]);
    const { values } = await runJson(["notarize", "a.pdf", ...server], at);
    assert.equal(values[0].status, "notarized");
    const inspected = await runJson(["inspect", "a.pdf"], at);
    assert.equal(inspected.values[0].statement.issuer, "https://clerk.example.gov");
    const listed = await runJson(["issuer", "list", ...server], at);
    const { id } = listed.values[0].issuers.find(({ issuer }: Json) => issuer === "https://clerk.example.gov");
    const revoked = await runJson(["issuer", "revoke", id, "--reason", "left", "--data", notary.data, ...server], at);
    assert.equal(revoked.values[0].reason, "left");
    writeFileSync(join(at.home, "b.pdf"), "later");
    const after = await runJson(["notarize", "b.pdf", ...server], at);
    assert.deepEqual([after.code, after.values[0].status], [2, "failed"]);
    assert.equal((await run(["verify", "a.pdf", "--offline"], at)).code, 0);
  });

  test("an encrypted key needs its passphrase; a wrong one is told", async () => {
    const at = folder("locked", { "a.pdf": "locked" });
    const key = ["--key", "clerk.pem"];
    const made = await runJson(["key", "new", "--out", "clerk.pem"], {
      ...at,
      env: { ATTESTRY_PASSPHRASE: "correct horse" },
    });
    assert.equal(made.code, 0, made.stderr);
    assert.match(readFileSync(join(at.home, "clerk.pem"), "utf8"), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    await run(["issuer", "add", "--key", "clerk.pem", ...place], at);
    const withPassphrase = (passphrase: string) => ({ ...at, env: { ATTESTRY_PASSPHRASE: passphrase } });
    const wrong = await runJson(["notarize", "a.pdf", ...key, "--server", notary.url], withPassphrase("wrong"));
    assert.deepEqual([wrong.code, wrong.values[0].error.code], [2, "USAGE_PASSPHRASE"]);
    const none = await run(["notarize", "a.pdf", ...key, "--server", notary.url], at);
    assert.deepEqual(
      [none.code, none.stderr],
      [2, "attestry: A passphrase is needed. Set ATTESTRY_PASSPHRASE or give --passphrase-file.\n"],
    );
    const right = await run(["notarize", "a.pdf", ...key, "--server", notary.url], withPassphrase("correct horse"));
    assert.equal(right.code, 0, right.stderr);
    writeFileSync(join(at.home, "pass"), "correct horse\n");
    const byFile = await run(
      ["notarize", "a.pdf", "--force", ...key, "--passphrase-file", "pass", "--server", notary.url],
      at,
    );
    assert.equal(byFile.code, 0, byFile.stderr);
    assert.ok(![right, byFile, wrong, none].some(({ stdout, stderr }) => (stdout + stderr).includes("horse")));
  });

  test("with certificates under an enrolled root the issuer is who they say, and another key's certificate is refused", async () => {
    const at = folder("certified", { "a.pdf": "certified" });
    const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: at.home, stdio: "pipe" });
    const key = (name: string) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name];
    const ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    openssl("req", "-x509", ...key("root.key"), "-out", "root.pem", "-subj", "/CN=Agency CA", "-days", "30", ...ca);
    openssl("req", ...key("clerk.key"), "-out", "clerk.csr", "-subj", "/CN=Clerk");
    writeFileSync(
      join(at.home, "clerk.ext"),
      "subjectAltName=URI:https://clerk.agency.gov\nkeyUsage=critical,digitalSignature\n",
    );
    const issue = [
      "x509",
      "-req",
      "-in",
      "clerk.csr",
      "-CA",
      "root.pem",
      "-CAkey",
      "root.key",
      "-days",
      "20",
      "-extfile",
      "clerk.ext",
    ];
    openssl(...issue, "-out", "clerk.pem");
    writeFileSync(
      join(at.home, "chain.pem"),
      ["clerk.pem", "root.pem"].map((name) => readFileSync(join(at.home, name))).join(""),
    );
    const key2 = await run(["key", "import", "clerk.key", "--no-passphrase", "--out", "own.pem"], at);
    assert.equal(key2.code, 0, key2.stderr);
    const certified = ["notarize", "a.pdf", "--key", "own.pem", "--chain", "chain.pem", "--server", notary.url];
    const early = await run(certified, at);
    assert.match(early.stderr, /attestry issuer add --root/);
    assert.equal((await run(["issuer", "add", "--root", "root.pem", ...place], at)).code, 0);
    const made = await run(certified, at);
    assert.equal(made.code, 0, made.stderr);
    const trust = { logs: [], issuerRoots: [readFileSync(join(at.home, "root.pem"), "utf8")] };
    writeFileSync(join(at.home, "trust.json"), JSON.stringify(trust));
    const plain = await runJson(["verify", "a.pdf", "--offline"], at);
    assert.deepEqual([plain.code, plain.values[0].statement.issuer], [0, "https://clerk.agency.gov"], plain.stdout);
    const inspected = await runJson(["inspect", "a.pdf"], at);
    assert.match(inspected.values[0].certificates[0].subject, /CN=Clerk/);
    const strange = await runJson(["notarize", "a.pdf", "--chain", "chain.pem", ...place], at);
    assert.equal(strange.values.at(-1).error.code, "VERIFY_KEY_MISMATCH");
  });

  test("a claim that no statement may have is told before anything is done", async () => {
    const at = folder("claims", { "a.pdf": "claims" });
    for (const args of [
      ["--subject", "a\u202eb"],
      ["--subject", "x".repeat(600)],
      ["--type", ""],
    ]) {
      const { code, stderr } = await run(["notarize", "a.pdf", ...args, ...place], at);
      assert.notEqual(code, 0, args.join(" "));
      assert.match(stderr, /^attestry: .*must have 1 to 512 characters/);
    }
    assert.deepEqual(readdirSync(at.home), ["a.pdf"]);
  });

  test("a reader that goes away ends the command quietly; Ctrl-C leaves nothing half written", async () => {
    const names = Array.from({ length: 1500 }, (_, at) => `f${at}.txt`);
    const at = folder("cut", Object.fromEntries(names.map((name) => [name, `cut ${name}`])));
    const piped = spawnSync(
      "sh",
      [
        "-c",
        `"$0" find --from 2000-01-01 --json --server ${notary.url} | true`,
        join(import.meta.dirname, "../bin/attestry"),
      ],
      {
        env: { ...process.env, HOME: at.home },
      },
    );
    assert.equal(String(piped.stderr), "");
    let requests = 0;
    const server = await proxy(async (_body, forward) => {
      requests += 1;
      if (requests === 1) await forward(); // the rest is never answered: it cannot end before it is told to
    });
    const child = start(["notarize", ".", "--json", "--server", server.url, "--data", notary.data], at);
    await once(child.stdout ?? child, "data");
    child.stdout?.resume();
    child.kill("SIGINT");
    await once(child, "exit");
    assert.equal(child.exitCode, 130);
    const left = readdirSync(at.home).filter((name) => name.endsWith(".tmp"));
    assert.deepEqual(left, []);
    const proofs = readdirSync(at.home).filter((name) => name.endsWith(".proof"));
    assert.ok(proofs.length > 0);
    for (const proof of proofs) assert.ok(statSync(join(at.home, proof)).size > 1000, proof);
  });
});
