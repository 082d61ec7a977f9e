/**
 * The thread that writes the embedded log, on a connection of its own: whoever waits for the disk is this one. It loads next to
 * nothing, since a thread has a copy of what it loads.
 */
import { parentPort, workerData } from "node:worker_threads";
import { unpackBatch, type WriterAnswer, type WriterOrder } from "./sqlite-batch.ts";
import { connect, transaction } from "./sqlite-connection.ts";
import { type AdmittedEntry, type Batch, entriesPerRun, splitKeys } from "./store.ts";

type Writing = ReturnType<typeof openWriting>;

function openWriting(folder: string) {
  const db = connect(folder, { readOnly: false });
  return {
    db,
    size: db.prepare("SELECT size FROM head ORDER BY size DESC LIMIT 1"),
    putEntry: db.prepare("INSERT INTO entry VALUES (?, ?)"),
    putSeen: db.prepare("INSERT INTO seen VALUES (?, ?, ?)"),
    putLookUp: db.prepare("INSERT OR IGNORE INTO look_up VALUES (?, ?, ?)"),
    putTile: db.prepare("INSERT INTO tile VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes"),
    putHead: db.prepare("INSERT INTO head VALUES (?, ?, ?, ?, ?, ?)"),
    putNote: db.prepare("UPDATE log SET note = ?"),
    putCosigned: db.prepare("INSERT INTO cosigned VALUES (?, ?) ON CONFLICT DO UPDATE SET note = excluded.note"),
  };
}

/** Nothing is written when the stored size is not the one that the batch was built on. */
function writeBatch(sql: Writing, { expectedSize, entries, tiles, head }: Batch): WriterAnswer {
  const stored = sql.size.get()?.["size"] as number | undefined;
  if ((stored ?? 0) !== expectedSize || stored === head.size)
    return { conflict: { expected: expectedSize, found: stored ?? 0 } };
  entries.forEach((entry, at) => {
    writeEntry(sql, expectedSize + at, entry);
  });
  for (const { level, index, hashes } of tiles) sql.putTile.run(level, index, hashes);
  sql.putHead.run(head.size, head.rootHash, head.time, head.noteSignature, head.receiptSignature, expectedSize);
  sql.putNote.run(head.note);
  return "done";
}

function writeEntry(sql: Writing, index: number, { entry, leafHash, issuedAt, keys }: AdmittedEntry): void {
  const run = Math.floor(index / entriesPerRun);
  sql.putEntry.run(index, entry);
  sql.putSeen.run(issuedAt, leafHash, index);
  for (const key of splitKeys(keys)) sql.putLookUp.run(run, key, index);
}

let opened: Writing | undefined;

function write(order: Exclude<WriterOrder, "close">): WriterAnswer {
  try {
    opened ??= openWriting(String(workerData));
    const sql = opened;
    if ("append" in order) return transaction(sql.db, () => writeBatch(sql, unpackBatch(order.append)));
    transaction(sql.db, () => sql.putCosigned.run(order.putCosigned.size, order.putCosigned.note));
    return "done";
  } catch (error) {
    const { message, code, errcode } = error as Error & { code?: unknown; errcode?: unknown };
    return { message, code, errcode };
  }
}

parentPort?.on("message", (order: WriterOrder) => {
  if (order !== "close") return parentPort?.postMessage(write(order));
  opened?.db.close();
  parentPort?.close();
});
