/** What the contract's refusals mean to whoever runs the notary. */
import { AttestryError } from "@attestry/core";
import { type Address, decodeErrorResult, type Hex, keccak256, stringToHex } from "viem";
import { abi } from "./abi.ts";

const memberRole = keccak256(stringToHex("MEMBER_ROLE"));

/** @param revert what the contract reverted with, which may be anything; `account` sent or would have sent the call */
export function refusalOf(revert: string | undefined, account: Address): AttestryError {
  const error = decode(revert);
  switch (error?.errorName) {
    case "AccessControlUnauthorizedAccount":
      return error.args[1] === memberRole
        ? refuse("not-a-member", `The account ${account} is not a member of the contract.`)
        : refuse("not-a-writer", `The account ${account} is not a writer of the contract; its members must add it.`);
    case "UnknownLog":
      return refuse(
        "log-unregistered",
        "The contract does not know this log; its members must register the log's key.",
      );
    case "BadLogSignature":
      return refuse("log-key", "The contract has another key for this log than the one that signed.");
    case "SizeNotGrown":
      return conflict("superseded", `The contract has a checkpoint of size ${error.args[0]} already.`);
    case undefined:
      return refuse("refused", "The contract refuses the call and does not say why.");
    default:
      return refuse(error?.errorName ?? "refused", `The contract refuses the call: ${error?.errorName}.`);
  }
}

/** The target can never be anchored. */
export function conflict(reason: "superseded" | "other-root", message: string): AttestryError {
  return new AttestryError("CONFLICT_ANCHOR", message, { data: { reason } });
}

/** Somebody must act before this can work. */
export function refuse(reason: string, message: string, data: Record<string, unknown> = {}): AttestryError {
  return new AttestryError("POLICY_LEDGER", message, { data: { reason, ...data } });
}

function decode(revert: string | undefined) {
  try {
    return revert === undefined ? undefined : decodeErrorResult({ abi, data: revert as Hex });
  } catch {
    return undefined; // of another contract, or no error of Solidity's at all
  }
}
