/** What the contract's refusals mean to whoever runs the notary. */
import { AttestryError } from "@attestry/core";
import { type Address, decodeErrorResult, type Hex, keccak256, stringToHex } from "viem";
import { abi } from "./abi.ts";

export type Role = "member" | "writer";

/** As the contract calls the roles. */
export const roleIds: Readonly<Record<Role, Hex>> = {
  member: keccak256(stringToHex("MEMBER_ROLE")),
  writer: keccak256(stringToHex("WRITER_ROLE")),
};

/** @param revert what the contract reverted with, which may be anything; `account` sent or would have sent the call */
export function refusalOf(revert: string | undefined, account: Address): AttestryError {
  const error = decode(revert);
  switch (error?.errorName) {
    case "AccessControlUnauthorizedAccount":
      return notInRole(error.args[1] === roleIds.member ? "member" : "writer", account);
    case "UnknownLog":
      return refuse(
        "log-unregistered",
        "The contract does not know this log; its members must register the log's key.",
      );
    case "BadLogSignature":
      return refuse("log-key", "The contract has another key for this log than the one that signed.");
    case "UnknownProposal":
      return refuse("UnknownProposal", "The contract has no such proposal, or it was decided already.");
    case "ProposalLapsed":
      return refuse(
        "ProposalLapsed",
        "The proposal is older than 30 days and can no longer be approved. Propose it anew.",
      );
    case "LastMember":
      return refuse("LastMember", "The contract's last member stays.");
    case "InvalidAccount":
      return refuse(
        "InvalidAccount",
        `Of ${error.args[0]} that cannot be so: it has the role already, does not have it, or its member is none.`,
      );
    case "InvalidKey":
      return refuse("InvalidKey", "That is no P-256 key.");
    case "SizeNotGrown":
      return conflict("superseded", `The contract has a checkpoint of size ${error.args[0]} already.`);
    case undefined:
      return refuse("refused", "The contract refuses the call and does not say why.");
    default:
      return refuse(error?.errorName ?? "refused", `The contract refuses the call: ${error?.errorName}.`);
  }
}

export function notInRole(role: Role, account: Address): AttestryError {
  const message = `The account ${account} is not a ${role} of the contract`;
  return refuse(`not-a-${role}`, `${message}${role === "writer" ? "; its members must add it" : ""}.`);
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
