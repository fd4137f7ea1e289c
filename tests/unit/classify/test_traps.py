"""What looks like personal data and is none, and what hides: asserted exactly, one line a trap.

The generated benchmark measures; this corpus holds. `None` is unknown, and so held back.
"""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from gateway.classify.columns import verdicts
from gateway.classify.pack import standard
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column
from gateway.model.names import ColumnRole
from gateway.ports import SAMPLED_VALUES, ColumnSample
from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.kinds import KINDS
from gateway.testing.draws import Purpose, Stream

PACK = standard()
DIRECT, OTHER = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.OTHER
QUASI = ColumnRole.QUASI_IDENTIFIER


def samples(table: pa.Table) -> Iterator[ColumnSample]:
    """What a source of these rows would hand over."""
    return sample_batches(table.to_batches(), table.schema, lambda _: None, SAMPLED_VALUES)


def values_of(kind: str) -> pa.Array:
    made = KINDS[kind].make(Draw(Stream(3, Purpose.BENCHMARK, block=1), 500, "all"))
    return made if isinstance(made, pa.Array) else pa.array(made, pa.string())


def verdict_on(table: dict[str, pa.Array], name: str):
    columns = [Column(name=n, type=str(v.type)) for n, v in table.items()]
    found = verdicts(samples(pa.table(table)), columns, pack=PACK)
    return next(v for v in found if v.column == name)


ALONE = [
    ("order_no", "order_no", "NONE", OTHER),
    ("订单号", "order_no", "NONE", OTHER),
    ("c7", "order_no", None, None),
    ("hotel", "hotel", "NONE", OTHER),
    ("jdmc", "hotel", "NONE", OTHER),
    ("scenario_code", "scenario_code", "NONE", OTHER),
    ("cjbm", "scenario_code", "NONE", OTHER),
    ("email_verified", "email_verified", "NONE", OTHER),
    ("邮箱是否验证", "email_verified", "NONE", OTHER),
    ("手机型号", "phone_type", "NONE", OTHER),
    ("product_name", "product_name", "NONE", OTHER),
    ("产品名称", "product_name", "NONE", OTHER),
    ("cpmc", "product_name", "NONE", OTHER),
    ("name", "product_name", None, None),
    ("name", "person_name", "PERSON", DIRECT),
    ("serial_number", "serial_18", "NONE", OTHER),
    ("流水号", "serial_18", "NONE", OTHER),
    ("c7", "serial_18", None, None),
    ("批次号", "phone_like", "NONE", OTHER),
    ("c7", "phone_like", None, None),
    ("c7", "mobile", "CN_MOBILE", DIRECT),
    ("batch_no", "mobile", None, None),
    ("firmware_version", "version", "NONE", OTHER),
    ("c7", "version", None, None),
    ("c7", "ip", "IP_ADDRESS", DIRECT),
    ("contract_amount", "amount_six", "NONE", OTHER),
    ("c7", "amount_six", None, None),
    ("equipment_age", "age_equipment", "NONE", OTHER),
    ("房龄", "age_equipment", "NONE", OTHER),
    ("sex_ratio", "sex_ratio", "NONE", OTHER),
    ("address_count", "address_count", "NONE", OTHER),
    ("zip_file", "zip_package", "NONE", OTHER),
    ("成立日期", "birth_trap", "DATE", QUASI),
    ("entry_date", "event_date", "DATE", QUASI),
    # Names that are none hide nothing and make nothing harmless.
    ("字段26", "icd", "DIAGNOSIS", ColumnRole.SENSITIVE),
    ("field9", "status", None, None),
    ("列10", "flag", None, None),
    ("applicant_qqzz", "postal_code", None, None),
]


@pytest.mark.parametrize(
    ("name", "kind", "entity", "role"), ALONE, ids=[f"{n}-holds-{k}" for n, k, _, _ in ALONE]
)
def test_a_column_alone(name, kind, entity, role):
    verdict = verdict_on({name: values_of(kind)}, name)
    assert (verdict.entity, verdict.role) == (entity, role)


def test_a_bare_name_is_personal_beside_persons_and_not_beside_goods():
    people = {"name": values_of("person_name_latin"), "sfzh": values_of("resident_id")}
    goods = {"name": values_of("product_name"), "sku": values_of("sku"), "qty": values_of("price")}
    assert verdict_on(people, "name").entity == "PERSON"
    assert verdict_on(goods, "name").entity is None


def test_neighbours_speak_for_values_that_are_built_like_names():
    alone = verdict_on({"c1": values_of("person_name_latin")}, "c1")
    beside = verdict_on(
        {"c1": values_of("person_name_latin"), "c2": values_of("resident_id"),
         "c3": values_of("sex")}, "c1",
    )  # fmt: skip
    assert alone.entity is None
    said = [e for e in beside.evidence if e.kind == "neighbour" and e.entity == "PERSON"]
    assert said
    assert said[0].weight > 0


def test_a_column_is_no_neighbour_of_itself():
    """A name and a sex make a table about persons; a sex alone beside a name does not yet."""
    table = {"c1": values_of("person_name"), "c2": values_of("sex")}
    verdict = verdict_on(table, "c1")
    assert not any(e.kind == "neighbour" and e.weight > 0 for e in verdict.evidence)
    verdict = verdict_on(table | {"c3": values_of("ethnicity")}, "c1")
    assert any(e.kind == "neighbour" and e.weight > 0 for e in verdict.evidence)


@pytest.mark.parametrize("kind", ["order_no", "phone_like", "serial_18", "version"])
def test_under_a_name_that_says_nothing_no_trap_is_called_harmless(kind):
    assert verdict_on({"x": values_of(kind)}, "x").entity != "NONE"
