"""Words from which the benchmark's values are combined, written for it and for nothing else.

They were not taken from the rule pack of the classification: a good part of them it does not know.
Every list is dealt into two halves, one for each split, so that what was tuned on one half is
measured on words it has not met. Closed vocabularies that a norm fixes (sexes, nationalities, marital
statuses) are whole in both.
"""

from gateway.testing.benchmark.fresh_words import FRESH
from gateway.testing.benchmark.split import Split

# Common and rare ones; a census knows some six thousand.
_SURNAMES = """
王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 肖 田 董
袁 潘 蒋 蔡 余 杜 叶 程 苏 魏 吕 丁 任 沈 姚 卢 姜 崔 钟 谭 陆 汪 范 金 石 廖 贾 夏 韦 付 方 白 邹 孟 熊 秦
邱 江 尹 薛 闫 段 雷 侯 龙 史 陶 黎 贺 顾 毛 郝 龚 邵 万 钱 严 覃 武 戴 莫 孔 向 汤 欧阳 上官 司马 诸葛 夏侯
逯 仝 亓 郗 禚 昝 麴 晁 蔺 訾 揭 庹 缪 茹 隗 厍 濮 郏 鞠 禹
""".split()
_GIVEN = """
建国 志强 秀英 桂兰 海涛 丽娟 晓明 思远 雨桐 子墨 欣怡 浩然 梦琪 俊杰 国栋 玉珍 淑芬 凤霞 永福 德胜 文博 佳慧
嘉豪 紫涵 晨曦 若曦 凯 磊 静 敏 倩 婷 超 勇 娜 洁 卫东 爱华 红梅 春生 冬梅 金宝 长贵 雅琴 奕辰 沐阳 可欣 诗涵
宇航 天佑 一诺 云峰 立新 振华 树林 水根 阿妹 翠花 铁柱 彩云 鸿飞 逸尘 知行 慕白 清扬 允恭 蕴之 砚秋 望舒 攸宁
""".split()
_MINORITY = """
阿依古丽·买买提 艾力·热合曼 扎西·顿珠 古丽娜尔·吐尔逊 乌兰图雅 巴特尔 次仁卓玛 玉素甫·库尔班 格桑·拉姆
帕提曼·艾山 阿卜杜热依木·玉山 其木格
""".split()
_LATIN_FIRST = """
Wei Jing Olivia Amir Lucía Søren Fatima Giulia Hannah Tomasz Yuki Priya Noah Chloe Ivan Zanele Xiaoming
Ming Mary James Sofia Dmitri Aisha Peter Laura Kofi Elena Hiroshi
""".split()
_LATIN_LAST = """
Zhang Chen Smith Novak O'Brien García Müller Kowalski Tanaka Singh Okafor Rossi Larsen Dubois Nguyen Kim
Johnson Ivanov Haddad Costa Brown Wang Li Andersson Moreau Peeters Silva Walsh
""".split()
_CITIES = """
望澜市 青崖市 柳河市 石屏市 云溪市 临汀市 凤鸣市 江浦市 白沙市 兰亭市 枫林市 沧源市 南棠市 东陵市 鹤山市 清源市
杭州市 成都市 武汉市 长沙市 昆明市 福州市 南宁市 兰州市 西宁市 贵阳市
""".split()
_DISTRICTS = """
望江区 青羊区 石桥区 云岭区 柳林县 东湖区 白塔区 江口县 松山区 临河区 花溪区 桃源县 安宁区 清河县 鼓楼区 平湖区
雨湖区 沙坪区 莲花县 万盛区 海曙区 岳麓区 五华区 城关区 兴宁区 鹿寨县 金平县 会泽县 旌德县 泾阳县
""".split()
_STREETS = """
人民路 解放大道 建设路 中山东路 文化街 胜利巷 滨江大道 学府路 和平里 光明街 长江路 幸福路 新华路 桃花源路 梧桐巷
工农街 迎宾大道 北环路 南湖路 纬二路 经七路 花园路 书香街 龙井巷
""".split()
_COMPOUNDS = (
    "金色家园 阳光花园 翠湖小区 锦绣苑 丽水华庭 名都城 荷塘月色 书香门第 盛世嘉园 碧水湾".split()
)
_VILLAGES = "李家村 王庄村 上湾村 石门村 大坪村 河口村 桥头村 双龙村".split()
_COUNTRIES = """
中国 美国 日本 韩国 德国 法国 英国 俄罗斯 加拿大 澳大利亚 巴西 印度 越南 泰国 新加坡 马来西亚 意大利 西班牙 埃及
尼日利亚 肯尼亚 荷兰 瑞典 瑞士 新西兰 乌克兰 哈萨克斯坦 缅甸 老挝 柬埔寨 墨西哥 阿根廷
""".split()
_SEXES = (("男", "女"), ("男性", "女性"), ("male", "female"), ("M", "F"))
_ETHNICITIES = """
汉族 汉族 汉族 汉族 汉族 汉族 壮族 回族 满族 维吾尔族 苗族 彝族 土家族 藏族 蒙古族 侗族 布依族 瑶族 白族 朝鲜族
哈尼族 黎族 傣族 畲族 仡佬族 羌族
""".split()
_RELIGIONS = "无 无 无 佛教 道教 基督教 天主教 伊斯兰教 藏传佛教 其他宗教 东正教".split()
_MARITAL = "未婚 已婚 离婚 丧偶 初婚 再婚 复婚".split()
_EDUCATIONS = """
小学 初中 高中 中专 大专 本科 硕士研究生 博士研究生 文盲或半文盲 技工学校 普通高中 大学本科 大学专科 中等职业教育
""".split()
_OCCUPATIONS = """
教师 护士 会计 司机 厨师 保安 快递员 工程师 个体工商户 农民 公务员 退休 学生 律师 记者 设计师 电工 焊工 理发师
养殖户 消防员 药剂师 测绘员 幼师 网约车司机 主播 社工 环卫工人 货车司机 矿工 渔民 牙医 速记员 调酒师 育婴师 导游
软件开发工程师 装配工 质检员 仓库管理员 项目经理 前台接待 房产中介 保险代理人
""".split()
_COMPANY_NAMES = """
恒远 鼎盛 华泰 金桥 新世纪 远景 蓝天 腾飞 宏图 瑞丰 天成 博雅 众诚 安康 利民 同德 启明 绿源 中汇 信达 嘉禾 万通
""".split()
_COMPANY_KINDS = """
科技有限公司 贸易有限公司 物流有限责任公司 建筑工程有限公司 食品厂 机械制造股份有限公司 餐饮管理有限公司 第二小学
人民医院 律师事务所 农业专业合作社 物业服务中心 集团有限公司 超市
""".split()
_DISEASES = """
高血压 2型糖尿病 急性支气管炎 冠心病 慢性胃炎 肺炎 脑梗死 腰椎间盘突出症 抑郁症 类风湿关节炎 甲状腺结节 胆囊结石
乙型病毒性肝炎 哮喘 肺恶性肿瘤 偏头痛 骨折 白内障 湿疹 肾功能不全 缺铁性贫血 上呼吸道感染 阑尾炎 妊娠期高血压
带状疱疹 前列腺增生 焦虑障碍 心房颤动 痛风 胃溃疡 肝硬化 青光眼 帕金森病 子宫肌瘤 癫痫 结核性胸膜炎 牙周炎
荨麻疹 乳腺癌 白血病 精神分裂症 耳鸣 过敏性鼻炎 重度脓毒症 肠梗阻 鼻出血 中暑 晕厥
""".split()
_DRUGS = """
阿司匹林肠溶片 二甲双胍缓释片 阿莫西林胶囊 氨氯地平片 布洛芬混悬液 奥美拉唑肠溶胶囊 头孢克肟颗粒 胰岛素注射液
瑞舒伐他汀钙片 蒙脱石散 左氧氟沙星滴眼液 连花清瘟胶囊 甲钴胺片 氯雷他定糖浆
""".split()
_ALLERGENS = "青霉素 头孢类 花粉 海鲜 尘螨 磺胺 无 否认 鸡蛋 花生 碘造影剂 牛奶蛋白".split()
_BLOOD = "A型 B型 O型 AB型 A型Rh阴性 O型Rh阳性".split()
_RELATIONS = "户主 配偶 子 女 父亲 母亲 祖父 孙子 兄弟姐妹 儿媳".split()
_HOTELS = """
锦江之星 如家精选 维也纳国际酒店 希尔顿欢朋 汉庭 云栖度假村 白天鹅宾馆 王府大饭店 Grand Plaza 江畔青年旅舍
高山流水客栈 金陵饭店 万豪行政公寓 石头记民宿
""".split()
_PRODUCTS = """
电动牙刷 蓝牙耳机 保温杯 不锈钢锅 高压清洗机 羽绒服 运动手环 扫地机器人 纯棉床单 空气炸锅 黄金吊坠 白酒礼盒
牛肉干 金丝皇菊 马克杯 石英手表 毛绒玩具 钱包 温度计 龙井茶 方便面 花生油 男士剃须刀 女士手提包 儿童书包 汤锅
""".split()
_COLOURS = "红色 深空灰 米白 天蓝 墨绿 玫瑰金".split()
_PHONES = """
华为Mate60 小米14 iPhone15 OPPO_Find_X7 vivoX100 荣耀Magic6 GalaxyS24 红米K70 一加12 Nokia105
""".split()
_STATUSES = "待审核 已受理 处理中 已完成 已取消 已归档 退回补正".split()
_ENGLISH_STATUSES = "pending shipped delivered cancelled returned closed".split()
_DEPARTMENTS = """
综合科 财务处 人事处 信息中心 采购部 市场部 法规科 审批服务科 后勤保障部 研发一部 客服中心 稽核处
""".split()
_COURSES = (
    "高等数学 大学英语 数据结构 有机化学 马克思主义原理 安全生产培训 古代文学 项目管理实务".split()
)
_HOSPITALS = """
市第一人民医院 县中医院 妇幼保健院 东城区社区卫生服务中心 康宁精神卫生中心 仁济口腔门诊部 红十字会医院 第三附属医院
""".split()
_ROLES = "系统管理员 审核员 访客 录入员 超级用户 只读用户 auditor viewer operator".split()
_FILES = "年度报告 会议纪要 采购合同 验收单 宣传册 部署手册 invoice scan_0071 readme budget".split()
_SUFFIXES = ".pdf .docx .xlsx .jpg .zip .csv".split()
_ROADS = "K12路 快速公交3号线 旅游专线 环城高速 滨海大道 305国道 夜班7路 地铁2号线".split()
_DOMAINS = """
mail.example.com example.net post.example.org corp.example.cn dept.example.gov.cn students.example.edu
""".split()
_USERS = """
sunny lihua88 moonriver zhang.wei blueocean xiaoyu wanderer chenjie tiger2020 fangfang nightowl kite
""".split()
_REMARKS = """
来电反映小区停水问题，请尽快处理。 已与申请人沟通，材料需补正后再次提交。 患者自述头晕三天，伴恶心，无呕吐。
客户要求更换收货时间，改为周末上午配送。 经核实情况属实，已转相关部门办理。 多次拨打未接通，择日再访。
家属陪同就诊，建议住院观察并完善检查。 商品包装破损，申请部分退款，附照片三张。 群众咨询社保转移流程，已告知所需材料。
""".split()

_DEALT = {
    "surnames": _SURNAMES, "given": _GIVEN, "minority": _MINORITY, "latin_first": _LATIN_FIRST,
    "latin_last": _LATIN_LAST, "cities": _CITIES, "districts": _DISTRICTS, "streets": _STREETS,
    "compounds": _COMPOUNDS, "villages": _VILLAGES, "countries": _COUNTRIES,
    "educations": _EDUCATIONS, "occupations": _OCCUPATIONS, "company_names": _COMPANY_NAMES,
    "company_kinds": _COMPANY_KINDS, "diseases": _DISEASES, "drugs": _DRUGS,
    "allergens": _ALLERGENS, "hotels": _HOTELS, "products": _PRODUCTS, "phones": _PHONES,
    "departments": _DEPARTMENTS, "courses": _COURSES, "hospitals": _HOSPITALS, "roles": _ROLES,
    "files": _FILES, "roads": _ROADS, "users": _USERS, "remarks": _REMARKS,
}  # fmt: skip
_WHOLE = {
    "ethnicities": _ETHNICITIES, "religions": _RELIGIONS, "marital": _MARITAL, "blood": _BLOOD,
    "relations": _RELATIONS, "colours": _COLOURS, "statuses": _STATUSES,
    "english_statuses": _ENGLISH_STATUSES, "suffixes": _SUFFIXES, "domains": _DOMAINS,
}  # fmt: skip
SEXES = _SEXES


def words(name: str, split: Split) -> tuple[str, ...]:
    """The words of a list that a split may use: every second one, or all of a closed list.

    The fresh split has lists of its own for most; of the others it uses both halves.
    """
    if split == "fresh" and name in FRESH:
        return tuple(FRESH[name])
    if name in _WHOLE:
        return tuple(_WHOLE[name])
    dealt = _DEALT[name]
    return tuple(dealt if split in ("all", "fresh") else dealt[int(split == "held-out") :: 2])
