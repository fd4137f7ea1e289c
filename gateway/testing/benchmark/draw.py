"""Draws for one column of the benchmark: as many as it has rows, from the stream of that column."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.testing.benchmark.split import Split
from gateway.testing.benchmark.words import words
from gateway.testing.draws import Stream


@dataclass(frozen=True, slots=True)
class Draw:
    """`rows` draws at a time, all from one seeded stream; the split settles which words there are."""

    stream: Stream
    rows: int
    split: Split

    def number(self, low: int, high: int) -> list[int]:
        """Integers in [low, high]."""
        drawn: list[int] = self.stream.between(low, high, self.rows).tolist()
        return drawn

    def digits(self, width: int) -> list[str]:
        """Strings of `width` digits, the first of which may be a zero."""
        parts = [self.number(0, 10**9 - 1) for _ in range(-(-width // 9))]
        return ["".join(f"{n:09d}" for n in row)[:width] for row in zip(*parts, strict=True)]

    def letters(self, width: int, alphabet: str) -> list[str]:
        """Strings of `width` characters of an alphabet."""
        columns = [self.among(alphabet) for _ in range(width)]
        return ["".join(row) for row in zip(*columns, strict=True)]

    def among(self, choices: Sequence[str]) -> list[str]:
        """One of the choices a row."""
        return [choices[index] for index in self.number(0, len(choices) - 1)]

    def word(self, name: str) -> list[str]:
        """One word a row of a list in `words`."""
        return self.among(words(name, self.split))

    def chance(self, per_mille: int) -> list[bool]:
        """True with `per_mille` in a thousand."""
        hit: list[bool] = self.stream.chance(per_mille, self.rows).tolist()
        return hit

    def once(self, choices: int) -> int:
        """One draw below `choices` for the whole column: how this department writes."""
        return int(self.stream.below(choices, 1)[0])
