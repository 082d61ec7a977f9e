/**
 * Builds the portal into `dist/`: `node packages/portal/build.ts`. With `--if-needed` it builds only when the sources are not
 * those that `dist/` was made of. The new folder takes the old one's place in one step, so whoever reads it meets a whole one.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root: string = join(import.meta.dirname, "../..");
/** What the notary serves. */
export const distFolder: string = join(import.meta.dirname, "dist");
const stampFile = ".stamp";

/** Hash of everything that `dist/` is made of. */
function sourcesStamp(): string {
  const hash = createHash("sha256");
  const patterns = ["packages/portal/{src,public}/**/*", "packages/core/src/**/*.ts"];
  const single = ["packages/portal/index.html", "packages/portal/build.ts", "package-lock.json"];
  const files = globSync(patterns, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...files.sort(), ...single.map((name) => join(root, name))]) {
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex");
}

function isCurrent(stamp: string): boolean {
  const path = join(distFolder, stampFile);
  return existsSync(path) && readFileSync(path, "utf8") === stamp;
}

/** Makes `dist/` current; does nothing when it is. */
export async function buildIfNeeded(): Promise<void> {
  const stamp = sourcesStamp();
  if (!isCurrent(stamp)) await build(stamp);
}

async function build(stamp: string): Promise<void> {
  const folder = join(root, ".tmp", `portal-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await bundle(folder);
    await compressAll(folder);
    writeFileSync(join(folder, stampFile), stamp);
    replaceDist(folder, stamp);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two builds may end at once: either is as good, and the first one's may be being read by now. */
function replaceDist(folder: string, stamp: string): void {
  if (isCurrent(stamp)) return;
  rmSync(distFolder, { recursive: true, force: true });
  try {
    renameSync(folder, distFolder);
  } catch (error) {
    if (!isCurrent(stamp)) throw error;
  }
}

async function bundle(outDir: string): Promise<void> {
  const { build: viteBuild } = await import("vite");
  const common = {
    configFile: false,
    root: import.meta.dirname,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  } as const;
  await viteBuild({
    ...common,
    build: {
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { checks: { pluginTimings: false } },
    },
    worker: { format: "es" },
    css: {
      preprocessorOptions: {
        scss: { loadPaths: [join(root, "node_modules/@uswds/uswds/packages")], quietDeps: true },
      },
    },
  });
  const assets = globSync("**/*", { cwd: outDir, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "index.html")
    .map((entry) => join(entry.parentPath, entry.name).slice(outDir.length).replaceAll("\\", "/"))
    .sort();
  const version = createHash("sha256")
    .update(readFileSync(join(outDir, "index.html")))
    .digest("hex")
    .slice(0, 12);
  await viteBuild({
    ...common,
    publicDir: false,
    define: { __ASSETS__: JSON.stringify(["/", ...assets]), __VERSION__: JSON.stringify(version) },
    build: {
      outDir,
      emptyOutDir: false,
      modulePreload: false,
      rolldownOptions: {
        input: join(import.meta.dirname, "src/service-worker.ts"),
        output: { entryFileNames: "sw.js" },
      },
    },
  });
}

/** Beside each file that gets smaller by it: `.br` and `.gz`. */
async function compressAll(folder: string): Promise<void> {
  const names = globSync("**/*.{js,css,html,svg,webmanifest}", { cwd: folder });
  await Promise.all(
    names.map(async (name) => {
      const bytes = readFileSync(join(folder, name));
      const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
      writeFileSync(join(folder, `${name}.br`), await promisify(brotliCompress)(bytes, { params }));
      writeFileSync(join(folder, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }));
    }),
  );
}

if (import.meta.main) {
  if (process.argv.includes("--if-needed")) await buildIfNeeded();
  else await build(sourcesStamp());
}
