"""Letters are the same every time, say where their identifiers stand, and lay the traps they say."""

import re
from collections import Counter

import pyarrow as pa
import pytest

from gateway.classify import checks
from gateway.model.names import ENTITIES
from gateway.testing import letter_forms
from gateway.testing.letters import SLOTS, letters

CHECKED = {
    "CN_RESIDENT_ID": checks.resident_id,
    "CN_USCC": checks.uscc,
    "CN_ORG_CODE": checks.organisation_code,
    "CN_BANK_CARD": checks.luhn,
    "CREDIT_CARD": checks.luhn,
    "IMEI": checks.luhn,
    "VIN": checks.vin,
    "IBAN_CODE": checks.iban,
}


@pytest.fixture(scope="module")
def made():
    return {style: letters(3000, 5, style) for style in ("office", "chat")}


def test_the_same_letters_every_time(made):
    assert letters(50, 5) == made["office"][:50]
    assert letters(50, 6) != made["office"][:50]


def test_every_kind_of_identifier_stands_in_some_letter(made):
    met = Counter(entity for some in made.values() for one in some for *_, entity in one.spans)
    assert set(met) == set(SLOTS.values())
    assert min(met.values()) > 10
    assert set(met) - {"PERSON_LATIN"} <= ENTITIES


def test_spans_are_in_order_and_pass_their_checks(made):
    found = {entity: [] for entity in CHECKED}
    for some in made.values():
        for letter in some:
            assert list(letter.spans) == sorted(letter.spans)
            assert all(a[1] <= b[0] for a, b in zip(letter.spans, letter.spans[1:], strict=False))
            for start, end, entity in letter.spans:
                if entity in found:
                    found[entity].append(letter.text[start:end])
    for entity, values in found.items():
        folded = [
            re.sub("[ -]", "", v).translate({0xFF10 + d: str(d) for d in range(10)}).upper()
            for v in values
        ]
        assert all(CHECKED[entity](pa.array(folded))), entity


def test_roughly_typed_identifiers_are_the_same_with_marks_signs_and_neighbours():
    clean, rough = letters(2000, 5, "office"), letters(2000, 5, "office", rough=True)
    bare = str.maketrans("", "", " -./·—‑()+\u200b\u200d\u00ad\u2060\ufeff")
    beside = 0
    for one, other in zip(clean, rough, strict=True):
        assert [e for *_, e in one.spans][:1] == [e for *_, e in other.spans][:1]
        for start, end, entity in other.spans:
            value = other.text[start:end]
            assert value == value.strip(" .-_\u200b")
            beside += other.text[max(0, start - 1) : start] in (".", "_")
            if entity in ("CN_RESIDENT_ID", "CN_BANK_CARD"):
                assert value.translate(bare).isalnum()
    assert beside > 100


def test_no_slot_is_left_and_the_share_is_kept():
    some = letters(4000, 2, "office", 50)
    assert not any("{" in letter.text for letter in some)
    assert 0.03 < sum(bool(letter.spans) for letter in some) / len(some) < 0.07


def test_order_numbers_pass_the_luhn_check_by_chance_and_are_no_identifiers():
    texts = [letter.text for letter in letters(3000, 4, "office", 0)]
    numbers = [n for text in texts for n in re.findall("订单号([0-9]{18})", text)]
    passed = checks.luhn(pa.array(numbers)).mean()
    assert 0.3 < passed < 0.7


def test_every_word_slot_of_the_forms_is_known():
    forms = letter_forms.OFFICE + letter_forms.OFFICE_PLAIN + letter_forms.CHAT
    forms += (
        letter_forms.NOTES
        + letter_forms.CHAT_PLAIN
        + letter_forms.ENGLISH
        + letter_forms.ENGLISH_PLAIN
    )
    for seed in range(3):
        assert all(letters(400, seed, style) for style in ("office", "chat"))
    assert len(set(forms)) == len(forms)
