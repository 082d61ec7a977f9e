/**
 * A process that registers entries in a log that others write to as well, and prints each answer and each head that it serves,
 * until its parent kills it or closes its input. Arguments: the database's address, and a word for new names.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { encodeHex } from "@attestry/core";
import { openSequencer, origin, sampleEntry } from "../../log/testing/sample-log.ts";
import { openDatabase } from "../database.ts";
import { openPostgresLogStore } from "../log-store.ts";

const [url = "", word = ""] = process.argv.slice(2);
let isEnding = false;
process.stdin.on("end", () => {
  isEnding = true;
});
process.stdin.resume();

const database = await openDatabase(url);
const store = await openPostgresLogStore({ database, origin });
const sequencer = await openSequencer(store, {
  onHead: ({ size, rootHash }) => void writeSync(1, `head ${size} ${encodeHex(rootHash)}\n`),
});

/** New entries; and now and then one that every process submits, which one of them registers first. */
async function submitUntilEnd(submitter: number): Promise<void> {
  for (let made = 0; !isEnding; ) {
    const width = 1 + Math.floor(Math.random() * 12);
    const names = Array.from({ length: width }, () => {
      made += 1;
      return Math.random() < 0.1 ? `common-${made}` : `${word}-${submitter}-${made}`;
    });
    const sequenced = await sequencer.submit(names.map((name) => sampleEntry(name)));
    // Written in one piece and at once: what the parent has read was acknowledged.
    const lines = sequenced.map(
      ({ index, leafHash, isNew, head }) =>
        `entry ${index} ${encodeHex(leafHash)} ${head.size} ${isNew ? "new" : "known"}\n`,
    );
    writeSync(1, lines.join(""));
  }
}

flushCompileCache(); // a killed process would not leave its cache behind
await Promise.all([0, 1, 2].map(submitUntilEnd));
await sequencer.close();
await store.close();
await database.close();
