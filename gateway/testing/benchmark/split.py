"""The two halves of the benchmark's names and words: one to tune on, one to measure on."""

from typing import Literal, get_args

Split = Literal["tuning", "held-out", "all"]
SPLITS: tuple[Split, ...] = get_args(Split)
