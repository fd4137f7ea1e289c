"""Words and weights for schooling, industries, occupations, employers and pay."""

import numpy as np

from gateway.testing.draws import Quantiles, WeightedByGroup
from gateway.testing.text import words

EDUCATION_NAMES = (
    "未上过学",
    "小学",
    "初中",
    "高中",
    "中专",
    "大学专科",
    "大学本科",
    "硕士研究生",
    "博士研究生",
)
EDUCATIONS = words(EDUCATION_NAMES)
FIRST_DEGREE = EDUCATION_NAMES.index("大学专科")
# First age of each band, and the weights of the nine levels within it.
EDUCATION_BANDS = np.array([6, 12, 15, 18, 22, 27, 35, 50, 65], dtype=np.int64)
EDUCATION_BY_BAND = WeightedByGroup(
    (
        (1, 0, 0, 0, 0, 0, 0, 0, 0),
        (0, 1, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 1, 0, 0, 0, 0, 0, 0),
        (0, 0, 10, 60, 30, 0, 0, 0, 0),
        (0, 1, 8, 24, 17, 22, 28, 0, 0),
        (1, 2, 18, 14, 15, 24, 22, 4, 0),
        (1, 3, 25, 14, 12, 21, 19, 4, 1),
        (2, 12, 40, 14, 8, 13, 9, 2, 0),
        (5, 28, 42, 13, 4, 5, 3, 0, 0),
        (18, 44, 25, 7, 3, 2, 1, 0, 0),
    )
)
# The age at which each level is usually reached.
SCHOOL_LEAVING_AGE = np.array([16, 16, 16, 18, 18, 21, 22, 25, 28], dtype=np.int64)
# Median yearly income of those in work, yuan.
MEDIAN_INCOME = np.array(
    [29_000, 31_000, 41_000, 50_000, 52_000, 68_000, 96_000, 148_000, 196_000], dtype=np.int64
)
# Multiples of the median, in millionths: quantiles of a log-normal with sigma 0.55, cut at 12.
INCOME_SPREAD = Quantiles(
    (
        (0, 100_000),
        (10_000, 183_000),
        (100_000, 278_000),
        (500_000, 405_000),
        (1_000_000, 494_000),
        (2_000_000, 629_000),
        (3_000_000, 749_000),
        (4_000_000, 870_000),
        (5_000_000, 1_000_000),
        (6_000_000, 1_149_000),
        (7_000_000, 1_334_000),
        (8_000_000, 1_589_000),
        (9_000_000, 2_024_000),
        (9_500_000, 2_471_000),
        (9_900_000, 3_594_000),
        (9_990_000, 5_472_000),
        (9_999_000, 7_733_000),
        (10_000_000, 12_000_000),
    )
)

# Industry (GB/T 4754 section titles), what a firm's name says of it, weight, occupations.
_INDUSTRIES = (
    ("制造业", "精密制造", 24, "装配工 机床操作工 质量检验员 工艺工程师 仓库管理员 车间主任"),
    ("建筑业", "建设工程", 11, "钢筋工 电工 施工员 造价工程师 测量员 项目经理"),
    ("批发和零售业", "商贸", 14, "营业员 采购员 收银员 店长 理货员 客户经理"),
    ("交通运输、仓储和邮政业", "物流", 8, "货车司机 快递员 调度员 装卸工 公交司机 站务员"),
    ("住宿和餐饮业", "餐饮管理", 7, "厨师 服务员 面点师 前台接待 配菜员 餐厅经理"),
    ("信息传输、软件和信息技术服务业", "软件科技", 7, "程序员 测试工程师 运维工程师 产品经理"),
    ("金融业", "融资担保", 3, "柜员 理财经理 风控专员 会计 审计员 信贷员"),
    ("房地产业", "置业", 4, "物业管理员 房产经纪人 保安员 保洁员 绿化工 维修工"),
    ("教育", "学校", 7, "小学教师 中学教师 幼儿教师 辅导员 教务员 校医"),
    ("卫生和社会工作", "医院", 5, "护士 内科医师 外科医师 药师 检验技师 护理员"),
    ("公共管理和社会组织", "事务中心", 5, "科员 社区工作者 窗口办事员 档案管理员 统计员 驾驶员"),
    ("农、林、牧、渔业", "农业发展", 5, "种植员 养殖员 农机操作工 林业工人 饲养员 农艺师"),
)
INDUSTRY_NAMES = tuple(name for name, _, _, _ in _INDUSTRIES)
INDUSTRIES = words(INDUSTRY_NAMES)
INDUSTRY_WEIGHTS = tuple(weight for _, _, weight, _ in _INDUSTRIES)
FIRM_WORDS = tuple(word for _, word, _, _ in _INDUSTRIES)
# These are public institutions: another first part of their credit code, no company form.
IS_INSTITUTION = np.array([word in {"学校", "医院", "事务中心"} for word in FIRM_WORDS])
# Where most posts ask for a degree.
IS_SKILLED = IS_INSTITUTION | np.array([word in {"软件科技", "融资担保"} for word in FIRM_WORDS])
OCCUPATIONS = words([job for _, _, _, jobs in _INDUSTRIES for job in jobs.split()])
OCCUPATION_COUNT = np.array([len(jobs.split()) for *_, jobs in _INDUSTRIES], dtype=np.int64)
OCCUPATION_START = np.cumsum(OCCUPATION_COUNT) - OCCUPATION_COUNT

BRANDS = tuple(
    first + second
    for first in "恒瑞盛嘉宏启泰德信诚博远卓越华鼎润晟源禾"
    for second in "达通安和成业川岚澜峰禾庆景隆"
    if first != second
)
COMPANY_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
