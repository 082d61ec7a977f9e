/** `attestry issuer`: an administrator says whose statements a notary takes. */
import {
  AttestryError,
  encodeBase64Url,
  keyThumbprint,
  parsePemCertificates,
  parseThumbprintUri,
  thumbprintUri,
} from "@attestry/core";
import { createNotaryClient, type EnrolledIssuer, issuerId, type NotaryClient } from "@attestry/core/client";
import type { Command } from "commander";
import { type AdministratorOptions, addAdministratorOptions, administratorToken } from "../administrator.ts";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type ExitCode } from "../program.ts";
import { publicKeyFrom } from "../public-key.ts";
import { checkForm, checkText, optionValue, readText, refusedValue, serverUrl } from "../settings.ts";

interface Options extends AdministratorOptions {
  readonly key?: string;
  readonly root?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly server?: string;
}

export function configure(command: Command): void {
  command.description(
    "Says whose statements a notary registers. Adding and revoking needs the administrator's token: the notary keeps it in " +
      "admin.token in its data folder.",
  );
  command.addHelpText(
    "after",
    examples(
      [
        "attestry issuer add --key clerk.pem --name https://clerk.example.gov",
        "enrols a key (its file, or what key list shows)",
      ],
      ["attestry issuer add --root agency-ca.pem", "enrols everyone with a certificate under that root"],
      ["attestry issuer list", "who is enrolled, and who no longer is"],
      ["attestry issuer revoke ID --reason 'left the agency'", "takes an enrolment back; what was registered stays"],
    ),
  );
  const add = common(command.command("add").description("Enrols a key, or everyone certified under a root."), true);
  add.option("--key <key>", "the public key: a PEM file, or the text that `attestry key list` shows");
  add.option("--root <file>", "PEM certificate of a root");
  add.option("--name <uri>", "name that the statements carry (default for a key: its thumbprint)");
  action<Options>(add, ({ output }, options) => addIssuer(options, output));
  action<Options>(
    common(command.command("list").description("Lists the enrolled issuers."), false),
    ({ output }, options) => listIssuers(options, output),
  );
  const revoke = common(command.command("revoke").description("Takes an enrolment back from now on."), true);
  revoke.argument("<id>", "the id that `attestry issuer list` shows, or the thumbprint of the key");
  revoke.requiredOption("--reason <text>", "why");
  action<Options>(revoke, ({ output }, options, id) => revokeIssuer(options, id as string, output));
}

function common(command: Command, withToken: boolean): Command {
  command.option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)");
  if (withToken) addAdministratorOptions(command);
  return command.option("--json", "print one JSON object");
}

async function addIssuer(options: Options, output: Output): Promise<ExitCode> {
  if ((options.key === undefined) === (options.root === undefined)) {
    throw new AttestryError("USAGE", "Say what to enrol: either --key or --root.");
  }
  const { key, root, name } = options;
  checkText("--name", name);
  if (root !== undefined) {
    const certificateRoot = readRoot(root);
    const added = asAdministrator(options).addIssuer({
      certificateRoot,
      ...(name === undefined ? {} : { issuer: name }),
    });
    return show(await added.catch(refusedValue(`--root ${root}`)), output);
  }
  const publicKey = optionValue("--key", () => publicKeyFrom(key ?? ""));
  const issuer = name ?? thumbprintUri(keyThumbprint(publicKey));
  return show(await asAdministrator(options).addIssuer({ key: publicKey, issuer }), output);
}

function readRoot(file: string): string {
  const pem = readText(file);
  optionValue(`--root ${file}`, () => parsePemCertificates(pem));
  return pem;
}

async function listIssuers(options: Options, output: Output): Promise<ExitCode> {
  const issuers = await createNotaryClient({ url: serverUrl(options.server) }).listIssuers();
  output.value({ issuers });
  if (issuers.length === 0) output.line("Nobody is enrolled.");
  for (const issuer of issuers) print(issuer, output);
  return 0;
}

async function revokeIssuer(options: Options, id: string, output: Output): Promise<ExitCode> {
  const thumbprint = parseThumbprintUri(id);
  const { reason = "" } = options;
  const known = thumbprint ? encodeBase64Url(thumbprint) : id;
  checkForm("<id>", known, issuerId);
  checkText("--reason", reason);
  return show(await asAdministrator(options).revokeIssuer(known, reason), output);
}

function asAdministrator(options: Options): NotaryClient {
  return createNotaryClient({ url: serverUrl(options.server), token: administratorToken(options) });
}

function show(issuer: EnrolledIssuer, output: Output): ExitCode {
  output.value(issuer);
  print(issuer, output);
  return 0;
}

function print({ id, issuer, kind, enrolledAt, revokedAt, reason }: EnrolledIssuer, output: Output): void {
  output.line(output.style("bold", plain(issuer ?? "every certificate under this root")));
  output.line(`  id          ${plain(id)} (${kind === "key" ? "a key" : "a root certificate"})`);
  output.line(`  enrolled    ${plain(enrolledAt)}`);
  if (revokedAt !== undefined)
    output.line(output.style("red", `  revoked     ${plain(revokedAt)}: ${plain(reason ?? "no reason given")}`));
}
