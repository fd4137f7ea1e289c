"""Generates employers and the employment records of the residents who work."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gateway.testing import columns, identifiers, places, trades
from gateway.testing.check_digits import USCC_ALPHABET, organisation_code_check, uscc_check
from gateway.testing.columns import Style
from gateway.testing.draws import Bools, Ints, Purpose, Serials, Stream, Weighted, WeightedByGroup
from gateway.testing.population import BLOCK, REFERENCE_DAY, Livelihood, People, blocks
from gateway.testing.text import blank, strings, take, words, write_number

_EMPLOYERS = 6_000
_ALPHABET = np.frombuffer(USCC_ALPHABET.encode("ascii"), dtype=np.uint8)
# Small firms are many and large ones few: the n-th employer has a share of about 1/(n + 40).
_SHARES = 20_000 // (np.arange(_EMPLOYERS, dtype=np.int64) + 40)
# Scatters eight digits over the 31**7 codes: coprime to 31, so still one to one.
_SPREAD = 23_456_789_011
_ENTERPRISE, _INSTITUTION = b"91", b"12"


@dataclass(frozen=True, slots=True)
class _Employers:
    name: pa.StringArray
    uscc: pa.StringArray
    industry: Ints
    # Draws an employer, by whether the person has a degree.
    share: WeightedByGroup


def employment(rows: int, seed: int = 0, *, style: Style = "english") -> pa.Table:
    """Return the jobs held on 2025-01-01 by the residents of `residents(rows, seed)`.

    rows is the number of residents; those who work, about half, have one row each, in order.
    Columns: resident_id, employer (one of 6,000), employer_uscc (unified social credit code, valid
    with its organisation code; one an employer), occupation, industry, start_date (date32),
    monthly_salary (int64, yuan; twelve of them do not exceed the income), education. No nulls.
    Errors as for `residents`.
    """
    batches = employment_batches(rows, seed, style=style)
    return pa.Table.from_batches(batches, columns.schema(columns.EMPLOYMENT, style))


def employment_batches(
    rows: int, seed: int = 0, *, batch_rows: int = 65_536, style: Style = "english"
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `employment(rows, seed)` as `residents_batches` does."""
    schema = columns.schema(columns.EMPLOYMENT, style)
    columns.check_batch_rows(batch_rows)
    covered = blocks(rows, seed)
    employers = _employers(seed)
    parts = (_jobs(people, count, schema, employers) for people, count in covered)
    return columns.rebatch(parts, batch_rows)


def _jobs(people: People, count: int, schema: pa.Schema, employers: _Employers) -> pa.RecordBatch:
    draw = Stream(people.seed, Purpose.JOBS, people.block)
    employer = employers.share.draw(
        draw, (people.education >= trades.FIRST_DEGREE).astype(np.int64)
    )
    industry = employers.industry[employer]
    occupation = trades.OCCUPATION_START[industry] + draw.below(
        trades.OCCUPATION_COUNT[industry], BLOCK
    )
    # The square of a draw: recent starts are more common than old ones.
    left_school = trades.SCHOOL_LEAVING_AGE[people.education]
    career = np.clip((people.age - left_school) * 365, 1, 40 * 365)
    luck = draw.below(1000, BLOCK)
    start = REFERENCE_DAY - 1 - career * luck // 1000 * luck // 1000
    # Bonuses make up the rest of the year's income.
    regular = draw.between(750, 1000, BLOCK)
    salary = people.income * regular // 12_000 // 10 * 10
    works = people.livelihood == Livelihood.EMPLOYED
    who = np.flatnonzero(works[:count])
    return pa.record_batch(
        [
            identifiers.resident_ids(people).take(pa.array(who)),
            take(employers.name, employer[who]),
            take(employers.uscc, employer[who]),
            take(trades.OCCUPATIONS, occupation[who]),
            take(trades.INDUSTRIES, industry[who]),
            pa.array(start[who].astype("datetime64[D]")),
            pa.array(salary[who]),
            take(trades.EDUCATIONS, people.education[who]),
        ],
        schema=schema,
    )


def _employers(seed: int) -> _Employers:
    draw = Stream(seed, Purpose.EMPLOYERS)
    industry = Weighted(trades.INDUSTRY_WEIGHTS).draw(draw, _EMPLOYERS)
    institution = trades.IS_INSTITUTION[industry]
    district = draw.below(len(places.DISTRICT_NAMES), _EMPLOYERS)
    brand = draw.below(len(trades.BRANDS), _EMPLOYERS)
    form = draw.below(len(trades.COMPANY_FORMS), _EMPLOYERS)
    names = words(
        [
            _employer_name(*row)
            for row in zip(
                industry.tolist(),
                institution.tolist(),
                district.tolist(),
                brand.tolist(),
                form.tolist(),
                strict=True,
            )
        ]
    )
    skilled = trades.IS_SKILLED[industry]
    share = WeightedByGroup([_SHARES * np.where(skilled, 1, 5), _SHARES * np.where(skilled, 4, 2)])
    return _Employers(names, _credit_codes(seed, institution, district), industry, share)


def _employer_name(industry: int, institution: bool, district: int, brand: int, form: int) -> str:
    kind = trades.FIRM_WORDS[industry]
    if institution:
        return places.CITY + places.DISTRICT_NAMES[district] + trades.BRANDS[brand] + kind
    return places.CITY + trades.BRANDS[brand] + kind + trades.COMPANY_FORMS[form]


def _credit_codes(seed: int, institution: Bools, district: Ints) -> pa.StringArray:
    """Return codes of GB 32100-2015: registrar, kind, region, organisation code, check."""
    matrix = blank(_EMPLOYERS, 18)
    matrix[:, :2] = np.where(
        institution[:, None],
        np.frombuffer(_INSTITUTION, dtype=np.uint8),
        np.frombuffer(_ENTERPRISE, dtype=np.uint8),
    )
    region = (
        places.REGION_PROVINCE[district] * 10_000
        + places.PREFECTURES[0] * 100
        + places.REGION_COUNTY[district]
    )
    write_number(matrix, 2, 6, region)
    # The alphabet's letters begin an organisation code; a scattered serial makes it unique.
    serial = Serials(seed, Purpose.EMPLOYERS).scatter(np.arange(_EMPLOYERS))
    matrix[:, 8] = _ALPHABET[10 + serial % (len(_ALPHABET) - 10)]
    rest = serial * _SPREAD % len(_ALPHABET) ** 7
    for place in range(9, 16):
        rest, digit = np.divmod(rest, len(_ALPHABET))
        matrix[:, place] = _ALPHABET[digit]
    matrix[:, 16] = organisation_code_check(matrix[:, 8:16])
    matrix[:, 17] = uscc_check(matrix[:, :17])
    return strings(matrix)
