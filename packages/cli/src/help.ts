/** The help that `attestry` and `attestry --help` show: a tour for a newcomer, then every command. */

export function tour(commands: readonly { name: string; summary: string }[]): string {
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `Attestry proves who made a file, that it has not changed, and when it existed.

Start here:
  attestry up                          start a notary on this machine (leave it running)
  attestry notarize deed.pdf           take the file's thumbprint, register it, write deed.pdf.proof
  attestry verify deed.pdf             check the file against its proof
  attestry verify deed.pdf --offline   the same, with no network at all
  attestry notarize --store deed.pdf   the same as above, and the notary keeps the file, encrypted

Without --store the file itself never leaves this machine: only its hash, signed with your key, is registered.
Whoever has the file and its proof can verify it, with no account and, if need be, without the notary.

Commands:
${list.join("\n")}

Each has examples: attestry COMMAND --help. Most take --json, for scripts.
Exit codes: 0 done or verified · 1 a negative verdict · 2 used wrongly · 3 cannot tell

Settings (an option on the command line goes first):
  ATTESTRY_SERVER      the notary's address      (http://127.0.0.1:8080)
  ATTESTRY_DATA        keys, and a notary's data (~/.attestry)
  ATTESTRY_PASSPHRASE  opens encrypted keys
  ATTESTRY_TOKEN       says who you are, for vault and administration (admin.token in the data folder)
`;
}

/** The examples under a command's help: pairs of a command line and what it does. */
export function examples(...pairs: readonly (readonly [command: string, meaning: string])[]): string {
  const lines = pairs.map(([command, meaning]) => `  ${command}\n      ${meaning}`);
  return `\nExamples:\n${lines.join("\n")}\n`;
}
