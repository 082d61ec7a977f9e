/** What must hold in a browser, told in Node: nothing of `node:` is imported, and verify() needs noble alone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { test } from "node:test";
import packageJson from "../package.json" with { type: "json" };

const source = new URL("./", import.meta.url);
const noble = new URL(packageJson.imports["#crypto"].default.replace("./src/", "./"), source).href;

/** Every specifier that a module imports, exports from, or loads later; types alone are not loaded. */
function importsOf(text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;]*?\bfrom\s+)?"([^"]+)"/gm);
  const dynamic = text.matchAll(/\bimport\("([^"]+)"\)/g);
  return [...statements, ...dynamic].map(([, specifier]) => specifier ?? "");
}

/** All modules that can be reached from one, as a bundler for browsers would find them. */
function reachable(entry: string): Map<string, readonly string[]> {
  const modules = new Map<string, readonly string[]>();
  const waiting = [entry];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (modules.has(url)) continue;
    const specifiers = importsOf(readFileSync(new URL(url), "utf8"));
    modules.set(url, specifiers);
    for (const specifier of specifiers) {
      if (specifier.startsWith("node:")) continue;
      if (specifier === "#crypto") waiting.push(noble);
      else waiting.push(specifier.startsWith(".") ? new URL(specifier, url).href : import.meta.resolve(specifier));
    }
  }
  return modules;
}

for (const [name, path] of Object.entries(packageJson.exports)) {
  test(`the entry "${name}" reaches no module of Node's in a browser, through dependencies either`, () => {
    const modules = reachable(new URL(path.replace("./src/", "./"), source).href);
    assert.ok(
      [...modules.keys()].some((url) => url === noble),
      "the walk has followed imports to the provider",
    );
    for (const [url, specifiers] of modules) {
      assert.deepEqual(
        specifiers.filter((specifier) => specifier.startsWith("node:")),
        [],
        url,
      );
    }
  });
}

test("the walk sees Node's modules where there are some", () => {
  const specifiers = [...reachable(new URL("./crypto/node.ts", source).href).values()].flat();
  assert.ok(specifiers.includes("node:crypto"));
});

// From here on as in a browser: the promises of verify() must hold with the other provider too.
let swapped = 0;
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "#crypto") return next(specifier, context);
    swapped += 1;
    return { url: noble, shortCircuit: true };
  },
});
Reflect.deleteProperty(globalThis, "Buffer");
await import("./verify/verify.test.ts");
await import("./verify/certified.test.ts");
await import("./verify/adversaries.test.ts");

test("these tests ran with noble for a provider, and without Buffer", () => {
  assert.equal(swapped, 1);
  assert.equal("Buffer" in globalThis, false);
});
