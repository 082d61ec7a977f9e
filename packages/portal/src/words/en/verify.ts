/** English words of the verify page. */
import { verdicts } from "./verdicts.ts";

export const words = {
  verdicts: verdicts as typeof verdicts,
  title: "Verify a file",
  intro:
    "Check who signed a document, photo or recording, when it existed, and that nothing in it has changed since. No account is needed.",
  drop: "Drop a file here, with its proof if you have one, or",
  choose: "choose from this device",
  dropHint: "Any kind and size. The file stays on your device: only its thumbprint is compared.",
  dropMore: {
    proof: "Have its proof file (.proof)? Drop it here, or",
    file: "Drop the file to compare here, or",
    again: "Check another file: drop it here, or",
  },
  points: {
    private: {
      title: "Private",
      text: "Your file is read in this browser and never sent anywhere.",
    },
    independent: {
      title: "Independent",
      text: "The proof is checked on your device, step by step. You need not believe this notary.",
    },
    offline: {
      title: "Without a network",
      text: "Once open, this page checks a file with its proof even when you are offline.",
    },
  },
  link: {
    title: "You followed the link of a certificate",
    text: "The record that it names is shown below. Add the file that you were given, and it is compared with that record.",
  },
  hashing: (name: string): string => `Taking the thumbprint of ${name}`,
  checking: "Checking the proof",
  amount: (done: string, all: string): string => `${done} of ${all}`,
  cancel: "Cancel",
  cancelled: "Cancelled. Nothing was checked.",
  file: "File",
  proofFile: "Proof",
  proofFromNotary: "from this notary",
  cautions: {
    unreachable:
      "The notary cannot be reached. The proof was checked all the same; only whether it was replaced or revoked lately is not known.",
    another_log:
      "This notary does not keep the log that the proof is from, so it could not be asked whether the record was replaced or revoked.",
    other_keys:
      "This notary shows other keys than those that you trust, so it was asked nothing more. See what you trust, below.",
    entry_lost:
      "The proof shows an entry that this notary no longer has: the log was rewritten, or an old copy of it was put back. Keep the proof: it is the evidence.",
    keys_changed:
      "The keys of this notary are not those that this browser noted at first contact. Somebody may be posing as it. Ask its operator before you go on.",
  },
  ended: "Withdrawn on",
  others: (names: string): string =>
    `Others registered the same content as well, and that stands; the verdict is on its first record. They are: ${names}`,
  ownEntry: "Show the file’s own record",
  download: "Download the proof",
  another: "Start over",
  addFile: "Add the file",
  trust: {
    heading: "What this verdict rests on",
    idle: "What this page trusts",
    noted: (origin: string): string =>
      `The keys of the log ${origin}, as this browser noted them at its first contact with this notary on `,
    notedMeaning:
      "That is as good as your connection was then. For a court or a large sum, install the trust file that the agency publishes.",
    nothing: "Nothing yet: this browser has not met this notary before.",
    file: (name: string): string => `The trust file ${name}, which you installed. It names: `,
    install: "Install a trust file:",
    choose: "choose a .json file",
    remove: "Remove the trust file",
    forget: "Forget the noted keys",
    refused: "This trust file cannot be used.",
    installed: "The trust file is installed. It counts from now on.",
    removed: "Removed. The noted keys count again.",
    forgotten: "Forgotten. The keys are noted anew at the next contact.",
  },
  problems: {
    many: "Please drop one file, or one file and its proof.",
    unreadable: "The file could not be read. It may have been moved or changed meanwhile. Choose it again.",
    failed: "The check could not be started. Reload the page and try again.",
    trust: "The installed trust file cannot be used any more. Remove it or install it again, below.",
    link: "The link names no record. Check that it was copied whole.",
  },
};
