import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "./program.ts";
import { run, temporaryHome } from "./testing.ts";

/** Whether a command's help, or that of one below it, shows how it is used. */
async function hasExamples(command: string[], help: string, home: string): Promise<boolean> {
  if (new RegExp(`\\nExamples:\\n  .*attestry ${command.join(" ")}\\b`).test(help)) return true;
  const below = [...(/\nCommands:\n((?: .*\n)+)/.exec(help)?.[1] ?? "").matchAll(/^ {2}(\w+)/gm)].map(
    ([, name]) => name ?? "",
  );
  const helps = await Promise.all(below.map((name) => run([...command, name, "--help"], { home })));
  return helps.some(({ stdout }) => stdout.includes("\nExamples:\n"));
}

test("the tour names every command, and every command's help has examples", async (t) => {
  const home = temporaryHome(t);
  const tour = await run([], { home });
  assert.equal(tour.code, 0);
  assert.equal(tour.stderr, "");
  for (const same of [["--help"], ["help"], ["-h"]]) assert.deepEqual(await run(same, { home }), tour);
  for (const { name, summary } of commands) assert.ok(tour.stdout.includes(`  ${name.padEnd(10)} ${summary}\n`), name);
  t.assert.snapshot(tour.stdout.split("\n"));
  const helps = await Promise.all(commands.map(({ name }) => run([name, "--help"], { home, env: { COLUMNS: "80" } })));
  for (const [at, { code, stdout, stderr }] of helps.entries()) {
    const { name } = commands[at] ?? { name: "" };
    assert.equal(code, 0, name);
    assert.equal(stderr, "");
    assert.ok(await hasExamples([name], stdout, home), name);
    t.assert.snapshot(stdout.split("\n"));
  }
});

test("both spellings name the same command", async (t) => {
  const home = temporaryHome(t);
  const [american, british] = await Promise.all(
    ["notarize", "notarise"].map((name) => run([name, "--help"], { home })),
  );
  assert.deepEqual(british, american);
});

test("what is typed wrongly is told on standard error, with what may have been meant, and ends with 2", async (t) => {
  const home = temporaryHome(t);
  const wrong: [string[], RegExp][] = [
    [["verfy", "a"], /^attestry: unknown command 'verfy'\n\(Did you mean verify\?\)\n/],
    [["verify"], /^attestry: missing required argument 'path'\n/],
    [["verify", "a", "--ofline"], /^attestry: unknown option '--ofline'\n\(Did you mean --offline\?\)\n/],
    [["verify", "a", "--offline", "--server", "http://x"], /^attestry: --offline asks nobody/],
    [["notarize", "a", "--server", "ftp://x"], /^attestry: "ftp:\/\/x" is not a notary's address\./],
    [["notarize", "a", "--reason", "x"], /^attestry: --supersedes and --reason go together\.\n$/],
    [["up", "--port", "70000"], /^attestry: --port takes a whole number from 0 to 65535, not "70000"\.\n$/],
    [["up", "--witness", "http://x"], /^attestry: --witness takes VKEY=URL/],
    [["find"], /^attestry: Say what to look for/],
    [["key", "new"], /^attestry: A passphrase is needed\..* --no-passphrase/],
    [["help", "verfy"], /^attestry: unknown command 'verfy'\n\(Did you mean verify\?\)\n/],
    [["frob", "--help"], /^attestry: unknown command 'frob'\n$/],
    [["help", "vault", "frob"], /^attestry: unknown command 'frob'\n\(attestry vault --help shows/],
    [["vault", "get", "x"], /^attestry: required option '--out <file>' .*\n\(attestry vault get --help shows/],
    [["watch", "nowhere"], /^attestry: nowhere cannot be watched: there is no such file\.\n$/],
  ];
  const ran = await Promise.all(wrong.map(([args]) => run(args, { home })));
  for (const [at, [args, expected]] of wrong.entries()) {
    const { code, stdout, stderr } = ran[at] ?? { code: null, stdout: "", stderr: "" };
    assert.match(stderr, expected);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
  }
});

test("a value that cannot be is told before anybody is asked: what it is for, what it takes, and what was given", async (t) => {
  const home = temporaryHome(t);
  const long = "x".repeat(600);
  writeFileSync(join(home, "deed.txt"), "a deed");
  const act = ["--purpose", "p"];
  const wrong: [string[], RegExp][] = [
    [["vault", "set-class", "Bad Name", "--keep", "1"], /<name> takes 1 to 64 small letters, .*, not "Bad Name"/],
    [["vault", "reclassify", "deed.txt", "--class", "X", ...act], /--class takes 1 to 64 small letters, .*, not "X"/],
    [["vault", "list", "--record-class", "X"], /--record-class takes 1 to 64 small letters, .*, not "X"/],
    [["vault", "list", "--subject", ""], /of --subject must have 1 to 512 characters, .* given ""/],
    [
      ["vault", "get", "deed.txt", "--out", "o", "--purpose", ""],
      /of --purpose must have 1 to 512 characters, .* given ""/,
    ],
    [["vault", "hold", "deed.txt", "--order", long, ...act], /of --order must have 1 to 512 .* given 600 characters/],
    [["token", "add", "", "--role", "reader"], /<name> takes 1 to 64 letters, .*, not ""/],
    [
      ["token", "add", "x", "--role", "reader", "--certificate", "y"],
      /--certificate takes a certificate's .*, not "y"/,
    ],
    [["token", "revoke", "nope"], /<id> takes the id that the list of tokens shows: 16 .*, not "nope"/],
    [
      ["issuer", "revoke", "nope", "--reason", "r"],
      /<id> takes the id that the list of issuers shows: 43 .*, not "nope"/,
    ],
    [["issuer", "revoke", "A".repeat(43), "--reason", ""], /of --reason must have 1 to 512 characters, .* given ""/],
    [["issuer", "add", "--root", "deed.txt"], /--root deed\.txt: There is no certificate in the file\./],
    [["issuer", "add", "--key", "deed.txt"], /--key: deed\.txt holds no public key of P-256, P-384 or Ed25519\./],
    [["issuer", "add", "--key", "y"], /y cannot be read: .* no such file, .* no public key as attestry key list shows/],
    [["key", "import", "deed.txt", "--no-passphrase"], /deed\.txt: There is no PKCS#8 private key/],
    [["revoke", "deed.txt", "--reason", ""], /of --reason must have 1 to 512 characters, .* given ""/],
    [
      ["notarize", "deed.txt", "--subject", long],
      /of --subject must have 1 to 512 characters, .* given 600 characters/,
    ],
    [["notarize", "deed.txt", "--type", "garbage"], /--type takes a media type like application\/pdf, not "garbage"/],
    [["notarize", "deed.txt", "--type", "a/b c"], /--type takes a media type like application\/pdf, not "a\/b c"/],
    [["find", "--issuer", ""], /of --issuer must have 1 to 512 characters, .* given ""/],
    [["find", "00"], /"00" is no file that is there, and no SHA-256 hash: that has 64 hexadecimal digits/],
    [["vault", "list", "00"], /"00" is no file, .*\(64 hexadecimal digits\) .* id \(26 letters and digits\)/],
  ];
  // nobody listens at that address: what went there would end with 3
  const env = { ATTESTRY_SERVER: "http://127.0.0.1:1", ATTESTRY_TOKEN: "t" };
  const ran = await Promise.all(wrong.map(([args]) => run(args, { home, env })));
  for (const [at, [args, expected]] of wrong.entries()) {
    const { code, stdout, stderr } = ran[at] ?? { code: null, stdout: "", stderr: "" };
    assert.match(stderr, expected);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
  }
});

test("with --json an error is one JSON object on standard output", async (t) => {
  const home = temporaryHome(t);
  for (const args of [["verify"], ["find"], ["up", "--port", "x"], ["inspect", "nowhere"]]) {
    const { code, stdout, stderr } = await run([...args, "--json"], { home });
    const { error } = JSON.parse(stdout);
    assert.match(error.code, /^USAGE/);
    assert.ok(error.message.length > 10);
    assert.deepEqual({ code, stderr }, { code: 2, stderr: "" }, args.join(" "));
  }
});
