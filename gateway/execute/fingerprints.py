"""Fingerprints of sources: one digest over what would change if the content did."""

import hashlib
from dataclasses import astuple

from gateway.execute.paths import FileIdentity
from gateway.model.noun import canonical_json

Part = str | int | FileIdentity


def fingerprint(*parts: Part | list[Part]) -> str:
    """SHA-256 over the parts in order, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(_plain(list(parts)))).hexdigest()


def _plain(part: object) -> object:
    if isinstance(part, FileIdentity):
        return list(astuple(part))
    if isinstance(part, list):
        return [_plain(item) for item in part]
    return part
