"""A plan is complete, exact, and the same for the same input."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.trial import as_if_active
from gateway.errors import FailedPrecondition, GatewayFault, InvalidRequest, SourceChanged
from gateway.model.access import Approval, ExtractRequest, Grant, Verdict
from gateway.model.catalog import Column, DataSet, Party, PushedSource, SourceVersion
from gateway.model.decision import ColumnDecision, Decision, Outcome, Reason
from gateway.model.evidence import Judged
from gateway.model.names import RecipientKind, Role
from gateway.model.plan import GradesCheck, MaxRowsCheck, MinCellCheck, SchemaCheck
from gateway.model.policy import Policy
from gateway.model.transforms import (
    BinNumber,
    BoundedNoise,
    EncryptCharacters,
    EncryptIdentifier,
    GeneralizeHierarchy,
    Keep,
    RedactText,
    ReversibleToken,
    ShiftDate,
    Token,
)
from gateway.planning.compile import compile_plan
from gateway.risk.grades import grade_left
from gateway.transform.registry import output_type

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VERSION = SourceVersion(fingerprint="1" * 64, schema_digest="2" * 64, rows=1000)
LAB = Party(name="parties/lab", role=Role.CONSUMER, kind=RecipientKind.RESEARCH, display_name="")


def column(name, kind="string", **more):
    return Column.model_validate(
        {
            "name": name,
            "type": kind,
            "entity": "NONE",
            "grade": "general-2",
            "role": "other",
            **more,
        }
    )


DATASET = DataSet(
    name="datasets/register",
    holder="parties/bureau",
    title="",
    source=PushedSource(),
    columns=(
        column("sfz", element="resident_id"),
        column("district", role="quasi_identifier"),
        column("nsr", "int64", element="income", unit="万元"),
        column("height", "double", element="body_height", unit="m"),
        column("area", "decimal128(10, 2)", element="land_area", unit="亩"),
        column("job"),
        column("odd", "int64", element="body_weight", unit="小时"),
    ),
    version=VERSION,
    judged=Judged(rules="1, sha256 a", fingerprint=VERSION.fingerprint),
    created=NOW,
    updated=NOW,
)
TRANSFORMS = {
    "sfz": Token(scope="project"),
    "district": Keep(),
    "nsr": BinNumber(width=10_000),
    "height": Keep(),
    "area": Keep(),
    "job": GeneralizeHierarchy(hierarchy="jobs", level=1),
    "odd": Keep(),
}
RULES = "2026-11-01, sha256 " + "7" * 64


def decision(*columns, **more):
    return Decision(
        outcome=Outcome.PERMITTED_WITH_OBLIGATIONS,
        reasons=(Reason(code="RULE", text="for the test"),),
        columns=tuple(
            ColumnDecision(
                column=name,
                published=DATASET.find(name).published_name,
                transform=TRANSFORMS[name],
                rules=("policies/x/y",),
            )
            for name in columns
        ),
        **more,
    )


def plan(
    *columns,
    decided=None,
    version=VERSION,
    dataset=DATASET,
    recipient=LAB,
    digests=None,
    rules=RULES,
    **more,
):
    request = ExtractRequest.model_validate(
        {"dataset": DATASET.name, "columns": columns, "purpose": "research", **more}
    )
    return compile_plan(
        request,
        decided or decision(*columns),
        dataset,
        version,
        recipient,
        output_type=output_type,
        grade_left=grade_left,
        hierarchy_digests={"jobs": "3" * 64} if digests is None else digests,
        key_version=lambda domain: 1 + domain.startswith("project"),
        profile="international",
        text_rules=rules,
    )


def test_every_column_has_one_step_in_the_order_asked_for():
    made = plan("district", "sfz")
    assert [(s.column, s.published) for s in made.steps] == [
        ("district", "district"),
        ("sfz", "resident_id"),
    ]
    assert [(s.source_type, s.output_type) for s in made.steps] == [("string", "string")] * 2


def test_a_decision_that_does_not_cover_the_request_is_never_planned():
    for decided in (decision("district"), decision("sfz", "district"), denied()):
        with pytest.raises(GatewayFault) as refused:
            plan("district", "sfz", decided=decided)
        assert refused.value.reason == "PLAN_INCOMPLETE"


def denied():
    return Decision(outcome=Outcome.DENIED, reasons=(Reason(code="NO_RULE", text="no"),))


def test_the_transforms_output_type_is_the_plans():
    (step,) = plan("nsr").steps
    assert (step.source_type, step.output_type) == ("int64", "string")


def test_a_transform_that_does_not_take_the_type_names_column_and_remedy():
    decided = decision("district").but(
        columns=(decision("district").columns[0].but(transform=BinNumber(width=5)),)
    )
    with pytest.raises(FailedPrecondition, match="bin_number of district") as refused:
        plan("district", decided=decided)
    assert refused.value.reason == "TRANSFORM_UNFIT"


# ---- units --------------------------------------------------------------------------------------


def test_units_are_converted_by_exact_ratios():
    steps = plan("nsr", "height", "area").steps
    assert [step.scale for step in steps] == ["10000", "100", "1"]
    assert [step.output_type for step in steps] == ["string", "double", "decimal128(10, 2)"]


def test_a_unit_of_another_quantity_is_refused():
    with pytest.raises(InvalidRequest, match="小时 cannot be converted to kilogram"):
        plan("odd")


def test_a_unit_of_text_is_refused_by_the_columns_name():
    text = DATASET.columns[2].but(type="string")
    dataset = DATASET.but(columns=(*DATASET.columns[:2], text, *DATASET.columns[3:]))
    with pytest.raises(InvalidRequest, match="nsr is string: only numbers"):
        plan("nsr", dataset=dataset)


def test_filters_on_converted_columns_are_written_in_the_released_unit():
    where = [{"column": "income", "operator": ">", "values": ["50000"]}]
    (condition,) = plan("district", filters=where).filters
    assert (condition.column, condition.values) == ("nsr", ("5",))


@pytest.mark.parametrize("bound", ["55555", "1"])
def test_a_bound_without_exact_form_in_the_stored_unit_is_refused(bound):
    where = [{"column": "income", "operator": ">", "values": [bound]}]
    with pytest.raises(InvalidRequest, match="no exact form") as refused:
        plan("district", filters=where)
    assert bound not in refused.value.message


@pytest.mark.parametrize("bound", ["inf", "nan", "-Infinity", "1e99999999", "1e-99999999", "0x1p4"])
def test_a_bound_that_is_no_plain_number_is_refused_before_anything_is_computed(bound):
    where = [{"column": "body_height", "operator": "<", "values": [bound]}]
    with pytest.raises(InvalidRequest, match="plain decimal number"):
        plan("district", filters=where)


# ---- keys ---------------------------------------------------------------------------------------


def domain(**more):
    decided = more.pop("decided", None)
    return plan("sfz", decided=decided, **more).steps[0].key_domain


def test_a_step_without_a_key_names_no_domain_and_no_version():
    step = plan("district").steps[0]
    assert (step.key_domain, step.key_version) == (None, None)


def test_a_keyed_step_names_the_version_that_its_domain_is_pinned_to():
    assert plan("sfz").steps[0].key_version == 1
    assert plan("sfz", project="city-health").steps[0].key_version == 2


def test_inside_a_project_all_departments_and_recipients_share_the_domain():
    here = domain(project="city-health")
    elsewhere = DATASET.but(name="datasets/insurance", holder="parties/insurance")
    asked = ExtractRequest(
        dataset=elsewhere.name, columns=("resident_id",), purpose="other", project="city-health"
    )
    made = compile_plan(
        asked,
        decision("sfz"),
        elsewhere,
        VERSION,
        LAB.but(name="parties/other"),
        output_type=output_type,
        grade_left=grade_left,
        hierarchy_digests={},
        key_version=lambda _: 1,
        profile="international",
    )
    assert made.steps[0].key_domain == here


def test_outside_a_project_every_recipient_purpose_and_data_set_has_its_own():
    domains = {
        domain(),
        domain(project="city-health"),
        domain(project="city-wealth"),
        domain(recipient=LAB.but(name="parties/other")),
        domain(purpose="planning"),
    }
    assert len(domains) == 5


def test_a_policy_that_says_recipient_is_not_overruled_by_a_project():
    own = decision("sfz").but(
        columns=(decision("sfz").columns[0].but(transform=Token(scope="recipient")),)
    )
    assert domain(decided=own, project="city-health") == domain(decided=own)


# ---- free text ----------------------------------------------------------------------------------

NOTES = RedactText(
    entities={
        "URL": "remove",
        "CN_RESIDENT_ID": Token(scope="project"),
        "IBAN_CODE": ReversibleToken(),
        "REGION": GeneralizeHierarchy(hierarchy="jobs", level=1),
    }
)


def notes(spec=NOTES, **more):
    columns = (decision("job").columns[0].but(transform=spec),)
    return plan("job", decided=decision("job").but(columns=columns), **more)


def test_a_text_names_what_finds_and_the_tables_it_rests_on():
    made = notes()
    spec = made.steps[0].transform
    assert spec.rules == RULES
    assert spec.entities["REGION"].table_digest == "3" * 64
    assert made.digest() != notes(rules="other rules").digest()
    assert made.digest() != notes(NOTES.but(threshold=50)).digest()


def test_a_token_in_a_text_has_the_domain_of_the_column_of_its_element():
    found = {f.entity: f.key_domain for f in notes(project="city-health").steps[0].finds}
    assert list(found) == ["CN_RESIDENT_ID", "IBAN_CODE"]
    assert found["CN_RESIDENT_ID"] == domain(project="city-health")
    # One without an element has its own name, and the recipient's key where no project is meant.
    assert "name:9:IBAN_CODE" in found["IBAN_CODE"]
    assert found["IBAN_CODE"].startswith("recipient:")
    assert notes().needed_keys == {(f.key_domain, f.key_version) for f in notes().steps[0].finds}
    versions = [f.key_version for f in notes(project="city-health").steps[0].finds]
    assert versions == [2, 1]


@pytest.mark.parametrize(
    ("spec", "more", "reason"),
    [
        pytest.param(NOTES, {"rules": None}, "TEXT_RULES_MISSING", id="nothing finds"),
        pytest.param(
            NOTES.but(rules="older"), {}, "TEXT_RULES_MISSING", id="other rules than the policy's"
        ),
        pytest.param(NOTES, {"digests": {}}, "HIERARCHY_MISSING", id="a hierarchy within"),
        pytest.param(
            RedactText(entities={"PERSON": Token(rows=1000)}),
            {"version": VERSION.but(rows=1001)},
            "TRANSFORM_UNFIT",
            id="too few tokens within",
        ),
    ],
)
def test_what_a_text_cannot_be_planned_with(spec, more, reason):
    with pytest.raises(FailedPrecondition) as refused:
        notes(spec, **more)
    assert refused.value.reason == reason


def test_free_text_of_another_type_is_told_when_it_is_planned():
    columns = (decision("nsr").columns[0].but(transform=RedactText()),)
    with pytest.raises(FailedPrecondition) as refused:
        plan("nsr", decided=decision("nsr").but(columns=columns))
    assert refused.value.reason == "TRANSFORM_UNFIT"


@pytest.mark.parametrize("role", ["direct_identifier", "quasi_identifier"])
def test_a_column_of_identifiers_is_no_free_text(role):
    """What the search misses there would leave as it is: an identity number with a slip in it."""
    columns = [c.but(role=role) if c.name == "job" else c for c in DATASET.columns]
    with pytest.raises(FailedPrecondition, match="no free text") as refused:
        notes(dataset=DATASET.but(columns=tuple(columns)))
    assert refused.value.reason == "TRANSFORM_UNFIT"


# ---- hierarchies, checks, charge ----------------------------------------------------------------


def test_a_hierarchys_digest_is_part_of_the_plan():
    (step,) = plan("job").steps
    assert step.transform.table_digest == "3" * 64
    assert plan("job").digest() != plan("job", digests={"jobs": "4" * 64}).digest()


@pytest.mark.parametrize("digests", [{}, {"other": "3" * 64}], ids=["none", "another"])
def test_a_hierarchy_that_is_not_there_is_named(digests):
    with pytest.raises(FailedPrecondition, match="jobs is not there"):
        plan("job", digests=digests)


def test_checks_follow_the_obligations():
    grades = GradesCheck(highest="general-2")
    assert plan("district").checks == (SchemaCheck(), grades)
    decided = decision(
        "district", max_rows=5, min_cell_size=3, small_cells="drop", cell_columns=("district",)
    )
    assert plan("district", decided=decided).checks == (
        SchemaCheck(),
        grades,
        MaxRowsCheck(rows=5),
        MinCellCheck(size=3, columns=("district",), small_cells="drop"),
    )


@pytest.mark.parametrize(
    ("limit", "max_rows", "planned", "charged"),
    [
        (None, None, None, 1000),
        (10, None, 10, 10),
        (None, 20, 20, 20),
        (10, 20, 10, 10),
        (5000, 3000, 3000, 1000),
    ],
)
def test_the_charge_is_the_most_rows_that_can_leave(limit, max_rows, planned, charged):
    made = plan("district", limit=limit, decided=decision("district", max_rows=max_rows))
    assert (made.limit, made.charge.rows, made.charge.releases) == (planned, charged, 1)


def test_filters_of_request_and_policy_are_joined_each_once_in_one_order():
    north = {"column": "district", "operator": "=", "values": ["north"]}
    known = {"column": "sfz", "operator": "is not null"}
    made = plan("district", filters=[north, {**known, "column": "resident_id"}])
    other = plan(
        "district", filters=[known], decided=decision("district", row_filters=[north, known])
    )
    assert [c.column for c in made.filters] == ["district", "sfz"]
    assert made.digest() == other.digest()


def test_a_source_whose_columns_changed_is_not_planned():
    with pytest.raises(SourceChanged, match="not as registered"):
        plan("district", version=VERSION.but(schema_digest="5" * 64))
    assert (
        plan("district", version=VERSION.but(fingerprint="6" * 64)).dataset_fingerprint == "6" * 64
    )


# ---- what a keyed transform needs is known when it is planned --------------------------------------


def asked_for(spec, column="sfz", **more):
    base = decision(column)
    return plan(
        column, decided=base.but(columns=(base.columns[0].but(transform=spec),)), **more
    ).steps[0]


@pytest.mark.parametrize(
    ("spec", "type_"),
    [
        (EncryptCharacters(alphabet="0123456789"), "int16"),
        (EncryptCharacters(alphabet="0123456789", length=8), "int16"),
        (EncryptCharacters(alphabet="abcdefghij"), "int64"),
        (EncryptIdentifier(profile="mobile"), "int32"),
        (EncryptIdentifier(profile="resident_id", last_day="2030-12-31"), "int64"),
        (EncryptIdentifier(profile="mobile"), "double"),
        (ReversibleToken(), "double"),
        (ShiftDate(most_days=30), "string"),
        (BoundedNoise(most_steps=5), "string"),
        (BoundedNoise(most_steps=200), "int8"),
        (BoundedNoise(most_steps=2, step="0.5"), "int64"),
    ],
)
def test_what_no_value_of_the_type_can_satisfy_is_refused_when_planned(spec, type_):
    columns = tuple(c.but(type=type_) if c.name == "sfz" else c for c in DATASET.columns)
    with pytest.raises(FailedPrecondition, match=f"policies ask for {spec.kind} of resident_id"):
        asked_for(spec, dataset=DATASET.but(columns=columns))


def test_tokens_too_short_for_the_rows_are_refused_unless_a_limit_keeps_to_them():
    few = Token(rows=1000)
    assert few.length < Token().length
    with pytest.raises(FailedPrecondition, match="for 1000 rows at most"):
        asked_for(few, version=VERSION.but(rows=1001))
    assert asked_for(few, version=VERSION.but(rows=1001), limit=1000).transform == few
    assert asked_for(few, version=VERSION.but(rows=1000)).transform == few


@pytest.mark.parametrize("spec", [ShiftDate(most_days=30), BoundedNoise(most_steps=5)])
def test_a_draw_by_person_needs_a_privacy_unit_of_text_or_whole_numbers(spec):
    type_ = "date32[day]" if isinstance(spec, ShiftDate) else "int64"
    columns = tuple(c.but(type=type_) if c.name == "sfz" else c for c in DATASET.columns)
    dataset = DATASET.but(columns=columns)
    with pytest.raises(FailedPrecondition, match="names as its privacy unit") as refused:
        asked_for(spec, dataset=dataset)
    assert refused.value.reason == "PRIVACY_UNIT_MISSING"
    with pytest.raises(FailedPrecondition, match="names as its privacy unit"):
        asked_for(spec, dataset=dataset.but(privacy_unit="area"))
    step = asked_for(spec, dataset=dataset.but(privacy_unit="job"))
    assert (step.column, step.subject) == ("sfz", "job")


@pytest.mark.parametrize(
    "other",
    [{"most_days": 365}, {"scope": "project"}, {"cipher": "SM4"}],
    ids=lambda d: next(iter(d)),
)
def test_dates_of_one_release_are_all_shifted_alike(other):
    columns = tuple(
        c.but(type="date32[day]") if c.name in ("sfz", "district") else c for c in DATASET.columns
    )
    dataset = DATASET.but(columns=columns, privacy_unit="job")

    def planned(first: ShiftDate, second: ShiftDate):
        base = decision("sfz", "district")
        specs = zip(base.columns, (first, second), strict=True)
        decided = base.but(columns=tuple(c.but(transform=spec) for c, spec in specs))
        return plan("sfz", "district", decided=decided, dataset=dataset, project="health")

    same = ShiftDate(most_days=30)
    assert len({step.key_domain for step in planned(same, same).steps}) == 1
    with pytest.raises(FailedPrecondition, match="change their order") as refused:
        planned(same, same.but(**other))
    assert refused.value.reason == "SHIFTS_DIFFER"


def test_the_planned_grade_is_of_what_is_left_and_of_the_rows():
    columns = tuple(
        c.but(entity="INCOME", grade="general-4", role="sensitive") if c.name == "nsr" else c
        for c in DATASET.columns
    )
    dataset = DATASET.but(columns=columns)
    step = plan("nsr", dataset=dataset).steps[0]
    assert (step.item, step.grade) == ("INCOME", "general-4")
    assert plan("nsr", dataset=dataset).grade == "general-3"  # in ranges
    base = decision("nsr")
    keep = base.but(columns=(base.columns[0].but(transform=Keep()),))
    assert plan("nsr", decided=keep, dataset=dataset).grade == "general-4"
    many = VERSION.but(rows=1_000_000)
    assert plan("nsr", decided=keep, dataset=dataset, version=many).grade == "important"
    assert plan("nsr", decided=keep, dataset=dataset, version=many, limit=999).grade == "general-4"


def test_what_would_be_graded_above_the_policies_bound_is_not_planned():
    assert plan("district", decided=decision("district", max_grade="general-2")).grade
    with pytest.raises(FailedPrecondition, match="graded general-2, and the policies") as refused:
        plan("district", decided=decision("district", max_grade="general-1"))
    assert refused.value.reason == "GRADE_TOO_HIGH"


# ---- the digest ---------------------------------------------------------------------------------


def test_the_digest_of_a_plan_never_changes_unnoticed():
    """A certificate names a plan by digest, so another canonical form is a new format."""
    kept = Path(__file__).parent / "golden_plan.json"
    made = golden()
    assert made.canonical() == kept.read_bytes().rstrip(b"\n")
    assert made.digest() == "3c62a03d934f3aa98f442b587827f33c591c739511b30fc9d7ce7b9578f9a45e"


def golden():
    policy = Policy.model_validate(
        {
            "format": "gateway-policy/1",
            "name": "policies/golden",
            "purposes": {"research": ""},
            "obligations": {"min_cell_size": 5, "max_rows": 500, "expires_after_days": 60},
            "rules": [
                {
                    "name": "ids",
                    "match": {"element": ["resident_id"]},
                    "transform": {"kind": "token", "scope": "project"},
                },
                {
                    "name": "incomes",
                    "match": {"element": ["income"]},
                    "transform": {"kind": "bin_number", "width": 10000},
                },
                {
                    "name": "regions",
                    "match": {"column": ["district"]},
                    "transform": {"kind": "keep"},
                },
                {
                    "name": "jobs",
                    "match": {"column": ["job"]},
                    "transform": {"kind": "generalize_hierarchy", "hierarchy": "jobs", "level": 2},
                },
            ],
        }
    )
    request = ExtractRequest.model_validate(
        {
            "dataset": DATASET.name,
            "columns": ("resident_id", "income", "district", "job"),
            "purpose": "research",
            "project": "city-health",
            "filters": [{"column": "district", "operator": "in", "values": ["north", "south"]}],
        }
    )
    approval = Approval(
        party="parties/bureau", role=Role.HOLDER, verdict=Verdict.APPROVED, reason="", at=NOW
    )
    grant = Grant(
        name="grants/golden",
        consumer=LAB.name,
        dataset=DATASET.name,
        columns=("sfz", "nsr", "district", "job"),
        purpose="research",
        project="city-health",
        not_before=NOW,
        expires=NOW + timedelta(days=1),
        required=(Role.HOLDER,),
        approvals=(approval,),
        state="active",
        created=NOW,
    )
    decided = decide(request, Facts(DATASET, LAB, (as_if_active(policy),), (grant,), NOW))
    return compile_plan(
        request,
        decided,
        DATASET,
        VERSION,
        LAB,
        output_type=lambda spec, kind: kind if isinstance(spec, Keep) else pa.string(),
        grade_left=grade_left,
        hierarchy_digests={"jobs": "3" * 64},
        key_version=lambda _: 3,
        profile="international",
    )
