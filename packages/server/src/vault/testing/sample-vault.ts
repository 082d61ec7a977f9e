/** A vault for tests: a real notary and log, the embedded storages unless others are given, keys in memory. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AttestryError, sha256 } from "@attestry/core";
import { pino } from "pino";
import { type NotaryIssuer, openNotaryIssuer } from "../../access/notary-issuer.ts";
import { createNotary, type Notary } from "../../notary.ts";
import { createIssuer, type Issuer } from "../../testing.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { openSqliteCatalogue } from "../catalogue/sqlite-catalogue.ts";
import { openFsStore } from "../fs-store.ts";
import { encodeWrapped, type KeyWrapper, parseWrapped } from "../keys/key-wrapper.ts";
import type { ObjectStore } from "../object-store.ts";
import { createVault, type Upload, type Vault, type VaultObject, type VaultOptions } from "../vault.ts";

export const access = { who: "clerk A. Moreno", purpose: "filing" } as const;

/** Where a test's catalogue and objects are: `open` opens the same ones each time. */
export interface VaultPlace {
  openCatalogue(): Promise<Catalogue>;
  openObjects(): Promise<ObjectStore>;
}

export interface TestVault extends Vault {
  readonly folder: string;
  readonly notary: Notary;
  readonly issuer: NotaryIssuer;
  readonly catalogue: Catalogue;
  readonly objects: ObjectStore;
  readonly keys: KeyWrapper;
  readonly clerk: Issuer;
  readonly clock: { now: number };
  /** Stores content as the clerk does. */
  store(content: Uint8Array, options?: { subject?: string; recordClass?: string }): Promise<VaultObject>;
  /** The clerk's signed statement about content. */
  statementOf(content: Uint8Array, subject?: string): Promise<Uint8Array>;
  /** Closes vault and notary, and opens them again over the same places. */
  reopen(): Promise<TestVault>;
}

export interface TestVaultOptions extends Partial<Omit<VaultOptions, "clock" | "notary" | "issuer">> {
  readonly folder?: string;
  readonly place?: VaultPlace;
  readonly clerk?: Issuer;
  readonly clock?: { now: number };
  readonly tellIssuer?: (issuer: NotaryIssuer) => NotaryIssuer;
}

type TestContext = { after(clean: () => void | Promise<void>): void };

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "attestry-vault-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The embedded storages in a folder. */
export function localPlace(folder: string): VaultPlace {
  return {
    openCatalogue: () => openSqliteCatalogue({ folder }),
    openObjects: () => openFsStore({ folder: join(folder, "objects") }),
  };
}

export async function openTestVault(t: TestContext, options: TestVaultOptions = {}): Promise<TestVault> {
  const folder = options.folder ?? temporaryFolder(t);
  const { place = localPlace(folder), clerk = createIssuer(), clock = { now: Date.now() } } = options;
  const read = (): number => clock.now;
  const notary = await createNotary({ data: folder, clock: read });
  await notary.issuers.addKey(clerk.signer.publicKey);
  const logger = options.logger ?? pino({ level: "silent" });
  const now = (): number => Math.floor(clock.now / 1000);
  const path = join(folder, "keys", "custody.pem");
  const parts = {
    catalogue: options.catalogue ?? (await place.openCatalogue()),
    objects: options.objects ?? (await place.openObjects()),
    keys: options.keys ?? sampleKeys(1),
    notary,
    issuer: (options.tellIssuer ?? ((issuer) => issuer))(await openNotaryIssuer({ notary, path, now })),
  };
  const vault = await createVault({ ...options, ...parts, logger, clock: read });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await vault.close();
    await notary.close();
  };
  t.after(close);
  const statementOf = (content: Uint8Array, subject = "record 17"): Promise<Uint8Array> =>
    clerk.statement({ digest: sha256(content), subject, issuedAt: now() });
  return {
    ...vault,
    ...parts,
    folder,
    clerk,
    clock,
    close,
    statementOf,
    async store(content, { subject, recordClass } = {}): Promise<VaultObject> {
      const { id } = await vault.begin({ who: access.who, recordClass, size: content.length });
      await vault.append(id, 0, inPieces(content));
      return vault.commit(id, await statementOf(content, subject), access);
    },
    async reopen(): Promise<TestVault> {
      await close();
      const { catalogue, objects, ...kept } = options;
      return openTestVault(t, { ...kept, folder, place, clerk, clock });
    },
  };
}

/** Content that a test can make again: no two seeds have a segment in common. */
export function sampleContent(length: number, seed = 1): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", createHash("md5").update(String(seed)).digest(), Buffer.alloc(16));
  return new Uint8Array(cipher.update(Buffer.alloc(length)));
}

/** As a network delivers it. */
export function* inPieces(content: Uint8Array, length = 65_536): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

export async function collect(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** Sends all that is left of an upload and completes it. */
export async function finishUpload(vault: Vault, id: string, content: Uint8Array): Promise<Upload> {
  const { offset } = await vault.upload(id);
  await vault.append(id, offset, inPieces(content.subarray(offset)), { isLast: true });
  return vault.complete(id);
}

/** Keys that every process makes alike: those of the generations 1 to `newest`, the newest of which wraps. */
export function sampleKeys(newest: number): KeyWrapper {
  const keyOf = (id: string): Buffer => createHash("sha256").update(`key of a test ${id}`).digest();
  return {
    id: `sample:${newest}`,
    async wrap(dataKey: Uint8Array, context: string): Promise<Uint8Array> {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", keyOf(`sample:${newest}`), nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
      return encodeWrapped({ id: `sample:${newest}`, body: new Uint8Array(body) });
    },
    async unwrap(wrapped: Uint8Array, context: string): Promise<Uint8Array> {
      const { id, body } = parseWrapped(wrapped);
      if (Number(id.slice("sample:".length)) > newest) throw new AttestryError("UNAVAILABLE_KEYS");
      const decipher = createDecipheriv("aes-256-gcm", keyOf(id), body.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(context)).setAuthTag(body.subarray(-16));
      const dataKey = new Uint8Array(decipher.update(body.subarray(12, -16)));
      try {
        decipher.final();
      } catch {
        throw new AttestryError("FATAL_CORRUPT");
      }
      return dataKey;
    },
  };
}
