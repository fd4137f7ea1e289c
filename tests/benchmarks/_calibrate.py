"""Fits the curves of confidence and prints gateway/norms/classification/calibration.yaml.

    python tests/benchmarks/_calibrate.py > gateway/norms/classification/calibration.yaml

Isotonic regression (scikit-learn) of "the entity is right" on the trust of the verdict, over the
tuning half of the benchmark with seeds that were not used to write the rules. Run it again after a
change of the rules; classification.py then reports the calibration error on the fresh names.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from _classification_columns import CALIBRATION_SEEDS, rated
from sklearn.isotonic import IsotonicRegression

from gateway.classify.calibration import Basis, Calibration
from gateway.classify.pack import standard

HEAD = """\
# Confidence of a verdict by its trust, both in percent: which share of verdicts with that trust were
# right on the tuning half of the benchmark. Made by tests/benchmarks/_calibrate.py, seeds {first} to
# {last}, isotonic regression; between points on a straight line. At most 99: nothing is certain.
# A name that no value confirmed may be true of another table than the benchmark's: at most so much.
most_by_name: {most}
curves:"""
_MOST_BY_NAME = 90
_PRIOR = 2  # columns counted as half right, so that a few right ones are not taken for all


def main() -> None:
    """Print the file."""
    identity = tuple((trust, trust) for trust in range(100))
    pack = standard().but(
        calibration=Calibration(most_by_name=99, curves=dict.fromkeys(Basis, identity))
    )
    seen: dict[Basis, list[tuple[int, bool]]] = defaultdict(list)
    for values in (True, False):
        for one in rated(CALIBRATION_SEEDS, "tuning", pack=pack, values=values):
            if one.answer.entity is not None:
                basis = Basis.of(values=values, entity=one.answer.entity)
                seen[basis].append((round(100 * one.answer.confidence), one.right))
    first, last = CALIBRATION_SEEDS[0], CALIBRATION_SEEDS[-1]
    print(HEAD.format(first=first, last=last, most=_MOST_BY_NAME))
    for basis in Basis:
        print(f"  # {len(seen[basis]):,} verdicts")
        print(f"  {basis}: [{', '.join(f'[{t}, {c}]' for t, c in curve(seen[basis]))}]")


def curve(outcomes: Sequence[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Points of trust and confidence; where confidence stays the same, only the ends."""
    trust, right = np.array(outcomes, dtype=float).T
    weights = np.ones(len(trust))
    prior = np.unique(trust)
    fitted = IsotonicRegression(y_min=0, y_max=0.99).fit(
        np.concatenate([trust, prior]),
        np.concatenate([right, np.full(len(prior), 0.5)]),
        sample_weight=np.concatenate([weights, np.full(len(prior), _PRIOR)]),
    )
    points = [(int(t), int(100 * c)) for t, c in zip(prior, fitted.predict(prior), strict=True)]
    last = len(points) - 1
    return [
        point
        for i, point in enumerate(points)
        if i in {0, last} or points[i - 1][1] != point[1] or points[i + 1][1] != point[1]
    ]


if __name__ == "__main__":
    main()
