"""Noise of differential privacy: the only room that draws it, and that knows diffprivlib.

Mechanisms of answers are exact: probabilities are compared with random bits of the operating
system, as many as it takes, and results are whole numbers. No sample of a continuous distribution
is ever added to a value. Models are diffprivlib's, which are not exact, and their cards say so.
Each module states its claim; docs/mechanisms.md lists them with their tests. ``models`` is imported
by those who train one: its libraries take more than a second to load.
"""

from gateway.transform.noise.additive import add_noise, discrete_gaussian, discrete_laplace
from gateway.transform.noise.quantiles import choose_bins
from gateway.transform.noise.responses import estimate, respond
from gateway.transform.noise.selection import named_groups

__all__ = [
    "add_noise",
    "choose_bins",
    "discrete_gaussian",
    "discrete_laplace",
    "estimate",
    "named_groups",
    "respond",
]
