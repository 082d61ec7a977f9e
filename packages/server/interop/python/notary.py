"""What a notary publishes, read with the standard library, cbor2 and cryptography alone."""

import base64
import urllib.request

import cbor2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read()


def receipt_keys(url):
    """PEM public keys of /.well-known/scitt-keys (a COSE Key Set, RFC 9052 section 7) by their kid."""
    keys = {}
    for key in cbor2.loads(get(f"{url}/.well-known/scitt-keys")):
        assert key[1] == 2 and key[-1] == 1, "not a P-256 key"
        x, y = (int.from_bytes(key[label], "big") for label in (-2, -3))
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        keys[key[2]] = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    return keys


def kid(message):
    """The kid (4) in the protected header of a COSE_Sign1."""
    return cbor2.loads(cbor2.loads(message).value[0])[4]


def checkpoint(url):
    """Size and root hash; the signatures are for others to check."""
    _origin, size, root, *_rest = get(f"{url}/log/checkpoint").decode().split("\n")
    return int(size), base64.b64decode(root)


def entries(url, size):
    """All entries, from the C2SP tlog-tiles bundles."""
    found = []
    while len(found) < size:
        number, width = len(found) // 256, min(256, size - len(found))
        assert number < 1000
        bundle = get(f"{url}/log/tile/entries/{number:03}" + (f".p/{width}" if width < 256 else ""))
        for _ in range(width):
            length = int.from_bytes(bundle[:2], "big")
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        assert bundle == b"", "bytes after the bundle's last entry"
    return found
