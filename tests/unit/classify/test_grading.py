"""Grades of verdicts and of registered data sets under the standards."""

from datetime import UTC, datetime

import pytest

from gateway.classify.grading import grade_of, grade_set, grading, level_of
from gateway.classify.verdict import Verdict
from gateway.model.catalog import Column, DataSet, ParquetSource, PushedSource, SourceVersion
from gateway.model.grades import Grade
from gateway.model.lifecycle import DataSetState
from gateway.norms.standards import default_standard, standards

NOW = datetime(2025, 11, 1, tzinfo=UTC)
DIGEST = "0" * 64


def column(name: str, entity: str, grade: str, role: str) -> Column:
    return Column(name=name, type="string", entity=entity, grade=grade, role=role)


CONTACT = (
    column("name", "PERSON", "general-3", "direct_identifier"),
    column("phone", "CN_MOBILE", "general-3", "direct_identifier"),
    column("home", "ADDRESS", "general-3", "direct_identifier"),
)


def dataset(*columns: Column, rows: int | None, **more: object) -> DataSet:
    version = rows is not None and SourceVersion(
        fingerprint=DIGEST, schema_digest=DIGEST, rows=rows
    )
    return DataSet.model_validate(
        {
            "name": "datasets/people",
            "title": "people",
            "holder": "parties/bureau",
            "source": ParquetSource(path="people.parquet"),
            "columns": columns,
            "version": version or None,
            "created": NOW,
            "updated": NOW,
            **more,
        }
    )


def test_the_grade_of_a_data_set_counts_combinations_and_persons() -> None:
    assert grade_of(dataset(*CONTACT[:2], rows=10)) is Grade.GENERAL_3
    assert grade_of(dataset(*CONTACT, rows=10)) is Grade.GENERAL_4
    assert grade_of(dataset(*CONTACT[:2], rows=10_000_000)) is Grade.IMPORTANT
    assert grade_of(dataset(Column(name="x", type="string"), rows=10)) is Grade.CORE


def test_an_unknown_number_of_rows_counts_as_enough_and_none_yet_as_none() -> None:
    assert grade_of(dataset(*CONTACT[:2], rows=None)) is Grade.IMPORTANT
    awaiting = dataset(
        *CONTACT[:2], rows=None, source=PushedSource(), state=DataSetState.AWAITING_RECORDS
    )
    assert grade_of(awaiting) is Grade.GENERAL_3


def test_a_verdict_and_a_column_with_it_are_graded_alike() -> None:
    verdict = Verdict(
        column="c",
        entity="ETHNICITY",
        role="quasi_identifier",
        grade="general-3",
        confidence_percent=90,
        pack_version="of the test",
        pack_sha256=DIGEST,
    )
    onto = verdict.onto(Column(name="c", type="string"))
    for standard in standards().values():
        assert level_of(verdict, standard) == level_of(onto, standard)
        assert grade_set([verdict], 9, standard) == grade_set([onto], 9, standard)
    assert level_of(verdict, standards()["gdpr"]) == "special"


def test_what_a_person_set_holds_under_its_own_standard_and_is_a_floor_under_others() -> None:
    lowered = column("name", "PERSON", "general-1", "other")
    raised = column("name", "SEX", "important", "other")
    assert level_of(lowered, default_standard()) == "general-1"
    assert level_of(lowered, standards()["gdpr"]) == "personal"
    assert level_of(raised, standards()["jrt-0197-2020"]) == "5"


@pytest.mark.parametrize("key", ["gdpr", "hipaa"])
def test_only_a_standard_whose_levels_are_the_grades_makes_verdicts(key: str) -> None:
    assert grading(default_standard()).entities["PERSON"].grade is Grade.GENERAL_3
    with pytest.raises(ValueError, match=r"has no role|is not a valid Grade"):
        grading(standards()[key])
