"""The bill as a picture: one bar for each number of orders and plan, on a logarithmic scale.

Written by `python -m kramik.hosts.azure.chart > docs/azure-bill.svg`; a test holds that it is current.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

from kramik.hosts.azure import measured, tariff
from kramik.hosts.azure.bill import Bill, PlanName, bill

ORDERS = (0, 100, 10_000, 1_000_000)
PLANS: tuple[PlanName, ...] = ("flex", "consumption")

_LEFT, _RIGHT, _TOP, _BAR, _GAP = 150, 90, 46, 16, 18
_WIDTH = 720
_LOW, _HIGH = 0.1, 100.0
_STYLE = """\
<style>
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .axis { stroke: #bbb; stroke-dasharray: 2 3 } .mark { fill: #666 } .head { font-weight: 600 }
  .flex { fill: #2f6f8f } .consumption { fill: #d08a3c } .idle { fill: #0005 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .mark { fill: #aaa } .axis { stroke: #666 } }
</style>"""


def drawn(bills: Sequence[Bill]) -> str:
    """Return the picture of these bills, which come plan by plan for each number of orders."""
    rows = len(bills) // len(PLANS)
    height = _TOP + rows * (len(PLANS) * _BAR + _GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>What a month on Azure costs, in US dollars, on a logarithmic scale</title>",
        _STYLE,
        *_legend(),
        *_axis(height),
        *_bars(bills),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend() -> Iterator[str]:
    left = _LEFT
    for kind, label in (
        ("flex", "Flex Consumption"),
        ("consumption", "Consumption"),
        ("idle", "idle: no order at all"),
    ):
        yield f'<rect class="{kind}" x="{left}" y="10" width="12" height="12"/>'
        yield f'<text x="{left + 18}" y="21">{label}</text>'
        left += 160


def _axis(height: int) -> Iterator[str]:
    for dollars in (0.1, 1, 10, 100):
        x = _x(dollars)
        yield f'<line class="axis" x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 24}"/>'
        yield f'<text class="mark" x="{x}" y="{height - 8}" text-anchor="middle">${dollars:g}</text>'


def _bars(bills: Sequence[Bill]) -> Iterator[str]:
    y = _TOP
    for number, each in enumerate(bills):
        if number % len(PLANS) == 0:
            y += _GAP if number else 0
            label = f"{each.orders:,} orders"
            yield f'<text class="head" x="{_LEFT - 12}" y="{y + _BAR + 4}" text-anchor="end">{label}</text>'
        width = round(_x(each.total) - _LEFT, 1)
        idle = round(_x(each.idle) - _LEFT, 1)
        yield f'<rect class="{each.plan}" x="{_LEFT}" y="{y}" width="{width}" height="{_BAR - 2}"/>'
        yield f'<rect class="idle" x="{_LEFT}" y="{y}" width="{idle}" height="{_BAR - 2}"/>'
        yield f'<text x="{_LEFT + width + 6}" y="{y + 11}">${each.total:.2f}</text>'
        y += _BAR


def _x(dollars: float) -> float:
    part = math.log(max(dollars, _LOW) / _LOW) / math.log(_HIGH / _LOW)
    return round(_LEFT + part * (_WIDTH - _LEFT - _RIGHT), 1)


def current() -> str:
    """Return the picture of what was measured, at the tariff that is shipped."""
    counted, rates = measured.read(), tariff.read()
    return drawn([bill(number, plan, measured=counted, tariff=rates) for number in ORDERS for plan in PLANS])


if __name__ == "__main__":
    sys.stdout.write(current())
