/** `attestry vault`: the records that a notary keeps, for custodians; its keys, for administrators. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, isAttestryError } from "@attestry/core";
import {
  createVaultClient,
  type ObjectQuery,
  type RecordClass,
  recordClassName,
  type VaultClient,
  type VaultObject,
} from "@attestry/core/client";
import type { Command } from "commander";
import { type AdministratorOptions, addAdministratorOptions, bearerToken } from "../administrator.ts";
import { receiveFile } from "../files/receive-file.ts";
import { examples } from "../help.ts";
import { objectRef } from "../object-ref.ts";
import { type Output, plain } from "../output.ts";
import { action, type ExitCode } from "../program.ts";
import { count, createProgress, duration, size } from "../progress.ts";
import { checkForm, checkText, refusedValue, serverUrl, wholeNumber } from "../settings.ts";

interface Options extends AdministratorOptions {
  readonly server?: string;
  readonly purpose: string;
  readonly order: string;
  readonly out: string;
  readonly class: string;
  readonly yes?: boolean;
  readonly forget?: boolean;
  readonly subject?: string;
  readonly recordClass?: string;
  readonly state?: string;
  readonly limit: string;
  readonly keep: string;
}

type Act = (vault: VaultClient, ref: string, options: Options) => Promise<VaultObject>;

const what = "a file with the content, its proof, its SHA-256 hash, or an object's id";
const custodian = "a token with the role custodian";

export function configure(command: Command): void {
  command.description(
    "The records that the notary keeps, encrypted. attestry notarize --store puts them there. Every act takes its purpose, and is in " +
      "the log before it is done: attestry custody shows it. A record is named by a file, a proof, a hash or an id.",
  );
  command.addHelpText(
    "after",
    examples(
      ["attestry vault list --subject 2026-004711", "what is kept of a record"],
      ["attestry vault get deed.pdf.proof --out deed.pdf --purpose 'request 88'", "takes a copy out, its hash checked"],
      ["attestry vault hold video.mp4 --order 'case 2026-1187' --purpose 'litigation'", "nothing may erase it"],
      ["attestry vault erase ID --order 'court order 12' --purpose 'sealed' --yes", "for good; its thumbprint stays"],
      ["attestry vault set-class body-camera --keep 730", "what is stored there from now on is kept for two years"],
      ["attestry vault rotate", "a new key-encryption key; every data key is wrapped anew"],
    ),
  );
  configureReading(command);
  configureActs(command);
  configureUpkeep(command);
}

function configureReading(command: Command): void {
  const list = common(command.command("list").description("Lists what is stored, the latest first (role reader)."));
  list.argument("[what]", what);
  list.option("--subject <id>", "with this record number").option("--record-class <name>", "of this class");
  list.option("--state <state>", "whole or erased").option("--limit <n>", "show at most this many", "50");
  action<Options>(list, ({ output }, options, ref) => listObjects(options, ref as string | undefined, output));
  const get = common(command.command("get").description("Exports a record to a file; recorded as an export."));
  get.argument("<what>", what).requiredOption("--out <file>", "the file to write; none is replaced");
  get.requiredOption("--purpose <text>", "for whom and why, for the custody record");
  action<Options>(get, ({ output }, options, ref) => getObject(options, ref as string, output));
  const classes = common(command.command("classes").description("Lists record classes and how long each keeps."));
  action<Options>(classes, ({ output }, options) => listClasses(options, output));
}

function configureActs(command: Command): void {
  const add = (name: string, about: string, act: Act, needsOrder = true): Command => {
    const one = common(command.command(name).description(about)).argument("<what>", what);
    if (needsOrder) one.requiredOption("--order <text>", "what the order is filed under");
    one.requiredOption("--purpose <text>", "why, for the custody record");
    action<Options>(one, ({ output }, options, ref) => doAct(options, ref as string, act, output));
    return one;
  };
  add("hold", "Places a legal hold: nothing erases the record until it is lifted.", (vault, ref, { order, purpose }) =>
    vault.hold(ref, order, purpose),
  );
  add("release", "Lifts the hold of one order.", (vault, ref, { order, purpose }) =>
    vault.release(ref, order, purpose),
  );
  add("erase", "Erases content on a lawful order, for good. Its thumbprint and its custody stay.", eraseObject).option(
    "--yes",
    "do it; without this it only says what would be erased",
  );
  const reclassify = add(
    "reclassify",
    "Moves a record to another class, which must not keep it for a shorter time.",
    (vault, ref, { class: recordClass, purpose }) =>
      vault.reclassify(ref, recordClass, purpose).catch(refusedValue(`--class ${recordClass}`)),
    false,
  );
  reclassify.requiredOption("--class <name>", "the class (attestry vault classes)");
}

function configureUpkeep(command: Command): void {
  const setClass = common(
    command
      .command("set-class")
      .description(
        "Adds a record class, or changes how long one keeps what is stored from now on; what is stored already keeps its period " +
          "(role administrator).",
      ),
  );
  setClass.argument("<name>", "small letters, digits and dashes");
  setClass.requiredOption("--keep <days>", "days that its records are kept at least, or forever");
  action<Options>(setClass, ({ output }, options, name) => changeClass(options, name as string, output));
  const rotate = common(
    command
      .command("rotate")
      .description(
        "Makes a new key-encryption key and wraps every data key anew; no content is touched. It goes on at the notary when this " +
          "command is stopped; run again, it shows how far it is, or goes on after a restart (role administrator).",
      ),
  );
  rotate.option("--forget", "then forget the old keys: what they wrapped, in old backups too, never opens again");
  action<Options>(rotate, ({ output }, options) => rotateKeys(options, output));
  const sweep = common(
    command.command("sweep").description("Removes uploads that nobody goes on with; done daily (role administrator)."),
  );
  action<Options>(sweep, ({ output }, options) => sweepVault(options, output));
}

function common(command: Command): Command {
  command.option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)");
  return addAdministratorOptions(command).option("--json", "print JSON, an object on each line");
}

function open(options: Options, role = custodian): VaultClient {
  return createVaultClient({ url: serverUrl(options.server), token: bearerToken(options, role), timeout: 120_000 });
}

async function listObjects(options: Options, ref: string | undefined, output: Output): Promise<ExitCode> {
  const limit = wholeNumber(options.limit, "--limit", 1, 1_000_000);
  const vault = open(options, "a token with the role reader");
  const named = ref === undefined ? undefined : await objectRef(ref);
  const { subject, recordClass, state } = options;
  checkText("--subject", subject);
  checkForm("--record-class", recordClass, recordClassName);
  if (state !== undefined && state !== "whole" && state !== "erased")
    throw new AttestryError("USAGE", `--state takes whole or erased, not "${state}".`);
  const query: ObjectQuery = {
    ...(subject === undefined ? {} : { subject }),
    ...(recordClass === undefined ? {} : { recordClass }),
    ...(state === undefined ? {} : { state }),
    ...(named?.length === 64 ? { hash: Uint8Array.fromHex(named) } : {}),
  };
  const found = named?.length === 26 ? [await vault.object(named)] : await findAll(vault, query, limit);
  for (const object of found) show(object, output);
  if (found.length === 0) output.line("The vault has no such record.");
  if (found.length === limit) output.note(`There may be more. --limit shows more than ${count(limit)}.`);
  return found.length === 0 && named !== undefined ? 1 : 0;
}

async function findAll(vault: VaultClient, query: ObjectQuery, limit: number): Promise<VaultObject[]> {
  const found: VaultObject[] = [];
  let cursor: string | undefined;
  do {
    const page = await vault.find({ ...query, limit: Math.min(200, limit - found.length), ...(cursor && { cursor }) });
    found.push(...page.objects);
    cursor = page.next;
  } while (cursor !== undefined && found.length < limit);
  return found;
}

async function getObject(options: Options, ref: string, output: Output): Promise<ExitCode> {
  const { out, purpose } = options;
  checkText("--purpose", purpose);
  const vault = open(options);
  if (existsSync(out)) {
    throw new AttestryError("CONFLICT_EXISTS", `${out} is there already, and is left as it is.`, {
      data: { path: out },
    });
  }
  const object = await vault.object(await objectRef(ref));
  const progress = createProgress("Exporting", !output.json);
  progress.setTotal(1, object.size);
  try {
    await receiveFile(out, await vault.export(object.id, purpose), object.hash, progress.addBytes);
  } finally {
    progress.end();
  }
  output.value({ ...object, file: out });
  output.line(`${output.style("green", "✓")} ${plain(out)}, ${size(object.size)}, SHA-256 ${object.hash}`);
  return 0;
}

async function changeClass(options: Options, name: string, output: Output): Promise<ExitCode> {
  const { keep } = options;
  checkForm("<name>", name, recordClassName);
  const retention = keep === "forever" ? keep : wholeNumber(keep, "--keep", 0, 1_000_000, "forever") * 86_400;
  const vault = open(options, "a token with the role administrator");
  return showClasses(await vault.setRecordClass({ name, retention }), output);
}

async function listClasses(options: Options, output: Output): Promise<ExitCode> {
  return showClasses(await open(options, "a token with the role creator").recordClasses(), output);
}

function showClasses(classes: readonly RecordClass[], output: Output): ExitCode {
  output.value({ recordClasses: classes });
  for (const { name, retention } of classes) output.line(`${plain(name).padEnd(20)} ${keeping(retention)}`);
  return 0;
}

function keeping(retention: number | "forever"): string {
  if (retention === "forever") return "keeps for ever";
  if (retention === 0) return "keeps nothing from being erased";
  const days = retention / 86_400;
  return `keeps for ${days >= 1 ? `${count(Math.round(days))} days` : duration(retention)}`;
}

async function doAct(options: Options, ref: string, act: Act, output: Output): Promise<ExitCode> {
  checkText("--order", options.order);
  checkText("--purpose", options.purpose);
  checkForm("--class", options.class, recordClassName);
  const vault = open(options);
  const named = await objectRef(ref);
  const object = await act(vault, named, options).catch(async (error: unknown) => {
    if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS" || named.length !== 64) throw error;
    const { objects } = await vault.find({ hash: Uint8Array.fromHex(named), state: "whole" });
    const ids = objects.map(({ id }) => id);
    const message = `Several records have this content. Name one by its id: ${ids.join(", ")}.`;
    throw new AttestryError(error.code, message, { data: { ids }, cause: error });
  });
  show(object, output);
  return 0;
}

const eraseObject: Act = async (vault, ref, { order, purpose, yes }) => {
  if (yes) return vault.erase(ref, order, purpose);
  const { id, subject, size: bytes, hash } = await vault.object(ref);
  const message = `This would erase ${id} (record ${subject}, ${size(bytes)}, SHA-256 ${hash}) for good. Add --yes to do it.`;
  throw new AttestryError("USAGE", message);
};

async function rotateKeys(options: Options, output: Output): Promise<ExitCode> {
  const vault = open(options, "a token with the role administrator");
  const progress = createProgress("Wrapping", !output.json, "keys");
  let state = await vault.rotate(options.forget ? { forget: true } : {});
  for (let shown = 0; state.rotation.state === "running"; state = await vault.keys()) {
    progress.setTotal(state.rotation.total, 0);
    progress.addFiles(state.rotation.done - shown);
    shown = state.rotation.done;
    await sleep(250);
  }
  progress.end();
  output.value(state);
  const { key, pending, rotation } = state;
  if (rotation.state === "done" && pending === 0) {
    output.line(
      `${output.style("green", "✓")} ${plain(key)} wraps now; ${count(rotation.done)} data keys wrapped anew.`,
    );
    return 0;
  }
  const why = rotation.problem === undefined ? "" : ` (${plain(rotation.problem)}; the notary's log says more)`;
  output.note(`attestry: ${count(pending)} data keys are not wrapped anew yet${why}. Run the same command again.`);
  return 3;
}

async function sweepVault(options: Options, output: Output): Promise<ExitCode> {
  const swept = await open(options, "a token with the role administrator").sweep();
  output.value(swept);
  output.line(`${count(swept.uploads)} abandoned uploads and ${count(swept.orphans)} leftovers removed.`);
  return 0;
}

/** What is kept for ever has a time beyond all that the notary can write, which is the year 9999. */
function kept(until: string | undefined): string {
  if (until === undefined) return "";
  return Date.parse(until) >= Date.UTC(9999, 11, 31) ? ", kept for ever" : `, kept until ${until}`;
}

function show(object: VaultObject, output: Output): void {
  output.value(object);
  output.line(output.style("bold", `object ${plain(object.id)}`));
  const facts: [string, string | undefined][] = [
    ["record", object.subject],
    ["SHA-256", object.hash],
    ["size", `${size(object.size)}${object.contentType === undefined ? "" : `, ${object.contentType}`}`],
    ["stored", `${object.storedAt} (entry ${object.entryIndex})`],
    ["class", object.recordClass + kept(object.retainUntil)],
    ["held by", object.holds.length === 0 ? undefined : object.holds.join("; ")],
    ["erased", object.erasedAt],
  ];
  for (const [name, text] of facts) if (text !== undefined) output.line(`  ${name.padEnd(12)}${plain(text)}`);
}
