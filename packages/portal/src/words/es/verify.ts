/** Spanish words of the verify page. */
import type { words as en } from "../en/verify.ts";

export const words: typeof en = {
  title: "Verificar un archivo",
};
