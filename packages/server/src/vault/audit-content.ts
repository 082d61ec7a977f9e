/** The audit of content: every stored segment opens at its place, and all of them together have the hash that is in the log. */
import { createHash } from "node:crypto";
import { encodeHex, equalBytes, isAttestryError } from "@attestry/core";
import { nameOf, reasonOf, type VaultAudit, type VaultFinding } from "./audit.ts";
import { type DerivedObject, nameField } from "./audit-rows.ts";
import type { ObjectFacts, StoredObject } from "./catalogue/catalogue.ts";
import { createStream, parseHeader, type SegmentStream } from "./format/stream.ts";

/** A stored segment that does not open at its place. What it is instead is looked for when all objects are done. */
interface Damage {
  readonly object: DerivedObject & { readonly row: StoredObject };
  readonly segment: number;
}

export interface DamageList {
  readonly items: Damage[];
}

export function createDamageList(): DamageList {
  return { items: [] };
}

/** Damaged segments that are remembered, to see whether they were exchanged. */
const maxDamage = 1000;

/** Opens and hashes an object's content. Of an erased one it sees that nothing is left. */
export async function checkContent(audit: VaultAudit, object: DerivedObject, damage: DamageList): Promise<void> {
  const { facts, row } = object;
  const state = await audit.objects.stat(placeOf(object));
  const name = `Object ${facts.id} (${facts.subject})`;
  const report = (finding: Omit<VaultFinding, "at">, at: object = {}) =>
    void audit.found.push({ ...finding, at: { ...nameOf(facts), ...at } });
  if (facts.state === "erased") {
    if (state === undefined) return;
    return report({ record: "object", problem: "older", message: `${name} was erased, and is stored again.` });
  }
  if (state === undefined && !(await wasErased(audit, facts.id))) {
    return report({ record: "object", problem: "missing", message: `${name} is missing from the store.` });
  }
  await checkStatement(audit, facts);
  if (state?.sealed === undefined) {
    report({ record: "object", problem: "changed", message: `${name} is stored, and is not whole.` });
  } else if (state.sealed > facts.segments) {
    const message = `${name} has ${state.sealed} stored segments instead of ${facts.segments}.`;
    report({ record: "segment", problem: "extra", message }, { segment: facts.segments });
  }
  const stream = row && (await openStream(audit, { facts, row }));
  const hash = createHash("sha256");
  let isWhole = true;
  for (let segment = 0; segment < facts.segments; segment++) {
    const opened = await openSegment(audit, object, stream, segment, damage);
    if (opened === undefined) isWhole = false;
    else hash.update(opened);
    audit.done.bytes += opened?.length ?? 0;
  }
  if (!isWhole || stream === undefined) return;
  const digest = new Uint8Array(hash.digest());
  if (equalBytes(digest, facts.contentHash)) return;
  const hashes = { expected: encodeHex(facts.contentHash), found: encodeHex(digest) };
  report({ record: "object", problem: "changed", ...hashes, message: `${name} has other content than was notarized.` });
}

/** What the store calls it, as far as that is known. */
const placeOf = ({ facts, row }: DerivedObject): string => row?.place ?? facts.id;

/** The content's statement is in the log, where the first event says. */
async function checkStatement({ log, found }: VaultAudit, facts: ObjectFacts): Promise<void> {
  const statement = await log.entry(facts.entryIndex);
  const isMeant = statement?.subject === facts.subject && equalBytes(statement.digest, facts.contentHash);
  if (isMeant) return;
  const at = { ...nameOf(facts), entry: facts.entryIndex };
  const message = `Entry ${facts.entryIndex} of the log is not the statement about object ${facts.id} (${facts.subject}).`;
  found.push({ record: "object", problem: "changed", at, message });
}

async function wasErased({ catalogue }: VaultAudit, id: string): Promise<boolean> {
  return (await catalogue.readObject(id).catch(() => undefined))?.state === "erased";
}

/** Undefined, with a finding, when the key does not open; undefined without one when there are no keys or no key. */
async function openStream(
  audit: VaultAudit,
  { facts, row }: { readonly facts: ObjectFacts; readonly row: StoredObject },
): Promise<SegmentStream | undefined> {
  const { keys, objects, found } = audit;
  if (keys === undefined) return undefined;
  let dataKey: Uint8Array;
  try {
    dataKey = await keys.unwrap(row.wrappedKey, facts.id);
  } catch (error) {
    if (isAttestryError(error) && error.code === "FATAL_CORRUPT") {
      nameField(audit, facts, "wrappedKey", "its data key, wrapped", encodeHex(row.wrappedKey));
    } else {
      const message = `Object ${facts.id} (${facts.subject}) cannot be opened: ${reasonOf(error)}`;
      found.push({ record: "object", problem: "unreadable", at: nameOf(facts), message });
    }
    return undefined;
  }
  const first = await objects.readSegment(row.place, 0);
  const streams = [row.header, first && headerOf(first)].flatMap((header) => {
    const stream = header && streamOf(dataKey, facts.id, header);
    return stream === undefined ? [] : [stream];
  });
  dataKey.fill(0);
  const good = first && streams.find((stream) => opens(stream, 0, first, facts.segments === 1));
  if (good !== undefined && !equalBytes(good.header, row.header)) {
    nameField(audit, facts, "header", encodeHex(good.header), encodeHex(row.header));
  }
  return good ?? streams[0];
}

function headerOf(segment: Uint8Array): Uint8Array | undefined {
  try {
    return parseHeader(segment);
  } catch {
    return undefined;
  }
}

function streamOf(dataKey: Uint8Array, id: string, header: Uint8Array): SegmentStream | undefined {
  try {
    return createStream(dataKey, id, header);
  } catch {
    return undefined;
  }
}

function opens(stream: SegmentStream, index: number, segment: Uint8Array, isLast: boolean): Uint8Array | undefined {
  try {
    return stream.openSegment(index, segment, isLast);
  } catch {
    return undefined;
  }
}

async function openSegment(
  audit: VaultAudit,
  object: DerivedObject,
  stream: SegmentStream | undefined,
  segment: number,
  damage: DamageList,
): Promise<Uint8Array | undefined> {
  const { facts, row } = object;
  const stored = await audit.objects.readSegment(placeOf(object), segment);
  const at = { ...nameOf(facts), segment };
  const name = `Segment ${segment} of object ${facts.id} (${facts.subject})`;
  if (stored === undefined) {
    if (await wasErased(audit, facts.id)) return undefined;
    audit.found.push({ record: "segment", problem: "missing", at, message: `${name} is missing.` });
    return undefined;
  }
  if (stream === undefined || row === undefined) return undefined;
  const opened = opens(stream, segment, stored, segment === facts.segments - 1);
  if (opened !== undefined) return opened;
  if (damage.items.length < maxDamage) damage.items.push({ object: { facts, row }, segment });
  else audit.found.push({ record: "segment", problem: "changed", at, message: `${name} was changed.` });
  return undefined;
}

/** Places of the same object, and other objects, that a damaged segment is tried at; and places of each of those. */
const maxTries = 256;
const maxTriesElsewhere = 8;

/** Says of each damaged segment what it is: another one of the same object, one of another object, or changed. */
export async function* nameDamage(audit: VaultAudit, damage: DamageList): AsyncGenerator<void> {
  const others = await otherObjects(audit, damage);
  for (const { object, segment } of damage.items) {
    const { facts } = object;
    const stored = await audit.objects.readSegment(placeOf(object), segment);
    const origin = stored && (await findOrigin(audit, stored, object, segment, others));
    const name = `Segment ${segment} of object ${facts.id} (${facts.subject})`;
    const at = { ...nameOf(facts), segment };
    if (origin === undefined) {
      audit.found.push({ record: "segment", problem: "changed", at, message: `${name} was changed.` });
    } else {
      const message = `${name} was replaced: it is segment ${origin.segment} of object ${origin.object}.`;
      audit.found.push({
        record: "segment",
        problem: "moved",
        at,
        found: `${origin.object} ${origin.segment}`,
        message,
      });
    }
    yield;
  }
}

type Opened = Damage["object"];

/** Those that have damage of their own, and some that have none. */
async function otherObjects(audit: VaultAudit, { items }: DamageList): Promise<Opened[]> {
  if (items.length === 0) return [];
  const rows = (await audit.catalogue.listObjects(undefined, maxTries).catch(() => [])).map((row) => ({
    facts: row,
    row,
  }));
  const all = new Map([...items.map(({ object }) => object), ...rows].map((object) => [object.facts.id, object]));
  return [...all.values()].slice(0, maxTries).filter(({ row }) => row.wrappedKey.length > 0);
}

async function findOrigin(
  audit: VaultAudit,
  stored: Uint8Array,
  own: Opened,
  segment: number,
  others: readonly Opened[],
): Promise<{ readonly object: string; readonly segment: number } | undefined> {
  for (const object of [own, ...others.filter(({ facts }) => facts.id !== own.facts.id)]) {
    const { facts } = object;
    const stream = await streamFor(audit, object);
    if (stream === undefined) continue;
    const tries = facts.id === own.facts.id ? maxTries : maxTriesElsewhere;
    for (const place of nearest(segment, facts.segments, tries)) {
      if (opens(stream, place, stored, place === facts.segments - 1)) return { object: facts.id, segment: place };
    }
  }
  return undefined;
}

async function streamFor({ keys }: VaultAudit, { facts, row }: Opened): Promise<SegmentStream | undefined> {
  const dataKey = await keys?.unwrap(row.wrappedKey, facts.id).catch(() => undefined);
  const stream = dataKey && streamOf(dataKey, facts.id, row.header);
  dataKey?.fill(0);
  return stream;
}

/** Up to so many places of an object of `count` segments, those near the given one first. */
function nearest(segment: number, count: number, tries: number): number[] {
  const first = Math.max(0, Math.min(segment - Math.floor(tries / 2), count - tries));
  const places = Array.from({ length: Math.min(count, tries) }, (_, i) => first + i);
  return places.sort((a, b) => Math.abs(a - segment) - Math.abs(b - segment));
}
