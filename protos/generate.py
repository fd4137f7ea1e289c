"""Generates the Python code in gateway/api/pb from the protos, or checks that it is fresh.

`python protos/generate.py` writes; `--check` compares with what is committed and changes nothing.
"""

import argparse
import difflib
import re
import sys
import tempfile
from importlib import resources
from pathlib import Path

import google.rpc
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
PROTOS = ROOT / "protos"
PACKAGE = ROOT / "gateway" / "api" / "pb"
MARKER = '"""Code generated from the protos by `make proto`; not edited by hand."""\n'
# Types for the grpc classes, which protoc itself leaves out; installed beside this interpreter.
GRPC_TYPES = f"protoc-gen-mypy_grpc={Path(sys.executable).parent / 'protoc-gen-mypy_grpc'}"

# protoc names Python modules after the proto package; ours live where the import rules put them.
# Only module names are rewritten: the proto package inside descriptors stays gateway.v1.
MODULE = re.compile(r"\bgateway\.v1(?=(\.\w+_pb2\b| import \w+_pb2\b))")


def include_flags() -> list[str]:
    """Return the -I flags: our protos, the well-known types, and google.rpc beside its package."""
    well_known = resources.files("grpc_tools") / "_proto"
    common = Path(next(iter(google.rpc.__path__))).parents[1]
    return [f"-I{PROTOS}", f"-I{well_known}", f"-I{common}"]


def sources() -> list[str]:
    """Return the protos' paths relative to their root, sorted."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("gateway/v1/*.proto"))


def run_protoc(arguments: list[str]) -> None:
    """Run protoc over all protos; it prints what is wrong itself, so failure only has to stop."""
    if protoc.main(["protoc", *include_flags(), *arguments, *sources()]) != 0:
        sys.exit("protoc: the protos do not compile, see the messages above")


def generate() -> dict[str, str]:
    """Return the generated package: file name to text."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = ("python_out=", "pyi_out=", "grpc_python_out=", "mypy_grpc_out=quiet:")
        run_protoc([f"--plugin={GRPC_TYPES}", *(f"--{output}{folder}" for output in outputs)])
        made = sorted(Path(folder, "gateway", "v1").iterdir())
        files = {path.name: MODULE.sub("gateway.api.pb", path.read_text("utf-8")) for path in made}
    # A file of messages alone still gets a grpc module, with nothing in it.
    used = {name: text for name, text in files.items() if "_grpc." not in name or "Stub" in text}
    return {"__init__.py": MARKER, **used}


def committed() -> dict[str, str]:
    """Return the package as it is in the tree: file name to text."""
    return {
        path.name: path.read_text("utf-8")
        for path in sorted(PACKAGE.glob("*"))
        if path.suffix in {".py", ".pyi"}
    }


def check(fresh: dict[str, str], present: dict[str, str]) -> int:
    """Print which generated files differ from the tree; return the exit code."""
    stale = sorted(name for name in fresh | present if fresh.get(name) != present.get(name))
    for name in stale:
        old, new = present.get(name, ""), fresh.get(name, "")
        delta = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
        changed = sum(line[0] in "+-" for line in list(delta)[2:])
        print(f"stale: gateway/api/pb/{name} ({changed} lines)", file=sys.stderr)
    if stale:
        print("The generated code is not what the protos give: run `make proto`.", file=sys.stderr)
    return 1 if stale else 0


def write(fresh: dict[str, str], present: dict[str, str]) -> None:
    """Make the package hold exactly the generated files."""
    PACKAGE.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - fresh.keys():
        (PACKAGE / name).unlink()
    for name, text in fresh.items():
        (PACKAGE / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(fresh)} files to {PACKAGE.relative_to(ROOT)}")


def main() -> int:
    """Parse the command line and do the one thing asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare, change nothing")
    what.add_argument("--image", type=Path, metavar="FILE", help="write a descriptor set for buf")
    parser.add_argument("--no-source-info", action="store_true", help="leave comments out of it")
    options = parser.parse_args()
    if options.image:
        options.image.parent.mkdir(parents=True, exist_ok=True)
        info = [] if options.no_source_info else ["--include_source_info"]
        run_protoc([f"--descriptor_set_out={options.image}", "--include_imports", *info])
        return 0
    if options.check:
        return check(generate(), committed())
    write(generate(), committed())
    return 0


if __name__ == "__main__":
    sys.exit(main())
