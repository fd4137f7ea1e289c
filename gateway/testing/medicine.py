"""Words and weights for diagnoses, hospitals and departments.

Codes have the form of ICD-10 categories (a chapter's letter and two digits) and the names are the
usual Chinese ones; the frequencies are rough and serve tests, not epidemiology.
"""

from itertools import product

import numpy as np

from gateway.testing.draws import WeightedByGroup
from gateway.testing.places import DISTRICT_NAMES
from gateway.testing.text import words

# First age of the bands after the first (0-5, 6-17, 18-44, 45-64, 65 and over).
AGE_BANDS = np.array([6, 18, 45, 65], dtype=np.int64)

# Code, name, department, weight in each of the five age bands; M or F where one sex alone has it.
_DIAGNOSES = """
J06 急性上呼吸道感染 呼吸内科 200 160 90 60 50
J18 肺炎 呼吸内科 60 20 10 18 45
J20 急性支气管炎 呼吸内科 70 40 25 25 30
J44 慢性阻塞性肺疾病 呼吸内科 0 0 2 22 60
J45 支气管哮喘 呼吸内科 25 20 12 12 14
J30 变应性鼻炎 耳鼻喉科 30 40 30 15 8
A09 感染性腹泻 消化内科 60 30 18 12 12
B02 带状疱疹 皮肤科 0 2 6 12 18
B18 慢性病毒性肝炎 感染科 0 2 16 18 10
A15 呼吸道结核 感染科 0 1 4 4 6
B20 人类免疫缺陷病毒病 感染科 0 0 2 1 0
I10 原发性高血压 心血管内科 0 1 40 160 220
I25 慢性缺血性心脏病 心血管内科 0 0 5 55 130
I48 心房颤动 心血管内科 0 0 2 14 36
I50 心力衰竭 心血管内科 0 0 1 10 36
I63 脑梗死 神经内科 0 0 4 40 95
I61 脑出血 神经内科 0 0 2 9 14
G40 癫痫 神经内科 6 8 6 5 5
G43 偏头痛 神经内科 0 6 20 14 5
G20 帕金森病 神经内科 0 0 0 5 20
G47 睡眠障碍 神经内科 0 4 24 32 30
E11 2型糖尿病 内分泌科 0 1 28 110 140
E10 1型糖尿病 内分泌科 2 5 3 2 1
E05 甲状腺毒症 内分泌科 0 2 16 12 5
E78 脂蛋白代谢紊乱 内分泌科 0 1 26 50 40
E04 非毒性甲状腺肿 内分泌科 0 1 18 26 14
K29 胃炎和十二指肠炎 消化内科 2 14 55 55 38
K21 胃食管反流病 消化内科 4 3 22 26 20
K80 胆石症 普外科 0 1 16 24 22
K35 急性阑尾炎 普外科 2 14 16 8 4
K40 腹股沟疝 普外科 10 3 4 10 16
K02 龋病 口腔科 40 60 40 30 25
K04 牙髓和根尖周组织疾病 口腔科 6 14 34 30 20
M51 椎间盘疾患 骨科 0 1 40 60 40
M17 膝关节病 骨科 0 0 6 40 60
M81 骨质疏松 骨科 0 0 1 20 46
M10 痛风 风湿免疫科 0 0 18 22 16
M06 类风湿关节炎 风湿免疫科 0 1 8 14 12
S52 前臂骨折 骨科 6 18 8 10 12
S82 小腿骨折 骨科 2 8 9 8 6
S72 股骨骨折 骨科 1 2 2 4 16
T30 烧伤 烧伤科 8 4 4 3 2
H26 白内障 眼科 1 1 2 20 70
H52 屈光不正 眼科 10 70 16 6 3
H66 化脓性中耳炎 耳鼻喉科 24 16 6 5 4
L20 特应性皮炎 皮肤科 40 16 8 5 5
L50 荨麻疹 皮肤科 20 18 20 12 8
L40 银屑病 皮肤科 0 3 8 8 5
N18 慢性肾脏病 肾内科 1 2 10 20 30
N20 肾和输尿管结石 泌尿外科 0 1 22 22 10
N40 前列腺增生 泌尿外科 0 0 1 30 90 M
N76 阴道炎 妇科 0 2 70 28 8 F
D25 子宫平滑肌瘤 妇科 0 0 30 30 2 F
O80 单胎顺产 产科 0 0 40 0 0 F
O82 经剖宫产术的单胎分娩 产科 0 0 34 0 0 F
O24 妊娠期糖尿病 产科 0 0 14 0 0 F
C34 支气管和肺恶性肿瘤 肿瘤科 0 0 2 16 26
C50 乳房恶性肿瘤 肿瘤科 0 0 5 14 8 F
C16 胃恶性肿瘤 肿瘤科 0 0 1 9 12
C18 结肠恶性肿瘤 肿瘤科 0 0 1 9 13
C22 肝恶性肿瘤 肿瘤科 0 0 2 9 8
C73 甲状腺恶性肿瘤 肿瘤科 0 0 9 8 3
D50 缺铁性贫血 血液内科 12 8 14 8 10
F32 抑郁发作 精神科 0 8 20 14 12
F41 焦虑障碍 精神科 0 6 22 18 14
F20 精神分裂症 精神科 0 1 6 5 3
F84 全面性发育障碍 儿童保健科 8 4 0 0 0
P59 新生儿黄疸 新生儿科 30 0 0 0 0
Q21 心间隔先天性畸形 心脏外科 6 1 0 0 0
R05 咳嗽 呼吸内科 40 30 20 16 16
R42 头晕 神经内科 0 4 18 30 40
Z00 健康查体 体检科 60 30 40 40 40
""".strip().splitlines()

_ROWS = [line.split() for line in _DIAGNOSES]
DIAGNOSIS_CODES = words([row[0] for row in _ROWS])
DIAGNOSES = words([row[1] for row in _ROWS])
DEPARTMENTS = words([row[2] for row in _ROWS])


def _weights(band: int, other_sex: str) -> list[int]:
    return [0 if row[-1] == other_sex else int(row[3 + band]) for row in _ROWS]


# Group: age band, plus 5 for men.
DIAGNOSIS_BY_GROUP = WeightedByGroup(
    [_weights(band, other_sex) for other_sex, band in product("MF", range(5))]
)
# Visits in the register's two years, 0 to 9, by the same age bands.
VISITS_BY_BAND = WeightedByGroup(
    (
        (8, 14, 20, 20, 15, 10, 6, 4, 2, 1),
        (24, 26, 20, 13, 8, 5, 2, 1, 1, 0),
        (30, 26, 18, 11, 7, 4, 2, 1, 1, 0),
        (16, 20, 20, 16, 11, 8, 4, 3, 1, 1),
        (7, 11, 15, 18, 16, 13, 9, 6, 3, 2),
    )
)

_CITY_HOSPITALS = (
    "汐川市第一人民医院",
    "汐川市第二人民医院",
    "汐川市中心医院",
    "汐川市儿童医院",
    "汐川市肿瘤医院",
    "汐川大学附属医院",
)
_DISTRICT_HOSPITALS = ("人民医院", "中医医院", "妇幼保健院", "社区卫生服务中心")
CITY_HOSPITAL_COUNT = len(_CITY_HOSPITALS)
DISTRICT_HOSPITAL_COUNT = len(_DISTRICT_HOSPITALS)
# First the city's, then four a district, in the districts' order.
HOSPITALS = words(
    [*_CITY_HOSPITALS, *(a + b for a, b in product(DISTRICT_NAMES, _DISTRICT_HOSPITALS))]
)
