"""The published examples of AES-SIV."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.transform.siv import Siv
from gateway.transform.varlen import VarlenColumn

EXAMPLES = json.loads(Path(__file__).with_name("rfc5297.json").read_text())["examples"]


@pytest.mark.parametrize("example", [pytest.param(e, id=e["name"]) for e in EXAMPLES])
def test_rfc5297(example: dict[str, Any]) -> None:
    key, plaintext = bytes.fromhex(example["key"]), bytes.fromhex(example["plaintext"])
    context = [bytes.fromhex(component) for component in example["context"]]
    assert AESSIV(key).encrypt(plaintext, context).hex() == example["output"]
    siv = Siv(key, context)
    sealed = siv.seal(VarlenColumn.of(pa.array([plaintext])))
    assert sealed.data.tobytes().hex() == example["output"]
    opened, authentic = siv.open(sealed)
    assert opened.data.tobytes() == plaintext
    assert authentic.all()
