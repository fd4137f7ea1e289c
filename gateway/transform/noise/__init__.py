"""Noise of differential privacy: the only room that draws it, and that knows diffprivlib.

Everything here is exact: probabilities are compared with random bits of the operating system, as
many as it takes, and results are whole numbers. No sample of a continuous distribution is ever
added to a value. Each module states its claim; docs/mechanisms.md lists them with their tests.
"""

from gateway.transform.noise.additive import add_noise, discrete_gaussian, discrete_laplace
from gateway.transform.noise.quantiles import choose_bins
from gateway.transform.noise.selection import named_groups

__all__ = ["add_noise", "choose_bins", "discrete_gaussian", "discrete_laplace", "named_groups"]
