"""`make bench`: figures and ratios of one run, on the terminal and in `bench/RESULTS.md`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from bench import (
    backlog,
    cold,
    door,
    gateways,
    lighthouse,
    link,
    machine,
    memory,
    proof,
    report,
    site,
    startup,
    stock,
)
from bench.figures import Chapter

HERE = Path(__file__).parent
NAMES = (
    "door",
    "latency",
    "trouble",
    "backlog",
    "link",
    "gateways",
    "startup",
    "cold",
    "memory",
    "proof",
    "site",
    "lighthouse",
)


def main() -> None:
    """Measure, print, and write the results, unless it was a quick run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="measure this; may be repeated")
    parser.add_argument(
        "--quick", action="store_true", help="short rounds, under two minutes; writes no results"
    )
    given = parser.parse_args()
    begun, before = time.time(), machine.load()
    names = tuple(given.only or NAMES)
    with tempfile.TemporaryDirectory(prefix="kramik-bench-") as scratch:
        chapters = []
        for each in _measured(Path(scratch), names, quick=given.quick):
            print(report.chapter(each), flush=True)
            print(f"\n(load average {machine.load()})\n", flush=True)
            chapters.append(each)
        about = machine.machine(Path(scratch))
    about.append(
        f"load average before {before}, after {machine.load()}; the run took {(time.time() - begun) / 60:.0f} minutes"
    )
    if not given.quick:
        _write(chapters, about, whole=names == NAMES)


def _write(chapters: Sequence[Chapter], about: Sequence[str], *, whole: bool) -> None:
    """Write the results: the page of a whole run, or the chapters that were measured alone into the page there is."""
    limits, page = (HERE / "LIMITS.md").read_text("utf-8"), HERE / "RESULTS.md"
    if whole:
        text = report.report(chapters, about, limits)
    else:
        alone = f"Measured alone on {date.today().isoformat()}; {about[-1]}."  # noqa: DTZ011 - the day of this machine
        text = report.with_chapters(page.read_text("utf-8"), chapters, alone, limits)
    page.write_text(text, "utf-8")


def _measured(scratch: Path, names: tuple[str, ...], *, quick: bool) -> Iterator[Chapter]:
    yield from _under_load(scratch, names, quick=quick)
    few = 3 if quick else 9
    chapters: dict[str, Callable[[], Chapter]] = {
        "link": lambda: link.link(scratch / "link"),
        "gateways": lambda: gateways.gateways(stock.order(stock.shop_folder(scratch / "gateways"))),
        "startup": lambda: startup.startup(scratch / "startup", rounds=few),
        "cold": lambda: cold.cold(scratch / "cold", rounds=few),
        "memory": lambda: memory.memory(scratch / "memory", quick=quick),
        "proof": lambda: proof.proof(quick=quick),
        "site": lambda: site.site(
            scratch / "site", products=200 if quick else 1_000, rounds=1 if quick else 3
        ),
        "lighthouse": lambda: lighthouse.lighthouse(
            scratch / "lighthouse",
            rounds=1 if quick else 3,
            pages=("order",) if quick else tuple(lighthouse.PAGES),
        ),
    }
    for name, measure in chapters.items():
        if name in names:
            yield measure()


def _under_load(scratch: Path, names: tuple[str, ...], *, quick: bool) -> Iterator[Chapter]:
    """Measure the server; what it takes at the most is the measure of the rest."""
    short = door.Plan(rounds=1 if quick else 5, seconds=2)
    long = door.Plan(rounds=1 if quick else 4, seconds=2 if quick else 4)
    if not {"door", "latency", "trouble", "backlog"} & set(names):
        return
    chapter, rate = door.saturation(scratch / "door", short)
    yield chapter
    if "latency" in names:
        yield door.latency(scratch / "latency", long, rate, trouble=False)
    if "trouble" in names:
        yield door.latency(scratch / "trouble", long, rate, trouble=True)
    if "backlog" in names:
        yield backlog.backlog(scratch / "backlog", rate, quick=quick)


if __name__ == "__main__":
    main()
