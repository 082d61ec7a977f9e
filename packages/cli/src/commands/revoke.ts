/** `attestry revoke`: registers a statement that takes an earlier one back, for a reason that verifiers are shown. */
import { encodeHex } from "@attestry/core";
import type { Command } from "commander";
import { contactNotary } from "../contact.ts";
import { examples } from "../help.ts";
import { addIdentityOptions, type IdentityOptions, openIdentity } from "../identity.ts";
import { plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { readProof, relationTo } from "../proof.ts";
import { registerOne } from "../registration.ts";
import { checkText, dataFolder, serverUrl } from "../settings.ts";
import { signDigest } from "../thumbprint.ts";

interface Options extends IdentityOptions {
  readonly reason: string;
  readonly server?: string;
  readonly data?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Registers a statement that takes an earlier one back. Nothing is erased: the record stays proven, and whoever verifies " +
        "it at the notary from now on sees that it was revoked, by whom, and why.",
    )
    .argument("<proof>", "the proof of what is revoked, or the file that it stands beside")
    .requiredOption("--reason <text>", "why, shown to everyone who verifies it; no personal data")
    .option("--server <url>", "the notary (default: $ATTESTRY_SERVER or http://127.0.0.1:8080)")
    .option("--data <dir>", "data folder with your key (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--json", "print one JSON object");
  addIdentityOptions(command).addHelpText(
    "after",
    examples(["attestry revoke deed.pdf --reason 'issued in error'", "takes back what deed.pdf.proof proves"]),
  );
  action<Options>(command, (context, options, path) => revoke(context, options, path as string));
}

async function revoke({ output }: Context, options: Options, path: string): Promise<ExitCode> {
  checkText("--reason", options.reason);
  const proof = readProof(path);
  const server = serverUrl(options.server);
  const data = dataFolder(options.data);
  const { notary } = await contactNotary(server, data);
  const identity = await openIdentity(options, { data, server, notary }, output);
  const { issuer, subject, digest } = proof.statement;
  if (identity.issuer !== issuer) {
    output.note(
      `Note: it was issued by ${plain(issuer)}, and you sign as ${plain(identity.issuer)}. That counts only where`,
    );
    output.note("a trust file names you for it.");
  }
  const relation = relationTo(proof, "revokes", options.reason);
  const after = await notary.newestCheckpoint();
  const connection = { identity, ...(after && { after }) };
  const { index } = await registerOne(identity, notary, await signDigest(digest, connection, { subject, relation }));
  output.value({ revoked: encodeHex(relation.target), index, reason: options.reason });
  output.line(`${output.style("green", "✓")} revoked, by entry ${index}: ${plain(options.reason)}`);
  return 0;
}
