/** `attestry status`: how a notary is: its log, its witnesses, and the places where the log is anchored. */
import { createNotaryClient, type NotaryStatus, type PlaceSummary, type WitnessSummary } from "@attestry/core/client";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count } from "../progress.ts";
import { serverUrl } from "../settings.ts";

interface Options {
  readonly server?: string;
}

export function configure(command: Command): void {
  command
    .description("Shows a notary's log, what waits to be registered, its witnesses, and where its log is anchored.")
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--json", "print the notary's status as one JSON object")
    .addHelpText("after", examples(["attestry status", "of the notary on this machine"]));
  action<Options>(command, showStatus);
}

async function showStatus({ output }: Context, options: Options): Promise<ExitCode> {
  const status = await createNotaryClient({ url: serverUrl(options.server) }).status();
  output.value(status);
  for (const [name, text] of linesOf(status, output)) output.line(`${name.padEnd(10)}${text}`);
  return 0;
}

function linesOf(status: NotaryStatus, output: Output): [string, string][] {
  const { origin, treeSize, checkpointTime, queue, witnesses = [], anchoring } = status;
  const good = (isGood: boolean): string => (isGood ? output.style("green", "✓") : output.style("yellow", "!"));
  const problem = anchoring?.problem;
  return [
    ["log", plain(origin)],
    ["entries", `${count(treeSize)}${checkpointTime === undefined ? "" : `, the last at ${plain(checkpointTime)}`}`],
    ...(queue === undefined ? [] : ([["waiting", count(queue.entries)]] as [string, string][])),
    ...witnesses.map((one): [string, string] => [
      "witness",
      `${good(one.healthy)} ${plain(one.name)}: cosigned ${count(one.lastSize)} of them${whyNot(one)}`,
    ]),
    ...(anchoring?.places ?? []).map((place): [string, string] => [
      place.kind === "ledger" ? "ledger" : "stamps",
      `${good(place.problem === undefined)} ${plain(describe(place))}`,
    ]),
    ...(problem === undefined ? [] : ([["anchoring", `${good(false)} ${plain(problem)}`]] as [string, string][])),
  ];
}

function whyNot({ healthy, code = "" }: WitnessSummary): string {
  if (healthy || code === "") return "";
  if (code === "VERIFY_CONSISTENCY")
    return `. It has seen another history of this log: was it put back, or forked? (${code})`;
  return `. It did not cosign the last (${plain(code)})`;
}

function describe({ name, submitted, included, final, lost, finalSize, finalTime, problem }: PlaceSummary): string {
  const covered = finalTime === undefined ? "nothing final yet" : `${count(finalSize)} of them by ${finalTime}`;
  const states = [`${count(final)} final`, `${count(submitted + included)} under way`, `${count(lost)} lost`];
  return `${name}: ${covered} (${states.join(", ")})${problem === undefined ? "" : `. ${problem}`}`;
}
