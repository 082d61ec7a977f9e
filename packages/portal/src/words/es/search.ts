/** Spanish words of the page `search`. */
import type { words as en } from "../en/search.ts";

export const words: typeof en = {
  title: "Buscar",
};
