"""Words from which addresses are combined: one invented city with its districts and streets.

Region codes carry a province prefix that exists, so that a validator accepts them, but a
prefecture between 91 and 99. GB/T 2260-2007 section 3 numbers cities 01-20 and 51-70, prefectures
21-50 and the counties under a province 90, so these codes are no real place's.
"""

from itertools import product

import numpy as np

from gateway.testing.draws import Weighted
from gateway.testing.text import words

PROVINCE = "云岚省"
CITY = "汐川市"
_PROVINCE_CODE = 36

_DISTRICTS = """
临汐区 140 望岚区 125 青屏区 110 鹤汀区 105 松陵区 95 云阙区 90 丹渚区 80 石漪区 70 澄浦区 60
枫桥湾区 50 禾野县 45 远岫县 30
""".split()
DISTRICT_NAMES = tuple(_DISTRICTS[0::2])
DISTRICTS = words(DISTRICT_NAMES)
DISTRICT_SHARES = Weighted([int(share) for share in _DISTRICTS[1::2]])
DISTRICT_PREFIXES = words([PROVINCE + CITY + name for name in DISTRICT_NAMES])

_OTHER_PROVINCES = [
    code
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
    for code in range(first, last + 1)
    if code != _PROVINCE_CODE
]
# Province and county of each region, without the prefecture: first the city's districts.
_REGIONS = list(product([_PROVINCE_CODE], range(1, 13))) + list(
    product(_OTHER_PROVINCES, range(1, 13))
)
REGION_PROVINCE = np.array([province for province, _ in _REGIONS], dtype=np.int64)
REGION_COUNTY = np.array([county for _, county in _REGIONS], dtype=np.int64)
# One prefecture for each range of blocks: a full set of fresh identity numbers (see identifiers).
PREFECTURES = np.array([97, 96, 95, 94, 93, 92, 91, 98, 99], dtype=np.int64)

_STREET_WORDS = (
    "梧桐 望江 听泉 青松 白鹭 紫藤 采薇 临泉 揽月 归云 丹枫 芦花 石榴 银杏 桂香 长亭 晴川 北辰"
    " 南浦 东篱 西岭 流萤 观澜 问渠 竹溪 荷风 杏林 书院 锦帆 画桥"
).split()
STREETS = words([a + b for a, b in product(_STREET_WORDS, ("路", "街", "大道", "巷"))])
NUMBERS = words([f"{number}号" for number in range(1, 400)])
_COMMUNITY_WORDS = (
    "锦绣 翠屏 和悦 云栖 澜庭 星河 静水 朗润 春熙 嘉禾 半山 百合 听雨 雅筑 明珠 新景"
).split()
COMMUNITIES = words([a + b for a, b in product(_COMMUNITY_WORDS, ("家园", "花园", "苑", "小区"))])
BUILDINGS = words([f"{b}栋{u}单元" for b, u in product(range(1, 31), range(1, 5))])
ROOMS = words([f"{floor}{door:02d}室" for floor, door in product(range(1, 31), range(1, 5))])
