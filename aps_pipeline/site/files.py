"""Files that an owner writes by hand, in YAML: read safely, and refused where they contradict themselves.

No message repeats what such a file holds but names of fields: a secret may stand in the wrong place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

_LARGEST = 1_000_000
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,29}")
"""A name of a field, or one like it; system ids are longer or begin otherwise."""


class StrictModel(BaseModel):
    """Something that an owner gives: no field that nobody knows, no value taken for one of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=StrictModel)


def read_file(path: Path, kind: type[Model]) -> Model:
    """Read a YAML file. Raises ValueError, which names the file, the place and what is wrong."""
    try:
        text = path.read_bytes()[: _LARGEST + 1]
    except OSError as error:  # what is named may be no path but a secret in the wrong place
        reason = error.strerror or error.__class__.__name__
        raise ValueError(f"no file that can be read is named: {reason}") from None
    if len(text) > _LARGEST:
        raise ValueError(f"{path} has more than {_LARGEST:,} bytes")
    try:
        content = yaml.load(text, _Loader)  # noqa: S506 - a safe loader that refuses more
    except _NotReadError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        mark = getattr(
            error, "problem_mark", None
        )  # the place only: what is wrong there would repeat its text
        place = f" at line {mark.line + 1}" if mark is not None else ""
        raise ValueError(f"{path} is not valid YAML{place}") from None
    try:
        return kind.model_validate({} if content is None else content)
    except ValidationError as error:
        wrong = [
            f"{_place(each['loc'], content)}: {each['msg'].removeprefix('Value error, ')}".removeprefix(": ")
            for each in error.errors(include_url=False, include_input=False)[:10]
        ]
        raise ValueError(f"{path}: {'; '.join(wrong)}") from None


def _place(loc: tuple[str | int, ...], content: Any) -> str:
    """List the names of fields on the way to a place, and of all else the number of the entry."""
    names: list[str] = []
    for part in loc:
        if part == "[key]":
            continue
        if isinstance(content, dict) and not (isinstance(part, str) and _FIELD.fullmatch(part)):
            keys = [str(key) for key in content]
            names.append(f"entry {keys.index(str(part)) + 1}" if str(part) in keys else "an entry")
        else:
            names.append(f"entry {part + 1}" if isinstance(part, int) else part)
        if isinstance(content, dict):
            content = next((value for key, value in content.items() if str(key) == str(part)), None)
        else:
            content = content[part] if isinstance(content, list) and isinstance(part, int) else None
    return " > ".join(names)


class _NotReadError(yaml.YAMLError):
    """What this loader refuses; the message repeats nothing of the file."""


class _Loader(yaml.SafeLoader):
    """YAML without references, whose size could explode, and without a key that is met twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _NotReadError("references (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))  # 1 and "1" are one key as well
            if key in seen:
                raise _NotReadError(f"a name stands twice, line {key_node.start_mark.line + 1}")
            seen.add(key)
        return super().construct_mapping(node, deep)
