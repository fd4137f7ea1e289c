"""Which grants a change of verdicts affects, so that they can be listed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("access_grant") as table:
        table.add_column(sa.Column("affected", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("access_grant") as table:
        table.alter_column("affected", server_default=None)
