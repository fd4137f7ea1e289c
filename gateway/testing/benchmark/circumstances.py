"""Makes values that tell of a person: places, dates, attributes, money, health."""

import datetime as dt

import pyarrow as pa

from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.identity import days
from gateway.testing.benchmark.words import SEXES

_ICD = "I10 E11.9 J45.901 K29.5 M51.2 F32.9 I25.1 J18.9 N18.9 C34.1 G43.9 H25.9 B18.1 S52.5 D50.9 L30.9 O13 R51 K80.2 E04.1 I63.9 M05.9 F41.1 I48 M10.9 K25.9 K74.6".split()  # fmt: skip
_BRACKETS = (
    ("3000元以下", "3000-5000元", "5000-8000元", "8000-12000元", "12000元以上"),
    ("<=50K", ">50K"),
    ("0-5万", "5-10万", "10-20万", "20-50万", "50万以上"),
)


def regions(draw: Draw) -> list[str]:
    """Districts and counties, in half of the columns behind their city."""
    if draw.once(2):
        return draw.word("districts")
    return [c + d for c, d in zip(draw.word("cities"), draw.word("districts"), strict=True)]


def countries(draw: Draw) -> list[str]:
    """Countries."""
    return draw.word("countries")


def region_codes(draw: Draw) -> list[str]:
    """Six digits as in GB/T 2260, with prefectures that do not exist."""
    return [f"{p}9{n % 9 + 1}{n % 29 + 1:02d}" for p, n in
            zip(draw.number(11, 65), draw.number(0, 900), strict=True)]  # fmt: skip


def postal_codes(draw: Draw) -> list[str]:
    """Postal codes."""
    return [f"{zone}{n:04d}" for zone, n in
            zip(draw.among("10 20 31 43 51 61 71 05 11".split()), draw.number(0, 9999), strict=True)]  # fmt: skip


def coordinates(draw: Draw) -> list[str]:
    """Pairs of decimal degrees."""
    mark = (",", ", ", ";")[draw.once(3)]
    parts = zip(
        draw.number(73_000_000, 134_000_000), draw.number(18_000_000, 53_000_000), strict=True
    )
    return [f"{x / 1e6:.6f}{mark}{y / 1e6:.6f}" for x, y in parts]


def latitudes(draw: Draw) -> pa.Array:
    """Decimal degrees as reals."""
    return pa.array([n / 1e6 for n in draw.number(18_000_000, 53_000_000)])


def births(draw: Draw) -> list[str] | pa.Array:
    """Days of birth: as dates, or written in one of three ways."""
    return _written(draw, days(draw, 1932, 2016))


def birth_years(draw: Draw) -> pa.Array:
    """Years of birth as integers."""
    return pa.array(draw.number(1932, 2016), pa.int32())


def events(draw: Draw) -> list[str] | pa.Array:
    """Days of events of some recent years."""
    return _written(draw, days(draw, 2017, 2025))


def makings(draw: Draw) -> list[str] | pa.Array:
    """Days on which things were made or founded: over decades, and nobody's birth."""
    return _written(draw, days(draw, 1978, 2024))


def moments(draw: Draw) -> list[str] | pa.Array:
    """Moments, as timestamps or written."""
    parts = zip(days(draw, 2019, 2025), draw.number(0, 86399), strict=True)
    written = [
        f"{d[:4]}-{d[4:6]}-{d[6:]} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}"
        for d, s in parts
    ]
    if draw.once(2):
        return pa.array(written).cast(pa.timestamp("us"))
    return written


def ages(draw: Draw) -> list[str] | pa.Array:
    """Ages, as integers or with a unit."""
    years = draw.number(0, 97)
    return [f"{n}岁" for n in years] if draw.once(4) == 0 else pa.array(years)


def sexes(draw: Draw) -> list[str]:
    """Sexes in one way of writing."""
    return draw.among(SEXES[draw.once(len(SEXES))])


def sex_codes(draw: Draw) -> list[str] | pa.Array:
    """GB/T 2261.1: 1 male, 2 female."""
    codes = draw.number(1, 2)
    return [str(code) for code in codes] if draw.once(2) else pa.array(codes)


def ethnicities(draw: Draw) -> list[str]:
    """Nationalities of China, mostly Han."""
    return draw.word("ethnicities")


def religions(draw: Draw) -> list[str]:
    """Religions."""
    return draw.word("religions")


def marital(draw: Draw) -> list[str]:
    """Marital statuses."""
    return draw.word("marital")


def educations(draw: Draw) -> list[str]:
    """Levels of education."""
    return draw.word("educations")


def occupations(draw: Draw) -> list[str]:
    """Occupations."""
    return draw.word("occupations")


def companies(draw: Draw) -> list[str]:
    """Organisations in which people work."""
    parts = zip(
        draw.word("cities"), draw.word("company_names"), draw.word("company_kinds"), strict=True
    )
    return [city + name + kind for city, name, kind in parts]


def incomes(draw: Draw) -> list[str] | pa.Array:
    """Amounts a month or a year, as numbers or written with separators."""
    amounts = [n * n // 400 + 1800 for n in draw.number(0, 9000)]
    form = draw.once(3)
    if form == 0:
        return [f"{n:,}.00" for n in amounts]
    return pa.array(amounts) if form == 1 else pa.array([n + 0.5 for n in amounts])


def income_classes(draw: Draw) -> list[str]:
    """Brackets of income."""
    return draw.among(_BRACKETS[draw.once(len(_BRACKETS))])


def balances(draw: Draw) -> list[str] | pa.Array:
    """Amounts with cents, some below nothing."""
    amounts = [n / 100 for n in draw.number(-400_000, 90_000_000)]
    return [f"{n:,.2f}" for n in amounts] if draw.once(4) == 0 else pa.array(amounts)


def diagnoses(draw: Draw) -> list[str]:
    """Names of diseases."""
    return draw.word("diseases")


def icd_codes(draw: Draw) -> list[str]:
    """Codes of the ICD-10."""
    return draw.among(_ICD)


def medications(draw: Draw) -> list[str]:
    """Medicines given to a patient."""
    return draw.word("drugs")


def allergies(draw: Draw) -> list[str]:
    """What patients cannot bear."""
    return draw.word("allergens")


def blood_types(draw: Draw) -> list[str]:
    """Blood groups."""
    return draw.word("blood")


def household_keys(draw: Draw) -> list[str]:
    """Numbers of households: several members share one."""
    form = ("H{:08d}", "{:08d}", "JT{:06d}")[draw.once(3)]
    return [form.format(n) for n in draw.number(1, max(2, draw.rows // 3))]


def costs(draw: Draw) -> pa.Array:
    """What was paid for a treatment."""
    return pa.array([n / 100 for n in draw.number(800, 4_000_000)])


def measures(draw: Draw) -> pa.Array:
    """Measures of bodies."""
    return pa.array([n / 10 for n in draw.number(450, 1980)])


def relations(draw: Draw) -> list[str]:
    """Relation to the head of a household."""
    return draw.word("relations")


def _written(draw: Draw, eight: list[str]) -> list[str] | pa.Array:
    form = draw.once(4)
    if form == 0:
        return eight
    if form == 1:
        return [f"{d[:4]}年{int(d[4:6])}月{int(d[6:])}日" for d in eight]
    if form == 2:
        return [f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in eight]
    made = [dt.date(int(d[:4]), int(d[4:6]), int(d[6:])) for d in eight]
    return pa.array(made, pa.date32())
