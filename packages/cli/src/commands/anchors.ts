/** `attestry anchors`: where and when the notary's log was anchored and time-stamped. */
import { type AnchorSummary, createNotaryClient } from "@attestry/core/client";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count } from "../progress.ts";
import { serverUrl, wholeNumber } from "../settings.ts";

interface Options {
  readonly server?: string;
  readonly limit: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Lists the checkpoints of the notary's log that went on ledgers and to time stamp authorities, the newest first. " +
        "Each covers every entry before it. `attestry proof refresh` puts them into a proof file.",
    )
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--limit <n>", "show at most this many", "20")
    .option("--json", "print one JSON object")
    .addHelpText("after", examples(["attestry anchors", "the newest, with the state of each"]));
  action<Options>(command, anchors);
}

async function anchors({ output }: Context, options: Options): Promise<ExitCode> {
  const notary = createNotaryClient({ url: serverUrl(options.server) });
  const found = await notary.anchors(wholeNumber(options.limit, "--limit", 1, 500));
  output.value({ anchors: found });
  for (const anchor of found) output.line(plain(describe(anchor)));
  if (found.length === 0) output.line("The log has not been anchored yet.");
  return 0;
}

function describe({ place, kind, size, state, block, time, problem }: AnchorSummary): string {
  const where = kind === "ledger" && block !== undefined ? `${place}, block ${block}` : place;
  const what = `${state.padEnd(9)} the first ${count(size)} ${size === 1 ? "entry" : "entries"}: ${where}`;
  return [what, ...(time === undefined ? [] : [time]), ...(problem === undefined ? [] : [problem])].join(", ");
}
