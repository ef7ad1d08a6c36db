"""Machine code from LLVM IR text, for the processor this runs on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_void_p
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


def host_machine() -> Any:
    """LLVM's idea of this processor, with all it can do."""
    _prepare()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True)


def optimised(text: str, machine: Any) -> Any:
    """The module in `text`, verified and optimised."""
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    options.slp_vectorization = False
    # half the time of compiling, and no slower code, because the vectoriser interleaves
    options.loop_unrolling = False
    llvm.create_pass_builder(machine, options).getModulePassManager().run(
        module, llvm.create_pass_builder(machine, options)
    )
    return module


class MachineCode:
    """The functions of a module as callables that take the address of a table of pointers."""

    def __init__(self, text: str, symbols: dict[str, int]) -> None:
        """symbols: the addresses of the functions that the module calls but does not define."""
        with _lock:
            for name, address in symbols.items():
                llvm.add_symbol(name, address)
            machine = host_machine()
            module = optimised(text, machine)
            self.text = str(module)
            self.engine = llvm.create_mcjit_compiler(module, machine)
            self.engine.finalize_object()

    def function(self, name: str) -> Callable[[int], None]:
        """The function of this name, `void name(void **table)`."""
        return CFUNCTYPE(None, c_void_p)(self.engine.get_function_address(name))
