"""Atomic writing: the old file or the new one, whole, whatever goes wrong in between."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from glassgrad.errors import CheckpointError
from glassgrad.io.atomic import write_bytes, write_text


def fail_with(code: int):
    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return fail


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    path.write_bytes(b"the old content")
    return path


def test_the_content_is_what_was_given_and_nothing_else_is_left(tmp_path: Path):
    path = tmp_path / "file"
    write_bytes(path, b"one\r\n", memoryview(b"two\0"), what="file")
    assert path.read_bytes() == b"one\r\ntwo\0"
    write_bytes(path)
    assert path.read_bytes() == b""
    write_text(path, "σ = 1\n")
    assert path.read_bytes() == b"\xcf\x83 = 1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "reason", "cure"),
    [
        (
            errno.ENOSPC,
            "No space left on device (ENOSPC)",
            "Free some space on this disk, or write to a folder on another one.",
        ),
        (
            errno.EDQUOT,
            "Disk quota exceeded (EDQUOT)",
            "Your disk quota is used up: delete some files, or write to another disk.",
        ),
        (errno.EIO, "Input/output error (EIO)", "Check the disk and the path, then try again."),
    ],
)
def test_a_failing_disk_leaves_the_old_file(old_file: Path, monkeypatch, code, reason, cure):
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(CheckpointError) as caught:
        write_bytes(old_file, b"new", what="checkpoint")
    assert str(caught.value) == (
        f"could not write the checkpoint {old_file}: {reason}. The previous file is unchanged. {cure}"
    )
    assert caught.value.__cause__.errno == code
    assert old_file.read_bytes() == b"the old content"
    assert list(old_file.parent.iterdir()) == [old_file]


def test_without_an_old_file_a_failing_disk_leaves_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail_with(errno.ENOSPC))
    with pytest.raises(CheckpointError, match="No file was left behind"):
        write_bytes(tmp_path / "new", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "name", "cure"),
    [
        (errno.EACCES, "EACCES", "Write to a folder that you have permission to change."),
        (errno.EPERM, "EPERM", "Write to a folder that you have permission to change."),
        (errno.EROFS, "EROFS", "This disk is read-only: write to a folder on another one."),
    ],
)
def test_a_refused_renaming_leaves_the_old_file(old_file: Path, monkeypatch, code, name, cure):
    monkeypatch.setattr(os, "replace", fail_with(code))
    with pytest.raises(CheckpointError) as caught:
        write_text(old_file, "new", what="history")
    assert str(caught.value) == (
        f"could not write the history {old_file}: {os.strerror(code)} ({name}). "
        f"The previous file is unchanged. {cure}"
    )
    assert old_file.read_bytes() == b"the old content"
    assert list(old_file.parent.iterdir()) == [old_file]


def test_an_error_without_a_number_is_quoted(old_file: Path, monkeypatch):
    def fail(descriptor):
        raise OSError("the disk is on fire")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match=r"last\.safetensors: the disk is on fire\. The previous"):
        write_bytes(old_file, b"new")


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(old_file: Path):
    """A real failure of write(2): the process may not write more than 64 kB into a file."""
    pytest.importorskip("resource", reason="limits on the size of files exist on POSIX only")
    program = """if True:
        import resource, sys
        from glassgrad.io.atomic import write_bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        write_bytes(sys.argv[1], bytes(131072), what="checkpoint")
    """
    result = run_python(program, str(old_file))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"glassgrad.errors.CheckpointError: could not write the checkpoint {old_file}: File too large "
        f"(EFBIG). The previous file is unchanged. The file is larger than this system allows: write to "
        f"another disk, or raise the limit."
    )
    assert old_file.read_bytes() == b"the old content"
    assert list(old_file.parent.iterdir()) == [old_file]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_kill_before_the_renaming_leaves_the_old_file_whole(old_file: Path, function: str):
    program = f"""if True:
        import os, sys
        from glassgrad.io.atomic import write_bytes
        os.{function} = lambda *arguments: os._exit(9)
        write_bytes(sys.argv[1], bytes(100000))
    """
    assert run_python(program, str(old_file)).returncode == 9
    assert old_file.read_bytes() == b"the old content"
    (left_over,) = set(old_file.parent.iterdir()) - {old_file}
    assert re.fullmatch(r"\.glassgrad-[0-9a-f]{16}\.tmp", left_over.name)
    write_bytes(old_file, b"the next save")  # is not in the way of the next one
    assert old_file.read_bytes() == b"the next save"


def test_a_kill_after_the_renaming_leaves_the_new_file_whole(old_file: Path):
    program = """if True:
        import os, sys
        from glassgrad.io.atomic import write_bytes
        replace = os.replace
        os.replace = lambda *arguments: (replace(*arguments), os._exit(9))
        write_bytes(sys.argv[1], b"the new content")
    """
    assert run_python(program, str(old_file)).returncode == 9
    assert old_file.read_bytes() == b"the new content"
    assert list(old_file.parent.iterdir()) == [old_file]


def test_an_interrupt_leaves_the_old_file_and_no_other(old_file: Path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(old_file, b"new")
    assert old_file.read_bytes() == b"the old content"
    assert list(old_file.parent.iterdir()) == [old_file]


def test_the_bytes_are_on_the_disk_before_the_renaming_and_the_renaming_after(old_file: Path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else f"sync {os.fstat(descriptor).st_size} bytes")
        fsync(descriptor)

    def spy_replace(source, target):
        steps.append("replace")
        assert Path(source).parent == Path(target).parent == old_file.parent
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    write_bytes(old_file, b"new")
    assert steps == ["sync 3 bytes", "replace", "sync folder"]


def fsync_that_fails_for_folders(code: int):
    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))

    return fsync


def test_a_folder_that_cannot_be_synced_is_reported_with_the_new_file_in_place(old_file: Path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fsync_that_fails_for_folders(errno.EIO))
    with pytest.raises(CheckpointError) as caught:
        write_bytes(old_file, b"new", what="checkpoint")
    assert str(caught.value) == (
        f"the checkpoint {old_file} was written and is whole, but its folder could not be forced to the "
        f"disk: Input/output error (EIO). A power cut could bring the previous file back. Check the disk."
    )
    assert old_file.read_bytes() == b"new"


def test_a_file_system_without_folder_sync_is_no_error(old_file: Path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fsync_that_fails_for_folders(errno.EINVAL))
    write_bytes(old_file, b"new")
    assert old_file.read_bytes() == b"new"


def test_a_missing_folder(tmp_path: Path):
    path = tmp_path / "nowhere" / "last.safetensors"
    with pytest.raises(CheckpointError) as caught:
        write_bytes(path, b"new", what="checkpoint")
    assert str(caught.value) == (
        f"could not write the checkpoint {path}: No such file or directory (ENOENT). No file was left "
        f"behind. Create the folder first, or correct the path."
    )
    assert not path.parent.exists()


def test_a_file_where_a_folder_should_be(old_file: Path):
    with pytest.raises(CheckpointError) as caught:
        write_bytes(old_file / "new", b"new")
    assert str(caught.value) == (
        f"could not write the file {old_file / 'new'}: Not a directory (ENOTDIR). No file was left behind. "
        f"A part of the path is a file and not a folder: correct the path."
    )


def test_a_name_that_is_too_long(tmp_path: Path):
    write_bytes(tmp_path / ("n" * 255), b"the longest that Linux allows")
    with pytest.raises(CheckpointError, match=r"\(ENAMETOOLONG\)\. No file was left behind\. Choose a"):
        write_bytes(tmp_path / ("n" * 256), b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["n" * 255]


def test_a_folder_is_not_replaced(tmp_path: Path):
    with pytest.raises(CheckpointError) as caught:
        write_bytes(tmp_path, b"new")
    assert str(caught.value) == (
        f"could not write the file {tmp_path}: that is a folder. Give the name of a file."
    )


def test_a_device_is_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CheckpointError) as caught:
        write_bytes(pipe, b"new")
    assert str(caught.value) == (
        f"could not write the file {pipe}: that is a device or a pipe. Give the name of a file."
    )
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_symbolic_link_stays_a_link(old_file: Path):
    folder = old_file.parent / "links"
    folder.mkdir()
    link = folder / "latest"
    link.symlink_to(old_file)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert old_file.read_bytes() == b"new"
    assert list(folder.iterdir()) == [link]


def test_permissions_are_kept_and_new_files_follow_the_umask(old_file: Path):
    old_file.chmod(0o600)
    write_bytes(old_file, b"new")
    assert stat.S_IMODE(old_file.stat().st_mode) == 0o600
    umask = os.umask(0o027)
    try:
        write_bytes(old_file.with_name("other"), b"new")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(old_file.with_name("other").stat().st_mode) == 0o640
