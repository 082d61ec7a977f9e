import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  type AttestryError,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseStatement,
  receiptRoot,
} from "@attestry/core";
import type { FastifyInstance } from "fastify";
import { auditData } from "./audit-data.ts";
import { listen } from "./http/listen.ts";
import { createNotary } from "./notary.ts";
import { startServer } from "./server.ts";
import { createIssuer, postCbor, readAnswer, refusal, startTestServer, temporaryFolder } from "./testing.ts";

async function findings(data: string): Promise<number> {
  const audit = auditData({ data });
  for (;;) {
    const { done, value } = await audit.next();
    if (done === true) return value.findings;
  }
}

test("a restart goes on where the log was, and the same statement is still known", async (t) => {
  const first = await startTestServer(t);
  const statement = await first.issuer.statement();
  await first.batch([statement, await first.issuer.statement()]);
  const { rootHash } = first.notary.status.head;
  await first.close();
  const second = await startTestServer(t, { data: first.data });
  assert.deepEqual(second.notary.status.head.rootHash, rootHash);
  assert.deepEqual(second.notary.verifierKeys, first.notary.verifierKeys);
  assert.equal(second.token, first.token);
  const { entries } = await second.batch([statement, await second.issuer.statement()]);
  assert.deepEqual(entries.map((entry) => [entry.get("index"), entry.get("isNew")]), [[0, false], [2, true]]); // biome-ignore format: one line reads better
});

test("on loopback the local user's key is made and enrolled, and the data is its owner's alone", async (t) => {
  const server = await startTestServer(t);
  const { data } = server;
  for (const file of [
    "keys/issuer.pem",
    "keys/log-ed25519.pem",
    "keys/log-mldsa44.pem",
    "keys/log-es256.pem",
    "admin.token",
  ]) {
    assert.equal(statSync(join(data, file)).mode & 0o777, 0o600, file);
  }
  assert.match(server.token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(server.notary.issuers.list().length, 2);
  await server.close();
  const again = await startServer({ data, port: 0 });
  t.after(() => again.close());
  assert.equal(again.notary.issuers.list().length, 2);
});

test("a local user's key that was revoked stays so, and the server starts all the same", async (t) => {
  const server = await startTestServer(t);
  const [own] = server.notary.issuers.list();
  await server.notary.issuers.revoke(own?.id ?? "", "lost");
  await server.close();
  const again = await startServer({ data: server.data, port: 0 });
  t.after(() => again.close());
  assert.equal(again.notary.issuers.find(own?.id ?? "")?.revoked?.reason, "lost");
});

test("an address that others can reach needs a passphrase, or the word that there is none", async (t) => {
  const data = temporaryFolder(t);
  await assert.rejects(startServer({ data, host: "0.0.0.0", port: 0 }), refusal("USAGE_PASSPHRASE"));
  assert.deepEqual(readdirSync(data), [], "nothing was made");
  const server = await startServer({ data, host: "0.0.0.0", port: 0, noPassphrase: true });
  t.after(() => server.close());
  assert.equal(server.notary.issuers.list().length, 0, "nobody is enrolled by default");
});

test("keys are encrypted with the passphrase, and open with it alone", async (t) => {
  const data = temporaryFolder(t);
  const server = await startServer({ data, port: 0, passphrase: "secret" });
  await server.close();
  for (const file of readdirSync(join(data, "keys"))) {
    const sealed = file === "vault.keyring" ? /\nsealed \S+\n/ : /^-----BEGIN ENCRYPTED PRIVATE KEY-----/;
    assert.match(readFileSync(join(data, "keys", file), "utf8"), sealed, file);
  }
  await assert.rejects(startServer({ data, port: 0 }), refusal("USAGE_PASSPHRASE"));
  await assert.rejects(startServer({ data, port: 0, passphrase: "Secret" }), refusal("USAGE_PASSPHRASE"));
  const again = await startServer({ data, port: 0, passphrase: "secret" });
  await again.close();
  assert.equal(await findings(data), 0, "the audit needs none");
});

test("a second server on the same data is refused, and the first is not disturbed", async (t) => {
  const server = await startTestServer(t);
  await assert.rejects(startServer({ data: server.data, port: 0 }), refusal("CONFLICT_LOCKED"));
  assert.equal((await server.batch([await server.issuer.statement()])).entries[0]?.get("isNew"), true);
});

test("a log whose issuers are gone is not begun with nobody enrolled and nobody revoked", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  await server.close();
  const path = join(server.data, "issuers.db");
  const kept = readFileSync(path);
  for (const forget of [() => writeFileSync(path, ""), () => rmSync(path)]) {
    forget();
    await assert.rejects(startServer({ data: server.data, port: 0 }), {
      code: "FATAL_CORRUPT",
      message: /issuers\.db .* is gone\. Put it back from a backup\.$/,
    });
  }
  writeFileSync(path, kept);
  await (await startServer({ data: server.data, port: 0 })).close();
});

test("a port that is taken is said to be, and the data is let go of", async (t) => {
  const server = await startTestServer(t);
  const data = temporaryFolder(t);
  const port = Number(new URL(server.url).port);
  await assert.rejects(startServer({ data, port }), refusal("USAGE"));
  const again = await startServer({ data, port: 0 });
  await again.close();
});

test("a folder that cannot be used is named, with why and what to do; a first notary's is named to a second", async (t) => {
  const home = temporaryFolder(t);
  const at = (name: string): string => join(home, name);
  writeFileSync(at("file"), "");
  for (const inTheWay of ["locked/lock", "log/log.db", "issuers/issuers.db"])
    mkdirSync(at(inTheWay), { recursive: true });
  const running = await startTestServer(t);
  const cases: [string, string, RegExp][] = [
    [at("file"), "USAGE_FILE", /^The data folder \S+\/file cannot be made: a file of that name is in the way\. /],
    [
      at("file/below"),
      "USAGE_FILE",
      /^The data folder \S+\/file\/below cannot be made: a part of the path is a file\. /,
    ],
    [at("locked"), "UNAVAILABLE_STORAGE", /^The data folder \S+\/locked cannot be used \(not permitted, /],
    [at("log"), "UNAVAILABLE_STORAGE", /^The data folder \S+\/log cannot be used \(not permitted, /],
    [at("issuers"), "UNAVAILABLE_STORAGE", /\/issuers\.db cannot be used \(not permitted, /],
    [running.data, "CONFLICT_LOCKED", new RegExp(`^Another process is using the data folder ${running.data}\\.`)],
  ];
  for (const [data, code, message] of cases) {
    await assert.rejects(startServer({ data, port: 0 }), (error: AttestryError) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.match(error.message, /name another folder: --data DIR\.$|Name another: --data DIR\.$/i);
      return true;
    });
  }
});

test("why an address cannot be listened on is said in words, with the flag that helps", async () => {
  const cases = { EADDRINUSE: /--port N/, EACCES: /--port 8080/, EADDRNOTAVAIL: /--host 127/, ENOTFOUND: /--host 127/ };
  for (const [code, words] of Object.entries(cases)) {
    const refusing = { listen: () => Promise.reject(Object.assign(new Error(code), { code })) };
    await assert.rejects(listen(refusing as unknown as FastifyInstance, "192.0.2.1", 80), (error: AttestryError) => {
      assert.match(error.message, /^Cannot listen on 192\.0\.2\.1, port 80: /);
      assert.match(error.message, words);
      assert.ok(!error.message.includes(code));
      return true;
    });
  }
});

test("a log keeps its origin, and its keys: others are refused", async (t) => {
  const server = await startTestServer(t, { origin: "log.example/a" });
  await server.batch([await server.issuer.statement()]);
  await server.close();
  const { data } = server;
  await assert.rejects(createNotary({ data, origin: "log.example/b" }), refusal("CONFLICT_EXISTS"));
  const key = join(data, "keys", "log-es256.pem");
  renameSync(key, `${key}.away`);
  await assert.rejects(createNotary({ data }), refusal("NOT_FOUND"));
  assert.ok(!readdirSync(join(data, "keys")).includes("log-es256.pem"), "a log that exists gets no new key");
  writeFileSync(key, readFileSync(join(data, "keys", "issuer.pem")), { mode: 0o600 });
  await assert.rejects(createNotary({ data }), refusal("VERIFY_SIGNATURE"));
  rmSync(key);
  renameSync(`${key}.away`, key);
  chmodSync(key, 0o644);
  await assert.rejects(createNotary({ data }), refusal("USAGE_FILE"));
  chmodSync(key, 0o600);
  await (await createNotary({ data })).close();
});

test("an origin that cannot stand in a checkpoint is refused before there is a log", async (t) => {
  for (const origin of ["", "two words", "a+b", "x".repeat(256)]) {
    const data = temporaryFolder(t);
    await assert.rejects(createNotary({ data, origin }), refusal("USAGE"), JSON.stringify(origin));
    assert.ok(!readdirSync(data).includes("log.db"), JSON.stringify(origin));
  }
});

test("stopping under load loses no answer: what was answered is in the log, and the rest was refused clearly", async (t) => {
  const server = await startTestServer(t);
  const acknowledged: { statement: Uint8Array; index: number; checkpoint: Uint8Array; receipt: Uint8Array }[] = [];
  const others: string[] = [];
  let stopping = false;
  const client = async (): Promise<void> => {
    while (!stopping || others.length === 0) {
      const statement = await server.issuer.statement();
      try {
        const response = await server.fetch("/v1/entries", postCbor([statement]));
        if (response.status !== 200) {
          others.push(((await response.json()) as { code: string }).code);
          continue;
        }
        const { entries, checkpoints } = await readAnswer(response);
        const [entry] = entries;
        acknowledged.push({
          statement,
          index: entry?.get("index") as number,
          receipt: entry?.get("receipt") as Uint8Array,
          checkpoint: checkpoints[0] as Uint8Array,
        });
      } catch {
        others.push("closed");
      }
      if (acknowledged.length >= 100 && !stopping) {
        stopping = true;
        void server.close();
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
  await server.close();
  assert.ok(
    others.every((code) => code === "closed" || code === "UNAVAILABLE_STOPPING"),
    others.join(),
  );
  const again = await createNotary({ data: server.data });
  t.after(() => again.close());
  for (const { statement, index, receipt, checkpoint } of acknowledged) {
    const leaf = leafHash(parseStatement(statement).entry);
    assert.deepEqual((await again.entry(index)).leafHash, leaf);
    const { rootHash } = parseCheckpoint(parseNote(checkpoint).text);
    assert.deepEqual(receiptRoot(parseReceipt(receipt), leaf), rootHash);
  }
  assert.equal(await findings(server.data), 0);
});

test("a client that never finishes its request does not keep the server from stopping", async (t) => {
  const server = await startTestServer(t, { stopTimeout: 300 });
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(1)) });
  const init = { method: "POST", headers: { "content-type": "application/cbor" }, body, duplex: "half" } as RequestInit;
  const hanging = server.fetch("/v1/entries", init).catch(() => "cut");
  await server.fetch("/healthz");
  await server.close();
  assert.equal(await hanging, "cut");
});

test("with a certificate the server speaks TLS alone", async (t) => {
  const folder = temporaryFolder(t);
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = [
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
    "-keyout",
    key,
    "-out",
    cert,
  ];
  execFileSync("openssl", ["req", ...made, ...subject], { stdio: "ignore" });
  const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  const server = await startServer({ data: join(folder, "data"), port: 0, tls });
  t.after(() => server.close());
  assert.match(server.url, /^https:/);
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    request(`${server.url}/healthz`, { ca: tls.cert }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(answer, 200);
  await assert.rejects(fetch(`${server.url.replace("https", "http")}/healthz`));
  await assert.rejects(
    startServer({ data: join(folder, "other"), port: 0, tls: { key: "x", cert: "y" } }),
    refusal("USAGE"),
  );
});

test("the audit runs beside the server, and names what was changed behind its back", async (t: TestContext) => {
  const server = await startTestServer(t);
  await server.batch(await Promise.all(Array.from({ length: 10 }, () => server.issuer.statement())));
  assert.equal(await findings(server.data), 0);
  await server.close();
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(server.data, "log.db"));
  database.exec("UPDATE entry SET entry = (SELECT entry FROM entry WHERE idx = 3) WHERE idx = 4");
  database.close();
  const audit = auditData({ data: server.data });
  const first = await audit.next();
  assert.ok(first.done !== true);
  assert.deepEqual([first.value.record, first.value.at], ["entry", { index: 4 }]);
});

test("nothing of the inside reaches a client: no path, no stack, no token", async (t) => {
  const server = await startTestServer(t);
  await server.notary.close(); // from now on the storage fails
  const stranger = createIssuer();
  const responses = [
    await server.fetch("/v1/entries", postCbor([await server.issuer.statement()])),
    await server.fetch("/v1/entries/0"),
    await server.fetch("/v1/entries?hash=00"),
    await server.fetch("/v1/entries", postCbor([await stranger.statement()])),
  ];
  for (const response of responses) {
    const text = await response.text();
    assert.ok(!text.includes(server.data) && !/\bat \/|node:|\.ts:|sqlite/i.test(text), text);
  }
});
