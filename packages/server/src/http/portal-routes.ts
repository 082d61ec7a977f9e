/**
 * The portal: the files that `npm run portal` makes, held in memory and served under a strict Content-Security-Policy (CSP
 * Level 3, Trusted Types). Every address of a page answers with the same document, which then shows that page.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Addresses of pages; `packages/portal/src/pages.ts` tells them apart. */
const pages = ["/", "/entry/:index", "/search", "/notarize", "/vault", "/vault/*", "/admin", "/admin/*", "/status"];

const policy: string = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types attestry",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  vary: "accept-encoding",
};

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Bytes of one encoding, and the entity tag of just these bytes (RFC 9110 §8.8.3). */
interface Variant {
  readonly bytes: Buffer;
  readonly tag: string;
}

interface Asset {
  readonly type: string;
  /** Its name tells its content, so it never changes. */
  readonly immutable: boolean;
  /** By content coding; there always is `identity`. */
  readonly variants: ReadonlyMap<string, Variant>;
}

/** Whether a folder holds a portal that was built. */
export function hasPortal(folder: string | undefined): folder is string {
  return folder !== undefined && existsSync(join(folder, "index.html"));
}

export async function portalRoutes(app: FastifyInstance, { folder }: { readonly folder: string }): Promise<void> {
  const config = { unlimited: true }; // they come from memory, and one page takes many of them
  const schema = { hide: true };
  for (const [name, asset] of readAssets(folder)) {
    const addresses = name === "/index.html" ? pages : [name];
    for (const address of addresses)
      app.get(address, { config, schema }, async (request, reply) => send(request, reply, asset));
  }
}

/** Every file of the folder but hidden ones, by its address. */
function readAssets(folder: string): Map<string, Asset> {
  const names = globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^\.|\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder).length));
  return new Map(names.map((name) => [name.split(sep).join("/"), readAsset(join(folder, name))]));
}

function readAsset(path: string): Asset {
  const codings = [
    { coding: "br", file: `${path}.br` },
    { coding: "gzip", file: `${path}.gz` },
    { coding: "identity", file: path },
  ];
  const variants = codings
    .filter(({ file }) => existsSync(file))
    .map(({ coding, file }): [string, Variant] => {
      const bytes = readFileSync(file);
      const digest = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
      return [coding, { bytes, tag: `"${digest}"` }];
    });
  const type = types[posix.extname(path)] ?? "application/octet-stream";
  return { type, immutable: path.includes(`${sep}assets${sep}`), variants: new Map(variants) };
}

function send(request: FastifyRequest, reply: FastifyReply, { type, immutable, variants }: Asset): FastifyReply {
  const [coding, variant] = chooseVariant(variants, request.headers["accept-encoding"] ?? "");
  reply.headers(headers).header("etag", variant.tag);
  reply.header("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.headers["if-none-match"]?.includes(variant.tag)) return reply.code(304).send();
  if (coding !== "identity") reply.header("content-encoding", coding);
  return reply.type(type).send(variant.bytes);
}

/** The smallest that the client takes (RFC 9110 §12.5.3); a coding with a weight of zero is one that it does not. */
function chooseVariant(variants: Asset["variants"], accepted: string): [string, Variant] {
  const taken = accepted
    .toLowerCase()
    .split(",")
    .map((part) => part.trim().split(";"))
    .filter(([, weight]) => !/^\s*q=0(\.0*)?\s*$/.test(weight ?? ""))
    .map(([coding]) => coding?.trim());
  const found = [...variants].find(([coding]) => coding === "identity" || taken.includes(coding));
  if (found === undefined) throw new TypeError("An asset has no plain variant.");
  return found;
}
