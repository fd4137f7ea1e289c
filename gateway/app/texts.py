"""Finds identifiers in free texts, loaded when first asked for: presidio takes a second to load."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from gateway.classify.pack import standard
from gateway.model.catalog import Column
from gateway.model.text_specs import TextOperator
from gateway.norms.elements import first_elements

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


def entity_columns() -> tuple[Column, ...]:
    """A column for each entity, as its first standard element and with its usual grade and role:
    what policies' rules about columns are asked about texts with."""
    firsts = first_elements()
    return tuple(
        Column(
            name=firsts[entity].name if entity in firsts else entity.lower(),
            type="string",
            element=firsts[entity].name if entity in firsts else None,
            entity=entity,
            grade=graded.grade,
            role=graded.role,
        )
        for entity, graded in sorted(standard().grading.entities.items())
    )
