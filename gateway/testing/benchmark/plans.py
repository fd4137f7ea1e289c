"""The forty tables of the benchmark: domain, title, and the kinds of their columns."""

from typing import Literal, NamedTuple, get_args

Domain = Literal["government", "health", "finance", "commerce"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)


class Plan(NamedTuple):
    """One table: the keys of its columns' kinds."""

    domain: Domain
    title: str
    kinds: tuple[str, ...]


_PLANS = """
government residents: person_name resident_id sex birth_date ethnicity address region mobile household_key relation education
government permits: person_name passport hk_permit country birth_date event_date serial_18 status department contact_phone
government vehicles: person_name plate vin resident_id mobile address event_date phone_type status price
government social-insurance: resident_id person_name person_key employer uscc income event_date status region quantity
government hotline: serial_18 person_name contact_phone region free_text department status event_time score flag
government schools: student_number person_name sex birth_date ethnicity address resident_id course score landline
government enterprises: uscc company_supplier org_code person_name landline postal_code address birth_trap amount_six status
government housing: person_name resident_id marital address region_code coordinates age_equipment amount_six event_date household_key
government aid: person_name age household_key income religion ethnicity education mobile bank_card medical_cost postal_code
government statistics: region region_code sex_ratio address_count percent quantity birth_year sensor amount_six road
health inpatients: medical_record person_name sex age diagnosis icd event_date hospital medical_cost blood_type
health outpatients: medical_record resident_id person_name birth_date allergy medication event_time hospital contact_phone flag
health examinations: person_name sex birth_date body_measure blood_type mobile employer occupation score event_date
health insurance-claims: resident_id medical_record icd diagnosis medical_cost bank_card event_date hospital serial_18 status
health vaccinations: person_name birth_date sex region landline phone_like product_name event_date hospital country
health psychiatry: medical_record person_name marital religion occupation education diagnosis medication free_text address
health blood-donors: person_name resident_id blood_type mobile email ethnicity event_date body_measure age department
health devices: product_name serial_18 phone_like version hospital event_date age_equipment sensor status price
health telemedicine: username wechat mobile email ip imei diagnosis event_time free_text phone_type
health registry: passport person_name_latin country phone_foreign icd sex birth_year postal_code hospital hash
finance customers: person_key person_name resident_id mobile email address occupation income education marital
finance accounts: bank_card person_name balance currency event_date status order_no person_key department percent
finance cards: credit_card person_name_latin country email phone_foreign event_date amount_six status balance iban
finance loans: person_name resident_id mobile income_class balance employer uscc address event_date score
finance payments: order_no bank_card event_time ip mac amount_six currency status phone_like phone_type
finance insurance: person_name birth_date sex resident_id contact_phone diagnosis medical_cost plate vin event_date
finance anti-fraud: ip imei mac coordinates mobile username scenario_code score flag event_time
finance securities: person_name resident_id bank_card postal_code address occupation age income qq event_date
finance foreign-clients: ssn person_name_latin iban email phone_foreign country birth_date passport url income
finance partners: company_supplier uscc org_code landline price amount_six status version name_file road
commerce orders: order_no product_name sku quantity price person_name mobile address event_time status
commerce members: person_key username email mobile birth_date sex wechat qq region email_verified
commerce catalogue: product_bare sku price quantity currency hotel percent company_supplier name_file version
commerce bookings: hotel person_name passport country event_date mobile order_no quantity price free_text
commerce deliveries: order_no phone_like contact_phone address coordinates latitude person_name event_time road status
commerce devices: imei mac ip version zip_package phone_type hash flag event_time coordinates
commerce campaigns: scenario_code email email_verified url region percent currency score event_date role_title
commerce staff: person_name person_key biometric mobile email department role_title income event_date taiwan_permit
commerce reviews: username free_text product_name score event_time sex_code age occupation region url
commerce warehouse: sku product_name quantity birth_trap sensor amount_six phone_like status hotel name_file
"""


def _read() -> tuple[Plan, ...]:
    plans = []
    for line in _PLANS.strip().splitlines():
        head, _, kinds = line.partition(":")
        domain, title = head.split()
        known = next(d for d in DOMAINS if d == domain)
        plans.append(Plan(known, title, tuple(kinds.split())))
    return tuple(plans)


PLANS = _read()
