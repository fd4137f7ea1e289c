"""Generates the health-insurance visits of the residents."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gateway.testing import columns, identifiers, medicine
from gateway.testing.columns import Style
from gateway.testing.draws import Ints, Purpose, Serials, Stream
from gateway.testing.population import REFERENCE_DAY, Livelihood, People, blocks
from gateway.testing.text import take, words
from gateway.testing.trades import INCOME_SPREAD

_INSURED_TYPES = words(["城乡居民基本医疗保险", "职工基本医疗保险"])
_VISIT_TYPES = words(["门诊", "住院"])
_TWO_YEARS = 731


def health_insurance(rows: int, seed: int = 0, *, style: Style = "english") -> pa.Table:
    """Return the visits, in 2023 and 2024, of the residents of `residents(rows, seed)`.

    rows is the number of residents, not of visits: there are 0 to 9 visits a resident, rather more
    than 2 on average, standing together in the residents' order and not sorted by date. Columns: resident_id,
    insurance_number (one a person), insured_type, diagnosis_code (form of ICD-10), diagnosis,
    hospital, department, visit_type (门诊 or 住院), visit_date (date32, not before birth), cost
    and reimbursed (int64, yuan, reimbursed below cost). No nulls. Errors as for `residents`.
    """
    batches = health_insurance_batches(rows, seed, style=style)
    return pa.Table.from_batches(batches, columns.schema(columns.HEALTH_INSURANCE, style))


def health_insurance_batches(
    rows: int, seed: int = 0, *, batch_rows: int = 65_536, style: Style = "english"
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `health_insurance(rows, seed)` as `residents_batches` does."""
    schema = columns.schema(columns.HEALTH_INSURANCE, style)
    columns.check_batch_rows(batch_rows)
    covered = blocks(rows, seed)
    serials = Serials(seed, Purpose.INSURANCE_NUMBERS)
    parts = (_visits(people, count, schema, serials) for people, count in covered)
    return columns.rebatch(parts, batch_rows)


def _visits(people: People, count: int, schema: pa.Schema, serials: Serials) -> pa.RecordBatch:
    draw = Stream(people.seed, Purpose.VISITS, people.block)
    band = np.searchsorted(medicine.AGE_BANDS, people.age, side="right")
    visits = medicine.VISITS_BY_BAND.draw(draw, band)
    who = np.repeat(np.arange(len(visits)), visits)
    size = len(who)
    diagnosis = medicine.DIAGNOSIS_BY_GROUP.draw(draw, (band + 5 * people.male)[who])
    inpatient = draw.chance(np.where(people.age >= 65, 190, 90)[who], size)
    lifetime = REFERENCE_DAY - people.birth_day[who]
    day = REFERENCE_DAY - 1 - draw.below(np.minimum(lifetime, _TWO_YEARS), size)
    cost = 20 + INCOME_SPREAD.draw(draw, size) * np.where(inpatient, 9_400, 260) // 1_000_000
    in_work_once = people.livelihood >= Livelihood.EMPLOYED
    employee = in_work_once & (people.income >= 24_000)
    share = np.where(employee[who], 700, 550) + draw.below(200, size)
    person = pa.array(who)
    batch = pa.record_batch(
        [
            identifiers.resident_ids(people).take(person),
            identifiers.insurance_numbers(people, serials).take(person),
            take(_INSURED_TYPES, employee[who].astype(np.int64)),
            take(medicine.DIAGNOSIS_CODES, diagnosis),
            take(medicine.DIAGNOSES, diagnosis),
            take(medicine.HOSPITALS, _hospitals(draw, people, who)),
            take(medicine.DEPARTMENTS, diagnosis),
            take(_VISIT_TYPES, inpatient.astype(np.int64)),
            pa.array(day.astype("datetime64[D]")),
            pa.array(cost),
            pa.array(cost * share // 1000),
        ],
        schema=schema,
    )
    return batch.slice(0, int(visits[:count].sum()))


def _hospitals(draw: Stream, people: People, who: Ints) -> Ints:
    """Return a hospital of the city or of the district where the person lives."""
    size = len(who)
    per_district = medicine.DISTRICT_HOSPITAL_COUNT
    district = people.households.district[people.house][who]
    near = medicine.CITY_HOSPITAL_COUNT + district * per_district + draw.below(per_district, size)
    return np.where(draw.chance(450, size), draw.below(medicine.CITY_HOSPITAL_COUNT, size), near)
