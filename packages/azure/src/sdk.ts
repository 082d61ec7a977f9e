/** Loads Microsoft's libraries, which are not installed with this package, at their first use. */
import { createRequire } from "node:module";
import { AttestryError } from "@attestry/core";

/** Where to look: what the program that uses this package has installed, then what `npm run setup:azure` has. */
const places = [import.meta.url, new URL("../sdk/package.json", import.meta.url)].map((place) => createRequire(place));

/**
 * A library by its name, as its type says.
 * @param user another library that brings it along
 * @throws USAGE when it is not installed
 */
export function loadSdk<T>(name: string, user?: string): T {
  for (const require of places) {
    try {
      return (user === undefined ? require : createRequire(require.resolve(user)))(name) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new AttestryError(
    "USAGE",
    `${name} is not installed. In a clone of Attestry: npm run setup:azure. Else: npm install ${name}`,
  );
}

/** Whether a library is installed; asks without loading it. */
export function hasSdk(name: string): boolean {
  return places.some((require) => {
    try {
      return require.resolve(name) !== "";
    } catch {
      return false;
    }
  });
}
