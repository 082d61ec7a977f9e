// Runs every test, or the files named on the command line, with Node's own runner; its closing lines count them.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync("packages/*/src/**/*.test.ts").sort();
// As many files at once as there are cores: most of them wait for other processes half of the time.
const options = ["--test", "--test-timeout=600000", `--test-concurrency=${availableParallelism()}`];
const result = spawnSync(process.execPath, [...options, ...files], { stdio: "inherit" });
process.exit(result.status ?? 1);
