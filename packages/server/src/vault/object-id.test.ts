import assert from "node:assert/strict";
import { test } from "node:test";
import { isAttestryError } from "@attestry/core";
import fc from "fast-check";
import { newObjectId, parseObjectId } from "./object-id.ts";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

test("names of objects have 26 safe characters, are read back, and do not repeat", () => {
  const ids = Array.from({ length: 2000 }, newObjectId);
  for (const id of ids) {
    assert.match(id, /^[a-z2-7]{26}$/);
    assert.equal(parseObjectId(id), id);
  }
  assert.equal(new Set(ids).size, ids.length);
});

test("every character of a name varies, so all 128 bits are random", () => {
  const ids = Array.from({ length: 3000 }, newObjectId);
  for (let place = 0; place < 26; place += 1) {
    assert.equal(new Set(ids.map((id) => id[place])).size, place === 25 ? 8 : 32, `place ${place}`);
  }
});

test("anything else is no name: other lengths, letters and cases, and a second way to write the same bytes", () => {
  const id = newObjectId();
  const others = ["", id.slice(1), `${id}a`, id.toUpperCase(), `${id.slice(0, 25)}b`, ` ${id}`, `${id}\n`, `../${id}`];
  for (const text of [...others, `${id.slice(0, 25)}1`, `${id.slice(0, 24)}é${id[25]}`]) {
    assert.throws(() => parseObjectId(text), { code: "MALFORMED_REQUEST" }, JSON.stringify(text));
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...alphabet), minLength: 26, maxLength: 26 }), (text) => {
      let bits = 0n;
      for (const character of text) bits = bits * 32n + BigInt(alphabet.indexOf(character));
      const isName = (bits & 3n) === 0n;
      try {
        return parseObjectId(text) === text && isName;
      } catch (error) {
        return isAttestryError(error) && !isName;
      }
    }),
  );
});
