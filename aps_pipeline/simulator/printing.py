"""Numbers as the API prints them: strings, in several manners at once."""

from __future__ import annotations

from collections.abc import Iterable


def kwh2(centi: int, measured: bool = True) -> str:
    """Print 0.01 kWh as `2.07`; a bare `0` where nothing was measured."""
    return f"{centi // 100}.{centi % 100:02d}" if measured else "0"


def kwh2_of_micro(micro: int, measured: bool = True) -> str:
    """Print micro-kWh to two decimals."""
    return kwh2((micro + 5_000) // 10_000, measured)


def kwh3(micro: int, measured: bool = True) -> str:
    """Print micro-kWh to three decimals, as meters print a period."""
    milli = (micro + 500) // 1_000
    return f"{milli // 1_000}.{milli % 1_000:03d}" if measured else "0"


def kwh6(micro: int, measured: bool = True) -> str:
    """Print micro-kWh exactly, as `0.412345`."""
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}" if measured else "0"


def java_double(micro: int) -> str:
    """Print micro-kWh as Java prints a double: `2.5`, `0.0`, and below 0.001 `5.0E-4`."""
    if micro == 0 or micro >= 1_000:
        whole, part = divmod(micro, 1_000_000)
        return f"{whole}.{f'{part:06d}'.rstrip('0') or '0'}"
    digits = str(micro)
    return f"{digits[0]}.{digits[1:].rstrip('0') or '0'}E-{7 - len(digits)}"


def decimals(values: Iterable[float], places: int) -> list[str]:
    """Print each value to that many decimals."""
    return [f"{value:.{places}f}" for value in values]
