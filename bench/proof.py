"""The long simulation: ten thousand orders through everything that can go wrong, judged by the peers' ledgers."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

from bench.figures import Chapter, Figure
from tests.properties.simulation import Findings, Plot, Simulation

SEEDS, ORDERS = 200, 50


def proof(*, quick: bool) -> Chapter:
    """Live through every seed and count what the checker found; the first seeds are lived through twice."""
    seeds = SEEDS // 10 if quick else SEEDS
    again = max(2, seeds // 20)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(_lived, range(seeds)))
        histories = list(pool.map(_lived, range(again)))
    changed = sum(one.history != two.history for one, two in zip(found, histories, strict=False))
    deaths, naps = sum(each.deaths for each in found), sum(each.naps for each in found)
    parked = sum(each.parked for each in found)
    return Chapter(
        title="The proof: nothing lost, doubled or stuck",
        how=(
            f"{seeds} seeds of {ORDERS} orders on a fake clock through the handlers that are shipped: deaths around"
            " each call and each save, refused, lost and nonsense answers (p = 0.2), calls and workers that sleep past"
            " the visibility, duplicates, refunds, lists that lag. Counted in the ledgers of the peers alone."
        ),
        figures=[
            Figure(what="orders", figure=f"{seeds * ORDERS:,}"),
            Figure(what="deaths of the process, sleeping workers", figure=f"{deaths:,}, {naps:,}"),
            _none("effects lost", [each.lost for each in found]),
            _none("effects doubled", [each.doubled for each in found]),
            _none("given without a payment", [each.given for each in found]),
            _none("facts that the seller was never told of", [each.untold for each in found]),
            Figure(
                what="orders parked for a person",
                figure=f"{parked:,} ({100 * parked / seeds / ORDERS:.1f} %)",
            ),
            _none("parked without a reason", [each.silent for each in found]),
            _none("stuck after a person did what was asked", [each.left for each in found]),
            _none(f"another history of the same seed ({again} seeds)", [["seed"] * changed]),
        ],
    )


def _lived(seed: int) -> Findings:
    return Simulation(Plot(seed=seed, orders=ORDERS)).run()


def _none(what: str, found: list[list[str]] | list[list[tuple[str, str]]]) -> Figure:
    count = sum(map(len, found))
    return Figure(what=what, figure=f"{count:,}", ratio=count, target=0, better="less")
