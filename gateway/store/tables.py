"""The tables of the store: a noun's JSON beside the few columns that lists and filters need.

No table holds a cell value of a data set, with two exceptions: the row filters of a policy and the
filters of a request are conditions with values, and they are part of the policy's and the release's
body; the vault of random tokens holds values encrypted under keys that lie wrapped. Keys are kept wrapped (see keyring).

Moments in columns are microseconds since 1970 in UTC: exact, and ordered alike in both databases.
Text that is compared or ordered has the collation C, so that SQLite and PostgreSQL agree.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The row's own number in SQLite, which saves an index.
_Sequence = BigInteger().with_variant(Integer(), "sqlite")
_Name = Text().with_variant(Text(collation="C"), "postgresql")

party = Table(
    "party",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("body", Text, nullable=False),
)

party_subject = Table(
    "party_subject",
    metadata,
    Column("subject", _Name, primary_key=True),
    Column("party", _Name, ForeignKey("party.name"), nullable=False, index=True),
)

dataset = Table(
    "dataset",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("holder", _Name, nullable=False, index=True),
    Column("state", _Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rules", _Name, nullable=False),  # under which its verdicts were made; empty: none yet
    Column("lapses", BigInteger, nullable=True, index=True),  # its next declaration
    Column("search", Text, nullable=False),  # folded text of what a search looks at
    Column("body", Text, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", _Name, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

grant = Table(
    "access_grant",  # GRANT is a word of SQL
    metadata,
    Column("name", _Name, primary_key=True),
    Column("consumer", _Name, nullable=False),
    Column("dataset", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("affected", Integer, nullable=False),  # 1 when a change of verdicts took something away
    Column("body", Text, nullable=False),
    Index(None, "consumer", "dataset", "created"),
    Index(None, "dataset", "created"),
    Index(None, "created", "name"),
)

release = Table(
    "release",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("consumer", _Name, nullable=False),
    Column("dataset", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "consumer", "created"),
    Index(None, "dataset", "created"),
    Index(None, "state", "created"),
    Index(None, "created", "name"),
)

classification = Table(
    "classification",
    metadata,
    Column("dataset", _Name, primary_key=True),
    Column("state", _Name, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "state", "updated"),
)

recoding = Table(
    "recoding",
    metadata,
    Column("dataset", _Name, primary_key=True),
    Column("fingerprint", _Name, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("created", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("resource", _Name, primary_key=True),  # a release, a data set to classify, a recoding
    Column("owner", _Name, nullable=False),
    Column("until", BigInteger, nullable=False),
)

remembered = Table(
    "remembered",
    metadata,
    Column("party", _Name, primary_key=True),
    Column("method", _Name, primary_key=True),
    Column("request_id", _Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("resource", Text, nullable=False),
)

charge = Table(
    "charge",
    metadata,
    Column("release", _Name, primary_key=True),
    Column("consumer", _Name, nullable=False),
    Column("dataset", _Name, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("rows >= 0", name="not_negative"),
    Index(None, "consumer", "dataset", "at"),
)

data_key = Table(
    "data_key",
    metadata,
    Column("resource", _Name, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

key_domain = Table(
    "key_domain",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("state", _Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

random_token = Table(
    "random_token",
    metadata,
    Column("secret", _Name, primary_key=True),  # KeyDomain.secret of the version in use
    Column("lookup", _Name, primary_key=True),  # a MAC of the value, hexadecimal
    Column("token", _Name, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the value, encrypted
    UniqueConstraint("secret", "token"),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", _Sequence, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # canonical form of the entry
)

# One row. Whoever writes anything locks it first: that serialises writers across processes.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

reidentification = Table(
    "reidentification",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("requester", _Name, nullable=False),
    Column("dataset", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "requester", "created"),
    Index(None, "dataset", "created"),
    Index(None, "created", "name"),
)

# By these a request is found again for a token or a person: keyed digests, never the thing itself.
reversal_digest = Table(
    "reversal_digest",
    metadata,
    Column(
        "reidentification",
        _Name,
        ForeignKey("reidentification.name"),
        primary_key=True,
    ),
    Column("digest", _Name, primary_key=True),
    Column("subject", _Name, nullable=False),  # "token" or "person"
    Index(None, "digest"),
)

# One row a search, so that nobody finds values by trying them.
reversal_search = Table(
    "reversal_search",
    metadata,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("party", _Name, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "party", "at"),
)

answer = Table(
    "answer",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("consumer", _Name, nullable=False),
    Column("dataset", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("same", _Name, nullable=False),  # what is the same for the same question; empty: denied
    Column("created", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "consumer", "created"),
    Index(None, "dataset", "created"),
    Index(None, "state", "created"),
    Index(None, "same"),
    Index(None, "created", "name"),
)

budget = Table(
    "budget",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("dataset", _Name, nullable=True, index=True),
    Column("recipient", _Name, nullable=True, index=True),
    Column("project", _Name, nullable=True, index=True),
    Column("state", _Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

# One row for every budget that an answer is charged to. Append-only, but for taking one back.
privacy_charge = Table(
    "privacy_charge",
    metadata,
    Column("budget", _Name, ForeignKey("budget.name"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),  # of the audit entry
    Column("answer", _Name, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("spent", Text, nullable=False),  # in all after it
    Column("events", Text, nullable=False),
    Column("refunded", Integer, nullable=False),
    CheckConstraint("refunded IN (0, 1)", name="refunded_or_not"),
)

# How far a budget's ledger is: what somebody who read it earlier has missed begins there.
privacy_account = Table(
    "privacy_account",
    metadata,
    Column("budget", _Name, ForeignKey("budget.name"), primary_key=True),
    Column("charges", BigInteger, nullable=False),
    Column("refunds", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("spent", Text, nullable=False),
)

# All events of a budget, each kind once: what its loss is composed of.
privacy_loss = Table(
    "privacy_loss",
    metadata,
    Column("budget", _Name, ForeignKey("budget.name"), primary_key=True),
    Column("event", _Name, primary_key=True),  # digest of the body
    Column("count", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("count >= 0", name="not_negative"),
)
