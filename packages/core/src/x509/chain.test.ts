import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { isAttestryError } from "../errors.ts";
import { type ChainFault, checkChain, parseCertificate } from "./chain.ts";
import {
  extendedKeyUsage,
  extension,
  generateKeys,
  type Issued,
  issue,
  type KeyKind,
  KeyUsageFlags,
  noon,
  pem,
} from "./test-certificates.ts";

const at = noon("2026-06-01");
const folder = mkdtempSync(join(tmpdir(), "attestry-x509-"));
after(() => rmSync(folder, { recursive: true }));

/** Whether `openssl verify` accepts the chain; `undefined` where there is no openssl. */
function opensslAccepts(chain: readonly Uint8Array[], roots: readonly Uint8Array[], time: number): boolean | undefined {
  const [leaf, ...rest] = chain.map((der) => pem(der));
  const files = {
    "leaf.pem": leaf ?? "",
    "untrusted.pem": rest.join(""),
    "roots.pem": roots.map((der) => pem(der)).join(""),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const args = ["verify", "-attime", `${time}`, "-partial_chain", "-no-CApath", "-no-CAstore", "-auth_level", "2"];
  const more = ["-CAfile", "roots.pem", ...(rest.length > 0 ? ["-untrusted", "untrusted.pem"] : []), "leaf.pem"];
  const { status, error } = spawnSync("openssl", [...args, ...more], { cwd: folder });
  return error === undefined ? status === 0 : undefined;
}

const der = (certificates: readonly Issued[]) => certificates.map((certificate) => certificate.der);

async function accepts(
  chain: readonly Issued[],
  roots: readonly Issued[],
  time: number = at,
  { opensslToo = true } = {},
): Promise<void> {
  const { leaf, root, path } = await checkChain({ chain: der(chain), roots: der(roots), at: time });
  assert.deepEqual(leaf.der, chain[0]?.der);
  assert.ok(roots.some((trusted) => Buffer.compare(trusted.der, root.der) === 0));
  assert.equal(path[0], leaf);
  assert.equal(path.at(-1), root);
  if (opensslToo) assert.notEqual(opensslAccepts(der(chain), der(roots), time), false, "openssl refuses it");
}

async function refuses(
  chain: readonly Issued[],
  roots: readonly Issued[],
  reason: ChainFault,
  { subject, time = at, opensslToo = true }: { subject?: string; time?: number; opensslToo?: boolean } = {},
): Promise<void> {
  await assert.rejects(checkChain({ chain: der(chain), roots: der(roots), at: time }), (error) => {
    assert.ok(isAttestryError(error), String(error));
    assert.equal(error.code, "VERIFY_CERTIFICATE");
    assert.equal(error.data["reason"], reason, error.message);
    if (subject !== undefined) assert.equal(error.data["subject"], subject);
    return true;
  });
  if (opensslToo) assert.notEqual(opensslAccepts(der(chain), der(roots), time), true, "openssl accepts it");
}

let root: Issued;
let intermediate: Issued;
let leaf: Issued;

before(async () => {
  root = await issue({ subject: "CN=Root", ca: {} });
  intermediate = await issue({ subject: "CN=Intermediate", by: root, ca: {} });
  leaf = await issue({ subject: "CN=Registrar", by: intermediate });
});

test("openssl is there to be compared with", (t) => {
  if (spawnSync("openssl", ["version"]).error !== undefined)
    t.skip("no openssl: chains are judged without a second opinion");
});

test("a chain holds with and without its root, and for every root that it leads to", async () => {
  await accepts([leaf, intermediate], [root]);
  await accepts([leaf, intermediate, root], [root]);
  const other = await issue({ subject: "CN=Other", ca: {} });
  await accepts([leaf, intermediate], [other, root]);
  const direct = await issue({ subject: "CN=Direct", by: root });
  await accepts([direct], [root]);
});

const cas: readonly KeyKind[] = [
  "P-256",
  "P-256 with SHA-384",
  "P-384",
  "P-384 with SHA-256",
  "P-521",
  "Ed25519",
  "RSA 2048",
  "RSA with SHA-384",
  "RSA with SHA-512",
  "RSA-PSS with SHA-256",
  "RSA-PSS with SHA-512",
];

for (const kind of cas) {
  test(`leafs of every kind hold under a CA with ${kind}`, async () => {
    const ca = await issue({ subject: "CN=CA", kind, ca: {} });
    for (const [leafKind, algorithm] of [
      ["P-256", "ES256"],
      ["P-384", "ES384"],
      ["Ed25519", "EdDSA"],
    ] as const) {
      const certificate = await issue({ subject: "CN=Leaf", kind: leafKind, by: ca });
      await accepts([certificate], [ca]);
      assert.equal(parseCertificate(certificate.der).publicKey?.algorithm, algorithm);
    }
    const certificate = await issue({ subject: "CN=Leaf", by: ca });
    const imposter = await issue({ subject: "CN=CA", kind, ca: {} });
    await refuses([certificate], [imposter], "bad_signature");
    await refuses([certificate, ca], [imposter], "bad_signature");
  });
}

test("a CA of another kind of key does not vouch for what its namesake signed", async () => {
  const kinds = ["P-256", "P-384", "P-521", "Ed25519", "RSA 2048", "RSA-PSS with SHA-256"] as const;
  const namesakes = await Promise.all(kinds.map((kind) => issue({ subject: "CN=CA", kind, ca: {} })));
  for (const by of namesakes) {
    const certificate = await issue({ subject: "CN=Leaf", by });
    for (const other of namesakes) {
      if (other !== by) await refuses([certificate], [other], "bad_signature", { opensslToo: false });
    }
  }
});

test("validity counts at the proven time, for each certificate, ends included", async () => {
  const [start, end] = [noon("2026-03-01"), noon("2026-09-01")];
  const shortRoot = await issue({ subject: "CN=Root", ca: {}, notBefore: start, notAfter: end });
  const shortCa = await issue({ subject: "CN=Intermediate", by: root, ca: {}, notBefore: start, notAfter: end });
  const shortLeaf = await issue({ subject: "CN=Leaf", by: root, notBefore: start, notAfter: end });
  const underShortRoot = await issue({ subject: "CN=Leaf", by: shortRoot });
  const underShortCa = await issue({ subject: "CN=Leaf", by: shortCa });
  for (const [chain, roots, subject] of [
    [[underShortRoot], [shortRoot], "CN=Root"],
    [[underShortCa, shortCa], [root], "CN=Intermediate"],
    [[shortLeaf], [root], "CN=Leaf"],
  ] as const) {
    await accepts(chain, roots, at);
    await accepts(chain, roots, start);
    await accepts(chain, roots, end, { opensslToo: false }); // openssl counts the last second as past (§4.1.2.5 does not)
    await refuses(chain, roots, "not_yet_valid", { subject, time: start - 1 });
    await refuses(chain, roots, "expired", { subject, time: end + 1 });
  }
});

test("a time that is no number never passes", async () => {
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined as unknown as number]) {
    await assert.rejects(checkChain({ chain: der([leaf, intermediate]), roots: der([root]), at: time }), {
      code: "VERIFY_CERTIFICATE",
    });
  }
});

test("a chain holds if any root of that name does: one that was renewed, or one of another key", async () => {
  const expired = await issue({ subject: "CN=Root", ca: {}, keys: root.keys, notAfter: noon("2026-02-01") });
  const namesake = await issue({ subject: "CN=Root", ca: {} });
  await accepts([leaf, intermediate], [expired, namesake, root]);
  await refuses([leaf, intermediate], [expired], "expired", { subject: "CN=Root" });
  // The old root beside the chain, the new one trusted: the old one is then a CA below the new one, self-issued.
  const limited = await issue({ subject: "CN=Root", ca: { pathLength: 1 }, keys: root.keys });
  await accepts([leaf, intermediate, root], [limited]);
});

test("a chain to a root that is not trusted is refused", async () => {
  const other = await issue({ subject: "CN=Other", ca: {} });
  await refuses([leaf, intermediate], [other], "untrusted_root");
  await refuses([leaf, intermediate, root], [other], "untrusted_root");
  await refuses([leaf, intermediate], [], "untrusted_root");
  await refuses([leaf], [root], "untrusted_root", { subject: "CN=Registrar" });
});

test("a chain that is shuffled, has gaps or holds strangers is refused", async () => {
  const stranger = await issue({ subject: "CN=Stranger", ca: {} });
  for (const chain of [
    [leaf, root, intermediate],
    [leaf, root],
    [leaf, intermediate, stranger],
    [leaf, stranger, intermediate],
    [leaf, leaf, intermediate],
    [leaf, intermediate, intermediate],
  ]) {
    await refuses(chain, [root], "unrelated", { opensslToo: false }); // openssl sorts, and drops what it has no use for
  }
  await refuses([intermediate, leaf, root], [root], "unrelated", { opensslToo: false });
});

test("a trusted certificate ends the chain, wherever in it: an intermediate, or the leaf itself", async () => {
  await accepts([leaf, intermediate], [intermediate]);
  await accepts([leaf, intermediate, root], [intermediate]);
  await accepts([leaf], [intermediate]);
  await accepts([leaf, intermediate], [leaf]);
  const selfSigned = await issue({ subject: "CN=Clerk" });
  await accepts([selfSigned], [selfSigned]);
  await refuses([selfSigned], [root], "untrusted_root");
  await refuses([selfSigned], [selfSigned], "expired", { time: noon("2028-01-01") });
});

test("a leaf cannot issue certificates", async () => {
  const forged = await issue({ subject: "CN=Forged", by: leaf });
  await refuses([forged, leaf, intermediate], [root], "not_a_ca", { subject: "CN=Registrar" });
  await refuses([forged], [leaf], "not_a_ca");
  const almost = await issue({ subject: "CN=Almost", by: root, usage: KeyUsageFlags.keyCertSign });
  await refuses([await issue({ subject: "CN=Forged", by: almost }), almost], [root], "not_a_ca");
});

test("a CA must be allowed to sign certificates, if its use is restricted at all", async () => {
  const crlOnly = await issue({ subject: "CN=CRL", by: root, ca: {}, usage: KeyUsageFlags.cRLSign });
  await refuses([await issue({ subject: "CN=Leaf", by: crlOnly }), crlOnly], [root], "key_usage", {
    subject: "CN=CRL",
  });
  const free = await issue({ subject: "CN=Free", by: root, ca: {}, usage: null });
  await accepts([await issue({ subject: "CN=Leaf", by: free }), free], [root]);
});

test("path lengths are kept, by intermediates and by the root", async () => {
  const zero = await issue({ subject: "CN=Zero", by: root, ca: { pathLength: 0 } });
  const below = await issue({ subject: "CN=Below", by: zero, ca: {} });
  await accepts([await issue({ subject: "CN=Leaf", by: zero }), zero], [root]);
  const tooDeep = await issue({ subject: "CN=Leaf", by: below });
  await refuses([tooDeep, below, zero], [root], "path_length", { subject: "CN=Zero" });
  const limitedRoot = await issue({ subject: "CN=Limited", ca: { pathLength: 0 } });
  const ca = await issue({ subject: "CN=CA", by: limitedRoot, ca: {} });
  await refuses([await issue({ subject: "CN=Leaf", by: ca }), ca], [limitedRoot], "path_length", {
    subject: "CN=Limited",
  });
  // A CA at the end of the chain is a leaf there, and does not count (RFC 5280 §4.2.1.9).
  const signingCa = await issue({ subject: "CN=Signing CA", by: zero, ca: {}, usage: KeyUsageFlags.digitalSignature });
  await accepts([signingCa, zero], [root]);
});

test("a certificate that a CA issued to itself does not count towards the path length", async () => {
  const zero = await issue({ subject: "CN=Zero", by: root, ca: { pathLength: 0 } });
  const rolledOver = await issue({ subject: "CN=Zero", by: zero, ca: { pathLength: 0 } });
  await accepts([await issue({ subject: "CN=Leaf", by: rolledOver }), rolledOver, zero], [root]);
});

test("a chain has at most eight certificates", async () => {
  const chain = [root];
  for (let i = 1; i <= 8; i++) chain.unshift(await issue({ subject: `CN=CA ${i}`, by: chain[0] as Issued, ca: {} }));
  const leafOf = (ca: Issued | undefined) => issue({ subject: "CN=Leaf", by: ca as Issued });
  await accepts([await leafOf(chain[1]), ...chain.slice(1, -1)], [root]);
  await refuses([await leafOf(chain[0]), ...chain.slice(0, -1)], [root], "path_length", { opensslToo: false });
});

test("a leaf must be allowed to sign data, if its use is restricted at all", async () => {
  const leafWith = (usage: number | null) => issue({ subject: "CN=Leaf", by: root, usage });
  await accepts([await leafWith(null)], [root]);
  await accepts([await issue({ subject: "CN=Leaf", by: root, usage: null, bare: true })], [root]);
  await accepts([await leafWith(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement)], [root]);
  await accepts([await leafWith(KeyUsageFlags.nonRepudiation)], [root]);
  for (const usage of [KeyUsageFlags.keyEncipherment, KeyUsageFlags.keyAgreement, KeyUsageFlags.keyCertSign]) {
    await refuses([await leafWith(usage)], [root], "key_usage", { subject: "CN=Leaf", opensslToo: false });
  }
  await refuses([intermediate], [root], "key_usage", { subject: "CN=Intermediate", opensslToo: false });
});

test("a leaf that names its purposes must name one of signing data", async () => {
  const leafFor = (...purposes: string[]) =>
    issue({ subject: "CN=Leaf", by: root, extensions: [extendedKeyUsage(...purposes)] });
  const [serverAuth, documentSigning, any] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.36", "2.5.29.37.0"] as const;
  await accepts([await leafFor(documentSigning)], [root]);
  await accepts([await leafFor(serverAuth, any)], [root]);
  await refuses([await leafFor(serverAuth)], [root], "key_usage", { opensslToo: false });
});

test("critical extensions that are unknown are refused anywhere in the chain, others passed over", async () => {
  const strange = (critical: boolean) => [extension("1.2.3.4.5", critical, Uint8Array.of(5, 0))];
  const strangeRoot = await issue({ subject: "CN=Strange root", ca: {}, extensions: strange(true) });
  const strangeCa = await issue({ subject: "CN=Strange CA", by: root, ca: {}, extensions: strange(true) });
  const strangeLeaf = await issue({ subject: "CN=Strange leaf", by: root, extensions: strange(true) });
  const refused: [Issued[], Issued[], string][] = [
    [[await issue({ subject: "CN=Leaf", by: strangeRoot })], [strangeRoot], "CN=Strange root"],
    [[await issue({ subject: "CN=Leaf", by: strangeCa }), strangeCa], [root], "CN=Strange CA"],
    [[strangeLeaf], [root], "CN=Strange leaf"],
  ];
  for (const [chain, roots, subject] of refused) await refuses(chain, roots, "critical_extension", { subject });
  await accepts([await issue({ subject: "CN=Leaf", by: root, extensions: strange(false) })], [root]);
  const policies = extension("2.5.29.32", true, Uint8Array.fromHex("30063004060253 03".replace(" ", "")));
  await accepts([await issue({ subject: "CN=Leaf", by: root, extensions: [policies] })], [root]);
});

test("name constraints are refused, critical or not, rather than passed over", async () => {
  // permittedSubtrees: dNSName kent.gov
  const value = Uint8Array.fromHex("300ea00c300a82086b656e742e676f76");
  for (const critical of [true, false]) {
    const ca = await issue({
      subject: "CN=CA",
      by: root,
      ca: {},
      extensions: [extension("2.5.29.30", critical, value)],
    });
    const inside = await issue({ subject: "CN=Leaf", by: ca, names: [{ type: "dns", value: "deeds.kent.gov" }] });
    await refuses([inside, ca], [root], "name_constraints", { subject: "CN=CA", opensslToo: false });
  }
});

test("broken hashes and short RSA keys are refused wherever a signature rests on them", async () => {
  for (const kind of ["RSA with SHA-1", "P-256 with SHA-1", "RSA 1024"] as const) {
    const ca = await issue({ subject: "CN=Weak", kind, ca: {} });
    await refuses([await issue({ subject: "CN=Leaf", by: ca })], [ca], "weak_algorithm");
  }
  // A root's own signature is not relied on, so its hash does not matter.
  const keys = await generateKeys("P-256");
  const old = await issue({ subject: "CN=Old", kind: "P-256 with SHA-1", keys, ca: {} });
  await accepts([await issue({ subject: "CN=Leaf", by: { ...old, kind: "P-256" } })], [old]);
});

test("an RSA key that is too long to be worth its checks is refused", async () => {
  const kind = "RSA 2048";
  const keys = await generateKeys(kind);
  const n = Buffer.alloc(1025, 0x81).toString("base64url"); // 8,200 bits
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const publicKey = await crypto.subtle.importKey("jwk", { kty: "RSA", n, e: "AQAB" }, algorithm, true, ["verify"]);
  const ca = await issue({ subject: "CN=Long", kind, keys: { ...keys, publicKey }, ca: {} });
  const below = await issue({ subject: "CN=Leaf", by: { ...ca, keys } });
  await assert.rejects(checkChain({ chain: der([below]), roots: der([ca]), at }), {
    code: "VERIFY_CERTIFICATE",
    message: "The certificate of CN=Long: Its RSA key has 8200 bits.",
  });
});

test("a leaf whose key does not sign statements is refused", async () => {
  for (const kind of ["RSA 2048", "P-521"] as const) {
    const other = await issue({ subject: "CN=Other", kind, by: root });
    assert.equal(parseCertificate(other.der).publicKey, undefined);
    await refuses([other], [root], "unsupported_algorithm", { subject: "CN=Other", opensslToo: false });
  }
});

test("no chain, and garbage in chain or roots, are malformed", async () => {
  const garbage = Uint8Array.of(0x30, 0x03, 1, 2, 3);
  const good = { chain: der([leaf, intermediate]), roots: der([root]), at };
  await checkChain(good);
  for (const bad of [{ chain: [] }, { chain: [garbage] }, { chain: [leaf.der, garbage] }, { roots: [garbage] }]) {
    await assert.rejects(checkChain({ ...good, ...bad }), { code: "MALFORMED_CERTIFICATE" });
  }
});

for (const kind of ["P-256", "Ed25519", "RSA 2048", "RSA-PSS with SHA-256"] as const) {
  test(`any changed byte, anywhere in a chain of ${kind}, is refused and nothing but refused`, async () => {
    const ca = await issue({ subject: "CN=Root", kind, ca: {} });
    const middle = await issue({ subject: "CN=Middle", kind, by: ca, ca: {} });
    const end = await issue({
      subject: "CN=Leaf",
      by: middle,
      names: [{ type: "url", value: "https://kent.gov/deeds" }],
    });
    const chain = der([end, middle, ca]);
    const roots = der([ca]);
    await checkChain({ chain, roots, at });
    const attempt = async (which: number, position: number, mask: number) => {
      const changed = chain.map((bytes) => Uint8Array.from(bytes));
      const bytes = changed[which] as Uint8Array;
      bytes[position] = (bytes[position] as number) ^ mask;
      await assert.rejects(checkChain({ chain: changed, roots, at }), (error) => {
        assert.ok(isAttestryError(error), String(error));
        return error.code === "MALFORMED_CERTIFICATE" || error.code === "VERIFY_CERTIFICATE";
      });
    };
    for (const [which, bytes] of chain.entries()) {
      for (let position = 0; position < bytes.length; position++) await attempt(which, position, 1 << (position % 8));
    }
    const place = fc.nat({ max: chain.length - 1 }).chain((which) =>
      fc.record({
        which: fc.constant(which),
        position: fc.nat({ max: (chain[which] as Uint8Array).length - 1 }),
        mask: fc.integer({ min: 1, max: 255 }),
      }),
    );
    await fc.assert(fc.asyncProperty(place, ({ which, position, mask }) => attempt(which, position, mask)));
  });
}
