"""From a page to HTML: one file, no script, no request, and a policy that holds the browser to it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aps_pipeline.reports.model import Page
from aps_pipeline.reports.words import month_name

_FILES = files("aps_pipeline.reports") / "templates"


def rendered(page: Page) -> str:
    """The page as HTML. Every text in it is escaped; only the drawings, made here, are taken as they are."""
    style = _text("style.css")
    template = _environment().from_string(_text("page.html.j2"))
    return template.render(
        page=page,
        month=month_name(page.month),
        style=Markup(style),  # noqa: S704 - ours
        policy=_policy(style),
        drawn=Markup,
        made=f"{page.made_utc:%Y-%m-%d %H:%M} UTC",
    )


def _policy(style: str) -> str:
    """Nothing is loaded, run or sent; the one style element is named by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _text(name: str) -> str:
    return (_FILES / name).read_text("utf-8")
