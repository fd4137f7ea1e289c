"""Models trained with differential privacy by diffprivlib.

*Claim.* The parameters are (ε, 0) for a person who has one row at most. *Neighbours*: that row
added or removed. *Precondition*: one row for each person; ranges, classes and number of rows are
declared. *Source*: for each model, see ``_SOURCES``. *Rounding*: none to the safe side; the models
add continuous samples in double precision inside diffprivlib, so that what Mironov (2012) showed of
low bits is not excluded, and a model card says so. No answer to a question is made this way.

diffprivlib's models protect who is *exchanged* among a public number of rows, and some only under
conditions that they do not check. So here, always:

- there are exactly ``rows`` rows, in secret order: neutral ones where persons are fewer, a uniform
  sample where they are more. A person who comes or goes exchanges one of them, and the number of
  persons is never seen by a model.
- features and target are brought into their declared ranges and to -1…1 before. LinearRegression
  takes the square of the lower bound for both bounds' (0.6.6), and GaussianNB the width of a range
  for the change of a sum: both are right only on such a range.
- one more row of each class is always there: models look for the classes in the data.
- the intercept is a constant feature: diffprivlib's own shifts ranges, and is not regularised.
- where exchanging a row changes two clusters, classes or leaves, they get half of ε.
- warnings of a privacy leak are errors. None can arise, for every bound is given.
"""

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from diffprivlib import models
from diffprivlib.models.logistic_regression import _logistic_regression_path
from diffprivlib.utils import DiffprivlibCompatibilityWarning, PrivacyLeakWarning
from numpy.typing import NDArray

from gateway.model.fitting import Feature, ModelCard, ModelSpec
from gateway.ports import Entropy
from gateway.transform.noise.chance import Doubles, Integers, words
from gateway.transform.noise.clusters import cluster_centres
from gateway.transform.noise.forests import grow

Parameters = dict[str, Any]
"""Numbers, texts and lists of them, as JSON has them."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """``parameters`` in the units of the columns, but for components, which are of features that
    were brought to -1…1."""

    parameters: Parameters
    card: ModelCard


def fit(
    spec: ModelSpec,
    features: NDArray[np.float64],
    predicted: NDArray[Any] | None,
    entropy: Entropy,
) -> Fitted:
    """Train ``spec``'s model.

    ``features``: float64 of shape (persons, features), NaN for null. ``predicted``: the target as
    float64, or the labels as indexes of ``classes`` with -1 for any other; None without either.
    """
    if features.dtype != np.float64 or features.shape[1:] != (len(spec.features),):
        raise TypeError("features are doubles, a column for each feature")
    if (predicted is None) == (spec.target is not None or spec.label is not None):
        raise TypeError("what is predicted belongs to a model that predicts")
    # Filters of warnings are the process's: of two trainings at once one could silence the other.
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        for leak in (PrivacyLeakWarning, DiffprivlibCompatibilityWarning):
            warnings.filterwarnings("error", category=leak)
        data = _rows(spec, features, predicted, entropy)
        return Fitted(_FITS[spec.kind](spec, data), _card(spec))


_ONE_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Data:
    x: Doubles
    y: Doubles
    labels: Integers


def _rows(
    spec: ModelSpec,
    features: NDArray[np.float64],
    predicted: NDArray[Any] | None,
    entropy: Entropy,
) -> _Data:
    """Exactly ``spec.rows`` rows, and one for each class behind them."""
    persons = len(features)
    x = np.zeros((spec.rows, len(spec.features)))
    y = np.zeros(spec.rows)
    kinds = max(1, len(spec.classes))
    labels = np.arange(spec.rows, dtype=np.int64) % kinds  # neutral rows are of all classes in turn
    chosen = np.argsort(words(entropy, persons), kind="stable")[: spec.rows]
    kept = len(chosen)
    x[:kept] = _scaled(spec.features, features[chosen])
    if predicted is not None and spec.target is not None:
        target = predicted[chosen].astype(np.float64)
        y[:kept] = _scaled((spec.target,), target[:, None])[:, 0]
        x[:kept][np.isnan(target)] = 0.0
    elif predicted is not None:
        told = predicted[chosen].astype(np.int64)
        known = (told >= 0) & (told < kinds)
        labels[:kept][known] = told[known]
        x[:kept][~known] = 0.0
    order = np.argsort(words(entropy, spec.rows), kind="stable")
    if not spec.classes:
        return _Data(x[order], y[order], labels[order])
    more = np.zeros((kinds, x.shape[1]))
    return _Data(
        np.concatenate([x[order], more]),
        np.concatenate([y[order], np.zeros(kinds)]),
        np.concatenate([labels[order], np.arange(kinds)]),
    )


def _scaled(features: tuple[Feature, ...], values: Doubles) -> Doubles:
    middle, half = _ranges(features)
    scaled = np.nan_to_num(np.clip((values - middle) / half, -1.0, 1.0), nan=0.0)
    return np.asarray(scaled, dtype=np.float64)


def _ranges(features: tuple[Feature, ...]) -> tuple[Doubles, Doubles]:
    lower = np.array([float(f.lower) for f in features])
    upper = np.array([float(f.upper) for f in features])
    return lower / 2 + upper / 2, upper / 2 - lower / 2


def _bounds(width: int) -> tuple[Doubles, Doubles]:
    return -np.ones(width), np.ones(width)


def _linear_regression(spec: ModelSpec, data: _Data) -> Parameters:
    x = np.column_stack([data.x, np.ones(len(data.x))])
    fitted = models.LinearRegression(
        epsilon=float(Fraction(spec.epsilon)),
        bounds_X=_bounds(x.shape[1]),
        bounds_y=(-1.0, 1.0),
        fit_intercept=False,
    ).fit(x, data.y)
    weights = np.ravel(fitted.coef_)
    if spec.target is None:
        raise TypeError("a linear regression has a target")
    middle, half = _ranges(spec.features)
    centre, spread = (one[0] for one in _ranges((spec.target,)))
    slopes = spread * weights[:-1] / half
    return {
        "coefficients": slopes.tolist(),
        "intercept": float(centre + spread * weights[-1] - (slopes * middle).sum()),
    }


def _logistic_regression(spec: ModelSpec, data: _Data) -> Parameters:
    # Rows of length 1 at most, the constant feature with them
    x = np.column_stack([data.x, np.ones(len(data.x))]) / np.sqrt(data.x.shape[1] + 1)
    chosen = range(1, 2) if len(spec.classes) == 2 else range(len(spec.classes))
    middle, half = _ranges(spec.features)
    found = []
    for kind in chosen:
        # The class of diffprivlib 0.6.6 passes an argument that scikit-learn 1.8 does not have
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of convergence, and of an option that SciPy gives up
            warnings.filterwarnings("error", category=PrivacyLeakWarning)
            paths, _, _ = _logistic_regression_path(
                x,
                (data.labels == kind).astype(np.int64),
                epsilon=float(Fraction(spec.epsilon)) / len(chosen),
                data_norm=1.0,
                pos_class=1,
                Cs=[1.0],
                fit_intercept=False,
                max_iter=1000,
                tol=1e-10,
                check_input=False,
            )
        weights = paths[0] / np.sqrt(data.x.shape[1] + 1)
        slopes = weights[:-1] / half
        found.append(
            {
                "class": spec.classes[kind],
                "coefficients": slopes.tolist(),
                "intercept": float(weights[-1] - (slopes * middle).sum()),
            }
        )
    return {"classes": list(spec.classes), "against_the_rest": found}


def _naive_bayes(spec: ModelSpec, data: _Data) -> Parameters:
    fitted = models.GaussianNB(
        epsilon=float(Fraction(spec.epsilon)) / 2, bounds=_bounds(data.x.shape[1])
    ).fit(data.x, data.labels)
    middle, half = _ranges(spec.features)
    return {
        "classes": list(spec.classes),
        "priors": fitted.class_prior_.tolist(),
        "means": (fitted.theta_ * half + middle).tolist(),
        "variances": (fitted.var_ * half**2).tolist(),
    }


def _k_means(spec: ModelSpec, data: _Data) -> Parameters:
    if spec.clusters is None:
        raise TypeError("k-means has clusters")
    centres = cluster_centres(data.x, spec.clusters, float(Fraction(spec.epsilon)) / 2)
    middle, half = _ranges(spec.features)
    return {"centres": (centres * half + middle).tolist()}


def _principal_components(spec: ModelSpec, data: _Data) -> Parameters:
    width = data.x.shape[1]
    fitted = models.PCA(
        spec.components,
        epsilon=float(Fraction(spec.epsilon)),
        bounds=_bounds(width),
        data_norm=float(np.sqrt(width)),
    ).fit(data.x)
    middle, half = _ranges(spec.features)
    return {
        "middles": middle.tolist(),
        "half_widths": half.tolist(),
        "means": fitted.mean_.tolist(),
        "components": fitted.components_.tolist(),
        "variances": fitted.explained_variance_.tolist(),
    }


def _standard_scaler(spec: ModelSpec, data: _Data) -> Parameters:
    fitted = models.StandardScaler(
        epsilon=float(Fraction(spec.epsilon)), bounds=_bounds(data.x.shape[1])
    ).fit(data.x)
    middle, half = _ranges(spec.features)
    return {
        "means": (fitted.mean_ * half + middle).tolist(),
        "variances": (fitted.var_ * half**2).tolist(),
    }


def _random_forest(spec: ModelSpec, data: _Data) -> Parameters:
    if spec.trees is None or spec.depth is None:
        raise TypeError("a random forest has trees and a depth")
    middle, half = _ranges(spec.features)
    trees = grow(
        data.x,
        data.labels,
        kinds=len(spec.classes),
        trees=spec.trees,
        depth=spec.depth,
        epsilon=float(Fraction(spec.epsilon)) / 2,
    )
    for tree in trees:
        for node in tree:
            if "feature" in node:
                at = node["feature"]
                node["threshold"] = float(node["threshold"] * half[at] + middle[at])
                node["feature"] = spec.features[at].column
            else:
                node["class"] = spec.classes[node["class"]]
    return {"classes": list(spec.classes), "trees": trees}


_FITS: Final[dict[str, Callable[[ModelSpec, _Data], Parameters]]] = {
    "linear_regression": _linear_regression,
    "logistic_regression": _logistic_regression,
    "naive_bayes": _naive_bayes,
    "k_means": _k_means,
    "principal_components": _principal_components,
    "standard_scaler": _standard_scaler,
    "random_forest": _random_forest,
}

_SOURCES: Final[dict[str, tuple[str, str]]] = {
    "linear_regression": (
        "Laplace noise on the coefficients of the squared loss",
        "Zhang, Zhang, Xiao, Yang and Winslett 2012 (functional mechanism)",
    ),
    "logistic_regression": (
        "a noisy linear term in the loss, which is minimised",
        "Chaudhuri, Monteleoni and Sarwate 2011 (objective perturbation)",
    ),
    "naive_bayes": (
        "geometric noise on the classes' counts, Laplace noise on means and variances",
        "Vaidya, Shafiq, Basu and Hong 2013",
    ),
    "k_means": (
        "geometric and Laplace noise on the clusters' counts and sums, a fixed number of rounds",
        "Su, Cao, Li, Bertino and Jin 2016",
    ),
    "principal_components": (
        "Laplace noise on means and eigenvalues, directions by the exponential mechanism",
        "Amin, Dick, Kulesza, Munoz and Vassilvitskii 2019",
    ),
    "standard_scaler": ("Laplace noise on means and variances", "Dwork and Roth 2014, section 3.3"),
    "random_forest": (
        "trees that are drawn without the data, labels of leaves by permute-and-flip",
        "Fletcher and Islam 2017; McKenna and Sheldon 2020",
    ),
}

_FLOATS: Final = (
    "Noise is continuous and added in double precision: an attack on the lowest bits of the "
    "parameters is not excluded, so round them before they are published."
)
_CAVEATS: Final[dict[str, str]] = {
    "logistic_regression": (
        "The guarantee is of the exact minimum of the loss; the solver stops near it, at a gradient "
        "of 1e-10."
    ),
    "principal_components": (
        "Directions are drawn with a generator that is no cryptographic one; it is seeded anew by "
        "the operating system for each."
    ),
}


def _card(spec: ModelSpec) -> ModelCard:
    mechanism, source = _SOURCES[spec.kind]
    more = _CAVEATS.get(spec.kind)
    return ModelCard(
        model=spec,
        unit="a person, who has one row at most",
        neighbours="all rows of one person added or removed",
        bounds="ranges, classes and number of rows (after the condition, where there is one) are "
        "declared, none is taken from the data",
        mechanism=mechanism,
        source=source,
        caveats=(_FLOATS,) if more is None else (_FLOATS, more),
        library=f"diffprivlib {version('diffprivlib')}",
    )
