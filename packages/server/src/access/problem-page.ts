/** What people see in place of the portal when signing in did not work: one sentence, and where to go on. No script, no outside asset. */
import { createHash } from "node:crypto";
import type { ErrorCode } from "@attestry/core";
import type { FastifyReply } from "fastify";

type Language = "en" | "es";

interface Words {
  readonly title: string;
  readonly again: string;
  readonly home: string;
  readonly problems: Partial<Readonly<Record<ErrorCode, string>>>;
  readonly other: string;
}

const words: Readonly<Record<Language, Words>> = {
  en: {
    title: "You are not signed in",
    again: "Try again",
    home: "Go to the front page",
    problems: {
      UNAVAILABLE_SIGN_IN:
        "The sign-in service cannot be reached at the moment. Nothing was lost. Try again in a few minutes.",
      POLICY_SIGN_IN: "This sign-in cannot be used: it took too long, was used before, or was refused. Start again.",
      POLICY_FORBIDDEN: "Your account is known, but it has no role here. Ask an administrator for one.",
      POLICY_RATE: "There were too many attempts from here. Wait a minute, then try again.",
      NOT_FOUND: "There is no such way to sign in here.",
    },
    other: "Signing in did not work. Try again, or ask an administrator.",
  },
  es: {
    title: "No ha iniciado sesión",
    again: "Intentar de nuevo",
    home: "Ir a la página principal",
    problems: {
      UNAVAILABLE_SIGN_IN:
        "No se puede contactar con el servicio de inicio de sesión en este momento. No se perdió nada. Inténtelo en unos minutos.",
      POLICY_SIGN_IN:
        "Este inicio de sesión no se puede usar: tardó demasiado, ya se usó o fue rechazado. Empiece de nuevo.",
      POLICY_FORBIDDEN: "Su cuenta es conocida, pero no tiene ninguna función aquí. Pídasela a un administrador.",
      POLICY_RATE: "Hubo demasiados intentos desde aquí. Espere un minuto e inténtelo de nuevo.",
      NOT_FOUND: "Aquí no existe esa forma de iniciar sesión.",
    },
    other: "No se pudo iniciar sesión. Inténtelo de nuevo o consulte a un administrador.",
  },
};

const style =
  "body{font:1.06rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}h1{font-size:1.6rem}a{color:#005ea2}";
const styleHash = createHash("sha256").update(style).digest("base64");
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** @param again path that starts the same sign-in again, one of our own addresses; undefined where there is none */
export function sendProblemPage(
  reply: FastifyReply,
  { status, code, again, accepts }: { status: number; code: ErrorCode; again: string | undefined; accepts: string },
): FastifyReply {
  const language: Language = /^\s*es\b/i.test(accepts) ? "es" : "en";
  const { title, problems, other, home, again: retry } = words[language];
  const link = again === undefined ? "" : `<p><a href="${again}">${retry}</a></p>\n`;
  return reply
    .code(status)
    .type("text/html; charset=utf-8")
    .headers({
      "cache-control": "no-store",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    })
    .send(`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body><main><h1>${title}</h1>
<p>${problems[code] ?? other}</p>
${link}<p><a href="/">${home}</a></p></main></body></html>
`);
}
