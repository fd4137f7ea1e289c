"""Errors of opendp on the questions of statistics.py: run by an interpreter that has the package.

Reads one JSON line {"values": […], "upper": …, "epsilon": …, "draws": …}, writes mean absolute errors.
"""

import json
import sys

import opendp.prelude as dp

dp.enable_features("contrib")


def main() -> None:
    """Mean absolute errors of a count and a sum."""
    asked = json.loads(sys.stdin.readline())
    values, upper, epsilon = asked["values"], asked["upper"], asked["epsilon"]
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.symmetric_distance()
    count = space >> dp.t.then_count() >> dp.m.then_laplace(scale=1 / epsilon)
    total = (
        space
        >> dp.t.then_clamp((0, upper))
        >> dp.t.then_sum()
        >> dp.m.then_laplace(scale=upper / epsilon)
    )
    exact = sum(values)
    errors = {"count": 0.0, "sum": 0.0}
    for _ in range(asked["draws"]):
        errors["count"] += abs(count(values) - len(values))
        errors["sum"] += abs(total(values) - exact)
    print(json.dumps({name: error / asked["draws"] for name, error in errors.items()}))


main()
