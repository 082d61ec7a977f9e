/** `attestry audit`: derives all that a notary stores from its entries again, and names each thing that does not agree. */
import type { Command } from "commander";
import { examples } from "../help.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { dataFolder } from "../settings.ts";

interface Options {
  readonly data?: string;
}

export function configure(command: Command): void {
  command
    .description(
      "Derives every leaf hash, tile, root, checkpoint and index row of a notary's data from its entries again, and names each " +
        "that does not hold, with what was expected. Reads only; it may run beside the notary.",
    )
    .option("--data <dir>", "the notary's data folder (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `${examples(["attestry audit --data /srv/notary", "checks all that is stored there"])}\nExit codes: 0 all holds · 1 something does not\n`,
    );
  action<Options>(command, audit);
}

async function audit({ output }: Context, options: Options): Promise<ExitCode> {
  dataFolder(options.data);
  output.note("soon");
  return 3;
}
