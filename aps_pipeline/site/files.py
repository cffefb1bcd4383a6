"""Files that an owner writes by hand, in YAML: read safely, and refused where they contradict themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

_LARGEST = 1_000_000


class Given(BaseModel):
    """Something that an owner gives: no field that nobody knows, no value taken for one of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=Given)


def read_file(path: Path, kind: type[Model]) -> Model:
    """The content of a YAML file. Raises ValueError, which names the file, the place and what is wrong."""
    try:
        text = path.read_bytes()[: _LARGEST + 1]
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error.__class__.__name__}") from None
    if len(text) > _LARGEST:
        raise ValueError(f"{path} has more than {_LARGEST:,} bytes")
    try:
        content = yaml.load(text, _Loader)  # noqa: S506 - a safe loader that refuses more
        return kind.model_validate({} if content is None else content)
    except ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(_problems(error))}") from None
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())[:200]}") from None


def _problems(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False):
        place = " > ".join(str(part)[:80] for part in problem["loc"] if part != "[key]")
        said = f"{place}: {problem['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        found.append("".join(letter if letter.isprintable() else "?" for letter in said))
    return found[:10]


class _Loader(yaml.SafeLoader):
    """YAML without references, whose size could explode, and without a key that is met twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))  # 1 and "1" are one key as well
            if key in seen:
                raise yaml.YAMLError(f"{key!r} stands twice, line {key_node.start_mark.line + 1}")
            seen.add(key)
        return super().construct_mapping(node, deep)
