import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AttestryError, errorCatalogue } from "./errors.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");

test("docs/errors.md says of every code what the catalogue says, and names no others", () => {
  const rows = [...page.matchAll(/^\| `([A-Z_0-9]+)` \| (\d+) \| (yes|no) \| (\d) \| (.+) \|$/gm)];
  const written = Object.fromEntries(
    rows.map(([, code, status, retry, exit, meaning]) => [
      code,
      { status: Number(status), retry: retry === "yes", exit: Number(exit), meaning },
    ]),
  );
  assert.deepEqual(written, { ...errorCatalogue });
});

test("an error without a message of its own says what its code means", () => {
  assert.equal(new AttestryError("NOT_FOUND").message, errorCatalogue.NOT_FOUND.meaning);
});
