/** `attestry notarize`: takes the thumbprints of files, registers them, and writes each one's proof. */
import { join } from "node:path";
import { AttestryError, checkClaims, encodeHex, type Relation } from "@attestry/core";
import { createVaultClient, recordClassName, type VaultClient } from "@attestry/core/client";
import type { Command } from "commander";
import { bearerToken } from "../administrator.ts";
import { contactNotary } from "../contact.ts";
import { hashStandardInput } from "../files/hash-file.ts";
import { mediaTypeForm } from "../files/media-type.ts";
import { type FoundFile, standardInput, type WalkEvents, walkFiles } from "../files/walk.ts";
import { writeFileWhole } from "../files/write-file.ts";
import { examples } from "../help.ts";
import { addIdentityOptions, type Identity, type IdentityOptions, openIdentity } from "../identity.ts";
import { type Connection, type NotarizeOptions, notarizeFiles } from "../notarize.ts";
import { createLedger } from "../notarize-output.ts";
import { writeOut } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { createProgress, followTotals } from "../progress.ts";
import { readProof, relationTo } from "../proof.ts";
import { registerOne } from "../registration.ts";
import { checkForm, checkText, dataFolder, serverUrl } from "../settings.ts";
import { storeFiles, type VaultConnection } from "../store.ts";
import { signDigest } from "../thumbprint.ts";
import { openJournal } from "../uploads.ts";

interface Options extends IdentityOptions {
  readonly server?: string;
  readonly data?: string;
  readonly out?: string;
  readonly subject?: string;
  readonly type?: string;
  readonly supersedes?: string;
  readonly reason?: string;
  readonly force?: boolean;
  readonly store?: boolean;
  readonly recordClass?: string;
  readonly purpose?: string;
  readonly tokenFile?: string;
}

/** A part may take this long on a slow line; milliseconds. What arrived of it by then counts. */
const vaultTimeout = 120_000;

export function configure(command: Command): void {
  command
    .description(
      "Takes each file's thumbprint (its SHA-256 hash, signed with your key), registers it at the notary, and writes the " +
        "proof to FILE.proof. The file itself never leaves this machine, but with --store, which keeps it in the notary's " +
        "vault, encrypted.\n\n" +
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
    .option("--store", "store the files in the notary's vault as well; goes on with what was cut short")
    .option("--record-class <name>", "how long the vault keeps them (attestry vault classes)")
    .option("--purpose <text>", "why, for the custody record (default: storing)")
    .option(
      "--token-file <file>",
      "file that holds your token, role creator (default: $ATTESTRY_TOKEN, or admin.token in the data folder)",
    )
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
      [
        "attestry notarize --store video/ --record-class bodycam --purpose 'case 2026-1187'",
        "the files themselves go into the vault; run it again after an interruption",
      ],
      ["cat deed.pdf | attestry notarize - > deed.pdf.proof", "from standard input; the proof goes to standard output"],
    ),
  );
  action<Options>(command, (context, options, paths) => notarize(context, options, paths as readonly string[]));
}

async function notarize(context: Context, options: Options, paths: readonly string[]): Promise<ExitCode> {
  const { output } = context;
  checkUse(options, paths, output.json);
  checkValues(options);
  const { supersedes, reason = "" } = options;
  const relation = supersedes === undefined ? undefined : relationTo(readProof(supersedes), "supersedes", reason);
  const server = serverUrl(options.server);
  const data = dataFolder(options.data);
  let origin = "";
  const token = options.store ? bearerToken(options, "a token with the role creator") : undefined;
  const connect = async (): Promise<VaultConnection> => {
    const { notary, status } = await contactNotary(server, data);
    const identity = await openIdentity(options, { data, server, notary }, output);
    checkStatement(options, identity, relation);
    origin = status.origin;
    const vault = createVaultClient({ url: server, ...(token && { token }), timeout: vaultTimeout });
    if (options.recordClass !== undefined) await checkClass(vault, options.recordClass);
    const after = await notary.newestCheckpoint();
    return {
      notary,
      identity,
      ...(after && { after }),
      vault,
    };
  };
  const connection = connect();
  const what = whatToState(options, connection, relation);
  if (paths[0] === standardInput) return fromStandardInput(context, options, what);

  const progress = createProgress(options.store ? "Storing" : "Notarising", !output.json);
  const ledger = createLedger(output, progress, () => ({ server, origin }));
  const walk = (events: WalkEvents): AsyncGenerator<FoundFile> => walkFiles(paths, events);
  followTotals(progress, walk({ onProblem() {}, onSkipped() {} }));
  const { recordClass, purpose = "storing" } = options;
  const journal = openJournal(data, server);
  const stopped = options.store
    ? await storeFiles(
        walk(ledger.walk),
        { ...what, connection, server, journal, purpose, ...(recordClass && { recordClass }) },
        ledger.files,
      )
    : await notarizeFiles(walk(ledger.walk), what, ledger.files);
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
  if (!options.store && (options.recordClass ?? options.purpose ?? options.tokenFile) !== undefined)
    usage("--record-class, --purpose and --token-file go with --store.");
  if (options.store && paths.includes(standardInput)) usage("--store takes files, since it may have to read again.");
  if ((options.supersedes === undefined) !== (options.reason === undefined))
    usage("--supersedes and --reason go together.");
  if (options.supersedes !== undefined && paths.length !== 1)
    usage("--supersedes takes one file: the one that replaces the earlier.");
}

function checkValues({ subject, type, reason, purpose, recordClass }: Options): void {
  checkText("--subject", subject);
  checkText("--type", type);
  checkForm("--type", type, mediaTypeForm);
  checkText("--reason", reason);
  checkText("--purpose", purpose);
  checkForm("--record-class", recordClass, recordClassName);
}

/** @throws USAGE */
async function checkClass(vault: VaultClient, name: string): Promise<void> {
  const known = (await vault.recordClasses()).map((one) => one.name);
  if (known.includes(name)) return;
  throw new AttestryError("USAGE", `--record-class takes ${known.join(", ")}, not "${name}".`, { data: { known } });
}

function whatToState(
  options: Options,
  connection: Promise<Connection>,
  relation: Relation | undefined,
): NotarizeOptions {
  return {
    connection,
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.type === undefined ? {} : { contentType: options.type }),
    ...(relation === undefined ? {} : { relation }),
    ...(options.force ? { force: true } : {}),
  };
}

/** What would be wrong with every file's statement is told at once. @throws MALFORMED_STATEMENT */
function checkStatement(options: Options, { issuer }: Identity, relation: Relation | undefined): void {
  const { subject = "-", type } = options;
  const digest = new Uint8Array(32);
  checkClaims({
    issuer,
    subject,
    issuedAt: 0,
    digest,
    ...(type && { contentType: type }),
    ...(relation && { relation }),
  });
}

async function fromStandardInput({ output }: Context, options: Options, what: NotarizeOptions): Promise<ExitCode> {
  const [connection, { digest }] = await Promise.all([what.connection, hashStandardInput()]);
  const { notary, identity } = connection;
  const { proof, index } = await registerOne(identity, notary, await signDigest(digest, connection, what));
  if (options.out === undefined) writeOut(proof);
  else {
    const path = join(options.out, "standard-input.proof");
    writeFileWhole(path, proof);
    output.line(`${output.style("green", "✓")} standard input → ${path} (entry ${index})`);
    output.value({ file: standardInput, status: "notarized", proof: path, hash: encodeHex(digest), index });
  }
  return 0;
}
