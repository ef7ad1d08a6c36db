"""The code of a compiled function, to read: LLVM IR as it is generated, after LLVM's passes, and as instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from ..runtime.planning import Planning


class LLVMText(str):
    """LLVM IR text as it is generated. `optimised` is what LLVM makes of it, `assembly` the processor's instructions.

    Both take as long as compiling does. `modules` are the parts that are compiled by themselves, in order.
    """

    __slots__ = ("modules",)

    modules: list[str]

    def __new__(cls, modules: list[str]) -> Self:
        """The modules, one after the other."""
        text = super().__new__(cls, "\n".join(modules))
        text.modules = modules
        return text

    @property
    def optimised(self) -> str:
        """The LLVM IR after LLVM's passes, with its vector instructions."""
        from ..llvm.engine import host_machine, optimised

        return "\n".join(str(optimised(module, host_machine())) for module in self.modules)

    @property
    def assembly(self) -> str:
        """The instructions of this processor."""
        from ..llvm.engine import assembly

        return "\n".join(map(assembly, self.modules))


def llvm_text(planning: Planning) -> LLVMText:
    """The LLVM IR of a program of machine code.

    >>> import glassgrad as gg
    >>> double = gg.compile(lambda x: x * 2.0)
    >>> double(gg.zeros(1000)).shape
    (1000,)
    >>> "fmul float" in double.llvm, " x float>" in double.llvm, " x float>" in double.llvm.optimised
    (True, False, True)
    """
    return LLVMText(planning.llvm)
