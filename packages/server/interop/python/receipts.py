"""receipts.py URL: scitt-cose verifies the receipt of every entry, with the key that the notary publishes."""

import sys

import notary
from scitt_cose import merkle_root, verify_receipt


def main(url):
    keys = notary.receipt_keys(url)
    size, root = notary.checkpoint(url)
    entries = [entry.hex() for entry in notary.entries(url, size)]
    roots = {size: root.hex()}
    for index, entry in enumerate(entries):
        receipt = notary.get(f"{url}/entries/{index}")
        key = keys[notary.kid(receipt)]
        result = verify_receipt(receipt, leaf_entry_hex=entry, log_public_key_pem=key)
        assert result.ok, f"entry {index}: {result.errors}"
        if result.tree_size not in roots:
            roots[result.tree_size] = merkle_root(entries[: result.tree_size])
        assert result.root == roots[result.tree_size], f"entry {index}: not the root of {result.tree_size} entries"
        assert result.leaf_index == index, f"entry {index}: its receipt is for entry {result.leaf_index}"
        other = verify_receipt(receipt, leaf_entry_hex=entries[index - 1], log_public_key_pem=key)
        assert not other.ok, f"entry {index}: its receipt verifies for another entry"
    assert roots[size] == merkle_root(entries), "the checkpoint's root is not that of the entries"
    print(f"{size} receipts, of trees of {', '.join(map(str, sorted(roots)))} entries, each refused for another entry")


main(sys.argv[1])
