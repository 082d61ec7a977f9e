/**
 * Which ledgers and time stamp authorities vouch for the tree, and since when? Each anchor proof and each RFC 3161 token beside a
 * receipt is checked against the receipt's own checkpoint. One that is damaged makes the proof invalid; one that holds and that
 * nothing vouches for says so and proves nothing.
 */
import {
  type AnchorFinding,
  checkEvmAnchor,
  type EvmAnchor,
  parseEvmAnchor,
  type TrustedLedger,
} from "../anchor/evm-anchor.ts";
import { encodeHex, encodeUtf8 } from "../bytes.ts";
import { asMap, type CborValue, decodeCbor } from "../cose/cbor.ts";
import { sha256 } from "../crypto/index.ts";
import { isAttestryError } from "../errors.ts";
import { encodeCheckpoint } from "../note/checkpoint.ts";
import type { Receipt } from "../statement/receipt.ts";
import type { Trust } from "../trust.ts";
import type { Check, TimeBound } from "./report.ts";
import { type Finding, step } from "./step.ts";

export interface AnchorsFinding {
  readonly checks: readonly Check[];
  readonly times: readonly TimeBound[];
}

/** Checks every anchor and token beside a receipt whose inclusion proof leads to `root`. */
export async function examineAnchors(receipt: Receipt, root: Uint8Array, trust: Trust): Promise<AnchorsFinding> {
  const times: TimeBound[] = [];
  const { anchors = [], timeStamps = [] } = receipt.evidence;
  const checks = await Promise.all([
    ...anchors.map((bytes) => step("anchors", "nothing", () => checkAnchor(bytes, receipt, root, trust, times))),
    ...timeStamps.map((token) => step("time_stamps", "nothing", () => checkToken(token, receipt, root, trust, times))),
  ]);
  return { checks, times };
}

async function checkAnchor(
  bytes: Uint8Array,
  receipt: Receipt,
  root: Uint8Array,
  trust: Trust,
  times: TimeBound[],
): Promise<Finding> {
  const kind = anchorKind(bytes);
  if (laterKinds.includes(kind)) {
    return {
      status: "unknown",
      detail: `An anchor of the kind "${kind}" came along, which this version cannot check.`,
      trust: "nothing",
    };
  }
  const anchor = parseEvmAnchor(bytes);
  const checkpoint = { origin: receipt.claims.iss ?? "", size: receipt.size, rootHash: root };
  const found = await checkEvmAnchor(anchor, checkpoint, [...trust.ledgers, stranger(anchor)]);
  const where = describe(anchor, found);
  const facts = factsOf(anchor, found, trust);
  if (found.finality === "unproven") {
    const isNamed = trust.ledgers.includes(found.ledger);
    const needed = isNamed ? "" : "the ledger, its contract, and ";
    const others = isNamed ? "" : describeLedgers(trust.ledgers);
    return {
      status: "unknown",
      detail: `${where}. The proof holds together; a trust file must name ${needed}its validators or the block's hash.${others}`,
      trust: "nothing",
      facts,
    };
  }
  const basis =
    found.finality === "sealed" ? `the validators of ${found.ledger.name}` : `a pinned block of ${found.ledger.name}`;
  const source = { source: "ledger", names: [found.ledger.name] } as const;
  times.push({ time: found.time, basis: `${basis} (${found.ledger.basis})`, ...source, independent: true });
  return { detail: `${where}.`, trust: `${basis}, named by ${found.ledger.basis}`, facts };
}

/** Kinds of anchors that are to come: they spoil nothing where they cannot be checked yet. */
const laterKinds: readonly CborValue[] = ["fabric", "corda"];

function anchorKind(bytes: Uint8Array): CborValue {
  return asMap(decodeCbor(bytes, { code: "MALFORMED_ANCHOR" }), "The anchor", "MALFORMED_ANCHOR").get("kind") ?? null;
}

/** The anchor's own ledger, with no trust in it: one that nothing vouches for must hold together all the same. */
function stranger(anchor: EvmAnchor): TrustedLedger {
  return {
    kind: "evm",
    name: `chain ${anchor.chainId}`,
    chainId: anchor.chainId,
    contract: anchor.contract,
    basis: "nothing",
  };
}

function describe(anchor: EvmAnchor, found: AnchorFinding): string {
  const contract = `0x${encodeHex(anchor.contract)}`;
  const time = new Date(found.time * 1000).toISOString();
  return `Anchored on chain ${anchor.chainId}, contract ${contract}, block ${found.blockNumber} of ${time}`;
}

/** A block does not say which chain it is of: whoever takes it for that of a trusted ledger is told which those are. */
function describeLedgers(ledgers: readonly TrustedLedger[]): string {
  const named = new Set(ledgers.map(({ chainId, contract }) => `chain ${chainId}, contract 0x${encodeHex(contract)}`));
  return named.size === 0 ? "" : ` Trusted are: ${[...named].join("; ")}.`;
}

function factsOf({ chainId, contract }: EvmAnchor, found: AnchorFinding, trust: Trust): NonNullable<Finding["facts"]> {
  const name = trust.ledgers.includes(found.ledger) ? { ledger: found.ledger.name } : {};
  return { ...name, chainId, contract: `0x${encodeHex(contract)}`, block: found.blockNumber, time: found.time };
}

async function checkToken(
  token: Uint8Array,
  receipt: Receipt,
  root: Uint8Array,
  trust: Trust,
  times: TimeBound[],
): Promise<Finding> {
  const { checkTimeStamp } = await import("../timestamp/index.ts");
  const checkpoint = { origin: receipt.claims.iss ?? "", size: receipt.size, rootHash: root, extensions: [] };
  const imprint = { algorithm: "SHA-256", digest: sha256(encodeUtf8(encodeCheckpoint(checkpoint))) } as const;
  const roots = trust.timeStampRoots;
  const found = await checkTimeStamp({ token, imprint, roots }).catch((error: unknown) => doubt(error, roots));
  if ("status" in found) return found;
  const { time, accuracy = 0, authority } = found;
  // The true time may lie past the stated one by the accuracy, and it is an upper bound that is sought.
  times.push({
    time: time + Math.ceil(accuracy),
    basis: `the time stamp authority ${authority}`,
    source: "authority",
    names: [authority],
    independent: true,
  });
  const detail = `Time stamp of ${new Date(time * 1000).toISOString()} by ${authority}.`;
  return { detail, trust: "the trust file's time stamp roots", facts: { authority, time } };
}

/** A certificate to another root than ours may stand in a good token. */
const unvouched: readonly unknown[] = ["untrusted_root", "stray_certificate"];
/** A good token may be of a kind that this version or this runtime cannot check. */
const uncheckable: readonly unknown[] = ["unsupported_algorithm", "name_constraints", "too_many_certificates"];

/**
 * What a token comes to that may be good and proves nothing. Where no authority is trusted, it must be of the checkpoint.
 * @throws the error, if more is wrong than that
 */
function doubt(error: unknown, roots: Trust["timeStampRoots"]): Finding & { readonly status: "unknown" } {
  if (!isAttestryError(error) || error.code !== "VERIFY_TIME_STAMP") throw error;
  const { reason, misfit } = error.data;
  const unknown = { status: "unknown", trust: "nothing" } as const;
  if (uncheckable.includes(reason) && misfit === undefined)
    return { ...unknown, detail: `A time stamp came along that cannot be checked here: ${error.message}` };
  if (unvouched.includes(reason) || (roots.length === 0 && reason !== "imprint"))
    return { ...unknown, detail: "A time stamp came along; a trust file must name its root." };
  throw error;
}
