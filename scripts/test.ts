// Runs every test, or the files named on the command line, with Node's own runner; its closing lines count them.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync("packages/*/src/**/*.test.ts").sort();
const result = spawnSync(process.execPath, ["--test", "--test-timeout=600000", ...files], { stdio: "inherit" });
process.exit(result.status ?? 1);
