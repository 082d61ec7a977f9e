/** `attestry token`: an administrator says who may use a notary, and opens the portal. */
import { AttestryError } from "@attestry/core";
import {
  type AccessClient,
  type AccessToken,
  certificateName,
  createAccessClient,
  tokenId,
  tokenName,
} from "@attestry/core/client";
import type { Command } from "commander";
import { type AdministratorOptions, addAdministratorOptions, administratorToken } from "../administrator.ts";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type ExitCode } from "../program.ts";
import { checkForm, refusedValue, serverUrl, wholeNumber } from "../settings.ts";

interface Options extends AdministratorOptions {
  readonly role: readonly string[];
  readonly days: string;
  readonly certificate?: string;
  readonly server?: string;
}

const roles = ["reader", "creator", "custodian", "administrator", "auditor"];
const day = 24 * 60 * 60 * 1000;

export function configure(command: Command): void {
  command.description(
    "Tokens let programs use a notary's vault and administration, each with roles of its own; so do client certificates. Every " +
      "change is recorded in the log. It takes the administrator's token: the notary keeps it in admin.token in its data folder.",
  );
  command.addHelpText(
    "after",
    examples(
      ["attestry token add 'camera 7' --role creator", "makes a token, and shows it this once"],
      [
        "attestry token add gateway --role reader --certificate 'CN=gateway,O=Kent County'",
        "lets in whoever shows that client certificate (attestry up --client-ca)",
      ],
      ["attestry token list", "what there is, when it was last used and when it ends"],
      ["attestry token revoke ID", "from now on it opens nothing"],
      ["attestry token link", "a link that signs you in at the portal: once, within ten minutes"],
    ),
  );
  const add = common(command.command("add").description("Makes a token, or enrols a client certificate."));
  add.argument("<name>", "whose it is: a person, a device, a program");
  add.requiredOption("--role <role...>", roles.join(", "));
  add.option("--days <n>", "how long it lasts", "365");
  add.option("--certificate <name>", "its subject (CN=…,O=…), or DNS:…, URI:…, email:…");
  action<Options>(add, ({ output }, options, name) => addToken(options, name as string, output));
  const list = common(command.command("list").description("Lists tokens and certificates, revoked ones too."));
  action<Options>(list, ({ output }, options) => listTokens(options, output));
  const revoke = common(command.command("revoke").description("Takes a token or certificate back from now on."));
  revoke.argument("<id>", "the id that `attestry token list` shows");
  action<Options>(revoke, ({ output }, options, id) => revokeToken(options, id as string, output));
  const link = common(command.command("link").description("Makes a link that opens the portal, signed in."));
  action<Options>(link, ({ output }, options) => makeLink(options, output));
}

function common(command: Command): Command {
  command.option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)");
  return addAdministratorOptions(command).option("--json", "print one JSON object");
}

function asAdministrator(options: Options): AccessClient {
  return createAccessClient({ url: serverUrl(options.server), token: administratorToken(options) });
}

async function addToken(options: Options, name: string, output: Output): Promise<ExitCode> {
  const { role, days, certificate } = options;
  checkForm("<name>", name, tokenName);
  checkForm("--certificate", certificate, certificateName);
  const unknown = role.find((one) => !roles.includes(one));
  if (unknown !== undefined) {
    throw new AttestryError("USAGE", `--role takes ${roles.join(", ")}, not "${unknown}".`);
  }
  const expiresAt = new Date(Date.now() + wholeNumber(days, "--days", 1, 3650) * day);
  const wanted = { name, roles: role, expiresAt, ...(certificate === undefined ? {} : { certificate }) };
  const added = await asAdministrator(options).addToken(wanted).catch(refusedValue("token add"));
  output.value(added);
  output.line(describe(added));
  if (added.token !== undefined) {
    output.line(`\n  ${plain(added.token)}\n`);
    output.line("This is the only time that it is shown. Programs send it as: Authorization: Bearer TOKEN");
  }
  return 0;
}

async function listTokens(options: Options, output: Output): Promise<ExitCode> {
  const tokens = await asAdministrator(options).listTokens();
  output.value({ tokens });
  if (tokens.length === 0) output.line("There is none.");
  for (const token of tokens) output.line(describe(token));
  return 0;
}

async function revokeToken(options: Options, id: string, output: Output): Promise<ExitCode> {
  checkForm("<id>", id, tokenId);
  const revoked = await asAdministrator(options).revokeToken(id);
  output.value(revoked);
  output.line(describe(revoked));
  return 0;
}

async function makeLink(options: Options, output: Output): Promise<ExitCode> {
  const url = serverUrl(options.server) + (await asAdministrator(options).makePortalLink());
  output.value({ url });
  output.line(plain(url));
  return 0;
}

function describe({ id, kind, name, roles, certificate, expiresAt, lastUsedAt, revokedAt }: AccessToken): string {
  const state = revokedAt
    ? `revoked ${revokedAt}`
    : `${expiresAt ? `until ${expiresAt}` : "no end"}, ${lastUsedAt ? `last used ${lastUsedAt}` : "not used yet"}`;
  const what = certificate === undefined ? kind : `${kind} ${certificate}`;
  return plain(`${id}  ${name}: ${roles.join(", ")} (${what}; ${state})`);
}
