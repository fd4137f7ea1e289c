"""Reads a policy file, and publishes the JSON Schema that editors complete it by."""

from gateway.decide.yaml_text import checked, read_yaml
from gateway.model.policy import Policy

SCHEMA_ID = "urn:gateway:schema:policy:1"


def parse_policy(text: str) -> Policy:
    """The policy in ``text``; InvalidRequest with path and line of everything wrong with it.

    Refused are files above 1 MiB, more than 20 levels, aliases, tags, duplicate keys and
    unknown fields. No message repeats a row filter's value.
    """
    return checked(Policy, read_yaml(text, "policy"), "policy")


def json_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of the policy file; a copy is kept in docs/policy.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Policy.model_json_schema(mode="validation"),
    }
