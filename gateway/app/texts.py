"""Protection of free texts, loaded when it is first asked for: presidio takes a second to load."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from gateway.classify.pack import standard

if TYPE_CHECKING:
    from gateway.classify.text import TextProtector


class TextDesk:
    """Finds and replaces identifiers in texts; thread-safe."""

    def __init__(self) -> None:
        self._protector: TextProtector | None = None
        self._lock = threading.Lock()

    def redact(
        self, texts: Sequence[str], entities: Sequence[str]
    ) -> list[tuple[str, Sequence[str]]]:
        """Each text with its identifiers replaced, and the entities found in order of place.
        ``entities``: look only for these; none means all."""
        wanted = list(entities) or None
        column = pa.array(texts, pa.string())
        protector = self._loaded()
        found = protector.find(column, wanted).to_pylist()
        replaced = protector.redact(column, entities=wanted).to_pylist()
        return [
            (text, [span["entity"] for span in spans])
            for text, spans in zip(replaced, found, strict=True)
        ]

    def _loaded(self) -> "TextProtector":
        with self._lock:
            if self._protector is None:
                from gateway.classify.text import TextProtector  # noqa: PLC0415 - see above

                self._protector = TextProtector(standard())
            return self._protector
