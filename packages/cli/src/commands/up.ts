/** `attestry up`: starts a notary and runs it until it is stopped. */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { AttestryError, parseVerifierKey } from "@attestry/core";
import type { AnchoringPlace, RunningServer, ServerOptions, WitnessOption } from "@attestry/server";
import type { Command } from "commander";
import { type AnchoringOptions, addAnchoringOptions, describePlace, openPlaces } from "../anchoring.ts";
import { examples } from "../help.ts";
import { type Output, plain, quoted } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count } from "../progress.ts";
import {
  addServingOptions,
  ownFilesOnly,
  type ServingOptions,
  type ServingSettings,
  servingSettings,
  withPassphrase,
} from "../serving.ts";
import {
  databaseUrl,
  dataFolder,
  isLoopback,
  optionValue,
  readText,
  serverUrl,
  usualDataFolder,
  wholeNumber,
} from "../settings.ts";

interface Options extends ServingOptions, AnchoringOptions {
  readonly database?: string;
  readonly origin?: string;
  readonly witness?: readonly string[];
  readonly quorum?: string;
  readonly clientCa?: string;
  readonly publicUrl?: string;
  readonly trustProxy?: string;
  readonly auditEvery: string;
}

/** Where `npm run portal` puts the portal; the notary does without it where it was not built. */
const portal = join(import.meta.dirname, "../../../portal/dist");

export function configure(command: Command): void {
  command.description(
    "Starts a notary on this machine, over a data folder that is made at the first start. Ctrl-C stops it; starting it again " +
      "continues. On a loopback address your own key is enrolled by itself; elsewhere enrol issuers with attestry issuer add.",
  );
  addAnchoringOptions(addServingOptions(command, "8080"))
    .option(
      "--database <url>",
      "PostgreSQL or SQL Server for log and records, shared by notaries (or set ATTESTRY_DATABASE)",
    )
    .option("--origin <name>", "the log's permanent name, at its first start (default: made from its key)")
    .option("--witness <vkey=url...>", "ask this witness to cosign; once for each key that it shows")
    .option("--quorum <n>", "how many witnesses make a checkpoint cosigned (default: more than half)")
    .option(
      "--client-ca <file>",
      "PEM authorities whose client certificates to accept (enrol each: attestry token add)",
    )
    .option("--audit-every <hours>", "audit all that is stored by itself, so often; off: only when asked to", "24")
    .option("--public-url <url>", "the notary's address for others, where a proxy stands before it")
    .option("--trust-proxy <addresses>", "believe X-Forwarded-For of these proxies: IP addresses or CIDR, with commas")
    .addHelpText(
      "after",
      examples(
        ["attestry up", "a notary for this machine, on http://127.0.0.1:8080"],
        ["attestry up --data /srv/notary --port 9000", "another folder, another port"],
        [
          "attestry up --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --passphrase-file pass",
          "for others too: HTTPS, keys encrypted",
        ],
        [
          "attestry up --ledger https://node.example --contract 0x5FbD…",
          "anchored on a consortium's ledger (docs/ledgers.md)",
        ],
        ["attestry up --no-ledger", "not anchored at all"],
        ["attestry up --database postgres://attestry@db.example/attestry", "the log in PostgreSQL (docs/operate.md)"],
        ["attestry up --witness 'w.example/1+5d…=https://w.example'", "with a witness (what `attestry witness` shows)"],
      ),
    );
  action<Options>(command, up);
}

async function up(context: Context, options: Options): Promise<ExitCode> {
  process.umask(ownFilesOnly);
  const { output } = context;
  const data = dataFolder(options.data);
  const witnesses = witnessOptions(options.witness ?? []);
  const quorum = options.quorum === undefined ? {} : { witnessQuorum: quorumOf(options.quorum, witnesses.length) };
  const origin = options.origin === undefined ? {} : { origin: options.origin };
  const url = databaseUrl(options.database);
  const database = url === undefined ? {} : { database: url };
  const serving = {
    ...withClientCa(await servingSettings(options), options.clientCa),
    data,
    anchoring: await openPlaces(options, data),
  };
  const publicUrl = options.publicUrl === undefined ? {} : { publicUrl: serverUrl(options.publicUrl) };
  const settings: ServerOptions = {
    ...serving,
    portal,
    witnesses,
    ...quorum,
    ...origin,
    ...database,
    ...publicUrl,
    ...(options.trustProxy === undefined ? {} : { trustProxy: proxies(options.trustProxy) }),
    ...auditSchedule(options.auditEvery),
  };
  const interrupted = context.untilInterrupted();
  const { startServer } = await import("@attestry/server");
  const server = await withPassphrase(settings, startServer);
  welcome(server, settings.anchoring ?? [], { data, database: url, ...publicUrl }, output);
  await interrupted;
  output.note("Stopping: answering what is under way.");
  await server.close();
  output.note(`Stopped. Everything that was acknowledged is ${url === undefined ? "on the disk" : "in the database"}.`);
  return 0;
}

/** @throws USAGE */
function proxies(text: string): string[] {
  return text.split(",").map((part) => {
    const range = part.trim();
    const [, address = "", bits = "0"] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const version = isIP(address);
    if (version !== 0 && Number(bits) <= (version === 4 ? 32 : 128)) return range;
    throw new AttestryError("USAGE", `--trust-proxy takes IP addresses or CIDR ranges with commas, not "${text}".`);
  });
}

function auditSchedule(hours: string): Pick<ServerOptions, "auditEvery"> {
  return hours === "off" ? {} : { auditEvery: wholeNumber(hours, "--audit-every", 1, 8760, "off") * 3600 };
}

function withClientCa(settings: ServingSettings, file: string | undefined): ServingSettings {
  if (file === undefined) return settings;
  if (settings.tls === undefined) throw new AttestryError("USAGE", "--client-ca needs --tls-cert and --tls-key.");
  return { ...settings, tls: { ...settings.tls, clientCa: readText(file) } };
}

/** `vkey=url`; several keys of one witness share its URL. @throws USAGE */
export function witnessOptions(texts: readonly string[]): WitnessOption[] {
  const pairs = texts.map((text) => {
    const [, vkey = "", url = ""] = /^(.+)=(https?:\/\/.+)$/.exec(text) ?? []; // base64 ends in equals signs of its own
    if (url === "") throw new AttestryError("USAGE", `--witness takes VKEY=URL, not "${text}".`);
    return { vkey: optionValue("--witness", () => parseVerifierKey(vkey)).text, url: serverUrl(url) };
  });
  return [...Map.groupBy(pairs, ({ url }) => url)].map(([url, keys]) => ({
    url,
    verifierKeys: keys.map(({ vkey }) => vkey),
  }));
}

function quorumOf(text: string, witnesses: number): number {
  const quorum = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quorum >= 1 && quorum <= witnesses) return quorum;
  throw new AttestryError("USAGE", `--quorum takes a number from 1 to the number of witnesses, ${witnesses}.`);
}

function welcome(
  { url, notary, makePortalLink }: RunningServer,
  places: readonly AnchoringPlace[],
  {
    data,
    database,
    publicUrl,
  }: { readonly data: string; readonly database: string | undefined; readonly publicUrl?: string },
  output: Output,
): void {
  const { size } = notary.status.head;
  const anchoring = places.map(({ kind, name }) => ({ kind, name }));
  // what a service prints is kept and read by others: a link that opens everything is no text for them
  const isOpen = publicUrl !== undefined || !isLoopback(url);
  const portalLink = !isOpen || process.stdout.isTTY ? makePortalLink() : undefined;
  output.value({
    url,
    portalLink,
    origin: notary.origin,
    data,
    treeSize: size,
    verifierKeys: notary.verifierKeys,
    anchoring,
  });
  // started by `npm run up`, the command is found through npx
  const attestry = process.env["npm_lifecycle_event"] === "up" ? "npx attestry" : "attestry";
  const reached = publicUrl ?? url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, "//localhost"); // nobody's address: it stands for all
  const server = reached === serverUrl(undefined) ? "" : ` --server ${reached}`;
  const folder = data === usualDataFolder() ? "" : ` --data ${quoted(data)}`;
  const name = plain(notary.origin);
  const makeLink = `${attestry} token link${server}${folder}`;
  const opening =
    portalLink === undefined
      ? `A link that opens the portal: ${makeLink}`
      : `Open the portal: ${portalLink}\n  (once, within ten minutes; another: ${makeLink})`;
  output.line(`${output.style(["green", "bold"], "The notary is running.")}

  address   ${url} (open ${reached === url ? "it" : reached} in a browser; the API is at ${reached}/docs)
  log       ${name}, ${count(size)} ${size === 1 ? "entry" : "entries"}
  data      ${plain(data)}
  records   ${plain(recordsLine(data, database))}
${places.map((place) => `  ${plain(describePlace(place))}\n`).join("")}
${opening}

Notarise something, in another terminal:
  echo "my first record" > record.txt
  ${attestry} notarize record.txt${server}${folder}
  ${attestry} verify record.txt${server}${folder}

Ctrl-C stops it; starting it again continues.`);
}

/** Where `notarize --store` puts files, and what keeps them secret. */
function recordsLine(data: string, database: string | undefined): string {
  const where = database === undefined ? join(data, "objects") : "the database";
  const beside = existsSync(join(data, "keys", "vault.passphrase"))
    ? "; the passphrase of their keys was generated, and is in keys/vault.passphrase"
    : "";
  return `${where}, encrypted${beside}`;
}
