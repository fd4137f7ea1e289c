"""The packages pyffx and ff3 on digits, value by value; prints values a second as JSON.

    python _fpe_packages.py VALUES PASSES DIGITS...

Runs with an interpreter of its own, which needs the two packages and nothing of the gateway. The
cipher objects are made beforehand: what is timed is encrypting alone, the best of the passes.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import pyffx
from ff3 import FF3Cipher

KEY = bytes(range(16))


def rate(encrypt: Callable[[str], str], values: list[str], passes: int) -> float:
    """Values a second, the best of the passes."""
    best = float("inf")
    for _ in range(passes):
        start = time.perf_counter()
        for value in values:
            encrypt(value)
        best = min(best, time.perf_counter() - start)
    return len(values) / best


def main() -> None:
    """Measure both packages on each number of digits."""
    count, passes, *lengths = (int(argument) for argument in sys.argv[1:])
    found = {}
    for digits in lengths:
        values = [f"{random.randrange(10**digits):0{digits}}" for _ in range(count)]
        ffx = pyffx.String(KEY, alphabet="0123456789", length=digits)
        ff3 = FF3Cipher(KEY.hex(), bytes(7).hex())
        found[digits] = {
            f"package pyffx {version('pyffx')} (FFX, not FF1)": rate(ffx.encrypt, values, passes),
            f"package ff3 {version('ff3')} (FF3-1, withdrawn)": rate(ff3.encrypt, values, passes),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
