import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isAttestryError } from "@attestry/core";
import { refusal, startTestServer, temporaryFolder } from "../testing.ts";
import { parseSignInConfig, readSignInConfig } from "./sign-in-config.ts";

const entra = {
  id: "entra",
  label: "Agency account",
  issuer: "https://login.microsoftonline.us/tenant/v2.0",
  clientId: "0f0f",
  clientSecretFile: "entra.secret",
  roleClaim: "roles",
  roles: { "Attestry.Admin": ["administrator"] },
};

const parse = (...providers: object[]): Promise<unknown> =>
  parseSignInConfig(JSON.stringify({ providers }), "portal.json");

test("a configuration is read as it stands, and none is no provider", async (t) => {
  assert.deepEqual(await parse(entra), { providers: [entra] });
  assert.deepEqual(await parse({ ...entra, issuer: "http://127.0.0.1:3000" }), {
    providers: [{ ...entra, issuer: "http://127.0.0.1:3000" }],
  });
  assert.deepEqual(await readSignInConfig(join(temporaryFolder(t), "portal.json")), { providers: [] });
});

test("the configurations in docs/sign-in.md are accepted as they stand there", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/sign-in.md"), "utf8");
  const [whole, loginGov, ...more] = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json]): unknown =>
    JSON.parse(json ?? ""),
  );
  assert.equal(more.length, 0);
  assert.equal((await parseSignInConfig(JSON.stringify(whole), "x")).providers[0]?.id, "entra");
  await parse(loginGov as object);
});

test("what could not work, or would be unsafe, is refused with its place", async () => {
  const wrong: [object, RegExp][] = [
    [{ ...entra, id: "Entra ID" }, /portal\.json: \/providers\/0\/id/],
    [{ ...entra, id: "local" }, /"local" is taken/],
    [{ ...entra, id: "logout" }, /"logout" is taken/],
    [{ ...entra, issuer: "http://login.example" }, /must be an https address/],
    [{ ...entra, issuer: "http://127.0.0.1.evil.example" }, /must be an https address/],
    [{ ...entra, issuer: "login.example" }, /must be an https address/],
    [{ ...entra, roles: { x: ["root"] } }, /\/providers\/0\/roles/],
    [{ ...entra, roles: { x: [] } }, /\/providers\/0\/roles/],
    [{ ...entra, clientKeyFile: "key.pem" }, /both a clientSecretFile and a clientKeyFile/],
    [{ ...entra, clientSecret: "in clear" }, /\/providers\/0/],
    [{ ...entra, parameters: { state: "x" } }, /cannot set the parameter state/],
    [{ ...entra, parameters: { code_challenge_method: "plain" } }, /cannot set the parameter code_challenge_method/],
    [{ ...entra, parameters: { redirect_uri: "https://evil.example" } }, /cannot set the parameter redirect_uri/],
    [{ ...entra, roleClaim: undefined }, /\/providers\/0/],
  ];
  for (const [provider, place] of wrong) {
    await assert.rejects(
      parse(provider),
      (error) => isAttestryError(error) && error.code === "USAGE" && place.test(error.message),
    );
  }
  await assert.rejects(parse(entra, entra), /"entra" is taken/);
  await assert.rejects(parseSignInConfig("{", "portal.json"), /portal\.json: this is not JSON/);
});

test("a notary does not start with a secret that is missing, or that others can read", async (t) => {
  const data = temporaryFolder(t);
  writeFileSync(join(data, "portal.json"), JSON.stringify({ providers: [entra] }));
  await assert.rejects(startTestServer(t, { data }), refusal("USAGE_FILE"));
  writeFileSync(join(data, "entra.secret"), "secret", { mode: 0o644 });
  if (process.platform !== "win32") await assert.rejects(startTestServer(t, { data }), refusal("USAGE_FILE"));
  writeFileSync(
    join(data, "portal.json"),
    JSON.stringify({ providers: [{ ...entra, clientSecretFile: undefined, clientKeyFile: "key.pem" }] }),
  );
  writeFileSync(join(data, "key.pem"), "no key", { mode: 0o600 });
  await assert.rejects(startTestServer(t, { data }), refusal("USAGE"));
});
