/**
 * A process that takes an object through its life and prints what was acknowledged, until it kills itself at the step that KILL_AT
 * names, as in "after objects.seal:2": after the second time. Without KILL_AT it prints its steps. Argument: the data folder; an
 * upload to go on with, when there is one.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { localPlace, openTestVault, sampleContent, sampleKeys } from "./sample-vault.ts";
import { playScenario, tellSteps } from "./steps.ts";

const [folder = "", begun] = process.argv.slice(2);
const [killStep, killCount] = (process.env["KILL_AT"] ?? "").split(":");
let left = Number(killCount);

// The parent's tests start many of these; a killed one would not leave its cache behind.
flushCompileCache();

function reach(step: string): void {
  if (killStep === "") writeSync(1, `step ${step}\n`);
  if (step !== killStep) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, "SIGKILL");
}

let newest = 1;
const keys = {
  get id() {
    return sampleKeys(newest).id;
  },
  wrap: (dataKey: Uint8Array, context: string) => sampleKeys(newest).wrap(dataKey, context),
  unwrap: (wrapped: Uint8Array, context: string) => sampleKeys(2).unwrap(wrapped, context),
};
const place = localPlace(folder);
const cleaning: (() => void | Promise<void>)[] = [];
const vault = await openTestVault(
  { after: (clean) => void cleaning.unshift(clean) },
  {
    folder,
    keys,
    catalogue: tellSteps("catalogue", await place.openCatalogue(), reach),
    objects: tellSteps("objects", await place.openObjects(), reach),
    tellIssuer: (issuer) => tellSteps("log", issuer, reach),
  },
);
await playScenario(
  {
    vault,
    content: sampleContent(2_200_000, 7),
    rotate(): void {
      newest = 2;
    },
    say: (what, id) => void writeSync(1, `${what} ${id}\n`),
    again: (step) => step(),
  },
  begun,
);
for (const clean of cleaning) await clean();
