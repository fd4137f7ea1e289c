"""Protection of free texts, loaded when it is first asked for: presidio takes a second to load."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from gateway.classify.pack import standard
from gateway.model.text_specs import TextOperator

if TYPE_CHECKING:
    from gateway.classify.text import TextProtector


class LazyFinder:
    """Implements ports.TextFinder by the rules that ship; thread-safe."""

    def __init__(self) -> None:
        self._protector: TextProtector | None = None
        self._lock = threading.Lock()

    @property
    def rules(self) -> str:
        """Known without loading what finds by them."""
        pack = standard()
        return f"{pack.version}, sha256 {pack.sha256}"

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        return self._loaded().find(texts, entities)

    def write(self, operator: TextOperator, entity: str, lengths: pa.Array) -> pa.Array:
        from gateway.classify.operators import write  # noqa: PLC0415 - see above

        return write(operator, entity, lengths)

    def _loaded(self) -> "TextProtector":
        with self._lock:
            if self._protector is None:
                from gateway.classify.text import TextProtector  # noqa: PLC0415 - see above

                self._protector = TextProtector(standard())
            return self._protector


class TextDesk:
    """Finds and replaces identifiers in texts; thread-safe."""

    def __init__(self) -> None:
        self._protector: TextProtector | None = None
        self._lock = threading.Lock()

    def redact(
        self, texts: Sequence[str], entities: Sequence[str], check: Callable[[], None]
    ) -> list[tuple[str, Sequence[str]]]:
        """Each text with its identifiers replaced, and the entities found in order of place.
        ``entities``: look only for these; none means all. ``check`` is called before each text
        and raises to stop."""
        wanted = list(entities) or None
        protector = self._loaded()
        protected: list[tuple[str, Sequence[str]]] = []
        for text in texts:
            check()
            replaced, spans = protector.replaced(text, wanted)
            protected.append((replaced, [span.entity for span in spans]))
        return protected

    def _loaded(self) -> "TextProtector":
        with self._lock:
            if self._protector is None:
                from gateway.classify.text import TextProtector  # noqa: PLC0415 - see above

                self._protector = TextProtector(standard())
            return self._protector
