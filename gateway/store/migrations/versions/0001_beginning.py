"""The first tables, and the triggers that keep the log and the ledger from being rewritten."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GENESIS = "0" * 64


def upgrade() -> None:
    _records()
    _releases()
    _ledger()
    _log()
    if op.get_bind().dialect.name == "postgresql":
        _run(POSTGRES)
    else:
        _run(SQLITE)


def _name() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _records() -> None:
    op.create_table(
        "party",
        sa.Column("name", _name(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_party"),
    )
    op.create_table(
        "party_subject",
        sa.Column("subject", _name(), nullable=False),
        sa.Column("party", _name(), nullable=False),
        sa.ForeignKeyConstraint(["party"], ["party.name"], name="fk_party_subject_party"),
        sa.PrimaryKeyConstraint("subject", name="pk_party_subject"),
    )
    op.create_index("ix_party_subject_party", "party_subject", ["party"])
    op.create_table(
        "dataset",
        sa.Column("name", _name(), nullable=False),
        sa.Column("holder", _name(), nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_dataset"),
    )
    op.create_index("ix_dataset_holder", "dataset", ["holder"])
    op.create_table(
        "policy",
        sa.Column("name", _name(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_policy"),
    )
    op.create_index("ix_policy_state", "policy", ["state"])
    op.create_table(
        "access_grant",
        sa.Column("name", _name(), nullable=False),
        sa.Column("consumer", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_access_grant"),
    )
    _index("access_grant", "consumer", "dataset", "created")
    _index("access_grant", "dataset", "created")
    _index("access_grant", "created", "name")


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("name", _name(), nullable=False),
        sa.Column("consumer", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_release"),
    )
    _index("release", "consumer", "created")
    _index("release", "dataset", "created")
    _index("release", "state", "created")
    _index("release", "created", "name")
    op.create_table(
        "lease",
        sa.Column("release", _name(), nullable=False),
        sa.Column("owner", _name(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("release", name="pk_lease"),
    )
    op.create_table(
        "remembered",
        sa.Column("party", _name(), nullable=False),
        sa.Column("method", _name(), nullable=False),
        sa.Column("request_id", _name(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party", "method", "request_id", name="pk_remembered"),
    )


def _ledger() -> None:
    op.create_table(
        "charge",
        sa.Column("release", _name(), nullable=False),
        sa.Column("consumer", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rows >= 0", name="ck_charge_not_negative"),
        sa.PrimaryKeyConstraint("release", name="pk_charge"),
    )
    _index("charge", "consumer", "dataset", "at")
    op.create_table(
        "data_key",
        sa.Column("resource", _name(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resource", name="pk_data_key"),
    )


def _log() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": GENESIS, "at": 0}])


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _run(statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


# What the triggers refuse: changing or removing an audit entry, adding one out of sequence (which
# also stops SQLite's REPLACE), removing a charge, raising it or moving it to somebody else, and
# removing or turning back the head. They stop mistakes and injected statements; somebody who may
# change the schema can drop them, and is found by the hash chain and the signed checkpoints.

SQLITE = (
    """
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TRIGGER audit_in_sequence BEFORE INSERT ON audit
    WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'audit entries are numbered without gaps'); END
    """,
    """
    CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head
    WHEN NEW.id <> OLD.id OR NEW.sequence <= OLD.sequence OR NEW.at < OLD.at
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log only moves forward'); END
    """,
    """
    CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log stays'); END
    """,
    """
    CREATE TRIGGER charge_only_lower BEFORE UPDATE ON charge
    WHEN NEW.rows > OLD.rows OR NEW.release <> OLD.release OR NEW.consumer <> OLD.consumer
        OR NEW.dataset <> OLD.dataset OR NEW.at <> OLD.at
    BEGIN SELECT RAISE(ABORT, 'a charge can only be lowered'); END
    """,
    """
    CREATE TRIGGER charge_no_delete BEFORE DELETE ON charge
    BEGIN SELECT RAISE(ABORT, 'a charge cannot be removed'); END
    """,
    """
    CREATE TRIGGER charge_once BEFORE INSERT ON charge
    WHEN EXISTS (SELECT 1 FROM charge WHERE release = NEW.release)
    BEGIN SELECT RAISE(ABORT, 'a release is charged once'); END
    """,
)

_REFUSE = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{text}'; END $$
"""

POSTGRES = (
    _REFUSE.format(name="gateway_append_only", text="this table is append-only"),
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE FUNCTION gateway_audit_in_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM audit) THEN
            RAISE EXCEPTION 'audit entries are numbered without gaps';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_in_sequence BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION gateway_audit_in_sequence()
    """,
    """
    CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head
    FOR EACH ROW WHEN (NEW.id <> OLD.id OR NEW.sequence <= OLD.sequence OR NEW.at < OLD.at)
    EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER audit_head_no_truncate BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_append_only()
    """,
    _REFUSE.format(name="gateway_charge_only_lower", text="a charge can only be lowered"),
    """
    CREATE TRIGGER charge_only_lower BEFORE UPDATE ON charge
    FOR EACH ROW WHEN (
        NEW.rows > OLD.rows OR NEW.release <> OLD.release OR NEW.consumer <> OLD.consumer
        OR NEW.dataset <> OLD.dataset OR NEW.at <> OLD.at
    ) EXECUTE FUNCTION gateway_charge_only_lower()
    """,
    """
    CREATE TRIGGER charge_no_delete BEFORE DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION gateway_charge_only_lower()
    """,
    """
    CREATE TRIGGER charge_no_truncate BEFORE TRUNCATE ON charge
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_charge_only_lower()
    """,
)
