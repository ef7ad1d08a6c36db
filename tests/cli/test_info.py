"""glassgrad info, the version, and the ways to call the program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import glassgrad as gg
from glassgrad import info as info_module
from glassgrad.cli.app import app


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_json_says_what_there_is():
    result = run("info", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["glassgrad"] == gg.__version__
    assert found["packages"]["numpy"] == np.__version__
    assert found["packages"]["rich"] == metadata.version("rich")
    assert found["python"].endswith(" ".join(sys.version.split()[:1]))
    assert found["cores"] == os.cpu_count()
    assert 0 < found["cores_allowed"] <= os.cpu_count()
    assert Path(found["folder"], "py.typed").exists()


def test_text_has_a_line_for_each():
    result = run("info")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith(f"glassgrad        {gg.__version__}  (")
    assert f"numpy            {np.__version__}" in lines
    assert [line.split()[0] for line in lines[:3]] == ["glassgrad", "Python", "system"]


def test_says_how_to_install_what_is_missing(monkeypatch):
    def version(package: str) -> str:
        if package == "matplotlib":
            raise metadata.PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(metadata, "version", version)
    assert "matplotlib       not installed: pip install 'glassgrad[plot]'" in run("info").stdout.splitlines()
    assert json.loads(run("info", "--json").stdout)["packages"]["matplotlib"] is None


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 4.0),
        ({"cpu.max": "max 100000"}, 4.0),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "900000 100000"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4.0),
    ],
)
def test_cores_are_those_of_the_container(tmp_path, monkeypatch, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(info_module, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert info_module.system_info()["cores_allowed"] == cores


def test_memory_is_that_of_the_container(tmp_path, monkeypatch):
    monkeypatch.setattr(info_module, "CGROUP", tmp_path)
    total = info_module.system_info()["memory_bytes"]
    (tmp_path / "memory.max").write_text("1000000\n")
    assert info_module.system_info()["memory_bytes"] == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert info_module.system_info()["memory_bytes"] == total


def test_version():
    assert run("--version").stdout == f"glassgrad {gg.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["predict", "--help"], ["info", "--help"]]
)
def test_help_has_an_example_and_no_shell_completion(arguments):
    result = run(*arguments)
    assert result.exit_code == 0
    assert "glassgrad train digits" in result.stdout or f"glassgrad {arguments[0]}" in result.stdout
    assert "completion" not in result.stdout


def test_python_m_glassgrad():
    process = subprocess.run(
        [sys.executable, "-m", "glassgrad", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout == f"glassgrad {gg.__version__}\n"


def test_importing_glassgrad_imports_nothing_that_draws_or_parses():
    script = (
        "import sys, glassgrad; print(sorted({'rich', 'typer', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout == "[]\n"
