"""What the functions of a program are called in its machine code."""


def kernel_name(number: int) -> str:
    """What the names of a kernel's functions begin with."""
    return f"kernel_{number}"


def phase_name(name: str, phase: int) -> str:
    """The function of a phase of a kernel."""
    return f"{name}_{phase}"


def entry_name(name: str) -> str:
    """The function behind which the function of this name finds its pointers."""
    return f"{name}_entry"


def segment_name(number: int) -> str:
    """The function of a segment, `void f(table)`."""
    return f"segment_{number}"
