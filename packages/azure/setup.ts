// `npm run setup:azure`: installs the locked libraries of Azure and the emulators of the tests beside this package, where nothing
// else sees them, then checks this package's types against them.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

function run(command: string, args: readonly string[], cwd: string): void {
  const shell = command === "npm" && process.platform === "win32";
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell });
  if (status !== 0) process.exit(status ?? 1);
}

const npm = process.env["npm_execpath"];
const ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
run(
  npm === undefined ? "npm" : process.execPath,
  npm === undefined ? ci : [npm, ...ci],
  join(import.meta.dirname, "sdk"),
);
const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
run(process.execPath, [tsc, "-p", "."], import.meta.dirname);
