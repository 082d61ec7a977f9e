/** First contact: the notary's keys are noted as soon as the page meets it, so that a later impostor shows. */
import { notePin } from "./trust-store.ts";

/** Resolves when the keys are noted, or the notary cannot be met now; then it is met when it answers. */
export async function meetNotary(): Promise<void> {
  try {
    const response = await fetch("/v1/status");
    if (response.ok) notePin(await response.json()); // which takes nothing that does not look like keys
  } catch {
    // away: this says nothing about any file
  }
}
