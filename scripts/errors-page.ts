// Writes docs/errors.md from the catalogue: `npm run docs:errors`. A test compares the two.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCatalogue } from "@attestry/core";

const rows = Object.entries(errorCatalogue).map(
  ([code, { status, retry, exit, meaning }]) =>
    `| \`${code}\` | ${status} | ${retry ? "yes" : "no"} | ${exit} | ${meaning} |`,
);
const page = `# Errors

Every error that Attestry raises on purpose has one of these codes; programs match on the code, never on the text. Over HTTP it
is a problem document (RFC 9457) with \`code\` and \`detail\`; SCRAPI answers with a concise problem (RFC 9290). \`retry\` says whether
the same request may succeed later, \`exit\` is the command's exit code.

| code | HTTP | retry | exit | meaning |
|---|---|---|---|---|
${rows.join("\n")}
`;
writeFileSync(join(import.meta.dirname, "../docs/errors.md"), page);
