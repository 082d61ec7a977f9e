import assert from "node:assert/strict";
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
    [["watch", "nowhere"], /^attestry: nowhere cannot be watched: there is no such file\.\n$/],
  ];
  const ran = await Promise.all(wrong.map(([args]) => run(args, { home })));
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
