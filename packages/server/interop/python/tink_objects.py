"""tink_objects.py FOLDER: Tink opens each NAME.object with the key in NAME.key, finds NAME.plain, and writes it anew as NAME.tink."""

import io
import sys
from pathlib import Path

import tink
from tink import proto_keyset_format, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, tink_pb2


class Kept(io.BytesIO):
    """Keeps what was written when Tink closes it."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


def primitive(key):
    """Tink's template AES256_GCM_HKDF_1MB with that key instead of a new one."""
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    form = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    proto = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(params=form.params, key_value=key)
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add(key_id=1, status=tink_pb2.ENABLED, output_prefix_type=tink_pb2.RAW)
    entry.key_data.type_url = template.type_url
    entry.key_data.value = proto.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


def opened(aead, sealed, name):
    with aead.new_decrypting_stream(io.BytesIO(sealed), name) as stream:
        return stream.read()


def refuses(aead, sealed, name):
    try:
        opened(aead, sealed, name)
    except (tink.TinkError, OSError, ValueError):
        return True
    return False


def check(file):
    name = file.stem.encode()
    aead = primitive(file.with_suffix(".key").read_bytes())
    sealed, plain = file.read_bytes(), file.with_suffix(".plain").read_bytes()
    assert opened(aead, sealed, name) == plain, f"{file}: another plaintext"
    assert refuses(aead, sealed, b"another"), f"{file}: opens under another name"
    for at in (0, 20, 39, len(sealed) // 2, len(sealed) - 1):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert refuses(aead, changed, name), f"{file}: opens with byte {at} changed"
    assert refuses(aead, sealed[:-1], name), f"{file}: opens when cut short"
    if len(sealed) > 1 << 20:
        assert refuses(aead, sealed[: 1 << 20], name), f"{file}: opens without its last segments"
    kept = Kept()
    with aead.new_encrypting_stream(kept, name) as stream:
        stream.write(plain)
    file.with_suffix(".tink").write_bytes(kept.kept)
    return str(len(plain))


def main(folder):
    streaming_aead.register()
    files = sorted(Path(folder).glob("*.object"))
    assert files
    print(f"opens objects of {', '.join(sorted(map(check, files), key=int))} bytes")


main(*sys.argv[1:])
