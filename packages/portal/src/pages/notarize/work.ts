/**
 * The notarizer of this tab. It belongs to no page: files that were dropped go on being hashed, registered and stored while the
 * reader looks at other pages of the portal, and the page finds them here when it is opened again.
 */
import { encodeBase64Url, encodeHex } from "@attestry/core";
import { createNotaryClient, createVaultClient, type VaultClient } from "@attestry/core/client";
import { hashFile } from "../../hash/hash-file.ts";
import { fetchAs, may, type Session } from "../../session.ts";
import { checkKeys, trustFrom } from "../../verify/trust.ts";
import { trustInput } from "../../verify/trust-store.ts";
import { setOpenFiles } from "../../work.ts";
import type { Journal, KeepWish, Registered } from "./journal.ts";
import { type Course, createKeeper } from "./keeper.ts";
import { createNotarizer, type Item, type NotarizerParts, type Trouble } from "./notarizer.ts";
import type { OwnKey } from "./own-key.ts";

export interface WorkPlace {
  readonly key: OwnKey;
  /** As the key is enrolled; undefined while it is not: then the list only shows what was. */
  readonly issuer: string | undefined;
  readonly journal: Journal;
  readonly session: Session;
}

/** What stands in the list. */
export interface WorkState {
  /** The oldest first. */
  readonly items: readonly Item[];
  readonly trouble?: Trouble | undefined;
}

export interface Work {
  /** Undefined for who may store nothing there. */
  readonly vault: VaultClient | undefined;
  /** @param subjectOf the record number of a file; undefined for none @param keep undefined: not in the vault */
  add(files: readonly File[], subjectOf: (file: File) => string | undefined, keep: KeepWish | undefined): void;
  /** Forgets what is answered, or can never be. */
  clear(): void;
  /** Tells how things stand, now and with each change. @returns what ends that */
  watch(listen: (state: WorkState) => void): () => void;
}

interface Running extends Work {
  close(): void;
}

let current: { readonly id: string; readonly work: Running } | undefined;
/** Of who works here: signing in again, in another tab, changes it and ends nothing. */
let session: Session | undefined;

/** The tab's work, begun when there is none yet; another person, or another enrolment, ends what ran for the one before. */
export function workFor(place: WorkPlace): Work {
  session = place.session;
  const id = JSON.stringify([encodeBase64Url(place.key.thumbprint), place.issuer, session.name, session.permissions]);
  if (current?.id === id) return current.work;
  current?.work.close();
  current = { id, work: startWork(place) };
  return current.work;
}

function startWork({ key, issuer, journal, session }: WorkPlace): Running {
  const list = createList();
  const vault = may(session, "object:store") ? vaultClient() : undefined;
  const onItem = (entry: Registered, course?: Course): void => list.show(entry.id, withCourse(entry, course));
  const keeper = vault && createKeeper({ vault, mayFind: may(session, "object:read"), journal, onItem });
  const trust = () => trustFrom(trustInput());
  const notarizer =
    issuer === undefined
      ? undefined
      : createNotarizer({
          key,
          issuer,
          journal,
          notary: createNotaryClient({ url: location.origin, checkKeys: (shown) => checkKeys(shown, trust()) }),
          keeper: keeper ?? noKeeper,
          trust,
          hash,
          onItem: (item) => list.show(item.id, item),
          onGone: (id) => list.show(id, undefined),
          onTrouble: list.setTrouble,
        });
  void journal.read().then((entries) => {
    list.begin(entries);
    notarizer?.resume(entries);
  });
  const warn = (event: BeforeUnloadEvent): void => {
    if (notarizer?.isReading === true || keeper?.isBusy === true) event.preventDefault();
  };
  addEventListener("beforeunload", warn);
  return {
    vault,
    add: (files, subjectOf, keep) => notarizer?.add(files, subjectOf, keep),
    clear: () => void journal.forget(list.clear()),
    watch: list.watch,
    close() {
      removeEventListener("beforeunload", warn);
      notarizer?.close();
      keeper?.close();
      list.close();
    },
  };
}

function vaultClient(): VaultClient {
  const asNow: typeof fetch = (input, init) => (session === undefined ? fetch : fetchAs(session))(input, init);
  // A part of a file takes its time on a slow line.
  return createVaultClient({ url: location.origin, fetch: asNow, timeout: 600_000 });
}

interface List {
  /** With what earlier visits left. */
  begin(entries: readonly Item[]): void;
  /** Undefined for an item that is gone. */
  show(id: number, item: Item | undefined): void;
  setTrouble(trouble: Trouble | undefined): void;
  /** @returns the items that left the list */
  clear(): number[];
  readonly watch: Work["watch"];
  close(): void;
}

/** The items, by the order in which they came. Whoever watches sees no more than some pictures a second of hundreds of files. */
function createList(): List {
  let items = new Map<number, Item>();
  let trouble: Trouble | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  const listeners = new Set<(state: WorkState) => void>();
  const tell = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const state = { items: [...items.values()], trouble };
    setOpenFiles(state.items.filter(isUnderWay).length);
    for (const listen of listeners) listen(state);
  };
  const tellSoon = (): void => {
    if (!closed) timer ??= setTimeout(tell, 100);
  };
  return {
    begin(entries) {
      items = new Map([...entries.map((entry) => [entry.id, entry] as const), ...items]);
      tellSoon();
    },
    show(id, item) {
      if (item === undefined) items.delete(id);
      else items.set(id, item);
      tellSoon();
    },
    setTrouble(now) {
      trouble = now;
      tellSoon();
    },
    clear() {
      const done = [...items.values()].filter((item) => !isUnderWay(item)).map(({ id }) => id);
      for (const id of done) items.delete(id);
      tell();
      return done;
    },
    watch(listen) {
      listeners.add(listen);
      listen({ items: [...items.values()], trouble });
      return () => void listeners.delete(listen);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      setOpenFiles(0);
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

/** Files that are read at once, in bytes: many small ones are done before a worker has started for the first. */
const smallFile = 4 * 1024 * 1024;

async function hash(file: File, onShare: (share: number) => void): Promise<string> {
  if (file.size > smallFile) return hashFile(file, { onBytes: (bytes) => onShare(bytes / file.size) });
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
}
