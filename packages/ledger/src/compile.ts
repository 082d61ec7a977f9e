/**
 * Compiles the contract with the solc of the package registry and settings that leave nothing to chance, so that anyone gets
 * the same bytes from the same source. Run as a program it writes `contracts/AttestryAnchors.json`, which is what is deployed.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { AttestryError } from "@attestry/core";

/** What `contracts/AttestryAnchors.json` holds. Bytes are 0x-prefixed hexadecimal. */
export interface ContractArtifact {
  readonly contract: string;
  /** The full version of solc, its commit included. */
  readonly compiler: string;
  /** SHA-256 of every source by its import path, ours and OpenZeppelin's. */
  readonly sources: Readonly<Record<string, string>>;
  readonly abi: readonly unknown[];
  /** What a deployment sends, without the constructor's arguments. */
  readonly bytecode: string;
  /** What stands at the contract's address afterwards: the same at every deployment. */
  readonly runtimeBytecode: string;
}

const contract = "AttestryAnchors";
const contracts: string = join(import.meta.dirname, "../contracts");

export const artifactPath: string = join(contracts, `${contract}.json`);

// London: the newest rules that every chain of the family has (GoQuorum and many Besu networks stop there). Without metadata
// the code depends on nothing but the code.
const settings = {
  optimizer: { enabled: true, runs: 1000 },
  evmVersion: "london",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    [`${contract}.sol`]: { [contract]: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] },
  },
};

interface Solc {
  version(): string;
  compile(input: string, callbacks: { import: (path: string) => { contents: string } }): string;
}

interface Output {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, CompiledContract>>>>;
}

interface CompiledContract {
  readonly abi: readonly unknown[];
  readonly evm: {
    readonly bytecode: { readonly object: string };
    readonly deployedBytecode: { readonly object: string };
  };
}

/** Takes about two seconds. @throws FATAL_INTERNAL with the compiler's words, for warnings too */
export function compileContract(): ContractArtifact {
  const require = createRequire(import.meta.url);
  const solc = require("solc") as Solc;
  const sources = new Map<string, string>();
  const read = (name: string, path: string): { contents: string } => {
    sources.set(name, readFileSync(path, "utf8"));
    return { contents: sources.get(name) as string };
  };
  const content = read(`${contract}.sol`, join(contracts, `${contract}.sol`)).contents;
  const input = { language: "Solidity", sources: { [`${contract}.sol`]: { content } }, settings };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), { import: (name) => read(name, require.resolve(name)) }),
  ) as Output;
  const compiled = output.contracts?.[`${contract}.sol`]?.[contract];
  const complaints = (output.errors ?? []).map((error) => error.formattedMessage);
  if (compiled === undefined || complaints.length > 0) throw new AttestryError("FATAL_INTERNAL", complaints.join("\n"));
  return {
    contract,
    compiler: solc.version(),
    sources: Object.fromEntries([...sources].sort().map(([name, text]) => [name, sha256(text)])),
    abi: compiled.abi,
    bytecode: `0x${compiled.evm.bytecode.object}`,
    runtimeBytecode: `0x${compiled.evm.deployedBytecode.object}`,
  };
}

/** The artifact's file as it is committed. */
export function encodeArtifact(artifact: ContractArtifact): string {
  return `${JSON.stringify(artifact, null, 2)}\n`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

if (import.meta.main) writeFileSync(artifactPath, encodeArtifact(compileContract()));
