// `npm run bench`: what Attestry does, as a ratio to what the machine can do, both measured in this run. Prints a table and
// writes bench/out/bench.json. `npm run bench -- hashing verify` runs only those parts; `--quick` makes each short.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { benchAnchoring } from "./anchoring.ts";
import type { Bench, Figure } from "./figure.ts";
import { benchGrowth } from "./growth.ts";
import { benchHashing } from "./hashing.ts";
import { benchPortal } from "./portal.ts";
import { benchPostgres } from "./postgres.ts";
import { benchRegistration } from "./registration.ts";
import { benchVault } from "./vault.ts";
import { benchVerify } from "./verify.ts";

const parts: Readonly<Record<string, Bench>> = {
  registration: benchRegistration,
  hashing: benchHashing,
  verify: benchVerify,
  anchoring: benchAnchoring,
  vault: benchVault,
  postgres: benchPostgres,
  growth: benchGrowth,
  portal: benchPortal,
};

const quick = process.argv.includes("--quick");
const named = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const unknown = named.find((word) => parts[word] === undefined);
if (unknown !== undefined) {
  console.error(`bench: there is no part "${unknown}"; the parts are ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "attestry-bench-"));
const figures: Figure[] = [];
try {
  for (const name of named.length > 0 ? named : Object.keys(parts)) {
    console.error(`bench: ${name} …`);
    figures.push(...((await parts[name]?.({ folder, quick })) ?? []));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  commit: execFileSync("git", ["-C", root, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  date: new Date().toISOString(),
  quick,
};
mkdirSync(join(root, "bench/out"), { recursive: true });
writeFileSync(join(root, "bench/out/bench.json"), `${JSON.stringify({ machine, figures }, null, 2)}\n`);

console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, commit ${machine.commit}`,
);
console.table(
  figures.map(({ name, value, unit, limit, target }) => ({
    figure: name,
    measured: `${format(value)} ${unit}`,
    "limit, same run": limit === undefined ? "" : `${format(limit.value)} ${unit} (${limit.name})`,
    ratio: limit === undefined ? "" : format(value / limit.value),
    target:
      target === undefined
        ? ""
        : `${target.atLeast === undefined ? "≤" : "≥"} ${target.atLeast ?? target.atMost}${target.of === "value" ? ` ${unit}` : ""}`,
    met: met({ name, value, unit, ...(limit && { limit }), ...(target && { target }) }),
  })),
);

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

function met({ value, limit, target }: Figure): string {
  if (target === undefined) return "";
  const subject = target.of === "value" ? value : value / (limit?.value ?? Number.NaN);
  const good = target.atLeast !== undefined ? subject >= target.atLeast : subject <= (target.atMost ?? Number.NaN);
  return good ? "yes" : "NO";
}
