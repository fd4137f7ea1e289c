"""The page for officers: nothing of the data unmasked, nothing from elsewhere, nothing that runs."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gateway.app.examples import candidates, masked
from gateway.cli.classification import Classification
from gateway.cli.classification_page import page
from gateway.cli.grade_chart import Bar, grade_chart
from gateway.cli.main import program
from gateway.model.catalog import Column
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.norms.standards import standards
from gateway.testing import residents

EVIL = '<img src=x onerror="alert(1)">&amp;\'"'
VOID = {"meta"}


class Reader(HTMLParser):
    """Reads the page as a browser would, and holds it to what is allowed in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.style = ""
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def made(tmp_path: Path) -> tuple[pa.Table, str]:
    """A table with odd names and values in it, and its page."""
    people = residents(400, 7)
    table = people.append_column(EVIL, pa.array([EVIL] * 400))
    table = table.append_column("\u202eקוד", pa.array([EVIL, "שלום\u200f"] * 200))
    table = table.append_column("备注", people["address"])
    pq.write_table(table, tmp_path / "people.parquet")
    arguments = ["classify", str(tmp_path / "people.parquet"), "--html", str(tmp_path / "p.html")]
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 0, result.exception
    return table, (tmp_path / "p.html").read_text("utf-8")


def test_nothing_is_fetched_and_nothing_runs(made: tuple[pa.Table, str]) -> None:
    reader = read(made[1])
    assert reader.tags <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "dl", "div",
        "dt", "dd", "ul", "ol", "li", "strong", "bdi", "span", "table", "thead", "tbody", "tr",
        "th", "td", "svg", "text", "rect",
    }  # fmt: skip
    names = {name for name, _ in reader.attributes}
    assert not names & {"style", "src", "href", "srcset", "action", "data", "background"}
    assert not any(name.startswith("on") or ":" in name for name in names)
    assert not re.search(r"url\(|@import|https?:|//", reader.style)
    assert not any("://" in value for _, value in reader.attributes)


def test_its_own_policy_lets_it_use_its_own_style_alone(made: tuple[pa.Table, str]) -> None:
    reader = read(made[1])
    digest = base64.b64encode(hashlib.sha256(reader.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reader.policy
    assert "default-src 'none'" in reader.policy
    assert "unsafe" not in reader.policy


def test_text_from_the_file_stays_text(made: tuple[pa.Table, str]) -> None:
    text = made[1]
    assert EVIL in read(text).text
    assert EVIL not in text
    assert "\u202e" not in text
    assert "⟨U+202E⟩קוד" in read(text).text


def test_no_value_is_there_unmasked(made: tuple[pa.Table, str]) -> None:
    table, text = made
    seen = [piece.strip() for piece in read(text).text]
    # What the gateway itself has to say may be the same word as a value.
    for name in table.column_names:
        for value in set(map(str, table[name].to_pylist())):
            # Sexes and districts are words that stand in the page for other reasons, if at all.
            if len(value) > 5 and value != EVIL:
                assert value not in text, name
            elif name in ("name", "district"):
                assert value not in seen


def test_examples_are_there_of_known_columns_alone(made: tuple[pa.Table, str]) -> None:
    text = made[1]
    known = text.split("<tbody>")[1]
    rows = re.findall(r"<tr.*?</tr>", known, re.DOTALL)
    for row in rows:
        examples = row.rsplit("<td>", 1)[1]
        if 'class="unknown"' in row:
            assert "bdi" not in examples
    assert sum("***" in row for row in rows) > 4


@pytest.mark.parametrize("entity", sorted(ENTITIES))
@pytest.mark.parametrize("role", ColumnRole)
def test_a_masked_value_is_never_the_value(entity: str, role: ColumnRole) -> None:
    values = pa.array(
        ["张", "张三", "欧阳小明", "13812345678", "a@b.example", "x", "", " ", "***", "*", "男",
         "2024-01-02", "汐川市临汐区揽月大道63号", "110101199001011234", "Ann Lee", "张**"]
    )  # fmt: skip
    column = Column(name="c", type="string", entity=entity, grade=Grade.GENERAL_2, role=role)
    for value in values.to_pylist():
        shown = masked(column, pa.array([value]))
        assert value not in shown or value == "***"
        assert all("*" in text for text in shown)
        # What a form does not know is hidden, and not left out.
        assert shown or not value.strip()


def test_dates_keep_their_year_numbers_their_first_digit_and_the_unknown_nothing() -> None:
    born = Column(
        name="b", type="date32[day]", entity="BIRTH_DATE", grade=Grade.GENERAL_3,
        role=ColumnRole.QUASI_IDENTIFIER,
    )  # fmt: skip
    days = pa.array([7000, 8000]).cast(pa.int32()).cast(pa.date32())
    assert masked(born, candidates(days)) == ("1989", "1991")
    numbers = born.but(entity="AGE", type="int64")
    assert masked(numbers, candidates(pa.array([35, 7]))) == ("3***", "***")
    assert masked(Column(name="u", type="string"), pa.array(["x"])) == ()
    assert len(candidates(pa.array([b"x"]))) == 0
    assert candidates(pa.array(["x" * 1000, "y"])).to_pylist() == ["y"]


def test_what_stands_among_dates_and_is_none_shows_nothing() -> None:
    day = Column(
        name="d", type="string", entity="DATE", grade=Grade.GENERAL_2,
        role=ColumnRole.QUASI_IDENTIFIER,
    )  # fmt: skip
    values = pa.array(
        ["2021-05-06", "13812345678", "110101199001011237", "2020年3月1日 13812345678"]
    )
    assert masked(day, values) == ("2021***", "***")


@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_a_page_without_questions_or_columns_is_whole(language: str) -> None:
    standard = standards()["gbt-43697-2024"]
    empty = Classification.of("datasets/x", [], None, standard, registered=True)
    reader = read(page(empty, language))  # type: ignore[arg-type]
    assert "examples, masked" not in reader.text


def test_a_chart_shows_what_there_is() -> None:
    chart = grade_chart(
        [Bar("a", 10_000, "#000000"), Bar("b", 1, "#000000"), Bar("c", 0, "#000000")], "t"
    )
    widths = [float(bar.get("width", "")) for bar in chart.iter("rect")]
    assert widths[0] > widths[1] > widths[2] == 0
    assert chart.get("aria-label") == "t. a: 10000; b: 1; c: 0"


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: the page is not looked at in a browser"
)
def test_a_browser_shows_it_without_a_complaint(made: tuple[pa.Table, str], tmp_path: Path) -> None:
    assert CHROMIUM is not None
    # No host is found by any name, and a picture that loads would say so in its own page.
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
             f"--user-data-dir={tmp_path}/profile", "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip
    file = (tmp_path / "p.html").as_uri()
    shown = subprocess.run(
        [CHROMIUM, *flags, "--dump-dom", file],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "CONSOLE" not in shown.stderr  # where a refused style or script would be
    assert "<script" not in shown.stdout
    assert read(shown.stdout).tags == read(made[1]).tags
    picture = tmp_path / "p.png"
    subprocess.run(
        [CHROMIUM, *flags, f"--screenshot={picture}", "--window-size=1200,900", file],
        capture_output=True, timeout=90, check=True,
    )  # fmt: skip
    assert picture.stat().st_size > 20_000
