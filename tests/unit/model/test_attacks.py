import pytest
from pydantic import ValidationError

from gateway.model.attacks import AttackLimits, AttackResult


def outcome(name: str, high: str) -> AttackResult:
    return AttackResult(
        name=name,  # type: ignore[arg-type]
        success="0",
        low="0",
        high=high,
        rate="0",
        baseline="0",
        attempts=100,
        threat="t",
        explanation="e",
    )


def test_the_upper_end_is_what_a_limit_holds_down() -> None:
    limits = AttackLimits(singling_out="0.1")
    at, above = (outcome("singling_out_univariate", high) for high in ("0.1", "0.100001"))
    unlimited = outcome("linkability", "1")
    assert limits.exceeded([at, unlimited]) == ()
    assert limits.exceeded([at, above, unlimited]) == (above,)


def test_a_limited_attack_that_was_not_run_is_missing() -> None:
    limits = AttackLimits(singling_out="0.1", inference="0.2")
    assert limits.missing([outcome("singling_out_multivariate", "0")]) == {"inference"}


def test_the_lower_limit_is_the_stricter_one() -> None:
    one = AttackLimits(linkability="0.1", inference="0.2")
    other = AttackLimits(linkability="0.05", record_linkage="0.3")
    both = AttackLimits(linkability="0.05", inference="0.2", record_linkage="0.3")
    assert one.stricter(other) == other.stricter(one) == both
    # By value and not as text
    assert (
        AttackLimits(linkability="1").stricter(AttackLimits(linkability="0.9")).linkability == "0.9"
    )


@pytest.mark.parametrize("limit", ["1.1", "-0.1", 0.5])
def test_a_limit_is_an_exact_share(limit: object) -> None:
    with pytest.raises(ValidationError):
        AttackLimits.model_validate({"linkability": limit})


def test_an_interval_encloses_its_figure() -> None:
    with pytest.raises(ValidationError, match="encloses"):
        outcome("linkability", "0.5").but(success="0.6")
