/**
 * The names that a notary's HTTP API takes, each as a pattern of JSON Schema (a RegExp with the flag u) and in words: the server refuses what is not of
 * the form, and who asks it may say so sooner.
 */
export interface Form {
  readonly pattern: string;
  /** What it takes, as the end of a sentence. */
  readonly description: string;
}

/** What a record class may be called; the name stands in `vault.json` and in custody events. */
export const recordClassName: Form = {
  pattern: "^[a-z0-9][a-z0-9-]{0,63}$",
  description: "1 to 64 small letters, digits and dashes, the first no dash",
};

/** What a token or an enrolled certificate may be called. */
export const tokenName: Form = {
  pattern: "^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,62}[A-Za-z0-9._-])?$",
  description: "1 to 64 letters, digits, dots, dashes, underscores and inner spaces",
};

/** How a client certificate is named. */
export const certificateName: Form = {
  pattern: "^(?:DNS:|URI:|email:|[A-Za-z0-9.]+=)[^\\p{C}\\u2028\\u2029]{1,500}$",
  description: "a certificate's subject (CN=…,O=…) or DNS:…, URI:… or email:…",
};

export const tokenId: Form = {
  pattern: "^[A-Za-z0-9_-]{16}$",
  description: "the id that the list of tokens shows: 16 letters, digits, dashes and underscores",
};

export const issuerId: Form = {
  pattern: "^[A-Za-z0-9_-]{43}$",
  description: "the id that the list of issuers shows: 43 letters, digits, dashes and underscores",
};

export function isOfForm(text: string, { pattern }: Form): boolean {
  return new RegExp(pattern, "u").test(text);
}
