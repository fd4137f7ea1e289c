"""Words for the values of the fresh split, by the hand that wrote its names; see `words`.

Lists that are not here (surnames, given names, cities, what norms close) are those of both halves.
"""

from collections.abc import Mapping, Sequence


def _lines(text: str) -> Sequence[str]:
    return [line.strip() for line in text.strip().splitlines()]


FRESH: Mapping[str, Sequence[str]] = {
    "districts": """
城东区 北湖区 青峰县 平川县 临河区 白石县 南浦区 高岭县 石桥区 望江县 清溪区 东宁县 桃源区 云岭县
    """.split(),
    "countries": """
丹麦 智利 秘鲁 越南 芬兰 肯尼亚 墨西哥 新西兰 葡萄牙 希腊 挪威 沙特阿拉伯 匈牙利 马来西亚
    """.split(),
    "occupations": """
电焊工 会计 护士 小学教师 快递员 程序员 出租车司机 厨师 律师 水电工 保洁员 退休 个体经营 公务员
农民 药剂师 建筑工人 无业 摄影师 仓库管理员
    """.split(),
    "educations": """
小学 初中 高中 中专 大专 大学本科 硕士研究生 博士研究生
    """.split(),
    "company_names": """
恒信 远大 鼎盛 华锐 联创 金鹏 天成 瑞丰 众合 博源 新航 泰和
    """.split(),
    "company_kinds": """
科技有限公司 商贸有限公司 建设集团有限公司 食品厂 第一中学 物业服务有限公司 股份有限公司 人民政府
    """.split(),
    "diseases": """
急性阑尾炎 慢性胃炎 原发性高血压 2型糖尿病 支气管哮喘 腰椎间盘突出症 脑梗死 肺部感染 缺铁性贫血 甲状腺功能减退
痛风性关节炎 急性扁桃体炎 冠状动脉粥样硬化性心脏病 焦虑障碍 胆囊结石 带状疱疹 肾病综合征 骨质疏松
    """.split(),
    "drugs": """
阿莫西林胶囊 二甲双胍片 氨氯地平片 布洛芬缓释胶囊 奥美拉唑肠溶片 头孢呋辛酯片 阿托伐他汀钙片 氯雷他定片
硝苯地平控释片 复方甘草片 左氧氟沙星片 蒙脱石散
    """.split(),
    "allergens": """
青霉素 牛奶 花生 芒果 尘螨 链霉素 无 虾蟹 阿司匹林 猫毛
    """.split(),
    "hotels": """
云景大酒店 海悦宾馆 四季精品酒店 江畔民宿 金马国际酒店 城市便捷酒店 梅园招待所 雅居公寓酒店
    """.split(),
    "products": """
不锈钢保温杯 儿童羽绒服 无线鼠标 有机燕麦片 张家口莜面 黄桃罐头 全棉四件套 电动牙刷 宁夏枸杞 实木书架 白茶礼盒
蓝牙耳机 抽纸24包 马蹄糕 高山绿茶 蒋巷大米 空气炸锅 洗衣液3kg 钢化玻璃膜 瑜伽垫
    """.split(),
    "phones": """
Mate-X5 iPhone14 vivo-X90 Redmi-K60 Galaxy-S23 OPPO-A2 荣耀90 Pixel-7
    """.split(),
    "departments": """
财务科 行政审批处 信息中心 心内科 骨科 儿科门诊 人事处 综合办公室 法规处 客服部 采购部 急诊科 市场部 督查室
    """.split(),
    "courses": """
高等数学 大学英语 数据结构 有机化学 中国近现代史纲要 体育 音乐 线性代数 市场营销学 解剖学
    """.split(),
    "hospitals": """
第三人民医院 中医院 妇幼保健院 肿瘤医院 城南社区卫生服务中心 儿童医院 口腔医院 中心医院
    """.split(),
    "roles": """
超级管理员 操作员 部门主管 审批人 普通用户 财务审核 editor approver guest
    """.split(),
    "files": """
会议通知 身份证正面 报名表 合同扫描件 工资条 检验报告 report_final IMG 说明书 清单
    """.split(),
    "roads": """
人民路 环湖东路 66路 机场快线 G4高速 科技二路 滨江大道 地铁5号线 解放街 S203省道
    """.split(),
    "users": """
leo_wong panda88 xiaomin qingfeng winter.sun m.chen hello2021 bluecat aprilrain dashu
    """.split(),
    "remarks": _lines(
        """
        家长反映孩子未收到录取通知，请核实。
        货已签收，外包装有水渍。
        申请材料不齐，缺少户口簿复印件，已告知补交。
        患者主诉头晕三天，建议进一步检查。
        客户希望本周内回电，下午方便。
        经现场查看，路灯已修复。
        同意，请按规定办理。
        该户去年享受过补贴，今年需重新核定。
        """
    ),
}  # fmt: skip
