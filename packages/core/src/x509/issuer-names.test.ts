import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateNames, checkCertificateNames, parseCertificate, preferredIssuerName } from "./chain.ts";
import { issue } from "./test-certificates.ts";

const registrar = {
  subject: "CN=Registrar,O=Kent County",
  commonName: "Registrar",
  subjectAltNames: { uri: ["urn:kent:deeds", "https://kent.gov/"], dns: ["deeds.kent.gov"], email: ["deeds@kent.gov"] },
};

test("a certificate speaks for its URIs, its DNS names with and without https, its subject and its common name", () => {
  assert.deepEqual(certificateNames(registrar), [
    "urn:kent:deeds",
    "https://kent.gov/",
    "https://deeds.kent.gov",
    "deeds.kent.gov",
    "CN=Registrar,O=Kent County",
    "Registrar",
  ]);
  for (const iss of certificateNames(registrar)) checkCertificateNames(registrar, iss);
});

test("it speaks for nobody else: names are compared whole and exactly", () => {
  const others = [
    "",
    "kent.gov",
    "https://kent.gov",
    "https://deeds.kent.gov/",
    "DEEDS.kent.gov",
    "deeds@kent.gov",
    "registrar",
  ];
  for (const iss of others) {
    assert.throws(() => checkCertificateNames(registrar, iss), { code: "VERIFY_ISSUER" }, iss);
  }
});

test("a common name that reads like a URI or a subject does not pass for one", () => {
  const subjectAltNames = { uri: [], dns: [], email: [] };
  for (const commonName of ["https://kent.gov/", "urn:kent:deeds", "CN=Registrar,O=Kent County"]) {
    const subject = `CN=${commonName.replace(/,/g, "\\,")},O=Elsewhere`;
    const impostor = { subject, commonName, subjectAltNames };
    assert.throws(() => checkCertificateNames(impostor, commonName), { code: "VERIFY_ISSUER" }, commonName);
    checkCertificateNames(impostor, subject);
  }
});

test("the preferred name is the first URI, else the first DNS name as https, else the subject", () => {
  const { subjectAltNames } = registrar;
  assert.equal(preferredIssuerName(registrar), "urn:kent:deeds");
  assert.equal(
    preferredIssuerName({ ...registrar, subjectAltNames: { ...subjectAltNames, uri: [] } }),
    "https://deeds.kent.gov",
  );
  const bare = { ...registrar, subjectAltNames: { uri: [], dns: [], email: [] } };
  assert.equal(preferredIssuerName(bare), "CN=Registrar,O=Kent County");
});

test("a certificate without names speaks for nobody, not even for the empty name", () => {
  const nobody = {
    subject: "",
    commonName: undefined,
    subjectAltNames: { uri: [], dns: [], email: ["deeds@kent.gov"] },
  };
  assert.equal(preferredIssuerName(nobody), undefined);
  assert.throws(() => checkCertificateNames(nobody, ""), { code: "VERIFY_ISSUER" });
});

test("names come from a real certificate", async () => {
  const names = [{ type: "url", value: "https://kent.gov/deeds" }] as const;
  const { der } = await issue({ subject: "O=Kent County, CN=Registrar", names });
  const expected = ["https://kent.gov/deeds", "CN=Registrar,O=Kent County", "Registrar"];
  assert.deepEqual(certificateNames(parseCertificate(der)), expected);
});
