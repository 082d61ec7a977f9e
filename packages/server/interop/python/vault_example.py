"""vault_example.py PAGE: the decrypter that the page on the vault's format prints opens the example that it prints."""

import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag


def row(page, name):
    return re.search(rf"^\| {name} \| `([^`]+)`", page, re.MULTILINE).group(1)


def block(page, language):
    return re.search(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL).group(1)


def main(path):
    page = Path(path).read_text().partition("## Example")[2]
    decrypter = {}
    exec(block(page, "python"), decrypter)
    keys = decrypter["open_keyring"](block(page, "keyring").encode(), b"open sesame")
    name = row(page, "name of the object").encode()
    wrapped, sealed = bytes.fromhex(row(page, "wrapped key")), bytes.fromhex(row(page, "object"))
    data_key = decrypter["unwrap"](wrapped, keys, name)
    content = decrypter["open_object"](sealed, data_key, name)
    assert content.decode() == row(page, "content") + "\n", content
    try:
        decrypter["unwrap"](wrapped, keys, name[::-1])
    except InvalidTag:
        print(f"keyring, wrapped key and object of {len(sealed)} bytes")
    else:
        raise AssertionError("the wrapped key opens for another object")


main(*sys.argv[1:])
