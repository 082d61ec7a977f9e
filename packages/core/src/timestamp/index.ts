/** `@attestry/core/timestamp`: RFC 3161 time stamps. Loaded where a token turns up, since it brings X.509 along. */
export { type Certificate, parseCertificate } from "../x509/certificate.ts";
export { checkDer, DerReader, tag } from "../x509/der.ts";
export { checkAuthorityCertificate } from "./authority.ts";
export { type CheckTimeStampOptions, checkTimeStamp, type TimeStamp } from "./check.ts";
export {
  derBits,
  derCertificateTime,
  derContext,
  derElement,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derText,
  derTime,
  derTrue,
} from "./der-writer.ts";
export { type DigestName, digestOf, encodeDigestAlgorithm, type Imprint } from "./digest.ts";
export type { TimeStampFault } from "./fault.ts";
export { parseImprint, type TimeStampInfo } from "./info.ts";
export { encodeImprint, encodeTimeStampRequest, type TimeStampRequest } from "./request.ts";
export { failureBits, parseTimeStampResponse, type TimeStampFailure, type TimeStampResponse } from "./response.ts";
export { infoType, parseTimeStampToken, type TimeStampToken } from "./token.ts";
