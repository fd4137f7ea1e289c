"""What makes a creating call repeatable: the caller's request id and the digest of what it asked."""

from typing import Annotated

from pydantic import Field

from gateway.model.noun import Digest, Noun


class RequestKey(Noun):
    """A retry has the same method, id and digest; the same id with another digest is an error."""

    method: Annotated[str, Field(min_length=1, max_length=100)]
    request_id: Annotated[str, Field(min_length=8, max_length=100)]
    request_digest: Digest
