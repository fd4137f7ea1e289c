"""How much of a population is alone in its class, estimated from a sample: Pitman, Zayatz, SNB.

All three take the sizes of the sample's classes and the sampling fraction. Each is a model of how
class sizes are distributed, so each can be far off where they are distributed otherwise; none
gives an interval. Evaluated against each other in Dankar, El Emam, Neisa and Roffey, Estimating the
re-identification risk of clinical data sets, BMC Medical Informatics and Decision Making 12:66,
2012, whose decision rule ``preferred`` is.
"""

from collections.abc import Callable, Mapping
from itertools import product
from math import exp, isfinite, lgamma, log, log1p
from typing import Final, Literal

Estimator = Literal["pitman", "zayatz", "snb"]
Sizes = Mapping[int, int]
"""Class size → how many classes have it."""

_STEPS: Final = 100
_NEWTON_STEPS: Final = 60
_FITS: Final = 1e-9
_ASYMPTOTIC: Final = 20
_EDGE: Final = 1e-9
_LARGE: Final = 1e6


def estimate(estimator: Estimator, sizes: Sizes, fraction: float) -> float | None:
    """The share of the population, 0 to 1, that is alone in its class; None without an estimate.

    ``fraction``: records of the sample divided by those of the population, above 0, at most 1.
    """
    records = sum(size * count for size, count in sizes.items())
    alone = sizes.get(1, 0)
    if not records or not alone:
        # All three give none of the population when none of the sample is alone.
        return 0.0
    if fraction >= 1:
        return alone / records
    share = _ESTIMATORS[estimator](sizes, records, records / fraction)
    if share is None or not isfinite(share):
        return None
    return min(max(share, 0.0), 1.0)


def preferred(sizes: Sizes, fraction: float) -> tuple[Estimator, float | None]:
    """The estimate that the decision rule of Dankar et al. takes.

    Pitman's where at most a tenth of the population was sampled; else the smaller of SNB and Zayatz.
    Where the one that the rule names gives no estimate, Zayatz, which always does.
    """
    zayatz = estimate("zayatz", sizes, fraction)
    first: Estimator = "pitman" if fraction <= 0.1 else "snb"
    share = estimate(first, sizes, fraction)
    if share is None:
        return "zayatz", zayatz
    if first == "snb" and zayatz is not None and zayatz < share:
        return "zayatz", zayatz
    return first, share


# ---- Zayatz -------------------------------------------------------------------------------------


def _zayatz(sizes: Sizes, records: int, population: float) -> float | None:
    """Bayes: how likely a class of one in the sample is one in the population.

    Zayatz, Estimation of the percent of unique population elements on a microdata file using the
    sample, Bureau of the Census SRD 91/08, 1991. The share of classes of each size in the sample
    stands for that in the population; sampling is hypergeometric.
    """
    likelihoods = {
        size: count * _one_of(size, records, population) for size, count in sizes.items()
    }
    whole = sum(likelihoods.values())
    if not whole:
        return None
    return sizes.get(1, 0) * likelihoods[1] / whole / records


def _one_of(size: int, records: int, population: float) -> float:
    """The chance that just one record of a class of ``size`` is sampled."""
    left_out = population - records
    if size - 1 > left_out:
        return 0.0
    others = _log_ratio(left_out - size + 2, size - 1) - _log_ratio(population - size + 1, size - 1)
    return size * records / population * exp(others)


# ---- Pitman -------------------------------------------------------------------------------------


def _pitman(sizes: Sizes, records: int, population: float) -> float | None:
    """Pitman's sampling formula, fitted by maximum likelihood.

    Hoshino, Applying Pitman's sampling formula to microdata disclosure risk assessment, Journal of
    Official Statistics 17(4), 2001. For each α the likelihood's derivative by θ has one zero; the
    derivative by α along these is brought to zero. Expected uniques of a population of N:
    N · Γ(θ+1) Γ(θ+α+N−1) / (Γ(θ+α) Γ(θ+N)).
    """
    classes = sum(sizes.values())
    if classes == records:
        # Every record is alone: the likelihood has no maximum, it grows up to α = 1.
        return 1.0
    if classes < 2:
        return None

    def slope(alpha: float) -> float:
        theta = _theta(alpha, classes, records)
        rising = (classes - 1 - theta * _harmonic(theta, alpha, classes)) / alpha
        falling = sum(
            count * _digamma_gap(1 - alpha, size - 1) for size, count in sizes.items() if size > 1
        )
        return rising - falling

    alpha = _zero(slope, _EDGE**0.5, 1 - _EDGE)
    theta = _theta(alpha, classes, records)
    there = _log_ratio(theta + alpha + population - 1, 1 - alpha)
    return exp(_log_ratio(theta + alpha, 1 - alpha) - there)


def _theta(alpha: float, classes: int, records: int) -> float:
    """The likeliest θ for an α: Σ 1/(θ+iα), i to classes − 1, equals Σ 1/(θ+i), i to records − 1."""

    def slope(logarithm: float) -> float:
        theta = exp(logarithm) - alpha
        return _harmonic(theta, alpha, classes) - _digamma_gap(theta + 1, records - 1)

    return exp(_zero(slope, log(_EDGE), log(1e3) + 2 * log(records))) - alpha


def _harmonic(theta: float, alpha: float, classes: int) -> float:
    """Σ 1/(θ+iα), i from 1 to classes − 1."""
    return _digamma_gap(theta / alpha + 1, classes - 1) / alpha


# ---- slide negative binomial --------------------------------------------------------------------


def _snb(sizes: Sizes, records: int, population: float) -> float | None:
    """Class sizes less one are negative binomial: K classes, of which K·β^α are of one record.

    Chen and Keller-McNulty, Estimation of identification disclosure risk in microdata, Journal of
    Official Statistics 14(1), 1998. K is Shlosser's estimator as modified by Haas and Stokes,
    Estimating the number of classes in a finite population, JASA 93(444), 1998; α and β are such
    that classes of one and of two are as many in the sample as are expected. No α and β may do
    that, and then there is no estimate; where several do, those count that give the size of the
    population best.
    """
    one, two = sizes.get(1, 0), sizes.get(2, 0)
    fraction = records / population
    classes = _classes_of_population(sizes, fraction)
    if not two or classes is None:
        return None

    def misses(alpha: float, beta: float) -> tuple[float, float]:
        """By how much, in logarithms, more classes of one and two are expected than there are."""
        spread = (1 - fraction) * (1 - beta)
        base = alpha * (log(beta) - log1p(-spread))
        ones = log(classes * fraction) + base + log1p(alpha * spread / (1 - spread))
        twos = (
            log(classes * fraction**2 / 2 * alpha * (1 - beta) * (2 - (1 - alpha) * spread))
            + base
            - 2 * log1p(-spread)
        )
        return ones - log(one), twos - log(two)

    fitting: list[tuple[float, float]] = []
    for start in product(range(-5, 6, 2), range(-9, 6, 2)):
        found = _newton(misses, *start)
        if found is not None:
            alpha, beta = found
            size = classes * (1 + alpha * (1 - beta) / beta)
            fitting.append((abs(log(size / population)), classes * beta**alpha / population))
    return min(fitting)[1] if fitting else None


def _classes_of_population(sizes: Sizes, fraction: float) -> float | None:
    """Shlosser's estimator of how many classes there are, modified (Haas and Stokes, Sh3)."""
    left = 1 - fraction
    square = fraction * fraction
    first = sum(n * size * square * (1 - square) ** (size - 1) for size, n in sizes.items())
    second = sum(n * ((1 - square) ** size - left**size) for size, n in sizes.items())
    third = sum(n * left**size for size, n in sizes.items())
    fourth = sum(n * size * fraction * left ** (size - 1) for size, n in sizes.items())
    if not second or not fourth:
        return None
    return sum(sizes.values()) + sizes.get(1, 0) * first / second * (third / fourth) ** 2


def _newton(
    misses: Callable[[float, float], tuple[float, float]], log_alpha: float, logit: float
) -> tuple[float, float] | None:
    """α > 0 and 0 < β < 1 that miss nothing, by Newton's steps in log α and logit β."""

    def at(x: float, y: float) -> tuple[float, float]:
        return misses(exp(x), 1 / (1 + exp(-y)))

    x, y = float(log_alpha), float(logit)
    step = 1e-6
    for _ in range(_NEWTON_STEPS):
        try:
            (f, g), (fx, gx), (fy, gy) = at(x, y), at(x + step, y), at(x, y + step)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None  # it ran out of the space of parameters
        if abs(f) < _FITS and abs(g) < _FITS:
            return exp(x), 1 / (1 + exp(-y))
        a, b, c, d = (fx - f) / step, (fy - f) / step, (gx - g) / step, (gy - g) / step
        determinant = a * d - b * c
        if not determinant:
            return None
        # Steps are bounded, or the first one would leave for where everything is flat.
        x -= max(-1.0, min(1.0, (d * f - b * g) / determinant))
        y -= max(-1.0, min(1.0, (a * g - c * f) / determinant))
    return None


_ESTIMATORS: Final[dict[Estimator, Callable[[Sizes, int, float], float | None]]] = {
    "pitman": _pitman,
    "zayatz": _zayatz,
    "snb": _snb,
}


# ---- numbers ------------------------------------------------------------------------------------


def _zero(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a function goes from above zero to below, or the end that is nearer to it."""
    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_ratio(x: float, more: float) -> float:
    """Ln Γ(x + more) − ln Γ(x), also where both are huge and nearly the same."""
    if x > _LARGE and more <= 1:
        return more * log(x) + more * (more - 1) / (2 * x)
    return lgamma(x + more) - lgamma(x)


def _digamma_gap(x: float, more: float) -> float:
    """ψ(x + more) − ψ(x), for x > 0."""
    gap = 0.0
    y = x + more
    while x < _ASYMPTOTIC:
        gap += 1 / x
        x += 1
    while y < _ASYMPTOTIC:
        gap -= 1 / y
        y += 1
    return gap + log1p((y - x) / x) + _tail(y) - _tail(x)


def _tail(x: float) -> float:
    """ψ(x) − ln x, asymptotically."""
    inverse = 1 / (x * x)
    return -0.5 / x - inverse * (1 / 12 - inverse * (1 / 120 - inverse / 252))
