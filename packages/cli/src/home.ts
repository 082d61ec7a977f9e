/** The user's home folder; nothing but Node is loaded for it. */
import { homedir } from "node:os";
import { isAbsolute } from "node:path";

/** Undefined for a user who has none: $HOME is empty or no whole path, or there is neither $HOME nor an account of that user. */
export function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined;
  }
}
