"""Measures statistics: how fast they are counted, and how far they are from the truth.

    python tests/benchmarks/statistics.py [--rows N] [--passes N] [--draws N] [--json FILE]
                                          [--packages-python INTERPRETER]

The measuring is in _statistics_figures.py: a program that has the name of a module of Python's own
library is found in that one's place by whatever it imports, unless its folder is not looked into.
Programs beside it find it so as well; then it steps aside.
"""

import importlib.util
import runpy
import sys
import sysconfig
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here.resolve()]
    runpy.run_path(str(here / "_statistics_figures.py"), run_name="__main__")
else:
    real = Path(sysconfig.get_path("stdlib")) / "statistics.py"
    spec = importlib.util.spec_from_file_location(__name__, real)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[__name__] = module
    spec.loader.exec_module(module)
