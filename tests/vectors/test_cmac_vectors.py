"""The published examples of AES-CMAC and AES-CMAC-PRF-128."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from gateway.transform.blocks import BlockCipher
from gateway.transform.cmac import Cmac, double, prf_key
from gateway.transform.varlen import VarlenColumn

HERE = Path(__file__).parent
RFC4493 = json.loads((HERE / "rfc4493.json").read_text())
RFC4615 = json.loads((HERE / "rfc4615.json").read_text())


def named(examples: list[dict[str, str]]) -> list[object]:
    return [pytest.param(example, id=example["name"]) for example in examples]


def test_subkeys_of_rfc4493() -> None:
    zero = BlockCipher(bytes.fromhex(RFC4493["key"])).encrypt(bytes(16))
    assert double(zero).hex() == RFC4493["subkey1"]
    assert double(double(zero)).hex() == RFC4493["subkey2"]


@pytest.mark.parametrize("example", named(RFC4493["examples"]))
def test_rfc4493(example: dict[str, str]) -> None:
    key, message = bytes.fromhex(RFC4493["key"]), bytes.fromhex(example["message"])
    independent = CMAC(AES(key))
    independent.update(message)
    assert independent.finalize().hex() == example["mac"]
    assert Cmac(BlockCipher(key)).of(message).hex() == example["mac"]


def test_rfc4493_examples_in_one_column() -> None:
    messages = [bytes.fromhex(example["message"]) for example in RFC4493["examples"]]
    macs = Cmac(BlockCipher(bytes.fromhex(RFC4493["key"]))).column(
        VarlenColumn.of(pa.array(messages, pa.binary()))
    )
    assert [row.tobytes().hex() for row in macs.view(np.uint8)] == [
        example["mac"] for example in RFC4493["examples"]
    ]


@pytest.mark.parametrize("example", named(RFC4615["examples"]))
def test_rfc4615(example: dict[str, str]) -> None:
    key, message = bytes.fromhex(example["key"]), bytes.fromhex(RFC4615["message"])
    assert Cmac(BlockCipher(prf_key(key))).of(message).hex() == example["output"]
