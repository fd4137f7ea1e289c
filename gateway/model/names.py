"""Resource names, identifiers, and the closed vocabularies that everything else speaks."""

import re
from enum import StrEnum

_IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]")


class Role(StrEnum):
    """What a party may do; a party has exactly one (separation of duties)."""

    HOLDER = "holder"
    CONSUMER = "consumer"
    OFFICER = "officer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class RecipientKind(StrEnum):
    """What kind of organisation a party is; policies match on the recipient's kind."""

    GOVERNMENT = "government"
    PUBLIC_INSTITUTION = "public_institution"
    RESEARCH = "research"
    COMMERCIAL = "commercial"
    PUBLIC = "public"


class ColumnRole(StrEnum):
    """GB/T 37964 role of a column."""

    DIRECT_IDENTIFIER = "direct_identifier"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE = "sensitive"
    OTHER = "other"

    def at_least(self, other: "ColumnRole") -> bool:
        """Whether what has this role is guarded no less than what has the other."""
        return _STRICTNESS.index(self) >= _STRICTNESS.index(other)


_STRICTNESS = (
    ColumnRole.OTHER,
    ColumnRole.QUASI_IDENTIFIER,
    ColumnRole.SENSITIVE,
    ColumnRole.DIRECT_IDENTIFIER,
)


ENTITIES: frozenset[str] = frozenset(
    """
    PERSON CN_RESIDENT_ID CN_USCC CN_ORG_CODE CN_MOBILE CN_LANDLINE CN_BANK_CARD
    CN_LICENSE_PLATE CN_PASSPORT CN_HK_MACAU_PERMIT CN_TAIWAN_PERMIT CN_POSTAL_CODE ADDRESS
    REGION EMAIL_ADDRESS IP_ADDRESS MAC_ADDRESS URL IMEI VIN COORDINATES WECHAT_ID QQ_NUMBER
    MEDICAL_RECORD_NUMBER STUDENT_NUMBER BIRTH_DATE DATE AGE SEX ETHNICITY RELIGION
    MARITAL_STATUS EDUCATION OCCUPATION EMPLOYER INCOME ACCOUNT_BALANCE DIAGNOSIS BIOMETRIC
    CREDIT_CARD IBAN_CODE US_SSN CRYPTO PHONE_NUMBER US_PASSPORT US_DRIVER_LICENSE
    US_BANK_NUMBER US_ITIN UK_NHS UK_NINO MEDICAL_LICENSE NRP LOCATION DATE_TIME NONE
    """.split()
)


def is_identifier(text: str) -> bool:
    """Whether ``text`` may be the last part of a resource name: 3–63 of a-z, 0-9 and hyphen."""
    return _IDENTIFIER.fullmatch(text) is not None


def resource(collection: str, identifier: str) -> str:
    """``datasets`` + ``residents`` → ``datasets/residents``; ValueError when malformed."""
    if not is_identifier(identifier):
        raise ValueError(
            f"an identifier of {collection} has 3 to 63 characters a-z, 0-9 and hyphen, "
            "starts with a letter and does not end with a hyphen"
        )
    return f"{collection}/{identifier}"


def identifier(name: str, collection: str) -> str:
    """``datasets/residents`` → ``residents``; ValueError when it is not of that collection."""
    prefix, slash, rest = name.partition("/")
    if not slash or prefix != collection or not is_identifier(rest):
        raise ValueError(f"expected a name such as {collection}/example-1")
    return rest
