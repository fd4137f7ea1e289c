"""A full-domain search as simple as can be: every node, in Python, in fractions.

Written from the definitions and not from the code that is tested: tables of tuples, classes as
dictionaries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import isclose, log, log2

from gateway.model.anonymity import AnonymityGoal

Rows = Sequence[tuple[object, ...]]
Hierarchy = Sequence[Sequence[object]]
"""One line a leaf: the leaf, then its ancestors."""


RELATIVE = ("t_closeness", "beta_likeness", "delta_disclosure")
"""Models that compare a class with all that is kept."""


class BruteForce:
    def __init__(
        self,
        rows: Rows,
        secrets: Mapping[str, Sequence[object]],
        hierarchies: Sequence[Hierarchy],
        goal: AnonymityGoal,
        populations: Mapping[str, Rows],
        tree: Hierarchy = (),
    ) -> None:
        self.rows, self.secrets, self.goal = rows, secrets, goal
        self.populations = populations
        self.lines = [{line[0]: line for line in hierarchy} for hierarchy in hierarchies]
        self.heights = [len(hierarchy[0]) - 1 for hierarchy in hierarchies]
        self.limit = int(Fraction(goal.max_suppression) * len(rows))
        self.tree = {line[0]: line for line in tree}

    def optimum(self) -> tuple[float, int] | None:
        """The least value of the metric, and how many nodes reach it; None when none passes."""
        values = [value for _, value in self.passing()]
        if not values:
            return None
        best = min(values)
        return best, sum(isclose(value, best, rel_tol=1e-9, abs_tol=1e-12) for value in values)

    def passing(self) -> Iterator[tuple[tuple[int, ...], float]]:
        for node in product(*(range(height + 1) for height in self.heights)):
            kept = self.kept(node)
            if kept is not None:
                yield node, self.value(node, kept)

    def general(self, row: tuple[object, ...], node: tuple[int, ...]) -> tuple[object, ...]:
        return tuple(
            lines[value][level] for lines, value, level in zip(self.lines, row, node, strict=True)
        )

    def kept(self, node: tuple[int, ...]) -> dict[tuple[object, ...], list[int]] | None:
        """The classes that are kept; None where the node does not pass."""
        classes: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            classes[self.general(row, node)].append(number)
        people = {
            name: Counter(self.general(row, node) for row in found)
            for name, found in self.populations.items()
        }
        models = self.goal.models
        self.drop(classes, people, [m for m in models if m.kind not in RELATIVE])
        while True:
            bad = self.drop(classes, people, [m for m in models if m.kind in RELATIVE])
            if not self.drop_small(classes) and not bad:
                break
        left = sum(map(len, classes.values()))
        if not left or len(self.rows) - left > self.limit:
            return None
        for model in self.goal.models:
            if model.kind == "delta_presence":
                for label, count in people[model.population].items():
                    if len(classes.get(label, ())) < count * Fraction(model.minimum):
                        return None
        return dict(classes)

    def drop(self, classes, people, models) -> bool:
        bad = [
            label
            for label, members in classes.items()
            if not all(self.passes(m, label, members, classes, people) for m in models)
        ]
        for label in bad:
            del classes[label]
        return bool(bad)

    def drop_small(self, classes: dict[tuple[object, ...], list[int]]) -> bool:
        dropped = False
        while classes and not all(self.share_holds(m, classes) for m in self.goal.models):
            smallest = min(map(len, classes.values()))
            for label in [lab for lab, members in classes.items() if len(members) == smallest]:
                del classes[label]
            dropped = True
        return dropped

    def share_holds(self, model, classes) -> bool:
        records = sum(map(len, classes.values()))
        if model.kind == "average_risk":
            return Fraction(len(classes), records) <= Fraction(model.at_most)
        if model.kind == "sample_uniqueness":
            alone = sum(len(members) == 1 for members in classes.values())
            return Fraction(alone, records) <= Fraction(model.at_most)
        return True

    def passes(self, model, label, members, classes, people) -> bool:
        size = len(members)
        match model.kind:
            case "k_anonymity":
                return size >= model.k
            case "k_map":
                return people[model.population][label] >= model.k
            case "delta_presence":
                there = people[model.population][label]
                return size <= there and size <= there * Fraction(model.maximum)
            case "average_risk" | "sample_uniqueness":
                return True
        secrets = self.secrets[model.column]
        here = Counter(secrets[number] for number in members)
        whole = Counter(secrets[n] for others in classes.values() for n in others)
        records = sum(whole.values())
        p = {v: Fraction(here[v], size) for v in whole}
        q = {v: Fraction(whole[v], records) for v in whole}
        match model.kind:
            case "l_diversity":
                return self.diverse(model, here)
            case "t_closeness":
                return self.distance(model, p, q) <= Fraction(model.t)
            case "beta_likeness":
                for v in whole:
                    gain = (p[v] - q[v]) / q[v]
                    if gain > Fraction(model.beta):
                        return False
                    if model.variant == "enhanced" and gain > -log(q[v]) + 1e-12:
                        return False
                return True
            case "delta_disclosure":
                return all(
                    p[v] and abs(log(p[v] / q[v])) < float(Fraction(model.delta)) for v in whole
                )
        raise AssertionError(model.kind)

    @staticmethod
    def diverse(model, here: Counter) -> bool:
        counts = sorted(here.values(), reverse=True)
        if model.variant == "distinct":
            return len(counts) >= int(model.l)
        size = sum(counts)
        if model.variant == "entropy":
            # nⁿ ≥ lⁿ Π cᶜ, in whole numbers
            powers = 1
            for count in counts:
                powers *= count**count
            return Fraction(size) ** size >= Fraction(model.l) ** size * powers
        rest = sum(counts[int(model.l) - 1 :])
        return counts[0] < Fraction(model.c) * rest

    def distance(self, model, p, q) -> Fraction:
        if model.distance == "equal":
            return sum((max(p[v] - q[v], Fraction(0)) for v in q), Fraction(0))
        if model.distance == "ordered":
            places = sorted(q, key=lambda v: (v is None, v if v is not None else 0))
            total, moved = Fraction(0), Fraction(0)
            for v in places:
                moved += p[v] - q[v]
                total += abs(moved)
            return total / (len(places) - 1) if len(places) > 1 else Fraction(0)
        return self.moved_in_tree(p, q)

    def moved_in_tree(self, p, q) -> Fraction:
        height = len(next(iter(self.tree.values()))) - 1
        total = Fraction(0)
        for level in range(1, height + 1):
            nodes: dict[object, dict[object, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
            for v in q:
                line = self.tree[v]
                nodes[(level, line[level])][(level - 1, line[level - 1])] += p[v] - q[v]
            for children in nodes.values():
                more = sum((max(x, Fraction(0)) for x in children.values()), Fraction(0))
                less = sum((max(-x, Fraction(0)) for x in children.values()), Fraction(0))
                total += Fraction(level, height) * min(more, less)
        return total

    def value(self, node, kept) -> float:
        n = len(self.rows)
        out = n - sum(map(len, kept.values()))
        published = {number for members in kept.values() for number in members}
        weights = [Fraction(self.goal.weights.get(q, "1")) for q in self.goal.quasi_identifiers]
        match self.goal.metric:
            case "discernibility":
                return float(sum(len(m) ** 2 for m in kept.values()) + out * n)
            case "average_class_size":
                return n / len(kept)
            case "height":
                return float(sum(w * level for w, level in zip(weights, node, strict=True)))
        total = 0.0
        for place, level in enumerate(node):
            weight = float(weights[place])
            column = [row[place] for row in self.rows]
            for number, value in enumerate(column):
                total += weight * self.cell(place, level, column, value, number in published)
        return total / n / float(sum(weights)) if self.goal.metric != "entropy" else total

    def cell(self, place, level, column, value, published) -> float:
        lines = self.lines[place]
        if self.goal.metric == "precision":
            return level / self.heights[place] if published else 1.0
        if self.goal.metric == "loss":
            if not published:
                return 1.0
            below = sum(line[level] == lines[value][level] for line in lines.values())
            return (below - 1) / max(len(lines) - 1, 1)
        label = lines[value][level]
        under = sum(lines[other][level] == label for other in column) if published else len(column)
        return -log2(column.count(value) / under)
