/** English words that every page shares. */
export const words = {
  skip: "Skip to main content",
  navigation: "Main",
  language: "Language",
  languages: { en: "English", es: "Español" },
  pages: {
    verify: "Verify",
    search: "Search",
    status: "Status",
    notarize: "Notarize",
    vault: "Vault",
    admin: "Administration",
  },
  signedInAs: "Signed in as",
  signIn: {
    heading: "Sign in first",
    with: (label: string): string => `Sign in with ${label}`,
    local: "On the notary’s own machine: open the link that the command shows when the notary starts.",
  },
  signOut: "Sign out",
  signOutFailed: "You could not be signed out. Try again.",
  underWay: {
    count: (files: number): string =>
      files === 1 ? "1 file is still being notarized" : `${files} files are still being notarized`,
    goesOn: "Notarizing goes on while you look at this page. Keep this tab open until it is done.",
  },
  problem: {
    unreachable: "The notary cannot be reached.",
    rate: "That was too much at once. Wait some seconds.",
    refused: "The notary could not answer this.",
    shown: "What you see is as of",
  },
  footer: {
    about:
      "This notary keeps signed thumbprints of files in a log that can only grow. The files themselves stay with their owners.",
    interface: "Interface for programs",
    checkpoint: "Newest checkpoint of the log",
  },
};
