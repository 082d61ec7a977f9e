/** Asks for a passphrase on the terminal without showing what is typed. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { AttestryError } from "@attestry/core";

let asking = false;

/** Whether somebody is being asked: until they answer nothing else is drawn on the terminal. */
export function isAsking(): boolean {
  return asking;
}

/** @throws USAGE_PASSPHRASE when there is no terminal to ask on, or nothing was typed */
export async function askPassphrase(question: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new AttestryError(
      "USAGE_PASSPHRASE",
      "A passphrase is needed. Set ATTESTRY_PASSPHRASE or give --passphrase-file.",
    );
  }
  asking = true;
  process.stderr.write(`\r\x1b[2K${question}`); // a progress line may stand there
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: unseen, terminal: true });
  terminal.on("SIGINT", () => process.exit(130)); // the interface takes Ctrl-C for itself
  try {
    const answer = await terminal.question("").catch((error: unknown) => {
      if ((error as Error).name === "AbortError") return ""; // Ctrl-D
      throw error;
    });
    if (answer === "") throw new AttestryError("USAGE_PASSPHRASE", "No passphrase was typed.");
    return answer;
  } finally {
    asking = false;
    terminal.close();
    process.stderr.write("\n");
  }
}

/** A new passphrase, typed twice. @throws USAGE_PASSPHRASE */
export async function askNewPassphrase(what: string): Promise<string> {
  const first = await askPassphrase(`New passphrase for ${what}: `);
  if (first === (await askPassphrase("The same again: "))) return first;
  throw new AttestryError("USAGE_PASSPHRASE", "The two passphrases differ.");
}
