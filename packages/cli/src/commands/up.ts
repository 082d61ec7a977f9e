/** `attestry up`: starts a notary and runs it until it is stopped. */
import { join } from "node:path";
import { AttestryError, parseVerifierKey } from "@attestry/core";
import type { AnchoringPlace, RunningServer, ServerOptions, WitnessOption } from "@attestry/server";
import type { Command } from "commander";
import { type AnchoringOptions, addAnchoringOptions, describePlace, openPlaces } from "../anchoring.ts";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count } from "../progress.ts";
import { addServingOptions, type ServingOptions, servingSettings, withPassphrase } from "../serving.ts";
import { dataFolder, serverUrl } from "../settings.ts";

interface Options extends ServingOptions, AnchoringOptions {
  readonly origin?: string;
  readonly witness?: readonly string[];
  readonly quorum?: string;
}

/** Where `npm run portal` puts the portal; the notary does without it where it was not built. */
const portal = join(import.meta.dirname, "../../../portal/dist");

export function configure(command: Command): void {
  command.description(
    "Starts a notary on this machine, over a data folder that is made at the first start. Ctrl-C stops it; starting it again " +
      "continues. On a loopback address your own key is enrolled by itself; elsewhere enrol issuers with attestry issuer add.",
  );
  addAnchoringOptions(addServingOptions(command, "8080"))
    .option("--origin <name>", "the log's permanent name, at its first start (default: made from its key)")
    .option("--witness <vkey=url...>", "ask this witness to cosign; once for each key that it shows")
    .option("--quorum <n>", "how many witnesses make a checkpoint cosigned (default: more than half)")
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
        ["attestry up --witness 'w.example/1+5d…=https://w.example'", "with a witness (what `attestry witness` shows)"],
      ),
    );
  action<Options>(command, up);
}

async function up(context: Context, options: Options): Promise<ExitCode> {
  const { output } = context;
  const data = dataFolder(options.data);
  const witnesses = witnessOptions(options.witness ?? []);
  const quorum = options.quorum === undefined ? {} : { witnessQuorum: quorumOf(options.quorum, witnesses.length) };
  const origin = options.origin === undefined ? {} : { origin: options.origin };
  const serving = { ...(await servingSettings(options)), data, anchoring: await openPlaces(options, data) };
  const settings: ServerOptions = { ...serving, portal, witnesses, ...quorum, ...origin };
  const interrupted = context.untilInterrupted();
  const { startServer } = await import("@attestry/server");
  const server = await withPassphrase(settings, startServer);
  welcome(server, settings.anchoring ?? [], data, output);
  await interrupted;
  output.note("Stopping: answering what is under way.");
  await server.close();
  output.note("Stopped. Everything that was acknowledged is on the disk.");
  return 0;
}

/** `vkey=url`; several keys of one witness share its URL. @throws USAGE, MALFORMED_KEY */
export function witnessOptions(texts: readonly string[]): WitnessOption[] {
  const pairs = texts.map((text) => {
    const [, vkey = "", url = ""] = /^(.+)=(https?:\/\/.+)$/.exec(text) ?? []; // base64 ends in equals signs of its own
    if (url === "") throw new AttestryError("USAGE", `--witness takes VKEY=URL, not "${text}".`);
    return { vkey: parseVerifierKey(vkey).text, url: serverUrl(url) };
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
  { url, notary }: RunningServer,
  places: readonly AnchoringPlace[],
  data: string,
  output: Output,
): void {
  const { size } = notary.status.head;
  const anchoring = places.map(({ kind, name }) => ({ kind, name }));
  output.value({ url, origin: notary.origin, data, treeSize: size, verifierKeys: notary.verifierKeys, anchoring });
  // started by `npm run up`, the command is found through npx
  const attestry = process.env["npm_lifecycle_event"] === "up" ? "npx attestry" : "attestry";
  const server = url === serverUrl(undefined) ? "" : ` --server ${url}`;
  const folder = data === dataFolder(undefined) ? "" : ` --data ${quoted(data)}`;
  const shown = plain(notary.origin);
  output.line(`${output.style(["green", "bold"], "The notary is running.")}

  address   ${url} (open it in a browser; the API is at ${url}/docs)
  log       ${shown}, ${count(size)} ${size === 1 ? "entry" : "entries"}
  data      ${plain(data)}
${places.map((place) => `  ${plain(describePlace(place))}\n`).join("")}
Notarise something, in another terminal:
  echo "my first record" > record.txt
  ${attestry} notarize record.txt${server}${folder}
  ${attestry} verify record.txt${server}${folder}

Ctrl-C stops it; starting it again continues.`);
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
