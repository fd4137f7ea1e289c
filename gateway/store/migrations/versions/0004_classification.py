"""Classification as work that is found in the store, and leases for more than releases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "classification",
        sa.Column("dataset", name, nullable=False),
        sa.Column("state", name, nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", name="pk_classification"),
    )
    op.create_index("ix_classification_state_updated", "classification", ["state", "updated"])
    with op.batch_alter_table("dataset") as table:
        table.add_column(sa.Column("rules", name, nullable=False, server_default=""))
        table.add_column(sa.Column("lapses", sa.BigInteger(), nullable=True))
        table.create_index("ix_dataset_lapses", ["lapses"])
    with op.batch_alter_table("dataset") as table:
        table.alter_column("rules", server_default=None)
    op.execute('ALTER TABLE lease RENAME COLUMN "release" TO resource')
