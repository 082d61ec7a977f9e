/** Without a server: that every statement is T-SQL, by the grammar of sqlfluff, and keeps out of T-SQL's traps. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { sqlServerForTests } from "./testing/server.ts";
import { allStatements } from "./testing/statements.ts";

const statements = await allStatements();

test("every statement is T-SQL to a parser of it", (t) => {
  const python = findSqlfluff();
  if (python === undefined) return t.skip("needs sqlfluff (.ci/tools installs it, or: pip install sqlfluff==4.5.0)");
  const problems = parse(python, [...statements.map(({ text }) => text), ...others]);
  assert.deepEqual(
    statements.flatMap(({ name }, at) => (problems[at] === "" ? [] : [`${name}: ${problems[at]}`])),
    [],
  );
  assert.ok(!problems.slice(statements.length).includes(""), "it takes what is no T-SQL");
  t.diagnostic(`${statements.length} statements`);
});

const others = [
  "INSERT INTO attestry.log (id) VALUES (1) ON CONFLICT DO NOTHING",
  "SELECT idx FROM attestry.entry WHERE idx = 1 FOR UPDATE",
  "CREATE TABLE attestry.x (place bigint GENERATED ALWAYS AS IDENTITY)",
  "SELECT idx FROM attestry.entry WHERE (idx > 1",
];

// What the parser lets pass and SQL Server does not, and what it does and we do not want.
const foreign =
  /\b(limit|returning|conflict|lateral|using|filter|excluded|unnest|ilike|true|false|merge|nolock|n?text|image)\b|::|\|\||\) *[<>=]+ *\(|distinct from/i;

test("every statement names its tables with their schema, and its parameters in order", () => {
  assert.ok(statements.length > 80);
  for (const { name, text, values } of statements) {
    assert.doesNotMatch(text, foreign, name);
    for (const [, table] of text.matchAll(/\b(?:from|join|into|update|table)\s+(?!\(|@|stored\b|sys\.)("?[\w."]+)/gi)) {
      assert.match(table ?? "", /^"?attestry"?\."?\w/, `${name}: ${table}`);
    }
    const used = new Set([...text.matchAll(/(?<![@\w])@(\d+)/g)].map(([, number]) => Number(number)));
    assert.deepEqual(
      [...used].sort((a, b) => a - b),
      Array.from({ length: used.size }, (_, at) => at + 1),
      name,
    );
    if (values !== undefined) assert.equal(used.size, values.length, name);
    assert.ok(used.size < 2100, name);
  }
});

test("text is compared by its bytes, and what is compared has a length", () => {
  const columns = statements
    .filter(({ text }) => /create table/i.test(text))
    .flatMap(({ text }) => [...text.matchAll(/"?(\w+)"? (nvarchar|varbinary)\((\d+|max)\)([^,]*)/gi)]);
  assert.ok(columns.length > 40);
  for (const [all, , type, length, rest = ""] of columns) {
    if (type === "nvarchar" && length !== "max") assert.match(rest, /collate Latin1_General_100_BIN2/i, all);
    if (length === "max") assert.doesNotMatch(rest, /key|unique/i, all);
    assert.ok(length === "max" || Number(length) <= 512, all);
  }
  assert.ok(!statements.some(({ text }) => /\bvarchar\b/i.test(text)), "text is Unicode everywhere");
});

test("whether a real server has run them is said", (t) => {
  const { skip } = sqlServerForTests();
  t.diagnostic(skip ?? "contracts.test.ts runs them on the server that ATTESTRY_TEST_SQLSERVER names");
});

/** A Python that has sqlfluff: the one that .ci/tools makes, or the machine's. */
function findSqlfluff(): string | undefined {
  const made = join(import.meta.dirname, "../../../../.nodes/sqlfluff/bin/python");
  return [made, "python3"].find((python) => {
    try {
      execFileSync(python, ["-c", "import sqlfluff"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

const program = `
import json, sys
from sqlfluff.core import Linter
linter = Linter(dialect="tsql")
json.dump(["; ".join(map(str, linter.parse_string(text).violations)) for text in json.load(sys.stdin)], sys.stdout)`;

/** What the parser says against each; nothing against one that it understands. */
function parse(python: string, texts: readonly string[]): string[] {
  return JSON.parse(
    execFileSync(python, ["-c", program], { input: JSON.stringify(texts), encoding: "utf8" }),
  ) as string[];
}
