/** Core's X.509 functions, in a module of their own so that a notary without certificates never loads them. */
export { certificateNames, checkChain, parseCertificate } from "../../../core/src/x509/chain.ts";
export { parsePemCertificates } from "../../../core/src/x509/pem.ts";
