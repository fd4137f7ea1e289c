"""The parts of the benchmark's names and words: two halves of one hand's, and those of another."""

from typing import Literal, get_args

Split = Literal["tuning", "held-out", "all", "fresh"]
"""``all`` is both halves; ``fresh`` was written by a hand that had read neither them nor the rules."""

SPLITS: tuple[Split, ...] = get_args(Split)
