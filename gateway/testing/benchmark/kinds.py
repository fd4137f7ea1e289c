"""The kinds of column in the benchmark: what each holds (gold), and who makes its values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from gateway.model.names import ColumnRole
from gateway.testing.benchmark import circumstances as c
from gateway.testing.benchmark import devices as d
from gateway.testing.benchmark import identity as i
from gateway.testing.benchmark import traps as t
from gateway.testing.benchmark.draw import Draw

Maker = Callable[[Draw], Sequence[object] | pa.Array]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of column.

    `entity` and `role`: the gold label; None where even a careful officer could not say from name
    and values, and unknown is the right answer. `shows`: the values alone tell, so that the column
    may have a meaningless name and keep its label. `owned`: the name may say whose it is.
    `trap`: it looks like something that it is not.
    """

    key: str
    entity: str | None
    role: ColumnRole | None
    make: Maker
    shows: bool = False
    owned: bool = False
    trap: bool = False


_DIRECT, _QUASI = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER
_SENSITIVE, _OTHER = ColumnRole.SENSITIVE, ColumnRole.OTHER


def _direct(key: str, entity: str, make: Maker, *, shows: bool, owned: bool = False) -> Kind:
    return Kind(key, entity, _DIRECT, make, shows, owned)


def _quasi(key: str, entity: str, make: Maker, *, shows: bool, owned: bool = False) -> Kind:
    return Kind(key, entity, _QUASI, make, shows, owned)


def _sensitive(key: str, entity: str, make: Maker, *, shows: bool, owned: bool = False) -> Kind:
    return Kind(key, entity, _SENSITIVE, make, shows, owned)


def _trap(key: str, make: Maker, role: ColumnRole = _OTHER) -> Kind:
    return Kind(key, "NONE", role, make, trap=True)


_ALL = (
    _direct("person_name", "PERSON", i.person_names, shows=True),
    _direct("person_name_latin", "PERSON", i.latin_names, shows=False),
    _direct("resident_id", "CN_RESIDENT_ID", i.resident_ids, shows=True, owned=True),
    _direct("passport", "CN_PASSPORT", i.passports, shows=True, owned=True),
    _direct("hk_permit", "CN_HK_MACAU_PERMIT", i.hk_permits, shows=False),
    _direct("taiwan_permit", "CN_TAIWAN_PERMIT", i.taiwan_permits, shows=False),
    _direct("mobile", "CN_MOBILE", i.mobiles, shows=True, owned=True),
    _direct("contact_phone", "CN_MOBILE", i.contact_phones, shows=True, owned=True),
    _direct("landline", "CN_LANDLINE", i.landlines, shows=True, owned=True),
    _direct("phone_foreign", "PHONE_NUMBER", i.foreign_phones, shows=True),
    _direct("bank_card", "CN_BANK_CARD", i.bank_cards, shows=True, owned=True),
    _direct("credit_card", "CREDIT_CARD", i.credit_cards, shows=True),
    _direct("iban", "IBAN_CODE", i.ibans, shows=True),
    _direct("email", "EMAIL_ADDRESS", i.emails, shows=True, owned=True),
    _direct("address", "ADDRESS", i.addresses, shows=True, owned=True),
    _direct("plate", "CN_LICENSE_PLATE", d.plates, shows=True, owned=True),
    _direct("vin", "VIN", d.vins, shows=True),
    _direct("imei", "IMEI", d.imeis, shows=True),
    _direct("mac", "MAC_ADDRESS", d.macs, shows=True),
    _direct("ip", "IP_ADDRESS", d.ips, shows=True),
    _direct("wechat", "WECHAT_ID", i.wechats, shows=False, owned=True),
    _direct("qq", "QQ_NUMBER", i.qqs, shows=False, owned=True),
    _direct("medical_record", "MEDICAL_RECORD_NUMBER", i.medical_records, shows=False),
    _direct("student_number", "STUDENT_NUMBER", i.student_numbers, shows=False),
    _direct("ssn", "US_SSN", i.ssns, shows=True),
    _direct("biometric", "BIOMETRIC", i.templates, shows=False),
    _direct("url", "URL", i.homepages, shows=True),
    _direct("person_key", "NONE", i.person_keys, shows=False),
    _direct("username", "NONE", i.usernames, shows=False),
    _quasi("uscc", "CN_USCC", i.usccs, shows=True),
    _quasi("org_code", "CN_ORG_CODE", i.organisation_codes, shows=True),
    _quasi("postal_code", "CN_POSTAL_CODE", c.postal_codes, shows=False, owned=True),
    _quasi("region", "REGION", c.regions, shows=True),
    _quasi("country", "REGION", c.countries, shows=False),
    _quasi("region_code", "REGION", c.region_codes, shows=False),
    _quasi("coordinates", "COORDINATES", c.coordinates, shows=True),
    _quasi("latitude", "COORDINATES", c.latitudes, shows=False),
    _quasi("birth_date", "BIRTH_DATE", c.births, shows=True, owned=True),
    _quasi("birth_year", "BIRTH_DATE", c.birth_years, shows=False),
    _quasi("event_date", "DATE", c.events, shows=True),
    _quasi("event_time", "DATE", c.moments, shows=True),
    _quasi("age", "AGE", c.ages, shows=False, owned=True),
    _quasi("sex", "SEX", c.sexes, shows=True, owned=True),
    _quasi("sex_code", "SEX", c.sex_codes, shows=False),
    _quasi("ethnicity", "ETHNICITY", c.ethnicities, shows=True, owned=True),
    _quasi("marital", "MARITAL_STATUS", c.marital, shows=True),
    _quasi("education", "EDUCATION", c.educations, shows=True),
    _quasi("occupation", "OCCUPATION", c.occupations, shows=False, owned=True),
    _quasi("employer", "EMPLOYER", c.companies, shows=False),
    _quasi("household_key", "NONE", c.household_keys, shows=False),
    _quasi("relation", "NONE", c.relations, shows=False),
    _sensitive("religion", "RELIGION", c.religions, shows=True),
    _sensitive("income", "INCOME", c.incomes, shows=False, owned=True),
    _sensitive("income_class", "INCOME", c.income_classes, shows=False),
    _sensitive("balance", "ACCOUNT_BALANCE", c.balances, shows=False),
    _sensitive("diagnosis", "DIAGNOSIS", c.diagnoses, shows=True),
    _sensitive("icd", "DIAGNOSIS", c.icd_codes, shows=True),
    _sensitive("medication", "DIAGNOSIS", c.medications, shows=False),
    _sensitive("allergy", "DIAGNOSIS", c.allergies, shows=False),
    _sensitive("blood_type", "DIAGNOSIS", c.blood_types, shows=False),
    _sensitive("medical_cost", "NONE", c.costs, shows=False),
    _sensitive("body_measure", "NONE", c.measures, shows=False),
    _trap("order_no", t.orders),
    _trap("serial_18", t.serials_18),
    _trap("phone_like", t.batches),
    _trap("hotel", t.hotels),
    _trap("scenario_code", t.scenarios),
    _trap("email_verified", t.truths),
    _trap("phone_type", t.phone_models),
    _trap("product_name", t.products),
    Kind("product_bare", None, None, t.products, trap=True),
    _trap("amount_six", t.amounts_six),
    _trap("version", t.versions),
    _trap("sku", t.stock_codes),
    _trap("status", t.statuses),
    _trap("quantity", t.quantities),
    _trap("price", t.prices),
    _trap("department", t.departments),
    _trap("hash", t.digests),
    _trap("age_equipment", t.quantities),
    _trap("sex_ratio", t.ratios),
    _trap("address_count", t.counts),
    _trap("percent", t.percentages),
    _trap("currency", t.currencies),
    _trap("course", t.courses),
    _trap("hospital", t.hospitals),
    _trap("company_supplier", c.companies),
    _trap("role_title", t.roles),
    _trap("flag", t.truths),
    _trap("sensor", t.readings),
    Kind("birth_trap", "DATE", _QUASI, c.makings, trap=True),
    _trap("name_file", t.files),
    _trap("zip_package", t.packages),
    _trap("road", t.roads),
    _trap("score", t.scores),
    Kind("free_text", None, None, t.remarks, trap=True),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.key: kind for kind in _ALL})
