"""Key domains; there is nothing secret in their records."""

from gateway.api.convert.words import KEY_DOMAIN_STATE_NUMBERS
from gateway.api.pb import keys_pb2
from gateway.model.key_domains import KeyDomain, KeyVersion, parts_of


def to_proto(domain: KeyDomain) -> keys_pb2.KeyDomain:
    """All of it."""
    message = keys_pb2.KeyDomain(
        name=domain.name,
        owner=domain.owner,
        parts=[
            keys_pb2.KeyDomainPart(label=label, value=value)
            for label, value in parts_of(domain.owner)
        ],
        versions=[_version(version) for version in domain.versions],
        state=KEY_DOMAIN_STATE_NUMBERS[domain.state],
    )
    if domain.shredding is not None:
        message.shredding.proposed_by = domain.shredding.proposed_by
        message.shredding.reason = domain.shredding.reason
        message.shredding.time.FromDatetime(domain.shredding.at)
    return message


def _version(version: KeyVersion) -> keys_pb2.KeyVersion:
    message = keys_pb2.KeyVersion(number=version.number)
    message.created.FromDatetime(version.created)
    if version.destroyed is not None:
        message.destroyed.FromDatetime(version.destroyed)
    return message
