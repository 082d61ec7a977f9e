/** A process that opens the log of a folder, says so, and keeps it open until it is killed. */
import { openSqliteStore } from "../sqlite-store.ts";

openSqliteStore({ folder: String(process.argv[2]) });
process.stdout.write("open\n");
setInterval(() => {}, 60_000);
