"""Who supplied an object, judged by its type and holder alone: shares of deliveries in the catalogue, as a range.

For each type, the chance of a supplier is the mean of a Dirichlet distribution over numbers delivered to the holder.
The prior counts for suppliers that no row names, the ``unlisted``, and never for a named one; their share has a floor
besides. P(supplier) is the sum over the types of P(type) times P(supplier | type, holder).

Several choices in this have no right answer, so all of them are made (``SupplierSettings``) and the range is reported.
Captures and holdings are not deliveries and never count: a capture changes the holder, not the supplier.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from roundel.catalogue.model import Row
from roundel.errors import UsageError

UNLISTED = "unlisted"
OTHER = "other"
UNKNOWN = "unknown"
NO_TYPE = frozenset({OTHER, UNKNOWN})
"""What a distribution over types holds besides types."""

ESTIMATED = "number_estimated"
"""Flag of a row whose number the source only estimates."""

ROUNDING = 0.01
"""Probabilities that were rounded for print may exceed one by this much in sum."""


@dataclass(frozen=True, slots=True)
class SupplierSettings:
    """The choices over which shares range; the first of each makes up the point estimate.

    ``hedge_weights``: how much a row counts of which its source is unsure. Zero is possible but not among the defaults:
    it treats a doubtful delivery as one that did not take place.

    ``hedge_scope``: ``link``: the weight falls on a supplier all of whose rows for the type are hedged, for only there
    is it doubtful that this state supplied this type at all; beside a firm row, a hedge is about a number or a variant.
    ``row``: the weight falls on each hedged row.

    ``prior_items``: strength of the prior, in items that suppliers named in no row may have delivered.

    ``half_lives``: years after which half of a delivery is lost or scrapped, so that later deliveries count for more
    among what is left; ``None``: nothing is lost. Real losses are not known; 30 years is an assumption.

    ``second_hand``: whether second-hand deliveries count. Leaving them out would assume that the object came new from
    the factory, which footage does not show; so that is not among the defaults.

    ``doubtful_times``: whether deliveries count that may have come before the footage or after it: those in the same
    year and those without a year.

    ``estimate_error``: by which part a number that its source only estimates may be wrong, either way; an assumption.

    Numbers that are estimated, or given as a range, are taken at either end, for each supplier in turn.
    """

    hedge_weights: tuple[float, ...] = (0.5, 1.0)
    hedge_scope: Literal["link", "row"] = "link"
    prior_items: tuple[float, ...] = (1.0, 2.0)
    half_lives: tuple[float | None, ...] = (None, 30.0)
    second_hand: tuple[bool, ...] = (True,)
    doubtful_times: tuple[bool, ...] = (True, False)
    estimate_error: float = 0.2
    floor: float = 0.05
    """Least share of the unlisted suppliers of each type."""

    def __post_init__(self) -> None:
        axes = (self.hedge_weights, self.prior_items, self.half_lives, self.second_hand, self.doubtful_times)
        if not all(axes):
            raise UsageError("Settings of supplier shares: each choice needs at least one value.")
        if not all(0 <= weight <= 1 for weight in self.hedge_weights) or not 0 <= self.floor < 1:
            raise UsageError("Settings of supplier shares: hedge weights and the floor lie between 0 and 1.")
        if not 0 <= self.estimate_error < 1:
            raise UsageError("Settings of supplier shares: the error of estimates is a part between 0 and 1.")
        if not all(items >= 0 and math.isfinite(items) for items in self.prior_items):
            raise UsageError("Settings of supplier shares: the prior's strength is zero or more items.")
        if not all(years is None or years > 0 for years in self.half_lives):
            raise UsageError("Settings of supplier shares: a half-life is more than zero years, or none.")


@dataclass(frozen=True, slots=True)
class Setting:
    """One choice of everything. ``focus`` gets its numbers at ``end``, all other suppliers at the opposite end."""

    hedge_weight: float
    hedge_scope: Literal["link", "row"]
    prior_items: float
    half_life: float | None
    second_hand: bool
    doubtful_times: bool
    estimate_error: float
    floor: float
    focus: str | None = None
    end: Literal["least", "most"] = "least"


@dataclass(frozen=True, slots=True)
class Range:
    """A share, 0 to 1, at the point setting and its least and largest over all settings."""

    point: float
    low: float
    high: float

    def words(self) -> str:
        """The range in whole percent.

        >>> Range(0.84, 0.8326, 0.8407).words()
        'between 83 and 84 %'
        >>> Range(0.95, 0.95, 0.9503).words()
        'about 95 %'
        >>> Range(0.001, 0.0, 0.001).words()
        'less than 1 %'
        >>> Range(0.01, 0.0, 0.02).words()
        'up to 2 %'
        """
        low, high = round(100 * self.low), round(100 * self.high)
        if not high:
            return "less than 1 %"
        if not low:
            return f"up to {high} %"
        return f"about {high} %" if low == high else f"between {low} and {high} %"

    def at_most(self) -> str:
        """The largest share as an upper bound in whole percent, rounded up.

        >>> Range(0.05, 0.05, 0.0501).at_most()
        'at most 6 %'
        """
        return f"at most {math.ceil(round(100 * self.high, 6))} %"


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the suppliers by code, the largest first, and of the unlisted ones.

    The share of ``unlisted`` is an upper bound for any supplier that is not listed. ``distributions`` holds the whole
    distribution at each setting, the point setting first; each adds up to one.
    """

    suppliers: Mapping[str, Range]
    unlisted: Range
    distributions: tuple[Mapping[str, float], ...]

    def together(self, codes: Iterable[str]) -> Range:
        """The share of several suppliers taken together; zero throughout if none of them is listed."""
        wanted = sorted(set(codes) - {UNLISTED})
        return _range([math.fsum(one.get(code, 0.0) for code in wanted) for one in self.distributions])


def supplier_shares(
    types: Mapping[str, float], holder: str, rows: Iterable[Row], at: date, settings: SupplierSettings | None = None
) -> Shares:
    """P(supplier | types, holder) on day ``at``.

    ``types``: probability of each type, ``other`` and ``unknown``; what is missing to one is unknown. ``holder``: code
    of the state to which the deliveries went. ``rows``: any rows of the catalogue; only deliveries (``transfer``) to
    this holder of these types count, up to the year of ``at``. Suppliers are the states that the rows name.

    Raises:
        UsageError: probabilities that are none, or a row whose years are the wrong way round.
    """
    return shares_by_type(types, rows_by_type(rows, holder), at, settings)


def shares_by_type(
    types: Mapping[str, float],
    rows: Mapping[str, Sequence[Row]],
    at: date,
    settings: SupplierSettings | None = None,
) -> Shares:
    """As ``supplier_shares``, from deliveries that are already sorted by the type for which they count."""
    chances = complete(types)
    counted = {name: delivered(rows.get(name, ()), at) for name in sorted(chances) if name not in NO_TYPE}
    suppliers = sorted({row.supplier for group in counted.values() for row in group})
    if UNLISTED in suppliers:
        raise UsageError(f"Deliveries: no state may have the code {UNLISTED!r}; correct the rows.")
    found = tuple(
        _mixture(chances, counted, at, setting) for setting in _grid(settings or SupplierSettings(), suppliers)
    )
    ranges = {code: _range([one.get(code, 0.0) for one in found]) for code in suppliers}
    listed = {code: span for code, span in ranges.items() if span.high > 0}
    ordered = dict(sorted(listed.items(), key=lambda item: (-item[1].point, item[0])))
    return Shares(ordered, _range([one[UNLISTED] for one in found]), found)


def rows_by_type(rows: Iterable[Row], holder: str) -> dict[str, tuple[Row, ...]]:
    """The deliveries to a holder, by type."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.recipient == holder:
            found.setdefault(row.type, []).append(row)
    return {name: deliveries(group) for name, group in sorted(found.items())}


def deliveries(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The deliveries among rows, each once, in an order of their own."""
    return tuple(sorted({row for row in rows if row.relation == "transfer"}, key=lambda row: (row.id, repr(row))))


def delivered(rows: Iterable[Row], at: date) -> tuple[Row, ...]:
    """The deliveries among rows that came before a day, or may have."""
    return tuple(row for row in deliveries(rows) if share_before(row, at, doubtful=True) > 0)


def complete(types: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of types that add up to one: what is missing becomes unknown, a rounding excess is scaled away.

    Raises:
        UsageError: a value that is no probability, or a sum well above one.

    >>> complete({"mig-21": 0.75})
    {'mig-21': 0.75, 'unknown': 0.25}
    """
    if not all(0 <= chance <= 1 for chance in types.values()):
        raise UsageError("Probabilities of types lie between 0 and 1; correct the distribution.")
    total = math.fsum(types.values())
    if total > 1 + ROUNDING:
        raise UsageError(f"Probabilities of types add up to {total:.3f}, more than one; correct the distribution.")
    found = {name: types[name] / max(1.0, total) for name in sorted(types)}
    if total < 1:
        found[UNKNOWN] = found.get(UNKNOWN, 0.0) + 1 - total
    return found


def share_before(row: Row, at: date, doubtful: bool) -> float:
    """Which share of a delivery came before a day, 0 to 1, if it was spread evenly over its years.

    Rows know years only: what came in the year of ``at``, and a row without a year of delivery that was not ordered
    later, counts if ``doubtful`` is set.
    """
    years = _years(row)
    if years is None:
        return float(doubtful and (row.ordered_year is None or row.ordered_year <= at.year))
    first, last = years
    before = at.year - first + (1 if doubtful else 0)
    return min(1.0, max(0.0, before / (last - first + 1)))


def _years(row: Row) -> tuple[int, int] | None:
    first = row.first_year if row.first_year is not None else row.last_year
    last = row.last_year if row.last_year is not None else row.first_year
    if first is None or last is None:
        return None
    if first > last:
        raise UsageError(
            f"{row.origin or 'Deliveries'}: row {row.id} ends before it begins ({first}, {last}); correct it."
        )
    return first, last


def _grid(settings: SupplierSettings, suppliers: Sequence[str]) -> Iterator[Setting]:
    ends: tuple[Literal["least", "most"], ...] = ("least", "most")
    numbers = [(None, ends[0]), *itertools.product(suppliers, ends)]
    for hedge, prior, half_life, second_hand, doubtful, (focus, end) in itertools.product(
        settings.hedge_weights,
        settings.prior_items,
        settings.half_lives,
        settings.second_hand,
        settings.doubtful_times,
        numbers,
    ):
        scope, error, floor = settings.hedge_scope, settings.estimate_error, settings.floor
        yield Setting(hedge, scope, prior, half_life, second_hand, doubtful, error, floor, focus, end)


def _mixture(
    chances: Mapping[str, float], rows: Mapping[str, Sequence[Row]], at: date, setting: Setting
) -> dict[str, float]:
    parts: dict[str, list[float]] = {}
    for name, chance in chances.items():
        given = {UNLISTED: 1.0} if name in NO_TYPE else _given_type(rows[name], at, setting)
        for code, share in given.items():
            parts.setdefault(code, []).append(chance * share)
    named = {code: math.fsum(values) for code, values in sorted(parts.items()) if code != UNLISTED}
    return named | {UNLISTED: math.fsum(parts.get(UNLISTED, [0.0]))}


def _given_type(rows: Sequence[Row], at: date, setting: Setting) -> dict[str, float]:
    """The mean of the Dirichlet distribution for one type: items of each supplier, the prior's for the unlisted."""
    items: dict[str, list[tuple[float, bool]]] = {}
    for row in rows:
        left = _items_left(row, at, setting)
        if left > 0:
            items.setdefault(row.supplier, []).append((left, row.hedged))
    weighted = {code: _weighted(group, setting) for code, group in sorted(items.items())}
    total = math.fsum(weighted.values())
    if not total:
        return {UNLISTED: 1.0}
    unlisted = max(setting.floor, setting.prior_items / (total + setting.prior_items))
    return {code: (1 - unlisted) * number / total for code, number in weighted.items()} | {UNLISTED: unlisted}


def _weighted(group: Sequence[tuple[float, bool]], setting: Setting) -> float:
    firm = setting.hedge_scope == "link" and any(not hedged for _, hedged in group)
    return math.fsum(left * (setting.hedge_weight if hedged and not firm else 1.0) for left, hedged in group)


def _items_left(row: Row, at: date, setting: Setting) -> float:
    if row.condition.startswith("second_hand") and not setting.second_hand:
        return 0.0
    items = _number(row, setting) * share_before(row, at, setting.doubtful_times)
    if setting.half_life is None:
        return items
    years = _years(row)
    middle = (years[0] + min(years[1], at.year)) / 2 if years else float(row.ordered_year or at.year)
    return float(items * 0.5 ** (max(0.0, at.year - middle) / setting.half_life))


def _number(row: Row, setting: Setting) -> float:
    """Items of a row; a delivery without a number was at least one item."""
    least = row.least if row.least is not None else min(1, row.most) if row.most is not None else 1
    most = row.most if row.most is not None else least
    if setting.focus is None:
        return (least + most) / 2
    error = setting.estimate_error if ESTIMATED in row.flags else 0.0
    return least * (1 - error) if (row.supplier == setting.focus) == (setting.end == "least") else most * (1 + error)


def _range(values: Sequence[float]) -> Range:
    return Range(values[0], min(values), max(values))
