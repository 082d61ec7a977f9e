import assert from "node:assert/strict";
import { test } from "node:test";
import type { AzureDrivers } from "@attestry/server/vault";
import * as azure from "./index.ts";

test("the package exports what a notary's vault.json can ask for", () => {
  const drivers: AzureDrivers = azure;
  assert.deepEqual(Object.keys(drivers).sort(), ["openBlobStore", "openCosmosStore", "openKeyVault"]);
});
