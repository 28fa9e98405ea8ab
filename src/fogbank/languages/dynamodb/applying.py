"""Updates at work: compiled with a request's names and values, applied to an item.

All values are worked out from the item as it was, then put in their places, then what is to be removed is removed;
list indexes are those of the item as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.languages.dynamodb import numbers
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.matching import wrong_operand
from fogbank.languages.dynamodb.nodes import Arithmetic, Call, Literal, Path, ungrouped
from fogbank.languages.dynamodb.paths import grow_tree
from fogbank.languages.dynamodb.placeholders import MISSING, resolve
from fogbank.languages.dynamodb.types import SETS, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.dynamodb.nodes import Action, Operand
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.languages.dynamodb.placeholders import Placeholders, Steps
    from fogbank.languages.dynamodb.types import Item, Value

    Getter: TypeAlias = "Callable[[Item], Value]"

_NO_SUCH_ATTRIBUTE: Final = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE: Final = "An operand in the update expression has an incorrect data type"
_WRONG_PATH: Final = "The document path provided in the update expression is invalid for update"
_LONG_TYPES: Final = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP",
    "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
}  # fmt: skip


ADDABLE: Final = SETS | {"N"}


class Update(NamedTuple):
    """A compiled update: what is set to which value, what is removed, and the tree of all its paths.

    `creates` says whether it may create an item: one that only takes something away doesn't. `given` are the attributes
    that are set to values as the request brings them, so that they are known without the item.
    """

    sets: list[tuple[Steps, Getter]]
    removes: list[Steps]
    tree: Tree
    creates: bool
    given: Item

    def tree_after(self) -> Tree:
        """Return the tree of the paths that may have a value after the update: what it removes isn't new."""
        return grow_tree(steps for steps, _get in self.sets)


def compile_update(
    actions: tuple[Action, ...],
    placeholders: Placeholders,
    *,
    mismatch: str = _WRONG_TYPE,
    addable: frozenset[str] = ADDABLE,
) -> Update:
    """Prepare an update; raises `ExpressionError`.

    `mismatch` is how an attribute is refused to which what is to be added, or taken from it, doesn't fit; `addable` are
    the types of what may be added.
    """
    sets: list[tuple[Steps, Getter]] = []
    removes: list[Steps] = []
    given: Item = {}
    paths = []
    for section, path, value in ((action.section, action.path, action.value) for action in actions):
        steps = placeholders.steps(path)
        paths.append(steps)
        if value is None:
            removes.append(steps)
        elif section == "SET":
            sets.append((steps, _value(value, placeholders)))
            if isinstance(value, Literal) and len(steps) == 1:
                given[str(steps[0])] = placeholders.value(value.name)
        else:
            assert isinstance(value, Literal)
            operand = placeholders.value(value.name)
            adds = section == "ADD"
            get = _add(steps, operand, mismatch, addable) if adds else _delete(steps, operand, mismatch)
            sets.append((steps, get))
    tree = grow_tree(paths)
    # Elements set beyond a list's end are appended in the order of their indexes; of elements removed, the last
    # goes first, so that the indexes of the others stay right.
    sets.sort(key=_place)
    removes.sort(reverse=True)
    return Update(sets, removes, tree, any(action.section in ("SET", "ADD") for action in actions), given)


def apply_update(update: Update, item: Item) -> Item:
    """Return the item after an update, which it shares unchanged parts with; raises `MisuseError`."""
    values = [(steps, get(item)) for steps, get in update.sets]
    removes = [steps for steps in update.removes if _is_there(item, steps)]
    draft = _Draft(item)
    for steps, value in values:
        if value is not MISSING:
            draft.put(steps, value)
    removes += [steps for steps, value in values if value is MISSING and resolve(item, steps) is not MISSING]
    for steps in sorted(removes, reverse=True):
        draft.remove(steps)
    return draft.item


class _Draft:
    """An item that is being changed: containers are copied before the first change to them."""

    def __init__(self, item: Item) -> None:
        self.item = dict(item)
        self._copies = {id(self.item)}

    def put(self, steps: Steps, value: Value) -> None:
        """Set the value at a path."""
        container, last = self._container(steps), steps[-1]
        if isinstance(container, list):
            if type(last) is not int:
                raise MisuseError(_WRONG_PATH)
            if last < len(container):
                container[last] = value
            else:
                container.append(value)
        elif isinstance(container, dict) and type(last) is str:
            container[last] = value
        else:
            raise MisuseError(_WRONG_PATH)

    def remove(self, steps: Steps) -> None:
        """Remove what is at a path."""
        container = self._container(steps)
        del container[steps[-1]]

    def _container(self, steps: Steps) -> Value:
        """Return the list or map that a path's last step is in, copied together with those around it."""
        inside: Value = self.item
        for step in steps[:-1]:
            below = resolve(inside, (step,)) if isinstance(inside, (dict, list)) else MISSING
            if not isinstance(below, (dict, list)):
                raise MisuseError(_WRONG_PATH)
            if id(below) not in self._copies:
                below = below.copy()
                self._copies.add(id(below))
                inside[step] = below
            inside = below
        return inside


def _place(entry: tuple[Steps, Getter]) -> Steps:
    return entry[0]


def _is_there(item: Item, steps: Steps) -> bool:
    """Whether an item has anything at a path; refuses a path that leads through what isn't a list or map."""
    container = resolve(item, steps[:-1])
    if not isinstance(container, list if isinstance(steps[-1], int) else dict):
        raise MisuseError(_WRONG_PATH)
    return resolve(container, steps[-1:]) is not MISSING


def _value(node: Operand, placeholders: Placeholders) -> Getter:
    inner = ungrouped(node)
    if isinstance(inner, Literal):
        value = placeholders.value(inner.name)
        return lambda _item: value
    if isinstance(inner, Path):
        return _present(placeholders.steps(inner))
    if isinstance(inner, Arithmetic):
        return _arithmetic(inner, placeholders)
    assert isinstance(inner, Call)
    return _if_not_exists(inner, placeholders) if inner.function == "if_not_exists" else _append(inner, placeholders)


def _present(steps: Steps) -> Getter:
    def get(item: Item) -> Value:
        value = resolve(item, steps)
        if value is MISSING:
            raise MisuseError(_NO_SUCH_ATTRIBUTE)
        return value

    return get


def _if_not_exists(node: Call, placeholders: Placeholders) -> Getter:
    path, otherwise = node.arguments
    assert isinstance(path, Path)
    steps, default = placeholders.steps(path), _value(otherwise, placeholders)

    def get(item: Item) -> Value:
        value = resolve(item, steps)
        return default(item) if value is MISSING else value

    return get


def _append(node: Call, placeholders: Placeholders) -> Getter:
    first, second = (_typed(each, "L", node.function, placeholders) for each in node.arguments)
    return lambda item: first(item) + second(item)


def _arithmetic(node: Arithmetic, placeholders: Placeholders) -> Getter:
    left = _typed(node.left, "N", node.operator, placeholders)
    right = _typed(node.right, "N", node.operator, placeholders)
    compute = numbers.add if node.operator == "+" else numbers.subtract

    def get(item: Item) -> Value:
        try:
            return compute(left(item), right(item))
        except numbers.NumberError as error:
            raise MisuseError(str(error)) from None

    return get


def _typed(node: Operand, kind: str, function: str, placeholders: Placeholders) -> Getter:
    """Compile an operand that must be of one type."""
    inner = ungrouped(node)
    if isinstance(inner, Literal) and type_of(placeholders.value(inner.name)) != kind:
        raise wrong_operand(function, type_of(placeholders.value(inner.name)))
    get = _value(node, placeholders)

    def check(item: Item) -> Value:
        value = get(item)
        if type_of(value) != kind:
            raise MisuseError(_WRONG_TYPE)
        return value

    return check


def _add(steps: Steps, value: Value, mismatch: str, addable: frozenset[str]) -> Getter:
    kind = type_of(value)
    if kind not in addable:
        raise _wrong_section_operand("ADD", kind, "ALLOWED_FOR_ADD_OPERAND")

    def get(item: Item) -> Value:
        present = resolve(item, steps)
        if present is MISSING:
            return value
        if type_of(present) != kind:
            raise MisuseError(mismatch)
        if kind == "L":
            return present + value
        if kind != "N":
            return present | value
        try:
            return numbers.add(present, value)
        except numbers.NumberError as error:
            raise MisuseError(str(error)) from None

    return get


def _delete(steps: Steps, value: Value, mismatch: str) -> Getter:
    kind = type_of(value)
    if kind not in SETS:
        raise _wrong_section_operand("DELETE", kind, "ALLOWED_FOR_DELETE_OPERAND")

    def get(item: Item) -> Value:
        """Return what is left of the set; `MISSING` when that is nothing."""
        if not _is_there(item, steps):
            return MISSING
        present = resolve(item, steps)
        if type_of(present) != kind:
            raise MisuseError(mismatch)
        return present - value or MISSING

    return get


def _wrong_section_operand(section: str, kind: str, allowed: str) -> ExpressionError:
    return ExpressionError(
        "Incorrect operand type for operator or function;"
        f" operator: {section}, operand type: {_LONG_TYPES[kind]}, typeSet: {allowed}"
    )
