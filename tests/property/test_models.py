"""Models with differential privacy: what reaches diffprivlib, what comes back, and what it tells."""

import secrets
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from diffprivlib import models
from diffprivlib.utils import PrivacyLeakWarning
from threadpoolctl import threadpool_limits

from gateway.model.fitting import Feature, ModelSpec
from gateway.planning.accounting import compose
from gateway.transform.noise import models as fitting
from gateway.transform.noise.forests import _SystemState
from gateway.transform.noise.models import Fitted, fit
from tests.property._audit import audit

AGE = Feature(column="age", lower="0", upper="100")
INCOME = Feature(column="income", lower="-10", upper="30")
SPENT = Feature(column="spent", lower="0", upper="400")
CLASSIFIER = {"label": "answer", "classes": ("no", "yes")}

KINDS: dict[str, dict[str, Any]] = {
    "linear_regression": {"target": SPENT},
    "logistic_regression": CLASSIFIER,
    "naive_bayes": CLASSIFIER,
    "k_means": {"clusters": 2},
    "principal_components": {"components": 1},
    "standard_scaler": {},
    "random_forest": {**CLASSIFIER, "trees": 3, "depth": 3},
}


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


def spec(kind: str, rows: int = 1000, epsilon: str = "1") -> ModelSpec:
    return ModelSpec(kind=kind, features=(AGE, INCOME), rows=rows, epsilon=epsilon, **KINDS[kind])


def sample(persons: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(seed)
    high = drawn.random(persons) < 0.5
    age = np.clip(np.where(high, 70, 30) + drawn.normal(0, 8, persons), 0, 100)
    income = np.clip(np.where(high, 20, 0) + drawn.normal(0, 3, persons), -10, 30)
    return np.column_stack([age, income]), 2 * age + 3 * income + 50, high.astype(np.int64)


def trained(kind: str, persons: int, rows: int, epsilon: str) -> Fitted:
    x, y, labels = sample(persons)
    predicted = {
        "linear_regression": y,
        "k_means": None,
        "principal_components": None,
        "standard_scaler": None,
    }.get(kind, labels)
    return fit(spec(kind, rows, epsilon), x, predicted, System())


def test_models_learn_what_is_there_in_the_columns_own_units() -> None:
    found = {kind: trained(kind, 50_000, 50_000, "50").parameters for kind in KINDS}
    linear = found["linear_regression"]
    assert linear["coefficients"] == pytest.approx([2, 3], abs=0.1)
    assert linear["intercept"] == pytest.approx(50, abs=5)
    x, _, labels = sample(2000, seed=2)
    one = found["logistic_regression"]["against_the_rest"][0]
    told = x @ one["coefficients"] + one["intercept"] > 0
    assert one["class"] == "yes"
    assert (told == labels).mean() > 0.98
    bayes = found["naive_bayes"]
    assert np.array(bayes["means"]) == pytest.approx(np.array([[30, 0], [70, 20]]), abs=1)
    assert np.array(bayes["variances"]) == pytest.approx(np.array([[64, 9], [64, 9]]), rel=0.3)
    centres = sorted(found["k_means"]["centres"])
    assert np.array(centres) == pytest.approx(np.array([[30, 0], [70, 20]]), abs=3)
    scaler = found["standard_scaler"]
    assert scaler["means"] == pytest.approx([50, 10], abs=0.5)
    assert scaler["variances"] == pytest.approx([464, 109], rel=0.05)
    direction = np.abs(found["principal_components"]["components"][0])
    assert direction == pytest.approx(np.array([0.4, 0.5]) / np.hypot(0.4, 0.5), abs=0.15)
    right = [tree_says(tree, row) == "yes" for tree in found["random_forest"]["trees"] for row in x]
    assert (np.array(right) == np.tile(labels, 3)).mean() > 0.7


def tree_says(tree: list[dict[str, Any]], row: np.ndarray) -> str:
    node = tree[0]
    while "feature" in node:
        value = row[("age", "income").index(node["feature"])]
        node = tree[node["left" if value <= node["threshold"] else "right"]]
    return str(node["class"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("persons", [0, 1, 40, 60, 500])
def test_the_number_of_persons_never_reaches_a_model(
    kind: str, persons: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    kept = fitting._FITS[kind]

    def spy(asked: ModelSpec, data: Any) -> dict[str, Any]:
        seen.append((len(data.x), len(data.y), len(data.labels)))
        assert np.abs(data.x).max(initial=0) <= 1
        assert np.abs(data.y).max(initial=0) <= 1
        if asked.classes:
            assert set(data.labels) == {0, 1}
        return kept(asked, data)

    monkeypatch.setitem(fitting._FITS, kind, spy)
    trained(kind, persons, 60, "2")
    rows = 60 + (2 if "classes" in KINDS[kind] else 0)
    assert seen == [(rows, rows, rows)]


def test_values_that_are_missing_or_out_of_range_count_as_declared() -> None:
    x = np.array([[np.nan, 1e300], [np.inf, -np.inf], [50.0, 10.0]])
    data = fitting._rows(spec("naive_bayes", 10), x, np.array([0, 1, -1]), System())
    rows = {tuple(row) for row in data.x}
    assert rows == {(0.0, 1.0), (1.0, -1.0), (0.0, 0.0)}
    target = fitting._rows(spec("linear_regression", 10), x, np.array([np.nan, 1e9, 0.0]), System())
    assert set(target.y) == {0.0, 1.0, -1.0}


def test_of_more_persons_every_one_is_as_likely_to_be_in_the_sample() -> None:
    x = np.column_stack([np.arange(20.0), np.zeros(20)])
    seen = np.zeros(20)
    for _ in range(2000):
        data = fitting._rows(spec("standard_scaler", 10), x, None, System())
        seen[np.rint(data.x[:, 0] * 50 + 50).astype(int)] += 1
    assert (np.abs(seen / 2000 - 0.5) < 10 * np.sqrt(0.25 / 2000)).all()


def test_a_leak_that_diffprivlib_would_warn_of_is_an_error() -> None:
    trained("standard_scaler", 20, 20, "1")
    with pytest.raises(PrivacyLeakWarning):
        warnings.warn("bounds were taken from the data", PrivacyLeakWarning, stacklevel=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_charged_its_epsilon_and_its_card_says_what_it_is_worth(kind: str) -> None:
    found = trained(kind, 30, 30, "1/2")
    assert found.card.model == spec(kind, 30, "1/2")
    assert compose([found.card.model.event]).epsilon(0) == 0.5
    assert "double precision" in found.card.caveats[0]
    assert "declared" in found.card.bounds
    assert found.card.canonical()


def outlier(answer: Callable[[np.ndarray, np.ndarray], float], times: int) -> tuple[Any, Any]:
    """Answers without and with one person at the far end of every range."""
    without = np.tile([50.0, 10.0], (8, 1)), np.zeros(8)
    more = np.vstack([without[0], [100.0, 30.0]]), np.append(without[1], 1)
    with threadpool_limits(1):  # on so few rows threads are all that takes time
        return (
            np.array([answer(*without) for _ in range(times)]),
            np.array([answer(*more) for _ in range(times)]),
        )


READ: dict[str, Callable[[dict[str, Any]], float]] = {
    "linear_regression": lambda p: p["coefficients"][0],
    "naive_bayes": lambda p: p["means"][1][0],
    "k_means": lambda p: max(p["centres"])[0],
    "standard_scaler": lambda p: p["means"][0],
    "random_forest": lambda p: sum("yes" in str(t) for t in p["trees"]),
    "principal_components": lambda p: p["means"][0],
    "logistic_regression": lambda p: p["against_the_rest"][0]["coefficients"][0],
}


@pytest.mark.parametrize("kind", KINDS)
def test_one_person_at_the_end_of_every_range_is_hidden(kind: str) -> None:
    predicts = {"linear_regression": 400.0}.get(kind, 1.0)

    def answer(x: np.ndarray, mark: np.ndarray) -> float:
        told = None
        if spec(kind).label or spec(kind).target:
            told = (mark * predicts).astype(float if kind == "linear_regression" else np.int64)
        return READ[kind](fit(spec(kind, 10, "1/10"), x, told, System()).parameters)

    assert not audit(*outlier(answer, 250), 0.1).refuted


def test_the_auditor_finds_what_is_wrong_in_diffprivlibs_own_k_means() -> None:
    # A cluster that only one person is in keeps its centre, to the last bit, when that one is gone
    ends = (np.array([0.0, 0.0]), np.array([100.0, 100.0]))

    def answer(x: np.ndarray, _: np.ndarray) -> float:
        class Fixed(models.KMeans):
            def _calc_iters(self, n_dims: int, n_samples: int) -> int:
                return 1

            def _init_centers(self, dims: int, random_state: object) -> np.ndarray:
                return np.array([[50.0, 10.0], [100.0, 30.0]])

        return float(Fixed(2, epsilon=0.1, bounds=ends).fit(x).cluster_centers_[1, 0])

    assert audit(*outlier(answer, 250), 0.1).refuted


def test_the_auditor_finds_what_is_wrong_in_diffprivlibs_own_linear_regression() -> None:
    # The square of the lower bound is taken for the upper one's as well
    bounds = {"bounds_X": (np.array([-0.001]), np.array([1.0])), "bounds_y": (-1.0, 1.0)}

    def answer(x: np.ndarray, _: np.ndarray) -> float:
        model = models.LinearRegression(epsilon=0.1, fit_intercept=False, **bounds)
        column = np.append(np.zeros(10), x[-1, 0] > 90.0)
        return float(model.fit(column[:, None], np.zeros(11))._obj_coefs[2][0, 0])

    assert audit(*outlier(answer, 250), 0.1).refuted


def test_trees_are_drawn_by_the_system_and_not_by_a_seed() -> None:
    state = _SystemState()
    with pytest.raises(NotImplementedError):
        state.getstate()
    assert {state.randint(3) for _ in range(200)} == {0, 1, 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"epsilon": "0"},
        {"epsilon": "-1"},
        {"epsilon": "nan"},
        {"epsilon": "101"},
        {"rows": 0},
        {"kind": "k_means"},
        {"kind": "linear_regression"},
        {"kind": "naive_bayes", "label": "answer", "classes": ("no", "no")},
        {"kind": "naive_bayes", "label": "age", "classes": ("no", "yes")},
        {"kind": "principal_components", "components": 3},
        {"features": (AGE, AGE)},
        {"clusters": 2},
    ],
)
def test_a_model_that_lacks_a_bound_or_protects_nobody_cannot_be_asked_for(
    changes: dict[str, Any],
) -> None:
    asked = {"kind": "standard_scaler", "features": (AGE,), "rows": 100, "epsilon": "1"}
    ModelSpec(**asked)
    with pytest.raises(ValueError, match="validation error"):
        ModelSpec(**(asked | changes))


def test_a_reversed_range_is_refused() -> None:
    for lower, upper in (("1", "1"), ("2", "1")):
        with pytest.raises(ValueError, match="below the upper"):
            Feature(column="age", lower=lower, upper=upper)


# ---- limits --------------------------------------------------------------------------------------------


def wide(kind: str, width: int, kinds: int, **fields: Any) -> ModelSpec:
    usual: dict[str, Any] = {
        "kind": kind,
        "features": tuple(Feature(column=f"f{i}", lower="0", upper="100") for i in range(width)),
        "rows": 200,
        "epsilon": "1",
        **KINDS[kind],
    }
    if "classes" in usual:
        usual["classes"] = tuple(f"c{i}" for i in range(kinds))
    return ModelSpec.model_validate(usual | fields)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epsilon", ["1e-12", "1e-30", "0.000999"])
def test_an_epsilon_that_is_drawn_for_ever_is_refused(kind, epsilon) -> None:
    with pytest.raises(ValueError, match=r"epsilon is at least 0\.001"):
        spec(kind, epsilon=epsilon)


def test_features_and_classes_that_share_epsilon_need_more_of_it() -> None:
    assert wide("naive_bayes", 48, 50, epsilon="1.152").least_epsilon == Fraction(1152, 1000)
    with pytest.raises(ValueError, match=r"at least 1\.152"):
        wide("naive_bayes", 48, 50, epsilon="1.15")
    with pytest.raises(ValueError, match="at most 24 features"):
        wide("principal_components", 25, 2)


def test_rows_and_features_are_bounded_together() -> None:
    assert wide("standard_scaler", 20, 1, rows=1_000_000).rows == 1_000_000
    with pytest.raises(ValueError, match="at most 20000000"):
        wide("standard_scaler", 20, 1, rows=1_000_001)
    with pytest.raises(ValueError, match="no more clusters than rows"):
        wide("k_means", 2, 1, rows=10, clusters=11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_at_its_least_epsilon_ends_soon(kind) -> None:
    least = wide(kind, 4, 3, epsilon="100").least_epsilon
    small = wide(kind, 4, 3, epsilon=str(least))
    drawn = np.random.default_rng(1)
    x = drawn.random((200, 4)) * 100
    predicted = x[:, 0] if small.target else drawn.integers(0, 3, 200) if small.label else None
    began = time.monotonic()
    fit(small, x, predicted, System())
    assert time.monotonic() - began < 20


# ---- warnings ------------------------------------------------------------------------------------------


def test_no_training_silences_a_privacy_leak(monkeypatch) -> None:
    def leaks(*_: object, **__: object) -> None:
        warnings.warn("bounds were taken from the data", PrivacyLeakWarning, stacklevel=1)

    monkeypatch.setattr(fitting, "_logistic_regression_path", leaks)
    with pytest.raises(PrivacyLeakWarning):
        trained("logistic_regression", 100, 100, "1")


def test_trainings_do_not_meet_for_warning_filters_are_of_the_process(monkeypatch) -> None:
    inside, met = threading.Semaphore(1), []

    def slow(*_: object) -> dict[str, Any]:
        met.append(not inside.acquire(blocking=False))
        both.wait(0.2)
        inside.release()
        return {}

    both = threading.Event()
    monkeypatch.setitem(fitting._FITS, "standard_scaler", slow)
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(trained, "standard_scaler", 20, 20, "1") for _ in range(2)]:
            one.result()
    assert met == [False, False]
