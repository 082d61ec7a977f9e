/**
 * A process that makes the calls of the history on a filesystem store, prints the number of each when it is acknowledged, and kills
 * itself at a step. Arguments: the store's folder, a folder beside it, the first call, the step (0 for none), "before" or "half".
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { openFsStore } from "../fs-store.ts";
import { type Cut, tapDisk } from "./crash-disk.ts";
import { history, makeCall } from "./fs-history.ts";

const [folder = "", attic = "", first, step, cut] = process.argv.slice(2);
flushCompileCache(); // the parent's tests start many of these; a killed one would not leave its cache behind
if (Number(step) > 0) tapDisk(attic).arm(folder, Number(step), cut as Cut, () => process.kill(process.pid, "SIGKILL"));
const store = await openFsStore({ folder });
for (const [at, call] of history.entries()) {
  if (at < Number(first)) continue;
  await makeCall(store, call);
  writeSync(1, `${at + 1}\n`);
}
await store.close();
