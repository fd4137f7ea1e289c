"""The real clock and the operating system's entropy."""

import secrets
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemEntropy:
    """Implements ports.Entropy."""

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)
