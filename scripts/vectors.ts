// Writes vectors/*.json, the test vectors for other implementations: `npm run vectors`. A test compares them with what this one makes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeVectorFiles } from "../packages/core/test-kit/vectors.ts";

const folder = join(import.meta.dirname, "../vectors");
mkdirSync(folder, { recursive: true });
for (const [name, content] of await makeVectorFiles()) writeFileSync(join(folder, name), content);
