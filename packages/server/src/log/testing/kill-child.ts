/**
 * A process that registers entries as fast as it can and prints each answer, until its parent kills it, or it kills itself at
 * the step that KILL_AT names (`kill-steps.ts`). Arguments: the log's folder, and a word for new names.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { encodeHex } from "@attestry/core";
import { openSqliteStore } from "../sqlite-store.ts";
import type { LogStore } from "../store.ts";
import { reach } from "./kill-steps.ts";
import { openSequencer, origin, sampleEntry, signHead } from "./sample-log.ts";

const [folder = "", word = ""] = process.argv.slice(2);
flushCompileCache(); // the parent's tests start hundreds of these; a killed one would not leave its cache behind

function tellSteps(store: LogStore): LogStore {
  return {
    ...store,
    async findSeen(statements) {
      const found = await store.findSeen(statements);
      reach("findSeen");
      return found;
    },
    async append(batch) {
      await store.append(batch);
      reach("append");
    },
  };
}

const store = openSqliteStore({ folder, origin, thread: new URL("./kill-thread.ts", import.meta.url) });
reach("open");
const sequencer = await openSequencer(tellSteps(store), {
  signHead: (head) => {
    reach("sign");
    return signHead(head);
  },
});

/** New entries, and now and then one that this process has submitted before. Ends when nothing kills it. */
async function submitUntilKilled(submitter: number): Promise<void> {
  for (let made = 0; made < 5000; ) {
    const width = 1 + Math.floor(Math.random() * 12);
    const names = Array.from({ length: width }, () => {
      const isRepeated = made > 0 && Math.random() < 0.1;
      return isRepeated ? Math.floor(Math.random() * made) : made++;
    });
    const sequenced = await sequencer.submit(names.map((n) => sampleEntry(`${word}-${submitter}-${n}`)));
    // Written in one piece and at once: what the parent has read was acknowledged.
    const lines = sequenced.map(({ index, leafHash, head }) => `${index} ${encodeHex(leafHash)} ${head.size}\n`);
    writeSync(1, lines.join(""));
    reach("answer");
  }
}

await Promise.all([0, 1, 2].map(submitUntilKilled));
