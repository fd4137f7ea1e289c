"""What answers cost together: the only room that knows dp_accounting.

Losses are composed as privacy-loss distributions, on a grid of losses, rounded up everywhere.
"""

from gateway.planning.accounting.calibration import (
    Calibration,
    QuantileNeed,
    SelectionNeed,
    calibrate,
)
from gateway.planning.accounting.errors import (
    half_width,
    persons_needed,
    rank_error,
    standard_deviation,
)
from gateway.planning.accounting.losses import Loss, compose

__all__ = [
    "Calibration",
    "Loss",
    "QuantileNeed",
    "SelectionNeed",
    "calibrate",
    "compose",
    "half_width",
    "persons_needed",
    "rank_error",
    "standard_deviation",
]
