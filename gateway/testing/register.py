"""Generates the resident register and the household register of an invented city."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.testing import columns, identifiers, names, places, trades
from gateway.testing.columns import Style
from gateway.testing.draws import Ints, Purpose, Serials, Stream
from gateway.testing.population import BLOCK, People, blocks
from gateway.testing.text import take, words

_SEXES = words(["女", "男"])
_MARITAL_STATUSES = words(["未婚", "已婚", "离婚", "丧偶"])
# By role, the woman's word first.
_RELATIONS = words(["户主", "户主", "妻子", "丈夫", "女儿", "儿子", "父亲", "父亲", "母亲", "母亲"])
# Names reserved by RFC 2606, so that no message can reach anybody.
_MAIL_DOMAINS = words(
    ["@mail.example.com", "@example.net", "@post.example.org", "@xichuan.example.com"]
)
_MAIL_DIGITS = words(["", *(str(number) for number in range(1, 10_000))])
_MAIL_SEPARATORS = words(["", "", ".", "_"])


def residents(rows: int, seed: int = 0, *, style: Style = "english") -> pa.Table:
    """Return `rows` residents of an invented city, the same for the same seed on any platform.

    Columns (English style): name, resident_id, phone, email, address, district, sex (男 or 女),
    birth_date (date32), ethnicity, bank_card, income (int64, yuan a year, null under 18),
    household_id. All others are strings; phone, email and bank_card are null where somebody has
    none. Members of a household stand together, its head first, and share address and district.
    resident_id, phone, bank_card and household_id are unique (to a household, the last). Ages are
    as of 2025-01-01. The first n rows do not depend on `rows`.

    rows: 0 to 36 million (population.MAX_ROWS). seed: not negative. style: names of the columns.
    Raises ValueError for anything else. Holds the whole table, some 230 bytes a row; for more use
    `residents_batches`.
    """
    batches = residents_batches(rows, seed, style=style)
    return pa.Table.from_batches(batches, columns.schema(columns.RESIDENTS, style))


def residents_batches(
    rows: int, seed: int = 0, *, batch_rows: int = 65_536, style: Style = "english"
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `residents(rows, seed)` in batches of `batch_rows`, the last one shorter.

    Holds one batch and one block of 8,192 residents, however many the rows. The values do not
    depend on `batch_rows` (at least 1). Raises ValueError as `residents` does, at the call.
    """
    schema = columns.schema(columns.RESIDENTS, style)
    columns.check_batch_rows(batch_rows)
    covered = blocks(rows, seed)
    phones, cards = Serials(seed, Purpose.PHONES), Serials(seed, Purpose.CARDS)
    homes = Serials(seed, Purpose.HOUSEHOLD_NUMBERS)
    parts = (
        _residents(people, schema, phones, cards, homes).slice(0, count)
        for people, count in covered
    )
    return columns.rebatch(parts, batch_rows)


def household_register(rows: int, seed: int = 0, *, style: Style = "english") -> pa.Table:
    """Return the household register of the same people: one row for each of `residents`, in order.

    Columns, all strings and never null: household_id, resident_id, relation (to the head: 户主,
    妻子, 丈夫, 儿子, 女儿, 父亲 or 母亲), marital_status, education (completed or attended),
    district. Arguments and errors as for `residents`.
    """
    batches = household_register_batches(rows, seed, style=style)
    return pa.Table.from_batches(batches, columns.schema(columns.HOUSEHOLD_REGISTER, style))


def household_register_batches(
    rows: int, seed: int = 0, *, batch_rows: int = 65_536, style: Style = "english"
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `household_register(rows, seed)` as `residents_batches` does."""
    schema = columns.schema(columns.HOUSEHOLD_REGISTER, style)
    columns.check_batch_rows(batch_rows)
    covered = blocks(rows, seed)
    homes = Serials(seed, Purpose.HOUSEHOLD_NUMBERS)
    parts = (_households(people, schema, homes).slice(0, count) for people, count in covered)
    return columns.rebatch(parts, batch_rows)


def _residents(
    people: People, schema: pa.Schema, phones: Serials, cards: Serials, homes: Serials
) -> pa.RecordBatch:
    given = _given_names(people)
    district = people.households.district[people.house]
    return pa.record_batch(
        [
            _join(take(names.SURNAMES, people.surname), take(names.GIVEN, given)),
            identifiers.resident_ids(people),
            identifiers.phones(people, phones),
            _emails(people, given),
            _addresses(people).take(pa.array(people.house)),
            take(places.DISTRICTS, district),
            take(_SEXES, people.male.astype(np.int64)),
            pa.array(people.birth_day.astype("datetime64[D]")),
            take(names.ETHNICITIES, people.ethnicity),
            identifiers.bank_cards(people, cards),
            pa.array(people.income, mask=people.age < 18),
            identifiers.household_ids(people, homes),
        ],
        schema=schema,
    )


def _households(people: People, schema: pa.Schema, homes: Serials) -> pa.RecordBatch:
    return pa.record_batch(
        [
            identifiers.household_ids(people, homes),
            identifiers.resident_ids(people),
            take(_RELATIONS, people.role * 2 + people.male),
            take(_MARITAL_STATUSES, people.marital),
            take(trades.EDUCATIONS, people.education),
            take(places.DISTRICTS, people.households.district[people.house]),
        ],
        schema=schema,
    )


def _given_names(people: People) -> Ints:
    draw = Stream(people.seed, Purpose.NAMES, people.block)
    start, length = names.given_bounds(
        people.birth_date // 10_000, people.male, people.ethnicity, draw.below(1000, BLOCK)
    )
    return start + draw.below(length, BLOCK)


def _emails(people: People, given: Ints) -> pa.StringArray:
    draw = Stream(people.seed, Purpose.EMAILS, people.block)
    have = np.select([people.age < 10, people.age < 18, people.age >= 65], [0, 450, 420], 880)
    valid = draw.chance(have, BLOCK)
    digits = np.where(draw.chance(150, BLOCK), 0, draw.below(len(_MAIL_DIGITS), BLOCK))
    # Without a surname, a separator would stand first, which no mail address allows.
    separator = draw.below(len(_MAIL_SEPARATORS), BLOCK)
    separator = np.where(people.surname == names.NO_SURNAME, 0, separator)
    return _join(
        take(names.SURNAMES_PINYIN, people.surname, valid),
        take(_MAIL_SEPARATORS, separator),
        take(names.GIVEN_PINYIN, given),
        take(_MAIL_DIGITS, digits),
        take(_MAIL_DOMAINS, draw.below(len(_MAIL_DOMAINS), BLOCK)),
    )


def _addresses(people: People) -> pa.StringArray:
    """Return one address a household: province, city, district, street, number, flat."""
    draw = Stream(people.seed, Purpose.ADDRESSES, people.block)
    count = len(people.households.district)
    return _join(
        take(places.DISTRICT_PREFIXES, people.households.district),
        *(
            take(dictionary, draw.below(len(dictionary), count))
            for dictionary in (
                places.STREETS,
                places.NUMBERS,
                places.COMMUNITIES,
                places.BUILDINGS,
                places.ROOMS,
            )
        ),
    )


def _join(*parts: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, "")
