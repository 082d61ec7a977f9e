/** First words with a notary: is it there, and is it the log that it was the last time? */
import { AttestryError, isAttestryError } from "@attestry/core";
import { createNotaryClient, type NotaryClient, type NotaryStatus } from "@attestry/core/client";
import { changedKeysWarning, openPins, type Pins } from "./pins.ts";

export interface Contact {
  readonly notary: NotaryClient;
  readonly status: NotaryStatus;
  readonly pins: Pins;
}

/**
 * Reaches the notary and compares its keys with the pinned ones; pins them at first contact. The client that it gives does the same
 * with keys that it meets later: a command that runs on when the log's keys change stops there, as one that is started then does.
 * @throws UNAVAILABLE_SERVER, UNAVAILABLE_TIMEOUT, VERIFY_UNTRUSTED when the keys are not the pinned ones
 */
export async function contactNotary(url: string, dataFolder: string): Promise<Contact> {
  const meet = (status: NotaryStatus): Pins => {
    const pins = openPins(dataFolder);
    const pin = pins.find(status.origin);
    if (pin !== undefined && pins.matches(status) === false) {
      const message = changedKeysWarning(pin, pins.path, " and start again");
      throw new AttestryError("VERIFY_UNTRUSTED", message, { data: { origin: status.origin } });
    }
    pins.add(status, `the notary at ${url}`);
    return pins;
  };
  const notary = createNotaryClient({ url, checkKeys: meet });
  const status = await reach(notary, url);
  return { notary, status, pins: meet(status) };
}

async function reach(notary: NotaryClient, url: string): Promise<NotaryStatus> {
  try {
    return await notary.status();
  } catch (error) {
    // something that answers is there, whatever it is: `attestry up` would not cure that
    if (!isAttestryError(error) || error.code !== "UNAVAILABLE_SERVER") throw error;
    if (error.data["server"] === undefined || error.data["certificate"] !== undefined) throw error;
    const message = `The notary at ${url} cannot be reached. Start one with "attestry up", or name another with --server.`;
    throw new AttestryError("UNAVAILABLE_SERVER", message, { data: error.data, cause: error });
  }
}
