"""Makes values of identifiers for the benchmark, valid by their own check digits.

The digits are computed here and in `testing.check_digits`, never with the code under test. Region
codes have a prefecture that does not exist (see `testing.places`), card numbers issuer prefixes of
real networks: a number may by chance be somebody's.
"""

from collections.abc import Callable

import numpy as np

from gateway.testing.benchmark.draw import Draw
from gateway.testing.check_digits import (
    luhn_check,
    organisation_code_check,
    resident_id_check,
    uscc_check,
)
from gateway.testing.text import Bytes

_PROVINCES = "11 12 13 14 21 22 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62".split()
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_CARDS = ("622202", "621700", "623668", "621226", "622848", "621661")
_FOREIGN = ("4", "51", "53", "55", "37")
_MOBILE = "130 131 133 135 136 137 138 139 147 150 151 152 155 158 159 166 173 177 178 180 181 186 187 188 189 191 198 199".split()  # fmt: skip
_AREAS = "010 021 022 023 024 025 027 028 0311 0411 0512 0571 0591 0731 0755 0871".split()


def person_names(draw: Draw) -> list[str]:
    """Chinese names of two to four characters, one in fifty of a people with names of its own."""
    plain = zip(draw.word("surnames"), draw.word("given"), strict=True)
    other, rare = draw.word("minority"), draw.chance(20)
    return [
        own if is_rare else family + given
        for (family, given), own, is_rare in zip(plain, other, rare, strict=True)
    ]


def latin_names(draw: Draw) -> list[str]:
    """Names in Latin letters, in one of three orders of writing."""
    first, last = draw.word("latin_first"), draw.word("latin_last")
    form = ("{0} {1}", "{1}, {0}", "{2} {0}")[draw.once(3)]
    return [form.format(f, s, s.upper()) for f, s in zip(first, last, strict=True)]


def resident_ids(draw: Draw) -> list[str]:
    """Resident identity numbers of 18 characters."""
    region = [f"{p}9{n % 9 + 1}{n % 89 + 1:02d}" for p, n in
              zip(draw.among(_PROVINCES), draw.number(0, 8000), strict=True)]  # fmt: skip
    bodies = [f"{r}{d}{s:03d}" for r, d, s in
              zip(region, days(draw, 1935, 2018), draw.number(1, 999), strict=True)]  # fmt: skip
    return checked(bodies, resident_id_check)


def days(draw: Draw, first: int, last: int) -> list[str]:
    """Days as eight digits, in the years first to last."""
    parts = zip(draw.number(first, last), draw.number(1, 12), draw.number(1, 28), strict=True)
    return [f"{year}{month:02d}{day:02d}" for year, month, day in parts]


def passports(draw: Draw) -> list[str]:
    """Ordinary passports: E and eight digits, or E, a letter and seven."""
    old = draw.chance(600)
    parts = zip(draw.digits(8), draw.among(_LETTERS), old, strict=True)
    return [f"E{n}" if is_old else f"E{c}{n[:7]}" for n, c, is_old in parts]


def hk_permits(draw: Draw) -> list[str]:
    """Mainland travel permits of Hong Kong and Macau residents."""
    return [f"{c}{n}" for c, n in zip(draw.among("HHHM"), draw.digits(8), strict=True)]


def taiwan_permits(draw: Draw) -> list[str]:
    """Mainland travel permits of Taiwan residents: eight digits."""
    return draw.digits(8)


def mobiles(draw: Draw) -> list[str]:
    """Mobile numbers of eleven digits."""
    return [p + n for p, n in zip(draw.among(_MOBILE), draw.digits(8), strict=True)]


def landlines(draw: Draw) -> list[str]:
    """Area code, dash, seven or eight digits."""
    parts = zip(draw.among(_AREAS), draw.number(20_000_000, 89_999_999), strict=True)
    return [f"{a}-{str(n)[: 8 if len(a) == 3 else 7]}" for a, n in parts]


def contact_phones(draw: Draw) -> list[str]:
    """Mostly mobile numbers, one in seven a fixed line."""
    fixed = zip(mobiles(draw), landlines(draw), draw.chance(140), strict=True)
    return [line if is_line else mobile for mobile, line, is_line in fixed]


def foreign_phones(draw: Draw) -> list[str]:
    """International form, of other countries."""
    codes = draw.among(["+44 20", "+1 415", "+49 30", "+81 90", "+33 6", "+61 4"])
    parts = zip(codes, draw.digits(8), strict=True)
    return [f"{code} {n[:4]} {n[4:]}" for code, n in parts]


def bank_cards(draw: Draw) -> list[str]:
    """Domestic debit cards of sixteen or nineteen digits."""
    width = (9, 12)[draw.once(2)]
    bodies = [p + n for p, n in zip(draw.among(_CARDS), draw.digits(width), strict=True)]
    return checked(bodies, luhn_check)


def credit_cards(draw: Draw) -> list[str]:
    """International cards."""
    bodies = [(p + n)[: 14 if p == "37" else 15] for p, n in
              zip(draw.among(_FOREIGN), draw.digits(14), strict=True)]  # fmt: skip
    return [checked([body], luhn_check)[0] for body in bodies]


def ibans(draw: Draw) -> list[str]:
    """German account numbers, check digits by ISO 13616."""
    bodies = draw.digits(18)
    return [f"DE{98 - int(body + '131400') % 97:02d}{body}" for body in bodies]


def emails(draw: Draw) -> list[str]:
    """Addresses under reserved domains."""
    parts = zip(draw.word("users"), draw.number(1, 9999), draw.word("domains"), strict=True)
    return [f"{user}{n}@{domain}" for user, n, domain in parts]


def addresses(draw: Draw) -> list[str]:
    """City, district, street, number, flat; one in five a village."""
    parts = zip(
        draw.word("cities"), draw.word("districts"), draw.word("streets"), draw.number(1, 480),
        draw.word("compounds"), draw.number(1, 32), draw.number(101, 3204), draw.word("villages"),
        draw.chance(200), strict=True,
    )  # fmt: skip
    return [
        f"{city}{district}{village}{number % 12 + 1}组{number}号" if rural
        else f"{city}{district}{street}{number}号{compound}{block}栋{flat}室"
        for city, district, street, number, compound, block, flat, village, rural in parts
    ]  # fmt: skip


def wechats(draw: Draw) -> list[str]:
    """A letter, then letters, digits, underscores."""
    parts = zip(draw.among(["wxid_", "li_", "sun", "happy_", "zz"]),
                draw.letters(8, "abcdefghkmnpqrstuvwxyz0123456789"), strict=True)  # fmt: skip
    return [head + tail for head, tail in parts]


def qqs(draw: Draw) -> list[str]:
    """Six to ten digits."""
    return [str(n)[: 6 + n % 5] for n in draw.number(1_000_000_000, 2_000_000_000)]


def medical_records(draw: Draw) -> list[str]:
    """Numbers of a hospital's own form."""
    form = ("ZY{}", "{}", "B{}", "MZ{}")[draw.once(4)]
    return [form.format(n) for n in draw.digits(8)]


def student_numbers(draw: Draw) -> list[str]:
    """The year of entry, a faculty, a serial."""
    parts = zip(draw.number(2012, 2025), draw.number(1, 40), draw.number(1, 9999), strict=True)
    return [f"{year}{faculty:02d}{serial:04d}" for year, faculty, serial in parts]


def ssns(draw: Draw) -> list[str]:
    """Area, group, serial; the area stays below 900 as issued ones do."""
    parts = zip(draw.number(100, 665), draw.number(1, 99), draw.number(1, 9999), strict=True)
    return [f"{a}-{g:02d}-{s:04d}" for a, g, s in parts]


def templates(draw: Draw) -> list[str]:
    """Biometric templates as base64."""
    return draw.letters(64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def homepages(draw: Draw) -> list[str]:
    """Pages under reserved domains."""
    parts = zip(draw.word("users"), draw.number(1, 9999), strict=True)
    return [f"https://{user}{n}.example.org/about" for user, n in parts]


def person_keys(draw: Draw) -> list[str]:
    """Numbers that a department gives to persons."""
    form = ("{}", "P{}", "C-{}", "10{}")[draw.once(4)]
    return [form.format(n) for n in draw.digits(7)]


def usernames(draw: Draw) -> list[str]:
    """Names of accounts."""
    return [f"{u}{n}" for u, n in zip(draw.word("users"), draw.number(1, 99999), strict=True)]


def usccs(draw: Draw) -> list[str]:
    """Unified social credit codes: category, region, organisation code, check."""
    inner = checked(draw.letters(8, "0123456789ABCDEFGHJKLMNPQRTUWXY"), organisation_code_check)
    region = [f"{p}0{n}" for p, n in zip(draw.among(_PROVINCES), draw.digits(3), strict=True)]
    bodies = [f"91{r}{code}" for r, code in zip(region, inner, strict=True)]
    return checked(bodies, uscc_check)


def organisation_codes(draw: Draw) -> list[str]:
    """Organisation codes with a dash before the check."""
    bodies = draw.digits(8)
    return [f"{c[:8]}-{c[8]}" for c in checked(bodies, organisation_code_check)]


def checked(bodies: list[str], check: Callable[[Bytes], Bytes]) -> list[str]:
    """The bodies, all of one length, each with its check character behind it."""
    matrix = np.frombuffer("".join(bodies).encode("ascii"), np.uint8).reshape(len(bodies), -1)
    return [body + chr(digit) for body, digit in zip(bodies, check(matrix), strict=True)]
