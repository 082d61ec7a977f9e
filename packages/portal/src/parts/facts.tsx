/** What a verification found, for people: who signed, when it existed and by whose word, where that stands. */
import { type Check, encodeHex, type Report } from "@attestry/core";
import type { VNode } from "preact";
import { Hash } from "./hash.tsx";
import { Time } from "./time.tsx";
import type { VerdictWords } from "./verdict.tsx";

export interface FactsProps {
  readonly words: VerdictWords["facts"];
  readonly report: Report;
  /** The issuer's own name for the record. */
  readonly record?: string | undefined;
}

export function Facts(props: FactsProps): VNode {
  return (
    <dl class="facts">
      <Who {...props} />
      <When {...props} />
      <Where {...props} />
    </dl>
  );
}

function Who({ words, report: { statement }, record }: FactsProps): VNode | null {
  if (statement === undefined) return null;
  const isKey = statement.issuer.startsWith("urn:ietf:params:oauth:ckt:");
  return (
    <div class="facts__group">
      <dt>{words.who}</dt>
      <dd class="facts__main">{isKey ? words.namedByKey : statement.issuer}</dd>
      {isKey && (
        <dd class="facts__key">
          {words.key} <Hash hex={encodeHex(statement.keyThumbprint)} />
        </dd>
      )}
      {record !== undefined && (
        <dd>
          {words.record}: {record}
        </dd>
      )}
    </div>
  );
}

function When({ words, report: { statement, notAfter, notBefore } }: FactsProps): VNode {
  return (
    <div class="facts__group">
      <dt>{words.when}</dt>
      {notAfter === undefined ? (
        <dd class="facts__main">{words.noTime}</dd>
      ) : (
        <>
          <dd class="facts__main">
            {words.proven} <Time at={notAfter.time} />
          </dd>
          <dd>
            {words.sources[notAfter.source]}
            {notAfter.source === "log" ? "" : `: ${notAfter.names.join(", ")}`}
          </dd>
        </>
      )}
      {notBefore !== undefined && statement?.after !== undefined && (
        <dd>
          {words.after} <Time at={notBefore.time} />,{" "}
          {words.quotes(String(statement.after.size), statement.after.origin)}
        </dd>
      )}
      {statement !== undefined && (
        <dd>
          {words.claimed} <Time at={statement.issuedAt} />, {words.claimedBasis}
        </dd>
      )}
    </div>
  );
}

function Where({ words, report: { entry, checks } }: FactsProps): VNode {
  const anchors = checks.filter(({ name }) => name === "anchors" || name === "time_stamps");
  return (
    <div class="facts__group">
      <dt>{words.where}</dt>
      {entry !== undefined && (
        <dd class="facts__main">
          <a href={`/entry/${entry.index}`}>{words.entry(String(entry.index), entry.origin)}</a>
        </dd>
      )}
      {anchors.map((check, at) => (
        <Anchor key={`${at}-${check.name}`} words={words} check={check} />
      ))}
      {anchors.length === 0 && <dd>{words.notAnchored}</dd>}
    </div>
  );
}

function Anchor({ words, check }: { readonly words: FactsProps["words"]; readonly check: Check }): VNode | null {
  const { facts, status, name } = check;
  if (facts === undefined || status === "fail") return null;
  const { ledger, chainId, block, authority, time } = facts;
  const text =
    name === "time_stamps"
      ? words.stamp(String(authority))
      : status === "pass"
        ? words.block(String(ledger), String(block))
        : words.openBlock(String(chainId), String(block));
  return (
    <dd>
      {text}
      {status === "pass" && typeof time === "number" && (
        <>
          , <Time at={time} />
        </>
      )}
    </dd>
  );
}
