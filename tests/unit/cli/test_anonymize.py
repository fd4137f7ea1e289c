"""``gateway anonymize``: what it prints and writes, and how it refuses what it cannot do."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from gateway.cli import anonymize
from gateway.cli.main import program
from gateway.errors import AlreadyExists, CheckFailed, GatewayError, InvalidRequest
from gateway.model.anonymity import LDiversity
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.problem import Problem, Watch
from gateway.transform.anonymize.recoding import Recoding

ROOT = Path(__file__).parents[3]
PEOPLE = """age;city;illness
31;Linxi;flu
33;Linxi;gout
31;Linxi;flu
58;Beian;flu
57;Beian;gout
59;Beian;flu
90;Donghe;gout
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["anonymize", *(str(argument) for argument in arguments)])


def refused(*arguments: object) -> GatewayError:
    error = run(*arguments).exception
    assert isinstance(error, GatewayError), error
    return error


def test_what_is_written_has_the_models_and_the_json_says_all_of_it(people: Path) -> None:
    output = people.with_name("out.csv")
    done = run(
        people, "--qi", "age,city", "--k", 3, "--l", "illness=2", "--suppression", "0.2",
        "-o", output, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {
        "method", "metric", "value", "levels", "suppressed", "classes", "proven_optimal", "seconds"
    } <= set(told)  # fmt: skip
    assert (told["method"], told["metric"], told["proven_optimal"]) == ("full-domain", "loss", True)
    assert told["suppressed"] == 1
    assert told["classes"] == 2
    assert [found["holds"] for found in told["verified"]] == [True, True]
    released = pv.read_csv(output, parse_options=pv.ParseOptions(delimiter=";"))
    sizes = released.group_by(["age", "city"]).aggregate([([], "count_all")])
    assert min(sizes.column("count_all").to_pylist()) >= 3
    # In the order of the file, sensitive values as they were.
    assert released.column("illness").to_pylist() == ["flu", "gout", "flu", "flu", "gout", "flu"]
    assert told["hierarchies"]["age"]["from"].startswith("proposed")
    assert "were proposed from the values" in " ".join(done.stderr.split())


def test_hierarchies_from_a_folder_are_used_and_their_columns_stay_text(people: Path) -> None:
    folder = people.parent / "trees"
    folder.mkdir()
    (folder / "people_hierarchy_age.csv").write_text(
        "".join(f"{age};{'young' if age < 50 else 'old'};*\n" for age in range(30, 91))
    )
    (folder / "city.csv").write_text("Linxi;*\nBeian;*\nDonghe;*\n")
    output = people.with_name("out.parquet")
    done = run(
        people, "--qi", "age,city", "--k", "3", "--hierarchies", folder, "-o", output, "--json"
    )
    told = json.loads(done.stdout)
    assert told["levels"] == {"age": 1, "city": 1}
    assert set(pq.read_table(output).column("age").to_pylist()) == {"young", "old"}


@pytest.mark.parametrize(
    ("records", "options", "said"),
    [
        ("30,a", ["--k", "2"], "no k can be reached"),
        ("30,a\n31,a\n", ["--l", "illness=2"], "no l can be reached"),
    ],
)
def test_where_no_setting_can_be_reached_it_says_so(
    tmp_path: Path, records: str, options: list[str], said: str
) -> None:
    file = tmp_path / "few.csv"
    file.write_text(f"age,illness\n{records}\n")
    error = refused(file, "--qi", "age", *options, "-o", tmp_path / "out.csv")
    assert said in error.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--qi", "age,nowhere", "--k", "2"], "nowhere: the table has no such column"),
        (["--qi", "age,age", "--k", "2"], "named twice: age"),
        (["--qi", "age"], "name at least one privacy model"),
        (["--qi", "age", "--k", "1"], "--k: k is at least 2"),
        (["--qi", "age", "--k", "8"], "k = 8 is more than the 7 records of the table"),
        (["--qi", "age", "--l", "illness"], "--l: write NAME=VALUE"),
        (["--qi", "age", "--l", "illness=3"], "nearest that can be reached is l = 2"),
        (["--qi", "age", "--l", "age=2"], "sensitive and cannot be a quasi-identifier"),
        (["--qi", "age", "--k", "2", "--suppression", "2"], "--suppression: a share such as 0.04"),
        (
            ["--qi", "age", "--k", "2", "--model", "magic:x=1"],
            "--model: there is no such model; there are k_anonymity,",
        ),
        (["--qi", "age", "--k", "2", "--suppression", "4%"], "--suppression: a share such as 0.04"),
        (["--qi", "age", "--l", "illness=two"], "--l: l is a number, such as 2 or 0.2"),
        (["--qi", "age", "--t", "illness=2"], "--t: t is a share: from 0 to 1"),
        (["--qi", "age", "--model", "l_diversity:column=illness"], "--model: l is missing"),
        (["--qi", "age", "--k", "2", "--delimiter", ";;"], "--delimiter: is one character"),
        (["--qi", "age", "--k", "2", "--delimiter", ""], "--delimiter: is one character"),
        (["--qi", "age", "--k", "2", "--hierarchies", "nowhere"], "is not a folder"),
        (["--qi", "age", "--k", "2", "--weight", "city=2"], "weights of no quasi-identifier"),
        (
            ["--qi", "age", "--k", "2", "--weight", "age=2", "--metric", "discernibility"],
            "counts classes and not columns",
        ),
        (["--qi", "age", "--model", "k_map:k=2,population=all"], "there is no such table"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    people: Path, options: list[str], said: str
) -> None:
    output = people.with_name("out.csv")
    error = refused(people, *options, "-o", output)
    assert isinstance(error, InvalidRequest)
    assert said in error.message
    assert "Linxi" not in error.message
    assert not output.exists()


def test_an_unknown_column_is_told_once(people: Path) -> None:
    error = refused(people, "--qi", "age,nowhere", "--k", 2, "-o", people.with_name("out.csv"))
    assert error.message.count("nowhere") == 1


def test_hints_name_eight_columns_and_count_the_others(tmp_path: Path) -> None:
    file, names = tmp_path / "wide.csv", [f"c{number}" for number in range(11)]
    file.write_text(",".join(names) + "\n" + 4 * (",".join("1" for _ in names) + "\n"))
    shown = run(file, "--qi", ",".join(names), "--k", 2, "-o", tmp_path / "out.csv")
    assert "c7 and 3 more were proposed" in " ".join(shown.stderr.split())


def test_records_alone_are_told_of_without_levels(people: Path) -> None:
    output = people.with_name("out.csv")
    error = refused(people, "--qi", "age,city", "--k", 2, "--method", "records", "-o", output)
    assert "by leaving records out alone within the limit; take full_domain" in error.message
    assert "or permit a suppression of 0.7143" in error.message
    assert "level" not in error.message


@pytest.mark.parametrize(
    "values",
    [
        pa.array([0.0, -0.0, 0.0, 0.0, 1.0, 2.0]),
        pa.array([-0.0, 0.0, 0.0, 0.0, 1.0, 2.0], pa.float32()),
        pa.array([None, None, float("nan"), 1.0, 2.0, 1.0]),
        pa.array(["", None, "", "a", "b", "a"]),
        pa.array(["", None, "", "a", "b", "a"], pa.large_string()),
        pa.array(["", None, "", "a", "b", "a"]).dictionary_encode(),
    ],
)
def test_two_ways_to_write_one_value_are_no_diversity(tmp_path: Path, values: pa.Array) -> None:
    """The first three records have one value, so a class of theirs is not diverse."""
    file, output = tmp_path / "people.parquet", tmp_path / "out.parquet"
    table = pa.table({"age": ["a", "a", "a", "b", "b", "b"], "s": values})
    pq.write_table(table, file)
    asked = LDiversity(column="s", l="2")
    [verdict] = verify(table.to_reader(), ["age"], [asked])
    assert (verdict.holds, verdict.figure) == (False, "1")
    done = run(file, "--qi", "age", "--k", 3, "--l", "s=2", "-o", output)
    assert done.exit_code == 0, done.exception
    assert pq.read_table(output)["age"].to_pylist() == ["*"] * 6


def test_values_that_differ_in_spaces_alone_are_told(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("age,s\n1,flu\n1,flu \n1,gout\n1,flu\n")
    shown = run(file, "--qi", "age", "--l", "s=2", "-o", tmp_path / "out.csv")
    assert "s: some of its values differ in spaces alone" in " ".join(shown.stderr.split())


def test_days_lose_less_by_ranges_than_by_one_level(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    days = [
        f"19{40 + row * 7 % 60}-{1 + row * 5 % 12:02}-{1 + row * 11 % 28:02}" for row in range(300)
    ]
    file.write_text(
        "born,sex\n" + "".join(f"{day},{'fm'[row % 2]}\n" for row, day in enumerate(days))
    )
    lost = {}
    for method in ("full-domain", "local"):
        output = tmp_path / f"{method}.csv"
        done = run(file, "--qi", "born,sex", "--k", 5, "--method", method, "-o", output, "--json")
        lost[method] = json.loads(done.stdout)["value"]
        assert "one level a column loses less" not in done.stderr
    assert lost["local"] < lost["full-domain"]
    published = pv.read_csv(output).column("born").to_pylist()
    assert all(
        one.startswith("[19") and len(one) == len("[1940-01-01, 1940-01-01]") for one in published
    )


def test_local_recoding_that_loses_more_says_so(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = anonymize.local_recoding

    def worse(problem: Problem, watch: Watch) -> Recoding:
        return replace(real(problem, watch), value=9.0)

    monkeypatch.setitem(anonymize._METHODS, "local", ("local", worse))
    output = people.with_name("out.csv")
    done = run(people, "--qi", "age,city", "--k", 2, "--method", "local", "-o", output)
    assert "against 9.0000 (--method full-domain)" in " ".join(done.stderr.split())


def test_a_hierarchy_that_misses_a_value_names_the_row(people: Path) -> None:
    (people.parent / "age.csv").write_text("31;*\n33;*\n")
    error = refused(
        people, "--qi", "age", "--k", "2", "--hierarchies", people.parent,
        "-o", people.with_name("out.csv"),
    )  # fmt: skip
    assert "age: the value in row 4 of the table is not in the hierarchy" in error.message


def test_columns_that_nothing_is_asked_of_are_named_or_dropped(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,age\nAn,31\nBo,31\n")
    done = run(file, "--qi", "age", "--k", "2", "-o", tmp_path / "a.csv", "--json")
    assert json.loads(done.stdout)["left_as_they_are"] == ["name"]
    assert "left as they are: name" in " ".join(done.stderr.split())
    run(file, "--qi", "age", "--k", "2", "--drop", "name", "-o", tmp_path / "b.csv")
    assert pv.read_csv(tmp_path / "b.csv").column_names == ["age"]
    for wrong in ("nowhere", "age"):
        refused(file, "--qi", "age", "--k", "2", "--drop", wrong, "-o", tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()


def test_a_population_needs_one_level_a_column(people: Path) -> None:
    said = refused(
        people, "--qi", "age", "--k", "2", "--method", "local", "--population", f"city={people}",
        "-o", people.with_name("out.csv"),
    ).message  # fmt: skip
    assert "only with --method full-domain" in said


def test_nothing_is_overwritten_and_the_kind_of_file_is_known(people: Path) -> None:
    before = people.read_text()
    assert isinstance(refused(people, "--qi", "age", "--k", "2", "-o", people), AlreadyExists)
    assert people.read_text() == before
    said = refused(people, "--qi", "age", "--k", "2", "-o", people.with_name("out.xlsx")).message
    assert "end it in .csv, .parquet, .arrows" in said


def test_nulls_are_a_value_that_is_hidden_with_the_others(tmp_path: Path) -> None:
    file, output = tmp_path / "people.parquet", tmp_path / "out.parquet"
    ages = [31, 31, None, None, 47]
    pq.write_table(pa.table({"age": ages, "illness": ["a", None, "b", None, "b"]}), file)
    done = run(file, "--qi", "age", "--k", "2", "--suppression", "0.2", "-o", output, "--json")
    assert json.loads(done.stdout)["levels"] == {"age": 0}
    assert pq.read_table(output).column("age").to_pylist() == [31, 31, None, None]
    output.unlink()
    run(file, "--qi", "age", "--k", "3", "-o", output)
    assert pq.read_table(output).column("age").to_pylist() == ["*"] * 5


def test_a_report_is_a_page_of_its_own_or_json(people: Path) -> None:
    for name in ("report.html", "report.json"):
        report = people.with_name(name)
        run(
            people, "--qi", "age,city", "--k", "3", "--l", "illness=2", "--suppression", "0.2",
            "-o", people.with_name(f"{name}.csv"), "--report", report,
        )  # fmt: skip
    page = people.with_name("report.html").read_text()
    assert "<svg" in page
    assert "default-src 'none'" in page
    for outside in ("<script", "http:", "https:", "src=", "@import"):
        assert outside not in page
    told = json.loads(people.with_name("report.json").read_text())
    assert told["left_out"] == "0.1429"
    # Everybody is among others: nobody's value is told of so few.
    assert {bar["label"] for column in told["columns"] for bar in column["before"]} == {"others"}


def test_a_population_table_is_recoded_like_the_release(tmp_path: Path) -> None:
    file, census, output = (tmp_path / name for name in ("a.parquet", "c.parquet", "out.parquet"))
    pq.write_table(pa.table({"age": [20, 21, 40]}), file)
    pq.write_table(pa.table({"age": [20, 21, 22, 40, 41, 42, 20, 21, 60]}), census)
    done = run(
        file, "--qi", "age", "--model", "k_map:k=3,population=city", "--population",
        f"city={census}", "-o", output, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert len(set(pq.read_table(output).column("age").to_pylist())) == 2


def test_local_recoding_has_no_levels_and_keeps_everybody(people: Path) -> None:
    output = people.with_name("out.csv")
    done = run(people, "--qi", "age,city", "--k", "3", "--method", "local", "-o", output, "--json")
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert (told["method"], told["levels"], told["suppressed"]) == ("local", None, 0)
    assert pv.read_csv(output, parse_options=pv.ParseOptions(delimiter=";")).num_rows == 7


def test_an_estimate_of_a_population_is_a_model_like_others(people: Path) -> None:
    done = run(
        people, "--qi", "age,city", "--model",
        "population_uniqueness:at_most=0.01,sampling_fraction=0.1,estimator=zayatz",
        "-o", people.with_name("out.csv"), "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["verified"][0]["holds"]


def test_what_the_verifier_refuses_is_not_written(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(rows: object, columns: object, models: tuple[object, ...]) -> tuple[Verdict, ...]:
        return tuple(Verdict(model, False, "records", "1", "2") for model in models)

    monkeypatch.setattr(anonymize, "verify", refusing)
    output = people.with_name("out.csv")
    error = refused(people, "--qi", "age", "--k", "2", "-o", output)
    assert isinstance(error, CheckFailed)
    assert not output.exists()


def test_a_failure_is_one_line_of_json_for_programs(people: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "anonymize", people, "--qi", "age", "--k", "8",
         "-o", people.with_name("out.csv"), "--json"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    told = json.loads(done.stderr)["error"]
    assert told["violations"][0]["field"] == "k_anonymity"
    assert "nearest that can be reached is k = 7" in told["message"]


def test_local_recoding_publishes_ranges_of_what_is_in_each_class(people: Path) -> None:
    output = people.with_name("out.csv")
    done = run(
        people, "--qi", "age,city", "--k", 3, "--l", "illness=2", "--method", "local",
        "-o", output, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["method"], told["levels"], told["suppressed"]) == ("local", None, 0)
    assert not told["proven_optimal"]
    written = pv.read_csv(output, parse_options=pv.ParseOptions(delimiter=";"))
    assert written.column("age").to_pylist() == ["[31, 33]"] * 3 + ["[57, 90]"] * 4
    assert written.column("city").to_pylist() == ["Linxi"] * 3 + ["*"] * 4


@pytest.mark.parametrize(
    ("method", "ages", "left_out"),
    [
        ("cells", ["31", "*", "31", "*", "*", "*", "*"], 0),
        ("records", [31, 31], 5),
    ],
)
def test_cells_or_records_alone_can_be_left_out(
    people: Path, method: str, ages: list[object], left_out: int
) -> None:
    output = people.with_name("out.csv")
    done = run(
        people, "--qi", "age", "--k", 2, "--suppression", "0.8", "--method", method,
        "-o", output, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["method"], told["suppressed"]) == (method, left_out)
    written = pv.read_csv(output, parse_options=pv.ParseOptions(delimiter=";"))
    assert written.column("age").to_pylist() == ages
