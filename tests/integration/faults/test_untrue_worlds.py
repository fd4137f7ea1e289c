"""The world is not as it was registered, staged or timed: each fault has its own answer."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gateway.api.pb import release_pb2
from gateway.errors import GatewayError
from gateway.testing import residents

FAILED = release_pb2.RELEASE_STATE_FAILED


def refused(site, call) -> tuple[str, str]:
    """Code and reason of a refusal that shows no value."""
    with pytest.raises(GatewayError) as caught:
        call()
    told = f"{caught.value.message} {caught.value.violations} {dict(caught.value.metadata)}"
    assert site.canary not in told
    return caught.value.code, caught.value.reason


def staged_file(site):
    (name,) = site.staged()
    return site.staging / name


def corrupt_header(content: bytearray) -> bytearray:
    content[3] ^= 1
    return content


def corrupt_middle(content: bytearray) -> bytearray:
    content[len(content) // 2] ^= 1
    return content


def corrupt_end(content: bytearray) -> bytearray:
    content[-1] ^= 1
    return content


def cut(content: bytearray) -> bytearray:
    return content[: len(content) // 2]


def empty(content: bytearray) -> bytearray:
    return content[:0]


def read(consumer, release) -> None:
    """The gateway's own answer: the client would notice damage as well."""
    request = release_pb2.ReadReleaseRequest(name=release.name)
    list(consumer._link.stream(consumer._releases.ReadRelease, request))


@pytest.mark.parametrize("damage", [corrupt_header, corrupt_middle, corrupt_end, cut, empty])
def test_a_staged_file_that_was_changed_is_data_loss(site, damage) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
        consumer = gateway.client("consumer")
        sealed = consumer.wait(gateway.ask())
        file = staged_file(site)
        whole = file.read_bytes()
        file.write_bytes(damage(bytearray(whole)))
        lost = ("DATA_LOSS", "STAGING_CORRUPT")
        assert refused(site, lambda: read(consumer, sealed)) == lost
        file.unlink()
        assert refused(site, lambda: read(consumer, sealed)) == lost
        file.write_bytes(whole)
        assert consumer.read(sealed).num_rows == 4000


def test_the_file_of_one_release_does_not_pass_for_another(site) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
        consumer = gateway.client("consumer")
        one = consumer.wait(gateway.ask())
        file = staged_file(site)
        other = consumer.wait(gateway.ask())
        (theirs,) = site.staged() - {file.name}
        file.write_bytes((site.staging / theirs).read_bytes())
        assert refused(site, lambda: read(consumer, one)) == ("DATA_LOSS", "STAGING_CORRUPT")
        assert consumer.read(other).num_rows == 4000


def test_a_clock_that_was_set_back_stops_everything_that_writes(site) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
        sealed = gateway.client("consumer").wait(gateway.ask())
    site.ahead = -120  # less would be forgiven, more outdate the certificates
    with site.running() as gateway:
        behind = ("UNAVAILABLE", "CLOCK_MOVED_BACK")
        consumer, holder = gateway.client("consumer"), gateway.client("holder")
        assert refused(site, gateway.ask) == behind
        assert refused(site, lambda: consumer.read(sealed)) == behind
        assert refused(site, lambda: holder.recall(sealed, "now")) == behind
        # Also looking leaves an entry, which would stand before the one that is there.
        assert refused(site, lambda: holder.dataset("residents")) == behind
    site.ahead = 0
    with site.running() as gateway:
        assert gateway.client("consumer").read(sealed).num_rows == 4000
        assert site.count("release") == site.count("charge") == 1
        assert gateway.client("auditor").verify_audit().whole


def ended(gateway, release):
    with pytest.raises(GatewayError):
        gateway.client("consumer").wait(release)
    return gateway.client("consumer").release(release)


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (lambda t: t.drop_columns(["income"]), "FAILED_PRECONDITION", "SOURCE_CHANGED"),
        (lambda t: t.append_column("more", t["name"]), "FAILED_PRECONDITION", "SOURCE_CHANGED"),
        (
            lambda t: t.set_column(10, "income", pc.cast(t["income"], pa.string())),
            "FAILED_PRECONDITION",
            "SOURCE_CHANGED",
        ),
        (None, "UNAVAILABLE", "SOURCE_UNAVAILABLE"),
    ],
    ids=["removed", "added", "type", "vanished"],
)
def test_a_source_that_is_not_as_registered(site, change, code, reason) -> None:
    file = site.data / "residents.parquet"

    def spoil() -> None:
        if change is None:
            file.unlink()
        else:
            pq.write_table(change(pq.read_table(file)), file)

    # Between opening and running: then the release fails, and says so.
    with site.running(breaks=[{"point": "take", "pause": 1.0}]) as gateway:
        site.prepare(gateway)
        release = gateway.ask()
        spoil()
        failed = ended(gateway, release)
        assert (failed.state, failed.ending_reason) == (FAILED, reason)
        assert site.canary not in str(failed)
        assert not site.staged()
        assert site.data_keys() == 0
        # Before opening: then there is no release, and nothing is charged.
        assert refused(site, gateway.ask) == (code, reason)
        assert site.count("charge") == 1


@pytest.mark.parametrize("other", ["noise", "empty", "folder", "link"])
def test_a_source_that_is_no_longer_what_its_name_says_is_not_the_consumers_fault(
    site, other
) -> None:
    file = site.data / "residents.parquet"
    with site.running() as gateway:
        site.prepare(gateway)
        file.unlink()
        if other == "noise":
            file.write_bytes(site.canary.encode() * 100)
        elif other == "empty":
            file.touch()
        elif other == "folder":
            (file / "inside").mkdir(parents=True)
        else:
            file.symlink_to(site.config)
        assert refused(site, gateway.ask) == ("FAILED_PRECONDITION", "SOURCE_CHANGED")
        assert site.count("charge") == 0


def test_a_holder_who_names_anything_outside_the_source_folder_learns_nothing(site) -> None:
    from gateway.model.catalog import CsvSource, ParquetSource

    secret = site.folder / "secret.parquet"
    pq.write_table(residents(10, 1), secret)
    (site.data / "link.parquet").symlink_to(secret)
    (site.data / "folder").symlink_to(site.folder)
    (site.data / "signing.csv").symlink_to(site.folder / "keys" / "signing.pem")
    sources = [
        ParquetSource(path="../../secret.parquet"),
        ParquetSource(path="link.parquet"),
        ParquetSource(path="folder/secret.parquet"),
        ParquetSource(path=str(secret)),
        CsvSource(path="signing.csv"),
        CsvSource(path="../../keys/ring.json"),
        CsvSource(path="../../not-there"),
        CsvSource(path="/etc/passwd"),
        CsvSource(path="/proc/self/environ"),
    ]
    with site.running() as gateway:
        holder = gateway.client("holder")
        answers = set()
        for number, source in enumerate(sources):
            with pytest.raises(GatewayError) as caught:
                holder.register(f"outside-{number}", source, title="x")
            answers.add((caught.value.code, caught.value.reason, caught.value.message))
        # One answer for all: what is outside is neither there nor not there.
        assert len(answers) == 1, answers
        assert answers.pop()[0] == "INVALID_ARGUMENT"
