"""The vault of random tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "random_token",
        sa.Column("secret", name, nullable=False),
        sa.Column("lookup", name, nullable=False),
        sa.Column("token", name, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("secret", "lookup", name="pk_random_token"),
        sa.UniqueConstraint("secret", "token", name="uq_random_token_secret_token"),
        sqlite_with_rowid=False,
    )
