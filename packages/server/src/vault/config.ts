/**
 * `DIR/vault.json`, written by the operator, and by administrators who change a record class: how long the records of each class are kept, who keeps the key-encryption keys, and
 * where the ciphertext goes (docs/storage.md). Without the file: one class that keeps nothing, a keyring in the data folder, the local disk.
 */
import { existsSync, readFileSync } from "node:fs";
import { AttestryError } from "@attestry/core";
import { recordClassName } from "@attestry/core/client";
import { type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { replacePrivateFile } from "../keys/private-file.ts";
import { type AzureObjectsConfig, azureObjectsSchema, type KeyVaultConfig, keyVaultSchema } from "./azure.ts";
import { defaultRecordClasses, maxRetentionDays, type RecordClasses, type Retention } from "./retention.ts";

export type KeysConfig =
  | { readonly kind: "keyring" }
  | KeyVaultConfig
  | {
      readonly kind: "pkcs11";
      readonly library: string;
      readonly token: string;
      /** File with the PIN; a path from the data folder. */
      readonly pinFile: string;
      readonly label?: string;
      readonly binding?: string;
    };

export interface VaultConfig {
  readonly recordClasses: RecordClasses;
  readonly keys: KeysConfig;
  /** Where the ciphertext goes, when it is neither the data folder nor the database. */
  readonly objects?: AzureObjectsConfig | undefined;
}

interface ConfigFile {
  readonly recordClasses?: Readonly<Record<string, number | "forever">>;
  readonly keys?: KeysConfig;
  readonly objects?: AzureObjectsConfig;
}

const text = Type.String({ minLength: 1, maxLength: 1000 });
const strict = { additionalProperties: false } as const;
const schema: TSchema = Type.Object(
  {
    recordClasses: Type.Optional(
      Type.Record(
        Type.String({ pattern: recordClassName.pattern }),
        Type.Union([Type.Number({ minimum: 0, maximum: maxRetentionDays }), Type.Literal("forever")]),
      ),
    ),
    keys: Type.Optional(
      Type.Union([
        Type.Object({ kind: Type.Literal("keyring") }, strict),
        keyVaultSchema,
        Type.Object(
          {
            kind: Type.Literal("pkcs11"),
            library: text,
            token: text,
            pinFile: text,
            label: Type.Optional(text),
            binding: Type.Optional(text),
          },
          strict,
        ),
      ]),
    ),
    objects: Type.Optional(azureObjectsSchema),
  },
  strict,
);

const day = 86_400;

/** @throws USAGE_FILE when it cannot be read, USAGE when it says what is not understood */
export function readVaultConfig(path: string): VaultConfig {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT")
      throw new AttestryError("USAGE_FILE", `${path} cannot be read.`, { cause });
    return { recordClasses: defaultRecordClasses, keys: { kind: "keyring" } };
  }
  return parseVaultConfig(content, path);
}

/** Retention stands in the file as days. @throws USAGE, naming the place that is wrong */
export function parseVaultConfig(content: string, path: string): VaultConfig {
  const { recordClasses = {}, keys = { kind: "keyring" }, objects } = check(parseJson(content, path), path);
  const named = Object.entries(recordClasses).map(
    ([name, days]) => [name, days === "forever" ? days : Math.round(days * day)] as const,
  );
  return { recordClasses: new Map([...defaultRecordClasses, ...named]), keys, objects };
}

/**
 * Adds a record class to the file, or changes how long it keeps; what else the file says stays. Resolves when it is on the disk.
 * @throws as `readVaultConfig`: a file that is not understood is left as it is; UNAVAILABLE_STORAGE
 */
export async function writeRecordClass(path: string, name: string, retention: Retention): Promise<void> {
  const file = existsSync(path) ? check(parseJson(readFileSync(path, "utf8"), path), path) : {};
  const days = retention === "forever" ? retention : retention / day;
  const changed = { ...file, recordClasses: { ...file.recordClasses, [name]: days } };
  await replacePrivateFile(path, `${JSON.stringify(changed, undefined, 2)}\n`);
}

function parseJson(content: string, path: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new AttestryError("USAGE", `${path} is not JSON.`, { cause });
  }
}

function check(value: unknown, path: string): ConfigFile {
  if (Value.Check(schema, value)) return value as ConfigFile;
  const place = Value.Errors(schema, value)[0]?.instancePath;
  throw new AttestryError(
    "USAGE",
    `${path} cannot be used: see ${place || "its top"}. docs/storage.md shows what it may say.`,
  );
}
