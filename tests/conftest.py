"""Rules that hold for every test: Hypothesis profiles, and no proxy between us and loopback."""

import os

import pytest
from hypothesis import HealthCheck, settings

# `ci` gives the same examples on every run, so that a failure on one machine is a failure on all;
# `dev` looks at new ones; `deep` is for an hour to spare.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.register_profile("dev", deadline=None, max_examples=100, print_blob=True)
settings.register_profile(
    "deep", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(autouse=True, scope="session")
def _direct_loopback() -> None:
    """Take proxies out of the environment: gRPC and requests would send loopback through them."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
