/**
 * Block headers of Ethereum-family chains (Yellow Paper §4.3.4): 15 fields, and those that later forks appended, up to EIP-7685
 * (Prague) and the two of Amsterdam (EIP-7928, EIP-7843).
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { asRlpBytes, asRlpList, asRlpNumber, asRlpScalar, decodeRlp, encodeRlp, type RlpItem } from "./rlp.ts";

export interface EvmHeader {
  readonly parentHash: Uint8Array;
  /** Root of the trie of accounts after this block. */
  readonly stateRoot: Uint8Array;
  readonly number: number;
  /** Whole seconds since 1970, within what a `Date` holds. */
  readonly time: number;
  readonly extraData: Uint8Array;
  /** Since the Merge, `prevRandao`. */
  readonly mixHash: Uint8Array;
  /** All fields in order, as they stand. */
  readonly fields: readonly RlpItem[];
}

/** Fixed length in bytes; or a whole number of at most so many bytes; or bytes of any length. */
type Field =
  | readonly [name: string, length: number]
  | readonly [name: string, most: number, "scalar"]
  | readonly [string];

const fields: readonly Field[] = [
  ["parentHash", 32],
  ["ommersHash", 32],
  ["beneficiary", 20],
  ["stateRoot", 32],
  ["transactionsRoot", 32],
  ["receiptsRoot", 32],
  ["logsBloom", 256],
  ["difficulty", 32, "scalar"],
  ["number", 8, "scalar"],
  ["gasLimit", 8, "scalar"],
  ["gasUsed", 8, "scalar"],
  ["timestamp", 8, "scalar"],
  ["extraData"],
  ["mixHash", 32],
  ["nonce", 8],
  ["baseFeePerGas", 32, "scalar"], // London, EIP-1559
  ["withdrawalsRoot", 32], // Shanghai, EIP-4895
  ["blobGasUsed", 8, "scalar"], // Cancun, EIP-4844
  ["excessBlobGas", 8, "scalar"],
  ["parentBeaconBlockRoot", 32], // Cancun, EIP-4788
  ["requestsHash", 32], // Prague, EIP-7685
  ["blockAccessListHash", 32], // Amsterdam, EIP-7928
  ["slotNumber", 8, "scalar"], // Amsterdam, EIP-7843
];

/** How many fields a header has, by fork. */
const fieldCounts: readonly number[] = [15, 16, 17, 20, 21, 22, 23];

const extraDataAt = 12;

/** The last second of ECMAScript's dates. */
const maxTime = 8_640_000_000_000;

/** Reads a header strictly; checks nothing of what it says. @throws the given code */
export function parseHeader(header: Uint8Array, code: ErrorCode = "VERIFY_ANCHOR_HEADER"): EvmHeader {
  const items = asRlpList(decodeRlp(header, code), "The header", code);
  if (!fieldCounts.includes(items.length)) {
    throw new AttestryError(code, `No fork's header has ${items.length} fields.`);
  }
  for (const [at, item] of items.entries()) checkField(item, fields[at] ?? [""], code);
  const bytes = (at: number): Uint8Array => asRlpBytes(items[at], "A field", code);
  const time = asRlpNumber(items[11], "The block's time", code);
  if (time > maxTime) throw new AttestryError(code, "The block's time is beyond what a date can say.");
  return {
    parentHash: bytes(0),
    stateRoot: bytes(3),
    number: asRlpNumber(items[8], "The block's number", code),
    time,
    extraData: bytes(extraDataAt),
    mixHash: bytes(13),
    fields: items,
  };
}

function checkField(item: RlpItem, [name, length, scalar]: Field, code: ErrorCode): void {
  if (scalar === undefined || length === undefined) asRlpBytes(item, `The header's ${name}`, code, length);
  else asRlpScalar(item, `The header's ${name}`, code, length);
}

/** Keccak-256 of the header, or of the same header with other extra data. */
export function headerHash(header: EvmHeader, extraData: Uint8Array = header.extraData): Uint8Array {
  return keccak_256(encodeRlp(header.fields.with(extraDataAt, extraData)));
}
