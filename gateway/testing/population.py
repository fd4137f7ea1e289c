"""Makes the people behind every table: households, ages, sexes, schooling and livelihood.

People come in blocks of fixed size, each drawn from its own streams. So any number of rows is a
prefix of any larger number under the same seed, tables join, and memory is one block at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from gateway.testing import places, trades
from gateway.testing.draws import Bools, Ints, Purpose, Stream, Weighted
from gateway.testing.names import ETHNICITY_SHARES, NO_SURNAME, SURNAME_SHARES, has_no_surname

BLOCK = 8192
# In each prefecture's range of region codes a block owns one of 499 sequence numbers a day and
# sex, which is what makes identity numbers unique without remembering them.
SLOTS = 499
MAX_ROWS = BLOCK * SLOTS * len(places.PREFECTURES)

# The register's date: ages, marital status and employment are as of this day.
REFERENCE_DATE = date(2025, 1, 1)
REFERENCE_DAY = (REFERENCE_DATE - date(1970, 1, 1)).days
_DAYS_PER_CENTURY = 36_525


class Role(IntEnum):
    """What a member is to the head of the household."""

    HEAD = 0
    SPOUSE = 1
    CHILD = 2
    FATHER = 3
    MOTHER = 4


class Marital(IntEnum):
    """Marital status, in the order of the register's words."""

    SINGLE = 0
    MARRIED = 1
    DIVORCED = 2
    WIDOWED = 3


class Livelihood(IntEnum):
    """What a resident lives on."""

    MINOR = 0
    STUDENT_OR_NONE = 1
    EMPLOYED = 2
    RETIRED = 3


_H, _S, _C, _F, _M = Role.HEAD, Role.SPOUSE, Role.CHILD, Role.FATHER, Role.MOTHER
# Members, weight, first and last age of the head.
_KINDS = (
    ((_H,), 90, 20, 35),
    ((_H,), 60, 36, 59),
    ((_H,), 74, 60, 94),
    ((_H, _S), 65, 24, 40),
    ((_H, _S), 115, 41, 59),
    ((_H, _S), 150, 60, 90),
    ((_H, _S, _C), 240, 26, 60),
    ((_H, _S, _C, _C), 120, 29, 54),
    ((_H, _S, _C, _C, _C), 22, 30, 50),
    ((_H, _S, _C, _F), 20, 26, 50),
    ((_H, _S, _C, _M), 36, 26, 50),
    ((_H, _S, _C, _F, _M), 32, 25, 45),
    ((_H, _C), 36, 25, 54),
)
_LARGEST = max(len(members) for members, *_ in _KINDS)
_KIND_SHARES = Weighted([weight for _, weight, _, _ in _KINDS])
_SIZE = np.array([len(members) for members, *_ in _KINDS], dtype=np.int64)
_ROLE = np.array(
    [[*members, *([Role.HEAD] * (_LARGEST - len(members)))] for members, *_ in _KINDS],
    dtype=np.int64,
)
_FIRST_AGE = np.array([first for _, _, first, _ in _KINDS], dtype=np.int64)
_LAST_AGE = np.array([last for *_, last in _KINDS], dtype=np.int64)
_HAS_SPOUSE = np.array([Role.SPOUSE in members for members, *_ in _KINDS])
_HAS_BOTH_PARENTS = np.array([{_F, _M} <= set(members) for members, *_ in _KINDS])


@dataclass(frozen=True, slots=True)
class Households:
    """The households of one block, one array element each.

    number: unique over the whole register. kind: index of the composition.
    """

    number: Ints
    kind: Ints
    district: Ints


@dataclass(frozen=True, slots=True)
class People:
    """One block of residents, one array element each; `house` indexes `households`."""

    seed: int
    block: int
    households: Households
    house: Ints
    role: Ints
    male: Bools
    birth_day: Ints
    birth_date: Ints
    age: Ints
    region: Ints
    surname: Ints
    ethnicity: Ints
    marital: Ints
    education: Ints
    livelihood: Ints
    income: Ints

    @property
    def first_row(self) -> int:
        """The register's row number of the block's first resident."""
        return self.block * BLOCK


def blocks(rows: int, seed: int) -> Iterator[tuple[People, int]]:
    """Yield the blocks that cover `rows` residents, each with how many of its residents count.

    Raises ValueError at once when rows is negative or above MAX_ROWS, or seed is negative.
    """
    if not 0 <= rows <= MAX_ROWS:
        raise ValueError(f"rows must lie between 0 and {MAX_ROWS:,}")
    if seed < 0:
        raise ValueError("seed must not be negative")
    count = -(-rows // BLOCK)
    return ((people(seed, n), min(BLOCK, rows - n * BLOCK)) for n in range(count))


def people(seed: int, block: int) -> People:
    """Return the residents of one block. The last household may be cut short at the block's end."""
    homes, house, role = _households(seed, block)
    kind = homes.kind[house]
    draw = Stream(seed, Purpose.PERSONS, block)
    male, age_days, surname, ethnicity = _members(draw, homes, house, role)
    region = _regions(Stream(seed, Purpose.PLACES, block), homes.district[house], role)
    birth_day = _spread_birthdays(REFERENCE_DAY - 1 - age_days, region * 2 + male)
    birth_date = calendar(birth_day)
    # On the reference date, a New Year's Day, only those born on one have had their birthday.
    age = REFERENCE_DATE.year - 1 - birth_date // 10_000 + (birth_date % 10_000 == 101)
    living = Stream(seed, Purpose.LIVELIHOOD, block)
    marital = _marital(living, role, kind, age)
    education = trades.EDUCATION_BY_BAND.draw(
        living, np.searchsorted(trades.EDUCATION_BANDS, age, side="right")
    )
    livelihood = _livelihood(living, age, male, education)
    return People(
        seed=seed,
        block=block,
        households=homes,
        house=house,
        role=role,
        male=male,
        birth_day=birth_day,
        birth_date=birth_date,
        age=age,
        region=region,
        surname=surname,
        ethnicity=ethnicity,
        marital=marital,
        education=education,
        livelihood=livelihood,
        income=_income(living, age, education, livelihood),
    )


def calendar(day: Ints) -> Ints:
    """Return days since 1970-01-01 as numbers of the form yyyymmdd."""
    whole = day.astype("datetime64[D]")
    month = whole.astype("datetime64[M]")
    months = month.astype(np.int64)
    day_of_month = (whole - month.astype("datetime64[D]")).astype(np.int64) + 1
    number: Ints = (months // 12 + 1970) * 10_000 + (months % 12 + 1) * 100 + day_of_month
    return number


def _households(seed: int, block: int) -> tuple[Households, Ints, Ints]:
    draw = Stream(seed, Purpose.HOUSEHOLDS, block)
    # As many households as residents are always enough; what is beyond the block is dropped.
    kind = _KIND_SHARES.draw(draw, BLOCK)
    end = np.cumsum(_SIZE[kind])
    count = int(np.searchsorted(end, BLOCK)) + 1
    kind, end = kind[:count], end[:count]
    house = np.repeat(np.arange(count), _SIZE[kind])[:BLOCK]
    position = np.arange(BLOCK) - (end - _SIZE[kind])[house]
    homes = Households(
        number=np.arange(count) + block * BLOCK,
        kind=kind,
        district=places.DISTRICT_SHARES.draw(draw, count),
    )
    return homes, house, _ROLE[kind[house], position]


def _days(years: int | Ints) -> Ints:
    return np.asarray(years * _DAYS_PER_CENTURY // 100, dtype=np.int64)


def _members(
    draw: Stream, homes: Households, house: Ints, role: Ints
) -> tuple[Bools, Ints, Ints, Ints]:
    """Return sex, age in days, surname and ethnicity of each member, from those of the head."""
    count, kind = len(homes.kind), homes.kind
    paired = _HAS_SPOUSE[kind]
    old = _FIRST_AGE[kind] >= 60
    head_male = draw.chance(np.where(paired, 720, np.where(old, 340, 500)), count)
    head = _days(draw.between(_FIRST_AGE[kind], _LAST_AGE[kind], count)) + draw.below(365, count)
    husband_older_by = draw.between(-_days(3), _days(6), count)
    spouse = np.where(head_male, head - husband_older_by, head + husband_older_by)
    # Women may marry at 20 and men at 22 (Civil Code, article 1047).
    spouse = np.maximum(spouse, np.where(head_male, _days(21), _days(23)))
    younger = np.where(paired, np.minimum(head, spouse), head)
    mother = np.minimum(head + _days(21) + draw.below(_days(15), count), _days(98))
    father = np.minimum(mother + draw.between(-_days(1), _days(5), count), _days(99))
    # A parent was 20 to 42 years old at the birth, most often near the middle.
    most = np.maximum(np.minimum(_days(42), younger) - _days(20), 0)[house]
    at_birth = (draw.below(most + 1, BLOCK) + draw.below(most + 1, BLOCK)) // 2
    child = younger[house] - _days(20) - at_birth

    head_surname = SURNAME_SHARES.draw(draw, count)
    spouse_surname = SURNAME_SHARES.draw(draw, count)
    mothers_surname = SURNAME_SHARES.draw(draw, count)
    fathers_line = np.where(paired & ~head_male, spouse_surname, head_surname)
    other_line = np.where(paired & head_male, spouse_surname, head_surname)
    childs_surname = np.where(draw.chance(920, count), fathers_line, other_line)

    head_ethnicity = ETHNICITY_SHARES.draw(draw, count)
    spouse_ethnicity = np.where(
        draw.chance(900, count), head_ethnicity, ETHNICITY_SHARES.draw(draw, count)
    )
    childs_sex = draw.chance(520, BLOCK)

    male = np.choose(
        role,
        [head_male[house], ~head_male[house], childs_sex, np.True_, np.False_],
    )
    age_days = np.choose(role, [head[house], spouse[house], child, father[house], mother[house]])
    surname = np.choose(
        role,
        [
            head_surname[house],
            spouse_surname[house],
            childs_surname[house],
            head_surname[house],
            mothers_surname[house],
        ],
    )
    ethnicity = np.where(role == Role.SPOUSE, spouse_ethnicity[house], head_ethnicity[house])
    surname = np.where(has_no_surname(ethnicity), NO_SURNAME, surname)
    return male, age_days, surname, ethnicity


def _regions(draw: Stream, district: Ints, role: Ints) -> Ints:
    """Return where each identity number was first issued: here, nearby or in another province."""
    city = len(places.DISTRICT_NAMES)
    origin = draw.below(1000, BLOCK)
    nearby = draw.below(city, BLOCK)
    elsewhere = draw.between(city, len(places.REGION_PROVINCE) - 1, BLOCK)
    settled = (role == Role.CHILD) | (origin < 640)
    return np.where(settled, district, np.where(origin < 820, nearby, elsewhere))


def _spread_birthdays(birth_day: Ints, group: Ints) -> Ints:
    """Move birthdays earlier, by a day or a few, until no two of a group fall on one day.

    A group is a region and a sex. Within a block the pair (group, day) then settles the identity
    number, and across blocks the block's own sequence number does.
    """
    days = birth_day.copy()
    while True:
        # Shifted to be positive, the days of two centuries take 17 bits; the group stands above.
        key = (group << 17) + days + 65_536
        order = np.argsort(key, kind="stable")
        ranked = key[order]
        again = order[1:][ranked[1:] == ranked[:-1]]
        if not len(again):
            return days
        days[again] -= 1


def _marital(draw: Stream, role: Ints, kind: Ints, age: Ints) -> Ints:
    luck = draw.below(1000, BLOCK)
    # Alone: the older, the more often divorced, then widowed.
    divorced = np.clip((age - 24) * 12, 0, 400)
    widowed = np.clip((age - 45) * 16, 0, 560)
    alone = np.where(
        luck < widowed,
        Marital.WIDOWED,
        np.where(luck < np.minimum(widowed + divorced, 950), Marital.DIVORCED, Marital.SINGLE),
    )
    alone = np.where(age < 24, Marital.SINGLE, alone)
    lone_parent = np.where(luck < 800, Marital.DIVORCED, Marital.WIDOWED)
    lone_elder = np.where(luck < 880, Marital.WIDOWED, Marital.DIVORCED)
    with_child = (kind == len(_KINDS) - 1) & (role == Role.HEAD)
    elder = (role == Role.FATHER) | (role == Role.MOTHER)
    status = np.where(with_child, lone_parent, alone)
    status = np.where(role == Role.CHILD, Marital.SINGLE, status)
    status = np.where(elder, lone_elder, status)
    married = (_HAS_SPOUSE[kind] & (role <= Role.SPOUSE)) | (elder & _HAS_BOTH_PARENTS[kind])
    return np.where(married, Marital.MARRIED, status).astype(np.int64)


def _livelihood(draw: Stream, age: Ints, male: Bools, education: Ints) -> Ints:
    retires = np.where(male, 60, 55)
    working_age = (age >= 18) & (age < retires)
    left_school = age >= trades.SCHOOL_LEAVING_AGE[education]
    employed = working_age & left_school & draw.chance(np.where(age < 23, 560, 850), BLOCK)
    employed |= (age >= retires) & (age < 70) & draw.chance(70, BLOCK)
    status = np.where(age < 18, Livelihood.MINOR, Livelihood.STUDENT_OR_NONE)
    status = np.where(age >= retires, Livelihood.RETIRED, status)
    return np.where(employed, Livelihood.EMPLOYED, status).astype(np.int64)


def _income(draw: Stream, age: Ints, education: Ints, livelihood: Ints) -> Ints:
    """Return yuan per year; what it says of a minor means nothing."""
    spread = trades.INCOME_SPREAD.draw(draw, BLOCK)
    # Pay grows with experience, in per mille of the median.
    seniority = np.clip(640 + (age - 20) * 20, 640, 1160)
    wage = trades.MEDIAN_INCOME[education] * seniority // 1000
    pension = 14_000 + trades.MEDIAN_INCOME[education] * 45 // 100
    support = np.int64(7_200)
    median = np.where(livelihood == Livelihood.STUDENT_OR_NONE, support, wage)
    median = np.where(livelihood == Livelihood.RETIRED, pension, median)
    return median * spread // 1_000_000
