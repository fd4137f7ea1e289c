"""Keeps the classes of nodes that were looked at, to roll up from the smallest that serves."""

from collections import OrderedDict
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

_MOST_NODES: Final = 4_096
"""So that finding the nearest stays cheaper than counting anew."""

_NOWHERE: Final = np.iinfo(np.int16).max
"""A level that no node has: an empty place serves nobody."""


class _Sized(Protocol):
    def __len__(self) -> int: ...


T = TypeVar("T", bound=_Sized)


class Shelf(Generic[T]):
    """At most ``room`` classes in all tables together; the oldest make room. The bottom stays."""

    def __init__(self, bottom: tuple[int, ...], table: T, room: int) -> None:
        self._bottom = table
        self._room = room
        self._held = self._filled = 0
        self._kept: OrderedDict[tuple[int, ...], tuple[int, T]] = OrderedDict()
        self._by_place: dict[int, T] = {}
        self._free = list(range(_MOST_NODES - 1, -1, -1))
        self._nodes = np.full((_MOST_NODES, len(bottom)), _NOWHERE, np.int16)
        self._sizes = np.zeros(_MOST_NODES, np.int64)

    def get(self, node: tuple[int, ...]) -> T | None:
        """The table of a node, where it is kept."""
        if not any(node):
            return self._bottom
        found = self._kept.get(node)
        return None if found is None else found[1]

    def nearest(self, node: tuple[int, ...]) -> T:
        """Of the tables of nodes at or below this one the smallest."""
        filled = self._nodes[: self._filled]
        serves = np.flatnonzero((filled <= np.array(node, np.int16)).all(axis=1))
        if not len(serves):
            return self._bottom
        return self._by_place[int(serves[np.argmin(self._sizes[serves])])]

    def put(self, node: tuple[int, ...], table: T) -> None:
        """Keep a table, which was not here."""
        while self._kept and (not self._free or self._held + len(table) > self._room):
            _, (place, old) = self._kept.popitem(last=False)
            self._held -= len(old)
            self._nodes[place] = _NOWHERE
            del self._by_place[place]
            self._free.append(place)
        place = self._free.pop()
        self._filled = max(self._filled, place + 1)
        self._nodes[place] = node
        self._sizes[place] = len(table)
        self._kept[node] = place, table
        self._by_place[place] = table
        self._held += len(table)
