"""The grade of what leaves: by transform, together, and in what numbers."""

import pytest

from gateway.model.grades import Grade
from gateway.model.plan import Step
from gateway.model.transforms import (
    BinNumber,
    EncryptCharacters,
    EncryptIdentifier,
    GeneralizeDate,
    Keep,
    Mask,
    MaskForm,
    RedactText,
    Replace,
    ReversibleToken,
    ShiftDate,
    Suppress,
    Token,
    TransformSpec,
    Truncate,
)
from gateway.norms.standards import default_standard
from gateway.risk.grades import grade_after, grade_left, left


@pytest.mark.parametrize(
    ("spec", "grade", "after"),
    [
        pytest.param(Keep(), None, Grade.CORE, id="unknown stays the highest"),
        pytest.param(Mask(), None, Grade.CORE, id="unknown masked stays the highest"),
        pytest.param(Suppress(), None, Grade.GENERAL_1, id="a constant tells nothing"),
        pytest.param(Replace(text="x"), Grade.CORE, Grade.GENERAL_1, id="one text for all"),
        pytest.param(Mask(), Grade.GENERAL_4, Grade.GENERAL_3, id="masked goes down one"),
        pytest.param(Mask(), Grade.GENERAL_2, Grade.GENERAL_2, id="not below general-2"),
        pytest.param(Token(), Grade.GENERAL_4, Grade.GENERAL_3, id="a token goes down one"),
        pytest.param(Token(), Grade.GENERAL_2, Grade.GENERAL_2, id="de-identified is personal"),
        pytest.param(ReversibleToken(), Grade.GENERAL_4, Grade.GENERAL_3, id="a key takes it back"),
        pytest.param(
            EncryptIdentifier(profile="uscc"), Grade.GENERAL_4, Grade.GENERAL_3, id="encrypted"
        ),
        pytest.param(
            EncryptCharacters(alphabet="01", unsafe_small_domains=True),
            Grade.GENERAL_3,
            Grade.GENERAL_3,
            id="small domains can be tried",
        ),
        pytest.param(
            ShiftDate(most_days=30), Grade.GENERAL_3, Grade.GENERAL_3, id="nearly the date"
        ),
        pytest.param(Mask(), Grade.GENERAL_1, Grade.GENERAL_1, id="public stays public"),
        pytest.param(Mask(), Grade.IMPORTANT, Grade.IMPORTANT, id="important stays"),
        pytest.param(RedactText(), Grade.GENERAL_4, Grade.GENERAL_4, id="something may be missed"),
        pytest.param(Truncate(length=3), Grade.GENERAL_3, Grade.GENERAL_3, id="may pass short"),
    ],
)
def test_the_grade_of_what_is_left_of_a_column(
    spec: TransformSpec, grade: Grade | None, after: Grade
) -> None:
    assert grade_after(spec, grade) is after


def test_an_aggregate_may_reach_the_lowest_and_redacted_text_stays() -> None:
    standard = default_standard()
    assert standard.after("general-4", "aggregated") == "general-1"
    assert standard.after("important", "aggregated") == "important"
    assert standard.after("general-4", "redacted") == "general-4"


def step(item: str, spec: TransformSpec, grade: str | None = None) -> Step:
    return Step(
        column=item.lower(),
        published=item.lower(),
        source_type="string",
        output_type="string",
        transform=spec,
        key_domain="of the test" if spec.keyed else None,
        key_version=1 if spec.keyed else None,
        on_unhandled="stop",
        item=item,
        grade=grade or default_standard().item(item).level,
    )


PHONE = MaskForm(form="phone")
NAME = MaskForm(form="chinese_name")


@pytest.mark.parametrize(
    ("steps", "rows", "grade"),
    [
        pytest.param([step("CN_MOBILE", PHONE)], 10, "general-2", id="a masked phone"),
        pytest.param([step("CN_RESIDENT_ID", Token())], 10, "general-3", id="a token"),
        pytest.param([step("CN_RESIDENT_ID", Suppress())], 10, "general-1", id="nothing left"),
        pytest.param(
            [step("PERSON", Keep()), step("CN_MOBILE", Keep()), step("ADDRESS", Keep())],
            10,
            "general-4",
            id="name, contact and home raise together",
        ),
        pytest.param(
            [step("PERSON", NAME), step("CN_MOBILE", Keep()), step("ADDRESS", Keep())],
            10,
            "general-3",
            id="with the name masked the three are one lower",
        ),
        pytest.param(
            [step("PERSON", NAME), step("CN_MOBILE", PHONE), step("ADDRESS", Mask())],
            10,
            "general-3",
            id="all three masked are more together than each",
        ),
        pytest.param(
            [step("PERSON", NAME), step("CN_MOBILE", PHONE), step("ADDRESS", Suppress())],
            10,
            "general-2",
            id="two of three masked are not",
        ),
        pytest.param(
            [step("PERSON", Suppress()), step("CN_MOBILE", Keep()), step("ADDRESS", Keep())],
            10,
            "general-3",
            id="without the name they are no combination",
        ),
        pytest.param(
            [step("SEX", Keep()), step("REGION", Keep()), step("BIRTH_DATE", Keep())],
            10,
            "general-3",
            id="three quasi-identifiers",
        ),
        pytest.param(
            [
                step("SEX", Keep()),
                step("REGION", Keep()),
                step("BIRTH_DATE", GeneralizeDate(to="year")),
            ],
            10,
            "general-2",
            id="one of three made coarser",
        ),
        pytest.param(
            [step("INCOME", BinNumber(width="10000"))], 2_000_000, "general-3", id="binned, many"
        ),
        pytest.param([step("INCOME", Keep())], 999_999, "general-4", id="just under a million"),
        pytest.param([step("INCOME", Keep())], 1_000_000, "important", id="a million"),
        pytest.param([step("INCOME", Keep())], None, "important", id="nobody knows how many"),
        pytest.param([step("unknown", Mask())], 1, "core", id="unknown, masked"),
        pytest.param([step("unknown", Keep(), "general-1")], 1, "core", id="half a verdict"),
        pytest.param([step("SEX", Keep(), "core")], 1, "core", id="declared core"),
    ],
)
def test_the_grade_of_a_result(steps: list[Step], rows: int | None, grade: str) -> None:
    assert grade_left(steps, rows) == grade


def test_a_step_that_says_nothing_is_of_unknown_data() -> None:
    silent = Step(
        column="a",
        published="a",
        source_type="string",
        output_type="string",
        transform=Keep(),
        on_unhandled="stop",
    )
    assert silent.item == "unknown"
    assert grade_left([silent], 1) is Grade.CORE


def test_the_reasons_name_the_published_columns_and_the_rule() -> None:
    found = left([step("PERSON", Keep()), step("DIAGNOSIS", Keep()), step("SEX", NAME)], 10)
    assert found.level == "general-4"
    assert "diagnosis" in found.reasons[0].en
    assert "一般数据4级" in found.reasons[0].zh
    assert [c.name for c in found.combinations] == ["identity-and-health"]
    assert "less of it" in found.columns[2].why.en
