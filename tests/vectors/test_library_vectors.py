"""Examples of standards that we take from `cryptography` as it is: HKDF, SM3, SM4."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.store.wrapping import seal, unseal
from gateway.transform.blocks import BlockCipher

HERE = Path(__file__).parent
RFC5869 = json.loads((HERE / "rfc5869.json").read_text())["examples"]
GBT = json.loads((HERE / "gbt_sm.json").read_text())


@pytest.mark.parametrize("example", [pytest.param(e, id=e["name"]) for e in RFC5869])
def test_rfc5869(example: dict[str, Any]) -> None:
    salt, info = bytes.fromhex(example["salt"]), bytes.fromhex(example["info"])
    derived = HKDF(hashes.SHA256(), example["length"], salt, info)
    assert derived.derive(bytes.fromhex(example["ikm"])).hex() == example["okm"]


@pytest.mark.parametrize("example", [pytest.param(e, id=e["name"]) for e in GBT["sm3"]])
def test_gbt_32905(example: dict[str, str]) -> None:
    digest = hashes.Hash(hashes.SM3())
    digest.update(bytes.fromhex(example["message"]))
    assert digest.finalize().hex() == example["digest"]


def test_rfc8998_gcm_over_sm4() -> None:
    example = {name: bytes.fromhex(value) for name, value in GBT["sm4_gcm"].items()}
    sealed = example["ciphertext"] + example["tag"]
    fixed = ("national", example["key"], example["nonce"])
    assert seal(*fixed, example["plaintext"], example["associated"]) == sealed
    assert unseal(*fixed, sealed, example["associated"]) == example["plaintext"]


def test_gbt_32907_through_our_blocks() -> None:
    block = np.frombuffer(bytes.fromhex(GBT["sm4"]["plaintext"]), np.uint64).reshape(1, 2)
    encrypt = BlockCipher(bytes.fromhex(GBT["sm4"]["key"]), "SM4").encryptor()
    assert encrypt(block).tobytes().hex() == GBT["sm4"]["once"]
    for _ in range(1_000_000):
        block = encrypt(block).copy()
    assert block.tobytes().hex() == GBT["sm4"]["million"]
