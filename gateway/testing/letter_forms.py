"""Sentences of letters, case notes and complaints, in three styles, and words that lay traps.

`{slot}` stands for a value; the slots of `letters.SLOTS` are identifiers with a known span, the
others are none. Every sentence is made up.
"""

# Office letters: petitions, case notes, files. With identifiers.
OFFICE = """
来信人{person}，身份证号{resident_id}，联系电话{mobile}，反映{place}{trouble}。
{person}（身份证号码：{resident_id}）于{day}向我中心提出申请，{request}。
患者{person}，男，{age}岁，因{symptom}入院，主治医师{person}。
患者{person}，女，{age}岁，{symptom}，既往{history}，家属{person}陪同就诊，电话{mobile}。
经查，{person}名下登记车辆{plate}，车架号{vin}，{outcome}。
申请人{person}与被申请人{person}因{dispute}一案，已于{day}受理。
投诉人{person}来电称，{trouble}，要求{request}，回访电话{mobile}。
经办人：{person}，审核人：{person}，{outcome}。
姓名：{person}，手机：{mobile}，电子邮箱：{email}，通讯地址：{address}，邮政编码{postal}。
收款人{person}，银行卡号{bank_card}，{outcome}。
{company}（统一社会信用代码{uscc}）法定代表人{person}，{outcome}。
该企业组织机构代码{org_code}，办公电话{landline}，联系人{person}。
{person}先生持护照{passport}入境，{outcome}。
港澳居民{person}，来往内地通行证{hk_permit}，现住{address}。
台湾居民{person}，台胞证{tw_permit}，{request}。
设备串号IMEI {imei}，登录IP地址{ip}，网卡{mac}，{outcome}。
事发地点坐标{coordinates}，报警人{person}，{outcome}。
{person}女士表示，{feeling}，希望{request}。
据{person}介绍，{trouble}，{outcome}。
工作人员{person}和{person}到{place}核实，{outcome}。
{day}，{person}的儿子{person}到窗口代办，{request}。
证人{person}证实，{trouble}，{outcome}。
委托{person}律师办理，微信号{wechat}，{outcome}。
{person}、{person}、{person}三人共同署名，{request}。
社区医生{person}上门随访，{person}{feeling}，血压{measure}。
复诊医生为{person}教授，建议{request}。
请将材料寄至{address}，{person}收，电话{landline}。
兹证明{person}同志系我单位职工，{outcome}。
""".strip().splitlines()

# Office letters without identifiers, with what looks like one.
OFFICE_PLAIN = """
{day}，{place}{trouble}，{outcome}。
经{department}研究，{outcome}，{request}。
{trap}，{feeling}，{request}。
患者{symptom}，既往{history}，{outcome}。
{company}{outcome}，{trap}。
订单号{order}已于{day}发货，产品型号{product}，{outcome}。
根据{document}的规定，{outcome}。
体温{measure}，{trap}，{symptom}。
本月共受理{count}件，办结{count}件，{outcome}。
{traps_place}的{trouble}，{outcome}。
关于{trap}的问题，{department}答复：{outcome}。
请{department}于{day}前{request}。
""".strip().splitlines()

# Calls and chats, hasty and unpunctuated. The words near names that rules know were written in the
# same days as these, so they are another style and not quite unseen.
CHAT = """
你好我是{person} 手机{mobile} {trouble} 麻烦{request}
客服记录 来电人{person} {mobile} 说{trouble}
{person}身份证{resident_id}要改绑手机号新号码{mobile}
帮我转给{person} 卡号{bank_card} {feeling}
地址{address} 收件人{person} {mobile}
车牌{plate} 车主{person} {trouble}
加我微信{wechat} 或者qq {qq} {feeling}
发到{email}就行 {person}
昨天{person}说{feeling} 今天又{trouble}
找{person}经理 他电话是{landline} {request}
{person}医生开的药 {symptom} {feeling}
我叫{person} 住{address} {trouble}
@{person} 你看下{url} {request}
老师好 我是{person}家长 {request}
登录失败 ip {ip} 账号{email} {trouble}
邻居{person}可以作证 {trouble}
{person}跟{person}吵起来了 {outcome}
""".strip().splitlines()

# Names in sentences that another hand wrote after the rules, to see how these do elsewhere. Make no
# rule by them.
NOTES = """
{person}今天上午到大厅取走了文件
昨晚{person}与{person}发生争执，现场有人劝阻
会议由{person}主持，{person}作了汇报
被害人{person}的手机被抢
经手人{person}，复核{person}
学员{person}成绩合格
房东{person}拒绝退押金
请{person}签收快递
住院号后面写的是{person}
和{person}核对过了，没有问题
{person}已婚，育有一子
{person}称其钱包丢失
感谢{person}的帮助
参会人员有{person}、{person}和{person}
据{person}反映小区停水
原告{person}诉被告{person}合同纠纷
客户{person}投诉物流慢
抄送{person}，{person}
护工{person}每天打扫病房
我儿子{person}今年上学
""".strip().splitlines()

CHAT_PLAIN = """
{trap} {feeling}
{trouble} {request} 谢谢
单号{order} 怎么还没到 {feeling}
{product}这个型号还有货吗 {feeling}
{traps_place}那边{trouble}
{symptom} 要不要去医院 {trap}
今天{trap} 明天再说
麻烦{department}{request}
""".strip().splitlines()

ENGLISH = """
Dear {latin}, your appointment on {english_day} is confirmed; call {foreign_phone} to change it.
Patient {latin} was admitted with {english_symptom}; next of kin can be reached at {mobile}.
The complaint was sent from {email} on {english_day}, IP {ip}, and {english_outcome}.
Please transfer the refund to IBAN {iban}; {english_outcome}.
The card {credit_card} was charged twice, and {english_outcome}.
His SSN {ssn} appears on the form; {english_outcome}.
Her Chinese name is {person}, passport {passport}, mobile {mobile}.
See {url} for the form and send it to {email}.
The device {mac} was found at {coordinates}; {english_outcome}.
""".strip().splitlines()

ENGLISH_PLAIN = """
Thank you for your letter of {english_day}; {english_outcome}.
Order {order} for model {product} has been shipped, and {english_outcome}.
The patient reports {english_symptom} and {english_outcome}.
Please review the attached document before the meeting; {english_outcome}.
Version 2.0.1.7 of the software was installed in room 402, and {english_outcome}.
""".strip().splitlines()

WORDS: dict[str, tuple[str, ...]] = {
    name: tuple(words.split())
    for name, words in {
        "trouble": "水管漏水多日无人维修 噪音扰民 楼道堆放杂物 电梯经常停运 路灯损坏 暖气温度不达标 "
        "物业费收取不合理 施工扬尘严重 占道经营影响通行 垃圾清运不及时 网络信号时断时续 "
        "退款迟迟没有到账 房屋渗水墙皮脱落 快递丢失无人赔付 孩子入学材料被退回 "
        "停车位被长期占用 售后服务态度恶劣 医保报销比例计算有误 公交线路调整后出行不便 "
        "燃气管道存在安全隐患 小区绿化被毁 工资被拖欠三个月",
        "request": "尽快安排人员处理 给予书面答复 退还多收费用 补充相关证明材料 重新核定金额 "
        "协调有关单位解决 办理过户手续 更正登记信息 开具收入证明 延长办理期限 出具检查报告 "
        "尽快恢复供水 调取监控录像 公开收费标准 安排复查 定期监测血糖",
        "outcome": "现已办结 相关手续齐全 已转交属地街道处理 正在进一步核实 双方达成调解协议 "
        "情况基本属实 暂未发现异常 已责令限期整改 材料不符合要求已退回 将在五个工作日内反馈 "
        "治疗方案已调整 各项指标恢复正常 建议继续观察 费用已经结清 未再发生类似问题",
        "feeling": "对处理结果表示满意 心情非常高兴 觉得很不方便 十分着急 感谢工作人员耐心解答 "
        "对答复不认可 希望引起重视 一直没有收到回复 等了很长时间 精神状态良好",
        "symptom": "反复咳嗽伴发热三天 右下腹疼痛 头晕乏力 胸闷气短 双下肢水肿 视物模糊 "
        "左侧肢体活动不灵 皮肤出现红疹 恶心呕吐 关节肿痛 睡眠欠佳食欲减退 白细胞计数升高",
        "history": "高血压病史十年 糖尿病史 无特殊病史 对青霉素过敏 曾行阑尾切除术 冠心病史",
        "dispute": "房屋租赁合同纠纷 劳动争议 民间借贷纠纷 离婚纠纷 相邻权纠纷 交通事故赔偿",
        "department": "市民服务中心 街道办事处 人力资源和社会保障局 住房和城乡建设局 信访办公室 "
        "医保经办机构 车辆管理所 社区卫生服务中心 行政审批窗口 消费者协会",
        "document": "信访工作条例 医疗保障基金使用办法 物业管理条例 劳动合同法 居住证暂行条例",
        "trap": "高兴之余也要注意安全 方便群众办事 时间安排得很紧 文明施工 温度持续升高 "
        "常规检查未见异常 马上就要开学了 白天气温较高 石膏固定四周 黄疸逐渐消退 金额有出入 "
        "钱款已经到账 江水上涨 房屋结构完好 程序合法 项目进展顺利 任务按期完成 平台运行正常 "
        "严重影响生活 严格落实责任 车辆正常行驶 史料记载清楚 毛病不少 管理不到位 成本上升 "
        "明天上午开会 应当及时告知 施工图纸齐全 单位同意盖章 章程已经备案 全部资料归档 "
        "关于收费标准 解决实际困难 连续下雨三天 温馨提示 万一出现问题 任何人不得干预 "
        "何时能够办好 于是决定起诉 包括但不限于 经费由财政承担 时常感到疲倦 安静休息 "
        "鲁莽驾驶 水果新鲜 花园里种了菊花 许多居民反映 牛奶过敏 苏打水 麦片早餐 谢谢支持 "
        "强烈要求公开 强制执行 计算机维修 左右两侧对称 支付宝付款 都市生活 公园门口 "
        "顾客投诉 顾问单位 阳光充足 荣誉证书 康复训练 宁可多等几天 易燃物品 "
        "舒适度较差 乐观估计 龙头企业 熊猫基地 梅雨季节 向北行驶 巩固疗效 盛大开业",
        "place": "幸福小区东门 城南菜市场 中心广场 第二实验小学 人民公园北门 火车站南广场 "
        "工业园区 老旧厂房 滨河步道 住院部五楼 政务大厅 体育馆",
        "traps_place": "石家庄 王府井 张家口 马鞍山 江西 温州 高邮 常州 金华 秦皇岛 梅州 平顶山 "
        "徐家汇 李家村 陈家湾 周口 黄石 龙岩 安庆 宁波 白银 庄河 郑州 吴江",
        "company": "王氏餐饮有限公司 张记面馆 恒瑞达商贸有限公司 李家小院民宿 周村烧饼铺 "
        "宏安建设工程有限公司 金石装饰有限公司 高新物流股份有限公司 万通汽修厂 明德书店 "
        "华信软件科技有限公司 陈麻花店 安和养老服务中心 常青园艺场",
        "day": "2026年3月5日 3月18日 上周五 2025年12月 5月20日 今年春节前 本月初 6月1日上午",
        "english_day": "5-March-2026 Monday 12-May last-week yesterday",
    }.items()
}
WORDS["english_symptom"] = (
    "chest pain", "a persistent cough", "severe headache", "joint swelling", "mild fever",
)  # fmt: skip
WORDS["english_outcome"] = (
    "the matter is now closed", "we are looking into it", "no further action is needed",
    "a reply will follow within five days", "the documents were incomplete",
    "the hotel telephone was out of order", "everything works as expected",
)  # fmt: skip
WORDS["latin"] = (
    "John Miller", "Maria Garcia", "Emma Johnson", "Zhang Wei", "Li Xiaoming", "Ahmed Hassan",
)  # fmt: skip
# Rare surnames, and characters of given names that the lists of `names` do not have.
RARE_SURNAMES = "仇 蔺 亓 晏 佴 逄 雍 谌 邝 蒙 奚 查 竺 穆 璩 鄢 笪 粟 贝 逯".split()
RARE_GIVEN = (
    "屿 澈 笙 禾 野 芮 琬 洛 笛 砚 棠 珩 苒 屹 峤 葭 淼 垚 昱 祎 芷 蘅 蓓 骞 铮 煦 曦 翊 "
    "岚 峻 勤 俭 耕 守 望 归 远 之 朴 立 正 学 思 行 来 友 长 庚"
).split()
