"""Makes values that look like personal data and are none."""

import pyarrow as pa

from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.identity import days


def orders(draw: Draw) -> list[str]:
    """Sixteen to nineteen digits with a card's prefix: one in ten passes Luhn by chance."""
    width = (16, 18, 19)[draw.once(3)]
    return [f"62{n}" for n in draw.digits(width - 2)]


def serials_18(draw: Draw) -> list[str]:
    """Eighteen digits, some with a day in the place of a birth date."""
    if draw.once(2):
        return [f"{n:06d}{d}{s:04d}" for n, d, s in
                zip(draw.number(110_000, 659_000), days(draw, 2019, 2025), draw.number(0, 9999), strict=True)]  # fmt: skip
    return [f"20{n}" for n in draw.digits(16)]


def batches(draw: Draw) -> list[str]:
    """Eleven digits that begin as a mobile number does."""
    return [f"1{p}{n}" for p, n in zip(draw.number(3, 9), draw.digits(9), strict=True)]


def hotels(draw: Draw) -> list[str]:
    """Names of hotels."""
    return draw.word("hotels")


def scenarios(draw: Draw) -> list[str]:
    """Codes of scenarios."""
    return [f"SC-{n:04d}" for n in draw.number(1, 9000)]


def truths(draw: Draw) -> list[str] | pa.Array:
    """Yes and no, in one of four ways of writing."""
    form = draw.once(4)
    values = draw.chance(800)
    if form == 0:
        return pa.array(values)
    yes, no = (("是", "否"), ("Y", "N"), ("1", "0"))[form - 1]
    return [yes if value else no for value in values]


def phone_models(draw: Draw) -> list[str]:
    """Models of telephones."""
    return draw.word("phones")


def products(draw: Draw) -> list[str]:
    """Goods, some of whose names begin with a surname."""
    return draw.word("products")


def amounts_six(draw: Draw) -> pa.Array:
    """Whole amounts of six digits: the form of a postal code."""
    return pa.array(draw.number(100_000, 699_999))


def versions(draw: Draw) -> list[str]:
    """Versions of four numbers: the form of an IP address."""
    parts = zip(
        draw.number(1, 12), draw.number(0, 20), draw.number(0, 9), draw.number(0, 240), strict=True
    )
    return [f"{a}.{b}.{c}.{d}" for a, b, c, d in parts]


def stock_codes(draw: Draw) -> list[str]:
    """Codes of goods: a letter and eight digits, the form of a passport or permit."""
    return [f"{c}{n}" for c, n in zip(draw.among("EGHDP"), draw.digits(8), strict=True)]


def statuses(draw: Draw) -> list[str]:
    """States of a record."""
    return draw.word(("statuses", "english_statuses")[draw.once(2)])


def quantities(draw: Draw) -> pa.Array:
    """Small whole numbers, within the ages of people."""
    return pa.array(draw.number(1, 99))


def prices(draw: Draw) -> pa.Array:
    """Prices."""
    return pa.array([n / 100 for n in draw.number(100, 900_000)])


def departments(draw: Draw) -> list[str]:
    """Departments of an office."""
    return draw.word("departments")


def digests(draw: Draw) -> list[str]:
    """Digests in hexadecimal."""
    return draw.letters(64, "0123456789abcdef")


def ratios(draw: Draw) -> pa.Array:
    """Men to a hundred women, by district."""
    return pa.array([n / 100 for n in draw.number(9000, 12_000)])


def counts(draw: Draw) -> pa.Array:
    """How many there are."""
    return pa.array(draw.number(0, 5))


def percentages(draw: Draw) -> list[str] | pa.Array:
    """Shares, as reals or written."""
    shares = [n / 10 for n in draw.number(0, 1000)]
    return [f"{n}%" for n in shares] if draw.once(2) else pa.array(shares)


def currencies(draw: Draw) -> list[str]:
    """Currencies."""
    return draw.among(["CNY", "USD", "EUR", "HKD", "JPY"])


def courses(draw: Draw) -> list[str]:
    """Courses."""
    return draw.word("courses")


def hospitals(draw: Draw) -> list[str]:
    """Hospitals behind their city."""
    return [c + h for c, h in zip(draw.word("cities"), draw.word("hospitals"), strict=True)]


def roles(draw: Draw) -> list[str]:
    """Roles of a system."""
    return draw.word("roles")


def readings(draw: Draw) -> pa.Array:
    """Readings of a sensor."""
    return pa.array([n / 10 for n in draw.number(-200, 999)])


def files(draw: Draw) -> list[str]:
    """Names of files."""
    parts = zip(draw.word("files"), draw.number(1, 999), draw.word("suffixes"), strict=True)
    return [f"{name}_{n}{suffix}" for name, n, suffix in parts]


def packages(draw: Draw) -> list[str]:
    """Names of archives."""
    parts = zip(draw.word("files"), draw.number(1, 9), draw.number(0, 30), strict=True)
    return [f"{name}-{a}.{b}.zip" for name, a, b in parts]


def roads(draw: Draw) -> list[str]:
    """Roads and lines."""
    return draw.word("roads")


def scores(draw: Draw) -> pa.Array:
    """Scores."""
    return pa.array(draw.number(300, 850))


def remarks(draw: Draw) -> list[str]:
    """Free text, in one of six a telephone number."""
    parts = zip(draw.word("remarks"), draw.number(0, 99_999_999), draw.chance(160), strict=True)
    return [
        f"{text}联系电话138{n:08d}。" if with_number else text for text, n, with_number in parts
    ]
