"""The README's programs print what it says they print."""

import math
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
ROUNDING_ERROR = re.compile(r"relative error \S+ at argument 0, index \(\d, \d\)")


def run(code: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_first_example_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = re.search(r"It prints\n\n```\n(.*?)```", README, flags=re.DOTALL)
    assert shown is not None
    printed = run(SNIPPETS[0], tmp_path)
    assert len(ROUNDING_ERROR.findall(printed)) == 1  # how large it is, and where, depends on the processor
    assert ROUNDING_ERROR.sub("", printed) == ROUNDING_ERROR.sub("", shown.group(1))


def test_example_of_every_mode_runs_and_prints_code_that_runs(tmp_path: Path) -> None:
    code = run(f"import glassgrad as gg\n{SNIPPETS[1]}", tmp_path)
    loss, (gradient,) = eval_in_numpy(code)
    assert abs(loss - (math.sin(0.5) * 0.5 + math.sin(1.0))) < 1e-6
    assert abs(gradient[1] - (math.sin(1.0) + math.cos(1.0))) < 1e-6


def eval_in_numpy(code: str) -> tuple[float, tuple[list[float]]]:
    scope: dict[str, object] = {}
    exec(code, scope)
    found: tuple[float, tuple[list[float]]] = scope["forward_backward"](
        scope["np"].asarray([0.5, 1.0], "float32")
    )  # type: ignore[operator, attr-defined]
    return found


def test_training_example_trains_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    code = f"import glassgrad as gg\n{SNIPPETS[2]}\nprint(history['validation_accuracy'][-1])"
    accuracy = float(run(code, tmp_path).splitlines()[-1])
    assert accuracy > 0.9
    assert {"best.safetensors", "last.safetensors"} <= {p.name for p in (tmp_path / "runs/first").iterdir()}


def test_example_has_about_fifteen_lines() -> None:
    lines = [line for line in SNIPPETS[0].splitlines() if line.strip()]
    assert 12 <= len(lines) <= 16
