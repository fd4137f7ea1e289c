"""What finds identifiers in texts beside the rule pack: the packages and the code, by version.

A plan names them, so that a release is not repeated by code that finds another thing. They are
known without loading presidio, which takes a second.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files

# Other modules say what is in the pack, or read it.
CODE = tuple(
    """
    checks engine finder folding language models numerals operators person_screen persons provenance
    recognizers scanned screens text words
    """.split()
)
_TOLD = {"jieba": "jieba", "presidio": "presidio-analyzer"}
_OTHERS = ("regex", "tldextract", "pyarrow")


@cache
def finding() -> str:
    """As `jieba 0.42.1, presidio 2.2.366, code 0123456789ab`; the last is a digest."""
    digest = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in _OTHERS).encode())
    for room, name in (*(("gateway.classify", name) for name in CODE), ("gateway.norms", "marks")):
        digest.update(files(room).joinpath(f"{name}.py").read_bytes())
    packages = [f"{name} {version(package)}" for name, package in _TOLD.items()]
    return ", ".join([*packages, f"code {digest.hexdigest()[:12]}"])
