"""The pages in docs/ say what is so: their examples run and print what they show."""

import contextlib
import doctest
import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import glassgrad as gg

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("page", ["modes.md"])
def test_the_examples_of_a_page(page):
    failed, tried = doctest.testfile(
        str(DOCS / page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert failed == 0
    assert tried > 0


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_programs_of_the_page_on_compile_run_and_explain_what_it_shows():
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for block in blocks("compile.md", "python"):
            exec(compile(block, "step.py", "exec"), scope)
    _, shown = (DOCS / "compile.md").read_text(encoding="utf-8").split("prints, among others,\n\n```\n")
    assert set(shown.split("```")[0].splitlines()) <= set(out.getvalue().splitlines())


def test_an_op_in_one_file_works_in_every_mode(tmp_path):
    source, use = blocks("adding_an_op.md", "python")
    _, printed = (DOCS / "adding_an_op.md").read_text(encoding="utf-8").split("It prints\n\n```\n")
    printed = printed.split("```\n")[0]
    file = tmp_path / "softsign.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("softsign", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(use, "adding_an_op.md", "exec"), {"gg": gg, "softsign": module.softsign})
    number = r"largest relative error \S+"  # differs by rounding from one processor to the next
    assert re.sub(number, "", out.getvalue()) == re.sub(number, "", printed)


def test_every_page_is_linked_from_the_readme_or_another_page():
    texts = [path.read_text(encoding="utf-8") for path in (DOCS.parent / "README.md", *DOCS.glob("*.md"))]
    linked = {name.rsplit("/", 1)[-1] for text in texts for name in re.findall(r"\]\(([\w/.]+\.md)", text)}
    assert {path.name for path in DOCS.glob("*.md")} - linked == set()


def test_the_page_of_ops_lists_every_op_once():
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / "ops.md").read_text(encoding="utf-8"), re.MULTILINE)
    complexes = re.search(
        r"^Ops of complex inputs or results, (.*?), have",
        (DOCS / "ops.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    listed += re.findall(r"`(\w+)`", complexes.group(1))
    finished = subprocess.run(
        [sys.executable, "-c", "from table import ROWS; print(*{row.op.name for row in ROWS})"],
        cwd=DOCS.parent / "tests" / "ops",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(listed) == sorted(finished.stdout.split())
