/** `attestry witness`: runs a witness, which cosigns a log's checkpoints only while they continue one another. */
import { parseVerifierKey } from "@attestry/core";
import type { RunningWitness, WitnessServerOptions } from "@attestry/server";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { addServingOptions, ownFilesOnly, type ServingOptions, servingSettings, withPassphrase } from "../serving.ts";
import { dataFolder, optionValue } from "../settings.ts";

interface Options extends ServingOptions {
  readonly log: readonly string[];
  readonly name?: string;
}

export function configure(command: Command): void {
  command.description(
    "Runs a witness (C2SP tlog-witness). It cosigns a log's checkpoints only while each continues the last, so that nobody can " +
      "be shown another history. Run it on another machine, by other people than the log's, with a data folder of its own.",
  );
  addServingOptions(command, "8081")
    .requiredOption("--log <vkey...>", "cosign for the log with this verifier key; it shows its keys under /v1/status")
    .option("--name <name>", "name of its keys, like a URL without scheme (default: made from its key)")
    .addHelpText(
      "after",
      examples([
        "attestry witness --data /srv/witness --port 8081 --log 'notary.example.gov+1a2b…'",
        "prints what the log's operator gives to attestry up --witness",
      ]),
    );
  action<Options>(command, witness);
}

async function witness(context: Context, options: Options): Promise<ExitCode> {
  process.umask(ownFilesOnly);
  const { output } = context;
  const name = options.name === undefined ? {} : { name: options.name };
  const logs = options.log.map((vkey) => optionValue("--log", () => parseVerifierKey(vkey)).text);
  const { noPassphrase, ...rest } = await servingSettings(options);
  const settings: WitnessServerOptions = { ...rest, data: dataFolder(options.data), logs, ...name };
  const { passphraseWanted, startWitness } = await import("@attestry/server");
  if (settings.passphrase === undefined && !noPassphrase && !isLocal(options.host)) {
    throw passphraseWanted(options.host);
  }
  const interrupted = context.untilInterrupted();
  const running = await withPassphrase(settings, startWitness);
  welcome(running, settings.data, output);
  await interrupted;
  await running.close();
  output.note("Stopped.");
  return 0;
}

function welcome({ url, witness }: RunningWitness, data: string, output: Output): void {
  const keys = witness.verifierKeys.map(({ text }) => text);
  output.value({ url, data, verifierKeys: keys, origins: witness.origins });
  output.line(`${output.style(["green", "bold"], "The witness is running.")}

  address   ${url}
  logs      ${plain(witness.origins.join(", "))}
  data      ${plain(data)}

The log's operator starts the notary with:
  attestry up ${keys.map((key) => `--witness '${key}=${url}'`).join(" ")}

Ctrl-C stops it; starting it again continues.`);
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
