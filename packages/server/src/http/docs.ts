/** The API for people: its OpenAPI 3.1 document, the same as a page, and the page that says what this is. No script, no outside asset. */
import { createHash } from "node:crypto";
import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifyReply } from "fastify";
import { version } from "../version.ts";
import type { RouteContext } from "./context.ts";

/** Gathers the document from the routes that are registered after it. */
export async function openApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Attestry notary",
        version,
        description: "Registers signed thumbprints of files in an append-only log, and proves them to anyone.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { administrator: { type: "http", scheme: "bearer" } } },
    },
  });
}

export async function docsRoutes(app: FastifyInstance): Promise<void> {
  const hide = { hide: true };
  let page: string | undefined;
  app.get("/openapi.json", { schema: hide }, async (_request, reply) => {
    reply.type("application/json").header("cache-control", "max-age=300");
    return JSON.stringify(app.swagger());
  });
  app.get("/docs", { schema: hide }, async (_request, reply) => {
    page ??= docsPage(app.swagger() as Document);
    return sendPage(reply, page);
  });
}

/** The front page of a notary that has no portal. */
export async function homeRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  app.get("/", { schema: { hide: true } }, async (_request, reply) =>
    sendPage(reply, homePage(notary.origin, notary.status.head.size)),
  );
}

const style = `
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;text-transform:capitalize}
code{background:#f0f0f0;padding:.1em .3em;border-radius:3px;word-break:break-word}
dt{margin-top:1.2rem}dd{margin:.2rem 0 0 1.2rem}a{color:#005ea2}
table{border-collapse:collapse;margin-top:.4rem}td{padding:.1rem 1rem .1rem 0;vertical-align:top}
`;
const styleHash = createHash("sha256").update(style).digest("base64");
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function sendPage(reply: FastifyReply, body: string): FastifyReply {
  return reply
    .type("text/html; charset=utf-8")
    .headers({
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    })
    .send(body);
}

function layout(title: string, body: string): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style>`;
  return `<!doctype html>\n<html lang="en"><head>${head}</head><body>\n${body}\n</body></html>\n`;
}

function homePage(origin: string, size: number): string {
  return layout(
    "Attestry notary",
    `<h1>Attestry notary</h1>
<p>This is the log <code>${escapeHtml(origin)}</code>. It holds ${size.toLocaleString("en")} signed thumbprints of files, and proves
to anyone who made each, that the file has not changed, and when it existed. The files themselves are not here.</p>
<p>To notarise a file: <code>attestry notarize FILE --server URL</code><br>
To verify one: <code>attestry verify FILE</code></p>
<ul><li><a href="/docs">The HTTP interface</a> (<a href="/openapi.json">OpenAPI</a>)</li>
<li><a href="/v1/status">Status and keys</a></li>
<li><a href="/log/checkpoint">The newest checkpoint</a></li></ul>`,
  );
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: { readonly type?: string; readonly description?: string };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

function docsPage(document: Document): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? "other");
  const sections = [...groups].map(([tag, members]) => {
    const items = members.map(({ path, method, operation }) => describe(path, method, operation));
    return `<h2>${escapeHtml(tag)}</h2>\n<dl>${items.join("\n")}</dl>`;
  });
  const intro = `<h1>Attestry notary: HTTP interface</h1>
<p>The same as <a href="/openapi.json">OpenAPI 3.1</a>. Errors are RFC 9457 problem documents with a stable <code>code</code>; under
<code>/entries</code> and <code>/.well-known</code> they are RFC 9290 in CBOR. Sending a registration again is safe.</p>`;
  return layout("Attestry notary: HTTP interface", intro + sections.join("\n"));
}

function describe(path: string, method: string, operation: Operation): string {
  const body = Object.keys(operation.requestBody?.content ?? {}).map(
    (type) => ` · body <code>${escapeHtml(type)}</code>`,
  );
  const token = operation.security === undefined ? "" : " · token";
  const rows = (operation.parameters ?? []).map(({ name, in: place, required, schema }) => {
    const about = schema?.description ?? schema?.type ?? "";
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(place)}${required ? ", required" : ""}</td><td>${escapeHtml(about)}</td></tr>`;
  });
  const parameters = rows.length > 0 ? `<table>${rows.join("")}</table>` : "";
  const text = escapeHtml(operation.description ?? "").replace(/`([^`]*)`/g, "<code>$1</code>");
  return `<dt><code>${method} ${escapeHtml(path)}</code>${body.join("")}${token}</dt>
<dd><strong>${escapeHtml(operation.summary ?? "")}</strong>${text && `<br>${text}`}${parameters}</dd>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
