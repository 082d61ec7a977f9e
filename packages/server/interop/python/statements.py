"""statements.py KEY.pem FOLDER: pycose verifies the statement in each FILE.proof, and its payload is the hash of FILE."""

import hashlib
import sys
from pathlib import Path

from pycose.keys import CoseKey
from pycose.messages import CoseMessage, Sign1Message


def check(proof, key):
    message = CoseMessage.decode(proof.read_bytes())
    assert isinstance(message, Sign1Message)
    message.key = key
    assert message.verify_signature(), f"{proof}: the signature does not verify"
    assert message.payload == hashlib.sha256(proof.with_suffix("").read_bytes()).digest(), f"{proof}: another file's"
    message.payload = hashlib.sha256(message.payload).digest()
    assert not message.verify_signature(), f"{proof}: the signature verifies over another hash"


def main(key_file, folder):
    key = CoseKey.from_pem_public_key(Path(key_file).read_text())
    proofs = sorted(Path(folder).glob("*.proof"))
    assert proofs
    for proof in proofs:
        check(proof, key)
    print(f"{len(proofs)} statements, each refused once its hash is changed")


main(*sys.argv[1:])
