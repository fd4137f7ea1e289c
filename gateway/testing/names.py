"""Words from which persons' names are combined, in characters and in pinyin.

Names are surname and given name drawn independently, the given name from characters in use when
the person was born. A combination may by chance be somebody's name; none was taken from a person.
Uyghur and Tibetan names have no surname and stand whole in the dictionary of given names, so that
masks meet the interpunct and names of four characters.
"""

from itertools import product

import numpy as np

from gateway.testing.draws import Bools, Ints, Weighted
from gateway.testing.text import words

# Character, pinyin and share (in 1/1000, roughly as in the census) of each surname.
_SURNAMES = """
王 wang 72 李 li 70 张 zhang 67 刘 liu 52 陈 chen 46 杨 yang 31 黄 huang 23 赵 zhao 21 吴 wu 20
周 zhou 19 徐 xu 15 孙 sun 14 马 ma 14 朱 zhu 13 胡 hu 13 郭 guo 12 何 he 12 林 lin 12 高 gao 11
罗 luo 10 郑 zheng 10 梁 liang 9 谢 xie 8 宋 song 7 唐 tang 7 许 xu 7 韩 han 7 邓 deng 6 冯 feng 6
曹 cao 6 彭 peng 6 曾 zeng 5 肖 xiao 5 田 tian 5 董 dong 5 潘 pan 4 袁 yuan 4 蔡 cai 4 蒋 jiang 4
余 yu 4 于 yu 4 杜 du 4 叶 ye 4 程 cheng 4 魏 wei 4 苏 su 4 吕 lv 4 丁 ding 4 任 ren 3 卢 lu 3
姚 yao 3 沈 shen 3 钟 zhong 3 姜 jiang 3 崔 cui 3 谭 tan 3 陆 lu 3 范 fan 3 汪 wang 3 廖 liao 3
石 shi 3 金 jin 3 韦 wei 3 贾 jia 3 夏 xia 3 付 fu 2 方 fang 2 邹 zou 2 熊 xiong 2 白 bai 2 孟 meng 2
秦 qin 2 邱 qiu 2 侯 hou 2 江 jiang 2 尹 yin 2 薛 xue 2 闫 yan 2 段 duan 2 雷 lei 2 龙 long 2 黎 li 2
史 shi 2 陶 tao 2 贺 he 2 毛 mao 2 郝 hao 2 顾 gu 2 龚 gong 2 邵 shao 2 万 wan 2 覃 qin 2 欧阳 ouyang 1
上官 shangguan 1 诸葛 zhuge 1 司徒 situ 1 慕容 murong 1
""".split()

# Characters of given names: born before 1970, from 1970, from 1995; men first, then women.
_GIVEN = (
    (
        "建 jian 国 guo 军 jun 明 ming 志 zhi 文 wen 平 ping 华 hua 德 de 福 fu 玉 yu 成 cheng 宝 bao"
        " 林 lin 生 sheng 祥 xiang 贵 gui 春 chun 永 yong 庆 qing 光 guang 忠 zhong 义 yi 树 shu"
    ),
    (
        "秀 xiu 英 ying 兰 lan 桂 gui 玉 yu 珍 zhen 凤 feng 芳 fang 淑 shu 梅 mei 素 su 琴 qin 云 yun"
        " 莲 lian 霞 xia 香 xiang 月 yue 春 chun 花 hua 荣 rong 爱 ai 美 mei 金 jin 华 hua"
    ),
    (
        "伟 wei 强 qiang 磊 lei 勇 yong 涛 tao 超 chao 鹏 peng 斌 bin 波 bo 刚 gang 辉 hui 健 jian"
        " 俊 jun 峰 feng 凯 kai 亮 liang 飞 fei 鑫 xin 龙 long 宇 yu 海 hai 晓 xiao 志 zhi 东 dong"
    ),
    (
        "静 jing 丽 li 敏 min 艳 yan 娟 juan 娜 na 燕 yan 玲 ling 婷 ting 丹 dan 雪 xue 慧 hui"
        " 倩 qian 莉 li 颖 ying 洁 jie 琳 lin 晶 jing 红 hong 萍 ping 晓 xiao 佳 jia 海 hai 文 wen"
    ),
    (
        "浩 hao 宇 yu 轩 xuan 子 zi 泽 ze 俊 jun 铭 ming 博 bo 睿 rui 辰 chen 昊 hao 天 tian"
        " 奕 yi 沐 mu 嘉 jia 晨 chen 逸 yi 航 hang 皓 hao 梓 zi 瑞 rui 煜 yu 霖 lin 哲 zhe"
    ),
    (
        "涵 han 欣 xin 怡 yi 梓 zi 雨 yu 诗 shi 悦 yue 萱 xuan 琪 qi 语 yu 妍 yan 思 si"
        " 瑶 yao 可 ke 馨 xin 彤 tong 若 ruo 汐 xi 晴 qing 依 yi 诺 nuo 宁 ning 沁 qin 钰 yu"
    ),
)
# Share of given names of two characters, per mille, in the same order.
_TWO_CHARACTERS = np.array([780, 760, 560, 520, 860, 880], dtype=np.int64)

_UYGHUR = (
    (
        "买买提 maimaiti 艾力 aili 阿布都拉 abudula 吐尔逊 tuerxun 克里木 kelimu 玉素甫 yusufu"
        " 库尔班 kuerban 艾山 aishan 热合曼 reheman 依明 yiming"
    ),
    (
        "阿依古丽 ayiguli 热依汗 reyihan 帕提古丽 patiguli 阿孜古丽 aziguli 古丽娜尔 gulinaer"
        " 迪丽努尔 dilinuer 茹仙古丽 ruxianguli 努尔比亚 nuerbiya 米热古丽 mireguli 祖丽皮亚 zulipiya"
    ),
)
_TIBETAN_FIRST = "扎西 zhaxi 丹增 danzeng 次仁 ciren 洛桑 luosang 格桑 gesang 索朗 suolang"
_TIBETAN_LAST = (
    "多吉 duoji 顿珠 dunzhu 平措 pingcuo 罗布 luobu 旺堆 wangdui 坚赞 jianzan",
    "卓玛 zhuoma 拉姆 lamu 央金 yangjin 曲珍 quzhen 德吉 deji 白玛 baima",
)

# Shares per 10,000 of an inland city with a few minorities.
_ETHNICITIES = """
汉族 9130 壮族 130 回族 120 满族 110 维吾尔族 70 苗族 90 彝族 70 土家族 80 藏族 60 蒙古族 50
布依族 25 侗族 25 瑶族 20 朝鲜族 15 白族 5
""".split()

ETHNICITIES = words(_ETHNICITIES[0::2])
ETHNICITY_SHARES = Weighted([int(share) for share in _ETHNICITIES[1::2]])
_UYGHUR_INDEX = _ETHNICITIES[0::2].index("维吾尔族")
_TIBETAN_INDEX = _ETHNICITIES[0::2].index("藏族")

SURNAME_SHARES = Weighted([int(share) for share in _SURNAMES[2::3]])
# The last entry is the surname of those who have none.
NO_SURNAME = len(_SURNAMES) // 3
SURNAMES = words([*_SURNAMES[0::3], ""])
SURNAMES_PINYIN = words([*_SURNAMES[1::3], ""])


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = text.split()
    return list(zip(parts[0::2], parts[1::2], strict=True))


def _combine(
    first: list[tuple[str, str]], second: list[tuple[str, str]], between: str = ""
) -> list[tuple[str, str]]:
    return [(a + between + b, x + y) for (a, x), (b, y) in product(first, second)]


_sections = [_pairs(text) for text in _GIVEN]
_sections += [_combine(_pairs(text), _pairs(text)) for text in _GIVEN]
_sections += [_combine(_pairs(text), _pairs(_UYGHUR[0]), "·") for text in _UYGHUR]
_sections += [_combine(_pairs(_TIBETAN_FIRST), _pairs(text)) for text in _TIBETAN_LAST]
_LENGTH = np.array([len(section) for section in _sections], dtype=np.int64)
_START = np.cumsum(_LENGTH) - _LENGTH
GIVEN = words([name for section in _sections for name, _ in section])
GIVEN_PINYIN = words([pinyin for section in _sections for _, pinyin in section])


def has_no_surname(ethnicity: Ints) -> Bools:
    """Return which rows follow a custom without surnames; `ethnicity` indexes ETHNICITIES."""
    without: Bools = (ethnicity == _UYGHUR_INDEX) | (ethnicity == _TIBETAN_INDEX)
    return without


def given_bounds(
    birth_year: Ints, male: Bools, ethnicity: Ints, per_mille: Ints
) -> tuple[Ints, Ints]:
    """Return the first index and the number of the given names in GIVEN that suit each person.

    per_mille: a draw in [0, 1000) that settles whether the name has one character or two.
    """
    generation = (birth_year >= 1970).astype(np.int64) + (birth_year >= 1995)
    group = generation * 2 + ~male
    section = group + np.where(per_mille < _TWO_CHARACTERS[group], len(_GIVEN), 0)
    section = np.where(ethnicity == _UYGHUR_INDEX, 2 * len(_GIVEN) + ~male, section)
    section = np.where(ethnicity == _TIBETAN_INDEX, 2 * len(_GIVEN) + 2 + ~male, section)
    return _START[section], _LENGTH[section]
