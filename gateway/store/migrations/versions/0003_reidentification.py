"""Requests for re-identification, and the keyed digests by which they are found again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reidentification",
        sa.Column("name", _name(), nullable=False),
        sa.Column("requester", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_reidentification"),
    )
    _index("reidentification", "requester", "created")
    _index("reidentification", "dataset", "created")
    _index("reidentification", "created", "name")
    op.create_table(
        "reversal_digest",
        sa.Column("reidentification", _name(), nullable=False),
        sa.Column("digest", _name(), nullable=False),
        sa.Column("subject", _name(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reidentification"],
            ["reidentification.name"],
            name="fk_reversal_digest_reidentification",
        ),
        sa.PrimaryKeyConstraint("reidentification", "digest", name="pk_reversal_digest"),
    )
    _index("reversal_digest", "digest")
    statements = POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _name() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


# What the triggers refuse: removing a request, or changing whose it is, when it was made and how
# many tokens it counts (the limits rest on these), or turning back one that has ended; and
# changing or removing a digest, by which the person concerned is found.

_MOVED = """
    NEW.name <> OLD.name OR NEW.requester <> OLD.requester OR NEW.dataset <> OLD.dataset
    OR NEW.tokens <> OLD.tokens OR NEW.created <> OLD.created OR NEW.revision <= OLD.revision
    OR (OLD.state IN ('answered', 'refused', 'expired') AND NEW.state <> OLD.state)
"""

SQLITE = (
    f"""
    CREATE TRIGGER reidentification_stays BEFORE UPDATE ON reidentification WHEN {_MOVED}
    BEGIN SELECT RAISE(ABORT, 'a request for re-identification only goes forward'); END
    """,
    """
    CREATE TRIGGER reidentification_no_delete BEFORE DELETE ON reidentification
    BEGIN SELECT RAISE(ABORT, 'a request for re-identification cannot be removed'); END
    """,
    # REPLACE runs no delete triggers where recursive triggers are off.
    """
    CREATE TRIGGER reidentification_once BEFORE INSERT ON reidentification
    WHEN EXISTS (SELECT 1 FROM reidentification WHERE name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'a request for re-identification is made once'); END
    """,
    """
    CREATE TRIGGER reversal_digest_no_update BEFORE UPDATE ON reversal_digest
    BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END
    """,
    """
    CREATE TRIGGER reversal_digest_no_delete BEFORE DELETE ON reversal_digest
    BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END
    """,
)

# gateway_append_only() is of the first migration.
POSTGRES = (
    f"""
    CREATE TRIGGER reidentification_stays BEFORE UPDATE ON reidentification
    FOR EACH ROW WHEN ({_MOVED}) EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER reidentification_no_delete BEFORE DELETE ON reidentification
    FOR EACH ROW EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER reidentification_no_truncate BEFORE TRUNCATE ON reidentification
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER reversal_digest_no_change BEFORE UPDATE OR DELETE ON reversal_digest
    FOR EACH ROW EXECUTE FUNCTION gateway_append_only()
    """,
    """
    CREATE TRIGGER reversal_digest_no_truncate BEFORE TRUNCATE ON reversal_digest
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_append_only()
    """,
)
