"""``gateway local``: randomised response, for those who may not send a true answer."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from gateway.cli.microdata import Delimiter, Encoding, read_microdata
from gateway.cli.options import Json, listed
from gateway.cli.output import hint, json_or, say, show_table
from gateway.client.saving import whole_file
from gateway.errors import InvalidRequest
from gateway.model.ratio import PositiveRatio

app = typer.Typer(no_args_is_help=True)

Column = Annotated[str, typer.Option("--column", help="Column with one answer of each person.")]
Answers = Annotated[
    str, typer.Option("--answers", help="Every answer that there is, with commas: a public list.")
]
Epsilon = Annotated[
    str, typer.Option("--epsilon", help="What an answer may tell of a person, such as 1.5.")
]

_SUFFIXES: Final = (".csv", ".parquet")
_MOST_EPSILON: Final = 20
_RATIO: Final[TypeAdapter[str]] = TypeAdapter(PositiveRatio)


@app.command()
def respond(
    file: Annotated[Path, typer.Argument(help="File with the true answers, one row a person.")],
    column: Column,
    answers: Answers,
    epsilon: Epsilon,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv or .parquet.")
    ],
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
) -> None:
    """Write answers that may be sent: each is true only as often as epsilon permits.

    Needs no server, and nobody has to be trusted with the true answers. Only the column of answers
    is written. Do it once and keep the file: every further time costs epsilon again.
    """
    from gateway.app.system import SystemEntropy  # noqa: PLC0415 - loads what other commands do not
    from gateway.transform.noise import respond as randomised  # noqa: PLC0415

    known, exact = _known(answers), _epsilon(epsilon)
    if output.suffix.lower() not in _SUFFIXES:
        raise InvalidRequest.of("--output", f"name a file ending in {' or '.join(_SUFFIXES)}")
    if output.exists():
        raise InvalidRequest.of(
            "--output", f"{output} exists: answers are drawn once; send that file, or remove it"
        )
    truth = _places(_column(file, column, delimiter, encoding), known, column)
    given = randomised(truth, len(known), exact, SystemEntropy())
    table = pa.table({column: pa.array(known).take(pa.array(given))})
    with whole_file(output) as target:
        if output.suffix.lower() == ".csv":
            pa_csv.write_csv(table, target)
        else:
            pq.write_table(table, target)
    say(f"wrote {output}")
    hint("send only this file; who collects it counts with: gateway local estimate")


@app.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="File with the answers that were collected.")],
    column: Column,
    answers: Answers,
    epsilon: Epsilon,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Say how many persons have each answer truly, with a 95 % interval.

    The answers, their list and epsilon must be those of ``gateway local respond``.
    """
    from gateway.transform.noise import estimate as estimated  # noqa: PLC0415 - see respond

    known, exact = _known(answers), _epsilon(epsilon)
    given = _places(_column(file, column, delimiter, encoding), known, column)
    found = estimated(np.bincount(given, minlength=len(known)).astype(np.int64), len(known), exact)
    rows = [
        {
            "answer": answer,
            "persons": round(count, 1),
            "lower": round(low, 1),
            "upper": round(high, 1),
        }
        for answer, count, low, high in zip(
            known, found.counts.tolist(), found.lower.tolist(), found.upper.tolist(), strict=True
        )
    ]
    json_or(
        as_json,
        rows,
        lambda _: show_table(list(rows[0]), [list(row.values()) for row in rows]),
    )


def _known(text: str) -> list[str]:
    names = listed(text)
    if len(names) < 2 or len(set(names)) != len(names):
        raise InvalidRequest.of("--answers", "name at least two answers, each once")
    return names


def _epsilon(text: str) -> Fraction:
    try:
        found = Fraction(_RATIO.validate_python(text))
    except ValidationError:
        raise InvalidRequest.of("--epsilon", "a number above 0, such as 0.5") from None
    if found > _MOST_EPSILON:
        raise InvalidRequest.of("--epsilon", f"at most {_MOST_EPSILON}: more protects nobody")
    return found


def _column(file: Path, column: str, delimiter: str | None, encoding: str) -> pa.ChunkedArray:
    table = read_microdata(file, delimiter=delimiter, encoding=encoding, as_text=(column,))
    if column not in table.column_names:
        raise InvalidRequest.of("--column", f"{file.name} has no column {column}")
    return table.column(column).cast(pa.string())


def _places(values: pa.ChunkedArray, known: list[str], column: str) -> NDArray[np.int64]:
    found = pc.index_in(values, value_set=pa.array(known))
    if found.null_count:
        raise InvalidRequest.of(
            "--answers",
            f"{column} holds other values, or none in some rows: list every answer, one of them for "
            "who gave none",
        )
    places: NDArray[np.int64] = found.to_numpy().astype(np.int64)
    return places
