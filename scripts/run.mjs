// Runs one of the project's programs on the Node that the lockfile pins, after installing the locked dependencies when
// they are missing or out of date: `node scripts/run.mjs FILE [ARGUMENT…]`. So a fresh clone needs one command and any Node.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function installWhenNeeded() {
  const stamp = join(root, "node_modules", ".attestry-lock");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("attestry: installing the locked dependencies (once; about a minute)");
  const npm = process.env.npm_execpath;
  // The machine's Node may be older than some packages ask for; they run on the pinned one, so that warning is noise.
  const ci = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const options = { cwd: root, stdio: ["ignore", "inherit", "inherit"], shell: !npm && process.platform === "win32" };
  const result = npm ? spawnSync(process.execPath, [npm, ...ci], options) : spawnSync("npm", ci, options);
  if (result.status !== 0) {
    console.error("attestry: npm could not install the dependencies (see above). Check the network, then try again.");
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, wanted);
}

/** The pinned runtime's executable; the current one on a platform that the pinned packages do not cover. */
function pinnedNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const executable = process.platform === "win32" ? "node.exe" : "node";
  const paths = Object.keys(optionalDependencies).map((name) => join(root, "node_modules", name, "bin", executable));
  return paths.find(existsSync) ?? process.execPath;
}

/** The notary serves the portal, so its start is where the portal must be current. It starts without one where that fails. */
function buildPortalWhenNeeded() {
  const build = join(root, "packages/portal/build.ts");
  const { status } = spawnSync(pinnedNode(), [build, "--if-needed"], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0)
    console.error("attestry: the portal could not be built (see above); the notary starts all the same.");
}

installWhenNeeded();
const [file, ...args] = process.argv.slice(2);
if (file === undefined) process.exit(0);
const isNotary = args[0] === "up";
if (isNotary) buildPortalWhenNeeded();
// Options and cache as in packages/cli/bin/attestry.
const options = isNotary ? readFileSync(join(root, "packages/cli/bin/up.options"), "utf8").trim().split(" ") : [];
// The channel lets a server notice that this parent is gone, however it went.
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "attestry");
const env = isNotary ? { NODE_COMPILE_CACHE: cache, ...process.env } : process.env;
const stdio = ["inherit", "inherit", "inherit", "ipc"];
const child = spawn(pinnedNode(), [...options, join(root, file), ...args], { env, stdio });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
