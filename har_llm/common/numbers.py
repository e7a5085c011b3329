"""Numbers as people read them: percentages and other decimals, half rounded up; counts with their noun; rough amounts.

No value (None) gives an empty string, which tables show as "-".
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def in_percent(fraction: float | None) -> Decimal | None:
    """The percentage, rounded as it is shown, so that a reader can check by hand what is computed from several of them."""
    return None if fraction is None else rounded(Decimal(repr(float(fraction))) * 100)


def rounded(value: Decimal, places: int = 2) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0  # + 0: no -0.00


def decimals(value: float | None, places: int) -> str:
    """A number that is no percentage."""
    return "" if value is None else f"{rounded(Decimal(repr(float(value))), places):.{places}f}"


def shown(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.2f}"


def signed(value: Decimal | None) -> str:
    return "" if value is None else f"{value:+.2f}" if value else "0.00"


def with_spread(value: Decimal | None, spread: Decimal | None) -> str:
    """ "13.52 ± 16.85"."""
    return shown(value) if value is None or spread is None else f"{shown(value)} ± {shown(spread)}"


def difference(one: Decimal | None, other: Decimal | None) -> str:
    """The difference of two numbers as they are shown."""
    return "" if one is None or other is None else signed(rounded(one) - rounded(other))


def percent(fraction: float | None) -> str:
    return shown(in_percent(fraction))


def points(difference: float | None) -> str:
    """A difference of two fractions, in percentage points."""
    return signed(in_percent(difference))


def counted(number: int, noun: str) -> str:
    """ "1 session", "2 sessions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rough(number: float) -> str:
    """Of an estimate or of parameters: "1,536", "20 k", "2.6 M", "32.8 B"."""
    if number < 10_000:
        return f"{number:,.0f}"
    if number < 1e6:
        return f"{number / 1e3:,.0f} k"
    return f"{number / 1e6:,.1f} M" if number < 1e9 else f"{number / 1e9:,.1f} B"


def data_size(number: float) -> str:
    """Of bytes: "65.5 GB", "4 MB"."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.0f} MB"


def duration(hours: float) -> str:
    """ "32 s", "44 min", "2.3 h"."""
    minutes = hours * 60
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
