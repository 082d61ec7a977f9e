/** Spanish words of the page `entry`. */
import type { words as en } from "../en/entry.ts";

export const words: typeof en = {
  title: "Asiento",
};
