"""NIST's nine samples of FF1, alone, as one column, and back."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.transform.ff1 import FF1

EXAMPLES = json.loads(Path(__file__).with_name("sp800_38g.json").read_text())["examples"]
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("example", [pytest.param(e, id=e["name"]) for e in EXAMPLES])
def test_sample(example: dict[str, str]) -> None:
    ff1 = FF1(bytes.fromhex(example["key"]), ALPHABET[: int(example["radix"])])
    tweak = bytes.fromhex(example["tweak"])
    plaintext, ciphertext = pa.array([example["plaintext"]]), pa.array([example["ciphertext"]])
    assert ff1.encrypt(plaintext, tweak).equals(ciphertext)
    assert ff1.decrypt(ciphertext, tweak).equals(plaintext)


@pytest.mark.parametrize("key", sorted({example["key"] for example in EXAMPLES}))
def test_samples_of_one_key_and_radix_by_a_tweak_column(key: str) -> None:
    examples = [e for e in EXAMPLES if e["key"] == key and e["radix"] == 10]
    tweaks = pa.array([bytes.fromhex(e["tweak"]) for e in examples], pa.binary())
    sealed = FF1(bytes.fromhex(key), "0123456789").encrypt(
        pa.array([e["plaintext"] for e in examples]), tweaks
    )
    assert sealed.to_pylist() == [e["ciphertext"] for e in examples]
