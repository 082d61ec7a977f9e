/** The administrator's token, for the commands that change who may do what at a notary. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AttestryError } from "@attestry/core";
import type { Command } from "commander";
import { dataFolder, readText } from "./settings.ts";

export interface AdministratorOptions {
  readonly data?: string;
  readonly tokenFile?: string;
}

export function addAdministratorOptions(command: Command): Command {
  return command
    .option(
      "--token-file <file>",
      "file that holds the administrator's token (default: $ATTESTRY_TOKEN, or admin.token in the data folder)",
    )
    .option("--data <dir>", "the notary's data folder (default: $ATTESTRY_DATA or ~/.attestry)");
}

/** @throws POLICY_UNAUTHORISED when there is none to be found */
export function administratorToken(options: AdministratorOptions): string {
  return bearerToken(options, "the administrator's token");
}

/**
 * The token that a command shows; the one in the data folder when none is given. @param what is needed, for the error
 * @throws POLICY_UNAUTHORISED when there is none, USAGE_FILE, USAGE
 */
export function bearerToken({ tokenFile, data }: AdministratorOptions, what: string): string {
  const variable = process.env["ATTESTRY_TOKEN"];
  if (tokenFile !== undefined) return tokenIn(readText(tokenFile), tokenFile, what);
  if (variable !== undefined) return tokenIn(variable, "$ATTESTRY_TOKEN", what);
  const own = join(dataFolder(data), "admin.token");
  if (existsSync(own)) return tokenIn(readText(own), own, what);
  throw new AttestryError(
    "POLICY_UNAUTHORISED",
    `This needs ${what}, and there is none in ${own}. Give --token-file, or --data with the notary's folder.`,
  );
}

function tokenIn(text: string, place: string, what: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const message = `${place} holds no token. This needs ${what}: one word, as "attestry token add" shows it.`;
  throw new AttestryError("POLICY_UNAUTHORISED", message);
}
