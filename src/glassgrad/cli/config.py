"""config.json: what a run was asked to do, on which data and with which network; enough to do it again."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..data import TableSchema
from ..errors import CheckpointError
from ..io import write_text

FILE = "config.json"
VERSION = 1
Section = TypeVar("Section")


@dataclass(frozen=True)
class DataConfig:
    """Where the rows come from; path, sha256 and target are those of a CSV file."""

    source: Literal["digits", "csv"]
    task: Literal["classification", "regression"]
    rows: int
    path: str | None = None
    sha256: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of the layers, and the probability of dropout after each hidden one."""

    inputs: int
    hidden: list[int]
    outputs: int
    dropout: float


@dataclass(frozen=True)
class TrainingConfig:
    """How it is trained.

    label_smoothing: the share of the target that is spread over all classes; 0 for a regression. patience: after so
    many epochs without improvement training stops. eager: whether nothing is compiled.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    label_smoothing: float
    patience: int
    seed: int
    eager: bool = False  # runs of earlier versions do not say it


@dataclass(frozen=True)
class RunConfig:
    """All of config.json. made_with: versions, time and command, for people to read."""

    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig
    schema: TableSchema | None
    made_with: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write config.json into `folder`; CheckpointError when that fails."""
        content = {
            "version": VERSION,
            "data": asdict(self.data),
            "network": asdict(self.network),
            "training": asdict(self.training),
            "schema": None if self.schema is None else self.schema.to_json(),
            "made_with": self.made_with,
        }
        write_text(
            folder / FILE, json.dumps(content, indent=2, ensure_ascii=False) + "\n", what="run's config"
        )

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        """Read config.json in `folder`; CheckpointError, saying what is wrong, when there is none or it is damaged."""
        file = folder / FILE
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CheckpointError(
                f"{folder} is no run folder: there is no {file}. Give the folder that `glassgrad train` named."
            ) from None
        except OSError as error:
            raise CheckpointError(f"could not read {file}: {error.strerror}.") from error
        except ValueError as error:
            raise _damaged(file, f"it is not JSON: {error}") from error
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise _damaged(file, f'it has no "version": {VERSION}')
        schema, made_with = content.get("schema"), content.get("made_with")
        try:
            return cls(
                _section(DataConfig, content.get("data"), "data"),
                _section(NetworkConfig, content.get("network"), "network"),
                _section(TrainingConfig, content.get("training"), "training"),
                None if schema is None else TableSchema.from_json(schema),
                made_with if isinstance(made_with, dict) else {},
            )
        except CheckpointError as error:
            raise _damaged(file, error.message) from error


def _damaged(file: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{file} cannot be used: {why}. Use a copy, or train again.")


def _section(kind: type[Section], content: Any, name: str) -> Section:
    """The dataclass `kind` from a JSON object with exactly its fields, each of its type; defaults may be missing."""
    hints = typing.get_type_hints(kind)
    every = fields(kind)  # type: ignore[arg-type]
    names = [field.name for field in every]
    needed = {field.name for field in every if field.default is MISSING}
    if not isinstance(content, dict) or not needed <= set(content) <= set(names):
        raise CheckpointError(f"{name!r} must have {', '.join(map(repr, names))}")
    for field_name in content:
        if not _fits(content[field_name], hints[field_name]):
            raise CheckpointError(f"{name}.{field_name} is {content[field_name]!r}")
    return kind(**content)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is types.UnionType:
        return any(_fits(value, argument) for argument in arguments)
    if hint in (int, float):
        return isinstance(value, hint) and not isinstance(value, bool)
    return isinstance(value, hint)
