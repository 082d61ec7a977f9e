/** Media types of the files that records are kept in, by their extension (IANA media types registry). */
import { extname } from "node:path";
import type { Form } from "@attestry/core/client";

const types: Readonly<Record<string, string>> = {
  ".bmp": "image/bmp",
  ".bz2": "application/x-bzip2",
  ".css": "text/css",
  ".csv": "text/csv",
  ".doc": "application/msword",
  ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ".eml": "message/rfc822",
  ".flac": "audio/flac",
  ".geojson": "application/geo+json",
  ".gif": "image/gif",
  ".gz": "application/gzip",
  ".heic": "image/heic",
  ".htm": "text/html",
  ".html": "text/html",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".m4a": "audio/mp4",
  ".md": "text/markdown",
  ".mkv": "video/matroska",
  ".mov": "video/quicktime",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".odt": "application/vnd.oasis.opendocument.text",
  ".ods": "application/vnd.oasis.opendocument.spreadsheet",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  ".rtf": "application/rtf",
  ".svg": "image/svg+xml",
  ".tar": "application/x-tar",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".txt": "text/plain",
  ".wav": "audio/vnd.wave",
  ".webm": "video/webm",
  ".webp": "image/webp",
  ".xls": "application/vnd.ms-excel",
  ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ".xml": "application/xml",
  ".zip": "application/zip",
};

/** The media type that a file's name suggests; undefined when its extension is not a known one. */
export function mediaType(path: string): string | undefined {
  return types[extname(path).toLowerCase()];
}

const restricted = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"; // RFC 6838 §4.2
const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"; // RFC 9110 §5.6.2

/** A media type as people give it, with parameters or without (RFC 9110 §8.3.1). */
export const mediaTypeForm: Form = {
  pattern: `^${restricted}/${restricted}(?: *; *${token}=(?:${token}|"[^"\\\\]*"))*$`,
  description: "a media type like application/pdf",
};
