import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { walkFiles } from "./walk.ts";

function folder(t: TestContext, ...files: string[]): string {
  const root = mkdtempSync(join(tmpdir(), "attestry-walk-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const file of files) {
    mkdirSync(join(root, file, ".."), { recursive: true });
    writeFileSync(join(root, file), file);
  }
  return root;
}

async function walk(...paths: string[]): Promise<{ found: string[]; problems: string[]; skipped: string[] }> {
  const [problems, skipped]: [string[], string[]] = [[], []];
  const events = {
    onProblem: (path: string, { code }: { code: string }) => void problems.push(`${path} ${code}`),
    onSkipped: (path: string) => void skipped.push(path),
  };
  const found = await Array.fromAsync(walkFiles(paths, events), ({ path }) => path);
  return { found, problems, skipped };
}

test("a folder is searched to the bottom, in the order of names", async (t) => {
  const root = folder(t, "b.pdf", "a/z.pdf", "a/y/x.pdf", "c.pdf", "a.pdf", "B.pdf");
  const { found } = await walk(root);
  assert.deepEqual(
    found,
    ["B.pdf", "a/y/x.pdf", "a/z.pdf", "a.pdf", "b.pdf", "c.pdf"].map((name) => join(root, name)),
  );
});

test("files below a folder keep their place below it; a file that was named has only its name", async (t) => {
  const root = folder(t, "in/a/b.pdf", "c.pdf");
  const events = { onProblem() {}, onSkipped() {} };
  const files = await Array.fromAsync(walkFiles([join(root, "in"), join(root, "c.pdf")], events));
  assert.deepEqual(
    files.map(({ relative }) => relative),
    ["a/b.pdf", "c.pdf"],
  );
});

test("proof files, kept proofs and files that are being written are passed over", async (t) => {
  const root = folder(t, "a.pdf", "a.pdf.proof", "a.pdf.proof.1", ".attestry-12-0.tmp", "proof", "b.proof.pdf");
  const { found } = await walk(root);
  assert.deepEqual(
    found,
    ["a.pdf", "b.proof.pdf", "proof"].map((name) => join(root, name)),
  );
  assert.deepEqual((await walk(join(root, "a.pdf.proof"))).skipped, [join(root, "a.pdf.proof")]);
});

test("a file that is named twice, or also lies in a named folder, comes once", async (t) => {
  const root = folder(t, "a.pdf", "b.pdf");
  const { found } = await walk(join(root, "b.pdf"), root, `${root}/./a.pdf`);
  assert.deepEqual(
    found,
    ["b.pdf", "a.pdf"].map((name) => join(root, name)),
  );
});

test("links inside folders are passed over, so a circle ends; a link that is named is followed", async (t) => {
  const root = folder(t, "in/a.pdf");
  symlinkSync("..", join(root, "in/circle"));
  symlinkSync("a.pdf", join(root, "in/link.pdf"));
  symlinkSync(join(root, "in"), join(root, "named"));
  const { found, skipped, problems } = await walk(join(root, "in"));
  assert.deepEqual(found, [join(root, "in/a.pdf")]);
  assert.deepEqual(skipped, [join(root, "in/circle"), join(root, "in/link.pdf")]);
  assert.deepEqual(problems, []);
  assert.deepEqual((await walk(join(root, "named"))).found, [join(root, "named/a.pdf")]);
  assert.deepEqual((await walk(join(root, "in/link.pdf"))).found, [join(root, "in/link.pdf")]);
});

test("a quoted glob finds files only; one that matches nothing is a problem", async (t) => {
  const root = folder(t, "a.pdf", "b.txt", "c/d.pdf", "c/e.pdf.proof");
  mkdirSync(join(root, "folder.pdf"));
  assert.deepEqual((await walk(join(root, "*.pdf"))).found, [join(root, "a.pdf")]);
  assert.deepEqual((await walk(join(root, "**/*.pdf"))).found, [join(root, "a.pdf"), join(root, "c/d.pdf")]);
  assert.deepEqual((await walk(join(root, "*.doc"))).problems, [`${join(root, "*.doc")} USAGE_FILE`]);
});

test("a file whose own name looks like a glob is that file", async (t) => {
  const root = folder(t, "scan [1].pdf", "scan 1.pdf");
  assert.deepEqual((await walk(join(root, "scan [1].pdf"))).found, [join(root, "scan [1].pdf")]);
});

test("what is missing, circular or no file is named, and the walk goes on", async (t) => {
  const root = folder(t, "a.pdf");
  symlinkSync("loop", join(root, "loop"));
  execFileSync("mkfifo", [join(root, "pipe")]);
  const missing = join(root, "missing.pdf");
  const { found, problems } = await walk(missing, join(root, "loop"), join(root, "pipe"), join(root, "a.pdf"));
  assert.deepEqual(found, [join(root, "a.pdf")]);
  assert.deepEqual(problems, [
    `${missing} USAGE_FILE`,
    `${join(root, "loop")} USAGE_FILE`,
    `${join(root, "pipe")} USAGE_FILE`,
  ]);
  assert.deepEqual((await walk(root)).skipped, [join(root, "loop"), join(root, "pipe")]);
});

test("a name that is not valid UTF-8 is a problem of its own, not a missing file", async (t) => {
  const root = folder(t, "a.pdf");
  try {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.of(0xff)]), "x");
  } catch {
    return t.skip("this file system takes no names that are not UTF-8");
  }
  const { found, problems } = await walk(root);
  assert.deepEqual(found, [join(root, "a.pdf")]);
  assert.equal(problems.length, 1);
});
