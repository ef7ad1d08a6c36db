"""glassgrad train, stopped from outside: with Ctrl-C, and with a kill that no program can answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glassgrad.io import load_checkpoint

OPTIONS = ["train", "digits", "--hidden", "16", "--epochs", "60"]
PATIENCE = 120  # seconds, on a machine that is busy with other things


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "glassgrad", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_epochs(process: subprocess.Popen[str], count: int) -> None:
    """Until the process has printed this many epochs."""
    assert process.stdout is not None
    while count > 0:
        line = process.stdout.readline()
        assert line, "it ended too early"
        count -= line.startswith("epoch ")


@pytest.fixture(scope="module")
def model_of_a_run_left_alone(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("alone")
    process = start(folder, *OPTIONS, "--out", "run")
    assert process.communicate(timeout=PATIENCE)[1] == ""
    return (folder / "run" / "model.safetensors").read_bytes()


def resume(folder: Path) -> bytes:
    process = start(folder, "train", "--resume", "run")
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    return (folder / "run" / "model.safetensors").read_bytes()


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, model_of_a_run_left_alone):
    process = start(tmp_path, *OPTIONS, "--out", "run")
    wait_for_epochs(process, 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors == (
        "\nInterrupted; what was learnt so far is kept. Go on with: glassgrad train --resume run\n"
    )
    assert load_checkpoint(tmp_path / "run" / "last.safetensors").state["step"] >= 2 * 21
    assert resume(tmp_path) == model_of_a_run_left_alone


@pytest.mark.parametrize("epochs", [1, 9])
def test_kill_leaves_a_checkpoint_that_is_whole(tmp_path, model_of_a_run_left_alone, epochs):
    process = start(tmp_path, *OPTIONS, "--out", "run")
    wait_for_epochs(process, epochs)
    time.sleep(0.01 * epochs)  # somewhere in an epoch, or while a file is written
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert len(load_checkpoint(tmp_path / "run" / "last.safetensors").state["history"]) >= epochs
    assert resume(tmp_path) == model_of_a_run_left_alone
