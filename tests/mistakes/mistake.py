"""A mistake that beginners make: the program, what glassgrad says of it, and what puts it right."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

import glassgrad as gg


@dataclass(frozen=True)
class Mistake:
    """A program that holds a mistake. It is the file train.py, and has imported gg, np, nn, optim and Path."""

    name: str
    program: str
    cure: dict[str, str]
    """What to write instead of which part of the program, as the message says."""
    says: str = ""
    """The whole message of the error that ends the program; "" if none does."""
    error: type[Exception] | None = None
    warns: tuple[str, ...] = ()
    """The warnings before that, as Python shows them: `file:line: message`."""
    then: str = ""
    """What holds after the cured program, as assertions."""

    def __str__(self) -> str:
        return self.name.replace(" ", "_")

    @property
    def cured_program(self) -> str:
        program = dedent(self.program)
        for wrong, right in self.cure.items():
            assert wrong in program, f"{wrong!r} is to be replaced, but is not in the program"
            program = program.replace(wrong, right)
        return program

    def check(self) -> None:
        """The program is answered as expected, and the cured one runs to its end without a word."""
        outcome = run(self.program)
        expected = "\n".join([*self.warns, self.says])
        found = "\n".join([*outcome.warnings, str(outcome.error or "")])
        assert found == expected, f"the answer is\n{found}\nand should be\n{expected}"
        assert isinstance(outcome.error, self.error or type(None)), f"raised {outcome.error!r}"
        cured = run(f"{self.cured_program}\n{dedent(self.then)}")
        if cured.error is not None:
            raise AssertionError("the cure does not help") from cured.error
        assert cured.warnings == [], f"the cured program warns: {cured.warnings}"


@dataclass
class Outcome:
    error: Exception | None = None
    warnings: list[str] = field(default_factory=list)


def run(program: str) -> Outcome:
    """Run a program in an empty folder."""
    names: dict[str, Any] = {
        "__name__": "__main__",
        "gg": gg,
        "np": np,
        "nn": gg.nn,
        "optim": gg.optim,
        "Path": Path,
    }
    outcome = Outcome()
    gg.random.seed(0)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            exec(compile(dedent(program).strip("\n"), "train.py", "exec"), names)
        except Exception as error:
            outcome.error = error
    outcome.warnings = [f"{Path(w.filename).name}:{w.lineno}: {w.message}" for w in caught]
    return outcome
