"""One SELECT statement to a question, resolved against the catalogue.

The text is parsed once, and only our own tree goes on: no text of the caller is ever run.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from pydantic import ValidationError
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.catalog import DataSet
from gateway.model.exact import DECIMALS, from_millionths
from gateway.model.key_types import KEY_TYPES
from gateway.model.names import identifier
from gateway.model.schema import arrow_type
from gateway.model.statistics import (
    Aggregate,
    Condition,
    GroupKey,
    Order,
    Question,
    Table,
)
from gateway.planning.questions.aggregates import Read, is_aggregate, read_aggregate
from gateway.planning.questions.domains import Groups, groups_of
from gateway.planning.questions.expressions import Tree, condition, constant, read
from gateway.planning.questions.refusals import named, only, outside, refused, wrong
from gateway.planning.questions.scope import Named, Scope, same

MOST_GROUPS: Final = 1_000_000
"""Groups that an answer may have: each of a public list is answered, whether or not it is empty."""

_COMPARISONS: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_OPENING: Final = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN, TokenType.FROM)
_DOWN: Final = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE)
_UP: Final = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END)
_SIGNS: Final = (TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE)
_DEEPEST: Final = 30
_TOO_DEEP: Final = f"the statement is nested too deeply: at most {_DEEPEST} levels"
_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CLAUSES: Final = (
    "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "kind",
)  # fmt: skip


def parse(sql: str, datasets: Mapping[str, DataSet]) -> Question:
    """The question that a SQL text asks.

    ``datasets``: those that the caller may see, by name; the text names them by their identifier
    (``datasets/residents`` is ``residents``; a hyphen may be written as underscore). Raises
    InvalidRequest for whatever is outside the subset, by its name and place, FailedPrecondition for
    a data set whose person is not known.
    """
    try:
        return _question(_statement(sql), datasets)
    except RecursionError:
        raise InvalidRequest.of("sql", _TOO_DEEP) from None


def _question(select: exp.Select, datasets: Mapping[str, DataSet]) -> Question:
    only(select, _CLAUSES)
    if select.args.get("kind"):
        raise outside(select)
    scope = _scope(select, datasets)
    where = select.args.get("where")
    selected = _selected(select, scope)
    keys = _keys(select, scope, selected)
    aggregates = {
        name: found.named(name, node)
        for name, (node, found) in selected.items()
        if isinstance(found, Read)
    }
    outputs = _outputs(selected, keys)
    if not aggregates:
        raise refused(
            select, "nothing is counted or added up: records are asked for with a release"
        )
    post = _Post(scope, outputs, keys, aggregates)
    try:
        return Question(
            tables=tuple(
                Table(dataset=t.dataset.name, person=_person(t.dataset)) for t in scope.tables
            ),
            aggregates=tuple(aggregates.values()),
            group_by=tuple(keys),
            where=None if where is None else condition(where.this, scope),
            having=post.having(select.args.get("having")),
            order=post.order(select.args.get("order")),
            limit=post.limit(select.args.get("limit")),
            outputs=tuple(outputs),
        )
    except ValidationError as error:
        raise InvalidRequest.of("sql", wrong(error)) from None


def asked_datasets(sql: str) -> tuple[str, ...]:
    """Names of the data sets that a text is about, before anything else is looked at."""
    select = _statement(sql)
    return tuple(_dataset_name(table) for table, _ in _tables(select))


def _statement(sql: str) -> exp.Select:
    try:
        # The parser logs what it cannot parse as anything but a command: so it gets no such thing.
        kinds = [token.token_type for token in sqlglot.tokenize(sql)]
        _not_too_deep(kinds)
        while kinds and kinds[-1] is TokenType.SEMICOLON:
            kinds.pop()
        if not kinds or kinds[0] not in _OPENING or TokenType.SEMICOLON in kinds:
            raise InvalidRequest.of("sql", "write exactly one SELECT statement")
        found = sqlglot.parse(sql)
    except RecursionError:
        raise InvalidRequest.of("sql", _TOO_DEEP) from None
    except SqlglotError as error:
        faults = getattr(error, "errors", None) or [{}]
        at = faults[0]
        where = f"line {at['line']}, near column {at['col']}: " if at.get("line") else ""
        # The parser's own words quote the text.
        raise InvalidRequest.of("sql", f"{where}this is not a SQL statement") from None
    statements = [s for s in found if s is not None]
    if len(statements) != 1:
        raise InvalidRequest.of("sql", "write exactly one statement")
    (statement,) = statements
    if not isinstance(statement, exp.Select):
        raise refused(statement, f"only SELECT can be asked, not {named(statement)}")
    return statement


def _not_too_deep(kinds: Sequence[TokenType]) -> None:
    """Before the parser, which goes down one level of the stack for each."""
    depth = signs = 0
    for kind in kinds:
        depth += (kind in _DOWN) - (kind in _UP)
        signs = signs + 1 if kind in _SIGNS else 0
        if depth + signs > _DEEPEST:
            raise InvalidRequest.of("sql", _TOO_DEEP)


# ---- FROM ----------------------------------------------------------------------------------------


def _tables(select: exp.Select) -> list[tuple[exp.Table, exp.Join | None]]:
    source = select.args.get("from_")
    if source is None:
        raise refused(select, "FROM is missing: name a data set")
    joins: Sequence[exp.Join] = select.args.get("joins") or []
    if len(joins) > 1:
        raise refused(joins[1], "at most two data sets are joined")
    found: list[tuple[exp.Table, exp.Join | None]] = []
    for table, join in ((source.this, None), *((j.this, j) for j in joins)):
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            raise outside(table if isinstance(table, exp.Expr) else select)
        only(table, ("this", "alias"))
        if table.args.get("alias"):
            only(table.args["alias"], ("this",))
        found.append((table, join))
    return found


def _dataset_name(table: exp.Table) -> str:
    written = table.name if table.this.args.get("quoted") else table.name.lower().replace("_", "-")
    name = f"datasets/{written}"
    try:
        identifier(name, "datasets")
    except ValueError:
        raise refused(
            table, "FROM names a data set, such as residents for datasets/residents"
        ) from None
    return name


def _scope(select: exp.Select, datasets: Mapping[str, DataSet]) -> Scope:
    tables = _tables(select)
    found = []
    for table, _ in tables:
        name = _dataset_name(table)
        if name not in datasets:
            raise refused(table, f"{name} does not exist or is not visible to you")
        _person(datasets[name])
        found.append(Named(table.alias or table.name, datasets[name]))
    if len({named.alias.casefold() for named in found}) != len(found):
        raise refused(tables[-1][0], "two data sets have the same name: give one an alias")
    if len({named.dataset.name for named in found}) != len(found):
        raise refused(tables[-1][0], "a data set is not joined with itself")
    scope = Scope(tuple(found))
    for _, join in tables:
        if join is not None:
            _joined_on_person(join, scope)
    return scope


def _person(dataset: DataSet) -> str:
    if dataset.privacy_unit is None:
        raise FailedPrecondition(
            f"{dataset.name} does not say which column names the person, so nothing about it can "
            "be answered with differential privacy: ask its holder to set the privacy unit",
            reason="NO_PRIVACY_UNIT",
            dataset=dataset.name,
        )
    if arrow_type(_person_type(dataset)) in (pa.float32(), pa.float64()):
        raise FailedPrecondition(
            f"the persons of {dataset.name} are named by numbers of floating point, of which two "
            "can be written alike: ask its holder for another column",
            reason="NO_PRIVACY_UNIT",
            dataset=dataset.name,
        )
    return dataset.privacy_unit


def _joined_on_person(join: exp.Join, scope: Scope) -> None:
    only(join, ("this", "on", "using", "kind"))
    if join.args.get("kind") not in (None, "", "INNER"):
        raise refused(join, "data sets are joined by INNER JOIN")
    types = {_person_type(t.dataset) for t in scope.tables}
    if len(types) != 1:
        raise refused(join, "the columns that name the person have different types")
    using = join.args.get("using") or []
    on = join.args.get("on")
    said = "data sets are joined on the person alone: ON a.person = b.person"
    if on is None and len(using) == 1:
        if all(same(using[0], _person(t.dataset)) for t in scope.tables):
            return
    elif isinstance(on, exp.EQ) and not using:
        sides = [on.this, on.expression]
        if all(isinstance(side, exp.Column) for side in sides):
            found = [scope.column(side) for side in sides]
            if {at for at, _ in found} == {0, 1} and all(scope.is_person(*f) for f in found):
                return
    raise refused(join, said)


def _person_type(dataset: DataSet) -> str:
    return next(c.type for c in dataset.columns if c.name == dataset.privacy_unit)


# ---- SELECT and GROUP BY -------------------------------------------------------------------------

_Selected = dict[str, tuple[exp.Expr, "Read | Tree"]]


def _selected(select: exp.Select, scope: Scope) -> _Selected:
    found: _Selected = {}
    for number, item in enumerate(select.expressions, start=1):
        node, name = item, None
        if isinstance(item, exp.Alias):
            only(item, ("this", "alias"))
            node, name = item.this, item.alias
        if isinstance(node, exp.Star):
            raise refused(node, "SELECT * asks for records: name what is to be counted or added up")
        value = read_aggregate(node, scope) if is_aggregate(node) else _key_value(node, scope)
        name = name or _own_name(node, value, number)
        if name in found:
            raise refused(
                node, f"two columns of the answer are named {name[:200]}: give one an alias"
            )
        found[name] = (node, value)
    return found


def _key_value(node: exp.Expr, scope: Scope) -> Tree:
    for part in node.walk():
        if is_aggregate(part) and part is not node:
            raise refused(
                part, "an aggregate stands alone in SELECT: compute with the answer afterwards"
            )
        if isinstance(part, exp.Subquery | exp.Select | exp.Window):
            raise outside(part)
    return read(node, scope)


def _own_name(node: exp.Expr, value: "Read | Tree", number: int) -> str:
    if isinstance(node, exp.Column):
        return str(node.name)
    if isinstance(value, Read):
        return f"{value.kind}_{number}"
    return f"group_{number}"


def _keys(select: exp.Select, scope: Scope, selected: _Selected) -> list[GroupKey]:
    group = select.args.get("group")
    nodes = []
    if group is not None:
        only(group, ("expressions",))
        nodes = group.expressions
    keys: dict[str, GroupKey] = {}
    plain = {name: value for name, (_, value) in selected.items() if not isinstance(value, Read)}
    for number, node in enumerate(nodes, start=1):
        name, value = _key(node, scope, plain, selected, number)
        if any(value == key.expression for key in keys.values()):
            raise refused(node, "the same group twice")
        keys[name] = _group_key(node, name, value, scope)
    for name, value in plain.items():
        if all(value != key.expression for key in keys.values()):
            raise refused(
                selected[name][0], f"{name[:200]} is neither an aggregate nor in GROUP BY"
            )
    size = 1
    for key in keys.values():
        size *= key.size or 1
    if size > MOST_GROUPS:
        raise refused(
            select, f"the public groups are {size}, and an answer has at most {MOST_GROUPS}"
        )
    return list(keys.values())


def _key(
    node: exp.Expr,
    scope: Scope,
    plain: Mapping[str, Tree],
    selected: _Selected,
    number: int,
) -> tuple[str, Tree]:
    """Name and expression of a group: by alias, by place in SELECT, or as it is."""
    if isinstance(node, exp.Literal) and not node.args.get("is_string") and node.name.isdigit():
        place = int(node.name)
        names = list(selected)
        if not 1 <= place <= len(names) or names[place - 1] not in plain:
            raise refused(
                node, "GROUP BY a number means that column of SELECT, if it is no aggregate"
            )
        return names[place - 1], plain[names[place - 1]]
    if isinstance(node, exp.Column) and node.args.get("table") is None:
        for name, value in plain.items():
            if same(node.this, name):
                return name, value
    if is_aggregate(node):
        raise refused(node, "groups are of rows: an aggregate cannot be one")
    value = read(node, scope)
    for name, found in plain.items():
        if found == value:
            return name, value
    return (node.name if isinstance(node, exp.Column) else f"key_{number}"), value


def _group_key(node: exp.Expr, name: str, value: Tree, scope: Scope) -> GroupKey:
    groups = groups_of(value, scope)
    if groups is not None and groups.first is not None and groups.last is not None:
        size = groups.last - groups.first + 1
        if size > MOST_GROUPS or size < 1:
            # Too many to answer each: as if nothing were known of them.
            groups = None
    groups = groups or Groups()
    if groups.values is not None:
        _typed(node, value, groups.values)
    try:
        return GroupKey(
            name=name,
            expression=value,
            values=groups.values,
            first=groups.first,
            last=groups.last,
        )
    except ValidationError as error:
        raise refused(node, wrong(error)) from None


def _typed(node: exp.Expr, value: Tree, listed: Sequence[str | None]) -> None:
    """Refuse listed groups that are no values of the key's type, or of which two are the same one:
    a row would count in both."""
    try:
        typed = pa.array(listed, pa.string()).cast(KEY_TYPES[value.type])
        if value.type == "number":
            typed = pc.add(typed, 0.0)  # minus zero is zero
    except pa.ArrowInvalid:
        typed = None
    if typed is None or len(typed.unique()) != len(typed):
        raise refused(
            node,
            f"the listed groups are not distinct values of type {value.type}: where they are of the "
            "catalogue, its holder corrects them",
        )


def _outputs(selected: _Selected, keys: Sequence[GroupKey]) -> list[str]:
    by_value = {key.name for key in keys}
    return [n for n, (_, value) in selected.items() if isinstance(value, Read) or n in by_value]


# ---- on the noisy answer alone -------------------------------------------------------------------


class _Post:
    """HAVING, ORDER BY and LIMIT: they see nothing but the answer's own columns."""

    def __init__(
        self,
        scope: Scope,
        outputs: Sequence[str],
        keys: Sequence[GroupKey],
        aggregates: Mapping[str, Aggregate],
    ) -> None:
        self._scope = scope
        self._names = list(dict.fromkeys((*outputs, *(k.name for k in keys))))
        self._places = list(outputs)
        self._keys = keys
        self._aggregates = aggregates

    def _output(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Column) and node.args.get("table") is None:
            for name in self._names:
                if same(node.this, name):
                    return name
        if is_aggregate(node):
            found = read_aggregate(node, self._scope)
            for name, aggregate in self._aggregates.items():
                if aggregate == found.named(name, node):
                    return name
            raise refused(node, "HAVING and ORDER BY only use what SELECT answers: add it there")
        if isinstance(node, exp.Column):
            value = read(node, self._scope)
            for key in self._keys:
                if key.expression == value:
                    return key.name
        raise refused(node, "HAVING and ORDER BY only use columns of the answer")

    def having(self, node: exp.Having | None) -> tuple[Condition, ...]:
        if node is None:
            return ()
        parts: list[exp.Expr] = []
        waiting = [node.this]
        while waiting:
            found = waiting.pop()
            if isinstance(found, exp.And):
                waiting += [found.expression, found.this]
            elif isinstance(found, exp.Paren):
                waiting.append(found.this)
            else:
                parts.append(found)
        return tuple(self._condition(part) for part in parts)

    def _condition(self, node: exp.Expr) -> Condition:
        comparison = _COMPARISONS.get(type(node))
        if comparison is None:
            raise refused(
                node, "HAVING compares an aggregate with a number; several are joined by AND"
            )
        only(node, ("this", "expression"))
        left, right = node.this, node.expression
        if isinstance(left, exp.Literal | exp.Neg):
            left, right, comparison = right, left, _MIRRORED[comparison]
        name = self._output(left)
        if name not in self._aggregates:
            raise refused(node, "HAVING compares an aggregate: choose groups with WHERE")
        value = constant(right, self._scope) if not isinstance(right, exp.Column) else None
        if value is None or value.type not in ("integer", "number") or value.text is None:
            raise refused(node, "HAVING compares an aggregate with a constant number")
        scaled = Decimal(value.text).scaleb(DECIMALS)
        text = from_millionths(int(scaled)) if scaled == scaled.to_integral_value() else None
        if text is None:
            raise refused(
                node, f"a number of HAVING has at most 15 digits, and {DECIMALS} after the point"
            )
        return Condition.model_validate({"output": name, "comparison": comparison, "value": text})

    def order(self, node: exp.Order | None) -> tuple[Order, ...]:
        if node is None:
            return ()
        only(node, ("expressions",))
        found = []
        for item in node.expressions:
            only(item, ("this", "desc"), ("nulls_first",))
            inner = item.this
            if isinstance(inner, exp.Literal) and inner.name.isdigit():
                place = int(inner.name)
                if not 1 <= place <= len(self._places):
                    raise refused(inner, "ORDER BY a number means that column of SELECT")
                name = self._places[place - 1]
            else:
                name = self._output(inner)
            found.append(Order(output=name, descending=bool(item.args.get("desc"))))
        return tuple(found)

    def limit(self, node: exp.Limit | None) -> int | None:
        if node is None:
            return None
        only(node, ("expression",))
        found = node.expression
        if not isinstance(found, exp.Literal) or not found.name.isdigit() or int(found.name) < 1:
            raise refused(node, "LIMIT takes a whole number from 1 on")
        return int(found.name)
