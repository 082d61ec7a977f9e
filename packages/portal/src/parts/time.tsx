/** A moment, in the reader's language and time zone; the exact one stands in the markup. */
import type { VNode } from "preact";
import { useShell } from "../shell.ts";

/** @param at ISO 8601, or whole seconds of Unix time */
export function Time({ at }: { readonly at: string | number }): VNode {
  const { language } = useShell();
  const date = new Date(typeof at === "number" ? at * 1000 : at);
  if (Number.isNaN(date.getTime())) return <span>{at}</span>;
  return <time dateTime={date.toISOString()}>{format(date, language)}</time>;
}

function format(date: Date, language: string): string {
  const options: Intl.DateTimeFormatOptions = {
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  };
  return new Intl.DateTimeFormat(language, options).format(date);
}
