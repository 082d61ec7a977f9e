/** Spanish words of the page `notarize`. */
import type { words as en } from "../en/notarize.ts";

export const words: typeof en = {
  title: "Notarizar",
};
