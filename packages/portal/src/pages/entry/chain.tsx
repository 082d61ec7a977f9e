/** The chain of an entry, link by link: each with what it holds, and what came of checking it. */
import { type Check, type CheckName, encodeHex, thumbprintUri } from "@attestry/core";
import type { ComponentChildren, VNode } from "preact";
import { Hash } from "../../parts/hash.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Key, Rows } from "../../parts/rows.tsx";
import { Time } from "../../parts/time.tsx";
import type { Answer } from "../../verify/question.ts";
import type { Contents } from "./contents.ts";
import type { EntryWords } from "./index.tsx";

export interface ChainProps {
  readonly words: EntryWords;
  readonly answer: Answer;
  readonly contents: Contents;
}

export function Chain(props: ChainProps): VNode {
  const { words } = props;
  const { cosignatures, anchors, timeStamps } = props.contents;
  return (
    <section aria-labelledby="chain">
      <h2 id="chain">{words.chain.heading}</h2>
      <p>{words.chain.intro}</p>
      <ol class="chain">
        <Link {...props} part={words.statement} checks={["format", "signature"]}>
          <StatementRows {...props} />
        </Link>
        <Link {...props} part={words.issuer} checks={["issuer_key", "issuer"]}>
          <IssuerRows {...props} />
        </Link>
        <Link {...props} part={words.receipt} checks={["inclusion", "receipt", "checkpoint", "log"]}>
          <ReceiptRows {...props} />
        </Link>
        <Link {...props} part={words.witnesses} checks={cosignatures.length === 0 ? [] : ["witnesses"]}>
          <WitnessRows {...props} />
        </Link>
        <Link
          {...props}
          part={words.anchors}
          checks={anchors.length + timeStamps.length === 0 ? [] : ["anchors", "time_stamps"]}
        >
          <AnchorRows {...props} />
        </Link>
        <Link {...props} part={words.later} checks={["later"]}>
          <Later {...props} />
        </Link>
      </ol>
    </section>
  );
}

interface LinkProps extends ChainProps {
  readonly part: { readonly heading: string; readonly about: string };
  /** The checks that are about this link. */
  readonly checks: readonly CheckName[];
  readonly children: ComponentChildren;
}

const icons = { pass: "check", fail: "cross", unknown: "question" } as const;

function Link({ words, answer, part, checks, children }: LinkProps): VNode {
  const found = answer.report?.checks.filter(({ name }) => checks.includes(name)) ?? [];
  const status = worst(found);
  return (
    <li class="chain__link">
      <div class="chain__head">
        <h3>{part.heading}</h3>
        {status !== undefined && (
          <span class={`chain__status chain__status--${status}`}>
            <Icon name={icons[status]} size={20} /> {words.verdicts.checks.status[status]}
          </span>
        )}
      </div>
      <p class="chain__about">{part.about}</p>
      {children}
    </li>
  );
}

function worst(checks: readonly Check[]): Check["status"] | undefined {
  const order = ["fail", "unknown", "pass"] as const;
  return order.find((status) => checks.some((check) => check.status === status));
}

function StatementRows({ words: { statement: said }, answer, contents: { statement } }: ChainProps): VNode {
  const { digest, contentType, issuedAt, issuer, algorithm, relation } = statement;
  return (
    <Rows
      rows={[
        { label: said.record, value: answer.record ?? said.noRecord },
        { label: said.hash, value: <Hash hex={encodeHex(digest)} /> },
        contentType === undefined ? undefined : { label: said.mediaType, value: contentType },
        { label: said.issued, value: <Time at={issuedAt} />, note: said.issuedNote },
        { label: said.issuer, value: issuer },
        { label: said.algorithm, value: algorithm },
        relation && { label: said.relation[relation.kind], value: <Hash hex={encodeHex(relation.target)} /> },
        relation && { label: said.reason, value: relation.reason },
      ]}
    />
  );
}

function IssuerRows({ words: { issuer: said }, contents: { statement, certificates } }: ChainProps): VNode {
  const { kind, thumbprint } = statement.key;
  return (
    <Rows
      rows={[
        kind === "kid" ? { label: said.key, value: <Key text={thumbprintUri(thumbprint)} /> } : undefined,
        ...certificates.map(({ subject, issuer, notBefore, notAfter }) => ({
          label: said.certificate,
          value: subject,
          note: (
            <>
              {said.issuedBy(issuer)}. {said.valid} <Time at={notBefore} /> {said.until} <Time at={notAfter} />.
            </>
          ),
        })),
      ]}
    />
  );
}

function ReceiptRows({ words, contents: { receipt, leafHash } }: ChainProps): VNode {
  const { receipt: said } = words;
  if (receipt === undefined) return <p>{words.chain.none}</p>;
  const { origin, size, rootHash, pathLength, time } = receipt;
  return (
    <Rows
      rows={[
        { label: said.log, value: origin },
        { label: said.leaf, value: <Hash hex={encodeHex(leafHash)} /> },
        { label: said.size, value: String(size) },
        rootHash && { label: said.root, value: <Hash hex={encodeHex(rootHash)} /> },
        { label: said.path, value: String(pathLength) },
        time === undefined
          ? undefined
          : { label: said.registered, value: <Time at={time} />, note: said.registeredNote },
      ]}
    />
  );
}

function WitnessRows({ words, contents: { cosignatures } }: ChainProps): VNode {
  const { witnesses: said } = words;
  if (cosignatures.length === 0) return <p>{words.chain.none}</p>;
  return (
    <Rows
      rows={cosignatures.map(({ name, time }) => ({
        label: name,
        value: time === undefined ? said.unknown : <Time at={time} />,
        note: time === undefined ? undefined : said.holds,
      }))}
    />
  );
}

function AnchorRows({ words, contents: { anchors, timeStamps } }: ChainProps): VNode {
  const { anchors: said } = words;
  if (anchors.length + timeStamps.length === 0) return <p>{words.chain.none}</p>;
  return (
    <Rows
      rows={[
        ...anchors.map(({ chainId, contract, block, time }) => ({
          label: said.chain(chainId),
          value: (
            <>
              {said.block(block)} <Time at={time} />
            </>
          ),
          note: (
            <>
              {said.contract} <Key text={`0x${encodeHex(contract)}`} />
            </>
          ),
        })),
        ...timeStamps.map(({ time }) => ({
          label: said.authority,
          value: time === undefined ? said.unreadable : <Time at={time} />,
        })),
      ]}
    />
  );
}

function Later({ words: { later: said }, answer: { report } }: ChainProps): VNode {
  const later = report?.later ?? [];
  if (later.length > 0)
    return (
      <ul>
        {later.map(({ kind, index, issuer, issuedAt, reason }) => (
          <li key={index}>
            <a href={`/entry/${index}`}>
              {said.kinds[kind]} {index}
            </a>
            , {issuer}, <Time at={issuedAt} />. {said.reason}: {reason}
          </li>
        ))}
      </ul>
    );
  const asked = report?.checks.some(({ name, status }) => name === "later" && status === "pass") === true;
  return <p>{asked ? said.none : said.unknown}</p>;
}
