// `npm run interop`: a real notary registers 700 statements, and tools that others wrote check all that it publishes: Go's and
// Tessera's, Python's, Java's, OpenSSL's. Each check prints agreed, disagreed or skipped; see docs/interop.md.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCertificates } from "./certificates.ts";
import { checkLog, checkSignatures, checkStatements } from "./checks.ts";
import { killAll } from "./processes.ts";
import { createReport } from "./report.ts";
import { makeScene } from "./scene.ts";
import { goTools, javaTools, opensslTool, pythonTools } from "./tools.ts";
import { checkVault } from "./vault.ts";
import { checkOurWitness, checkTheirWitness } from "./witnesses.ts";

const work = mkdtempSync(join(tmpdir(), "attestry-interop-"));

function cleanUp(): void {
  killAll();
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
}

try {
  console.error("interop: getting the tools (some minutes the first time)");
  const [go, python] = [await goTools(work), await pythonTools(work)];
  const [java, openssl] = [await javaTools(work), await opensslTool()];
  console.error("interop: registering 700 statements");
  const scene = await makeScene(work, go);
  const report = createReport();
  await checkTheirWitness(report, go, scene);
  await checkLog(report, go, scene);
  await checkStatements(report, python, scene);
  await checkSignatures(report, openssl, scene);
  await checkCertificates(report, java, scene);
  await checkVault(report, python, work);
  await checkOurWitness(report, go, work);
  await scene.notary.stop();
  process.exitCode = report.finish() ? 0 : 1;
} finally {
  cleanUp();
}
