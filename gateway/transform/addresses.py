"""Masks Chinese addresses down to the region: province, city, district.

Without a gazetteer a region is known by how it is written: a province by its name, a city or
district by its last character, found before anything that belongs to a street or a building. In
doubt less is kept: 苏州市工业园区 becomes 苏州市***, as 园 may end the name of a garden. Cities whose
names hold such a character (大连市) are known by name.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.transform.base import Flags
from gateway.transform.characters import Characters, Codes, Counts
from gateway.transform.varlen import VarlenColumn, build_text

_PROVINCES: Final = """
    北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南
    广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门
""".split()
_ENDINGS: Final = "省 市 自治区 壮族自治区 回族自治区 维吾尔自治区 特别行政区".split()

# What stands in the names of streets, buildings and firms. A region is only looked for before it.
_BREAKS: Final = (
    "路街道巷弄村镇乡号栋室楼院校厂司店园馆寺站场厅苑庭里组队屯庄坊桥港湾座幢层户箱转"
    "大小社商超菜门夜集股花墅宅宿"
)
_KNOWN: Final = """
    大连市 大同市 大庆市 大理市 石家庄市 枣庄市 廊坊市 潍坊市 厦门市 江门市 荆门市
    天门市 三门峡市 玉门市 海门市 防城港市 连云港市 贵港市 张家港市 商丘市 商洛市 驻马店市 新乡市
    萍乡市 镇江市 虎林市 大丰区 大兴区 门头沟区 花都区 镇海区 道里区 道外区 大足区 大渡口区
""".split()

_CITY_ENDS: Final = "市盟"
_DISTRICT_ENDS: Final = "区县旗"
_LONGEST: Final = 16
"""Characters of a district's name at most (双江拉祜族佤族布朗族傣族自治县 has 15)."""

_OTHER, _PLAIN, _CITY, _DISTRICT = range(4)


class _Names:
    """A short list of names, of which each value can begin with at most one.

    No two names share their first two characters.
    """

    def __init__(self, names: Iterable[str]) -> None:
        ordered = sorted(names, key=lambda name: name[:2])
        self.width = max(map(len, ordered))
        padded = [name.ljust(self.width, "\0") for name in ordered]
        self._codes = np.array([[ord(c) for c in name] for name in padded], np.uint32)
        self._lengths = np.array([len(name) for name in ordered])
        self._pairs = _pairs(self._codes)

    def length(self, heads: Codes) -> Counts:
        """Characters of the name that each row begins with; 0 for none. Rows of ``width``."""
        pairs = _pairs(heads)
        index = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
        rows = np.flatnonzero(self._pairs[index] == pairs)
        wanted = self._codes[index[rows]]
        rows = rows[((wanted == 0) | (wanted == heads[rows])).all(axis=1)]
        lengths = np.zeros(len(heads), np.int64)
        lengths[rows] = self._lengths[index[rows]]
        return lengths


def _pairs(heads: Codes) -> NDArray[np.uint64]:
    return heads[:, 0].astype(np.uint64) << np.uint64(32) | heads[:, 1]


def _classes() -> NDArray[np.uint8]:
    table = np.full(0x10000, _OTHER, np.uint8)
    table[0x4E00:0xA000] = _PLAIN
    table[0x3400:0x4DC0] = _PLAIN
    for ends, kind in ((_CITY_ENDS, _CITY), (_DISTRICT_ENDS, _DISTRICT), (_BREAKS, _OTHER)):
        for character in ends:
            table[ord(character)] = kind
    return table


_CLASS_OF: Final = _classes()
_PROVINCE_NAMES: Final = _Names(_PROVINCES)
_KNOWN_NAMES: Final = _Names(_KNOWN)


def mask_address(values: Characters, sign: int, signs: int) -> tuple[Characters, Flags]:
    """Each address as its region and ``signs`` signs; and which values have a region at all.

    The signs always follow, so that nobody sees whether a street was given.
    """
    province = _province(values)
    kinds = _CLASS_OF[np.minimum(values.codes, np.uint32(0xFFFF))]
    stops = np.append(np.flatnonzero(kinds != _PLAIN), len(kinds))
    anywhere = np.ones(values.rows, bool)
    region, is_city = _next_region(values, kinds, stops, province, anywhere)
    # A district, or a city of county rank, stands right behind a city; nothing behind a district.
    region, _ = _next_region(values, kinds, stops, region, is_city)
    return _cut(values, region, sign, signs), region > 0


def before_ascii(text: pa.Array) -> pa.Array:
    """Of each value what stands before its first ASCII character; nulls stay null.

    ``mask_address`` of it is that of the whole value: no region holds such a character, and none
    begins behind one.
    """
    parts = VarlenColumn.of(text)
    if not len(parts.data):
        return text
    ascii_at = np.append(np.flatnonzero(parts.data < 0x80), len(parts.data))
    ends = np.minimum(
        ascii_at[np.searchsorted(ascii_at, parts.starts)], parts.starts + parts.lengths
    )
    turns = np.zeros(len(parts.data) + 1, np.int8)
    some = ends > parts.starts  # of these no two begin, and no two end, at one place
    turns[parts.starts[some]] += 1
    turns[ends[some]] -= 1
    kept = np.cumsum(turns[:-1], dtype=np.int8).view(np.bool_)
    return build_text(parts.data[kept], ends - parts.starts, parts.valid, parts.slots)


def _province(values: Characters) -> Counts:
    """Where the name of the province ends; 0 where none begins the address."""
    ends = _PROVINCE_NAMES.length(values.heads(_PROVINCE_NAMES.width))
    named = np.flatnonzero(ends)
    after = values.window(values.starts[named] + ends[named], values.ends[named], 6)
    for ending in _ENDINGS:
        rows = np.flatnonzero(after[:, 0] == ord(ending[0]))
        wanted = np.array([ord(character) for character in ending], np.uint32)
        rows = rows[(after[rows, : len(ending)] == wanted).all(axis=1)]
        ends[named[rows]] += len(ending)
    return ends


def _next_region(
    values: Characters, kinds: NDArray[np.uint8], stops: Counts, begin: Counts, asked: Flags
) -> tuple[Counts, Flags]:
    """Where a region that begins at ``begin`` ends, else ``begin``; and whether it is a city.

    ``stops``: the places in all values together of the characters that are not plain.
    """
    reached, is_city = begin.copy(), np.zeros(values.rows, bool)
    rows = np.flatnonzero(asked & (begin < values.lengths))
    start, end = values.starts[rows] + begin[rows], values.ends[rows]
    known = _KNOWN_NAMES.length(values.window(start, end, _KNOWN_NAMES.width))
    last = np.where(known > 0, start + known - 1, stops[np.searchsorted(stops, start)])
    inside = last < end
    rows, start, last = rows[inside], start[inside], last[inside]
    kind, length = kinds[last], last + 1 - start
    named = (kind != _OTHER) & (length >= 2) & (length <= _LONGEST)
    reached[rows] += np.where(named, length, 0)
    # 地区 is a prefecture, so a district may follow it.
    prefecture = values.codes[np.maximum(last - 1, 0)] == ord("地")
    is_city[rows] = named & ((kind == _CITY) | prefecture)
    return reached, is_city


def _cut(values: Characters, region: Counts, sign: int, signs: int) -> Characters:
    lengths = region + signs
    ends = np.cumsum(lengths)
    places = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
    inside = places < np.repeat(region, lengths)
    codes = np.full(len(places), sign, np.uint32)
    codes[inside] = values.codes[(places + np.repeat(values.starts, lengths))[inside]]
    return values.with_values(codes, lengths)
