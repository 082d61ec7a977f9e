import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { encodeTestHeader } from "../../test-kit/ledger.ts";
import { isAttestryError } from "../errors.ts";
import { type EvmHeader, headerHash, parseHeader } from "./header.ts";
import { realBlocks } from "./real-blocks.ts";
import { encodeRlp, encodeScalar, type RlpItem } from "./rlp.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const refuses = (bytes: Uint8Array, what: string): void =>
  assert.throws(
    () => parseHeader(bytes),
    (error) => isAttestryError(error) && error.code === "VERIFY_ANCHOR_HEADER",
    what,
  );

const zeros = (length: number): string => "00".repeat(length);
const noUncles = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
const emptyTrie = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** Ethereum's own first two blocks. */
const mainnet = [
  {
    hash: "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    fields: [
      ...[zeros(32), noUncles, zeros(20), "d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"],
      ...[emptyTrie, emptyTrie, zeros(256), "0400000000", "", "1388", "", ""],
      ...["11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa", zeros(32), "0000000000000042"],
    ],
    number: 0,
    time: 0,
  },
  {
    hash: "88e96d4537bea4d9c05d12549907b32561d3bf31f45aae734cdc119f13406cb6",
    fields: [
      ...["d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3", noUncles],
      ...["05a56e2d52c817161883f50c441c3228cfe54d9f"],
      ...["d67e4d450343046425ae4271474353857ab860dbc0a1dde64b41b5cd3a532bf3", emptyTrie, emptyTrie, zeros(256)],
      ...["03ff800000", "01", "1388", "", "55ba4224", "476574682f76312e302e302f6c696e75782f676f312e342e32"],
      ...["969b900de27b6ac6a67742365dd65f55a0526c41fd18e1b16f1a1215c2e66f59", "539bd4979fef1ec4"],
    ],
    number: 1,
    time: 1438269988,
  },
];

test("Ethereum's first blocks have the hashes that everyone knows", () => {
  for (const { hash, fields, number, time } of mainnet) {
    const header = parseHeader(encodeRlp(fields.map(hex)));
    assert.equal(headerHash(header).toHex(), hash);
    assert.deepEqual([header.number, header.time], [number, time]);
    assert.equal(header.stateRoot.toHex(), fields[3]);
    assert.equal(header.extraData.toHex(), fields[12]);
    assert.equal(header.mixHash.toHex(), fields[13]);
    assert.equal(header.parentHash.toHex(), fields[0]);
  }
});

test("other extra data changes the hash and nothing else", () => {
  const plain = parseHeader(encodeTestHeader({ extraData: hex("") }));
  const other = parseHeader(encodeTestHeader({ extraData: hex("c0ffee") }));
  assert.deepEqual(headerHash(plain, hex("c0ffee")), headerHash(other));
  assert.deepEqual(headerHash(plain), keccak_256(encodeTestHeader()));
});

const london = parseHeader(encodeTestHeader()).fields;
const hash32 = new Uint8Array(32).fill(7);
const prague: RlpItem[] = [...london, hash32, encodeScalar(131_072), encodeScalar(0), hash32, hash32];

test("headers of every fork are read, and no other number of fields is", () => {
  const amsterdam = [...prague, hash32, encodeScalar(12_345_678)];
  const read = (count: number): EvmHeader => parseHeader(encodeRlp(amsterdam.slice(0, count)));
  for (const count of [15, 16, 17, 20, 21, 22, 23]) assert.equal(read(count).number, 4711);
  for (const count of [0, 1, 14, 18, 19]) refuses(encodeRlp(amsterdam.slice(0, count)), `${count} fields`);
  refuses(encodeRlp([...amsterdam, hash32]), "24 fields");
});

test("a field of the wrong form is refused", () => {
  const spoilt = (at: number, item: RlpItem): Uint8Array => encodeRlp(prague.with(at, item));
  for (const at of [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 19, 20]) {
    const field = prague[at] as Uint8Array;
    refuses(spoilt(at, field.subarray(1)), `field ${at} too short`);
    refuses(spoilt(at, Uint8Array.from([...field, 0])), `field ${at} too long`);
  }
  for (const at of [7, 8, 9, 10, 11, 15, 17, 18]) {
    refuses(spoilt(at, hex("0001")), `field ${at} with a leading zero`);
    refuses(spoilt(at, hex("00")), `field ${at} zero, not empty`);
    refuses(spoilt(at, new Uint8Array(33).fill(1)), `field ${at} too large`);
  }
  for (const at of prague.keys()) refuses(spoilt(at, []), `field ${at} a list`);
  refuses(spoilt(8, hex("20000000000000")), "a number beyond 2^53 − 1");
  refuses(spoilt(11, encodeScalar(8_640_000_000_001)), "a time beyond all dates");
  assert.equal(parseHeader(spoilt(11, encodeScalar(8_640_000_000_000))).time, 8_640_000_000_000);
  refuses(Uint8Array.from([...encodeRlp(prague), 0]), "a byte after its end");
  refuses(encodeRlp(hash32), "a string");
});

test("what is read is exactly what was written: a damaged header is refused or has another hash", () => {
  const headers = realBlocks.map(({ header }) => hex(header));
  fc.assert(
    fc.property(fc.constantFrom(...headers), fc.nat(), fc.integer({ min: 1, max: 255 }), (header, at, flip) => {
      const bytes = Uint8Array.from(header);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
      try {
        const parsed = parseHeader(bytes);
        assert.deepEqual(headerHash(parsed), keccak_256(bytes));
        assert.notDeepEqual(headerHash(parsed), keccak_256(header));
      } catch (error) {
        assert.ok(isAttestryError(error) && error.code === "VERIFY_ANCHOR_HEADER", String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
