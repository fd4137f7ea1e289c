"""Language models that find persons' names in text: spaCy, Stanza or Transformers, from a folder.

Only folders, never names of models: what has no name cannot be fetched. The words near a find are
cut by jieba under every model, so a model changes which names are found and nothing else.
"""

import hashlib
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import spacy

from gateway.errors import ConfigurationError

ModelKind = Literal["spacy", "stanza", "transformers"]
Named = tuple[int, int, float]
"""Start and end (characters) of a name, and its score."""

_PERSONS = frozenset({"PERSON", "PER", "PERSONNAME", "NAME", "PATIENT", "STAFF", "HCW", "DOCTOR"})
# spaCy and Stanza give no score; presidio takes this.
_SCORE = 0.85
_BATCH = 64
# Tokens; a tokenizer that names no length says a number of thirty digits.
_LONGEST = 1_000_000


class NameModel(Protocol):
    """Finds names. It may be called for any text of at most a million characters."""

    def names(self, texts: Sequence[str]) -> Iterator[list[Named]]:
        """The names in each text."""


def load(kind: ModelKind, folder: Path, language: str = "zh-hans") -> NameModel:
    """The model in the folder. ConfigurationError when the package is missing or it holds none.

    language: of a Stanza folder, which may hold several.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"text.path: {folder} is no folder: name one that holds a model")
    if kind == "spacy":
        return _Spacy(folder)
    return _Stanza(folder, language) if kind == "stanza" else _Transformers(folder)


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a model. ConfigurationError."""
    whole = hashlib.sha256()
    try:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            with path.open("rb") as file:
                part = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{path.relative_to(folder).as_posix()}\n{part}\n".encode())
    except OSError as unreadable:
        raise ConfigurationError(f"text.path: {folder} cannot be read") from unreadable
    return whole.hexdigest()


class _Spacy:
    def __init__(self, folder: Path) -> None:
        _require(folder, "config.cfg", "spaCy")
        with _Loading("spaCy", folder):
            # A Path and never a name: spaCy takes a text for an installed package too.
            self._nlp = spacy.load(folder)

    def names(self, texts: Sequence[str]) -> Iterator[list[Named]]:
        """As `NameModel`."""
        for document in self._nlp.pipe(texts, batch_size=_BATCH):
            yield [
                (found.start_char, found.end_char, _SCORE)
                for found in document.ents
                if _is_person(found.label_)
            ]


class _Stanza:
    def __init__(self, folder: Path, language: str) -> None:
        _require(folder, "resources.json", "Stanza")
        stanza = _package("stanza")
        with _Loading("Stanza", folder):
            self._pipeline = stanza.Pipeline(
                language,
                dir=str(folder),
                processors="tokenize,ner",
                download_method=None,
                verbose=False,
            )

    def names(self, texts: Sequence[str]) -> Iterator[list[Named]]:
        """As `NameModel`."""
        for text in texts:
            yield [
                (found.start_char, found.end_char, _SCORE)
                for found in (self._pipeline(text).ents if text.strip() else ())
                if _is_person(found.type)
            ]


class _Transformers:
    def __init__(self, folder: Path) -> None:
        _require(folder, "config.json", "Transformers")
        transformers = _package("transformers")
        with _Loading("Transformers", folder):
            local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
            # Other formats of weights run code when they are read.
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **local)
            model = transformers.AutoModelForTokenClassification.from_pretrained(
                str(folder), use_safetensors=True, **local
            )
            if not tokenizer.is_fast:
                raise ValueError("no fast tokenizer")
            if tokenizer.model_max_length > _LONGEST:
                # The tokenizer names no length. Some models keep two positions for themselves.
                tokenizer.model_max_length = model.config.max_position_embeddings - 2
            # With a stride a text longer than the model reads is read in parts that overlap;
            # without one its end would be left unread.
            self._pipeline = transformers.pipeline(
                "token-classification",
                model=model,
                tokenizer=tokenizer,
                aggregation_strategy="first",
                stride=tokenizer.model_max_length // 8,
            )

    def names(self, texts: Sequence[str]) -> Iterator[list[Named]]:
        """As `NameModel`."""
        for text in texts:
            yield [
                (int(found["start"]), int(found["end"]), float(found["score"]))
                for found in (self._pipeline(text) if text.strip() else ())
                if _is_person(found["entity_group"])
            ]


class _Loading:
    """Tells of a folder that a package cannot load; its own message may quote anything."""

    def __init__(self, package: str, folder: Path) -> None:
        self._package = package
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: object, trace: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            raise ConfigurationError(
                f"text.path: {self._package} cannot load {self._folder} ({kind.__name__}): name a "
                f"folder with a {self._package} model of the installed version"
            ) from None


def _require(folder: Path, file: str, package: str) -> None:
    if not (folder / file).is_file():
        raise ConfigurationError(
            f"text.path: {folder} holds no {package} model: there is no {file} in it"
        )


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise ConfigurationError(
            f"text.engine: {name} is not installed: install the package {name} beside the gateway, "
            "or use the engine jieba"
        ) from missing


def _is_person(label: str) -> bool:
    # Some models tell the place in a name: B-PER, I-PER, E-PER, S-PER.
    return label.upper().rpartition("-")[2] in _PERSONS
