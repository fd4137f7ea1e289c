"""Random tokens: the same for equal values, nothing of the value, back by vault and key together."""

import os

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.transforms import RandomToken
from gateway.transform.registry import build, construction
from gateway.transform.reversal import reverse

KEY = bytes(range(32))
DOMAIN = "project:11:city-health|name:5:phone|transform:12:random_token"


class MemoryVault:
    """What ports.DomainVault promises, in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bytes]] = {}

    def tokens(self, lookups, sealed):
        assert len(set(lookups)) == len(lookups)
        for lookup, value in zip(lookups, sealed, strict=True):
            self.kept.setdefault(lookup, (os.urandom(16).hex(), value))
        return [self.kept[lookup][0] for lookup in lookups]

    def sealed(self, tokens):
        found = dict(self.kept.values())
        return [found.get(token) for token in tokens]


def made(column, vault, *, key=KEY, domain=DOMAIN, spec=RandomToken()):  # noqa: B008 - frozen
    built = build(spec, source_type=column.type, key=key, domain=domain, vault=vault)
    outcome = built.apply(column)
    assert outcome.unhandled is None
    return outcome.column


def back(tokens, vault, *, key=KEY, domain=DOMAIN, spec=RandomToken()):  # noqa: B008 - frozen
    return reverse(spec, tokens, source_type=pa.string(), key=key, domain=domain, vault=vault)


@pytest.mark.parametrize("cipher", ["AES", "SM4"])
@pytest.mark.parametrize(
    "column",
    [pa.array(["张三", "李四", None, "张三", ""]), pa.array([7, None, 8, 7, 0], pa.int64()),
     pa.array([1, None, 2, 1, 3], pa.date32()), pa.array([], pa.string())],
)  # fmt: skip
def test_equal_values_have_equal_tokens_and_come_back(column, cipher):
    spec, vault = RandomToken(cipher=cipher), MemoryVault()
    tokens = made(column, vault, spec=spec)
    assert tokens.is_valid().equals(column.is_valid())
    assert len(set(tokens.drop_null().to_pylist())) == len(set(column.drop_null().to_pylist()))
    assert made(column, vault, spec=spec).equals(tokens)
    assert back(tokens, vault, spec=spec).equals(column.cast(pa.string()))


def test_a_slice_is_read_from_its_own_offset():
    vault, whole = MemoryVault(), pa.array(["a", "b", None, "c", "b"])
    assert made(whole.slice(1, 3), vault).equals(made(whole, vault).slice(1, 3))


def test_the_vault_sees_neither_values_nor_which_of_them_stand_in_two_domains():
    vault, column = MemoryVault(), pa.array(["13800138000", "张三"])
    made(column, vault)
    other = MemoryVault()
    made(column, other, domain=DOMAIN.replace("phone", "email"))
    ours, theirs = set(vault.kept), set(other.kept)
    assert not ours & theirs
    for kept in (vault.kept, other.kept):
        for lookup, (token, sealed) in kept.items():
            for value in column.to_pylist():
                assert value.encode() not in bytes.fromhex(lookup) + sealed + token.encode()


def test_without_key_or_domain_or_vault_nothing_comes_back():
    vault, column = MemoryVault(), pa.array(["13800138000"])
    tokens = made(column, vault)
    assert back(tokens, vault, key=bytes(32)).null_count == 1
    assert back(tokens, vault, domain=DOMAIN.replace("phone", "email")).null_count == 1
    assert back(tokens, MemoryVault()).null_count == 1
    assert back(pa.array(["none", None]), vault).null_count == 2


def test_a_place_without_a_vault_says_what_to_use():
    with pytest.raises(InvalidRequest, match="use token here"):
        build(RandomToken(), source_type=pa.string(), key=KEY, domain=DOMAIN)
    with pytest.raises(InvalidRequest, match="takes text, whole numbers or dates"):
        build(RandomToken(), source_type=pa.float64(), key=KEY, domain=DOMAIN, vault=MemoryVault())


def test_the_construction_says_what_is_random_and_what_is_not():
    assert construction(RandomToken()).startswith("128 random bits")
    assert construction(RandomToken(cipher="SM4")).count("not a published standard") == 2
