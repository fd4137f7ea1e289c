"""Makes numbers of vehicles and devices for the benchmark, valid by their own check digits."""

from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.identity import checked
from gateway.testing.check_digits import luhn_check

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_PLATE_TAIL = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PLATE_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_TACS = ("35", "86", "01", "45", "99")


def plates(draw: Draw) -> list[str]:
    """Number plates, one in four of the new kind."""
    parts = zip(
        draw.among(_PLATE_PROVINCES), draw.among(_LETTERS[:12]), draw.letters(4, _PLATE_TAIL),
        draw.digits(5), draw.chance(250), strict=True,
    )  # fmt: skip
    return [f"{p}{c}D{n}" if is_new else f"{p}{c}{tail}{n[0]}" for p, c, tail, n, is_new in parts]


def vins(draw: Draw) -> list[str]:
    """Vehicle identification numbers with the check in the ninth place, 49 CFR 565.15(c)."""
    heads = draw.among(["LSV", "LFV", "LHG", "LGX", "LBV", "WBA"])
    bodies = zip(heads, draw.letters(5, _VIN_LETTERS), draw.letters(2, _VIN_LETTERS),
                 draw.digits(6), strict=True)  # fmt: skip
    value = {
        c: int(v) for c, v in zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True)
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    made = []
    for head, middle, year, serial in bodies:
        body = f"{head}{middle}0{year}{serial}"
        total = sum(
            (int(c) if c.isdigit() else value[c]) * w for c, w in zip(body, weights, strict=True)
        )
        check = "0123456789X"[total % 11]
        made.append(body[:8] + check + body[9:])
    return made


def imeis(draw: Draw) -> list[str]:
    """Device numbers of fifteen digits with their Luhn digit."""
    return checked(
        [t + n for t, n in zip(draw.among(_TACS), draw.digits(12), strict=True)], luhn_check
    )


def macs(draw: Draw) -> list[str]:
    """Addresses of network interfaces, one way of writing a column."""
    mark = ":-"[draw.once(2)]
    return [mark.join(h[i : i + 2] for i in range(0, 12, 2)) for h in
            draw.letters(12, "0123456789ABCDEF")]  # fmt: skip


def ips(draw: Draw) -> list[str]:
    """IPv4 addresses of private and documentation networks."""
    heads = draw.among(["10.23", "172.16", "192.168", "198.51", "100.64"])
    parts = zip(heads, draw.number(0, 255), draw.number(1, 254), strict=True)
    return [f"{head}.{a}.{b}" for head, a, b in parts]
