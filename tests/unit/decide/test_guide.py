"""The officer's guide is true: its examples work, and it leaves nothing out."""

import re
from pathlib import Path

import pytest

from gateway.decide import lint, reasons
from gateway.decide.cases import Case, Expected, parse_cases, run_cases
from gateway.decide.parse import parse_policy
from gateway.model.policy import Match, Obligations, Policy, Rule
from gateway.model.transforms import Spec

GUIDE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


def test_the_examples_work_together():
    policy, cases = EXAMPLES
    results = run_cases(parse_policy(policy), parse_cases(cases))
    assert [result.differences for result in results] == [(), ()]


FIELDS = {
    name
    for model in (Policy, Rule, Match, Obligations, Case, Expected)
    for name in model.model_fields
}
CODES = {v for n, v in vars(reasons).items() if n.isupper() and not n.startswith("_")}
LINT = set(re.findall(r'"([A-Z]+_[A-Z_]+|COLLIDES)"', Path(lint.__file__).read_text("utf-8")))
KINDS = {spec.model_fields["kind"].default for spec in Spec.__subclasses__()}


@pytest.mark.parametrize("word", sorted(FIELDS | CODES | LINT | KINDS))
def test_every_field_code_and_transform_is_explained(word):
    assert re.search(rf"`(expect\.)?{word}\b", GUIDE) or re.search(
        rf"`[^`\n]*\b{word}\b[^`\n]*`", GUIDE
    )


def test_parameters_of_transforms_are_all_listed():
    for spec in Spec.__subclasses__():
        for name in set(spec.model_fields) - {"kind", "table_digest"}:
            assert f"`{name}`" in GUIDE, f"{spec.__name__}.{name}"
