/** Others' values of Tink's AES-GCM-HKDF streaming AEAD, for the tests. */
import type { Layout } from "./naive.ts";

export interface PublishedVector {
  readonly layout: Layout;
  readonly key: string;
  readonly associatedData: string;
  readonly plaintext: string;
  readonly object: string;
}

const shortKey = "6eb56cdc726dfbe5d57f2fcdc6e9345b";
const longKey = `00112233445566778899aabbccddeeff${shortKey}`;

/**
 * tink-java, AesGcmHkdfStreamingTestUtil.java (2025). Keys, associated data and objects in hex. None is of the 1MB
 * layout.
 */
export const publishedVectors: readonly PublishedVector[] = [
  {
    layout: { hash: "SHA-1", derivedKeyLength: 16, segmentLength: 64 },
    key: shortKey,
    associatedData: "616164",
    plaintext: "This is a fairly long plaintext. It is of the exact length to create three output blocks. ",
    object:
      "1893b3af5e14ab378d065addfc8484da642c0862877baea8" +
      "db92d9c77406a406168478821c4298eab3e6d531277f4c1a051714faebcaefcbca7b7be05e9445ea" +
      "a0bb2904153398a25084dd80ae0edcd1c3079fcea2cd3770630ee36f7539207b" +
      "8ec9d754956d486b71cdf989f0ed6fba6779b63558be0a66e668df14e1603cd2" +
      "af8944844078345286d0b292e772e7190775c51a0f83e40c0b75821027e7e538e111",
  },
  ...(
    [
      ["SHA-1", 16, shortKey, "18ec99b2c3884194023bd41bb9bff309205354c750fa0cb3c0d02609abf71f88eaeaa48d7deca27f"],
      ["SHA-256", 16, shortKey, "18be78bce0cab6fd38a9041eea8ab0ffc4cf17e3c00b661d3927f5f79069f41a210fedc40b25648c"],
      ["SHA-512", 16, shortKey, "18fec8139ccb406e0f140d7e2bcc41e1b899bc1b121574cc31d1c78ed2ca1cdf324665b8dce21095"],
      ["SHA-1", 16, longKey, "180880e85a24207a7b72cefde26306ed09d7d76e58104b751d005a3ffd72dd6151f0d9c8ccf163f7"],
      [
        "SHA-1",
        32,
        longKey,
        "28fae780c70a82d1256c8303a1261ac6a98cf557b4e173967a62f3c149517ba5b2431da93b3c6e90f508b34dc14bfda59bab05681c6ad3fa",
      ],
    ] as const
  ).map(([hash, derivedKeyLength, key, object]) => ({
    layout: { hash, derivedKeyLength, segmentLength: 64 },
    key,
    associatedData: "",
    plaintext: "",
    object,
  })),
  {
    layout: { hash: "SHA-1", derivedKeyLength: 32, segmentLength: 120 },
    key: longKey,
    associatedData: "00010203",
    plaintext: "BLOCK 1.BLOCK 2.BLOCK 3.BLOCK 4.BLOCK 5.BLOCK 6.BLOCK 7.BLOCK 8.",
    object:
      "28782994617714a80fa085e15051a16854522330d6d0f26c049b2192f09cdd98b2eb90c753bfff27" +
      "7a29e54fa4afb15d648c28477eb07f012535c767f5fdce24ffffae318480c1d3" +
      "7357d6d3c511159318afa09ef38aa3f5456fd7817c5c02dd6e1a7fef174c8bd24e38b5982ac105497c0101ac5581fe5b",
  },
];

/**
 * Of the objects below: the key is 00 01 … 1f, the associated data this name, byte i of the plaintext `patternByte(i)`.
 */
export const madeWithTinkId = "tvptcxmlrj2w4yg3ot66mbxhxm";

export function patternByte(i: number): number {
  return (7 * i + (i >> 8)) & 255;
}

export interface MadeWithTink {
  /** Bytes of plaintext. */
  readonly size: number;
  readonly header: string;
  /** SHA-256 of the whole object. */
  readonly sha256: string;
}

/** Written by Tink 1.16.1 for Python with its template AES256_GCM_HKDF_1MB: sizes around the ends of segments. */
export const madeWithTink: readonly MadeWithTink[] = [
  {
    size: 0,
    header: "28acf87a515a91a7b77c045ad6d123e0cd3a6ff36a31bde45b92b0241f9bbd31ed6d996a90773173",
    sha256: "cafeb241e353f4b71cc86d6a5bf56bbedd12f9e62d6f2bc37cdc98a4717d6c28",
  },
  {
    size: 1,
    header: "284af1cef7b716399e5c4e91c2bcb193d08beaf2f915d24df6c5db8d84e26e8b3d7b7198d3bf444a",
    sha256: "244de17e1e832717ebe326a0aa26ec0c93be96399dd96e73463505313b2a2d04",
  },
  {
    size: 1048519,
    header: "28457886565f1dba48ef6cacc136c9b7e1e462c4fe4c646926a7170d996ee31c0f5b973a875f4cec",
    sha256: "50ed95d7c836584bcf965d62eec2da1a123bd622c52a7690fc4518708b630cfe",
  },
  {
    size: 1048520,
    header: "28c1a7e8a66b56907674adfe929ea9a098d5304ced79366ef2c04c3c22198220d8fe88cec4d3a248",
    sha256: "ee6af54f08d2165945003de8906c7556f6f4441d7a33a17130b0bb88b4db5dd0",
  },
  {
    size: 1048521,
    header: "2871624f6ad4b6ab68f937d6bb1410a8824c774cd8c421152cecd7c883ebbd8113e6321d489a2ffd",
    sha256: "2c90b2cc300c64d35dc540395c059cd8d44f7265dce2224a4a417bdbf23a2999",
  },
  {
    size: 2097080,
    header: "28d087f62c2733fb6b3e45b9a86161b636b0caff3a4d0e64cb943f02a3077ebe3a90bf05a6a937b5",
    sha256: "5e832ec644c0cfe6b515ded383ba37132430c3c40c0e71f7258ff9ef5d5c74d3",
  },
  {
    size: 2097081,
    header: "2800bbb80e22955b6aa5ea67e38cd093ddb682093eb498588a08261cc5bcc0c87f9b631a69273e08",
    sha256: "f6728476d8606ea2b9043bdb9aa9cf14162c1f332943556e29a164559b9baec8",
  },
  {
    size: 3145640,
    header: "28c104352d0c6bd07eba6fa48f7ad4f0aa2bc0d2914b437ee82fd326fb8bf6b4c0dbde51a0e06d42",
    sha256: "fab014e42223f342c5e494cabf01cde8a44982564422f6ee6c2a896a838590d6",
  },
];
