import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bigintArray, byteaArray } from "./arrays.ts";
import { openDatabase } from "./database.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();

test("the server reads the arrays that were written, whatever is in them", {
  skip: postgres.skip ?? false,
}, async (t) => {
  const database = await openDatabase(await (await postgres.server()).createDatabase());
  t.after(() => database.close());
  const value = fc.tuple(fc.maxSafeInteger(), fc.uint8Array({ maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 20 }), async (values) => {
      const [numbers, bytes] = [values.map(([number]) => number), values.map(([, bytes]) => bytes)];
      const echo = "SELECT n, b FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS u (n, b, at) ORDER BY at";
      assert.deepEqual(await database.query(echo, [bigintArray(numbers), byteaArray(bytes)]), values);
    }),
    { numRuns: 60 },
  );
});
