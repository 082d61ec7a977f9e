import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { noOpenssl } from "../../core/src/timestamp/test-openssl.ts";
import { firstLine, run, runJson, start, startSuite } from "./testing.ts";

const { home, notary, place } = await startSuite();

describe("attestry token", { concurrency: 2 }, () => {
  const asked = async (path: string, token: string): Promise<number> =>
    (await fetch(notary.url + path, { headers: { authorization: `Bearer ${token}` } })).status;

  test("a token is shown once, opens what its roles allow, and nothing after it is revoked", async () => {
    const added = await run(["token", "add", "camera 7", "--role", "auditor", "creator", ...place], { home });
    assert.equal(added.code, 0, added.stderr);
    const token = /^ {2}(atk_[\w-]{43})$/m.exec(added.stdout)?.[1] ?? "";
    assert.match(added.stdout, /camera 7: auditor, creator \(token; until 20.*, not used yet\)/);
    assert.deepEqual([await asked("/v1/actions", token), await asked("/v1/tokens", token)], [200, 403]);
    const listed = await run(["token", "list", ...place], { home });
    assert.match(listed.stdout, /camera 7: .* last used 20/);
    assert.ok(!listed.stdout.includes(token.slice(4)));
    const id = /^([\w-]{16}) {2}camera 7/m.exec(listed.stdout)?.[1] ?? "";
    const revoked = await run(["token", "revoke", id, ...place], { home });
    assert.match(revoked.stdout, /camera 7: .*; revoked 20/);
    assert.equal(await asked("/v1/actions", token), 401);
    const again = await runJson(["token", "revoke", id, ...place], { home });
    assert.deepEqual([again.code, again.values[0].error.code], [1, "NOT_FOUND"]);
  });

  test("an id that begins with a dash is an id, wherever it stands", async () => {
    const reason = ["--reason", "-h2345678901234-"];
    const revocations = [
      ["token", "revoke", "-hV_-5678901234-"],
      ["token", "revoke", "--", "-hV_-5678901234-"],
      ["issuer", "revoke", `-h${"a".repeat(41)}`, ...reason],
      ["issuer", "revoke", ...reason, `--${"b".repeat(41)}`],
    ];
    for (const [command = "", revoke = "", ...rest] of revocations) {
      const ran = await run([command, revoke, ...place, ...rest], { home });
      assert.deepEqual([ran.code, /^attestry: No (token|issuer) has this id/.test(ran.stderr)], [1, true], ran.stderr);
    }
    const file = await run(["notarize", `-x${"a".repeat(41)}`, ...place], { home });
    assert.deepEqual([file.code, /unknown option/.test(file.stderr)], [2, true], file.stderr);
  });

  test("a token ends after the days that it was given", async () => {
    const { code, values } = await runJson(["token", "add", "short", "--role", "reader", "--days", "1", ...place], {
      home,
    });
    assert.equal(code, 0);
    const hours = (Date.parse(values[0].expiresAt) - Date.now()) / 3_600_000;
    assert.ok(hours > 23 && hours <= 24, String(hours));
  });

  test("what makes no sense, and who may not, is told with what to do", async () => {
    writeFileSync(join(home, "no.token"), "two words\n");
    const wrong: [string[], number, RegExp][] = [
      [["token", "add", "x", "--role", "root", ...place], 2, /--role takes reader, creator, .*, not "root"/],
      [["token", "add", "x", ...place], 2, /--role/],
      [["token", "add", "x", "--role", "reader", "--days", "0", ...place], 2, /--days takes a whole number/],
      [["token", "list", "--server", notary.url], 2, /administrator's token, and there is none in/],
      [["token", "list", "--token-file", "no.token", ...place], 2, /^attestry: no\.token holds no token\. /],
      [
        ["token", "add", "administrator", "--role", "reader", ...place],
        2,
        /token add: A name has .* is not "administrator"/,
      ],
    ];
    for (const [args, code, words] of wrong) {
      const ran = await run(args, { home });
      assert.equal(ran.code, code, args.join(" "));
      assert.match(ran.stderr, words);
    }
    const empty = await run(["token", "list", ...place], { home, env: { ATTESTRY_TOKEN: "" } });
    assert.deepEqual([empty.code, /^attestry: \$ATTESTRY_TOKEN holds no token\. /.test(empty.stderr)], [2, true]);
    const other = await runJson(["token", "list", "--server", notary.url], { home, env: { ATTESTRY_TOKEN: "wrong" } });
    assert.deepEqual([other.code, other.values[0].error.code], [2, "POLICY_UNAUTHORISED"]);
  });

  test("a link signs in at the portal, once", async () => {
    const { code, stdout } = await run(["token", "link", ...place], { home });
    assert.equal(code, 0);
    const url = stdout.trim();
    assert.ok(url.startsWith(`${notary.url}/auth/local?code=`), url);
    const statuses = [await fetch(url, { redirect: "manual" }), await fetch(url, { redirect: "manual" })];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [303, 403],
    );
  });

  test("the notary shows such a link when it starts on this machine", async (t) => {
    const child = start(["up", "--data", "words", "--port", "0", "--no-ledger"], { home });
    t.after(() => void child.kill("SIGKILL"));
    let said = "";
    for await (const part of child.stdout ?? []) {
      said += String(part);
      if (said.includes("Ctrl-C")) break;
    }
    const link = /^Open the portal: (http:\/\/127\.0\.0\.1:\d+\/auth\/local\?code=[\w-]{43})$/m.exec(said)?.[1] ?? "";
    assert.equal((await fetch(link, { redirect: "manual" })).status, 303, said);
    assert.match(said, /another: attestry token link --server .* --data /);
  });

  test("a notary that others reach keeps the link to itself", async (t) => {
    const open = [
      ["--host", "0.0.0.0", "--no-passphrase"],
      ["--public-url", "https://notary.example.gov"], // behind a proxy
    ];
    for (const [at, options] of open.entries()) {
      const child = start(["up", "--data", `open${at}`, "--port", "0", "--no-ledger", "--json", ...options], { home });
      t.after(() => void child.kill("SIGKILL"));
      const line = await firstLine(child);
      assert.ok(JSON.parse(line).url && !line.includes("code="), line);
    }
  });

  test("client certificates need TLS, and a certificate is enrolled by its name", { skip: noOpenssl }, async () => {
    const ec = [
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=ca",
    ];
    execFileSync("openssl", ["req", ...ec, "-keyout", "ca.key", "-out", "ca.pem"], { cwd: home, stdio: "ignore" });
    const plain = await runJson(["up", "--data", "tls", "--port", "0", "--client-ca", "ca.pem"], { home });
    assert.match(plain.values[0].error.message, /--client-ca needs --tls-cert and --tls-key/);
    writeFileSync(join(home, "empty.pem"), "");
    const tls = ["--tls-cert", "ca.pem", "--tls-key", "ca.key"];
    const empty = await runJson(["up", "--data", "tls", "--port", "0", ...tls, "--client-ca", "empty.pem"], { home });
    assert.equal(empty.values[0].error.code, "MALFORMED_CERTIFICATE");
    const certificate = ["--certificate", "CN=gateway,O=Kent County"];
    const added = await run(["token", "add", "gateway", "--role", "reader", ...certificate, ...place], { home });
    assert.match(added.stdout, /gateway: reader \(certificate CN=gateway,O=Kent County; until/);
    assert.ok(!added.stdout.includes("atk_"));
  });
});
