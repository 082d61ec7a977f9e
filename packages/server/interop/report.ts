/** Says of each check whether the stranger agreed. */
import type { CommandOf, Toolset } from "./tools.ts";

export interface Report {
  /** Runs a check when its tools are there. It gives what was seen, or throws what the stranger objects to. */
  check(tool: string, what: string, tools: Toolset, look: (commandOf: CommandOf) => Promise<string>): Promise<void>;
  /** Prints the count. True when something was checked and nobody disagreed. */
  finish(): boolean;
}

export function createReport(): Report {
  const counts = { agreed: 0, disagreed: 0, skipped: 0 };
  function tell(verdict: keyof typeof counts, title: string, detail: string): void {
    counts[verdict] += 1;
    console.log(`${verdict.padEnd(11)}${title}\n${detail.replace(/^/gm, " ".repeat(11))}`);
  }
  return {
    async check(tool, what, tools, look): Promise<void> {
      const title = `${tool}: ${what}`;
      if ("missing" in tools) return tell("skipped", title, tools.missing);
      try {
        tell("agreed", title, await look(tools.commandOf));
      } catch (error) {
        tell("disagreed", title, error instanceof Error ? error.message : String(error));
      }
    },
    finish(): boolean {
      console.log(`\n${counts.agreed} agreed, ${counts.disagreed} disagreed, ${counts.skipped} skipped`);
      return counts.agreed > 0 && counts.disagreed === 0;
    },
  };
}
