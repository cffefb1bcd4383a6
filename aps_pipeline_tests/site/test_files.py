"""Roof and tariff files: what they say, and what is refused of them in words that lead to the line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.site import Site, list_placed_panels, read_roof_file, read_tariff_file

ROOT = Path(__file__).parents[2]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_examples_are_read() -> None:
    roof = read_roof_file(ROOT / "aps_pipeline/examples/roof.yaml")
    panels = list_placed_panels(roof)
    assert [(p.inverter_id, p.channel, p.place, p.azimuth_deg, p.tilt_deg) for p in panels] == [
        ("702000061800", 1, "E1", 105, 35),
        ("702000061800", 2, "E2", 105, 35),
        ("702000061874", 1, "E1", 105, 35),
        ("702000061874", 2, "E2", 105, 35),
    ]  # fmt: skip
    tariffs = read_tariff_file(ROOT / "aps_pipeline/examples/tariffs.yaml")
    assert [(each.since, each.systems, each.standing_charge) for each in tariffs.tariffs] == [
        (date(2024, 1, 1), None, 0.45),
        (date(2025, 1, 1), ("A0E1253B7C9D4F60",), None),
    ]


def test_empty_files_say_nothing(tmp_path: Path) -> None:
    assert not read_roof_file(written(tmp_path, "# nothing yet\n")).systems
    assert not read_tariff_file(written(tmp_path, "")).tariffs


SYSTEM = "systems: {S1: {%s}}"
REFUSED = {
    "colour: red": "colour: Extra inputs are not permitted",
    SYSTEM % "latitude: 48": "both latitude and longitude",
    SYSTEM % "latitude: 91, longitude: 0": "less than or equal to 90",
    SYSTEM % "latitude: .nan, longitude: 0": "latitude",
    SYSTEM % "inverters: {702000061874: {}}": "into quotes, or its zeros are lost",
    SYSTEM % "inverters: {'../x': {}}": "not an APsystems id",
    SYSTEM % "inverters: {A: {replaces: B}, B: {replaces: A}}": "replaces itself in the end",
    SYSTEM % "inverters: {A: {replaces: A}}": "replaces itself in the end",
    SYSTEM % "inverters: {A: {replaces: C}, B: {replaces: C}}": "two, entries 1 and 2 of inverters",
    SYSTEM % "inverters: {A: {panels: {1: {label: X}, 2: {label: X}}}}": "two panels at one place",
    SYSTEM % "inverters: {A: {panels: {1: {row: 1, column: 0}, 2: {row: 1, column: 0}}}}": "at one row and",
    SYSTEM % "inverters: {A: {panels: {1: {row: 1}}}}": "both row and column",
    SYSTEM % "inverters: {A: {panels: {0: {}}}}": "greater than or equal to 1",
    SYSTEM % "inverters: {B: {replaces: A}}": "entry 1 of inverters has no panels: name its channels",
    SYSTEM % "inverters: {A: {panels: {1: {}, '1': {}}}}": "a name stands twice",
    SYSTEM % "inverters: {A: {panels: {1: {label: A-2}, 2: {}}}}": "two panels at one place",
    SYSTEM % "tilt: true": "tilt: Input should be a valid number",
    SYSTEM % "name: 7": "name: Input should be a valid string",
    SYSTEM % r'name: "a\nb"': "not text in one line",
    SYSTEM % r'"\e[31m": 1': "systems > entry 1 > entry 1: Extra inputs",
    SYSTEM % "name: a, name: b": "a name stands twice, line 1",
    "a: &x [1]\nb: *x": "references",
    "systems: [": "not valid YAML",
    "!!python/object/apply:os.system ['true']": "not valid YAML",
    "[" * 5000: "not valid YAML",
    SYSTEM % "tilt: !!int ''": "not valid YAML",
    SYSTEM % "tilt: !!bool x": "not valid YAML",
    SYSTEM % "tilt: !!timestamp foo": "not valid YAML",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED.items(), ids=list(map(str, range(len(REFUSED)))))
def test_what_a_roof_file_must_not_say(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"file\.yaml") as caught:
        read_roof_file(written(tmp_path, text))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tariffs: [{from: 2024-01-01, import_price: 1, feed_in_price: 1}]", "say the currency"),
        (
            "currency: EUR\ntariffs: [{from: 2024-01-01, import_price: .inf, feed_in_price: 1}]",
            "import_price",
        ),
        (
            "currency: EUR\ntariffs: [{systems: [], from: 2024-01-01, import_price: 1, feed_in_price: 1}]",
            "at least 1 item",
        ),
        ("currency: euro", "currency"),
        (
            "currency: EUR\ntariffs: [{from: 2024-01-01, import_price: 1, feed_in_price: 1},"
            " {from: 2024-01-01, import_price: 2, feed_in_price: 1}]",
            "two tariffs of one system begin on one day: entries 1 and 2",
        ),
    ],
)
def test_what_a_tariff_file_must_not_say(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"file\.yaml") as caught:
        read_tariff_file(written(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_that_is_missing_or_huge_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no file that can be read is named: No such file"):
        read_roof_file(tmp_path / "nowhere.yaml")
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        read_roof_file(written(tmp_path, "#" * 1_000_001))


def test_what_is_said_of_an_old_inverter_holds_for_the_new_one(tmp_path: Path) -> None:
    text = (
        "inverters: {A: {panels: {1: {label: X}, 2: {label: Y}}}, B: {replaces: A, panels: {1: {label: Z}}}}"
    )
    panels = list_placed_panels(read_roof_file(written(tmp_path, SYSTEM % text)))
    assert [(each.inverter_id, each.channel, each.place) for each in panels] == [
        ("A", 1, "Z"),
        ("A", 2, "Y"),
        ("B", 1, "Z"),
        ("B", 2, "Y"),
    ]


@pytest.mark.parametrize("text", ["co2_kg_per_kwh: 0.4", "co2_source: me", "currency: EUR", "tariffs: []"])
def test_each_part_of_a_tariff_file_may_stand_alone(tmp_path: Path, text: str) -> None:
    tariffs = read_tariff_file(written(tmp_path, text))
    given = tariffs.model_dump(exclude_defaults=True, exclude={"tariffs"})
    assert [f"{name}: {value}" for name, value in given.items()] == [text] * (text != "tariffs: []")


SECRET = "Zk9-qR7.hush=="
PLACES = (
    "{x}: 1",
    "x: {x}",
    "- {x}",
    "[{x}",
    "{x}: &x [1]\n{x}: *x",
    "systems: {x}",
    "systems: {{'{x}': {{}}}}",
    "systems: {{S: {{'{x}': 1}}}}",
    *(
        f"systems: {{{{S: {{{{{name}: '{{x}}'}}}}}}}}"
        for name in ("latitude", "longitude", "tilt", "azimuth", "inverters")
    ),
    "systems: {{S: {{name: '{x}', tilt: x}}}}",
    "systems: {{S: {{inverters: {{'{x}': {{}}}}}}}}",
    "systems: {{S: {{inverters: {{A: {{replaces: '{x}'}}}}}}}}",
    "systems: {{S: {{inverters: {{A: {{panels: {{'{x}': }}}}}}}}}}",
    "systems: {{S: {{inverters: {{A: {{panels: {{1: {{label: '{x}'}}, 2: {{label: '{x}'}}}}}}}}}}}}",
    "!<{x}> 1",
    "!!int '{x}'",
    "currency: '{x}'",
    "co2_kg_per_kwh: '{x}'",
    "tariffs: ['{x}']",
    *(
        "currency: EUR\n"
        f"tariffs: [{{{{from: 2024-01-01, import_price: 1, feed_in_price: 1, {name}: '{{x}}'}}}}]"
        for name in ("standing_charge", "systems", "x")
    ),
    "currency: EUR\ntariffs: [{{from: '{x}', import_price: '{x}', feed_in_price: '{x}'}}]",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("read", [read_roof_file, read_tariff_file])
def test_a_secret_in_the_wrong_place_is_not_repeated(
    tmp_path: Path, place: str, read: Callable[[Path], object]
) -> None:
    with pytest.raises(ValueError) as caught:
        read(written(tmp_path, place.format(x=SECRET)))
    told = "".join(traceback.format_exception(caught.value))
    assert not any(part in told for part in (SECRET, "qR7", "hush"))


def test_the_order_in_a_file_changes_nothing(tmp_path: Path) -> None:
    one = read_roof_file(written(tmp_path, "systems: {A: {tilt: 1, azimuth: 2}, B: {}}"))
    other = read_roof_file(written(tmp_path, "systems: {B: {}, A: {azimuth: 2, tilt: 1}}"))
    assert Site(one).digest_text == Site(other).digest_text != Site().digest_text


def test_a_panel_may_be_named_without_a_word(tmp_path: Path) -> None:
    text = SYSTEM % "tilt: 9, inverters: {A: {panels: {1: }}}"
    (panel,) = list_placed_panels(read_roof_file(written(tmp_path, text)))
    assert (panel.place, panel.label, panel.tilt_deg) == ("A-1", None, 9)
