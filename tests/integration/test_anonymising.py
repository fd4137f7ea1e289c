"""A policy that demands anonymity, from its text to sealed extracts of one recoding."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.config import load
from gateway.errors import FailedPrecondition
from gateway.model.catalog import DataSet
from gateway.model.evidence import Declaration
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.model.release import Release, Stage
from gateway.ports import Page
from tests.integration.conftest import _office

POLICY = """
format: gateway-policy/1
name: policies/anonymous
purposes: {public-health-research: research}
obligations:
  %s
rules:
  - name: all
    match: {grade: {}}
    transform: {kind: keep}
"""


FENCE = """
format: gateway-policy/1
name: policies/fence-NAME
purposes: {public-health-research: research}
rules:
  - name: fence
    match: %s
    transform: {kind: keep}
    obligations: {row_filters: %s}
"""


def people(count: int = 120, *, first: int = 0, age: int = 20) -> pa.Table:
    """Made up: a number for each person, and little besides."""
    numbers = range(first, first + count)
    return pa.table(
        {
            "person": [f"p{number}" for number in numbers],
            "age": pa.array([age + number % 40 for number in numbers], pa.int64()),
            "sex": ["f" if number % 2 else "m" for number in numbers],
            "zip": [f"1{number % 4}" for number in numbers],
            "illness": [f"i{number % 7 % 5}" for number in numbers],
            "visits": pa.array([number % 9 for number in numbers], pa.int64()),
        }
    )


ROLES = {
    "person": ("PERSON", "general-3", "direct_identifier"),
    "age": ("AGE", "general-2", "quasi_identifier"),
    "sex": ("SEX", "general-2", "quasi_identifier"),
    "zip": ("CN_POSTAL_CODE", "general-2", "quasi_identifier"),
    "illness": ("DIAGNOSIS", "general-4", "sensitive"),
    "visits": ("NONE", "general-2", "other"),
}


class Bureau:
    """An office whose data set has roles by declaration, and a policy with obligations."""

    def __init__(
        self, office, obligations: dict[str, object], unit: str | None = None, rules: str = ""
    ) -> None:
        self.office = office
        self.unit = unit
        written = "\n  ".join(f"{n}: {json.dumps(v)}" for n, v in obligations.items())
        office.activate(POLICY % written + rules)

    def fence(self, *conditions: dict[str, object], name: str = "all", **match: object) -> None:
        """From now on an officer's row filters hold, for those who match."""
        written = FENCE.replace("NAME", name) % (
            json.dumps(match or {"grade": {}}),
            json.dumps(conditions),
        )
        self.office.activate(written)

    def hold(self, table: pa.Table) -> DataSet:
        """The holder has this by now; verdicts are an officer's."""
        office = self.office
        pq.write_table(table, office.data / "residents.parquet")
        with office.rooms.store.read() as tx:
            known = tx.dataset("datasets/residents")
        if known is None:
            known = office.register(table)
            said = Declaration(party=office.officer.name, role=Role.OFFICER, at=office.clock.now())
            columns = tuple(
                c.but(
                    **dict(zip(("entity", "grade", "role"), ROLES[c.name], strict=True)),
                    declaration=said,
                )
                for c in known.columns
            )
            changed = known.but(
                columns=columns, privacy_unit=self.unit, revision=known.revision + 1
            )
            with office.rooms.store.write() as tx:
                tx.put_dataset(changed, expected_revision=known.revision)
            known = changed
        return known

    def asked(self, *columns: str, who=None, **fields: object) -> Release:
        """The release of these columns after it ran, granted before."""
        office, who = self.office, who or self.office.consumer
        request = office.request(columns, **fields)
        with office.rooms.store.read() as tx:
            granted = tx.grants(Page(size=9), consumer=who.name, dataset=request.dataset)
        if not granted:
            office.grant(office.request(tuple(ROLES)[1:]), who=who)
        release = office.rooms.opening.open(who, request, office.key())
        office.rooms.runner.run(release.name)
        return office.rooms.custody.get(who, release.name)

    def table(self, release: Release, who=None) -> pa.Table:
        assert release.state is ReleaseState.SEALED, release.ending
        stream = self.office.stream(release, who or self.office.consumer)
        return pa.ipc.open_stream(stream).read_all()


def smallest(table: pa.Table, columns: list[str]) -> int:
    return min(table.group_by(columns).aggregate([([], "count_all")])["count_all"].to_pylist())


K5 = {"k": 5, "l": {"illness": 2}, "max_suppression": "0.05"}


def test_an_extract_holds_what_the_policy_demands_and_says_so(office):
    bureau = Bureau(office, K5)
    bureau.hold(people())
    release = bureau.asked("age", "sex", "zip", "illness")
    table = bureau.table(release)
    assert smallest(table, ["age", "sex", "zip"]) >= 5
    groups = table.group_by(["age", "sex", "zip"]).aggregate([("illness", "count_distinct")])
    assert min(groups["illness_count_distinct"].to_pylist()) >= 2
    assert table.num_rows >= 114
    told = {(figure.check, figure.name) for figure in release.sealed.figures}
    assert any(check == "k_anonymity" for check, _ in told)
    assert any(check == "attacks" for check, _ in told)
    assert release.certificate


QI = ["age", "sex", "zip"]


def refused(release: Release) -> str:
    """The text of a refusal, which holds no digit but those of policies and names."""
    assert release.state is ReleaseState.REFUSED, (release.state, release.ending)
    assert release.sealed is None
    text = release.ending.text
    assert not any(sign.isdigit() for sign in text), text
    return text


def test_every_recipient_gets_the_same_recoding_and_never_a_finer_one(office):
    bureau = Bureau(office, K5)
    bureau.hold(people())
    other = another(office, "other-lab")
    first = bureau.asked(*QI, "illness")
    second = bureau.asked(*QI, "illness", who=other)
    few = bureau.asked("age", "illness", who=other)
    rows = [bureau.table(first), bureau.table(second, other), bureau.table(few, other)]
    counts = [sorted(Counter(zip(*t.to_pydict().values(), strict=True)).items()) for t in rows]
    assert counts[0] == counts[1]
    assert sorted(rows[2]["age"].to_pylist()) == sorted(rows[0]["age"].to_pylist())
    assert {r.sealed.recoding for r in (first, second, few)} == {1}
    assert rows[0].to_pydict() != rows[1].to_pydict()  # each in an order of its own


def test_a_limit_on_attacks_without_a_model_is_not_passed_over(office):
    bureau = Bureau(office, {"attacks": {"singling_out": "0.05"}, "max_suppression": "0.2"})
    bureau.hold(people())
    release = bureau.asked(*QI)
    assert smallest(bureau.table(release), QI) >= 2
    told = [f for f in release.sealed.figures if f.name.startswith("singling out")]
    assert told
    assert all("limit 0.05" in figure.value for figure in told)


def test_a_stricter_demand_only_coarsens_and_leaves_out_no_less(office):
    bureau = Bureau(office, {"k": 3, "max_suppression": "0.05"})
    bureau.hold(people(97))
    fine = bureau.asked(*QI)
    office.activate(
        (POLICY % "k: 30\n  max_suppression: 0.05").replace(
            "policies/anonymous", "policies/stricter"
        )
    )
    coarse = bureau.asked(*QI)
    assert (fine.sealed.recoding, coarse.sealed.recoding) == (1, 2)
    with office.rooms.store.read() as tx:
        one, two = tx.recodings("datasets/residents", fine.sealed.source_fingerprint)
    made = people(97)
    before = office.rooms.recodings.opened(one).classes_of(made)
    after = office.rooms.recodings.opened(two).classes_of(made)
    merged = {}
    for old, new in zip(before, after, strict=True):
        assert merged.setdefault(old, new) == new
    assert all(after[before == -1] == -1)
    assert smallest(bureau.table(coarse), QI) >= 30
    with office.rooms.store.read() as tx:
        assert len(tx.recodings("datasets/residents", fine.sealed.source_fingerprint)) == 2


def test_a_fence_that_leaves_few_is_refused_and_one_that_parts_no_class_is_not(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    whole = bureau.asked(*QI)
    assert whole.state is ReleaseState.SEALED
    bureau.fence({"column": "visits", "operator": ">=", "values": ["0"]})
    assert bureau.asked(*QI, "visits").state is ReleaseState.SEALED
    bureau.fence({"column": "visits", "operator": "!=", "values": ["8"]})
    text = refused(bureau.asked(*QI, "visits"))
    assert "groups of too few persons" in text
    assert "row filters" in text


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "visits", "operator": ">=", "values": ["0"]},
        {"column": "age", "operator": "!=", "values": ["20"]},
        {"column": "illness", "operator": "=", "values": ["i3"]},
    ],
    ids=["lets-everybody-through", "an-age", "a-diagnosis"],
)
def test_a_filter_of_a_request_is_refused_when_planned_and_nothing_is_charged(office, condition):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    request = office.request((*QI, "illness", "visits"), filters=[condition])
    told = set()
    for ask in (
        lambda: office.rooms.opening.preview(office.consumer, request),
        lambda: office.rooms.opening.open(office.consumer, request, office.key()),
    ):
        with pytest.raises(FailedPrecondition, match="filter the extract") as refusal:
            ask()
        assert refusal.value.reason == "ANONYMITY_FILTER"
        told.add(str(refusal.value))
    assert len(told) == 1
    with office.rooms.store.read() as tx:
        used = tx.usage(office.consumer.name, "datasets/residents", office.clock.now())
        assert (used.rows, used.releases) == (0, 0)


def test_a_first_extract_with_a_filter_has_classes_as_large_as_any(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people(400))
    half = {"column": "sex", "operator": "=", "values": ["f"]}
    bureau.fence(half)
    release = bureau.asked(*QI)
    if release.state is ReleaseState.SEALED:
        assert smallest(bureau.table(release), QI) >= 5
    else:
        refused(release)
    one = {"column": "age", "operator": "=", "values": ["20"]}
    bureau.fence(half, one)
    refused(bureau.asked(*QI))


def test_a_coalition_counts_as_one_recipient(office):
    ally, stranger = another(office, "ally"), another(office, "stranger")
    bureau = Bureau(office, {"k": 5, "coalition": [office.consumer.name, ally.name]}, unit="person")
    bureau.hold(people())
    assert bureau.asked(*QI).state is ReleaseState.SEALED
    bureau.hold(pa.concat_tables([people(), people(1, first=500)]))
    assert bureau.asked(*QI, who=stranger).state is ReleaseState.SEALED
    refused(bureau.asked(*QI, who=ally))


def test_a_fence_of_one_recipient_is_counted_with_the_extracts_of_others(office):
    stranger = another(office, "stranger")
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    assert bureau.asked(*QI, "visits").state is ReleaseState.SEALED
    small = {"column": "visits", "operator": "<=", "values": ["7"]}
    bureau.fence(small, recipient=[stranger.name])
    refused(bureau.asked(*QI, "visits", who=stranger))


def test_a_new_version_is_compared_by_person(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(people())
    assert bureau.asked(*QI).state is ReleaseState.SEALED
    bureau.hold(pa.concat_tables([people(), people(1, first=500)]))
    text = refused(bureau.asked(*QI))
    assert "a version in which more has changed" in text
    assert bureau.asked(*QI, who=another(office, "newcomer")).state is ReleaseState.SEALED
    bureau.hold(people())
    assert bureau.asked(*QI).state is ReleaseState.SEALED  # as it was before


def named(count: int, persons: pa.Array) -> pa.Table:
    return people(count).set_column(0, "person", persons)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda n: pa.array([f"{i:06d}" for i in range(n)]), lambda n: pa.array(range(n))),
        (lambda n: pa.array(range(n)), lambda n: pa.array([str(i) for i in range(n)])),
        (lambda n: pa.array([f"a{i}" for i in range(n)]), lambda n: pa.array([f"b{i}" for i in range(n)])),
    ],
    ids=["text to numbers", "numbers to text", "other names"],
)  # fmt: skip
def test_a_version_that_names_persons_otherwise_is_refused(office, before, after):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(named(400, before(400)))
    assert bureau.asked(*QI).state is ReleaseState.SEALED
    bureau.hold(named(399, after(399)))
    office.rooms.catalog.refresh(office.holder, "datasets/residents", office.key())
    office.rooms.classifier.run("datasets/residents")
    assert "nobody of an earlier extract" in refused(bureau.asked(*QI))


def test_persons_named_by_floating_point_are_refused(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(named(120, pa.array(range(120)).cast(pa.float64())))
    assert "floating point" in refused(bureau.asked(*QI))


@pytest.mark.parametrize("model", [{"l": {"illness": 2}}, {"t": {"illness": "0.4"}}], ids="lt")
def test_a_version_that_persons_left_is_refused_where_models_protect_columns(office, model):
    """Those who left, the difference of the two extracts, all had one illness."""
    bureau = Bureau(office, {"k": 5, **model}, unit="person")
    full = people(2800)
    bureau.hold(full)
    first = bureau.asked(*QI, "illness")
    assert first.state is ReleaseState.SEALED
    with office.rooms.store.read() as tx:
        [stored] = tx.recodings("datasets/residents", first.sealed.source_fingerprint)
    classes = office.rooms.recodings.opened(stored).classes_of(full)
    left = (classes == classes[0]) & (full["illness"].to_numpy() == "i3")
    assert left.sum() >= 5
    bureau.hold(full.filter(pa.array(~left)))
    assert "left since" in refused(bureau.asked(*QI, "illness"))
    bureau.hold(pa.concat_tables([full, people(2800, first=2800)]))
    more = bureau.asked(*QI, "illness")
    assert more.state is ReleaseState.SEALED, more.ending


def test_without_a_privacy_unit_there_is_no_second_version(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    assert bureau.asked(*QI).state is ReleaseState.SEALED
    bureau.hold(people(240))
    assert "privacy unit" in refused(bureau.asked(*QI))


def test_a_person_with_several_records_is_refused(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(pa.concat_tables([people(), people(1)]))
    assert "one record a person" in refused(bureau.asked(*QI))


def test_what_cannot_be_reached_is_refused_without_figures(office):
    bureau = Bureau(office, {"k": 5, "l": {"illness": 6}})
    bureau.hold(people())
    release = bureau.asked(*QI)
    assert "cannot be anonymised" in refused(release)
    assert release.ending.reason == "ANONYMITY_INFEASIBLE"


def test_more_than_there_are_records_is_refused_before_anything_is_charged(office):
    bureau = Bureau(office, {"k": 5000})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    told = set()
    for ask in (
        lambda: office.rooms.opening.preview(office.consumer, office.request(QI)),
        lambda: office.rooms.opening.open(office.consumer, office.request(QI), office.key()),
    ):
        with pytest.raises(FailedPrecondition, match="possible are 120 at most") as refusal:
            ask()
        assert refusal.value.reason == "ANONYMITY_INFEASIBLE"
        told.add(str(refusal.value))
    assert len(told) == 1
    with office.rooms.store.read() as tx:
        used = tx.usage(office.consumer.name, "datasets/residents", office.clock.now())
        assert (used.rows, used.releases) == (0, 0)


@pytest.mark.parametrize(("fields", "reason"), [({"limit": 50}, "ANONYMITY_LIMIT")], ids=["limit"])
def test_what_would_cut_classes_is_refused_when_planned(office, fields, reason):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    with pytest.raises(FailedPrecondition) as refusal:
        bureau.asked(*QI, **fields)
    assert refusal.value.reason == reason


def test_of_two_at_a_time_one_searches_and_both_get_the_same(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    other = another(office, "other-lab")
    searched = []
    real = office.rooms.recodings._search["full_domain"]
    both = threading.Barrier(2, timeout=30)

    def counted(problem, watch):
        searched.append(1)
        return real(problem, watch)

    office.rooms.recodings._search["full_domain"] = counted
    releases = []
    for who in (office.consumer, other):
        office.grant(office.request(tuple(ROLES)[1:]), who=who)
        releases.append(office.rooms.opening.open(who, office.request(QI), office.key()))

    def run(name: str) -> None:
        both.wait()
        office.rooms.runner.run(name)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [release.name for release in releases]))
    assert len(searched) == 1
    ended = [office.rooms.custody.get(office.auditor, r.name) for r in releases]
    assert [release.state for release in ended] == [ReleaseState.SEALED] * 2


def test_a_search_can_be_cancelled_and_tells_how_far_it_is(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    release = office.open(office.request(QI))
    seen = []

    def endless(_problem, watch):
        while True:
            office.clock.move(seconds=1)
            watch.tell("search", 30, 100)
            seen.append(office.look(release))
            if len(seen) == 3:
                office.rooms.custody.cancel(office.consumer, release.name, office.key())

    office.rooms.recodings._search["full_domain"] = endless
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.CANCELLED
    assert (seen[2].stage, seen[2].percent) == (Stage.ANONYMISING, 30)


def another(office, name: str, kind: RecipientKind = RecipientKind.RESEARCH):
    return office.another(name, Role.CONSUMER, kind)


def test_a_dry_run_tells_whether_it_can_be_done_and_charges_nothing(office):
    bureau = Bureau(office, {"k": 5, "l": {"illness": 3}, "max_suppression": "0.05"})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    preview = office.rooms.opening.preview(office.consumer, office.request(QI))
    assert "ANONYMITY_FEASIBLE" in {reason.code for reason in preview.decision.reasons}
    assert preview.plan.anonymisation.goal.quasi_identifiers == tuple(QI)
    with office.rooms.store.read() as tx:
        assert tx.usage(office.consumer.name, "datasets/residents", office.clock.now()).rows == 0
        assert tx.recodings("datasets/residents", preview.plan.dataset_fingerprint) == []


def test_a_dry_run_says_that_it_did_not_look_at_earlier_extracts(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    texts = []
    for _ in range(2):
        preview = office.rooms.opening.preview(office.consumer, office.request(QI))
        texts += [r.text for r in preview.decision.reasons if r.code == "ANONYMITY_FEASIBLE"]
        assert bureau.asked(*QI).state is ReleaseState.SEALED  # makes the recoding
    assert texts[0] != texts[1]
    assert all("earlier extracts and row filters were not looked at" in text for text in texts)


def test_a_dry_run_tells_that_it_cannot_be_done_and_what_could(office):
    bureau = Bureau(office, {"k": 5, "l": {"illness": 9}})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    with pytest.raises(FailedPrecondition, match="l of illness at most 5") as refusal:
        office.rooms.opening.preview(office.consumer, office.request(QI))
    assert refusal.value.reason == "ANONYMITY_INFEASIBLE"


def test_a_dry_run_tells_nothing_of_who_a_fence_leaves_out(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people())
    office.grant(office.request(tuple(ROLES)[1:]))
    told = []
    for value in ("0", "8", "77"):
        bureau.fence({"column": "visits", "operator": "=", "values": [value]})
        request = office.request([*QI, "visits"])
        reasons = office.rooms.opening.preview(office.consumer, request).decision.reasons
        told.append([reason for reason in reasons if reason.code.startswith("ANONYMITY")])
    assert told[0]
    assert told[0] == told[1] == told[2]


def test_local_recoding_holds_the_same_and_is_coarsened_like_any_other(office):
    bureau = Bureau(office, {"k": 4, "l": {"illness": 2}, "method": "local"})
    bureau.hold(people(97))
    fine = bureau.asked(*QI, "illness")
    table = bureau.table(fine)
    assert table.num_rows == 97
    groups = table.group_by(QI).aggregate([([], "count_all"), ("illness", "count_distinct")])
    assert min(groups["count_all"].to_pylist()) >= 4
    assert min(groups["illness_count_distinct"].to_pylist()) >= 2
    stricter = (POLICY % "k: 30\n  max_suppression: 0.05").replace(
        "policies/anonymous", "policies/stricter"
    )
    office.activate(stricter)
    coarse = bureau.asked(*QI)
    assert (fine.sealed.recoding, coarse.sealed.recoding) == (1, 2)
    assert smallest(bureau.table(coarse), QI) >= 30
    with office.rooms.store.read() as tx:
        one, two = tx.recodings("datasets/residents", fine.sealed.source_fingerprint)
    made = people(97)
    before = office.rooms.recodings.opened(one).classes_of(made)
    after = office.rooms.recodings.opened(two).classes_of(made)
    merged = {}
    for old, new in zip(before, after, strict=True):
        assert merged.setdefault(old, new) == new


def test_without_a_quasi_identifier_among_the_columns_the_same_rows_leave(office):
    bureau = Bureau(
        office,
        {"k": 5, "max_suppression": "0.05", "attacks": {"linkability": "0.1"}},
    )
    bureau.hold(people(97))
    known = bureau.asked(*QI)
    bare = bureau.asked("visits", "illness")
    assert bureau.table(bare).num_rows == bureau.table(known).num_rows
    assert bare.sealed.recoding == known.sealed.recoding
    [told] = [figure for figure in bare.sealed.figures if figure.check == "attacks"]
    assert told.value == "not run: no quasi-identifier leaves"


def test_what_was_sealed_counts_also_after_a_recall(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(people())
    first, again = bureau.asked(*QI), bureau.asked(*QI)
    assert first.state is ReleaseState.SEALED
    assert again.state is ReleaseState.SEALED
    office.rooms.custody.recall(office.holder, again.name, "a test", office.key())
    office.rooms.custody.recall(office.holder, first.name, "a test", office.key())
    bureau.hold(pa.concat_tables([people(), people(1, first=500)]))
    refused(bureau.asked(*QI))  # what was recalled could be read, and counts
    newcomer = bureau.asked(*QI, who=another(office, "newcomer"))
    assert newcomer.state is ReleaseState.SEALED


def test_certificates_tell_nothing_of_what_others_have(office):
    ally, stranger = another(office, "ally"), another(office, "stranger")
    coalition = {"coalition": [office.consumer.name, ally.name]}
    everybody = {"row_filters": [{"column": "visits", "operator": ">=", "values": ["0"]}]}
    limit = {"attacks": {"differencing": "0", "linkability": "1"}}
    bureau = Bureau(office, {"k": 5} | coalition | everybody | limit)
    bureau.hold(people())

    def told():
        figures = bureau.asked(*QI).sealed.figures
        assert not any("differencing" in figure.name for figure in figures)
        return [
            (figure.check, figure.name, figure.value)
            for figure in figures
            if figure.check != "attacks"  # other persons are tried each time
        ]

    before = told()
    for who in (ally, ally, stranger):
        assert bureau.asked("age", "sex", who=who).state is ReleaseState.SEALED
    assert told() == before
    [value] = [value for check, _, value in before if check == "extracts"]
    assert value == "none: refused otherwise"


def test_nothing_of_recodings_and_rosters_is_readable_where_it_is_kept(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(people())
    assert bureau.asked(*QI, "illness").state is ReleaseState.SEALED
    state = office.settings.state
    kept = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    with office.rooms.store.read() as tx:
        [stored] = tx.recodings(
            "datasets/residents", tx.dataset("datasets/residents").version.fingerprint
        )
        assert tx.key(stored.stream) is not None
    made = office.rooms.recodings.opened(stored).recoding.to_bytes()
    assert b"leaf_0" in made
    assert b"leaf_0" not in kept
    assert b"p119" not in kept
    assert office.rooms.custody.sweep() == 0


ONLY = {"column": "illness", "operator": "=", "values": ["i3"]}


@pytest.mark.parametrize(
    "demanded",
    [{"t": {"illness": "0.2"}}, {"attacks": {"inference": "0.2"}}],
    ids=["closeness", "inference"],
)
def test_a_row_filter_on_what_is_to_be_hidden_is_measured_against_the_whole_version(
    office, demanded
):
    bureau = Bureau(office, {"k": 5, "max_suppression": "0.05", "row_filters": [ONLY]} | demanded)
    bureau.hold(people(1400))
    refused(bureau.asked(*QI, "illness"))
    refused(bureau.asked("illness"))


def test_a_row_filter_that_goes_with_what_is_to_be_hidden_is_measured_against_the_whole(office):
    table = people(1400)
    ill = [int(value[1]) for value in table["illness"].to_pylist()]
    table = table.set_column(5, "visits", pa.array(ill, pa.int64()))
    alike = {"column": "visits", "operator": "=", "values": ["3"]}
    demanded = {"k": 5, "t": {"illness": "0.2"}, "max_suppression": "0.05"}
    bureau = Bureau(office, demanded | {"row_filters": [alike]})
    bureau.hold(table)
    refused(bureau.asked(*QI, "illness"))


def test_a_row_filter_that_hides_nothing_is_as_close_to_the_whole_as_none(office):
    most = {"column": "visits", "operator": ">=", "values": ["0"]}
    demanded = {"k": 5, "t": {"illness": "0.3"}, "max_suppression": "0.05"}
    bureau = Bureau(office, demanded | {"row_filters": [most]})
    bureau.hold(people(1400))
    release = bureau.asked(*QI, "illness")
    assert release.state is ReleaseState.SEALED, release.ending
    assert any("whole version" in figure.name for figure in release.sealed.figures)


@pytest.fixture
def office_of_trees(installation):
    """An office with a tree of the illnesses, and with one that lacks one."""
    folder = installation / "trees"
    folder.mkdir()
    lines = [f"i{n};{'x' if n < 2 else 'y'};*\n" for n in range(5)]
    (folder / "ill.csv").write_text("".join(lines))
    (folder / "lacking.csv").write_text("".join(lines[1:]))
    settings = load(installation / "gateway.yaml").model_copy(update={"hierarchies": folder})
    yield from _office(installation, settings)


def by_tree(office, tree: str) -> Bureau:
    """A policy whose t goes by a tree of illnesses."""
    distance = {"t": "0.5", "distance": "hierarchical", "hierarchy": tree}
    bureau = Bureau(
        office, {"k": 5, "t": {"illness": distance}, "max_suppression": "0.05"}, unit="person"
    )
    bureau.hold(people(400))
    return bureau


def test_closeness_by_a_tree_is_released_and_counted_with_earlier_versions(office_of_trees):
    bureau = by_tree(office_of_trees, "ill")
    release = bureau.asked(*QI, "illness")
    assert release.state is ReleaseState.SEALED, release.ending
    assert any("largest distance of illness" in f.name for f in release.sealed.figures)
    bureau.hold(people(800))
    assert bureau.asked(*QI, "illness").state is ReleaseState.SEALED


def test_a_tree_that_lacks_a_value_is_said_to_be_what_is_wrong(office_of_trees):
    text = refused(by_tree(office_of_trees, "lacking").asked(*QI, "illness"))
    assert "looks at the hierarchies" in text
