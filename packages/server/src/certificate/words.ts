/** What a certificate says, in the languages that it comes in. A text that one of them lacks does not compile. */

export type CertificateLanguage = "en" | "es";

export interface CertificateWords {
  readonly documentTitle: (index: number) => string;
  readonly title: string;
  readonly subtitle: string;
  readonly entry: (index: number) => string;
  readonly intro: string;
  readonly checkHere: string;
  readonly qrAlt: (url: string) => string;
  readonly inForce: { readonly heading: string; readonly text: (time: string) => string };
  readonly revoked: { readonly heading: string; readonly text: LaterText };
  readonly superseded: { readonly heading: string; readonly text: LaterText };
  readonly revokes: { readonly heading: string; readonly text: (target: string, reason: string) => string };
  readonly supersedes: { readonly heading: string; readonly text: (target: string, reason: string) => string };
  readonly record: {
    readonly heading: string;
    readonly subject: string;
    readonly noSubject: string;
    readonly hash: string;
    readonly mediaType: string;
    readonly notStated: string;
    readonly meaning: string;
  };
  readonly signer: {
    readonly heading: string;
    readonly issuer: string;
    readonly key: string;
    readonly algorithm: string;
    readonly certificate: string;
    readonly certified: (subject: string, issuer: string, from: string, to: string) => string;
    readonly knownBy: string;
    readonly byCertificate: string;
    readonly byKey: string;
  };
  readonly time: {
    readonly heading: string;
    readonly stated: string;
    readonly statedBy: string;
    readonly registered: string;
    readonly registeredBy: string;
    readonly notAfter: string;
    readonly byWitnesses: (names: string) => string;
    readonly byLog: string;
    readonly signedAfter: string;
    readonly byQuoted: (checkpoint: { readonly origin: string; readonly size: number }) => string;
    readonly noLowerBound: string;
  };
  readonly log: {
    readonly heading: string;
    readonly origin: string;
    readonly index: string;
    readonly leafHash: string;
    readonly treeSize: string;
    readonly entries: (count: number) => string;
    readonly rootHash: string;
    readonly signedBy: string;
    readonly signedByLog: string;
    readonly witnesses: string;
    readonly witness: (name: string, time: string) => string;
    readonly noWitness: string;
  };
  readonly anchors: {
    readonly heading: string;
    readonly meaning: string;
    readonly none: string;
    readonly ledger: string;
    readonly anchor: (chain: number, contract: string, block: number, time: string) => string;
    readonly blockHash: (hash: string) => string;
    readonly stampedBy: string;
    readonly timeStamp: (authority: string, time: string) => string;
  };
  readonly steps: {
    readonly heading: string;
    readonly list: (where: { readonly proof: string; readonly entry: string }) => readonly string[];
    readonly verifierKey: string;
    readonly receiptKey: string;
  };
  readonly limits: { readonly heading: string; readonly list: (time: string) => readonly string[] };
  readonly footer: (origin: string, index: number, time: string) => string;
  readonly page: (number: number, count: number) => string;
}

type LaterText = (issuer: string, time: string, entry: number, reason: string) => string;

const en: CertificateWords = {
  documentTitle: (index) => `Certificate of registration, entry ${index}`,
  title: "Certificate of Registration",
  subtitle: "of a digital record in an append-only log",
  entry: (index) => `Entry ${index}`,
  intro:
    "The log named below holds a signed statement about a record. This certificate puts into words what the proof of that shows. The proof is a file of its own; should the two ever differ, the proof file is right.",
  checkHere: "Check this record",
  qrAlt: (url) => `QR code that leads to ${url}`,
  inForce: {
    heading: "In force",
    text: (time) =>
      `On ${time} the log held no later statement by the issuer that replaces this one or takes it back. The address in the QR code says whether that is still so.`,
  },
  revoked: {
    heading: "Revoked",
    text: (issuer, time, entry, reason) =>
      `${issuer} took this statement back on ${time}, in entry ${entry} of the log. Reason given: “${reason}”`,
  },
  superseded: {
    heading: "Replaced",
    text: (issuer, time, entry, reason) =>
      `${issuer} replaced this statement on ${time}, by entry ${entry} of the log. Reason given: “${reason}”`,
  },
  revokes: {
    heading: "This entry revokes an earlier one",
    text: (target, reason) => `It takes back the entry with the leaf hash ${target}. Reason given: “${reason}”`,
  },
  supersedes: {
    heading: "This entry replaces an earlier one",
    text: (target, reason) => `It replaces the entry with the leaf hash ${target}. Reason given: “${reason}”`,
  },
  record: {
    heading: "The record",
    subject: "Record number",
    noSubject: "None was given",
    hash: "SHA-256 hash",
    mediaType: "Media type",
    notStated: "Not stated",
    meaning: "A file with this hash is the record, bit for bit. A file with any other hash is not.",
  },
  signer: {
    heading: "Who signed",
    issuer: "Issuer",
    key: "Signing key",
    algorithm: "Algorithm",
    certificate: "Certificate",
    certified: (subject, issuer, from, to) => `${subject}. Issued by ${issuer}. Valid from ${from} to ${to}.`,
    knownBy: "Known by",
    byCertificate: "The certificate, which leads to an authority that is enrolled at the log",
    byKey: "The key, which is enrolled at the log",
  },
  time: {
    heading: "When",
    stated: "Stated by the issuer",
    statedBy: "by the issuer's own clock: a claim, not a proof",
    registered: "Registered",
    registeredBy: "by the log's own clock",
    notAfter: "Existed no later than",
    byWitnesses: (names) => `cosigned by ${names}, which do not depend on the log`,
    byLog: "by the log's own clock; no witness's time came with the proof",
    signedAfter: "Signed no earlier than",
    byQuoted: ({ origin, size }) =>
      `it quotes the hash of the log ${origin} at ${size} ${size === 1 ? "entry" : "entries"}, which nobody could know before; by that log's clock`,
    noLowerBound: "Nothing shown here: it may have been signed long before.",
  },
  log: {
    heading: "Where it is in the log",
    origin: "Log",
    index: "Entry",
    leafHash: "Leaf hash",
    treeSize: "Tree size",
    entries: (count) => (count === 1 ? "1 entry" : `${count.toLocaleString("en-US")} entries`),
    rootHash: "Root hash",
    signedBy: "Checkpoint signed by",
    signedByLog: "The log, with Ed25519 and with ML-DSA-44",
    witnesses: "Cosigned by",
    witness: (name, time) => `${name}, ${time}`,
    noWitness: "No witness so far",
  },
  anchors: {
    heading: "Anchors and time stamps",
    meaning:
      "Each is evidence, kept by others than the log, that the log held this entry by then. It is listed as found; whether to trust a ledger or an authority is for the reader to decide.",
    none: "None covers this entry yet.",
    ledger: "Ledger",
    anchor: (chain, contract, block, time) => `Chain ${chain}, contract ${contract}, block ${block} of ${time}`,
    blockHash: (hash) => `Block hash ${hash}`,
    stampedBy: "Time stamp",
    timeStamp: (authority, time) => `${time}, by ${authority} (RFC 3161)`,
  },
  steps: {
    heading: "How to check it yourself",
    list: ({ proof, entry }) => [
      `Have the record's file, unchanged, and its proof file. The proof file comes from whoever keeps the record, or from ${proof}`,
      "Compute the file's SHA-256 hash with any program and compare it with the hash above.",
      `Open ${entry} and drop the file there. The browser checks the whole proof; the file does not leave your computer.`,
      "Or check with no network at all: attestry verify FILE --offline. Programs of others can check it as well: the proof is a SCITT transparent statement (RFC 9943) with a COSE receipt (RFC 9942) and a C2SP checkpoint.",
      "Compare the log's keys below with those that the agency publishes in another place.",
    ],
    verifierKey: "Checkpoint key",
    receiptKey: "Receipt key",
  },
  limits: {
    heading: "What this certificate does not say",
    list: (time) => [
      "It does not say that what the record states is true, or that the issuer had the right to make it.",
      "The log does not hold the file. Without the file, nothing here shows what it said.",
      `It speaks as of ${time}. A later statement may replace or revoke it.`,
      "A program made it, and nobody signed it. It is not the certification by a qualified person that Federal Rules of Evidence 902(13) and 902(14) ask for; such a person may base one on the checks above.",
    ],
  },
  footer: (origin, index, time) => `${origin} · entry ${index} · made ${time}`,
  page: (number, count) => `Page ${number} of ${count}`,
};

const es: CertificateWords = {
  documentTitle: (index) => `Certificado de registro, asiento ${index}`,
  title: "Certificado de registro",
  subtitle: "de un documento digital en un registro de solo adición",
  entry: (index) => `Asiento ${index}`,
  intro:
    "El registro que se nombra abajo contiene una declaración firmada sobre un documento. Este certificado expresa en palabras lo que muestra su prueba. La prueba es un archivo aparte; si alguna vez difieren, vale el archivo de prueba.",
  checkHere: "Compruebe este documento",
  qrAlt: (url) => `Código QR que lleva a ${url}`,
  inForce: {
    heading: "Vigente",
    text: (time) =>
      `El ${time} el registro no contenía ninguna declaración posterior del emisor que reemplace esta o la retire. La dirección del código QR dice si sigue siendo así.`,
  },
  revoked: {
    heading: "Revocado",
    text: (issuer, time, entry, reason) =>
      `${issuer} retiró esta declaración el ${time}, en el asiento ${entry} del registro. Motivo indicado: «${reason}»`,
  },
  superseded: {
    heading: "Reemplazado",
    text: (issuer, time, entry, reason) =>
      `${issuer} reemplazó esta declaración el ${time}, con el asiento ${entry} del registro. Motivo indicado: «${reason}»`,
  },
  revokes: {
    heading: "Este asiento revoca uno anterior",
    text: (target, reason) => `Retira el asiento con el hash de hoja ${target}. Motivo indicado: «${reason}»`,
  },
  supersedes: {
    heading: "Este asiento reemplaza uno anterior",
    text: (target, reason) => `Reemplaza el asiento con el hash de hoja ${target}. Motivo indicado: «${reason}»`,
  },
  record: {
    heading: "El documento",
    subject: "Número",
    noSubject: "No se indicó ninguno",
    hash: "Hash SHA-256",
    mediaType: "Tipo de medio",
    notStated: "No se indicó",
    meaning: "Un archivo con este hash es el documento, bit por bit. Un archivo con cualquier otro hash no lo es.",
  },
  signer: {
    heading: "Quién firmó",
    issuer: "Emisor",
    key: "Clave de firma",
    algorithm: "Algoritmo",
    certificate: "Certificado",
    certified: (subject, issuer, from, to) => `${subject}. Emitido por ${issuer}. Válido del ${from} al ${to}.`,
    knownBy: "Conocido por",
    byCertificate: "El certificado, que lleva a una autoridad inscrita en el registro",
    byKey: "La clave, que está inscrita en el registro",
  },
  time: {
    heading: "Cuándo",
    stated: "Según el emisor",
    statedBy: "por el reloj del propio emisor: una afirmación, no una prueba",
    registered: "Registrado",
    registeredBy: "por el reloj del propio registro",
    notAfter: "Existía a más tardar",
    byWitnesses: (names) => `cofirmado por ${names}, que no dependen del registro`,
    byLog: "por el reloj del propio registro; la prueba no trae la hora de ningún testigo",
    signedAfter: "No se firmó antes del",
    byQuoted: ({ origin, size }) =>
      `cita el hash del registro ${origin} con ${size} ${size === 1 ? "asiento" : "asientos"}, que nadie podía conocer antes; por el reloj de ese registro`,
    noLowerBound: "Nada lo muestra aquí: puede haberse firmado mucho antes.",
  },
  log: {
    heading: "Dónde está en el registro",
    origin: "Registro",
    index: "Asiento",
    leafHash: "Hash de hoja",
    treeSize: "Tamaño del árbol",
    entries: (count) => (count === 1 ? "1 asiento" : `${count.toLocaleString("es-US")} asientos`),
    rootHash: "Hash raíz",
    signedBy: "Punto de control",
    signedByLog: "Firmado por el registro, con Ed25519 y con ML-DSA-44",
    witnesses: "Cofirmado por",
    witness: (name, time) => `${name}, ${time}`,
    noWitness: "Ningún testigo hasta ahora",
  },
  anchors: {
    heading: "Anclajes y sellos de tiempo",
    meaning:
      "Cada uno es evidencia, guardada por otros que el registro, de que el registro ya contenía este asiento. Se indican tal como se encontraron; si un libro mayor o una autoridad merece confianza lo decide el lector.",
    none: "Ninguno cubre este asiento todavía.",
    ledger: "Libro mayor",
    anchor: (chain, contract, block, time) => `Cadena ${chain}, contrato ${contract}, bloque ${block} del ${time}`,
    blockHash: (hash) => `Hash del bloque ${hash}`,
    stampedBy: "Sello de tiempo",
    timeStamp: (authority, time) => `${time}, de ${authority} (RFC 3161)`,
  },
  steps: {
    heading: "Cómo comprobarlo usted mismo",
    list: ({ proof, entry }) => [
      `Tenga el archivo del documento, sin cambios, y su archivo de prueba. La prueba la da quien guarda el documento, o está en ${proof}`,
      "Calcule el hash SHA-256 del archivo con cualquier programa y compárelo con el hash de arriba.",
      `Abra ${entry} y suelte allí el archivo. El navegador comprueba toda la prueba; el archivo no sale de su computadora.`,
      "O compruébelo sin ninguna red: attestry verify ARCHIVO --offline. También pueden hacerlo programas de otros: la prueba es una declaración transparente SCITT (RFC 9943) con un recibo COSE (RFC 9942) y un punto de control C2SP.",
      "Compare las claves del registro, abajo, con las que la agencia publica en otro lugar.",
    ],
    verifierKey: "Clave de control",
    receiptKey: "Clave de recibos",
  },
  limits: {
    heading: "Lo que este certificado no dice",
    list: (time) => [
      "No dice que sea verdad lo que el documento afirma, ni que el emisor tuviera derecho a emitirlo.",
      "El registro no contiene el archivo. Sin el archivo, nada aquí muestra lo que decía.",
      `Vale para el ${time}. Una declaración posterior puede reemplazarlo o revocarlo.`,
      "Lo hizo un programa y nadie lo firmó. No es la certificación por una persona calificada que piden las Reglas Federales de Evidencia 902(13) y 902(14); tal persona puede basar una en las comprobaciones de arriba.",
    ],
  },
  footer: (origin, index, time) => `${origin} · asiento ${index} · hecho el ${time}`,
  page: (number, count) => `Página ${number} de ${count}`,
};

export const certificateWords: Readonly<Record<CertificateLanguage, CertificateWords>> = { en, es };

/** A time as people write it, to the second, in UTC. @param seconds whole seconds of Unix time */
export function spellTime(seconds: number, language: CertificateLanguage): string {
  return `${spell(seconds, language, { dateStyle: "long", timeStyle: "medium", hourCycle: "h23" })} UTC`;
}

/** The day alone, in UTC. */
export function spellDate(seconds: number, language: CertificateLanguage): string {
  return spell(seconds, language, { dateStyle: "long" });
}

function spell(seconds: number, language: CertificateLanguage, options: Intl.DateTimeFormatOptions): string {
  const locale = language === "en" ? "en-US" : "es-US";
  const date = new Date(Math.min(seconds, 253_402_300_799) * 1000); // the last second of year 9999
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(date);
}
