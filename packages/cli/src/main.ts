/**
 * The program's start: sees to it that compiled code is cached, where `bin/attestry` has not, and hands over. Kept small, for then it
 * runs uncached itself.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { homeFolder } from "./home.ts";

// In the user's own folder: a cache that others can write would run their code. Going without costs only time.
const home = homeFolder();
const caches = process.env["XDG_CACHE_HOME"] || (home && join(home, ".cache"));
if (caches && !process.env["NODE_COMPILE_CACHE"]) {
  const { directory } = enableCompileCache(join(caches, "attestry"));
  if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] = join(caches, "attestry"); // for threads
}

const { main } = await import("./program.ts");
await main(process.argv.slice(2));
