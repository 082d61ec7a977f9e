/** `attestry notarize`: takes the thumbprints of files, registers them, and writes each one's proof. */
import { join } from "node:path";
import { AttestryError, checkClaims, encodeHex, type Relation } from "@attestry/core";
import type { Command } from "commander";
import { type Contact, contactNotary } from "../contact.ts";
import { hashStandardInput } from "../files/hash-file.ts";
import { type FoundFile, standardInput, walkFiles } from "../files/walk.ts";
import { writeFileWhole } from "../files/write-file.ts";
import { examples } from "../help.ts";
import { addIdentityOptions, type Identity, type IdentityOptions, openIdentity } from "../identity.ts";
import { type NotarizeOptions, notarizeFiles, signDigest } from "../notarize.ts";
import { createLedger } from "../notarize-output.ts";
import { writeOut } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { createProgress, followTotals } from "../progress.ts";
import { readProof, relationTo } from "../proof.ts";
import { registerOne } from "../registration.ts";
import { dataFolder, serverUrl } from "../settings.ts";

interface Options extends IdentityOptions {
  readonly server?: string;
  readonly data?: string;
  readonly out?: string;
  readonly subject?: string;
  readonly type?: string;
  readonly supersedes?: string;
  readonly reason?: string;
  readonly force?: boolean;
}

export function configure(command: Command): void {
  command
    .description(
      "Takes each file's thumbprint (its SHA-256 hash, signed with your key), registers it at the notary, and writes the " +
        "proof to FILE.proof. The file itself never leaves this machine.\n\n" +
        "Folders are searched to the bottom; symbolic links in them, and proof files, are passed over. A file whose proof " +
        "is there already is skipped. An older proof of other content is kept as FILE.proof.1, FILE.proof.2, …",
    )
    .argument("<path...>", 'files, folders, quoted globs, or "-" for standard input')
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--data <dir>", "data folder with your key (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--out <dir>", "write the proofs into this folder instead, laid out like the files")
    .option("--subject <id>", "record number that the file belongs to; no personal data (default: the file's hash)")
    .option("--type <media-type>", "media type of the file (default: by its extension)")
    .option("--supersedes <proof>", "state that this file replaces the one of an earlier proof")
    .option("--reason <text>", "why, shown to everyone who verifies the earlier one")
    .option("--force", "notarise again what has its proof already")
    .option("--json", "print one JSON object a file, each on a line of its own");
  addIdentityOptions(command).addHelpText(
    "after",
    examples(
      ["attestry notarize deed.pdf", "writes deed.pdf.proof"],
      [
        "attestry notarize scans/ 'video/*.mp4' --out proofs",
        "a whole folder and some videos; the proofs go to proofs/",
      ],
      [
        "attestry notarize deed-2.pdf --supersedes deed.pdf.proof --reason 'boundary corrected'",
        "replaces an earlier record",
      ],
      ["cat deed.pdf | attestry notarize - > deed.pdf.proof", "from standard input; the proof goes to standard output"],
    ),
  );
  action<Options>(command, (context, options, paths) => notarize(context, options, paths as readonly string[]));
}

async function notarize(context: Context, options: Options, paths: readonly string[]): Promise<ExitCode> {
  const { output } = context;
  checkUse(options, paths, output.json);
  const relation = options.supersedes === undefined ? undefined : superseding(options.supersedes, options.reason ?? "");
  const server = serverUrl(options.server);
  const data = dataFolder(options.data);
  const contact = await contactNotary(server, data);
  const identity = await openIdentity(options, { data, server, notary: contact.notary }, output);
  const what = whatToState(options, contact, identity, relation);
  if (paths[0] === standardInput) return fromStandardInput(context, options, what, contact);

  const progress = createProgress("Notarising", !output.json);
  const ledger = createLedger(context.output, progress, () => ({ server, origin: contact.status.origin }));
  const walk = (quiet: boolean): AsyncGenerator<FoundFile> =>
    walkFiles(paths, quiet ? { onProblem() {}, onSkipped() {} } : ledger.walk);
  followTotals(progress, walk(true));
  const stopped = await notarizeFiles(walk(false), what, ledger.files);
  progress.end();
  return ledger.finish(stopped);
}

function checkUse(options: Options, paths: readonly string[], json: boolean): void {
  const usage = (message: string): never => {
    throw new AttestryError("USAGE", message);
  };
  if (paths.includes(standardInput) && paths.length > 1)
    usage('Standard input ("-") is taken alone, with no other paths.');
  if (paths[0] === standardInput && options.out === undefined && (json || process.stdout.isTTY)) {
    usage("The proof of standard input goes to standard output: send it to a file (> NAME.proof), or give --out DIR.");
  }
  if ((options.supersedes === undefined) !== (options.reason === undefined))
    usage("--supersedes and --reason go together.");
  if (options.supersedes !== undefined && paths.length !== 1)
    usage("--supersedes takes one file: the one that replaces the earlier.");
}

function superseding(path: string, reason: string): Relation {
  return relationTo(readProof(path), "supersedes", reason);
}

function whatToState(
  options: Options,
  contact: Contact,
  identity: Identity,
  relation: Relation | undefined,
): NotarizeOptions {
  const what: NotarizeOptions = {
    notary: contact.notary,
    identity,
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.type === undefined ? {} : { contentType: options.type }),
    ...(relation === undefined ? {} : { relation }),
    ...(options.force ? { force: true } : {}),
  };
  // before anything is hashed, for an error here would meet every file
  checkClaims({
    issuer: identity.issuer,
    subject: what.subject ?? "-",
    issuedAt: 0,
    digest: new Uint8Array(32),
    ...what,
  });
  return what;
}

async function fromStandardInput(
  { output }: Context,
  options: Options,
  what: NotarizeOptions,
  { notary }: Contact,
): Promise<ExitCode> {
  const { digest } = await hashStandardInput();
  const { proof, index } = await registerOne(what.identity, notary, await signDigest(digest, what));
  if (options.out === undefined) writeOut(proof);
  else {
    const path = join(options.out, "standard-input.proof");
    writeFileWhole(path, proof);
    output.line(`${output.style("green", "✓")} standard input → ${path} (entry ${index})`);
    output.value({
      file: standardInput,
      status: "notarized",
      proof: path,
      hash: encodeHex(digest),
      index,
    });
  }
  return 0;
}
