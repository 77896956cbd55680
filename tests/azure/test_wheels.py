"""What a package carries from others: for the target, with its hashes, and only what runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kramik.errors import ConfigurationError
from kramik.hosts.azure import requirements, wheels
from kramik.hosts.azure.archive import archive
from kramik.hosts.azure.target import Target, Version

REPOSITORY = Path(__file__).parents[2]
ONE_MACHINE = {"starlette", "uvicorn", "uvloop", "httptools", "apsw", "click", "rich", "python-dotenv"}
"""What only a server of one's own and the command line need."""


@pytest.mark.parametrize(
    ("version", "expected"), [("3.12", "azure-functions==1."), ("3.13", "azure-functions==2.")]
)
def test_markers_are_judged_for_the_target(version: Version, expected: str) -> None:
    """Not for the Python that runs here."""
    chosen = requirements.chosen(requirements.text(), Target(version=version).markers)
    (line,) = (line for line in chosen if line.startswith("azure-functions=="))
    assert line.startswith(expected)
    assert [] == [line for line in chosen if "--hash=sha256:" not in line or ";" in line]


def test_wheels_are_those_of_the_target() -> None:
    """Compiled parts for 3.13 on Linux, whatever this machine is."""
    aim = Target(version="3.13")
    chosen = requirements.chosen(requirements.text(), aim.markers)
    files = wheels.loaded([line for line in chosen if line.startswith(("msgspec==", "isodate=="))], aim)
    assert {"cpython-313-x86_64-linux-gnu.so"} == {
        name.partition(".")[2] for name in files if name.endswith(".so")
    }
    assert ["isodate 0.", "msgspec 0."] == [name[:10] for name in wheels.distributions(files)]


def test_a_wheel_with_another_hash_is_refused() -> None:
    """With what pip says of it."""
    with pytest.raises(ConfigurationError, match="pip found no wheel") as refused:
        wheels.loaded([f"isodate==0.7.2 --hash=sha256:{'0' * 64}"], Target(version="3.13"))
    assert "ERROR" in str(refused.value.problems[0])


def test_a_wheel_is_unpacked_to_what_runs(tmp_path: Path) -> None:
    """Files beside the package belong beside it; types, tests, scripts and records stay away."""
    content = {
        "m/__init__.py": "",
        "m/__init__.pyi": "",
        "m/tests/test_m.py": "",
        "m/py.typed": "",
        "m/words.txt": "",
        "m-1.0.data/purelib/n.py": "",
        "m-1.0.data/scripts/m": "",
        "m-1.0.dist-info/METADATA": "",
        "m-1.0.dist-info/RECORD": "",
        "m-1.0.dist-info/licenses/LICENSE": "",
    }
    (tmp_path / "m.whl").write_bytes(archive({name: text.encode() for name, text in content.items()}))
    expected = {
        "m/__init__.py",
        "m/words.txt",
        "n.py",
        "m-1.0.dist-info/METADATA",
        "m-1.0.dist-info/licenses/LICENSE",
    }
    assert expected == set(wheels.unpacked(tmp_path / "m.whl"))


def test_every_dependency_goes_along_or_has_a_reason_not_to() -> None:
    """Whoever adds one to kramik decides whether the function app needs it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    core = {Requirement(each).name for each in project["project"]["dependencies"]}
    carried = {Requirement(each).name for each in project["dependency-groups"]["functions"]}
    assert core - carried == ONE_MACHINE
