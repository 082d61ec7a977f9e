import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../testing.ts";
import { openAzureObjects } from "./azure.ts";
import { parseVaultConfig } from "./config.ts";

const parse = (config: unknown) => parseVaultConfig(JSON.stringify(config), "vault.json");

test("vault.json names Azure's services by their addresses, and holds no secret", () => {
  for (const objects of [
    { kind: "azure-blob", endpoint: "https://agency.blob.core.usgovcloudapi.net", container: "records" },
    {
      kind: "azure-blob",
      endpoint: "https://agency.blob.core.windows.net",
      container: "records",
      keyFile: "keys/blob",
    },
    { kind: "azure-blob", connectionStringFile: "keys/blob", container: "records" },
    { kind: "cosmos", endpoint: "https://agency.documents.azure.us:443/", database: "vault", container: "records" },
  ]) {
    assert.deepEqual(parse({ objects }).objects, objects);
  }
  const keys = { kind: "key-vault", vault: "https://agency.vault.usgovcloudapi.net", key: "records" };
  assert.deepEqual(parse({ keys }).keys, keys);
  assert.equal(parse({}).objects, undefined);
  for (const objects of [
    { kind: "azure-blob", container: "records" },
    { kind: "azure-blob", endpoint: "agency.blob.core.windows.net", container: "records" },
    { kind: "azure-blob", endpoint: "https://user:secret@agency.blob.core.windows.net", container: "records" },
    { kind: "azure-blob", endpoint: "https://agency.blob.core.windows.net/?sig=secret", container: "records" },
    { kind: "azure-blob", endpoint: "https://agency.blob.core.windows.net", container: "records", key: "secret" },
    { kind: "cosmos", endpoint: "https://agency.documents.azure.us", container: "records" },
    { kind: "tape" },
  ]) {
    assert.throws(() => parse({ objects }), { code: "USAGE" }, JSON.stringify(objects));
  }
});

test("a file with a secret that others can read is refused", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "blob"), "secret", { mode: 0o644 });
  const config = { kind: "azure-blob", connectionStringFile: "blob", container: "records" } as const;
  // Without the package the message names that instead: either way nothing is opened.
  await assert.rejects(openAzureObjects(config, folder), (error: { code: string; message: string }) => {
    assert.doesNotMatch(error.message, /secret/);
    return error.code === "USAGE_FILE" || (error.code === "USAGE" && error.message.includes("@attestry/azure"));
  });
});
