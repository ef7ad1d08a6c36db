"""The cache of machine code: found again by the next process, never trusted further than its owner, never in the way."""

import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.runtime import disk_cache, entrance, loading
from glassgrad.compiler.runtime.disk_cache import SUFFIX, TEMPORARY, DiskCache, folder

pytestmark = pytest.mark.usefixtures("plans_from_disk")

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no owners and modes of this kind")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own. What all programs share has been loaded before."""
    entrance._definition()
    path = tmp_path / "cache"
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(path))
    return path


def entries(path: Path) -> list[Path]:
    return sorted(path.glob("*" + SUFFIX))


def f(x: Any) -> Any:
    return gg.sum(gg.tanh(x) * 3.0 + x)


def run() -> float:
    return float(compile(f)(gg.asarray(np.linspace(-1.0, 2.0, 50))))


def count_compilations(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A list that grows whenever LLVM compiles a program."""
    compiled: list[list[str]] = []

    def counted(texts: Iterable[str], threads: int) -> list[bytes]:
        compiled.append(list(texts))
        return original(compiled[-1], threads)

    original = loading.object_codes
    monkeypatch.setattr(loading, "object_codes", counted)
    return compiled


# --- programs -----------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_compiled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = count_compilations(monkeypatch)
    values = {run() for _ in range(3)}
    assert len(values) == len(compiled) == 1
    assert len(entries(cache)) == 2  # the plan and the machine code


def test_another_program_is_another_entry(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = count_compilations(monkeypatch)
    x = gg.asarray(np.linspace(-1.0, 2.0, 50))
    found = [float(compile(lambda x, fold=fold: fold(x * 2.0))(x)) for fold in (gg.sum, gg.max, gg.sum)]
    np.testing.assert_allclose(found, [50.0, 4.0, 50.0])
    assert len(compiled) == 2
    assert len(entries(cache)) == 4


def test_the_next_process_loads_what_this_one_compiled(cache: Path) -> None:
    program = textwrap.dedent("""
        import numpy as np, glassgrad as gg
        import glassgrad.compiler.llvm.engine as engine
        from glassgrad.compiler.runtime import loading
        def refuse(texts, threads): raise SystemExit("compiled")
        loading.object_codes = refuse
        import sys; sys.path.insert(0, sys.argv[1])
        from test_disk_cache import run
        print(repr(run()))
    """)
    command = [sys.executable, "-c", program, str(Path(__file__).parent)]
    cold = subprocess.run(command, capture_output=True, text=True)
    assert cold.stderr.strip() == "compiled"
    allowed = [sys.executable, "-c", program.replace("loading.object_codes", "_"), str(Path(__file__).parent)]
    value = subprocess.run(allowed, capture_output=True, text=True, check=True).stdout
    warm = subprocess.run(command, capture_output=True, text=True, check=True)
    assert warm.stdout == value


@pytest.mark.parametrize("damage", ["empty", "cut off", "one bit", "foreign", "another entry's"])
def test_a_damaged_entry_is_made_again(cache: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = run()
    compile(lambda x: gg.sum(gg.exp(x)))(gg.asarray([1.0]))
    other = {path: path.read_bytes() for path in entries(cache)}
    compiled = count_compilations(monkeypatch)
    for path, whole in other.items():
        middle = len(whole) // 2
        path.write_bytes(
            {
                "empty": b"",
                "cut off": whole[:-1],
                "one bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
                "foreign": b"\x7fELF" + whole,
                "another entry's": next(text for name, text in other.items() if name != path),
            }[damage]
        )
    assert run() == value
    assert len(compiled) == 1
    assert run() == value
    assert len(compiled) == 1


def test_the_empty_string_turns_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = count_compilations(monkeypatch)
    assert run() == run()
    assert len(compiled) == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run()


def test_a_full_disk_is_no_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run() == run()
    assert not list(cache.iterdir())


# --- trust --------------------------------------------------------------------------------------------------


@POSIX
def test_only_the_owner_may_read_and_write(cache: Path) -> None:
    run()
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in entries(cache)} == {0o600}


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_can_write_is_not_used(
    cache: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    cache.chmod(mode)
    compiled = count_compilations(monkeypatch)
    with pytest.warns(
        UserWarning, match="others may write to it, and loading code that they put there would run it"
    ):
        run()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        run()
    assert len(compiled) == 2


@POSIX
def test_a_file_that_others_can_write_is_not_loaded(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    for path in entries(cache):
        path.chmod(0o622)
    compiled = count_compilations(monkeypatch)
    run()
    assert len(compiled) == 1


@POSIX
def test_a_file_or_folder_of_another_user_is_not_loaded(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    compiled = count_compilations(monkeypatch)
    with pytest.warns(UserWarning, match="belongs to another user"):
        run()
    assert len(compiled) == 1


@POSIX
def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    real, linked = DiskCache(tmp_path / "real"), DiskCache(tmp_path / "linked")
    real.store("k", b"code")
    linked.store("other", b"code")
    (linked.path / ("k" + SUFFIX)).symlink_to(real.path / ("k" + SUFFIX))
    assert (real.load("k"), linked.load("k")) == (b"code", None)


# --- size ---------------------------------------------------------------------------------------------------


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit=3500)
    for age, key in enumerate("cba"):
        cache.store(key, bytes(1000))
        os.utime(tmp_path / (key + SUFFIX), (time.time() - 100 * (9 - age),) * 2)
    assert cache.load("c") == bytes(1000)  # the oldest becomes the youngest
    cache.store("d", bytes(1000))
    assert [path.stem for path in entries(tmp_path)] == ["a", "c", "d"]


def test_what_is_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit=100)
    cache.store("small", bytes(10))
    cache.store("large", bytes(101))
    assert cache.load("small") == bytes(10)
    assert cache.load("large") is None


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    old, young = tmp_path / (TEMPORARY + "1"), tmp_path / (TEMPORARY + "2")
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    DiskCache(tmp_path).store("k", b"code")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "k" + SUFFIX]


def test_many_writers_and_readers_at_once(tmp_path: Path) -> None:
    """What is read is always whole, although entries are dropped all the time."""
    contents = {f"k{i}": bytes([i]) * 5000 for i in range(8)}
    wrong: list[Any] = []

    def work(seed: int) -> None:
        cache = DiskCache(tmp_path, limit=20_000)
        for i in range(60):
            key = f"k{(i * seed) % 8}"
            found = cache.load(key)
            if found is None:
                cache.store(key, contents[key])
            elif found != contents[key]:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert entries(tmp_path)
    assert not list(tmp_path.glob(TEMPORARY + "*"))


def test_processes_that_begin_together(cache: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_disk_cache import run; print(repr(run()))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    found = {process.communicate()[0] for process in started}
    assert found == {f"{run()!r}\n"}
    assert not list(cache.glob(TEMPORARY + "*"))
    assert all(DiskCache(cache).load(path.stem) for path in entries(cache))


# --- where --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these have folders of their own for this")
def test_the_folder_among_the_users_caches(tmp_path: Path) -> None:
    assert folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "glassgrad"
    assert folder({"XDG_CACHE_HOME": "relative"}) == folder({}) == Path.home() / ".cache" / "glassgrad"
    assert folder({"XDG_CACHE_HOME": "/x", "GLASSGRAD_CACHE_DIR": "here"}) == Path.cwd() / "here"


def test_no_home_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(disk_cache.Path, "home", homeless)
    assert folder({}) is None
