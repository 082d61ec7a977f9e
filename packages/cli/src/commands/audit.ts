/** `attestry audit`: derives all that a notary stores from its entries again, and names each thing that does not agree. */
import { AttestryError, encodeHex, isAttestryError } from "@attestry/core";
import type { DataAuditSummary, Finding, VaultFinding } from "@attestry/server";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { type Output, plain, writeOut } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { count, createProgress } from "../progress.ts";
import { iso } from "../report-text.ts";
import { databaseUrl, dataFolder, passphraseFrom } from "../settings.ts";

interface Options {
  readonly data?: string;
  readonly database?: string;
  readonly witness?: readonly string[];
  readonly passphraseFile?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Derives every leaf hash, tile, root, checkpoint and index row of a notary's data from its entries again, and names each " +
        "that does not hold, with what was expected; then the same of the vault: every custody event, row and stored segment. It " +
        "changes nothing, may run beside the notary, and needs a passphrase only to open what the vault holds.",
    )
    .option("--data <dir>", "the notary's data folder (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--database <url>", "the database that has the log (or set ATTESTRY_DATABASE)")
    .option("--witness <vkey...>", "check the cosignatures by this key of a witness; once for each key that it shows")
    .option("--passphrase-file <file>", "opens the vault's keyring (or set ATTESTRY_PASSPHRASE)")
    .option("--json", "print one JSON object with ok, treeSize, vault and findings")
    .addHelpText(
      "after",
      `${examples(
        ["attestry audit --data /srv/notary", "checks all that is stored there"],
        ["attestry audit --data /srv/notary --json", "the same for a script"],
      )}\nExit codes: 0 all holds · 1 something does not\n`,
    );
  action<Options>(command, audit);
}

async function audit({ output }: Context, options: Options): Promise<ExitCode> {
  const data = dataFolder(options.data);
  const progress = createProgress("Auditing", !output.json, "entries");
  let done = 0;
  const { auditData } = await import("@attestry/server");
  const database = databaseUrl(options.database);
  const findings = auditData({
    data,
    passphrase: passphraseFrom(options.passphraseFile),
    ...(database === undefined ? {} : { database }),
    witnessKeys: options.witness ?? [],
    onProgress(entries, total) {
      progress.setTotal(total, 0);
      progress.addFiles(entries - done);
      done = entries;
    },
  });
  // What keeps it from beginning is thrown here, before anything is printed.
  const first = await findings.next().catch((error: unknown) => {
    throw database === undefined ? wrongFolder(error, data) : error;
  });
  const report = output.json ? jsonReport() : textReport(output, data, () => progress.clear());
  let found = 0;
  for (let step = first; ; step = await findings.next()) {
    if (step.done) {
      progress.end();
      report.end(step.value, found);
      return found === 0 ? 0 : 1;
    }
    found++;
    report.add(step.value);
  }
}

/** No log in a folder is a folder that was meant otherwise, and nothing that does not hold. */
function wrongFolder(error: unknown, data: string): unknown {
  if (!isAttestryError(error) || error.code !== "NOT_FOUND") return error;
  const message = `There is no log in ${data}, or it may not be read. Name the notary's folder with --data.`;
  return new AttestryError("USAGE_FILE", message, { data: { path: data }, cause: error });
}

interface Report {
  add(finding: Finding | VaultFinding): void;
  end(summary: DataAuditSummary, found: number): void;
}

/** One object, written as it comes: a log in ruins has more findings than fit in memory. */
function jsonReport(): Report {
  let separator = "";
  writeOut('{"findings":[');
  return {
    add(finding) {
      writeOut(separator + JSON.stringify(finding));
      separator = ",";
    },
    end({ head, vault, limits }, found) {
      const { size = 0, rootHash, time } = head ?? {};
      const newest = { ...(rootHash && { rootHash: encodeHex(rootHash) }), ...(time && { checkpointTime: iso(time) }) };
      writeOut(
        `],${JSON.stringify({ ok: found === 0, treeSize: size, ...newest, ...(vault && { vault: totals(vault) }), limits }).slice(1)}\n`,
      );
    },
  };
}

const totals = ({ objects, events, bytes }: NonNullable<DataAuditSummary["vault"]>) => ({ objects, events, bytes });

function textReport(output: Output, data: string, clear: () => void): Report {
  return {
    add({ message, expected, found }) {
      clear();
      output.line(`${output.style("red", "✗")} ${plain(message)}`);
      if (expected !== undefined) output.line(`    expected  ${plain(expected)}`);
      if (found !== undefined) output.line(`    found     ${plain(found)}`);
    },
    end({ head, vault, limits }, found) {
      const stored = vault && `; ${count(vault.objects)} stored objects, ${count(vault.events)} custody events`;
      const entries = `${count(head?.size ?? 0)} entries, every tile, root, checkpoint and index row`;
      const what = `${entries}${stored ?? ""} of ${plain(data)}`;
      const failed = found === 1 ? "1 thing does not hold" : `${count(found)} things do not hold`;
      if (found === 0) output.line(`${output.style(["green", "bold"], "✓ All holds")}: ${what}.`);
      else output.line(`${output.style(["red", "bold"], `✗ ${failed}`)}, named above: ${what}.`);
      for (const limit of limits) output.line(`  Not covered: ${plain(limit)}`);
    },
  };
}
