"""A disk that is full while a release is staged: it fails and says why, and leaves nothing."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from gateway.api.pb import release_pb2
from gateway.errors import GatewayError
from gateway.model.catalog import Column, PushedSource
from gateway.testing import residents

ROWS = 30_000
FEW = 200
FAILED = release_pb2.RELEASE_STATE_FAILED


def fails_and_leaves_nothing(site, gateway) -> None:
    consumer = gateway.client("consumer")
    failed = gateway.ask()
    with pytest.raises(GatewayError):
        consumer.wait(failed)
    failed = consumer.release(failed)
    assert (failed.state, failed.ending_reason) == (FAILED, "STAGING_UNAVAILABLE")
    assert "disk" in failed.ending_text
    with pytest.raises(GatewayError, match="only a sealed release"):
        consumer.read(failed)
    assert not site.staged()
    assert site.data_keys() == 0


def still_serves(gateway) -> None:
    assert gateway.client("holder").dataset("residents").rows == ROWS
    sealed = gateway.client("consumer").wait(gateway.ask(limit=FEW))
    assert gateway.client("consumer").read(sealed).num_rows == FEW
    gateway.client("holder").recall(sealed, "to make room")


def works_again(site, gateway) -> None:
    consumer = gateway.client("consumer")
    assert consumer.read(consumer.wait(gateway.ask())).num_rows == ROWS
    verified = gateway.client("auditor").verify_audit()
    assert verified.whole, verified.fault
    assert site.count("charge") == 3


def test_files_that_may_not_grow(site) -> None:
    site.write(residents(ROWS, 7))
    with site.running(file_bytes=800_000) as gateway:
        site.prepare(gateway)
        fails_and_leaves_nothing(site, gateway)
        still_serves(gateway)
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, no_limit)
        works_again(site, gateway)


@contextmanager
def small_disk(folder) -> Iterator[None]:
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def full(site) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; the test above needs no root")
    with small_disk(site.staging):
        yield


@pytest.mark.usefixtures("full")
def test_a_disk_that_is_full(site) -> None:
    site.write(residents(ROWS, 7))
    with site.running() as gateway:
        site.prepare(gateway)
        fails_and_leaves_nothing(site, gateway)
        still_serves(gateway)
        subprocess.run(["mount", "-o", "remount,size=64m", site.staging], check=True)
        works_again(site, gateway)


def test_pushed_records_for_which_there_is_no_room(site) -> None:
    table = residents(ROWS, 5).select(["name", "address", "email"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    with site.running(file_bytes=800_000) as gateway:
        holder = gateway.client("holder")
        holder.register("pushed", PushedSource(), title="Pushed", columns=columns)
        holder.push("pushed", table.slice(0, FEW))
        before = site.staged()
        with pytest.raises(GatewayError) as refused:
            holder.push("pushed", pa.table(table))
        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "STAGING_UNAVAILABLE")
        assert holder.dataset("pushed").rows == FEW
        assert site.staged() == before
        assert holder.push("pushed", table.slice(0, FEW + 1)).rows == FEW + 1
