"""Reads a YAML file of the gateway into a checked noun, with the line of everything wrong.

A small part of YAML: mappings, lists and scalars, no aliases, no tags, one document. Plain
scalars are null, true, false, integers, or text: nothing turns into a date or a float, and a
region's code keeps its leading zero when it is written as one.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import InvalidRequest, Violation
from gateway.model.noun import Noun

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 20

Path: TypeAlias = tuple[str | int, ...]
N = TypeVar("N", bound=Noun)

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file as JSON would have it, and on which line each part begins."""

    content: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of that part, or of the nearest part around it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def read_yaml(text: str, what: str) -> Document:
    """Parse ``text``; InvalidRequest naming ``what`` and the line where it cannot be read."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidRequest.of(what, f"the file is larger than {MAX_BYTES} bytes")
    builder = _Builder(what)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as refused:
        mark = refused.problem_mark or refused.context_mark
        raise _refused(what, mark, f"not YAML: {refused.problem or refused.context}") from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise InvalidRequest.of(what, "not YAML: it holds a character that YAML forbids") from None
    return builder.document()


def checked(model: type[N], document: Document, what: str) -> N:
    """The noun in the document; InvalidRequest with path and line of every violation."""
    text = json.dumps(document.content)
    try:
        # Strict as JSON: a number in quotes is no number, and true is not 1.
        return model.model_validate_json(text, strict=True)
    except ValidationError as refused:
        raise InvalidRequest.collected(list(_violations(refused, document, what))) from None


class _Builder:
    """Builds the document from the parser's events; no recursion, so depth is a plain count."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lines: dict[Path, int] = {}
        self._root: list[Any] = []
        # Open containers, innermost last: the container, its path, and the key that waits.
        self._open: list[tuple[list[Any] | dict[str, Any], Path]] = []
        self._keys: list[str | None] = []

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise _refused(self._what, event.start_mark, "aliases (*name) are not used here")
        if getattr(event, "tag", None) is not None:
            raise _refused(self._what, event.start_mark, "tags (!name) are not used here")
        if isinstance(event, yaml.DocumentStartEvent) and self._root:
            raise _refused(self._what, event.start_mark, "one document is expected")
        if isinstance(event, yaml.MappingStartEvent):
            self._begin({}, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)

    def document(self) -> Document:
        if not self._root or not isinstance(self._root[0], dict):
            raise InvalidRequest.of(self._what, "a mapping (name: value) is expected")
        return Document(self._root[0], self._lines)

    def _begin(self, container: list[Any] | dict[str, Any], event: yaml.Event) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _refused(self._what, event.start_mark, f"more than {MAX_DEPTH} levels deep")
        path = self._place(container, event)
        self._open.append((container, path))
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._open and isinstance(self._open[-1][0], dict) and self._keys[-1] is None:
            container, path = self._open[-1]
            if event.value in container:
                where = written(path) or self._what
                text = f"the key {event.value[:200]} is given twice"
                raise _refused(where, event.start_mark, text)
            self._keys[-1] = event.value
            return
        plain = event.style in (None, "") and event.implicit[0]
        self._place(_plain(event.value) if plain else event.value, event)

    def _place(self, value: Any, event: yaml.Event) -> Path:
        """Put a value where it belongs and return its path."""
        if not self._open:
            self._root.append(value)
            path: Path = ()
        else:
            container, around = self._open[-1]
            key = self._keys[-1]
            if isinstance(container, list):
                path = (*around, len(container))
                container.append(value)
            elif key is None:
                raise _refused(self._what, event.start_mark, "a key must be a plain word")
            else:
                path = (*around, key)
                container[key] = value
                self._keys[-1] = None
        self._lines[path] = _line(event.start_mark)
        return path


def _plain(text: str) -> str | int | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _violations(refused: ValidationError, document: Document, what: str) -> Iterator[Violation]:
    # Inputs and contexts stay out: a row filter's values may be personal.
    errors = refused.errors(include_url=False, include_context=False, include_input=False)
    for error in errors:
        if error["type"] == "too_short" and _has_faults_inside(error["loc"], errors):
            continue  # its items were wrong, so none was counted
        path = _known_part(tuple(error["loc"]), document.content)
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] == "string_type":
            message += " (put it in quotes)"
        yield Violation(written(path) or what, f"line {document.line(path)}: {message}")


def _has_faults_inside(path: Path, errors: Sequence[ErrorDetails]) -> bool:
    return any(len(e["loc"]) > len(path) and e["loc"][: len(path)] == path for e in errors)


def _known_part(path: Path, content: Any) -> Path:
    """``path`` without the names of union members, which pydantic puts in and the file has not."""
    known: list[str | int] = []
    for index, step in enumerate(path):
        inside = isinstance(content, dict) and step in content
        if inside or (isinstance(content, list) and isinstance(step, int)):
            known.append(step)
            content = content[step]
        elif index == len(path) - 1 and isinstance(content, dict):
            known.append(step)  # a key that is missing
    return tuple(known)


def written(path: Path) -> str:
    """``('rules', 3, 'match')`` → ``rules[3].match``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:200]


class _Mark(Protocol):
    """A place in the text, in either of the parser's two classes."""

    @property
    def line(self) -> int:
        """Counted from 0."""


def _refused(where: str, mark: _Mark | None, text: str) -> InvalidRequest:
    return InvalidRequest.of(where, f"line {_line(mark)}: {text}")


def _line(mark: _Mark | None) -> int:
    return 1 if mark is None else mark.line + 1
