"""Names in Chinese text: found where they are likelier than the words around, and measured."""

import pyarrow as pa
import pytest

from gateway.classify.pack import standard
from gateway.classify.text import TextProtector
from gateway.testing.letters import letters


@pytest.fixture(scope="module")
def protector():
    return TextProtector(standard())


def names(protector, text):
    [spans] = protector.find(pa.array([text]), ["PERSON"]).to_pylist()
    return [text[span["start"] : span["end"]] for span in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("方便群众，联系人方勇", ["方勇"]),
        ("文明施工的温度，由文立负责", []),
        ("患者高峰，男", ["高峰"]),
        ("高峰时段请绕行", []),
        ("王先生和李女士到场", ["王", "李"]),
        ("欧阳女士与诸葛明到场", ["欧阳", "诸葛明"]),
        ("石家庄、王府井、马鞍山", []),
        ("据肖伟介绍", ["肖伟"]),
        ("维吾尔族买买提·艾力女士", ["买买提·艾力"]),
        ("据王强介绍，赵云香和陈霞同意", ["王强", "赵云香", "陈霞"]),
        ("扎西多吉来信", ["扎西多吉"]),
        ("姓名：钟琬，性别：女", ["钟琬"]),
        ("王氏餐饮、李家村、张记面馆", []),
        ("谢谢您，祝您安康", []),
    ],
)
def test_who_is_a_person(protector, text, expected):
    assert names(protector, text) == expected


@pytest.mark.parametrize(("style", "seed"), [("office", 99), ("chat", 99)])
def test_the_aims_for_names_and_identifiers_hold_on_letters_never_looked_at(protector, style, seed):
    made = letters(800, seed, style)
    found = protector.find(pa.array([letter.text for letter in made])).to_pylist()
    marked, finds = set(), set()
    for number, (letter, spans) in enumerate(zip(made, found, strict=True)):
        marked |= {(number, *span) for span in letter.spans}
        finds |= {(number, s["start"], s["end"], s["entity"]) for s in spans}
    persons = {span for span in marked if span[3] == "PERSON"}
    found_persons = {span for span in finds if span[3] == "PERSON"}
    assert len(persons & found_persons) >= 0.85 * len(persons)
    assert len(persons & found_persons) >= 0.85 * len(found_persons)
    structured = {span for span in marked if not span[3].startswith("PERSON")}
    assert len(structured & finds) >= 0.995 * len(structured)
