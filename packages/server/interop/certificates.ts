/** The check of the certificates that the notary prints: archival and accessible, as veraPDF judges. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { printed, run } from "./processes.ts";
import type { Report } from "./report.ts";
import type { Scene } from "./scene.ts";
import { pinnedByMaven, type Toolset } from "./tools.ts";

export async function checkCertificates(report: Report, java: Toolset, { notary, work }: Scene): Promise<void> {
  const verapdf = `veraPDF ${pinnedByMaven("validation-model")}`;
  const files = new Map<string, Buffer>();
  for (const language of ["en", "es"]) {
    const response = await fetch(`${notary.url}/v1/entries/0/certificate.pdf?lang=${language}`);
    if (!response.ok) throw new Error(`the certificate is not to be had: ${response.status}`);
    files.set(language, Buffer.from(await response.bytes()));
  }
  const write = (name: string, pdf: Buffer): string => {
    const file = join(work, `certificate-${name}.pdf`);
    writeFileSync(file, pdf);
    return file;
  };
  await report.check(verapdf, "certificates are PDF/A-2a and PDF/UA-1", java, async (commandOf) => {
    const paths = [...files].map(([language, pdf]) => write(language, pdf));
    printed(await run([...commandOf("ValidatePdf"), ...paths]));
    return `${paths.length} certificates, in English and Spanish`;
  });
  await report.check(verapdf, "refuses one that does not say that it is tagged", java, async (commandOf) => {
    const whole = files.get("en")?.toString("latin1") ?? "";
    const untagged = Buffer.from(whole.replace("/Marked true", "/Marked null"), "latin1");
    const { code, stdout } = await run([...commandOf("ValidatePdf"), write("untagged", untagged)]);
    if (code === 1 && stdout.includes("clause 6.7.2.2") && stdout.includes("clause 6.2")) return "refused twice";
    throw new Error(stdout);
  });
}
