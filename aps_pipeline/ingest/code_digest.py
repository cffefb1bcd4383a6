"""Digest of the code that reads a table: when it changes, its partitions are built again.

The text is made from the syntax tree without comments, docstrings, annotations and layout, in
a form of our own: Python's dump of a tree differs from version to version, and so does its byte code.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import hashlib
import linecache
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from aps_pipeline.ingest.inventory_tables import inventory_endpoints, inventory_rows
from aps_pipeline.parse import INVENTORY_PARSERS, PARSERS, ParseContext, open_body
from aps_pipeline.periods import Period
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import FETCHED, REJECTED_ITEMS, Table

_LEFT_OUT = {"annotation", "returns", "ctx", "kind", "type_comment", "type_ignores", "type_params"}


def get_reachable_code(*roots: object) -> str:
    """Collect the code of functions and classes, and of all of ours that they name, each once."""
    found: dict[str, str] = {}
    for root in roots:
        _reach(root, found, is_root=True)
    return "\n".join(f"{name} = {found[name]}" for name in sorted(found))


def _reach(value: Any, found: dict[str, str], *, is_root: bool = False) -> str:
    """Add what stands behind a value to `found`, and return how the value itself is spelt."""
    while not isinstance(value, FunctionType | type) and hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return f"partial{_reach(parts, found, is_root=is_root)}"
    if isinstance(value, FunctionType | type):
        name = f"{value.__module__}.{value.__qualname__}"
        if name not in found and (is_root or _is_ours(value.__module__)):
            found[name] = ""  # it may reach itself
            names = (named for function in _functions(value) for named in _names_in(function))
            spelt = sorted({f"{each}: {_reach(behind, found)}" for each, behind in names})
            found[name] = f"{_text_of(value)} with {spelt}"
        return name
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_reach(k, found)}: {_reach(v, found)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"({', '.join(_reach(each, found, is_root=is_root) for each in value)})"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(_reach(each, found) for each in value))}}}"
    return _spelt(value, found)


def _spelt(value: Any, found: dict[str, str]) -> str:
    """Describe a constant of ours; of what belongs to others the kind is enough."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, re.Pattern):
        return f"re({value.pattern!r}, {value.flags})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return f"{type(value).__name__}({', '.join(_reach(getattr(value, f.name), found) for f in fields)})"
    if value is None or isinstance(value, str | bytes | int | float) or type(value).__module__ == "datetime":
        return repr(value)
    return f"{type(value).__name__} {getattr(value, '__name__', '')}"


def _is_ours(module: str) -> bool:
    """Whether code is of this program, or has taken the place of such: not of Python, nor of a library."""
    if module.startswith("aps_pipeline"):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    is_library = module.partition(".")[0] in sys.stdlib_module_names
    return file is not None and not is_library and "site-packages" not in Path(file).parts


def _functions(value: FunctionType | type) -> Iterator[FunctionType]:
    """List the function itself, or those that are written down in a class: not what a decorator has made."""
    if isinstance(value, FunctionType):
        yield value
        return
    for member in vars(value).values():
        inside = getattr(member, "fget", None) or getattr(member, "__func__", None)
        inside = inside or getattr(member, "func", None) or member
        if isinstance(inside, FunctionType) and inside.__code__.co_filename == _file_of(value):
            yield inside


def _file_of(value: FunctionType | type) -> str | None:
    if isinstance(value, FunctionType):
        return value.__code__.co_filename
    return getattr(sys.modules.get(value.__module__), "__file__", None)


def _names_in(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Map the names that a function uses to what they stand for: globals, what it closes over, defaults."""
    names = set(_names(function.__code__))
    for name in names & function.__globals__.keys():
        value = function.__globals__[name]
        if not isinstance(value, ModuleType):
            yield name, value
        elif _is_ours(value.__name__):
            yield from ((f"{name}.{each}", vars(value)[each]) for each in names & vars(value).keys())
    yield from (("", cell.cell_contents) for cell in function.__closure__ or ())
    yield "", (function.__defaults__, function.__kwdefaults__)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _text_of(value: FunctionType | type) -> str:
    text = _source_text(_file_of(value) or "", value.__qualname__)
    if text or isinstance(value, type):
        return text or value.__qualname__
    # Without a source, or without a name of its own: only code from elsewhere looks like that.
    return f"{value.__code__.co_code.hex()} {value.__code__.co_consts!r}"


@functools.cache
def _source_text(file: str, name: str) -> str:
    node = _nodes(file).get(name)
    return "" if node is None else canonical(node)


@functools.cache
def _nodes(file: str) -> dict[str, ast.AST]:
    """Map the functions and classes of a source file by their qualified name."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    return dict(_definitions(tree, ""))


def _definitions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = prefix + node.name
            yield name, node
            inside = "." if isinstance(node, ast.ClassDef) else ".<locals>."
            yield from _definitions(node, name + inside)
        else:
            yield from _definitions(node, prefix)


def canonical(node: Any) -> str:
    """Write a syntax tree as text that is the same in every version of Python."""
    if isinstance(node, list):
        return f"[{' '.join(map(canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Constant):
        return f"'{type(node.value).__name__} {node.value!r}'"
    fields = {name: value for name, value in ast.iter_fields(node) if name not in _LEFT_OUT}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
        fields["body"] = node.body[1:]
    parts = [f"{name}={canonical(each)}" for name, each in fields.items() if each is not None and each != []]
    return f"({type(node).__name__} {' '.join(parts)})"


_HANDED_OVER = (open_body, ParseContext, Period)
"""What every parser is given, and so uses without naming it."""


class Readers:
    """The digests of the readers, each made once."""

    def __init__(self) -> None:
        self._of_table: dict[str, str] = {}

    def of_table(self, table: Table) -> str:
        """Digest the reader of one table."""
        if table.name not in self._of_table:
            self._of_table[table.name] = _reader(table)
        return self._of_table[table.name]

    def of_inventory(self, endpoint: str) -> str:
        """Digest the reader of an inventory endpoint's answers."""
        return _digest(endpoint, get_reachable_code(INVENTORY_PARSERS[endpoint], open_body))

    def of_kind(self, kind: tuple[str, str]) -> str:
        """Digest all readers of one endpoint and level: each of them may refuse a body."""
        return _digest(*(self.of_table(table) for table in FETCHED if table.source.kind == kind))


def _reader(table: Table) -> str:
    parsers: tuple[object, ...]
    if is_inventory(table):
        parsers = (*(INVENTORY_PARSERS[each] for each in inventory_endpoints(table)), inventory_rows)
    else:
        parsers = (PARSERS[table.name],)
    declarations = [table, *([REJECTED_ITEMS] if table.name in REJECTED_ITEMS.side_of else [])]
    schemas = (each.schema.to_string(show_schema_metadata=True) for each in declarations)
    return _digest(
        table.source.endpoint, table.source.level, *schemas, get_reachable_code(*parsers, *_HANDED_OVER)
    )


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
