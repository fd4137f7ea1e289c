"""The pages on grading show what the files of the standards say."""

from pathlib import Path

import pytest

from gateway.norms.standards import standards
from gateway.norms.tables import tables

DOCS = Path(__file__).parents[3] / "docs"
TABLES = tables(standards())


@pytest.mark.parametrize("title", TABLES)
def test_the_docs_show_the_tables(title: str) -> None:
    pages = [(DOCS / name).read_text("utf-8") for name in ("classification.md", "grading.md")]
    assert any(f"\n\n{TABLES[title]}\n\n" in page for page in pages), (
        f"docs/classification.md or docs/grading.md does not show the table of {title}: "
        "write gateway.norms.tables.tables(standards()) into it"
    )
