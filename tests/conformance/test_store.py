"""What ports.Store promises, on every database that the store runs on (fixture ``store``)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import AlreadyExists, ClockMovedBack, Conflict, GatewayFault, NotFound
from gateway.model.access import ExtractRequest, Grant
from gateway.model.audit import GENESIS, AuditEvent
from gateway.model.catalog import Column, CsvSource, DataSet, Party
from gateway.model.classification import Cause, Classification
from gateway.model.decision import ColumnDecision, Decision, Outcome, Reason
from gateway.model.evidence import Declaration, Judged
from gateway.model.grades import Grade
from gateway.model.key_domains import KeyDomain, KeyVersion, Shredding, name_of, written
from gateway.model.lifecycle import (
    ClassificationState,
    DataSetState,
    GrantState,
    KeyDomainState,
    PolicyState,
    ReleaseState,
)
from gateway.model.names import RecipientKind, Role
from gateway.model.plan import Charge, Plan, SchemaCheck, Step
from gateway.model.policy import GradeRange, Match, Policy, Rule, StoredPolicy
from gateway.model.recoding import StoredRecoding
from gateway.model.release import Release
from gateway.model.transforms import Keep
from gateway.ports import Page, Usage
from gateway.store.sql import SqlStore
from gateway.store.verify_audit import entries_of, verify

NOW = datetime(2025, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
ALL = Page(size=100)
DIGEST = "ab" * 32
EVENT = AuditEvent(actor="parties/ann", action="dataset.get", resource="datasets/one", outcome="ok")


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def party(name: str, *subjects: str) -> Party:
    return Party(
        name=f"parties/{name}",
        role=Role.CONSUMER,
        kind=RecipientKind.RESEARCH,
        display_name=name,
        subjects=subjects,
    )


def dataset(name: str, *, holder: str = "bureau", **fields: object) -> DataSet:
    given: dict[str, object] = {
        "name": f"datasets/{name}",
        "holder": f"parties/{holder}",
        "title": f"Title of {name}",
        "source": CsvSource(path="residents.csv"),
        "columns": (Column(name="姓名", type="string"),),
        "created": NOW,
        "updated": NOW,
    }
    return DataSet.model_validate(given | fields)


def policy(name: str, version: int = 1, *, title: str = "") -> StoredPolicy:
    rule = Rule(name="all", match=Match(grade=GradeRange()), transform=Keep())
    written = Policy(
        format="gateway-policy/1",
        name=f"policies/{name}",
        title=title,
        purposes={"research": ""},
        rules=(rule,),
    )
    return StoredPolicy(
        policy=written,
        version=version,
        text="as written",
        text_sha256=DIGEST,
        state=PolicyState.DRAFT,
        author="parties/officer-one",
        created=NOW,
    )


def grant(name: str, *, at: int = 0, **fields: object) -> Grant:
    given: dict[str, object] = {
        "name": f"grants/{name}",
        "consumer": "parties/ann",
        "dataset": "datasets/one",
        "columns": ("姓名",),
        "purpose": "research",
        "not_before": NOW,
        "expires": NOW + timedelta(days=30),
        "required": (Role.HOLDER,),
        "created": minutes(at),
    }
    return Grant.model_validate(given | fields)


def release(
    name: str, *, state: ReleaseState = ReleaseState.OPENED, at: int = 0, **fields: object
) -> Release:
    asked = ExtractRequest(dataset="datasets/one", columns=("姓名",), purpose="research")
    reason = Reason(code="RULE_MATCHED", text="a rule permits it")
    decided = Decision(
        outcome=Outcome.PERMITTED,
        reasons=(reason,),
        columns=(
            ColumnDecision(column="姓名", published="name", transform=Keep(), rules=("p/all",)),
        ),
    )
    step = Step(
        column="姓名",
        published="name",
        source_type="string",
        output_type="string",
        transform=Keep(),
        on_unhandled="stop",
    )
    planned = Plan(
        dataset="datasets/one",
        dataset_fingerprint=DIGEST,
        schema_digest=DIGEST,
        recipient="parties/ann",
        purpose="research",
        steps=(step,),
        checks=(SchemaCheck(),),
        charge=Charge(rows=10),
        expires_after_days=30,
    )
    given: dict[str, object] = {
        "name": f"releases/{name}",
        "consumer": "parties/ann",
        "request": asked,
        "decision": decided,
        "plan": planned,
        "state": state,
        "created": minutes(at),
        "updated": minutes(at),
    }
    return Release.model_validate(given | fields)


class TestTransactions:
    def test_all_or_nothing(self, store: SqlStore) -> None:
        def fail() -> None:
            with store.write() as tx:
                tx.put_party(party("ann"))
                tx.audit(EVENT, NOW)
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail()
        with store.read() as tx:
            assert tx.party("parties/ann") is None
            assert tx.audit_head() is None

    def test_reading_does_not_write(self, store: SqlStore) -> None:
        with store.read() as tx, pytest.raises(TypeError, match=r"Store\.write"):
            tx.put_party(party("ann"))
        with store.read() as tx, pytest.raises(TypeError, match=r"Store\.write"):
            tx.audit(EVENT, NOW)
        with store.read() as tx, pytest.raises(TypeError, match=r"Store\.write"):
            tx.release("releases/one", lock=True)

    def test_a_view_stays_as_it_was(self, store: SqlStore) -> None:
        with store.read() as view:
            assert view.party("parties/ann") is None
            with store.write() as tx:
                tx.put_party(party("ann"))
            assert view.party("parties/ann") is None
            assert view.parties(ALL) == []
        with store.read() as view:
            assert view.party("parties/ann") is not None

    def test_works_again_after_close(self, store: SqlStore) -> None:
        store.close()
        with store.write() as tx:
            tx.put_party(party("ann"))


class TestParties:
    def test_replaced_and_listed_by_name(self, store: SqlStore) -> None:
        with store.write() as tx:
            for name in ("bea", "ann", "c-d", "cad"):
                tx.put_party(party(name))
            tx.put_party(party("ann").but(disabled=True))
        with store.read() as tx:
            assert tx.party("parties/ann") == party("ann").but(disabled=True)
            listed = [p.name.removeprefix("parties/") for p in tx.parties(ALL)]
            # A hyphen sorts before letters, whatever the database's locale thinks.
            assert listed == ["ann", "bea", "c-d", "cad"]
            rest = tx.parties(Page(size=2, after="parties/ann"))
            assert [p.name for p in rest] == ["parties/bea", "parties/c-d"]

    def test_found_by_subject(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_party(party("ann", "issuer|1", "issuer|2"))
            tx.put_party(party("ann", "issuer|2", "issuer|3"))
        with store.read() as tx:
            assert tx.party_by_subject("issuer|1") is None
            found = tx.party_by_subject("issuer|3")
            assert found is not None
            assert found.name == "parties/ann"

    def test_a_subject_names_one_party(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_party(party("ann", "issuer|1"))
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.put_party(party("bea", "issuer|1"))
        with store.read() as tx:
            assert tx.party("parties/bea") is None


class TestDataSets:
    def test_inserted_once(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_dataset(dataset("one"), expected_revision=None)
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.put_dataset(dataset("one"), expected_revision=None)
        with store.read() as tx:
            assert tx.dataset("datasets/one") == dataset("one")
            assert tx.dataset("datasets/two") is None

    def test_only_the_expected_revision_is_replaced(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_dataset(dataset("one"), expected_revision=None)
            tx.put_dataset(dataset("one", revision=2, title="new"), expected_revision=1)
        with pytest.raises(Conflict), store.write() as tx:
            tx.put_dataset(dataset("one", revision=2, title="late"), expected_revision=1)
        with pytest.raises(NotFound), store.write() as tx:
            tx.put_dataset(dataset("two", revision=2), expected_revision=1)
        with pytest.raises(ValueError, match="revision 3"), store.write() as tx:
            tx.put_dataset(dataset("one", revision=2), expected_revision=2)
        with store.read() as tx:
            found = tx.dataset("datasets/one")
            assert found is not None
            assert (found.title, found.revision) == ("new", 2)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", ["adult", "residents", "taxes"]),
            ("居民", ["residents"]),
            ("register 居民", ["residents"]),
            ("RESIDENT", ["residents"]),
            ("ｃｅｎｓｕｓ", ["adult"]),  # full width
            ("income_year", ["taxes"]),
            ("income%year", []),
            ("income.year", []),
            ("100%", ["adult"]),
            ("/ \\", []),
            ("' OR 1=1 --", []),
            ("zip\0code", []),
            ("xm", ["residents"]),  # a column's name
            ("person_name", ["residents"]),  # the element it is released under
        ],
    )
    def test_search(self, store: SqlStore, text: str, found: list[str]) -> None:
        named = Column(name="XM", element="person_name", type="string", description="居民的名字")
        with store.write() as tx:
            for each in (
                dataset("residents", title="居民 Register", columns=(named,)),
                dataset("adult", description="Census of 1994, 100% synthetic"),
                dataset("taxes", keywords=("income_year",)),
            ):
                tx.put_dataset(each, expected_revision=None)
        with store.read() as tx:
            assert [d.name for d in tx.datasets(ALL, text=text)] == [f"datasets/{n}" for n in found]

    def test_filtered_and_paged(self, store: SqlStore) -> None:
        with store.write() as tx:
            for number in range(5):
                holder = "tax-office" if number % 2 else "bureau"
                tx.put_dataset(dataset(f"ds-{number}", holder=holder), expected_revision=None)
            gone = dataset("ds-0", revision=2, state=DataSetState.WITHDRAWN)
            tx.put_dataset(gone, expected_revision=1)
        with store.read() as tx:
            page = tx.datasets(Page(size=2), holder="parties/bureau")
            assert [d.name for d in page] == ["datasets/ds-0", "datasets/ds-2"]
            page = tx.datasets(Page(size=2, after=page[-1].name), holder="parties/bureau")
            assert [d.name for d in page] == ["datasets/ds-4"]
            active = tx.datasets(ALL, holder="parties/bureau", state=DataSetState.ACTIVE)
            assert [d.name for d in active] == ["datasets/ds-2", "datasets/ds-4"]


class TestPolicies:
    def test_versions_are_appended_without_gaps(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.add_policy(policy("one", 1))
            tx.add_policy(policy("one", 2))
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.add_policy(policy("one", 2))
        with pytest.raises(Conflict), store.write() as tx:
            tx.add_policy(policy("one", 4))
        with store.read() as tx:
            assert tx.policy("policies/one") == policy("one", 2)
            assert tx.policy("policies/one", 1) == policy("one", 1)
            assert tx.policy("policies/one", 3) is None

    def test_only_state_and_activation_change(self, store: SqlStore) -> None:
        active = policy("one").but(
            state=PolicyState.ACTIVE, activated_by="parties/officer-two", activated=minutes(1)
        )
        with store.write() as tx:
            tx.add_policy(policy("one"))
            tx.set_policy_state(active)
        rewritten = policy("one", title="other").but(state=PolicyState.RETIRED)
        with pytest.raises(Conflict), store.write() as tx:
            tx.set_policy_state(rewritten)
        with pytest.raises(NotFound), store.write() as tx:
            tx.set_policy_state(policy("two"))
        with store.read() as tx:
            assert tx.policy("policies/one", 1) == active
            assert tx.policies(ALL, state=PolicyState.ACTIVE) == [active]
            assert tx.policies(ALL, state=PolicyState.RETIRED) == []

    def test_listed_by_name_newest_version_first(self, store: SqlStore) -> None:
        with store.write() as tx:
            for name, version in (("bbb", 1), ("aaa", 1), ("bbb", 2), ("bbb", 3), ("ccc", 1)):
                tx.add_policy(policy(name, version))
        with store.read() as tx:
            assert self.listed(tx.policies(ALL)) == ["aaa1", "bbb3", "bbb2", "bbb1", "ccc1"]
            assert self.listed(tx.policies(Page(2, "policies/bbb/3"))) == ["bbb2", "bbb1"]
            assert self.listed(tx.policies(Page(2, "policies/bbb/1"))) == ["ccc1"]
            assert self.listed(tx.policies(Page(2, "policies/bbb"))) == ["ccc1"]

    @staticmethod
    def listed(policies: list[StoredPolicy]) -> list[str]:
        return [f"{p.name.removeprefix('policies/')}{p.version}" for p in policies]


class TestClassifications:
    def made(self, name: str, at: int = 0, **fields: object) -> Classification:
        given: dict[str, object] = {
            "dataset": f"datasets/{name}",
            "number": 1,
            "cause": Cause.REGISTERED,
            "asked_by": "parties/bureau",
            "columns_total": 3,
            "created": minutes(at),
            "updated": minutes(at),
        }
        return Classification.model_validate(given | fields)

    def test_the_newest_of_each_is_kept(self, store: SqlStore) -> None:
        newer = self.made("one", number=2, state=ClassificationState.DONE)
        with store.write() as tx:
            tx.put_classification(self.made("one"))
            tx.put_classification(self.made("two"))
            tx.put_classification(newer)
        with store.read() as tx:
            assert tx.classification("datasets/one") == newer
            assert tx.classification("datasets/three") is None
            assert tx.classifications(["datasets/one", "datasets/three"]) == {"datasets/one": newer}
            assert tx.classifications([]) == {}

    def test_what_waits_and_what_a_process_left_behind(self, store: SqlStore) -> None:
        states = (
            ClassificationState.RUNNING,
            ClassificationState.PENDING,
            ClassificationState.RUNNING,
            ClassificationState.DONE,
        )
        with store.write() as tx:
            for number, state in enumerate(states):
                tx.put_classification(self.made(f"no-{number}", at=number, state=state))
            tx.lease("datasets/no-0", "a", NOW, minutes(5))
            tx.lease("datasets/no-2", "a", NOW, minutes(1))
        with store.read() as tx:
            assert tx.unclassified(NOW) == ["datasets/no-1"]
            assert tx.unclassified(minutes(1)) == ["datasets/no-1", "datasets/no-2"]
            assert tx.unclassified(minutes(5))[0] == "datasets/no-0"

    def test_what_ended_before_a_moment(self, store: SqlStore) -> None:
        failed = {"reason": "SOURCE_UNAVAILABLE", "text": "put it back"}
        with store.write() as tx:
            tx.put_classification(self.made("done", at=2, state=ClassificationState.DONE))
            tx.put_classification(
                self.made("failed", at=1, state=ClassificationState.FAILED, ending=failed)
            )
            tx.put_classification(self.made("waits", at=0))
        with store.read() as tx:
            assert tx.classified_before(minutes(1)) == []
            assert tx.classified_before(minutes(2)) == ["datasets/failed"]
            assert tx.classified_before(minutes(3)) == ["datasets/failed", "datasets/done"]

    def test_data_sets_judged_under_other_rules(self, store: SqlStore) -> None:
        old, new = Judged(rules="old"), Judged(rules="new")
        with store.write() as tx:
            for name, judged in (("old", old), ("new", new), ("not-yet", None)):
                tx.put_dataset(dataset(name, judged=judged), expected_revision=None)
            tx.put_dataset(
                dataset("gone", judged=old, state=DataSetState.WITHDRAWN), expected_revision=None
            )
        with store.read() as tx:
            assert tx.judged_otherwise("new") == ["datasets/old"]
            assert tx.judged_otherwise("newest") == ["datasets/new", "datasets/old"]

    def test_declarations_that_lapsed(self, store: SqlStore) -> None:
        def declared(until: datetime | None) -> Column:
            said = Declaration(party="parties/officer", role=Role.OFFICER, at=NOW, until=until)
            return Column(name="姓名", type="string", declaration=said)

        with store.write() as tx:
            for name, until in (("soon", minutes(1)), ("late", minutes(9)), ("ever", None)):
                tx.put_dataset(dataset(name, columns=(declared(until),)), expected_revision=None)
        with store.read() as tx:
            assert tx.lapsed(NOW) == []
            assert tx.lapsed(minutes(1)) == ["datasets/soon"]
            assert tx.lapsed(minutes(9)) == ["datasets/late", "datasets/soon"]


class TestGrants:
    def test_those_that_a_change_of_verdicts_affects(self, store: SqlStore) -> None:
        lost = (Reason(code="COLUMN_DENIED", text="no longer"),)
        with store.write() as tx:
            tx.put_grant(grant("spared"), expected_revision=None)
            tx.put_grant(grant("struck", affected=lost), expected_revision=None)
        with store.read() as tx:
            assert [g.name for g in tx.grants(ALL, affected=True)] == ["grants/struck"]
            assert len(tx.grants(ALL)) == 2

    def test_revisions(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_grant(grant("one"), expected_revision=None)
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.put_grant(grant("one"), expected_revision=None)
        active = grant("one", state=GrantState.ACTIVE, revision=2)
        with store.write() as tx:
            tx.put_grant(active, expected_revision=1)
        with pytest.raises(Conflict), store.write() as tx:
            tx.put_grant(active, expected_revision=1)
        with store.read() as tx:
            assert tx.grant("grants/one") == active
            assert tx.grant("") is None

    def test_newest_first_and_filtered(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_dataset(dataset("one"), expected_revision=None)
            tx.put_dataset(dataset("two", holder="tax-office"), expected_revision=None)
            for number in range(6):
                made = grant(
                    f"gr-{number}",
                    at=number // 2,  # two of each moment: the name decides
                    dataset=f"datasets/{'two' if number % 3 else 'one'}",
                    consumer=f"parties/{'bea' if number == 5 else 'ann'}",
                    state=GrantState.ACTIVE if number == 4 else GrantState.REQUESTED,
                )
                tx.put_grant(made, expected_revision=None)
        with store.read() as tx:
            assert self.numbers(tx.grants(ALL)) == [5, 4, 3, 2, 1, 0]
            assert self.numbers(tx.grants(Page(2, "grants/gr-4"))) == [3, 2]
            assert self.numbers(tx.grants(Page(2, "grants/none"))) == []
            assert self.numbers(tx.grants(ALL, consumer="parties/bea")) == [5]
            assert self.numbers(tx.grants(ALL, dataset="datasets/one")) == [3, 0]
            assert self.numbers(tx.grants(ALL, holder="parties/tax-office")) == [5, 4, 2, 1]
            assert self.numbers(tx.grants(ALL, state=GrantState.ACTIVE)) == [4]

    @staticmethod
    def numbers(grants: list[Grant]) -> list[int]:
        return [int(g.name[-1]) for g in grants]


class TestReleases:
    def test_replaced_and_listed_newest_first(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_dataset(dataset("one"), expected_revision=None)
            for number in range(4):
                tx.put_release(release(f"re-{number}", at=number))
            tx.put_release(release("re-1", at=1, state=ReleaseState.CANCELLED))
        with store.read() as tx:
            assert tx.release("releases/re-0") == release("re-0")
            assert self.numbers(tx.releases(ALL)) == [3, 2, 1, 0]
            assert self.numbers(tx.releases(Page(2, "releases/re-3"))) == [2, 1]
            assert self.numbers(tx.releases(ALL, state=ReleaseState.CANCELLED)) == [1]
            assert self.numbers(tx.releases(ALL, holder="parties/bureau")) == [3, 2, 1, 0]
            assert tx.releases(ALL, holder="parties/other") == []
            assert tx.releases(ALL, consumer="parties/bea") == []
            assert tx.releases(ALL, dataset="datasets/two") == []

    def test_locked_for_a_change(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_release(release("one"))
            assert tx.release("releases/one", lock=True) == release("one")
            assert tx.release("releases/two", lock=True) is None

    def test_lease_is_held_by_one_until_it_lapses(self, store: SqlStore) -> None:
        with store.write() as tx:
            assert tx.lease("releases/one", "a", NOW, minutes(1))
        with store.write() as tx:
            assert not tx.lease("releases/one", "b", NOW, minutes(1))
            assert tx.lease("releases/one", "a", NOW, minutes(2))  # prolonged
            assert not tx.lease("releases/one", "b", minutes(1), minutes(3))
            assert tx.lease("releases/one", "b", minutes(2), minutes(4))  # lapsed
            assert not tx.lease("releases/one", "a", minutes(2), minutes(9))  # fenced off

    def test_unfinished(self, store: SqlStore) -> None:
        with store.write() as tx:
            for number, state in enumerate(
                (
                    ReleaseState.OPENED,
                    ReleaseState.RUNNING,
                    ReleaseState.RUNNING,
                    ReleaseState.FAILED,
                )
            ):
                tx.put_release(release(f"re-{number}", state=state, at=number))
            tx.lease("releases/re-2", "a", NOW, minutes(5))
            tx.lease("releases/re-1", "a", NOW, minutes(1))
        with store.read() as tx:
            assert tx.unfinished(NOW) == ["releases/re-0"]
            assert tx.unfinished(minutes(1)) == ["releases/re-0", "releases/re-1"]
            assert tx.unfinished(minutes(5))[-1] == "releases/re-2"

    def test_a_request_is_remembered_once(self, store: SqlStore) -> None:
        key = ("parties/ann", "CreateRelease", "8f14e45f")
        with store.write() as tx:
            assert tx.remembered(*key) is None
            tx.remember(*key, DIGEST, "releases/one")
            assert tx.remembered("parties/bea", *key[1:]) is None
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.remember(*key, DIGEST, "releases/two")
        with store.read() as tx:
            assert tx.remembered(*key) == (DIGEST, "releases/one")

    @staticmethod
    def numbers(releases: list[Release]) -> list[int]:
        return [int(r.name[-1]) for r in releases]


class TestLedger:
    def test_a_release_is_charged_once(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.charge("releases/one", "parties/ann", "datasets/one", 100, NOW)
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.charge("releases/one", "parties/ann", "datasets/one", 1, NOW)
        with store.read() as tx:
            assert tx.usage("parties/ann", "datasets/one", NOW) == Usage(releases=1, rows=100)

    def test_settling_lowers_and_never_raises(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.charge("releases/one", "parties/ann", "datasets/one", 100, NOW)
            tx.settle("releases/one", 40)
        with pytest.raises(GatewayFault, match="more rows"), store.write() as tx:
            tx.settle("releases/one", 41)
        with pytest.raises(GatewayFault, match="more rows"), store.write() as tx:
            tx.settle("releases/two", 0)
        with store.read() as tx:
            assert tx.usage("parties/ann", "datasets/one", NOW) == Usage(releases=1, rows=40)

    def test_usage_is_of_one_consumer_data_set_and_period(self, store: SqlStore) -> None:
        big = 2**40
        with store.write() as tx:
            tx.charge("releases/r1", "parties/ann", "datasets/one", big, minutes(0))
            tx.charge("releases/r2", "parties/ann", "datasets/one", 7, minutes(1))
            tx.charge("releases/r3", "parties/ann", "datasets/two", 5, minutes(1))
            tx.charge("releases/r4", "parties/bea", "datasets/one", 3, minutes(1))
            assert tx.usage("parties/ann", "datasets/one", minutes(0)).rows == big + 7
            assert tx.usage("parties/ann", "datasets/one", minutes(1)) == Usage(1, 7)
            assert tx.usage("parties/ann", "datasets/one", minutes(2)) == Usage(0, 0)

    def test_a_negative_charge_is_refused(self, store: SqlStore) -> None:
        with pytest.raises(GatewayFault), store.write() as tx:
            tx.charge("releases/one", "parties/ann", "datasets/one", -1, NOW)

    def test_keys_are_replaced_and_destroyed(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.put_key("releases/one", b"\0first\xff")
            tx.put_key("releases/one", b"\0second\xff")
            tx.put_key("releases/two", b"other")
        with store.read() as tx:
            assert tx.key("releases/one") == b"\0second\xff"
        with store.write() as tx:
            tx.destroy_key("releases/one")
            tx.destroy_key("releases/one")
        with store.read() as tx:
            assert tx.key("releases/one") is None
            assert tx.key("releases/two") == b"other"

    def test_a_key_is_wrapped_anew_only_if_it_is_still_the_same(self, store: SqlStore) -> None:
        with store.write() as tx:
            for name in ("a", "b", "c"):
                tx.put_key(f"releases/{name}", name.encode())
            assert not tx.rewrap_key("releases/a", b"other", b"new")
            assert tx.rewrap_key("releases/a", b"a", b"new")
            tx.destroy_key("releases/b")
            assert not tx.rewrap_key("releases/b", b"b", b"new")
        with store.read() as tx:
            assert tx.wrapped_keys("", 1) == [("releases/a", b"new")]
            assert tx.wrapped_keys("releases/a", 9) == [("releases/c", b"c")]


def key_domain(project: str, **changes: object) -> KeyDomain:
    owner = written([("project", project)])
    made = KeyDomain(
        name=name_of(owner), owner=owner, versions=(KeyVersion(number=1, created=NOW),)
    )
    return made.but(**changes)


class TestKeyDomains:
    def test_inserted_once_and_replaced_by_revision(self, store: SqlStore) -> None:
        first = key_domain("first")
        with store.write() as tx:
            tx.put_key_domain(first, expected_revision=None)
        with pytest.raises(AlreadyExists), store.write() as tx:
            tx.put_key_domain(first, expected_revision=None)
        proposed = first.but(
            state=KeyDomainState.SHREDDING,
            shredding=Shredding(proposed_by="parties/ann", reason="over", at=NOW),
            revision=2,
        )
        with store.write() as tx:
            tx.put_key_domain(proposed, expected_revision=1)
        with pytest.raises(Conflict), store.write() as tx:
            tx.put_key_domain(proposed, expected_revision=1)
        with pytest.raises(NotFound), store.write() as tx:
            tx.put_key_domain(key_domain("other", revision=2), expected_revision=1)
        with store.read() as tx:
            assert tx.key_domain(first.name) == proposed
            assert tx.key_domain(key_domain("other").name) is None

    def test_listed_by_name_and_state(self, store: SqlStore) -> None:
        domains = sorted((key_domain(f"p{n}") for n in range(4)), key=lambda d: d.name)
        with store.write() as tx:
            for domain in domains:
                tx.put_key_domain(domain, expected_revision=None)
        with store.read() as tx:
            assert tx.key_domains(Page(size=3)) == domains[:3]
            assert tx.key_domains(Page(size=3, after=domains[2].name)) == domains[3:]
            assert tx.key_domains(ALL, state=KeyDomainState.ACTIVE) == domains
            assert tx.key_domains(ALL, state=KeyDomainState.SHREDDED) == []


class TestAudit:
    def test_chained_from_the_first(self, store: SqlStore) -> None:
        with store.write() as tx:
            assert tx.audit_head() is None
            first = tx.audit(EVENT, NOW)
            second = tx.audit(EVENT.but(outcome="DENIED", details={"规则": "甲"}), minutes(1))
        assert (first.sequence, first.previous, first.at) == (1, GENESIS, NOW)
        assert (second.sequence, second.previous) == (2, first.hash)
        with store.read() as tx:
            assert tx.audit_head() == second
            assert tx.audit_entries(0, 10) == [first, second]
            assert tx.audit_entries(1, 10) == [second]
            assert tx.audit_entries(0, 1) == [first]
        assert verify(entries_of(store)) == 2

    def test_time_never_runs_backwards(self, store: SqlStore) -> None:
        with store.write() as tx:
            tx.audit(EVENT, NOW)
            slightly_before = tx.audit(EVENT, NOW - timedelta(seconds=4))
            assert slightly_before.at == NOW

        def act_with_a_wrong_clock() -> None:
            with store.write() as tx:
                tx.put_party(party("ann"))
                tx.audit(EVENT, NOW - timedelta(seconds=6))

        with pytest.raises(ClockMovedBack):
            act_with_a_wrong_clock()
        with store.read() as tx:
            assert tx.party("parties/ann") is None

    def test_threads_take_turns(self, store: SqlStore) -> None:
        def work(number: int) -> None:
            for each in range(10):
                with store.write() as tx:
                    used = tx.usage("parties/ann", "datasets/one", NOW).rows
                    tx.charge(f"releases/r{number}-{each}", "parties/ann", "datasets/one", 1, NOW)
                    tx.audit(EVENT.but(details={"used": str(used)}), NOW)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        entries = list(entries_of(store))
        assert verify(entries) == 60
        # Each saw exactly what those before it had used: nobody decided on an old figure.
        assert [int(e.event.details["used"]) for e in entries] == list(range(60))


def test_grades_survive_the_store(store: SqlStore) -> None:
    graded = Column(name="income", type="int64", entity="INCOME", grade=Grade.GENERAL_3)
    with store.write() as tx:
        tx.put_dataset(dataset("one", columns=(graded,)), expected_revision=None)
    with store.read() as tx:
        assert tx.dataset("datasets/one") == dataset("one", columns=(graded,))


def recoding(generation: int = 1, **fields: object) -> StoredRecoding:
    given: dict[str, object] = {
        "dataset": "datasets/one",
        "fingerprint": DIGEST,
        "generation": generation,
        "stream": f"recodings/{generation}",
        "quasi_identifiers": ("age",),
        "method": "full_domain",
        "metric": "loss",
        "goals": (DIGEST,),
        "figures": (),
        "created": NOW,
        **fields,
    }
    return StoredRecoding.model_validate(given)


def test_recodings_of_a_version_come_the_finest_first_and_none_is_replaced(store: SqlStore) -> None:
    with store.write() as tx:
        assert not tx.add_recoding(recoding(2))  # the first lacks
        for made in (recoding(1), recoding(2), recoding(1, fingerprint="cd" * 32)):
            assert tx.add_recoding(made)
        assert not tx.add_recoding(recoding(2, stream="recodings/other"))
        assert not tx.add_recoding(recoding(1, stream="recodings/other"))
        for _ in range(2):
            told = tx.add_recoding_goal("datasets/one", DIGEST, 2, "ef" * 32)
            assert told == recoding(2, goals=(DIGEST, "ef" * 32))
    with store.read() as tx:
        found = tx.recodings("datasets/one", DIGEST)
        assert [each.generation for each in found] == [1, 2]
        assert found == [recoding(1), recoding(2, goals=(DIGEST, "ef" * 32))]
        assert tx.recodings("datasets/other", DIGEST) == []


def test_the_newest_recoding_is_the_first_of_the_version_recoded_last(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.newest_recoding("datasets/one") is None
        assert tx.add_recoding(recoding(1, fingerprint="cd" * 32, created=minutes(1)))
        assert tx.add_recoding(recoding(1))
        assert tx.add_recoding(recoding(2, created=minutes(2)))
    with store.read() as tx:
        newest = tx.newest_recoding("datasets/one")
        assert newest is not None
        assert (newest.fingerprint, newest.generation) == ("cd" * 32, 1)
