/** The page's side of the notarizer: what stands in the list, kept up to date. */
import { encodeHex } from "@attestry/core";
import type { EnrolledIssuer } from "@attestry/core/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { notary } from "../../api.ts";
import { hashFile } from "../../hash/hash-file.ts";
import { trustFrom } from "../../verify/trust.ts";
import { trustInput } from "../../verify/trust-store.ts";
import type { Journal } from "./journal.ts";
import { createNotarizer, type Item, type Notarizer } from "./notarizer.ts";
import type { OwnKey } from "./own-key.ts";

export interface NotarizerView {
  /** The oldest first. */
  readonly items: readonly Item[];
  readonly isAway: boolean;
  add(files: readonly File[], subjectOf: (file: File) => string | undefined): void;
  /** Forgets what is answered, or can never be. */
  clear(): void;
}

/** @param issuer undefined while the key is not enrolled: then the list only shows what was */
export function useNotarizer(key: OwnKey, issuer: EnrolledIssuer | undefined, journal: Journal): NotarizerView {
  const [items, setItems] = useState<ReadonlyMap<number, Item>>(new Map());
  const [isAway, setAway] = useState(false);
  const running = useRef<Notarizer | undefined>(undefined);

  useEffect(() => {
    const show = gathered((fresh) => setItems((last) => new Map([...last, ...fresh])));
    const own = issuer && start(key, issuer.issuer, journal, setAway, show);
    running.current = own;
    let gone = false;
    void journal.read().then((entries) => {
      if (gone) return;
      setItems((last) => new Map([...entries.map((entry) => [entry.id, entry] as const), ...last]));
      own?.resume(entries);
    });
    const warn = (event: BeforeUnloadEvent): void => {
      if (own?.isReading === true) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => {
      gone = true;
      own?.close();
      removeEventListener("beforeunload", warn);
    };
  }, [key, issuer, journal]);

  return {
    items: [...items.values()],
    isAway,
    add: (files, subjectOf) => running.current?.add(files, subjectOf),
    clear: () => {
      const done = [...items.values()].filter(({ state }) => !["waiting", "reading", "signed"].includes(state));
      void journal.forget(done.map(({ id }) => id));
      setItems((last) => new Map([...last].filter(([id]) => !done.some((item) => item.id === id))));
    },
  };
}

/** Hundreds of files change many times a second; a reader sees no more than some pictures of that. */
function gathered(apply: (items: ReadonlyMap<number, Item>) => void): (item: Item) => void {
  let fresh = new Map<number, Item>();
  return (item) => {
    if (fresh.size === 0)
      setTimeout(() => {
        const ready = fresh;
        fresh = new Map();
        apply(ready);
      }, 100);
    fresh.set(item.id, item);
  };
}

/** Files that are read at once, in bytes: many small ones are done before a worker has started for the first. */
const smallFile = 4 * 1024 * 1024;

async function hash(file: File, onShare: (share: number) => void): Promise<string> {
  if (file.size > smallFile) return hashFile(file, { onBytes: (bytes) => onShare(bytes / file.size) });
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
}

function start(
  key: OwnKey,
  issuer: string,
  journal: Journal,
  onAway: (isAway: boolean) => void,
  onItem: (item: Item) => void,
): Notarizer {
  return createNotarizer({
    key,
    issuer,
    journal,
    notary,
    trust: () => trustFrom(trustInput()),
    hash,
    onItem,
    onAway,
  });
}
