"""Makes the numbers that identify residents: identity, household, insurance, phone, card.

All are unique within a register. Every well-formed mobile number or card number may be somebody's:
China sets none aside for examples. So never dial or charge one.
"""

import numpy as np
import pyarrow as pa

from gateway.testing import places
from gateway.testing.check_digits import luhn_check, resident_id_check
from gateway.testing.draws import Bools, Ints, Purpose, Serials, Stream
from gateway.testing.population import BLOCK, SLOTS, People
from gateway.testing.text import blank, strings, write_number

# Prefixes of the public mobile networks, without those for devices and data cards.
_MOBILE_PREFIXES = np.array(
    [
        *range(130, 140),
        *range(150, 154),
        *range(155, 160),
        166,
        *range(170, 174),
        *range(175, 179),
        *range(180, 190),
        191,
        193,
        *range(195, 200),
    ],
    dtype=np.int64,
)
# Six digits that begin with the 62 of the national card network, with the card's length.
_CARD_PREFIXES = np.array(
    [621_091, 621_392, 621_793, 622_594, 622_895, 623_096, 623_397, 625_698, 626_899, 628_290],
    dtype=np.int64,
)
_CARD_LENGTHS = np.array([19, 19, 19, 19, 19, 18, 17, 16, 16, 16], dtype=np.int64)
_CARD_WIDTH = 19


def resident_ids(people: People) -> pa.StringArray:
    """Return the resident identity numbers (GB 11643-1999) of a block: 18 characters, no nulls.

    Unique over the register: two residents of one block differ in region, sex or birthday, and for
    one region, sex and birthday every block under the same prefecture has another sequence number.
    """
    prefecture = places.PREFECTURES[people.block // SLOTS]
    region = (
        places.REGION_PROVINCE[people.region] * 10_000
        + prefecture * 100
        + places.REGION_COUNTY[people.region]
    )
    start = _scramble(people.seed, region * 200_000_000 + people.birth_date * 2 + people.male)
    slot = (start + people.block) % SLOTS + 1
    matrix = blank(BLOCK, 18)
    write_number(matrix, 0, 6, region)
    write_number(matrix, 6, 8, people.birth_date)
    write_number(matrix, 14, 3, slot * 2 - people.male)
    matrix[:, 17] = resident_id_check(matrix[:, :17])
    return strings(matrix)


def household_ids(people: People, serials: Serials) -> pa.StringArray:
    """Return the household numbers of a block's residents: HH and eight digits, no nulls.

    One letter and eight digits would have the form of a Hong Kong and Macau travel permit.
    """
    matrix = blank(len(people.households.number), 10)
    matrix[:, :2] = ord("H")
    write_number(matrix, 2, 8, serials.scatter(people.households.number))
    return strings(matrix[people.house])


def insurance_numbers(people: People, serials: Serials) -> pa.StringArray:
    """Return the insurance numbers of a block: Y, eight digits and a Luhn digit, no nulls."""
    matrix = blank(BLOCK, 10)
    matrix[:, 0] = ord("Y")
    write_number(matrix, 1, 8, serials.scatter(_rows(people)))
    matrix[:, 9] = luhn_check(matrix[:, 1:9])
    return strings(matrix)


def phones(people: People, serials: Serials) -> pa.StringArray:
    """Return mobile numbers of eleven digits; null for small children and some others."""
    draw = Stream(people.seed, Purpose.PHONES, people.block)
    matrix = blank(BLOCK, 11)
    write_number(matrix, 0, 3, _MOBILE_PREFIXES[draw.below(len(_MOBILE_PREFIXES), BLOCK)])
    write_number(matrix, 3, 8, serials.scatter(_rows(people)))
    have = np.select(
        [people.age < 8, people.age < 14, people.age < 18, people.age >= 75],
        [0, 400, 850, 860],
        985,
    )
    return strings(matrix, valid=draw.chance(have, BLOCK))


def bank_cards(people: People, serials: Serials) -> pa.StringArray:
    """Return Luhn-valid card numbers of 16 to 19 digits from 62; null under 16 and for some."""
    draw = Stream(people.seed, Purpose.CARDS, people.block)
    issuer = draw.below(len(_CARD_PREFIXES), BLOCK)
    lengths = _CARD_LENGTHS[issuer]
    valid: Bools = (people.age >= 16) & draw.chance(950, BLOCK)
    # Right-aligned: eight scattered digits before the check digit, one to four branch digits
    # before those, the issuer's six before those.
    branch_width = lengths - 15
    branch = draw.below(10**branch_width, BLOCK)
    head = _CARD_PREFIXES[issuer] * 10**branch_width + branch
    matrix = blank(BLOCK, _CARD_WIDTH)
    write_number(matrix, 0, 10, head)
    write_number(matrix, 10, 8, serials.scatter(_rows(people)))
    matrix[:, 18] = luhn_check(matrix[:, :18])
    return strings(matrix, lengths=lengths, valid=valid)


def _rows(people: People) -> Ints:
    return np.arange(people.first_row, people.first_row + BLOCK)


def _scramble(seed: int, values: Ints) -> Ints:
    """Return a fixed pseudo-random number below 2**31 for each value (splitmix64's finaliser)."""
    mixed = values.astype(np.uint64) ^ np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(33)).astype(np.int64)
