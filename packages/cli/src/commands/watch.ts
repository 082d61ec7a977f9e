/** `attestry watch`: notarises files as they land in a folder. */
import { statSync } from "node:fs";
import { AttestryError } from "@attestry/core";
import type { Command } from "commander";
import { contactNotary } from "../contact.ts";
import { fileError } from "../errors.ts";
import { examples } from "../help.ts";
import { addIdentityOptions, type IdentityOptions, openIdentity } from "../identity.ts";
import type { Connection } from "../notarize.ts";
import { createLedger } from "../notarize-output.ts";
import { plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { createProgress, duration } from "../progress.ts";
import { dataFolder, serverUrl, wholeNumber } from "../settings.ts";
import { watchAndNotarize } from "../watch.ts";

interface Options extends IdentityOptions {
  readonly server?: string;
  readonly data?: string;
  readonly out?: string;
  readonly settle: string;
  readonly once?: boolean;
}

export function configure(command: Command): void {
  command
    .description(
      "Notarises files as they land in a folder, each once, across restarts. A file is taken when nothing has written to it for " +
        "a while. When the notary cannot be reached, it is tried again until it can. Ctrl-C stops after the batch under way.\n\n" +
        "Files whose names begin with a dot are left alone. A file that is written anew is notarised anew, and its earlier " +
        "proof is kept as FILE.proof.1, FILE.proof.2, …",
    )
    .argument("<folder>", "the folder, with all that is in it")
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--data <dir>", "data folder with your key (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--out <dir>", "write the proofs into this folder instead, laid out like the files")
    .option("--settle <seconds>", "take a file when it has stayed the same for so long", "2")
    .option("--once", "stop when everything that is there now has its proof")
    .option("--json", "print one JSON object a file, each on a line of its own");
  addIdentityOptions(command).addHelpText(
    "after",
    examples(
      ["attestry watch /srv/scans", "from now on, every scan has its proof within seconds"],
      ["attestry watch footage --out proofs --once", "from a timer: what is new since the last time"],
    ),
  );
  action<Options>(command, (context, options, folder) => watch(context, options, folder as string));
}

async function watch(context: Context, options: Options, folder: string): Promise<ExitCode> {
  const { output } = context;
  checkFolder(folder);
  const quiet = wholeNumber(options.settle, "--settle", 1, 3600) * 1000;
  const server = serverUrl(options.server);
  const data = dataFolder(options.data);
  const stop = new AbortController();
  context.untilInterrupted().then(() => stop.abort());
  let place = { server, origin: "the notary" };
  const connect = async (): Promise<Connection> => {
    const { notary, status } = await contactNotary(server, data);
    const identity = await openIdentity(options, { data, server, notary }, output);
    place = { server, origin: status.origin };
    return { notary, identity };
  };
  const ledger = createLedger(output, createProgress("", false), () => place, Number.POSITIVE_INFINITY);
  output.note(`Watching ${plain(folder)}. ${options.once ? "" : "Ctrl-C stops."}`);
  const { out } = options;
  await watchAndNotarize(
    { folder, quiet, once: options.once === true, connect, stop: stop.signal, ...(out === undefined ? {} : { out }) },
    {
      walk: ledger.walk,
      files: ledger.files,
      onOutage: (error, wait) => output.note(`${plain(error.message)} Trying again in ${duration(wait / 1000)}.`),
    },
  );
  return ledger.finish(undefined);
}

function checkFolder(folder: string): void {
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    throw fileError(error, folder, "watched");
  }
  throw new AttestryError("USAGE_FILE", `${folder} is not a folder.`, { data: { path: folder } });
}
