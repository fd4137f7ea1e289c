"""Finds identifiers in free texts, loaded when first asked for: presidio takes a second to load."""

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from gateway.classify.pack import standard
from gateway.classify.provenance import finding
from gateway.config import Text
from gateway.model.catalog import Column
from gateway.model.text_specs import TextOperator
from gateway.norms.elements import first_elements

if TYPE_CHECKING:
    from gateway.classify.models import NameModel
    from gateway.classify.text import TextProtector

# Transformers and what lies below it ask the network for newer files unless they are told not to.
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


class LazyFinder:
    """Implements ports.TextFinder by the rules that ship and the engine of the settings;
    thread-safe. With a model it is no longer lazy: what cannot be loaded is told at the start, by
    ConfigurationError, and not when a text comes."""

    def __init__(self, settings: Text) -> None:
        self._settings = settings
        self._protector: TextProtector | None = None
        self._lock = threading.Lock()
        self._engine: str = settings.engine
        if settings.engine == "stanza":
            self._engine += f" {settings.language}"
        if settings.path is not None:
            os.environ.update(dict.fromkeys(_OFFLINE, "1"))
            from gateway.classify.models import digest  # noqa: PLC0415 - see above

            self._engine += f", sha256 {digest(settings.path)[:32]}"
            self._loaded()

    @property
    def rules(self) -> str:
        """Known without loading what finds by them."""
        pack = standard()
        return f"{pack.version}, sha256 {pack.sha256}; {self._engine}; {finding()}"

    @property
    def entities(self) -> Sequence[str]:
        return self._loaded().entities

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        return self._loaded().find(texts, entities)

    def write(self, operator: TextOperator, entity: str, lengths: pa.Array) -> pa.Array:
        from gateway.classify.operators import write  # noqa: PLC0415 - see above

        return write(operator, entity, lengths)

    def settled(self, entities: pa.Array) -> None:
        """Nobody counts here."""

    def _loaded(self) -> "TextProtector":
        with self._lock:
            if self._protector is None:
                from gateway.classify.text import TextProtector  # noqa: PLC0415 - see above

                self._protector = TextProtector(standard(), model=self._model())
            return self._protector

    def _model(self) -> "NameModel | None":
        settings = self._settings
        if settings.engine == "jieba" or settings.path is None:
            return None
        from gateway.classify.models import load  # noqa: PLC0415 - see above

        return load(settings.engine, settings.path, settings.language)


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
