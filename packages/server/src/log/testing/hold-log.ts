/** A process that opens the log of a folder, forgets it, says so, and lives on until it is killed. Run it with --expose-gc. */
import { openSqliteStore } from "../sqlite-store.ts";

openSqliteStore({ folder: String(process.argv[2]) });
await new Promise((resolve) => setImmediate(resolve)); // what this turn of the event loop refers to is not collected
globalThis.gc?.();
process.stdout.write("open\n");
setInterval(() => {}, 60_000);
