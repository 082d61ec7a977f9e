/**
 * Kills the process at the step that KILL_AT names, as in "after commit:3": after the third commit. What SQLite is told is a step in
 * every thread that loads this; each thread counts its own.
 */
import { DatabaseSync, StatementSync } from "node:sqlite";

const [killStep, killCount] = (process.env["KILL_AT"] ?? "").split(":");
let left = Number(killCount);

export function reach(step: string): void {
  if (step !== killStep) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, "SIGKILL");
}

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string): void {
  const step = sql.trim().split(" ")[0]?.toLowerCase() ?? "";
  reach(`before ${step}`);
  // Far more checkpoints than a notary makes, so that kills meet them.
  exec.call(this, sql.replace("wal_autocheckpoint = 4000", "wal_autocheckpoint = 40"));
  reach(`after ${step}`);
};

const { run } = StatementSync.prototype;
StatementSync.prototype.run = function (this: StatementSync, ...parameters: Parameters<typeof run>) {
  const result = run.apply(this, parameters);
  reach("row");
  return result;
} as typeof run;
