"""Spoils the values of a benchmark column the way real ones are: absent, odd, wrong.

Kinds of noise: null, a word for nothing, full width, separators, spaces, a character too few, a
wrong last digit, small letters. `testing.dirt` spoils whole tables for tests of robustness; this
one spoils one column at a rate that was drawn for it.
"""

from collections.abc import Sequence

import pyarrow as pa

from gateway.testing.benchmark.draw import Draw

_NOTHING = ("无", "N/A", "-", "不详", "null", "未知", "空")


def spoilt(values: Sequence[object] | pa.Array, draw: Draw, per_mille: int) -> pa.Array:
    """The values as an Arrow array, each spoilt with a chance of `per_mille` in a thousand."""
    hit, kind = draw.chance(per_mille), draw.number(0, 9)
    if isinstance(values, pa.Array):
        mask = pa.array([h and k < 4 for h, k in zip(hit, kind, strict=True)])
        return pa.array(values.to_pylist(), values.type, mask=mask.to_numpy(zero_copy_only=False))
    nothing = draw.among(_NOTHING)
    cells = zip(values, hit, kind, nothing, strict=True)
    return pa.array(
        [_cell(str(value), k, word) if h else str(value) for value, h, k, word in cells],
        pa.string(),
    )


def _cell(value: str, kind: int, nothing: str) -> str | None:
    if kind <= 2:
        return None
    if kind == 3:
        return nothing
    if kind == 4:
        return "".join(chr(ord(ch) + 0xFEE0) if "!" <= ch <= "~" else ch for ch in value)
    if kind == 5:
        return f" {value[: len(value) // 2]} {value[len(value) // 2 :]}\u3000"
    if kind == 6:
        return value.lower()
    if kind == 7:
        return value[:-1]
    if kind == 8 and value[-1:].isdigit():
        return value[:-1] + str((int(value[-1]) + 1) % 10)
    return f"{value} " if kind == 8 else f"{value}\u200b"
