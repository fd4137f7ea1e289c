"""Names the columns of each table, in English, in pinyin initials or in Chinese.

Departments name the same element differently; the styles let the mapping to standard elements and
the classification's evidence by name be tried on one and the same data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

Style = Literal["english", "pinyin", "chinese"]
STYLES: tuple[Style, ...] = get_args(Style)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in each style and its Arrow type."""

    english: str
    pinyin: str
    chinese: str
    type: pa.DataType

    def name(self, style: Style) -> str:
        if style == "english":
            return self.english
        return self.pinyin if style == "pinyin" else self.chinese


_TEXT, _WHOLE, _DAY = pa.string(), pa.int64(), pa.date32()

RESIDENTS = (
    Column("name", "xm", "姓名", _TEXT),
    Column("resident_id", "sfzh", "身份证号", _TEXT),
    Column("phone", "sjh", "手机号", _TEXT),
    Column("email", "dzyx", "电子邮箱", _TEXT),
    Column("address", "jtzz", "家庭住址", _TEXT),
    Column("district", "szqx", "所在区县", _TEXT),
    Column("sex", "xb", "性别", _TEXT),
    Column("birth_date", "csrq", "出生日期", _DAY),
    Column("ethnicity", "mz", "民族", _TEXT),
    Column("bank_card", "yhkh", "银行卡号", _TEXT),
    Column("income", "nsr", "年收入", _WHOLE),
    Column("household_id", "hh", "户号", _TEXT),
)
HOUSEHOLD_REGISTER = (
    Column("household_id", "hh", "户号", _TEXT),
    Column("resident_id", "sfzh", "身份证号", _TEXT),
    Column("relation", "yhzgx", "与户主关系", _TEXT),
    Column("marital_status", "hyzk", "婚姻状况", _TEXT),
    Column("education", "whcd", "文化程度", _TEXT),
    Column("district", "szqx", "所在区县", _TEXT),
)
HEALTH_INSURANCE = (
    Column("resident_id", "sfzh", "身份证号", _TEXT),
    Column("insurance_number", "ybkh", "医保卡号", _TEXT),
    Column("insured_type", "cblx", "参保类型", _TEXT),
    Column("diagnosis_code", "zdbm", "诊断编码", _TEXT),
    Column("diagnosis", "zdmc", "诊断名称", _TEXT),
    Column("hospital", "yymc", "医院名称", _TEXT),
    Column("department", "ksmc", "科室名称", _TEXT),
    Column("visit_type", "jzlx", "就诊类型", _TEXT),
    Column("visit_date", "jzrq", "就诊日期", _DAY),
    Column("cost", "zfy", "总费用", _WHOLE),
    Column("reimbursed", "bxje", "报销金额", _WHOLE),
)
EMPLOYMENT = (
    Column("resident_id", "sfzh", "身份证号", _TEXT),
    Column("employer", "dwmc", "单位名称", _TEXT),
    Column("employer_uscc", "tyshxydm", "统一社会信用代码", _TEXT),
    Column("occupation", "zy", "职业", _TEXT),
    Column("industry", "hy", "行业", _TEXT),
    Column("start_date", "rzrq", "入职日期", _DAY),
    Column("monthly_salary", "yxz", "月薪资", _WHOLE),
    Column("education", "xl", "学历", _TEXT),
)


def schema(columns: tuple[Column, ...], style: Style) -> pa.Schema:
    """Return the Arrow schema in one style. Raises ValueError for an unknown style."""
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}")
    return pa.schema([pa.field(column.name(style), column.type) for column in columns])


def rebatch(parts: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `parts` in batches of exactly `batch_rows`, the last one shorter."""
    held: list[pa.RecordBatch] = []
    waiting = 0
    for part in parts:
        held.append(part)
        waiting += part.num_rows
        if waiting < batch_rows:
            continue
        joined = held[0] if len(held) == 1 else pa.concat_batches(held)
        start = 0
        while waiting >= batch_rows:
            yield joined.slice(start, batch_rows)
            start += batch_rows
            waiting -= batch_rows
        held = [joined.slice(start)] if waiting else []
    if waiting:
        yield held[0] if len(held) == 1 else pa.concat_batches(held)


def check_batch_rows(batch_rows: int) -> None:
    """Raise ValueError unless batch_rows is at least one."""
    if batch_rows < 1:
        raise ValueError("batch_rows must be at least 1")
