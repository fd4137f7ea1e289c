"""Measures statistics: how fast they are counted, and how far they are from the truth.

    python tests/benchmarks/statistics.py [--rows N] [--passes N] [--draws N] [--json FILE]
                                          [--packages-python INTERPRETER]

The measuring is in _statistics_figures.py: a program that has the name of a module of Python's own
library is found in that one's place by whatever it imports, unless its folder is not looked into.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here.resolve()]
    runpy.run_path(str(here / "_statistics_figures.py"), run_name="__main__")
