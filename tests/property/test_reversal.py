"""What a key takes back is what was there, for every reversible transform, and nothing else is."""

import ast
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.errors import FailedPrecondition
from gateway.model.transforms import (
    EncryptCharacters,
    EncryptIdentifier,
    ReversibleToken,
    Spec,
    Token,
    TransformSpec,
)
from gateway.testing import residents
from gateway.transform.base import ReversibleTransform
from gateway.transform.registry import _TRANSFORMS, build
from gateway.transform.reversal import refuse_irreversible, reverse

KEY = bytes(range(32))
DOMAIN = "project:11:city-health|name:5:phone|transform:16:reversible_token"
PEOPLE = residents(300, 5)
GATEWAY = Path(gateway.__file__).parent

IDENTIFIERS = {
    "phone": EncryptIdentifier(profile="mobile"),
    "bank_card": EncryptIdentifier(profile="bank_card"),
    "resident_id": EncryptIdentifier(profile="resident_id", last_day="2030-12-31"),
}


def made(spec: TransformSpec, column: pa.Array, key: bytes = KEY, domain: str = DOMAIN) -> pa.Array:
    return build(spec, source_type=column.type, key=key, domain=domain).apply(column).column


def back(spec, tokens, source_type=None, key=KEY, domain=DOMAIN):
    return reverse(spec, tokens, source_type=source_type or pa.string(), key=key, domain=domain)


@pytest.mark.parametrize("cipher", ["AES", "SM4"])
@pytest.mark.parametrize("column", IDENTIFIERS)
def test_identifiers_come_back(column, cipher):
    spec = IDENTIFIERS[column].but(cipher=cipher)
    values = PEOPLE.column(column).combine_chunks()
    assert back(spec, made(spec, values)).equals(values)


@given(st.lists(st.none() | st.text(max_size=40), max_size=30), st.sampled_from(["AES", "SM4"]))
def test_reversible_tokens_come_back_of_any_text(values, cipher):
    spec = ReversibleToken(cipher=cipher)
    column = pa.array(values, pa.string())
    assert back(spec, made(spec, column)).equals(column)


@pytest.mark.parametrize("kind", [pa.int64(), pa.date32(), pa.uint8()])
def test_other_types_come_back_as_the_text_that_they_were_read_as(kind):
    column = pa.array([1, 200, None, 17], pa.int32()).cast(kind)
    tokens = made(ReversibleToken(), column)
    assert back(ReversibleToken(), tokens, kind).equals(column.cast(pa.string()))


@given(st.lists(st.none() | st.text("0123456789-", min_size=6, max_size=30), max_size=30))
def test_encrypted_characters_come_back_where_they_were_made(values):
    spec = EncryptCharacters(alphabet="0123456789", separators="-")
    column = pa.array(values, pa.string())
    tokens = made(spec, column)
    expected = [value if token is not None else None for value, token in
                zip(values, tokens.to_pylist(), strict=True)]  # fmt: skip
    assert back(spec, tokens).to_pylist() == expected


@given(st.text(max_size=60))
def test_what_is_no_token_has_no_value(text):
    assert back(ReversibleToken(), pa.array([text])).to_pylist() == [None]
    short = EncryptCharacters(alphabet="0123456789", length=100)
    assert back(short, pa.array([text])).to_pylist() == [None]


def test_another_key_domain_or_one_changed_character_has_no_value():
    spec, values = ReversibleToken(), PEOPLE.column("resident_id").combine_chunks()
    tokens = made(spec, values)
    for key, domain in ((bytes(32), DOMAIN), (KEY, DOMAIN.replace("health", "wealth"))):
        assert back(spec, tokens, key=key, domain=domain).null_count == len(values)
    token = tokens[0].as_py()
    changed = [token[:i] + ("a" if c != "a" else "b") + token[i + 1 :] for i, c in enumerate(token)]
    assert back(spec, pa.array(changed)).null_count == len(changed)


def test_exactly_the_specs_that_say_so_can_be_taken_back():
    for spec in get_args(get_args(TransformSpec)[0]):
        assert issubclass(_TRANSFORMS[spec], ReversibleTransform) == spec.reversible, spec
    assert any(spec.reversible for spec in Spec.__subclasses__())
    with pytest.raises(FailedPrecondition, match="nobody can take back") as refused:
        refuse_irreversible(Token(), "phone")
    assert refused.value.reason == "IRREVERSIBLE"
    with pytest.raises(FailedPrecondition, match="cannot be taken back"):
        back(Token(), pa.array(["x"]))


def test_only_one_module_takes_tokens_back():
    """By the names of what is called: whoever adds another way is found here."""
    found: dict[str, set[str]] = {}
    for path in GATEWAY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = getattr(called, "attr", getattr(called, "id", None))
                if name in ("take_back", "reverse", "decrypt"):
                    where = path.relative_to(GATEWAY).as_posix()
                    found.setdefault(name, set()).add(where)
    assert found["take_back"] == {"transform/reversal.py"}
    # The constructions' own inverses, inside of what takes back.
    assert {w for w in found["reverse"] if not w.startswith("cli/")} == {
        "transform/pseudonyms.py",
        "release/reidentifying.py",
    }
    # Beside those of values: wrapped keys, staged files, rows that a question puts aside, and the
    # requester's own answer.
    assert found["decrypt"] == {
        "transform/encryption.py",
        "store/wrapping.py",
        "store/sealing.py",
        "client/reidentifications.py",
        "execute/statistics/spill.py",
    }
