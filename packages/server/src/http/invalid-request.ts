/**
 * What a route's schema refuses, in words: which part of the request it is, and what that takes. What was given is not said: it
 * may be a secret.
 */
import type { FastifySchemaValidationError } from "fastify";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** As ajv gives it with `verbose`. */
interface Refusal extends FastifySchemaValidationError {
  readonly parentSchema?: Schema;
}

const places: Readonly<Record<string, string>> = {
  params: "address",
  querystring: "query",
  headers: "headers",
  body: "body",
};

/** The error of a request that a schema refused, as Fastify asks for it. @param part Fastify's word for where it stands */
export function invalidRequest(refusals: readonly Refusal[], part: string): Error {
  const place = places[part] ?? part;
  const refusal = refusals.at(-1);
  if (refusal === undefined) return new Error(`The ${place} does not have the form that this address takes.`);
  // Of alternatives the one comes last that has them all; where one of them fits but for a part of it, that is to be told.
  const inner = refusals.findLast(({ instancePath }) => instancePath.length > refusal.instancePath.length);
  return new Error(sentence(inner ?? refusal, place));
}

function sentence({ keyword, instancePath, params, parentSchema = {} }: Refusal, place: string): string {
  const whole = instancePath === "" ? `The ${place}` : `"${instancePath.slice(1)}" in the ${place}`;
  if (keyword === "required") return `${whole} lacks "${params["missingProperty"]}".`;
  if (keyword !== "additionalProperties") return `${whole} takes ${taken(keyword, parentSchema)}.`;
  const extra = String(params["additionalProperty"]).slice(0, 64);
  const known = Object.keys(parentSchema.properties ?? {});
  return `${whole} takes ${known.length === 0 ? "nothing" : list(known, "and")}, and no "${extra}".`;
}

function taken(keyword: string, schema: Schema): string {
  const { type, description, minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const choices = schema.anyOf?.map((one) => one.const);
  if (choices?.every((choice) => choice !== undefined)) return list(choices, "or");
  if (/Length$/.test(keyword)) return span("characters", minLength, maxLength);
  if (/Items$/.test(keyword)) return span("items", minItems, maxItems);
  if (type === "integer" || type === "number") {
    const number = type === "integer" ? "a whole number" : "a number";
    if (minimum !== undefined && maximum !== undefined) return `${number} from ${minimum} to ${maximum}`;
    return minimum === undefined ? number : `${number} from ${minimum} on`;
  }
  if (description !== undefined) return `this: ${description}`;
  return types[type ?? ""] ?? "something of another form";
}

const types: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

function span(what: string, least = 0, most?: number): string {
  if (most === undefined) return `at least ${least} ${what}`;
  return least === 0 ? `at most ${most} ${what}` : `${least} to ${most} ${what}`;
}

function list(words: readonly unknown[], last: "and" | "or"): string {
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
