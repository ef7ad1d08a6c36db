"""Every benchmark runs; the workloads are the same mathematics on every side; what is measured is told correctly."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import glassgrad
from glassgrad.cli import bench
from glassgrad.cli.app import app

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
PACKAGES = str(Path(glassgrad.__file__).resolve().parent.parent)
SEARCH = os.pathsep.join([PACKAGES, str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
SCRIPTS = ("against_eager.py", "growth.py", "overhead.py", "run.py")

sys.path.insert(0, str(FOLDER))
try:
    import growth
    import report
    from workloads import NAMES, data, models, with_glassgrad

    if find_spec("torch") is not None:
        import torch
        from workloads import with_pytorch
finally:
    sys.path.remove(str(FOLDER))

# name -> parameters, as the table in workloads/__init__.py says; alexnet takes too long for a test
COUNTS = {
    "hw0": 6,
    "logistic": 65,
    "two_layer": 101_000,
    "mlp": 669_706,
    "lenet": 431_080,
    "lstm": 360_544,
    "ntm": 65_220,
    "gpt": 826_208,
}


def run(script, *arguments, folder=None, code=0):
    finished = subprocess.run(
        [sys.executable, str(FOLDER / script), *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": SEARCH, "COLUMNS": "160"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert finished.returncode == code, finished.stderr
    return finished


def test_every_script_is_tested():
    modules = {"report.py", "side.py", "worker.py"}
    assert {path.name for path in FOLDER.glob("*.py")} == {*SCRIPTS, *modules}


@pytest.mark.parametrize("script", ["against_eager.py", "growth.py", "overhead.py"])
def test_smoke(script):
    assert run(script, "--smoke").stdout


def test_run_compares_and_writes(tmp_path):
    finished = run(
        *("run.py", "--smoke", "--peers", "glassgrad eager", "--json", "found.json", "--chart", "found.png"),
        folder=tmp_path,
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert list(found["workloads"]) == ["hw0", "logistic"]
    assert found["machine"]["packages"]["numpy"] == np.__version__
    for sides in found["workloads"].values():
        assert list(sides) == ["glassgrad", "glassgrad eager"]
        for values in sides.values():
            assert len(values["rounds_ms"]) == 1
            assert 0 < values["min_ms"] <= values["median_ms"]
            assert values["first_s"] > 0
            assert values["import_s"] > 0
            assert values["peak_mb"] > 10
        assert sides["glassgrad"]["warm_start_up_s"] >= 0
        losses = [values["loss"] for values in sides.values()]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")
    assert "hw0" in finished.stdout
    assert "chart: found.png" in finished.stdout


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed; it is an optional peer")
def test_a_peer_is_measured_and_one_that_fails_is_reported(tmp_path):
    finished = run(
        *("run.py", "--smoke", "--workloads", "hw0", "--peers", "PyTorch eager", "--json", "found.json"),
        folder=tmp_path,
    )
    peer = json.loads((tmp_path / "found.json").read_text())["workloads"]["hw0"]["PyTorch eager"]
    assert peer["loss"] == pytest.approx(
        1 / (1 + 1 / 26.25) + 0.5
    )  # sigmoid(ln v) = v / (v + 1), v = 5 (6 - 3/4)
    assert "ratio" in finished.stdout
    given_up = run(*("run.py", "--smoke", "--peers", "PyTorch eager", "--patience", "0.01"), folder=tmp_path)
    assert "hw0, PyTorch eager: given up after 0 s" in given_up.stdout


def test_unknown_names_are_refused():
    assert "no vgg; there are hw0, logistic," in run("run.py", "--workloads", "vgg", code=2).stderr
    assert (
        "no mxnet; there are all, none, glassgrad eager," in run("run.py", "--peers", "mxnet", code=2).stderr
    )
    assert "are positive" in run("run.py", "--rounds", "0", code=2).stderr


def test_the_command_passes_its_options_on(capfd):
    result = CliRunner().invoke(app, ["bench", "--workloads", "vgg"])
    assert result.exit_code == 2
    assert "no vgg; there are" in capfd.readouterr().err


def test_the_command_without_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "SCRIPT", tmp_path / "benchmarks" / "run.py")
    result = CliRunner().invoke(app, ["bench"])
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: the benchmarks belong to glassgrad's repository and are not installed with the package: there is no "
        f"{tmp_path / 'benchmarks' / 'run.py'}. In a checkout of the repository, run make bench.\n"
    )


# --- the workloads --------------------------------------------------------------------------------------------


def test_every_workload_has_data_and_a_line():
    assert set(NAMES) == set(data.DATA) == set(with_glassgrad.WORKLOADS) == {*COUNTS, "alexnet"}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    assert with_glassgrad.prepare(name, compiled=False).parameters == COUNTS[name]


@pytest.mark.parametrize("name", ["logistic", "two_layer", "mlp"])
def test_compiled_and_eager_take_the_same_steps(name):
    compiled, eager = (with_glassgrad.prepare(name, compiled=compiled) for compiled in (True, False))
    ours, theirs = ([float(workload.step()) for _ in range(4)] for workload in (compiled, eager))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert theirs[-1] < theirs[0]


# --- what is made of the numbers ------------------------------------------------------------------------------


def test_the_ratio_is_that_to_the_fastest_peer():
    found = {
        "glassgrad": {"median_ms": 2.0},
        "glassgrad eager": {"median_ms": 1.0},  # no peer
        "PyTorch eager": {"median_ms": 6.0},
        "JAX jit": {"median_ms": 5.0},
        "torch.compile": {"error": "no compiler"},
    }
    assert report.ratio(found) == (2.5, "JAX jit")
    assert report.ratio({"glassgrad": {"error": "..."}, "JAX jit": {"median_ms": 5.0}}) is None


def test_tables_say_why_something_is_missing():
    result = {
        "machine": {"cpu": "a processor", "cores_allowed": 2},
        "threads": 2,
        "rounds": 1,
        "commit": "abc",
        "notes": ["JAX jit is not installed"],
        "workloads": {
            "mlp": {
                "glassgrad": {
                    "median_ms": 2.0,
                    "import_s": 0.25,
                    "start_up_s": 0.75,
                    "warm_start_up_s": 0.125,
                },
                "torch.compile": {"error": "no compiler"},
            }
        },
    }
    shown = StringIO()
    report.tables(result, Console(file=shown, width=120))
    text = shown.getvalue()
    assert "JAX jit is not installed\nmlp, torch.compile: no compiler\n" in text
    assert "glassgrad 0.25" in text
    assert "│ mlp      │      0.75 │             - │           0.125 │" in text


def test_exponents_of_growth():
    rows = [{"size": 10, "first_s": 1.0, "step_ms": 1.0}, {"size": 1000, "first_s": 100.0, "step_ms": 10.0}]
    assert growth.exponents(rows) == ["1.00", "0.50"]
    assert growth.exponents(rows[:1]) == ["", ""]


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed; it is an optional peer")
@pytest.mark.parametrize(
    ("model", "name"), [("CharacterLSTM", "lstm"), ("NeuralTuringMachine", "ntm"), ("GPT", "gpt")]
)
def test_a_network_is_the_same_in_pytorch(model, name):
    ours, theirs = getattr(models, model)(), getattr(with_pytorch, model)()
    theirs.load_state_dict(
        {key: torch.from_numpy(np.array(value.numpy())) for key, value in ours.named_parameters()}
    )
    inputs = data.DATA[name]()[0]
    inputs = inputs[:, :-1] if name in ("lstm", "gpt") else inputs
    found = ours(glassgrad.asarray(inputs)).numpy()
    wanted = theirs(torch.from_numpy(np.array(inputs))).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)
