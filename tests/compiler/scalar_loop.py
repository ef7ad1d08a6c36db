"""One scalar instruction as a compiled loop over arrays, for tests."""

from __future__ import annotations

import platform
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int64, c_void_p
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from glassgrad.compiler.llvm.scalars import emit
from glassgrad.expr.scalar import Instruction

BASELINE = "x86-64" if platform.machine() in ("x86_64", "AMD64") else "generic"
"""A processor with the least that its kind can do: on x86 no fused multiply-add."""

BOOL, BYTE, INDEX, POINTER = ir.IntType(1), ir.IntType(8), ir.IntType(64), ir.PointerType()


def memory_type(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return ir.FloatType() if dtype.itemsize == 4 else ir.DoubleType()
    return ir.IntType(8 * dtype.itemsize)


def loop_text(instruction: Instruction, inputs: list[np.dtype], output: np.dtype) -> str:
    """`for i in range(n): out[i] = instruction(x[i], ...)`, as a module with `loop(n, out, x, y, z)`."""
    module = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [INDEX] + [POINTER] * 4)
    function = ir.Function(module, kind, "loop")
    for pointer in function.args[1:]:
        pointer.add_attribute("noalias")
    count, out, *arrays = function.args
    entry, body, done = (function.append_basic_block(name) for name in ("entry", "body", "done"))
    builder = ir.IRBuilder(entry)
    builder.cbranch(builder.icmp_signed(">", count, INDEX(0)), body, done)
    builder = ir.IRBuilder(body)
    i = builder.phi(INDEX)
    i.add_incoming(INDEX(0), entry)
    operands = []
    for array, dtype in zip(arrays, inputs, strict=False):
        stored = memory_type(dtype)
        value = builder.load(builder.gep(array, [i], source_etype=stored), typ=stored)
        operands.append(builder.trunc(value, BOOL) if dtype.kind == "b" else value)
    result = emit(builder, instruction, operands)
    result = builder.zext(result, BYTE) if result.type == BOOL else result
    builder.store(result, builder.gep(out, [i], source_etype=memory_type(output)))
    following = builder.add(i, INDEX(1))
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), body, done)
    ir.IRBuilder(done).ret_void()
    return str(module)


class CompiledLoop:
    """A module's `loop`, optimised and callable. `text` is the optimised module."""

    def __init__(self, function: Callable[..., None], engine: Any, text: str) -> None:
        self.function = function
        self.engine = engine  # owns the code
        self.text = text


def compile_loop(module_text: str, processor: str | None = None, vectorise: bool = True) -> CompiledLoop:
    """Optimise and compile for a processor, by default the one this runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = "" if processor else llvm.get_host_cpu_features().flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=processor or llvm.get_host_cpu_name(), features=features, opt=3, jit=True
    )
    module = llvm.parse_assembly(module_text)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = vectorise
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    text = str(module)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    function = CFUNCTYPE(None, c_int64, *[c_void_p] * 4)(engine.get_function_address("loop"))
    return CompiledLoop(function, engine, text)


def computed(
    instruction: Instruction,
    *arrays: np.ndarray,
    output: Any = None,
    processor: str | None = None,
    vectorise: bool = True,
) -> np.ndarray:
    """The instruction's machine code on arrays; the result has the last one's dtype, or `output`."""
    arrays = tuple(np.ascontiguousarray(array) for array in arrays)
    dtype = np.dtype(bool if instruction.gives_bool else output or arrays[-1].dtype)
    loop = compile_loop(
        loop_text(instruction, [array.dtype for array in arrays], dtype), processor, vectorise
    )
    out = np.empty(arrays[0].size, dtype)
    x, y, z = (*(array.ctypes.data for array in arrays), None, None, None)[:3]
    loop.function(out.size, out.ctypes.data, x, y, z)
    return out
