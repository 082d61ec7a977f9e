/**
 * Tink's AES-GCM-HKDF streaming AEAD written down a second time for the tests: whole objects, every choice of
 * parameters, over WebCrypto (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming). The published
 * vectors are the measure of this one; this one is the measure of ours.
 */
import { concatBytes } from "@attestry/core";

export interface Layout {
  readonly hash: "SHA-1" | "SHA-256" | "SHA-512";
  /** 16 or 32. */
  readonly derivedKeyLength: number;
  readonly segmentLength: number;
}

/** Tink's AES256_GCM_HKDF_1MB. */
export const ourLayout: Layout = { hash: "SHA-256", derivedKeyLength: 32, segmentLength: 2 ** 20 };

/** Header and segments, joined. */
export async function sealNaively(
  layout: Layout,
  keyValue: Uint8Array<ArrayBuffer>,
  associatedData: Uint8Array<ArrayBuffer>,
  header: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const key = await derive(layout, keyValue, associatedData, header);
  let object = header.slice();
  let room = layout.segmentLength - header.length - 16;
  for (let index = 0, at = 0; index === 0 || at < plaintext.length; index += 1) {
    const part = plaintext.slice(at, at + room);
    at += part.length;
    const iv = nonce(header, index, at === plaintext.length);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, part);
    object = new Uint8Array(concatBytes(object, new Uint8Array(sealed)));
    room = layout.segmentLength - 16;
  }
  return object;
}

/** The plaintext. Rejects when a tag is not right. */
export async function openNaively(
  layout: Layout,
  keyValue: Uint8Array<ArrayBuffer>,
  associatedData: Uint8Array<ArrayBuffer>,
  object: Uint8Array,
): Promise<Uint8Array> {
  const header = object.subarray(0, object[0]);
  const key = await derive(layout, keyValue, associatedData, header);
  const parts: Uint8Array[] = [];
  for (let index = 0, at = header.length; index === 0 || at < object.length; index += 1) {
    const end = Math.min((index + 1) * layout.segmentLength, object.length);
    const iv = nonce(header, index, end === object.length);
    parts.push(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, object.slice(at, end))));
    at = end;
  }
  return concatBytes(...parts);
}

async function derive(
  { hash, derivedKeyLength }: Layout,
  keyValue: Uint8Array<ArrayBuffer>,
  associatedData: Uint8Array<ArrayBuffer>,
  header: Uint8Array,
): Promise<CryptoKey> {
  const salt = header.slice(1, 1 + derivedKeyLength);
  const secret = await crypto.subtle.importKey("raw", keyValue, "HKDF", false, ["deriveKey"]);
  const kdf = { name: "HKDF", hash, salt, info: associatedData };
  const aes = { name: "AES-GCM", length: derivedKeyLength * 8 };
  return crypto.subtle.deriveKey(kdf, secret, aes, false, ["encrypt", "decrypt"]);
}

function nonce(header: Uint8Array, index: number, isLast: boolean): Uint8Array<ArrayBuffer> {
  const counter = [index >>> 24, index >>> 16, index >>> 8, index].map((byte) => byte & 255);
  return Uint8Array.of(...header.subarray(-7), ...counter, isLast ? 1 : 0);
}
