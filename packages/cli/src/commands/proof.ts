/** `attestry proof refresh`: fetches what has come since a proof file was written: cosignatures, anchors, time stamps, later statements. */
import {
  AttestryError,
  emptyTrust,
  isAttestryError,
  type ProofFile,
  parseProofFile,
  type Trust,
  verify,
} from "@attestry/core";
import { createNotaryClient, findProof, type NotaryClient, placesOf } from "@attestry/core/client";
import type { Command } from "commander";
import { asAttestryError } from "../errors.ts";
import { writeFileWhole } from "../files/write-file.ts";
import { examples } from "../help.ts";
import { hasMore, mergeProofs } from "../merge-proofs.ts";
import { plain, printError } from "../output.ts";
import { openPins, trustedLog } from "../pins.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { parseProofAt, proofPath, readProofBytes } from "../proof.ts";
import { dataFolder, serverUrl } from "../settings.ts";

interface Options {
  readonly server?: string;
  readonly data?: string;
}

export function configure(command: Command): void {
  command.description("Works on proof files.");
  const refresh = command
    .command("refresh")
    .summary("Adds what has come since: cosignatures, anchors, time stamps, later statements.")
    .description(
      "Fetches each proof again and puts it in the old one's place, once it was seen to prove the same entry. The notary " +
        "that is asked cannot make it worse: a proof that does not hold is not taken, and what the old one has beside is kept.",
    )
    .argument("<proof...>", "proof files, or the files that they stand beside")
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--data <dir>", "folder where known logs' keys are noted (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--json", "print one JSON object a proof, each on a line of its own")
    .addHelpText("after", examples(["attestry proof refresh deed.pdf.proof", "with the first anchor that covers it"]));
  action<Options>(refresh, (context, options, paths) => refreshAll(context, options, paths as readonly string[]));
}

async function refreshAll({ output }: Context, options: Options, paths: readonly string[]): Promise<ExitCode> {
  const notary = createNotaryClient({ url: serverUrl(options.server) });
  const exits: ExitCode[] = [0];
  for (const given of paths) {
    const path = proofPath(given);
    try {
      const { changed, anchors, timeStamps } = await refreshOne(path, notary, options);
      output.value({ proof: path, changed, anchors, timeStamps });
      const holds = `${plural(anchors, "ledger anchor")}, ${plural(timeStamps, "time stamp")}`;
      output.line(plain(`${changed ? "✓" : "="} ${path}: ${changed ? "refreshed" : "nothing new"} (${holds})`));
    } catch (thrown) {
      const error = asAttestryError(thrown);
      exits.push(error.facts.exit);
      if (output.json) output.value({ proof: path, error: { code: error.code, message: error.message } });
      else printError(error, output);
    }
  }
  return exits.reduce((worst, exit) => (exit > worst ? exit : worst));
}

function plural(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

interface Refreshed {
  readonly changed: boolean;
  readonly anchors: number;
  readonly timeStamps: number;
}

async function refreshOne(path: string, notary: NotaryClient, options: Options): Promise<Refreshed> {
  const bytes = readProofBytes(path);
  const before = parseProofAt(path, bytes);
  const report = await verify({ proof: bytes, trust: trustIn([before], options).trust });
  const indexes = placesOf(before, report);
  if (indexes.length === 0)
    throw new AttestryError("NOT_FOUND", `${path} holds no receipt to go by. Notarise it again.`);
  const fetched = await askFor(notary, before, indexes);
  if (fetched === undefined)
    throw new AttestryError(
      "NOT_FOUND",
      `That notary does not have the statement of ${path} as entry ${indexes.join(" or ")}.`,
    );
  const fresh = parseProofFile(fetched);
  const faultOf = (proof: Uint8Array): Promise<string | undefined> => findFault(proof, [before, fresh], options);
  const fault = await faultOf(fetched);
  if (fault !== undefined) throw new AttestryError("VERIFY_UNTRUSTED", `What the notary gave is not taken: ${fault}`);
  const held = (await faultOf(bytes)) === undefined; // nothing of a damaged one is kept
  const changed = !held || hasMore(fresh, before);
  const after = !changed ? bytes : held ? mergeProofs(before, fresh) : fetched;
  if (changed) writeFileWhole(path, after, { durable: true });
  const { receipts } = parseProofFile(after);
  const sum = (list: "anchors" | "timeStamps"): number =>
    receipts.reduce((total, { evidence }) => total + (evidence[list]?.length ?? 0), 0);
  return { changed, anchors: sum("anchors"), timeStamps: sum("timeStamps") };
}

/** @throws UNAVAILABLE_SERVER: what is no proof says nothing of the entry */
async function askFor(
  notary: NotaryClient,
  before: ProofFile,
  indexes: readonly number[],
): Promise<Uint8Array | undefined> {
  try {
    return await findProof(notary, before, indexes);
  } catch (cause) {
    if (!isAttestryError(cause) || !cause.code.startsWith("MALFORMED_")) throw cause;
    const message = "The server's answer is no proof: is this the address of a notary?";
    throw new AttestryError("UNAVAILABLE_SERVER", message, { cause });
  }
}

/** The noted keys of the logs that the proofs name. */
function trustIn(proofs: readonly ProofFile[], options: Options): { readonly trust: Trust; readonly isNoted: boolean } {
  const pins = openPins(dataFolder(options.data));
  const origins = new Set(proofs.flatMap(({ receipts }) => receipts.map(({ claims }) => claims.iss ?? "")));
  const logs = [...origins]
    .flatMap((origin) => pins.find(origin) ?? [])
    .map((pin) => trustedLog(pin, "the noted keys"));
  return { trust: { ...emptyTrust, logs }, isNoted: logs.length > 0 };
}

/** Why it does not hold under the logs' noted keys; without noted keys, why it does not hold together. */
async function findFault(proof: Uint8Array, of: readonly ProofFile[], options: Options): Promise<string | undefined> {
  const { trust, isNoted } = trustIn(of, options);
  const { verdict, summary } = await verify({ proof, trust });
  return verdict === "invalid" || (isNoted && verdict === "untrusted") ? summary : undefined;
}
