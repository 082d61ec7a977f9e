"""proof_files.py URL KEY.pem FOLDER: scitt-cose reads each *.proof as a SCITT Transparent Statement (RFC 9943), and verifies its
statement with the issuer's key and its receipt with the key that the notary publishes."""

import sys
from pathlib import Path

import cbor2
import notary
from scitt_cose import extract_receipts, parse_signed_statement, verify_receipt


def check(proof, issuer_key, log_keys):
    bytes_ = proof.read_bytes()
    statement = parse_signed_statement(bytes_, public_key_pem=issuer_key)
    assert statement["signature_verified"] is True, f"{proof}: the statement does not verify"
    protected, _unprotected, payload, signature = cbor2.loads(bytes_).value
    entry = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    (receipt,) = extract_receipts(bytes_)
    key = log_keys[notary.kid(receipt)]
    result = verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=key)
    assert result.ok, f"{proof}: {result.errors}"
    other = verify_receipt(receipt, leaf_entry_hex=entry.hex() + "00", log_public_key_pem=key)
    assert not other.ok, f"{proof}: its receipt verifies for another entry"
    return result.tree_size


def main(url, key_file, folder):
    log_keys = notary.receipt_keys(url)
    issuer_key = Path(key_file).read_bytes()
    sizes = [check(proof, issuer_key, log_keys) for proof in sorted(Path(folder).glob("*.proof"))]
    assert sizes
    print(f"{len(sizes)} proof files, of trees of {min(sizes)} to {max(sizes)} entries")


main(*sys.argv[1:])
