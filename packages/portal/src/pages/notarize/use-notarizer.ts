/** The page's side of the notarizer: what stands in the list, kept up to date. */
import { encodeHex } from "@attestry/core";
import type { EnrolledIssuer } from "@attestry/core/client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { notary } from "../../api.ts";
import { hashFile } from "../../hash/hash-file.ts";
import { trustFrom } from "../../verify/trust.ts";
import { trustInput } from "../../verify/trust-store.ts";
import type { Journal, KeepWish, Registered } from "./journal.ts";
import { type Course, createKeeper, type KeeperParts } from "./keeper.ts";
import { createNotarizer, type Item, type Notarizer, type NotarizerParts } from "./notarizer.ts";
import type { OwnKey } from "./own-key.ts";

export interface NotarizerView {
  /** The oldest first. */
  readonly items: readonly Item[];
  readonly isAway: boolean;
  add(files: readonly File[], subjectOf: (file: File) => string | undefined, keep: KeepWish | undefined): void;
  /** Forgets what is answered, or can never be. */
  clear(): void;
}

export interface NotarizerPlace {
  readonly key: OwnKey;
  /** Undefined while the key is not enrolled: then the list only shows what was. */
  readonly issuer: EnrolledIssuer | undefined;
  readonly journal: Journal;
  /** Undefined for who may store nothing there. */
  readonly vault: VaultPlace | undefined;
}

export type VaultPlace = Pick<KeeperParts, "vault" | "mayFind">;

export function useNotarizer({ key, issuer, journal, vault }: NotarizerPlace): NotarizerView {
  const [items, setItems] = useState<ReadonlyMap<number, Item>>(new Map());
  const [isAway, setAway] = useState(false);
  const running = useRef<Notarizer | undefined>(undefined);

  // Before anybody can drop a file on what was just drawn: it would be lost.
  useLayoutEffect(() => {
    const show = gathered((fresh) => setItems((last) => withChanges(last, fresh)));
    const keeper =
      vault &&
      createKeeper({ ...vault, journal, onItem: (entry, course) => show(entry.id, withCourse(entry, course)) });
    const own =
      issuer &&
      createNotarizer({
        key,
        issuer: issuer.issuer,
        journal,
        notary,
        keeper: keeper ?? noKeeper,
        trust: () => trustFrom(trustInput()),
        hash,
        onItem: (item) => show(item.id, item),
        onGone: (id) => show(id, undefined),
        onAway: setAway,
      });
    running.current = own;
    let gone = false;
    void journal.read().then((entries) => {
      if (gone) return;
      setItems((last) => new Map<number, Item>([...entries.map((entry) => [entry.id, entry] as const), ...last]));
      own?.resume(entries);
    });
    const warn = (event: BeforeUnloadEvent): void => {
      if (own?.isReading === true || keeper?.isBusy === true) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => {
      gone = true;
      own?.close();
      keeper?.close();
      removeEventListener("beforeunload", warn);
    };
  }, [key, issuer, journal, vault]);

  return {
    items: [...items.values()],
    isAway,
    add: (files, subjectOf, keep) => running.current?.add(files, subjectOf, keep),
    clear: () => {
      const done = [...items.values()].filter((item) => !isUnderWay(item));
      void journal.forget(done.map(({ id }) => id));
      setItems((last) => new Map([...last].filter(([id]) => !done.some((item) => item.id === id))));
    },
  };
}

function isUnderWay(item: Item): boolean {
  if (item.state === "registered") return typeof item.course === "number" || item.course === "away";
  return item.state === "waiting" || item.state === "reading" || item.state === "signed";
}

function withCourse(entry: Registered, course: Course | undefined): Item {
  return course === undefined ? entry : { ...entry, course };
}

/** Where the vault takes nothing. */
const noKeeper: NotarizerParts["keeper"] = { offer() {}, claim: () => false, keep() {} };

type Items = ReadonlyMap<number, Item>;
/** Undefined for an item that is gone. */
type Changes = ReadonlyMap<number, Item | undefined>;

function withChanges(items: Items, changes: Changes): Items {
  const next = new Map(items);
  for (const [id, item] of changes) {
    if (item === undefined) next.delete(id);
    else next.set(id, item);
  }
  return next;
}

/** Hundreds of files change many times a second; a reader sees no more than some pictures of that. */
function gathered(apply: (changes: Changes) => void): (id: number, item: Item | undefined) => void {
  let fresh = new Map<number, Item | undefined>();
  return (id, item) => {
    if (fresh.size === 0)
      setTimeout(() => {
        const ready = fresh;
        fresh = new Map();
        apply(ready);
      }, 100);
    fresh.set(id, item);
  };
}

/** Files that are read at once, in bytes: many small ones are done before a worker has started for the first. */
const smallFile = 4 * 1024 * 1024;

async function hash(file: File, onShare: (share: number) => void): Promise<string> {
  if (file.size > smallFile) return hashFile(file, { onBytes: (bytes) => onShare(bytes / file.size) });
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
}
