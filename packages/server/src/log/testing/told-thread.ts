/** A thread that writes a log, and runs the SQL that a test tells it on the very connection that it writes with. */
import { DatabaseSync } from "node:sqlite";
import { BroadcastChannel, workerData } from "node:worker_threads";

let writing: DatabaseSync | undefined;
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string): void {
  if (sql.includes("journal_mode")) writing = this;
  exec.call(this, sql);
};

const channel = new BroadcastChannel(String(workerData));
channel.unref();
channel.onmessage = ({ data }): void => {
  channel.postMessage(writing?.prepare(String(data)).all());
};

await import("../sqlite-writer-thread.ts");
