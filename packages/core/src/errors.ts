/**
 * The one error class and the one catalogue of codes. Callers match on `code`, never on message text; the catalogue says
 * which HTTP status a code answers with, whether trying again may help, and which exit code a command ends with.
 */

export interface CodeFacts {
  /** HTTP status that a server answers with. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retry: boolean;
  /** Exit code of a command: 1 a negative verdict, 2 usage, 3 cannot tell. */
  readonly exit: 1 | 2 | 3;
  /** One line of meaning, shown to people. */
  readonly meaning: string;
}

const malformed = (meaning: string): CodeFacts => ({ status: 400, retry: false, exit: 1, meaning });
const failed = (meaning: string): CodeFacts => ({ status: 422, retry: false, exit: 1, meaning });
const usage = (status: number, meaning: string): CodeFacts => ({ status, retry: false, exit: 2, meaning });
const cannotTell = (status: number, retry: boolean, meaning: string): CodeFacts => ({
  status,
  retry,
  exit: 3,
  meaning,
});

export type ErrorCode =
  | "MALFORMED_CBOR"
  | "MALFORMED_COSE"
  | "MALFORMED_KEY"
  | "MALFORMED_STATEMENT"
  | "MALFORMED_RECEIPT"
  | "MALFORMED_PROOF_FILE"
  | "MALFORMED_NOTE"
  | "MALFORMED_CHECKPOINT"
  | "MALFORMED_TILE"
  | "MALFORMED_CERTIFICATE"
  | "MALFORMED_TRUST_FILE"
  | "MALFORMED_REQUEST"
  | "MALFORMED_ANCHOR"
  | "MALFORMED_TIME_STAMP"
  | "VERIFY_SIGNATURE"
  | "VERIFY_ALGORITHM"
  | "VERIFY_KEY_MISMATCH"
  | "VERIFY_INCLUSION"
  | "VERIFY_CONSISTENCY"
  | "VERIFY_CHECKPOINT"
  | "VERIFY_COSIGNATURE"
  | "VERIFY_DIGEST"
  | "VERIFY_CERTIFICATE"
  | "VERIFY_ISSUER"
  | "VERIFY_UNTRUSTED"
  | "VERIFY_AUDIT"
  | "VERIFY_ANCHOR_HEADER"
  | "VERIFY_ANCHOR_ACCOUNT"
  | "VERIFY_ANCHOR_STORAGE"
  | "VERIFY_ANCHOR_SEALS"
  | "VERIFY_ANCHOR_CHECKPOINT"
  | "VERIFY_ANCHOR_LEDGER"
  | "VERIFY_TIME_STAMP"
  | "VERIFY_AFTER"
  | "POLICY_ISSUER_UNKNOWN"
  | "POLICY_ISSUER_REVOKED"
  | "POLICY_CLAIMS"
  | "POLICY_TOO_LARGE"
  | "POLICY_UNAUTHORISED"
  | "POLICY_FORBIDDEN"
  | "POLICY_CROSS_SITE"
  | "POLICY_SIGN_IN"
  | "POLICY_RATE"
  | "POLICY_LEDGER"
  | "POLICY_TIME_STAMP"
  | "POLICY_RETAINED"
  | "POLICY_ERASED"
  | "CONFLICT_SIZE"
  | "CONFLICT_LOCKED"
  | "CONFLICT_EXISTS"
  | "CONFLICT_FILE_CHANGED"
  | "CONFLICT_ANCHOR"
  | "CONFLICT_INCOMPLETE"
  | "CONFLICT_UPLOAD"
  | "NOT_FOUND"
  | "UNAVAILABLE_SERVER"
  | "UNAVAILABLE_STORAGE"
  | "UNAVAILABLE_STOPPING"
  | "UNAVAILABLE_TIMEOUT"
  | "UNAVAILABLE_LEDGER"
  | "UNAVAILABLE_SIGN_IN"
  | "UNAVAILABLE_KEYS"
  | "PUSHBACK"
  | "USAGE"
  | "USAGE_FILE"
  | "USAGE_PASSPHRASE"
  | "FATAL_CORRUPT"
  | "FATAL_CLOCK"
  | "FATAL_VERSION"
  | "FATAL_INTERNAL";

export const errorCatalogue: Readonly<Record<ErrorCode, CodeFacts>> = {
  MALFORMED_CBOR: malformed("The bytes are not deterministic CBOR of the expected shape."),
  MALFORMED_COSE: malformed("The bytes are not a COSE structure of the expected shape."),
  MALFORMED_KEY: malformed("The key is not one of the supported kinds, or its bytes are not a valid key."),
  MALFORMED_STATEMENT: malformed(
    "The signed statement lacks a required header or claim, or has one of the wrong type.",
  ),
  MALFORMED_RECEIPT: malformed("The receipt lacks a required header or its inclusion proof has the wrong shape."),
  MALFORMED_PROOF_FILE: malformed("The file is not an Attestry proof file, or it is cut short."),
  MALFORMED_NOTE: malformed("The text is not a signed note in the C2SP format."),
  MALFORMED_CHECKPOINT: malformed("The note's text is not a checkpoint: origin, size and root hash, a line each."),
  MALFORMED_TILE: malformed("The tile or entry bundle does not have the size or layout its address calls for."),
  MALFORMED_CERTIFICATE: malformed("The certificate is not valid DER-encoded X.509."),
  MALFORMED_TRUST_FILE: malformed("The trust file is not valid; the data names the place."),
  MALFORMED_REQUEST: malformed("The request does not have the form that this address takes."),
  MALFORMED_ANCHOR: malformed("The anchor proof does not have the form that its ledger's proofs have."),
  MALFORMED_TIME_STAMP: malformed("The bytes are not an RFC 3161 time stamp token or request."),

  VERIFY_SIGNATURE: failed("The signature does not match the bytes and the key."),
  VERIFY_ALGORITHM: failed("The signature's algorithm is not the one that the key allows."),
  VERIFY_KEY_MISMATCH: failed("The key that came along is not the key that the signed header names."),
  VERIFY_INCLUSION: failed("The inclusion proof does not lead from the entry to the root hash."),
  VERIFY_CONSISTENCY: failed("The two tree heads are not of one append-only log: the log was rewritten or forked."),
  VERIFY_CHECKPOINT: failed("The checkpoint is not the log's, or not of the receipt's tree."),
  VERIFY_COSIGNATURE: failed("A cosignature under a trusted witness's name is not that witness's."),
  VERIFY_DIGEST: failed("The file's content is not the content that the statement was made for."),
  VERIFY_CERTIFICATE: failed("The certificate chain does not lead to a trusted root, or was not valid at that time."),
  VERIFY_ISSUER: failed("The issuer that the statement names is not who the key or certificate belongs to."),
  VERIFY_UNTRUSTED: failed("Nothing in the trust file vouches for this key."),
  VERIFY_AUDIT: failed("Stored data does not agree with what the entries derive."),
  VERIFY_ANCHOR_HEADER: failed("The block header of the anchor is not the block that is trusted."),
  VERIFY_ANCHOR_ACCOUNT: failed(
    "The anchor's account proof does not lead from the block's state root to the contract.",
  ),
  VERIFY_ANCHOR_STORAGE: failed(
    "The anchor's storage proof does not lead from the contract to the checkpoint's root hash.",
  ),
  VERIFY_ANCHOR_SEALS: failed("The block does not bear the seals of two thirds of the trusted validators."),
  VERIFY_ANCHOR_CHECKPOINT: failed("The anchor is of another checkpoint than the one it came with."),
  VERIFY_ANCHOR_LEDGER: failed("The anchor is not on the ledger that it names, or nothing vouches for that ledger."),
  VERIFY_TIME_STAMP: failed("The time stamp token does not hold; the data says which rule it breaks."),
  VERIFY_AFTER: failed("The checkpoint beside the statement is not the one that it quotes, or is too late."),

  POLICY_ISSUER_UNKNOWN: usage(
    403,
    "This issuer is not enrolled at the notary. Ask an administrator: attestry issuer add.",
  ),
  POLICY_ISSUER_REVOKED: usage(403, "This issuer's enrolment was revoked; it can no longer register statements."),
  POLICY_CLAIMS: usage(422, "A claim of the statement is outside what the notary accepts."),
  POLICY_TOO_LARGE: usage(413, "The request or entry is larger than the notary accepts."),
  POLICY_UNAUTHORISED: usage(401, "This needs a token, a certificate or a sign-in that the notary knows."),
  POLICY_FORBIDDEN: usage(403, "None of your roles allows this. Ask an administrator."),
  POLICY_CROSS_SITE: usage(403, "The request did not come from the portal's own page. Reload the page and try again."),
  POLICY_SIGN_IN: usage(403, "The sign-in did not hold: start it again. If it stays so, ask an administrator."),
  POLICY_RATE: {
    status: 429,
    retry: true,
    exit: 3,
    meaning: "Too many requests from this client; wait as Retry-After says.",
  },
  POLICY_LEDGER: usage(403, "The ledger does not take this account's anchors: wrong chain, no funds, or not a writer."),
  POLICY_TIME_STAMP: usage(403, "The time stamp authority refused the request; the data says why."),
  POLICY_RETAINED: usage(
    403,
    "A legal hold, or a period of retention that is not over, forbids this; the data says which.",
  ),
  POLICY_ERASED: usage(410, "The content was erased by a lawful order. Its thumbprint still proves what it was."),

  CONFLICT_SIZE: cannotTell(409, true, "The log has grown since it was read; read its size again."),
  CONFLICT_LOCKED: usage(409, "Another process is using this data folder, or writing this upload."),
  CONFLICT_EXISTS: usage(409, "It exists already, with other content."),
  CONFLICT_FILE_CHANGED: usage(409, "The file changed while it was being read; try again when nothing writes to it."),
  CONFLICT_ANCHOR: usage(409, "The ledger holds another root hash for this origin and size, or a larger size."),
  CONFLICT_INCOMPLETE: usage(409, "A part of the object is missing; send it, then try again."),
  CONFLICT_UPLOAD: usage(409, "The upload does not stand where this would go on, or is complete; ask where it stands."),

  NOT_FOUND: { status: 404, retry: false, exit: 1, meaning: "There is no such thing here." },

  UNAVAILABLE_SERVER: cannotTell(503, true, "The notary cannot be reached."),
  UNAVAILABLE_STORAGE: cannotTell(
    503,
    true,
    "The storage refused the write (disk full, or not permitted). Nothing was lost.",
  ),
  UNAVAILABLE_STOPPING: cannotTell(503, true, "The notary is stopping. Send the statement again to the next one."),
  UNAVAILABLE_TIMEOUT: cannotTell(504, true, "No answer came in time. Sending the same statement again is safe."),
  UNAVAILABLE_LEDGER: cannotTell(
    503,
    true,
    "The ledger's node cannot be reached. Registration goes on; anchoring follows.",
  ),
  UNAVAILABLE_KEYS: cannotTell(
    503,
    true,
    "What keeps the vault's keys cannot be reached, or lacks the key that is needed. Nothing was lost.",
  ),
  UNAVAILABLE_SIGN_IN: cannotTell(
    503,
    true,
    "The sign-in provider cannot be reached. Everything else works; nothing was lost.",
  ),

  PUSHBACK: cannotTell(503, true, "The notary has as much work queued as it accepts; wait as Retry-After says."),

  USAGE: usage(400, "The command was called with something it does not take."),
  USAGE_FILE: usage(400, "The file cannot be read or written."),
  USAGE_PASSPHRASE: usage(400, "The key needs a passphrase, or the one given is wrong."),

  FATAL_CORRUPT: {
    status: 500,
    retry: false,
    exit: 1,
    meaning: "The stored log does not hold together. Run attestry audit; restore.",
  },
  FATAL_CLOCK: {
    status: 500,
    retry: false,
    exit: 3,
    meaning: "The clock is before the last checkpoint. Set it right, then start again.",
  },
  FATAL_VERSION: {
    status: 500,
    retry: false,
    exit: 3,
    meaning: "The data was written by a newer version. Start that version.",
  },
  FATAL_INTERNAL: {
    status: 500,
    retry: true,
    exit: 3,
    meaning: "Something went wrong inside. The log of the server says what.",
  },
};

/**
 * Every error that Attestry raises on purpose. `message` is for people: what is wrong and what to do, with no secret and no
 * path that the caller did not name. `data` is for programs.
 */
export class AttestryError extends Error {
  override readonly name = "AttestryError";
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message?: string, options: { data?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message ?? errorCatalogue[code].meaning, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
  }

  get facts(): CodeFacts {
    return errorCatalogue[this.code];
  }
}

export function isAttestryError(error: unknown): error is AttestryError {
  return error instanceof AttestryError;
}
