/** `attestry custody`: who did what to a stored record, when and why, each event checked against the log. */
import { type CheckedEvent, type CustodyProblem, checkCustody, emptyTrust, encodeHex } from "@attestry/core";
import { createVaultClient } from "@attestry/core/client";
import type { Command } from "commander";
import { addAdministratorOptions, bearerToken } from "../administrator.ts";
import { contactNotary } from "../contact.ts";
import { examples } from "../help.ts";
import { objectRef } from "../object-ref.ts";
import { type Output, plain } from "../output.ts";
import { trustedLog } from "../pins.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { iso } from "../report-text.ts";
import { dataFolder, serverUrl } from "../settings.ts";

interface Options {
  readonly server?: string;
  readonly data?: string;
  readonly tokenFile?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Prints who stored, read, exported, held, released or erased a record, when, and for what purpose, and checks each event: " +
        "its hash is in the log, signed by the notary's own key. It takes a token with the role custodian or auditor.\n\n" +
        "That the last events are not left out is for attestry audit to say, which reads the whole log.",
    )
    .argument("<what>", "a file, its proof, its SHA-256 hash, or an object's id")
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)");
  addAdministratorOptions(command)
    .option("--json", "print one JSON object with the events")
    .addHelpText(
      "after",
      `${examples(
        ["attestry custody deed.pdf", "of all that is stored with this file's content"],
        ["attestry custody deed.pdf.proof --json", "by its proof, when the file is gone; for a script"],
      )}\nExit codes: 0 all events hold · 1 one does not, or there is no such record · 3 cannot tell\n`,
    );
  action<Options>(command, (context, options, what) => custody(context, options, what as string));
}

async function custody({ output }: Context, options: Options, what: string): Promise<ExitCode> {
  const server = serverUrl(options.server);
  const token = bearerToken(options, "a token with the role custodian or auditor");
  const ref = await objectRef(what);
  const { notary, status, pins } = await contactNotary(server, dataFolder(options.data));
  const { origin } = status;
  const listed = await createVaultClient({ url: server, token }).custody(ref);
  const trust = { ...emptyTrust, logs: [trustedLog(pins.find(origin) ?? status, "the log's keys as noted")] };
  const checked = await checkCustody(ref, listed, { notary, trust, origin });
  output.value({ issuer: listed.issuer, events: checked.map(toJson) });
  print(checked, output);
  if (checked.some(({ status: one }) => one === "broken")) return 1;
  return checked.some(({ status: one }) => one === "unknown") ? 3 : 0;
}

/** Where the proof's own summary does not say it. */
const problems: Readonly<Record<CustodyProblem, string>> = {
  malformed: "It is no custody event.",
  another_object: "It is of another object.",
  gap: "Events of the object before it are missing.",
  order: "It comes a second time, or out of order.",
  edited: "It was edited: that entry of the log is of other bytes.",
  proof: "Its proof does not hold.",
  another_entry: "Its proof is of another entry.",
  another_signer: "Its entry was not signed by the notary's own key.",
  another_statement: "Its entry is no statement about this event.",
  open: "Its proof is not complete.",
};

function problemOf({ problem, summary }: CheckedEvent): string | undefined {
  return problem && (summary ?? problems[problem]);
}

function toJson(checked: CheckedEvent): object {
  const problem = problemOf(checked);
  return { ...checked.given, status: checked.status, ...(problem === undefined ? {} : { problem }) };
}

function print(checked: readonly CheckedEvent[], output: Output): void {
  for (const [object, events] of Map.groupBy(checked, ({ event, given }) => event?.objectId ?? given.objectId)) {
    const [first] = events;
    output.line(output.style("bold", `object ${plain(object)}`));
    if (first?.event !== undefined) {
      output.line(`  record      ${plain(first.event.subject)}`);
      output.line(`  SHA-256     ${encodeHex(first.event.contentHash)}`);
    }
    for (const event of events) printEvent(event, output);
  }
  const broken = checked.filter(({ status }) => status === "broken").length;
  if (broken > 0) output.line(output.style(["red", "bold"], `✗ ${broken} of ${checked.length} events do not hold.`));
  else if (checked.some(({ status }) => status === "unknown")) output.line("? Not all can be told yet.");
  else output.line(`${output.style("green", "✓")} All ${checked.length} are in the log as they stand here.`);
}

function printEvent(checked: CheckedEvent, output: Output): void {
  const { given, event, status } = checked;
  const problem = problemOf(checked);
  const [colour, symbol] = ({ holds: ["green", "✓"], broken: ["red", "✗"], unknown: ["yellow", "?"] } as const)[status];
  const { time, action: act, who, purpose } = event ?? { ...given, time: Date.parse(given.time) / 1000 };
  const order = event !== undefined && "order" in event ? `, order ${event.order}` : "";
  const retained = event?.action === "reclassified" ? `, as ${event.recordClass}` : "";
  const line = `${iso(time)}  ${act.padEnd(12)} by ${who}: ${purpose}${order}${retained} (entry ${given.entryIndex})`;
  output.line(`  ${output.style(colour, symbol)} ${plain(line)}`);
  if (problem !== undefined) output.line(`      ${plain(problem)}`);
}
