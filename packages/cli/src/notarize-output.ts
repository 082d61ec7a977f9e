/** What `notarize` and `watch` tell about each file, and at the end. */
import { type AttestryError, encodeHex } from "@attestry/core";
import type { FoundFile, WalkEvents } from "./files/walk.ts";
import type { NotarizeEvents, Outcome } from "./notarize.ts";
import { type Output, plain } from "./output.ts";
import type { ExitCode } from "./program.ts";
import { count, type Progress } from "./progress.ts";

export interface Ledger {
  readonly walk: WalkEvents;
  readonly files: NotarizeEvents;
  /** Prints the closing lines and gives the exit code. */
  finish(stopped: AttestryError | undefined): ExitCode;
}

type Tally = Record<Outcome["status"] | "skipped", number>;

/**
 * @param shown of each kind of line a person is shown this many; failures of a file's own are all shown, and JSON has
 *   everything
 */
export function createLedger(
  output: Output,
  progress: Progress,
  place: () => { readonly server: string; readonly origin: string },
  shown = 20,
): Ledger {
  const tally: Tally = { notarized: 0, already: 0, failed: 0, left: 0, skipped: 0 };
  let exit: ExitCode = 0;
  const say = (kind: keyof Tally, print: (text: string) => void, line: () => string): void => {
    tally[kind]++;
    if (tally[kind] > shown + 1 && kind !== "failed") return;
    progress.clear();
    print(tally[kind] === shown + 1 && kind !== "failed" ? "  … and more like this" : line());
  };
  const onOutcome = ({ path }: FoundFile, outcome: Outcome): void => {
    progress.addFiles(1);
    output.value(outcomeJson(path, outcome));
    const line = (): string => outcomeLine(path, outcome, output);
    if ("error" in outcome) {
      exit = Math.max(exit, outcome.error.facts.exit) as ExitCode;
      say(outcome.status, output.note, line);
    } else say(outcome.status, output.line, line);
  };
  return {
    walk: {
      onProblem: (path, error) => onOutcome({ path, relative: path }, { status: "failed", error }),
      onSkipped: (path, why) => say("skipped", output.note, () => `  ${plain(path)} is passed over: ${why}`),
    },
    files: { onBytes: progress.addBytes, onOutcome },
    finish(stopped) {
      if (stopped !== undefined) {
        exit = stopped.facts.exit;
        // of what repeating alone does not cure, the message says what does
        const again = stopped.facts.retry ? " Run the same command again for the rest." : "";
        output.note(`attestry: ${plain(stopped.message)}${again}`);
      }
      const { origin, server } = place();
      output.line(closing(tally, `${origin} (${server})`));
      return exit;
    },
  };
}

function outcomeLine(path: string, outcome: Outcome, output: Output): string {
  const cross = output.style("red", "✗");
  switch (outcome.status) {
    case "notarized": {
      const kept = outcome.kept === undefined ? "" : `; its earlier proof is kept as ${plain(outcome.kept)}`;
      const stored = outcome.object === undefined ? "" : `; stored as ${plain(outcome.object)}`;
      const proof = `${plain(outcome.proofPath)} (entry ${outcome.index})${stored}${kept}`;
      return `${output.style("green", "✓")} ${plain(path)} → ${proof}`;
    }
    case "already":
      return `  ${plain(path)} ${outcome.object === undefined ? "has its proof" : "is stored and has its proof"} already`;
    case "left":
      return `${cross} ${plain(path)} has no proof`;
    case "failed": {
      const { message, data } = outcome.error;
      return `${cross} ${plain(data["path"] === path ? message : `${path}: ${message}`)}`;
    }
  }
}

function outcomeJson(file: string, outcome: Outcome): object {
  if ("error" in outcome) {
    const { code, message } = outcome.error;
    return { file, status: "failed", error: { code, message } };
  }
  const { status, proofPath, digest, ...rest } = outcome;
  return { file, status, proof: proofPath, hash: encodeHex(digest), ...rest };
}

function closing(tally: Tally, where: string): string {
  const missing = tally.failed + tally.left;
  if (tally.notarized + tally.already + missing === 0) return "There is no file to notarise.";
  const parts = [`${files(tally.notarized)} notarised at ${where}`];
  if (tally.already > 0) parts.push(`${files(tally.already)} had a proof already`);
  if (missing > 0) parts.push(`${files(missing)} without a proof`);
  return `${parts.join("; ")}.`;
}

function files(number: number): string {
  return `${count(number)} ${number === 1 ? "file" : "files"}`;
}
