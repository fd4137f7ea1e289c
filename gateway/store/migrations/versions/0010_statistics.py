"""Answers with differential privacy, budgets of privacy loss, and the ledger of what was spent."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("name", _name(), nullable=False),
        sa.Column("consumer", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=False),
        sa.Column("state", _name(), nullable=False),
        sa.Column("same", _name(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_answer"),
    )
    _index("answer", "consumer", "created")
    _index("answer", "dataset", "created")
    _index("answer", "state", "created")
    _index("answer", "same")
    _index("answer", "created", "name")
    op.create_table(
        "budget",
        sa.Column("name", _name(), nullable=False),
        sa.Column("dataset", _name(), nullable=True),
        sa.Column("recipient", _name(), nullable=True),
        sa.Column("project", _name(), nullable=True),
        sa.Column("state", _name(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_budget"),
    )
    for column in ("dataset", "recipient", "project"):
        _index("budget", column)
    op.create_table(
        "privacy_charge",
        sa.Column("budget", _name(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("answer", _name(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("refunded", sa.Integer(), nullable=False),
        sa.CheckConstraint("refunded IN (0, 1)", name="ck_privacy_charge_refunded_or_not"),
        _of_budget("privacy_charge"),
        sa.PrimaryKeyConstraint("budget", "sequence", name="pk_privacy_charge"),
    )
    _index("privacy_charge", "answer")
    op.create_table(
        "privacy_account",
        sa.Column("budget", _name(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        _of_budget("privacy_account"),
        sa.PrimaryKeyConstraint("budget", name="pk_privacy_account"),
    )
    op.create_table(
        "privacy_loss",
        sa.Column("budget", _name(), nullable=False),
        sa.Column("event", _name(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("count >= 0", name="ck_privacy_loss_not_negative"),
        _of_budget("privacy_loss"),
        sa.PrimaryKeyConstraint("budget", "event", name="pk_privacy_loss"),
    )
    statements = POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _name() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _of_budget(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["budget"], ["budget.name"], name=f"fk_{table}_budget")


# What the triggers refuse: removing a charge or changing it in any way but taking it back once,
# turning an account back, removing any of the three, and giving a budget's record another scope.

_CHANGED = """
    NEW.budget <> OLD.budget OR NEW.sequence <> OLD.sequence OR NEW.answer <> OLD.answer
    OR NEW.at <> OLD.at OR NEW.spent <> OLD.spent OR NEW.events <> OLD.events
    OR NEW.refunded < OLD.refunded
"""
_BACK = """
    NEW.budget <> OLD.budget OR NEW.charges < OLD.charges OR NEW.refunds < OLD.refunds
    OR NEW.sequence < OLD.sequence
"""
_MOVED = """
    NEW.name <> OLD.name OR NEW.revision <= OLD.revision
"""
_KEPT = ("privacy_charge", "privacy_account", "privacy_loss", "budget")
_GUARDED = (("privacy_charge", _CHANGED), ("privacy_account", _BACK), ("budget", _MOVED))

SQLITE = (
    *(
        f"""
        CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} WHEN {change}
        BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END
        """
        for table, change in _GUARDED
    ),
    *(
        f"""
        CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
        BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END
        """
        for table in _KEPT
    ),
    # REPLACE runs no delete triggers where recursive triggers are off.
    """
    CREATE TRIGGER privacy_charge_once BEFORE INSERT ON privacy_charge
    WHEN EXISTS (
        SELECT 1 FROM privacy_charge WHERE budget = NEW.budget AND sequence = NEW.sequence
    )
    BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END
    """,
    """
    CREATE TRIGGER privacy_account_once BEFORE INSERT ON privacy_account
    WHEN EXISTS (SELECT 1 FROM privacy_account WHERE budget = NEW.budget)
    BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END
    """,
    """
    CREATE TRIGGER privacy_loss_once BEFORE INSERT ON privacy_loss
    WHEN EXISTS (SELECT 1 FROM privacy_loss WHERE budget = NEW.budget AND event = NEW.event)
    BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END
    """,
    """
    CREATE TRIGGER budget_once BEFORE INSERT ON budget
    WHEN EXISTS (SELECT 1 FROM budget WHERE name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'there is one budget of a scope'); END
    """,
)

# gateway_append_only() is of the first migration.
POSTGRES = (
    *(
        f"""
        CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table}
        FOR EACH ROW WHEN ({change}) EXECUTE FUNCTION gateway_append_only()
        """
        for table, change in _GUARDED
    ),
    *(
        f"""
        CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION gateway_append_only()
        """
        for table in _KEPT
    ),
    *(
        f"""
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION gateway_append_only()
        """
        for table in _KEPT
    ),
)
