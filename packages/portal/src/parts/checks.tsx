/** Every step of a verification, each to be opened: what was found, what it rests on, and the finding in core's own words. */
import type { Check } from "@attestry/core";
import type { VNode } from "preact";
import type { TrustBasis } from "../verify/question.ts";
import { Icon } from "./icons.tsx";
import type { VerdictWords } from "./verdict.tsx";

const icons = { pass: "check", fail: "cross", unknown: "question", unasked: "dash" } as const;

export interface ChecksProps {
  readonly words: VerdictWords["checks"];
  readonly checks: readonly Check[];
  /** What the trust in the log rests on. */
  readonly basis: TrustBasis;
}

export function Checks({ words, checks, basis }: ChecksProps): VNode {
  return (
    <ul class="checks">
      {checks.map((check, at) => (
        <Item key={`${at}-${check.name}`} words={words} check={check} basis={basis} />
      ))}
    </ul>
  );
}

type ItemProps = Omit<ChecksProps, "checks"> & { readonly check: Check };

function Item({ words, check, basis }: ItemProps): VNode {
  const look = lookOf(check);
  return (
    <li class={`checks__item checks__item--${look}`} data-check={check.name}>
      <details>
        <summary>
          <span class="checks__symbol">
            <Icon name={icons[look]} size={20} />
          </span>
          <span class="checks__name">{words.names[check.name]}</span>
          <span class="checks__status">{words.status[look]}</span>
        </summary>
        <Explained words={words} check={check} basis={basis} />
      </details>
    </li>
  );
}

/** A quorum of none is met by nobody at all: that is nothing to count among what passed. */
function lookOf({ name, status, facts }: Check): keyof typeof icons {
  return name === "witnesses" && status === "pass" && facts?.["quorum"] === 0 ? "unasked" : status;
}

function Explained({ words, check, basis }: ItemProps): VNode {
  const { name, status, detail, trust, code } = check;
  return (
    <div class="checks__body">
      <p>{lookOf(check) === "unasked" ? words.unasked : words[status][name]}</p>
      <p>
        <strong>{words.rests}:</strong> {words.trust[restsOn(check, basis)]}
      </p>
      {/* What core found is written for experts, in English. */}
      <dl class="checks__finding">
        <dt>{words.finding}</dt>
        <dd lang="en">
          {detail} <span class="checks__trust">[{trust}]</span>
        </dd>
        {code !== undefined && (
          <>
            <dt>{words.code}</dt>
            <dd>
              <code>{code}</code>
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}

/** What an outcome rests on, in words that readers share; core's own words name it exactly. */
function restsOn({ name, status, facts }: Check, basis: TrustBasis): keyof VerdictWords["checks"]["trust"] {
  const own = basis === "nothing" ? "none" : basis;
  switch (name) {
    case "log":
      return status === "pass" ? own : "none";
    case "witnesses":
      return facts?.["quorum"] === 0 ? "log" : "trust_file";
    case "issuer":
      return status !== "pass" ? "none" : facts?.["by"] === "enrolment" ? "log" : "trust_file";
    case "time":
      return status !== "pass" ? "none" : facts?.["source"] === "log" ? "log" : "trust_file";
    case "not_before":
      return status === "pass" ? "log" : "none";
    case "anchors":
    case "time_stamps":
      return status === "pass" && facts !== undefined ? "trust_file" : "none";
    case "later":
      return status === "pass" ? "notary" : "nobody";
    default:
      return status === "unknown" ? "none" : "mathematics";
  }
}
