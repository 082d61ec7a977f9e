import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isAttestryError } from "../errors.ts";
import { checkTimeStamp } from "./check.ts";
import { type DigestName, digestOf, type Imprint } from "./digest.ts";
import { encodeTimeStampRequest } from "./request.ts";
import { parseTimeStampResponse } from "./response.ts";
import { noOpenssl, type OpensslAuthority, opensslAuthority, opensslFolder } from "./test-openssl.ts";
import { parseTimeStampToken } from "./token.ts";

const digests: readonly DigestName[] = ["SHA-256", "SHA-384", "SHA-512"];
const data = new TextEncoder().encode("a deed\n");
const nonce = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 1);

function imprintOf(algorithm: DigestName): Imprint {
  return { algorithm, digest: digestOf(algorithm, data) };
}

const imprint = imprintOf("SHA-256");
const openssl = opensslFolder();
after(() => openssl.remove());

for (const kind of ["RSA", "P-256", "P-384"] as const) {
  describe(`openssl as an authority with ${kind}`, { skip: noOpenssl }, () => {
    let authority: OpensslAuthority;
    before(() => {
      authority = opensslAuthority(openssl, kind);
    });

    /** Asks openssl with these settings, and checks what it answers. */
    async function stamp(request: Parameters<typeof encodeTimeStampRequest>[0], settings?: Record<string, string>) {
      const { token } = parseTimeStampResponse(authority.reply(encodeTimeStampRequest(request), settings));
      return checkTimeStamp({ token, imprint: request.imprint, roots: [authority.root], nonce: request.nonce });
    }

    test("its tokens hold, over every digest, signed with every digest", async () => {
      for (const over of digests) {
        for (const signerDigest of digests) {
          const settings = { signer_digest: signerDigest.replace("-", "").toLowerCase() };
          const {
            time,
            accuracy,
            authority: name,
            policy,
          } = await stamp({ imprint: imprintOf(over), nonce }, settings);
          assert.ok(Math.abs(time - Date.now() / 1000) < 60);
          assert.deepEqual([accuracy, name, policy], [1, `CN=Time ${kind},O=Example,C=US`, "1.2.3.4"]);
        }
      }
    });

    test("its other settings make tokens that hold too", async () => {
      const settings = [
        { ess_cert_id_alg: "sha1" },
        { ess_cert_id_chain: "yes" },
        { ess_cert_id_alg: "sha1", ess_cert_id_chain: "yes" },
        { ess_cert_id_alg: "sha512" },
        { tsa_name: "yes" },
        { ordering: "yes" },
        { clock_precision_digits: "6" },
      ];
      for (const setting of settings) await stamp({ imprint, nonce }, setting as unknown as Record<string, string>);
      const exact = await stamp({ imprint }, { accuracy: "secs:1, millisecs:500, microsecs:100" });
      assert.equal(exact.accuracy, 1.5001);
    });

    test("it reads our requests as they are meant: policy, nonce, certificates", async () => {
      assert.equal((await stamp({ imprint, policy: "1.2.3.5" })).policy, "1.2.3.5");
      openssl.write("ours.tsq", encodeTimeStampRequest({ imprint, nonce, policy: "1.2.3.5" }));
      const text = openssl.run("ts", "-query", "-in", "ours.tsq", "-text");
      for (const line of ["Version: 1", "Hash Algorithm: sha256", "Policy OID: 1.2.3.5", "Certificate required: yes"])
        assert.ok(text.includes(line), text);
      assert.match(text, /Nonce: 0xDEADBEEF00000001/);
      const bare = parseTimeStampResponse(authority.reply(encodeTimeStampRequest({ imprint, certReq: false })));
      const checking = checkTimeStamp({ token: bare.token, imprint, roots: [authority.root] });
      await assert.rejects(checking, (error) => isAttestryError(error) && error.data["reason"] === "signer");
    });

    test("its refusals say why", () => {
      const asks = [
        { imprint, policy: "1.2.3.6", settings: {}, failure: "unacceptedPolicy" },
        { imprint: imprintOf("SHA-512"), policy: undefined, settings: { digests: "sha256" }, failure: "badAlg" },
      ];
      for (const { settings, failure, ...request } of asks) {
        const answer = authority.reply(encodeTimeStampRequest(request), settings);
        assert.throws(
          () => parseTimeStampResponse(answer),
          (error) => {
            assert.ok(isAttestryError(error) && error.code === "POLICY_TIME_STAMP", String(error));
            assert.equal(error.data["failure"], failure);
            assert.equal(error.data["status"], "rejection");
            assert.match(String(error.data["text"]), /policy|algorithm/i);
            return true;
          },
        );
      }
    });

    // A bit of every byte, and every value of those that name the signature's algorithm: names are a digit apart.
    test("no changed byte of its tokens is accepted, but for the other name of RSA", {
      skip: kind === "P-384" && "RSA and P-256 show it",
    }, async () => {
      const { token } = parseTimeStampResponse(authority.reply(encodeTimeStampRequest({ imprint, nonce })));
      const { signatureAlgorithm } = parseTimeStampToken(token).signer;
      const named = Buffer.from(token).lastIndexOf(signatureAlgorithm);
      const accepted: string[] = [];
      for (let i = 0; i < token.length; i++) {
        const byte = token[i] ?? 0;
        const isName = i >= named && i < named + signatureAlgorithm.length;
        const values = isName ? Array.from({ length: 256 }, (_, value) => value) : [byte ^ (1 << (i % 8))];
        for (const value of values.filter((other) => other !== byte)) {
          const changed = token.with(i, value);
          const holds = await checkTimeStamp({ token: changed, imprint, roots: [authority.root], nonce }).then(
            () => true,
            (error: unknown) => {
              assert.ok(isAttestryError(error) && /TIME_STAMP/.test(error.code), String(error));
              return false;
            },
          );
          if (holds) accepted.push(`${byte} to ${value}`);
        }
      }
      // rsaEncryption is arc 1, sha256WithRSAEncryption arc 11 (RFC 3370 §3.2).
      assert.deepEqual(accepted, kind === "RSA" ? ["1 to 11"] : []);
    });
  });
}
