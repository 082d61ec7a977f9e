/** What the page keeps on this device: the signing key, and a journal of what was signed (IndexedDB 3.0). */

export interface Database {
  /** Undefined when there is none under that key. */
  get<Value>(store: Store, key: IDBValidKey): Promise<Value | undefined>;
  /** All of a store, in the order of their keys. */
  all<Value>(store: Store): Promise<Value[]>;
  /** Resolves when it is on the device, and stays there if the browser ends now. */
  put(store: Store, value: object): Promise<void>;
  remove(store: Store, keys: readonly IDBValidKey[]): Promise<void>;
}

export type Store = "keys" | "journal";

/** Both stores' values bear their key as `id`. @throws DOMException when this browser keeps nothing */
export async function openDatabase(name = "attestry-notarize"): Promise<Database> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const store of ["keys", "journal"]) opening.result.createObjectStore(store, { keyPath: "id" });
  };
  const db = await settled(opening);

  async function write(store: Store, work: (objects: IDBObjectStore) => void): Promise<void> {
    const transaction = db.transaction(store, "readwrite", { durability: "strict" });
    work(transaction.objectStore(store));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    get: (store, key) => settled(db.transaction(store).objectStore(store).get(key)),
    all: (store) => settled(db.transaction(store).objectStore(store).getAll()),
    put: (store, value) => write(store, (objects) => void objects.put(value)),
    remove: (store, keys) =>
      write(store, (objects) => {
        for (const key of keys) objects.delete(key);
      }),
  };
}

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
