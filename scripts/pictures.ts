// Takes the README's pictures of the portal: `npm run pictures` runs the browser tests that make them and copies theirs.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const pictures = {
  "verify-verified-en-desktop": "verified",
  "verify-altered-en-desktop": "altered",
  "status-desktop": "status",
  "notarize-desktop": "notarize",
  "vault-video-desktop": "vault",
  "admin-audit-fails": "audit",
};
const tests = ["verify/verify", "status/status", "notarize/notarize", "vault/vault", "admin/admin"].map((name) =>
  join(root, `packages/portal/src/pages/${name}.test.ts`),
);

const { status } = spawnSync(process.execPath, ["--test", ...tests], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
mkdirSync(join(root, "docs/pictures"), { recursive: true });
for (const [taken, name] of Object.entries(pictures))
  copyFileSync(join(root, `.tmp/screenshots/${taken}.png`), join(root, `docs/pictures/${name}.png`));
