/** `attestry verify`: checks files against their proofs and says what each verdict rests on. */
import { existsSync, statSync } from "node:fs";
import { AttestryError, isAttestryError, parseTrustFile } from "@attestry/core";
import { createNotaryClient } from "@attestry/core/client";
import type { Command } from "commander";
import { asAttestryError } from "../errors.ts";
import { hashStandardInput } from "../files/hash-file.ts";
import { type HashOutcome, hashFiles } from "../files/hash-pool.ts";
import { type FoundFile, standardInput, walkFiles } from "../files/walk.ts";
import { examples } from "../help.ts";
import { verifyByLookUp } from "../look-up.ts";
import { type Output, plain, printError, quoted } from "../output.ts";
import { openPins } from "../pins.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count, createProgress, followTotals } from "../progress.ts";
import { readProofBytes } from "../proof.ts";
import { detailLines, reportJson, verdictLine } from "../report-text.ts";
import { dataFolder, nodeUrl, optionValue, readText, serverUrl } from "../settings.ts";
import { proofPathFor } from "../thumbprint.ts";
import { exitOf, type FileReport, type Reached, type VerifyMeans, verifyWithProof } from "../verification.ts";

interface Options {
  readonly proof?: string;
  readonly server?: string;
  readonly offline?: boolean;
  readonly trust?: string;
  readonly ledger?: readonly string[];
  readonly data?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Verifies each file against its proof: FILE.proof beside it, or the one that --proof names, or the one that the " +
        "notary has for this content. Unless --offline is given the notary is also asked whether the record was superseded or " +
        "revoked since; when it cannot be reached, the verdict stands without that and says so.\n\n" +
        "Without a trust file, a log's keys are noted at first contact, and every verdict says that it rests on that.",
    )
    .argument("<path...>", 'files, folders, quoted globs, or "-" for standard input')
    .option("--proof <file>", "the proof file; for several files, the folder that holds their proofs")
    .option("--server <url>", "the notary to ask (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--offline", "use no network at all")
    .option("--trust <file>", "trust file: the logs, witnesses and issuers that you rely on")
    .option(
      "--ledger <url>",
      "ask this ledger's node whether it has the blocks that anchors stand in; may be repeated",
      (url: string, before: readonly string[] = []) => [...before, url],
    )
    .option("--data <dir>", "folder where known logs' keys are noted (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--json", "print one JSON object a file, each on a line of its own");
  command.addHelpText(
    "after",
    `${examples(
      ["attestry verify deed.pdf", "with deed.pdf.proof, asking the notary for later statements"],
      ["attestry verify deed.pdf --offline --trust court.json", "as a court's expert: no network, and agreed trust"],
      ["attestry verify scans/ --proof proofs --json", "a whole folder; JSON for a script"],
      ["cat deed.pdf | attestry verify - --proof deed.pdf.proof", "from standard input"],
    )}\nExit codes: 0 all verified · 1 a negative verdict · 2 used wrongly or unreadable · 3 cannot tell\n`,
  );
  action<Options>(command, (context, options, paths) => verifyPaths(context, options, paths as readonly string[]));
}

async function verifyPaths({ output }: Context, options: Options, paths: readonly string[]): Promise<ExitCode> {
  if (options.offline && (options.server ?? options.ledger) !== undefined)
    throw new AttestryError("USAGE", "--offline asks nobody: it excludes --server and --ledger.");
  if (paths.includes(standardInput) && paths.length > 1)
    throw new AttestryError("USAGE", 'Standard input ("-") is taken alone.');
  const placeOf = proofPlaces(paths, options.proof);
  const means = openMeans(options);
  means.reach?.(); // while the first file is hashed
  if (paths[0] !== standardInput) return verifyFiles(paths, placeOf, means, output);
  const { digest } = await hashStandardInput();
  return show(standardInput, await judge(digest, placeOf(undefined), means), output, true);
}

/** Where a file's proof should be; `required` when it was named, so that its absence is an error. */
interface ProofPlace {
  readonly path: string;
  readonly required: boolean;
}

/** @throws USAGE when one proof is named for several files */
function proofPlaces(
  paths: readonly string[],
  option: string | undefined,
): (file: FoundFile | undefined) => ProofPlace | undefined {
  if (option === undefined) return (file) => file && { path: proofPathFor(file), required: false };
  if (isKind(option, "folder")) return (file) => file && { path: proofPathFor(file, option), required: false };
  if (paths.length > 1 || isKind(paths[0], "folder")) {
    throw new AttestryError(
      "USAGE",
      "--proof names one file's proof. For several files, give the folder that holds their proofs.",
    );
  }
  return () => ({ path: option, required: true });
}

function isKind(path: string | undefined, kind: "file" | "folder"): boolean {
  const found = statSync(path ?? "", { throwIfNoEntry: false });
  return (kind === "file" ? found?.isFile() : found?.isDirectory()) ?? false;
}

function openMeans(options: Options): VerifyMeans {
  const pins = openPins(dataFolder(options.data));
  const { trust: file } = options;
  const trust =
    file === undefined ? {} : { trust: optionValue(`--trust ${file}`, () => parseTrustFile(readText(file))) };
  if (options.offline) return { pins, ...trust };
  const ledgers = options.ledger === undefined ? {} : { ledgerNodes: options.ledger.map(nodeUrl) };
  const url = serverUrl(options.server);
  let reached: Promise<Reached> | undefined;
  const reach = async (): Promise<Reached> => {
    try {
      const notary = createNotaryClient({ url, timeout: 5000 });
      return { url, notary, status: await notary.status() };
    } catch (error) {
      return { url, error: asAttestryError(error) };
    }
  };
  return { pins, ...trust, ...ledgers, reach: () => (reached ??= reach()) };
}

async function verifyFiles(
  paths: readonly string[],
  placeOf: (file: FoundFile) => ProofPlace | undefined,
  means: VerifyMeans,
  output: Output,
): Promise<ExitCode> {
  const inDetail = paths.length === 1 && isKind(paths[0], "file");
  const progress = createProgress("Verifying", !output.json);
  const exits: ExitCode[] = [];
  const skipped: string[] = [];
  const fail = (path: string, error: AttestryError): void => {
    progress.clear();
    exits.push(error.facts.exit);
    if (output.json) output.value({ file: path, error: { code: error.code, message: error.message } });
    else printError(error, output);
  };
  followTotals(progress, walkFiles(paths, { onProblem() {}, onSkipped() {} }));
  const files = walkFiles(paths, { onProblem: fail, onSkipped: (path) => void skipped.push(path) });
  for await (const outcomes of hashFiles(files, progress.addBytes)) {
    for (const [{ path }, report] of await judgeAll(outcomes, placeOf, means)) {
      progress.addFiles(1);
      progress.clear();
      if (isAttestryError(report)) fail(path, report);
      else exits.push(show(path, report, output, inDetail));
    }
  }
  progress.end();
  if (exits.length === 0) throw nothingToVerify(skipped[0]);
  if (exits.length > 1) output.line(closing(exits));
  return worst(exits);
}

/** Judges a group's files a few at a time, and gives the reports in the files' order. */
async function judgeAll(
  outcomes: readonly HashOutcome[],
  placeOf: (file: FoundFile) => ProofPlace | undefined,
  means: VerifyMeans,
): Promise<readonly (readonly [FoundFile, FileReport | AttestryError])[]> {
  const results: (readonly [FoundFile, FileReport | AttestryError])[] = [];
  for (let at = 0; at < outcomes.length; at += 16) {
    const some = outcomes.slice(at, at + 16).map(async ({ file, digest, error }) => {
      if (digest === undefined) return [file, asAttestryError(error)] as const;
      return [file, await judge(digest, placeOf(file), means).catch(asAttestryError)] as const;
    });
    results.push(...(await Promise.all(some)));
  }
  return results;
}

async function judge(digest: Uint8Array, place: ProofPlace | undefined, means: VerifyMeans): Promise<FileReport> {
  if (place === undefined || !(place.required || existsSync(place.path))) return verifyByLookUp(digest, means);
  return verifyWithProof(readProofBytes(place.path), place.path, digest, means);
}

function show(file: string, report: FileReport, output: Output, inDetail: boolean): ExitCode {
  output.line(verdictLine(file, report, output));
  if (inDetail && report.checks.length > 1) for (const line of detailLines(report, output)) output.line(line);
  for (const warning of report.warnings) output.note(plain(warning));
  output.value(reportJson(file, report));
  return exitOf[report.verdict];
}

/** A negative verdict outweighs what could not be read, and that what could not be told. */
function worst(exits: readonly ExitCode[]): ExitCode {
  return ([1, 2, 3] as const).find((exit) => exits.includes(exit)) ?? 0;
}

function closing(exits: readonly ExitCode[]): string {
  const names = ["verified", "with a negative verdict", "that could not be read", "that cannot be told yet"];
  const parts = names.flatMap((name, exit) => {
    const number = exits.filter((one) => one === exit).length;
    return number === 0 ? [] : [`${count(number)} ${name}`];
  });
  return `${count(exits.length)} files: ${parts.join(", ")}.`;
}

function nothingToVerify(skipped: string | undefined): AttestryError {
  if (skipped === undefined || !skipped.endsWith(".proof"))
    return new AttestryError("USAGE", "There is no file to verify.");
  const file = skipped.slice(0, -".proof".length);
  return new AttestryError(
    "USAGE",
    `${skipped} is a proof. Name the file that it is for: attestry verify ${quoted(file)}`,
  );
}
