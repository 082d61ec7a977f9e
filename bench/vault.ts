/**
 * The vault: storing one large object, beside SHA-256, AES-256-GCM and the disk, each alone in the same run; and reading 1 MB from
 * the middle of it.
 */
import { createCipheriv, createHash, randomBytes, randomFillSync } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { keyThumbprint, signStatement, thumbprintUri } from "@attestry/core";
import { openNotaryIssuer } from "../packages/server/src/access/notary-issuer.ts";
import { createDataFolder } from "../packages/server/src/data-folder.ts";
import { openOrCreateSigner } from "../packages/server/src/keys/file-signer.ts";
import { createNotary } from "../packages/server/src/notary.ts";
import { openSqliteCatalogue } from "../packages/server/src/vault/catalogue/sqlite-catalogue.ts";
import { newAlignedMemory } from "../packages/server/src/vault/fs-draft.ts";
import { openFsStore } from "../packages/server/src/vault/fs-store.ts";
import { createKeyring } from "../packages/server/src/vault/keys/local-keyring.ts";
import type { ObjectStore } from "../packages/server/src/vault/object-store.ts";
import { createVault, type Vault } from "../packages/server/src/vault/vault.ts";
import { type Bench, median, percentile, seconds } from "./figure.ts";

const mebibyte = 1024 * 1024;
const access = { who: "bench", purpose: "measuring" };

export const benchVault: Bench = async ({ folder, quick }) => {
  const mebibytes = quick ? 256 : 2048;
  const place = await openPlace(join(folder, "vault"));
  try {
    const rates: number[] = [];
    const limits: Record<"SHA-256" | "AES-256-GCM" | "the disk", number[]> = {
      "SHA-256": [],
      "AES-256-GCM": [],
      "the disk": [],
    };
    let id = "";
    for (let round = 0; round < 3; round++) {
      limits["SHA-256"].push(hashRate(mebibytes));
      limits["AES-256-GCM"].push(cipherRate(mebibytes));
      const plain = join(folder, "vault", "plain");
      limits["the disk"].push(Math.max(diskRate(plain, mebibytes), await directRate(plain, mebibytes)));
      if (id !== "") await place.vault.erase(id, "the bench", access);
      const taken = await seconds(async () => {
        id = await place.store(mebibytes);
      });
      rates.push(mebibytes / taken);
    }
    const [slowest] = Object.entries(limits)
      .map(([name, values]) => ({ name, value: median(values) }))
      .sort((a, b) => a.value - b.value);
    const { segments, milliseconds } = await readRanges(place, id, mebibytes * mebibyte);
    return [
      {
        name: `vault: store ${mebibytes} MiB, hashed, encrypted and durable`,
        value: median(rates),
        unit: "MiB/s",
        ...(slowest && { limit: { ...slowest, name: `${slowest.name}, the slowest of the three alone` } }),
        target: { of: "ratio", atLeast: 0.7 },
      },
      {
        name: `vault: segments read for 1 MB of ${mebibytes} MiB, at most`,
        value: Math.max(...segments),
        unit: "segments",
        target: { of: "value", atMost: 2 },
      },
      { name: `vault: read 1 MB of ${mebibytes} MiB, p99`, value: percentile(milliseconds, 0.99), unit: "ms" },
    ];
  } finally {
    await place.close();
  }
};

interface Place {
  readonly vault: Vault;
  /** Stores new content of that many mebibytes; gives the object's id. */
  store(mebibytes: number): Promise<string>;
  /** Segments that were read since it was last asked. */
  readSegments(): number;
  close(): Promise<void>;
}

async function openPlace(data: string): Promise<Place> {
  const folder = createDataFolder(data);
  const notary = await createNotary({ data });
  const signer = await openOrCreateSigner(folder.issuerKey);
  await notary.issuers.addKey(signer.publicKey);
  const now = (): number => Math.floor(Date.now() / 1000);
  const issuer = await openNotaryIssuer({ notary, path: join(folder.keys, "custody.pem"), now });
  const { objects, readSegments } = counted(await openFsStore({ folder: join(data, "objects") }));
  const keys = await createKeyring(folder.vaultKeyring, "of the bench");
  const vault = await createVault({
    catalogue: await openSqliteCatalogue({ folder: data }),
    objects,
    keys,
    notary,
    issuer,
  });
  return {
    vault,
    readSegments,
    async store(mebibytes: number): Promise<string> {
      const { id } = await vault.begin({ who: access.who, size: mebibytes * mebibyte });
      const { content } = await vault.append(id, 0, blocks(mebibytes));
      if (content === undefined) throw new Error("the upload is not complete");
      const issuerName = thumbprintUri(keyThumbprint(signer.publicKey));
      const claims = { issuer: issuerName, subject: id, issuedAt: now(), digest: content.hash };
      await vault.commit(id, await signStatement(claims, signer), access);
      return id;
    },
    async close(): Promise<void> {
      await vault.close();
      await notary.close();
    },
  };
}

/** As a request's body comes: 64 KiB at a time. */
function* blocks(mebibytes: number): Generator<Uint8Array> {
  const block = randomBytes(65_536);
  for (let i = 0; i < mebibytes * 16; i++) yield block;
}

function counted(store: ObjectStore): { readonly objects: ObjectStore; readSegments(): number } {
  let count = 0;
  const readSegment: ObjectStore["readSegment"] = (id, index) => {
    count += 1;
    return store.readSegment(id, index);
  };
  return {
    objects: { ...store, readSegment },
    readSegments(): number {
      const before = count;
      count = 0;
      return before;
    },
  };
}

async function readRanges(
  { vault, readSegments }: Place,
  id: string,
  size: number,
): Promise<{ readonly segments: number[]; readonly milliseconds: number[] }> {
  const length = 1_000_000;
  const [segments, milliseconds]: [number[], number[]] = [[], []];
  await vault.read(id, access); // recorded once
  for (let i = 0; i < 200; i++) {
    const start = Math.floor(Math.random() * (size - length));
    readSegments();
    const taken = await seconds(async () => {
      let bytes = 0;
      const { content } = await vault.read(id, access, { start, end: start + length });
      for await (const part of content) bytes += part.length;
      if (bytes !== length) throw new Error("the range was cut short");
    });
    segments.push(readSegments());
    milliseconds.push(taken * 1000);
  }
  return { segments, milliseconds };
}

/** MiB a second of one thread, in pieces that stay in the cache, as all three are measured. */
function hashRate(mebibytes: number): number {
  const hash = createHash("sha256");
  return rateOf(mebibytes, (block) => hash.update(block));
}

function cipherRate(mebibytes: number): number {
  const cipher = createCipheriv("aes-256-gcm", randomBytes(32), randomBytes(12));
  return rateOf(mebibytes, (block) => cipher.update(block));
}

/** A new file, written from first to last and synced once. */
function diskRate(path: string, mebibytes: number): number {
  const file = openSync(path, "w");
  const rate = rateOf(
    mebibytes,
    (block) => writeSync(file, block),
    () => fsyncSync(file),
  );
  closeSync(file);
  rmSync(path);
  return rate;
}

/** The same past the system's cache, four writes at a time: 0 where that cannot be. */
async function directRate(path: string, mebibytes: number): Promise<number> {
  const { O_WRONLY, O_CREAT, O_DIRECT } = constants as { O_WRONLY: number; O_CREAT: number; O_DIRECT?: number };
  if (O_DIRECT === undefined) return 0;
  const block = newAlignedMemory();
  randomFillSync(block);
  let next = 0;
  try {
    await using file = await open(path, O_WRONLY | O_CREAT | O_DIRECT);
    const lane = async (): Promise<void> => {
      while (next < mebibytes) await file.write(block, 0, block.length, next++ * block.length);
    };
    const taken = await seconds(async () => {
      await Promise.all([lane(), lane(), lane(), lane()]);
      await file.sync();
    });
    return mebibytes / taken;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    return 0;
  } finally {
    rmSync(path, { force: true });
  }
}

function rateOf(mebibytes: number, take: (block: Uint8Array) => unknown, end: () => void = () => {}): number {
  const block = randomBytes(131_072);
  const start = performance.now();
  for (let i = 0; i < mebibytes * 8; i++) take(block);
  end();
  return (mebibytes * 1000) / (performance.now() - start);
}
