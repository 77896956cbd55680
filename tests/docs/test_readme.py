from __future__ import annotations

import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")])
LATER = {ROOT / "bench/RESULTS.md"}  # written by `make bench`
KRAMIK = (sys.executable, "-m", "kramik")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of this language."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(block: str) -> list[list[str]]:
    """Return the commands of a block, without their remarks."""
    return [shlex.split(line, comments=True) for line in block.splitlines() if line.strip()]


def test_a_shop_of_ones_own_is_made_as_the_readme_says(tmp_path: Path) -> None:
    """New, check and serve run as written, and the shop that is served answers."""
    (block,) = [block for block in blocks("README.md", "sh") if "kramik new" in block]
    activate, new, cd, check, serve = commands(block)
    assert [".", ".venv/bin/activate"] == activate
    subprocess.run([*KRAMIK, *new[1:]], cwd=tmp_path, check=True, timeout=60)
    assert ["cd", new[2]] == cd
    subprocess.run([*KRAMIK, *check[1:]], cwd=tmp_path / cd[1], check=True, timeout=60)
    ports = ["--port", "0", "--sandbox-port", "0"]
    with subprocess.Popen(
        [*KRAMIK, *serve[1:], *ports],
        cwd=tmp_path / cd[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            with urllib.request.urlopen(f"{lines[1].split()[-1]}/healthz", timeout=10) as answer:
                assert 200 == answer.status
        finally:
            process.terminate()
            process.wait(30)


def test_the_targets_that_the_readme_names_are_there() -> None:
    """`make demo` and `make test` are the first thing that a reader types."""
    (block,) = [block for block in blocks("README.md", "sh") if "make test" in block]
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    assert [] == [command for command in commands(block) if " ".join(command) not in shown.stdout]


def test_the_output_that_the_readme_shows_is_that_of_the_demo() -> None:
    """Each step of the story has its line, in this order."""
    shown = subprocess.run([*KRAMIK, "demo"], check=True, capture_output=True, text=True, timeout=110)
    (block,) = [block for block in blocks("README.md", "text") if "fulfilment  " in block]
    steps = [re.sub(r"^\s*[0-9.]+ s\s+", "", line).partition("  ")[0] for line in block.splitlines()]
    told = [re.sub(r"^\s*[0-9.]+ s\s+", "", line).partition("  ")[0] for line in shown.stdout.splitlines()]
    assert steps == [line for line in told if line in steps]


def test_the_settings_of_the_page_are_read_as_they_stand(tmp_path: Path) -> None:
    """Every file of docs/settings.md, side by side, makes a shop without a problem."""
    toml, coupons = blocks("docs/settings.md", "toml")
    product, with_blocks = blocks("docs/settings.md", "markdown")
    (prices,) = blocks("docs/settings.md", "csv")
    (tmp_path / "products").mkdir()
    (tmp_path / "pages").mkdir()
    (tmp_path / "shop.toml").write_text(toml, "utf-8")
    (tmp_path / "products" / "agregaty-w-praktyce.md").write_text(product, "utf-8")
    (tmp_path / "products" / "with-blocks.md").write_text(with_blocks, "utf-8")
    (tmp_path / "pictures").mkdir()
    for name in ("tablica", "hanna", "marta"):
        Image.new("RGB", (900, 600), "navy").save(tmp_path / "pictures" / f"{name}.jpg")
    (tmp_path / "coupons.toml").write_text(coupons, "utf-8")
    (tmp_path / "prices.csv").write_text(prices, "utf-8")
    for name in ("terms", "privacy"):
        (tmp_path / "pages" / f"{name}.md").write_text(f"---\ntitle: {name}\n---\nText\n", "utf-8")
    names = re.findall(r"env:([A-Z_]+)", toml)
    (tmp_path / ".env").write_text("".join(f"{name}={'x' * 32}\n" for name in names), "utf-8")
    checked = subprocess.run(
        [*KRAMIK, "check", "--shop", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (checked.returncode, checked.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """No page of the documentation points at a file that is not there."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    files = [(page.parent / link).resolve() for link in links if ":" not in link]
    assert [] == [str(file) for file in files if not file.exists() and file not in LATER]


def test_every_decision_has_a_number_of_its_own() -> None:
    """It stands in the name of its file and in its title, and none is missing."""
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(file.name[:4]) for file in files]
    titles = [file.read_text("utf-8").split(".", 1)[0] for file in files]
    assert [*range(1, len(files) + 1)] == numbers
    assert [f"# {number}" for number in numbers] == titles
