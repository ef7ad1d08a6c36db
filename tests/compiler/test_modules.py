"""The modules of a program: functions that units share, and which passes LLVM runs on what."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

pytest.importorskip("llvmlite")

from llvmlite import ir

from glassgrad.compiler.llvm import modules as under_test
from glassgrad.compiler.llvm.code import POINTER
from glassgrad.compiler.llvm.contraction import choice
from glassgrad.compiler.llvm.contraction.winograd import WinogradCode
from glassgrad.compiler.llvm.engine import (
    LeanText,
    MachineCode,
    host_machine,
    object_code,
    optimised,
)
from glassgrad.compiler.llvm.entries import Lists, entry_code, entry_name
from glassgrad.compiler.llvm.modules import Module, shared

NUMBER = ir.IntType(64)


def adder(module: Module, number: int) -> ir.Function:
    """`void f(numbers)`: adds a number to the first one."""

    def write(function: ir.Function) -> None:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        total = builder.add(builder.load(function.args[0], typ=NUMBER), NUMBER(number))
        builder.store(total, function.args[0])
        builder.ret_void()

    return shared(module, "adder", number, [POINTER], write)


def test_a_shared_function_is_written_once_and_called_from_everywhere() -> None:
    written: dict[Any, str] = {}
    modules = [Module("first", written), Module("second", written)]
    for name, module in zip(("one", "other"), modules, strict=True):
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        numbers = builder.load(function.args[0], typ=POINTER)
        for number in (3, 40, 3):
            builder.call(adder(module, number), [numbers])
        builder.ret_void()
    texts = [str(module) for module in modules]
    assert [len(re.findall("define .*adder", text)) for text in texts] == [2, 0]
    assert [len(re.findall("declare .*adder", text)) for text in texts] == [0, 2]
    code = MachineCode([object_code(text) for text in texts], {})
    value = ctypes.c_int64(100)
    table = ctypes.c_void_p(ctypes.addressof(value))
    for name in ("one", "other"):
        code.function(name)(ctypes.addressof(table))
    assert value.value == 100 + 2 * (3 + 40 + 3)


def two_layers(x: Any, w: Any, v: Any) -> Any:
    """Three convolutions of one grid and their gradients, with other channels, some of which fill no vector."""

    def loss(x: Any, w: Any, v: Any) -> Any:
        y = gg.convolution(gg.tanh(gg.convolution(x, w, padding=1)), v, padding=1)
        return gg.sum(y * y)

    return gg.grad(loss, argnums=(0, 1, 2))(x, w, v)


@pytest.mark.parametrize(("full", "images"), [(1, 2), (10**9, 3)])
def test_convolutions_share_what_differs_only_in_numbers(
    full: int, images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One function of each kind, whether the program is one module or each unit another; values as in float64."""
    monkeypatch.setattr(choice, "CANDIDATES", [(WinogradCode, 1.0)])
    monkeypatch.setattr(under_test, "FULL", full)
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", "")
    rng = np.random.default_rng(3)
    shapes = (images, 21, 11, 13), (51, 21, 3, 3), (32, 51, 3, 3)
    arrays = [rng.normal(size=shape) * scale for shape, scale in zip(shapes, (1.0, 0.1, 0.1), strict=True)]
    compiled = gg.compile(two_layers)
    found = compiled(*(gg.asarray(array.astype(np.float32)) for array in arrays))
    wanted = two_layers(*map(gg.asarray, arrays))
    for some, others in zip(found, wanted, strict=True):
        error = np.abs(some.numpy() - others.numpy()).max() / np.abs(others.numpy()).max()
        assert error < 1e-5, error
    functions = re.findall(r'define void @"(\w+?)_\d+"', compiled.llvm)
    # 21 and 51 channels leave a part of a vector, 32 do not; maps for the gradient of filters do not overlap
    assert {what: functions.count(what) for what in ("spread", "gathered", "from_taps", "to_taps")} == {
        "spread": 4,
        "gathered": 2,
        "from_taps": 3,
        "to_taps": 2,
    }


LOOP = """
define void @double(ptr noalias %x, ptr noalias %y) {
entry:
  br label %body
body:
  %i = phi i64 [0, %entry], [%next, %body]
  %from = getelementptr float, ptr %x, i64 %i
  %to = getelementptr float, ptr %y, i64 %i
  %value = load float, ptr %from
  %twice = fadd float %value, %value
  store float %twice, ptr %to
  %next = add nuw nsw i64 %i, 1
  %more = icmp ult i64 %next, 1024
  br i1 %more, label %body, label %end
end:
  ret void
}
"""


def test_lean_text_is_not_looked_through_for_vectors() -> None:
    assert " x float>" in str(optimised(LOOP, host_machine()))
    assert " x float>" not in str(optimised(LeanText(LOOP), host_machine()))


TWO = """
define void @{name}(ptr %x, ptr %y, ptr %z, i64 %begin, i64 %end) {{
  %a = load i64, ptr %x
  %b = load i64, ptr %y
  %difference = sub i64 %a, %b
  %pieces = sub i64 %end, %begin
  %found = {operation} i64 %difference, %pieces
  store i64 %found, ptr %z
  ret void
}}
"""


def test_an_entry_finds_pointers_in_the_table_and_calls_the_function_that_the_list_names() -> None:
    functions = [TWO.format(name="times", operation="mul"), TWO.format(name="plus", operation="add")]
    calls = entry_code({"times": 3, "plus": 3}, data=16)
    code = MachineCode([object_code(LeanText(text)) for text in (*functions, calls)], {})
    numbers = (ctypes.c_int64 * 4)(100, 30, 0, 0)
    array = (ctypes.c_size_t * 3)(
        0, 0, ctypes.addressof(numbers)
    )  # an object with its data's address at byte 16
    table = (ctypes.c_size_t * 2)(ctypes.addressof(array), ctypes.addressof(numbers))
    lists = Lists()
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    for number, name, place in ((0, "times", 16), (1, "plus", 24)):
        start = lists.add(number, [(0, True, 0), (1, False, 8), (1, False, place)])
        words = (ctypes.c_int64 * len(lists.words))(*lists.words)
        address = code.address(entry_name(name))
        entry(address)(ctypes.addressof(table), ctypes.addressof(words) + start, 2, 6)
    assert list(numbers) == [100, 30, 70 * 4, 70 + 4]
    assert lists.add(0, [(0, True, 0), (1, False, 8), (1, False, 16)]) == 0
