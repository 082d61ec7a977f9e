/** Spanish words of the page `status`. */
import type { words as en } from "../en/status.ts";

export const words: typeof en = {
  title: "Estado",
};
