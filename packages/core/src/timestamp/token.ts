/** Time stamp tokens (RFC 3161 §2.4.2): what they say, and who says it. */
import { malformed, reading } from "./fault.ts";
import { parseTimeStampInfo, type TimeStampInfo } from "./info.ts";
import { parseSignedData, type SignedData } from "./signed-data.ts";

/** A token that was read and not checked: see `checkTimeStamp`. */
export interface TimeStampToken extends SignedData {
  readonly info: TimeStampInfo;
}

/** id-ct-TSTInfo */
export const infoType = "1.2.840.113549.1.9.16.1.4";
/** RFC 3161 sets no limit; tokens have 1 to 10 kB. */
const longestToken = 64 * 1024;

/**
 * Reads a DER-encoded token. That it reads proves nothing.
 * @throws MALFORMED_TIME_STAMP, and VERIFY_TIME_STAMP for an imprint of a broken or unknown kind and for a critical extension
 */
export function parseTimeStampToken(der: Uint8Array): TimeStampToken {
  return reading(() => {
    if (der.length > longestToken) throw malformed(`The token has more than ${longestToken} bytes.`);
    const signedData = parseSignedData(der);
    if (signedData.contentType !== infoType) throw malformed("What is signed is not a time stamp.");
    return { ...signedData, info: parseTimeStampInfo(signedData.content) };
  });
}
