"""Machine code from LLVM IR text, for the processor this runs on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, c_void_p, string_at
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

_lock = threading.Lock()
_ready = False


def _prepare() -> None:
    global _ready
    if not _ready:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _ready = True


@lru_cache(maxsize=1)
def cpu() -> tuple[str, str]:
    """LLVM's name of this processor, and what it can do."""
    _prepare()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def host_machine() -> Any:
    """LLVM's idea of this processor, with all it can do."""
    name, features = cpu()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True)


def _without_lock(name: str) -> Any:
    """A function of llvmlite's library that other threads may call meanwhile, each for modules of its own context.

    llvmlite lets one thread at a time into the library. Where it no longer keeps the function behind that lock as it
    does now, the function with the lock does the same, one thread after the other.
    """
    locked = getattr(llvm.ffi.lib, name)
    return getattr(locked, "_cfn", locked)


class LeanText(str):
    """LLVM IR that a few passes are enough for: its loops are vectors as they are written, or few."""

    __slots__ = ()


def optimised(text: str, machine: Any) -> Any:
    """The module in `text`, verified and optimised."""
    module = llvm.parse_assembly(text, llvm.create_context())
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    options.slp_vectorization = False
    # half the time of compiling, and no slower code, because the vectoriser interleaves
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    passes = _few_passes() if isinstance(text, LeanText) else builder.getModulePassManager()
    _without_lock("LLVMPY_RunNewModulePassManager")(passes, module, builder)
    return module


def _few_passes() -> Any:
    """What leaves nothing for the code generator that it would not do itself, in a fifth of the time of all passes."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.add_new_gvn_pass()
    passes.add_dead_code_elimination_pass()
    return passes


def object_code(text: str) -> bytes:
    """The module in `text` as an object file."""
    with _lock:
        machine = host_machine()
    module = optimised(text, machine)
    with llvm.ffi.OutputString() as problem:
        buffer = _without_lock("LLVMPY_TargetMachineEmitToMemory")(machine, module, 1, problem)
        if not buffer:
            raise RuntimeError(str(problem))
    library = llvm.ffi.lib
    try:
        return string_at(library.LLVMPY_GetBufferStart(buffer), library.LLVMPY_GetBufferSize(buffer))
    finally:
        library.LLVMPY_DisposeMemoryBuffer(buffer)


def object_codes(texts: Iterable[str], threads: int) -> list[bytes]:
    """The modules as object files, made by several threads, while the next texts are written."""
    with ThreadPoolExecutor(threads, "glassgrad-compile") as pool:
        return [job.result() for job in [pool.submit(object_code, text) for text in texts]]


def assembly(text: str) -> str:
    """The module in `text` as this processor's instructions, to read."""
    with _lock:
        machine = host_machine()
    return str(machine.emit_assembly(optimised(text, machine)))


class MachineCode:
    """The functions of object files, loaded, as callables that take the address of a table of pointers."""

    def __init__(self, codes: Sequence[bytes], symbols: Mapping[str, int]) -> None:
        """symbols: the addresses of the functions that the files call but do not define."""
        with _lock:
            for name, address in symbols.items():
                llvm.add_symbol(name, address)
            self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), host_machine())
            for code in codes:
                self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self.engine.finalize_object()

    def function(self, name: str) -> Callable[[int], None]:
        """The function of this name, `void name(void **table)`."""
        return CFUNCTYPE(None, c_void_p)(self.address(name))

    def address(self, name: str) -> int:
        """Where the function of this name lies."""
        return int(self.engine.get_function_address(name))
