/** `attestry find`: looks entries up at the notary by content, issuer, record or time. */
import { statSync } from "node:fs";
import { AttestryError, decodeHex } from "@attestry/core";
import {
  collectEntries,
  createNotaryClient,
  type EntryQuery,
  type EntrySummary,
  type NotaryClient,
} from "@attestry/core/client";
import type { Command } from "commander";
import { fileError } from "../errors.ts";
import { hashFile } from "../files/hash-file.ts";
import { fault, notAFile } from "../files/read-and-hash.ts";
import { keepCopy, writeFileWhole } from "../files/write-file.ts";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count } from "../progress.ts";
import { checkText, serverUrl, wholeNumber } from "../settings.ts";

interface Options {
  readonly issuer?: string;
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: string;
  readonly save?: string;
  readonly server?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Looks entries up at the notary. Needs no account. What is found is what the notary says; verify proves it.",
    )
    .argument("[what]", "a file, or a SHA-256 hash in hexadecimal")
    .option("--issuer <name>", "by this issuer")
    .option("--subject <id>", "with this record number")
    .option("--from <time>", "registered at or after this time, e.g. 2026-11-22 or 2026-11-22T10:30:00Z")
    .option("--to <time>", "registered before this time; a date means to its end (UTC)")
    .option("--limit <n>", "show at most this many", "100")
    .option(
      "--save <file>",
      "write the proof file of the first one that revokes nothing; a file that is there is kept as FILE.1",
    )
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--json", "print one JSON object with the entries")
    .addHelpText(
      "after",
      `${examples(
        ["attestry find deed.pdf", "has this content been notarised, by whom, and when?"],
        ["attestry find deed.pdf --save deed.pdf.proof", "get a lost proof again"],
        [
          "attestry find --issuer https://clerk.example.gov --from 2026-11-01 --to 2026-11-30",
          "a month of an issuer's",
        ],
      )}\nExit codes: 0 found · 1 nothing found · 3 the notary cannot be reached\n`,
    );
  action<Options>(command, (context, options, what) => find(context, options, what as string | undefined));
}

async function find({ output }: Context, options: Options, what: string | undefined): Promise<ExitCode> {
  const limit = wholeNumber(options.limit, "--limit", 1, 1_000_000);
  const query = await queryOf(options, what);
  const notary = createNotaryClient({ url: serverUrl(options.server) });
  const { entries, more } = await collectEntries(notary, query, limit);
  const saved = options.save === undefined ? undefined : await save(notary, entries, options.save);
  output.value({ entries, more });
  for (const entry of entries) printEntry(entry, output);
  if (more) output.note(`There are more. --limit shows more than ${count(limit)}.`);
  if (entries.length === 0) output.line("The notary has no such entry.");
  if (saved !== undefined) output.note(saved);
  return entries.length === 0 ? 1 : 0;
}

/** What is told of it; undefined when there is nothing to save. A statement that revokes is about the file, and does not vouch for it. */
async function save(notary: NotaryClient, entries: readonly EntrySummary[], path: string): Promise<string | undefined> {
  const entry = entries.find(({ relation }) => relation?.kind !== "revokes") ?? entries[0];
  if (entry === undefined) return undefined;
  const proof = await notary.proofFile(entry.index);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw fileError(fault(notAFile), path, "written");
  const kept = keepCopy(path);
  writeFileWhole(path, proof);
  const written = `The proof of entry ${entry.index} is written to ${path}.`;
  return kept === undefined ? written : `${written} What was there is kept as ${kept}.`;
}

async function queryOf(options: Options, what: string | undefined): Promise<EntryQuery> {
  const { issuer, subject, from, to } = options;
  checkText("--issuer", issuer);
  checkText("--subject", subject);
  if (what === undefined && !issuer && !subject && !from && !to) {
    throw new AttestryError("USAGE", "Say what to look for: a file, a hash, --issuer, --subject, --from or --to.");
  }
  return {
    ...(what === undefined ? {} : { digest: await digestOf(what) }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(subject === undefined ? {} : { subject }),
    ...(from === undefined ? {} : { from: timeOf(from, "--from", 0) }),
    ...(to === undefined ? {} : { to: timeOf(to, "--to", 1) }),
  };
}

async function digestOf(what: string): Promise<Uint8Array> {
  const hash = what.toLowerCase().replace(/^sha256:/, "");
  const isThere = statSync(what, { throwIfNoEntry: false }) !== undefined;
  if (!isThere && /^[0-9a-f]{64}$/.test(hash)) return decodeHex(hash);
  if (isThere) return (await hashFile(what)).digest;
  const message = `"${what}" is no file that is there, and no SHA-256 hash: that has 64 hexadecimal digits.`;
  throw new AttestryError("USAGE_FILE", message, { data: { path: what } });
}

/** A time, or for a date its beginning (UTC), `days` later. */
function timeOf(text: string, option: string, days: number): Date {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(text) ?? [];
  const parsed = new Date(time === undefined ? `${date}T00:00:00Z` : text);
  if (time === undefined) parsed.setUTCDate(parsed.getUTCDate() + days);
  if (!Number.isNaN(parsed.getTime())) return parsed;
  throw new AttestryError("USAGE", `${option} takes a time like 2026-11-22 or 2026-11-22T10:30:00Z, not "${text}".`);
}

function printEntry(entry: EntrySummary, output: Output): void {
  output.line(output.style("bold", `entry ${entry.index}, registered ${entry.registeredAt}`));
  const facts: [string, string | undefined][] = [
    ["hash", entry.hash],
    ["signed by", entry.issuer],
    ["signed at", `${entry.issuedAt} (signer's clock)`],
    ["record", entry.subject],
    ["media type", entry.contentType],
    [
      entry.relation?.kind ?? "",
      entry.relation && `entry with leaf hash ${entry.relation.target}: ${entry.relation.reason}`,
    ],
  ];
  for (const [name, text] of facts) if (text !== undefined) output.line(`  ${name.padEnd(12)}${plain(text)}`);
}
