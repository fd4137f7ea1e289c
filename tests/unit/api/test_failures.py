"""Errors as callers see them."""

import base64
from urllib.parse import quote

import grpc
import pytest
from google.rpc import error_details_pb2

from gateway import errors
from gateway.api.failures import Incident, KeyIncident, rich_status, status_code
from gateway.errors import InvalidRequest, QuotaExhausted, Violation


def every(kind):
    if kind.__module__ == errors.__name__:
        yield kind
    for below in kind.__subclasses__():
        yield from every(below)


@pytest.mark.parametrize("kind", list(every(errors.GatewayError)), ids=lambda kind: kind.__name__)
def test_every_error_has_a_canonical_code_and_exactly_one_error_info(kind):
    error = kind("text", resource="datasets/a")
    assert status_code(error).name == error.code
    status = rich_status(error)
    kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
    assert kinds.count("ErrorInfo") == 1
    info = error_details_pb2.ErrorInfo()
    status.details[kinds.index("ErrorInfo")].Unpack(info)
    assert (info.reason, info.domain) == (error.reason, "gateway.v1")
    assert info.metadata["resource"] == "datasets/a"
    if isinstance(error, QuotaExhausted):
        assert "QuotaFailure" in kinds
    if error.code == "FAILED_PRECONDITION" and not isinstance(error, errors.GatewayFault):
        assert "PreconditionFailure" in kinds


@pytest.mark.parametrize("text", ["", "a" * 100_000, "数" * 100_000, "\x00\n%" * 50_000, "é"])
@pytest.mark.parametrize("violations", [0, 1, 1000])
def test_an_answer_fits_into_trailers_whatever_it_says(text, violations):
    error = InvalidRequest(
        text, violations=[Violation(text or "f", text) for _ in range(violations)], more=text
    )
    status = rich_status(error)
    size = len(quote(status.message)) + len(base64.b64encode(status.SerializeToString()))
    assert size < 7800  # of 8192, which also hold the names and the other trailers
    assert status.details
    if violations == 1:
        assert len(status.details) == 2


def test_an_incident_names_nothing_but_itself():
    error = Incident("0123abcd")
    assert status_code(error) is grpc.StatusCode.INTERNAL
    assert error.metadata == {"incident": "0123abcd"}


def test_an_incident_with_a_key_may_pass_and_names_nothing_but_itself():
    error = KeyIncident("0123abcd")
    assert status_code(error) is grpc.StatusCode.UNAVAILABLE
    assert error.metadata == {"incident": "0123abcd"}


INTERNAL = {errors.KeyUnavailable, errors.KeyServiceUnavailable}


@pytest.mark.parametrize("kind", list(every(errors.GatewayError)), ids=lambda kind: kind.__name__)
def test_texts_about_keys_and_no_others_are_kept_from_callers(kind):
    error = kind("/srv/keys/ring.json is open to other users")
    assert (error.public == errors.UNUSABLE_KEY) == (kind in INTERNAL)
