import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createDecipheriv } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isAttestryError } from "@attestry/core";
import { newDataKey } from "../format/stream.ts";
import { testKeyWrapper } from "./key-wrapper.contract.ts";
import { parseWrapped } from "./key-wrapper.ts";
import { openPkcs11, type Pkcs11Options } from "./pkcs11.ts";
import { type Attribute, type Cryptoki, openLibrary } from "./pkcs11-binding.ts";

const library = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"].find(existsSync);
const binding = [
  process.env["ATTESTRY_PKCS11JS"] ?? "",
  join(import.meta.dirname, "../../../../../.tmp/hsm/node_modules/pkcs11js"),
].find((folder) => existsSync(join(folder, "build/Release/pkcs11.node")));

test("a module whose package or library is not there says what to install", async () => {
  const options = { library: "/nowhere/module.so", token: "t", pin: "1234" };
  await assert.rejects(openPkcs11({ ...options, binding: "/nowhere/pkcs11js" }), (error: Error & { code?: string }) => {
    return error.code === "USAGE" && error.message.includes("npm install pkcs11js");
  });
  if (binding === undefined) return;
  await assert.rejects(openPkcs11({ ...options, binding }), (error: Error & { code?: string }) => {
    return error.code === "USAGE" && error.message.includes("/nowhere/module.so");
  });
});

if (library === undefined || binding === undefined) {
  const missing = library === undefined ? "SoftHSM (apt install softhsm2)" : "the package pkcs11js";
  test("PKCS#11 against SoftHSM", (t) => t.skip(`${missing} is not installed here: .ci/hsm installs what this needs`));
} else {
  testSoftHsm({ library, binding });
}

function testSoftHsm(found: { library: string; binding: string }): void {
  const options = { ...found, token: "attestry-test", pin: "1234" };
  let folder = "";
  let labels = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "attestry-softhsm-"));
    process.env["SOFTHSM2_CONF"] = join(folder, "softhsm2.conf"); // read when the library is initialized
    await writeFile(join(folder, "softhsm2.conf"), `directories.tokendir = ${folder}\nlog.level = ERROR\n`);
    const token = ["--label", options.token, "--pin", options.pin, "--so-pin", "5678"];
    execFileSync("softhsm2-util", ["--init-token", "--free", ...token]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Keys of a label of its own, closed after the test. */
  function newLabel(): Pkcs11Options {
    labels += 1;
    return { ...options, label: `vault ${labels}` };
  }

  async function openFor(t: { after(clean: () => Promise<void>): void }, chosen: Pkcs11Options) {
    const keys = await openPkcs11(chosen);
    t.after(() => keys.close());
    return keys;
  }

  testKeyWrapper("PKCS#11", async (t) => {
    const label = newLabel();
    return {
      open: () => openFor(t, label),
      async rotate(): Promise<void> {
        await (await openFor(t, label)).addKey();
      },
    };
  });

  /** The module as its administrator sees it, in a session of their own. */
  function administer(t: { after(clean: () => void): void }) {
    const { cryptoki, constants: ck } = openLibrary(options.library, options.binding);
    const module = cryptoki as AdministratorsCryptoki;
    const [slot = Buffer.alloc(0)] = module.C_GetSlotList(true);
    const session = module.C_OpenSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION);
    t.after(() => {
      try {
        module.C_CloseSession(session);
      } catch {
        // the test closed it
      }
    });
    const findKey = (label: string | undefined): Buffer => {
      module.C_FindObjectsInit(session, [{ type: ck.CKA_LABEL, value: label ?? "" }]);
      const [key = Buffer.alloc(0), ...more] = module.C_FindObjects(session, 10);
      module.C_FindObjectsFinal(session);
      assert.equal(more.length, 0);
      return key;
    };
    const storeKey = (label: string | undefined, id: string, value: Uint8Array, canDecrypt = true): Buffer =>
      module.C_CreateObject(session, [
        { type: ck.CKA_CLASS, value: ck.CKO_SECRET_KEY },
        { type: ck.CKA_KEY_TYPE, value: ck.CKK_AES },
        { type: ck.CKA_TOKEN, value: true },
        { type: ck.CKA_LABEL, value: label ?? "" },
        { type: ck.CKA_ID, value: Buffer.from(id, "hex") },
        { type: 0x11, value: Buffer.from(value) }, // CKA_VALUE
        { type: ck.CKA_ENCRYPT, value: true },
        { type: ck.CKA_DECRYPT, value: canDecrypt },
      ]);
    return { module, ck, slot, session, findKey, storeKey };
  }

  test("PKCS#11: a key that was made cannot be read out of the module", async (t) => {
    const chosen = newLabel();
    await openFor(t, chosen);
    const { module, ck, session, findKey } = administer(t);
    const key = findKey(chosen.label);
    const read = (type: number) => module.C_GetAttributeValue(session, key, [{ type }])[0]?.value;
    assert.equal(read(ck.CKA_SENSITIVE)?.[0], 1);
    assert.equal(read(ck.CKA_EXTRACTABLE)?.[0], 0);
    assert.throws(() => read(0x11), /CKR_ATTRIBUTE_SENSITIVE/);
  });

  test("PKCS#11: of keys that an administrator made, the one with the greatest number wraps", async (t) => {
    const chosen = newLabel();
    await openFor(t, options); // logs in
    const { storeKey } = administer(t);
    for (const id of ["02", "0100", "03", "00ff"]) storeKey(chosen.label, id, newDataKey());
    const keys = await openFor(t, chosen);
    assert.equal(keys.id, "pkcs11:0100");
    const added = await keys.addKey();
    assert.equal(keys.id, added);
    assert.equal((await openFor(t, chosen)).id, added);
  });

  test("PKCS#11: a wrapped key is the AES-GCM that docs/format/vault.md describes", async (t) => {
    const chosen = newLabel();
    await openFor(t, options);
    const kek = newDataKey();
    administer(t).storeKey(chosen.label, "07", kek);
    const keys = await openFor(t, chosen);
    const dataKey = newDataKey();
    const { id, body } = parseWrapped(await keys.wrap(dataKey, "abc"));
    assert.equal(id, "pkcs11:07");
    const decipher = createDecipheriv("aes-256-gcm", kek, body.subarray(0, 12)).setAAD(
      Buffer.from("attestry/vault-key abc"),
    );
    decipher.setAuthTag(body.subarray(-16));
    assert.deepEqual(Uint8Array.from([...decipher.update(body.subarray(12, -16)), ...decipher.final()]), dataKey);
  });

  test("PKCS#11: two keys with one number are told apart by nobody, so neither is used", async (t) => {
    const chosen = newLabel();
    await openFor(t, options);
    const { storeKey } = administer(t);
    storeKey(chosen.label, "01", newDataKey());
    storeKey(chosen.label, "01", newDataKey());
    await assert.rejects((await openFor(t, chosen)).wrap(newDataKey(), "x"), { code: "UNAVAILABLE_KEYS" });
  });

  test("PKCS#11: a session that was lost is opened again, and so is a module that was shut down", async (t) => {
    const keys = await openFor(t, newLabel());
    const dataKey = newDataKey();
    const wrapped = await keys.wrap(dataKey, "x");
    const { module, slot } = administer(t);
    module.C_CloseAllSessions(slot);
    assert.deepEqual(await keys.unwrap(wrapped, "x"), dataKey);
    module.C_Finalize();
    assert.deepEqual(await keys.unwrap(wrapped, "x"), dataKey);
    await keys.close();
    assert.deepEqual(await keys.unwrap(wrapped, "x"), dataKey);
  });

  test("PKCS#11: a module that fails, for a moment or for good, is not called damage", async (t) => {
    const keys = await openFor(t, newLabel());
    const dataKey = newDataKey();
    const wrapped = await keys.wrap(dataKey, "x");
    const { module } = administer(t);
    const working = module.C_DecryptInit;
    t.after(() => {
      module.C_DecryptInit = working;
    });
    for (const failures of [1, 2, 3, 4, Number.POSITIVE_INFINITY]) {
      let left = failures;
      module.C_DecryptInit = (...given) => {
        left -= 1;
        if (left >= 0) throw new Error("CKR_DEVICE_ERROR");
        working.apply(module, given);
      };
      if (failures < 4) assert.deepEqual(await keys.unwrap(wrapped, "x"), dataKey, `${failures} failures`);
      else await assert.rejects(keys.unwrap(wrapped, "x"), { code: "UNAVAILABLE_KEYS" }, `${failures} failures`);
    }
  });

  test("PKCS#11: a key that is gone from the module is missing, and is not called damage", async (t) => {
    const chosen = newLabel();
    const keys = await openFor(t, chosen);
    const wrapped = await keys.wrap(newDataKey(), "x");
    const { module, session, findKey } = administer(t);
    module.C_DestroyObject(session, findKey(chosen.label));
    await assert.rejects(keys.unwrap(wrapped, "x"), { code: "UNAVAILABLE_KEYS" });
    await assert.rejects(keys.wrap(newDataKey(), "x"), { code: "UNAVAILABLE_KEYS" });
  });

  test("PKCS#11: a key that the module does not let open anything is not called damage", async (t) => {
    const chosen = newLabel();
    await openFor(t, options);
    administer(t).storeKey(chosen.label, "01", newDataKey(), false);
    const keys = await openFor(t, chosen);
    const wrapped = await keys.wrap(newDataKey(), "x");
    await assert.rejects(keys.unwrap(wrapped, "x"), (error) => {
      return isAttestryError(error) && error.code === "UNAVAILABLE_KEYS" && /CKR_/.test(error.message);
    });
  });

  test("PKCS#11: a wrong PIN and a token that is not there are told", async (t) => {
    const { module, slot } = administer(t);
    module.C_CloseAllSessions(slot); // else the process is logged in already
    await assert.rejects(openPkcs11({ ...options, pin: "0000" }), (error) => {
      return isAttestryError(error) && error.code === "USAGE_PASSPHRASE" && !error.message.includes("0000");
    });
    await assert.rejects(openPkcs11({ ...options, token: "another" }), (error) => {
      return isAttestryError(error) && error.code === "UNAVAILABLE_KEYS" && error.message.includes('"another"');
    });
  });

  test("PKCS#11: a PIN that was refused is not tried again, since tokens lock themselves", async (t) => {
    const keys = await openFor(t, newLabel());
    const wrapped = await keys.wrap(newDataKey(), "x");
    const { module, slot, session } = administer(t);
    module.C_SetPIN(session, options.pin, "4321");
    module.C_CloseAllSessions(slot);
    await assert.rejects(keys.unwrap(wrapped, "x"), { code: "USAGE_PASSPHRASE" });
    const later = administer(t);
    module.C_Login(later.session, later.ck.CKU_USER, "4321");
    module.C_SetPIN(later.session, "4321", options.pin);
    await assert.rejects(keys.unwrap(wrapped, "x"), { code: "USAGE_PASSPHRASE" });
  });
}

type AdministratorsCryptoki = Cryptoki & {
  C_CreateObject(session: Buffer, template: readonly Attribute[]): Buffer;
  C_DestroyObject(session: Buffer, object: Buffer): void;
  C_SetPIN(session: Buffer, old: string, next: string): void;
  C_CloseAllSessions(slot: Buffer): void;
  C_Finalize(): void;
};
