"""A client in another language goes the whole way, knowing the protos and nothing else of ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.testing import residents
from gateway.verify import verify_file
from tests.integration.conftest import STUDY

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".ci"
PROGRAM = Path(__file__).parent / "node" / "journey.cjs"
# `make` puts the programs of the environment last; a test that is run by hand looks there too.
PATH = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The folder with grpc-js, installed from the lock file if it is not there yet."""
    modules = TOOLS / "node_modules"
    if not shutil.which("node", path=PATH):
        pytest.skip("node is not installed, so no client in another language can be run")
    if (modules / "@grpc" / "grpc-js").is_dir():
        return modules
    npm = shutil.which("npm", path=PATH)
    if npm is None:
        pytest.skip(f"npm is not installed and {modules} is not there: run `make check` first")
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--loglevel=error"],
        check=False,
        cwd=TOOLS,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"the packages of .ci/package-lock.json could not be installed: {done.stderr}")
    return modules


@pytest.mark.timeout(180)
def test_the_whole_journey_from_the_protos_alone(node_modules: Path, tmp_path: Path) -> None:
    rows, installation = 120_000, tmp_path / "installation"
    initialise(installation, listen=free_address())
    pq.write_table(residents(rows, 3), installation / "data" / "holder" / "residents.parquet")
    policy = tmp_path / "policy.yaml"
    policy.write_text(STUDY, encoding="utf-8")
    with serving(installation) as address:
        done = subprocess.run(
            ["node", str(PROGRAM), str(ROOT / "protos"), installation, address, policy, tmp_path],
            check=False,
            env={"PATH": PATH, "NODE_PATH": str(node_modules)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["party"] == "parties/consumer"
    assert saw["rows_registered"] == rows
    assert saw["classified"] == "CLASSIFICATION_STATE_DONE"
    assert saw["denied"] == {"state": "RELEASE_STATE_DENIED", "codes": ["NO_GRANT"]}
    assert saw["refused"]["code"] == "PERMISSION_DENIED"
    assert saw["previewed"] == saw["planned"]
    assert saw["state"] == "RELEASE_STATE_SEALED"
    assert saw["indexes"] == list(range(len(saw["indexes"])))
    assert len(saw["indexes"]) > 3
    assert saw["last"]
    assert saw["rows"] == rows
    assert saw["hash_is_the_sealed_one"]
    certificate = (tmp_path / "certificate.json").read_bytes()
    verified = verify_file(
        certificate, (tmp_path / "key.pem").read_bytes(), tmp_path / "extract.arrows"
    )
    assert verified.file_check == "the exact stream that was sealed"
    with pa.memory_map(str(tmp_path / "extract.arrows")) as file:
        table = pa.ipc.open_stream(file).read_all()
    assert table.num_rows == rows
    assert table.column_names == ["name", "resident_id", "district", "birth_date"]
