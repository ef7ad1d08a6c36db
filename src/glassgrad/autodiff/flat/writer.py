"""The writer of flat code: from a traced function and its gradients to lines with names."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from ...errors import GlassgradError, GraphError
from ...expr import Expr
from ...graph import INPUT, Leaf, Node, Op, ancestors, quiet
from ...ops.families import Elementwise
from ...ops.reduce import Sum, reduced_shape
from ...ops.shape import BroadcastTo, Identity, PermuteDims, Reshape
from ...tensor import Tensor, asarray, tree
from ...tensor.dtype import DEFAULT_FLOAT, promote
from ..trace import Spec, run_abstractly
from .formulas import count as instructions, needs_double, repeated, to_source
from .lines import WIDTH, Line, Namer, renamed, shortened
from .literals import call, dtype, literal, name, number, shortest
from .names import names_given_to_tensors
from .numpy_code import DependsOnValues, record_forward

LONGEST_FORMULA = 8
"""Instructions up to which a formula is written where it is used; a longer one becomes a function."""


class Writer:
    """Writes the source of one function."""

    def __init__(self, function: Callable[..., Any], examples: tuple[Any, ...], title: str) -> None:
        self.title = title
        leaves, values = _as_specs(examples)
        with names_given_to_tensors(getattr(function, "__code__", None)) as self.given:
            outputs, inputs = run_abstractly(function, tuple(leaves), "flat_code")
        if len(outputs) != 1 or outputs[0].dtype.kind != "f":
            got = " and ".join(f"{x.dtype}{list(x.shape)}" for x in outputs)
            raise GraphError(
                f"flat_code needs a function that returns one real float tensor; it returned {got}"
            )
        self.output = outputs[0].as_node()
        self.inputs = [x.as_node() for x in inputs]
        self.values: dict[Node, Any] = dict(zip(self.inputs, values, strict=True))
        self._add_parameters((function, *examples))
        self.serial = count()
        self.key: dict[Node, str] = {}
        self.owner: dict[str, Node] = {}
        self.lines: list[Line] = []
        self.unnamed: dict[str, Line] = {}
        self.namer = Namer()
        self.helpers: dict[tuple[Expr, bool], tuple[str, list[str]]] = {}
        self.constants: dict[Any, tuple[str, ast.expr]] = {}
        self.seed = Node(INPUT, (), self.output.shape, self.output.dtype, False, None)
        self.values[self.seed] = np.ones(self.output.shape, self.output.dtype)
        self.gradient = self._backward()

    # --- what is computed ---------------------------------------------------------------------------------------

    def _add_parameters(self, holders: tuple[Any, ...]) -> None:
        """Tensors with requires_grad=True that the function used beside its arguments become inputs."""
        named = {
            id(parameter.as_node()): path
            for holder in holders
            if tree.is_module(holder)
            for path, parameter in holder.named_parameters()
        }
        for node in ancestors([self.output], set(self.inputs)):
            if isinstance(node.op, Leaf) and node.requires_grad and node not in self.inputs:
                self.inputs.append(node)
                self.values[node] = node.value
                self.given[node] = named.get(id(node)) or node.name or "parameter"

    def _backward(self) -> dict[Node, Node]:
        """For each node behind the output the node of its gradient, each at a place of its own."""
        order = ancestors([self.output], set(self.inputs))
        parts: dict[Node, Tensor] = {self.output: Tensor(None, self.seed)}
        found: dict[Node, Node] = {}
        for node in reversed(order):
            if node not in parts or not node.requires_grad:
                continue
            if _does_nothing(node.op) and node not in self.given:
                (source,) = node.inputs
                parts[source] = parts[source] + parts[node] if source in parts else parts[node]
                continue
            part = parts[node].as_node()
            own = Node(_IDENTITY, (part,), node.shape, node.dtype, False, None)
            found[node] = part if part is self.seed else own
            if isinstance(node.op, Leaf) or node in self.inputs:
                continue
            if node.op.runs_user_code:
                raise _user_code(node)
            inputs = tuple(Tensor(source.value, source) for source in node.inputs)
            needed = tuple(source.requires_grad for source in node.inputs)
            g = Tensor(None, found[node])
            for source, more in zip(
                node.inputs, node.op.vjp(needed, g, Tensor(None, node), *inputs), strict=True
            ):
                if more is not None and source.requires_grad:
                    parts[source] = parts[source] + more if source in parts else more
        return found

    # --- lines --------------------------------------------------------------------------------------------------

    def source(self) -> str:
        """The whole text."""
        for node in self.inputs:
            self.key[node] = self._fresh()
        forward = ancestors([self.output], set(self.inputs))
        self._write_all(forward, "forward")
        self.key[self.seed] = self._fresh()
        if not self.output.shape:
            one = self.values[self.seed][()]
            code = number(1.0) if one.dtype == np.float64 else literal(one)
            self.lines.append(Line(self.key[self.seed], code, "backward", stays=True))
        wanted = [node for node in self.inputs if node.dtype.kind in "fc"]
        results = [self.gradient[node] for node in wanted if node in self.gradient]
        self._write_all(ancestors(results, {*forward, *self.inputs, self.seed}), "backward")
        outcome: list[ast.expr] = [name(self.key[self.output])]
        for node in wanted:
            found = self.gradient.get(node)
            zero = call("np.zeros_like", name(self.key[node]))
            outcome.append(zero if found is None else name(self.key[found]))
        return self._text(shortened(self.lines, outcome), outcome)

    def expected(self) -> tuple[list[Any], list[Any]]:
        """The arguments of the source for the examples, and what it must give: the value, then the gradients.

        None in the place of a gradient that is 0.
        """
        inputs = [*self.inputs, *([self.seed] if self.output.shape else [])]
        gradients = [self.gradient.get(node) for node in self.inputs if node.dtype.kind in "fc"]
        given = [self.values[node] for node in inputs]
        return given, [self.values[self.output], *(None if g is None else self.values[g] for g in gradients)]

    def _write_all(self, nodes: list[Node], section: str) -> None:
        """Lines for nodes in topological order, unless they have some."""
        for node in nodes:
            if node in self.key or isinstance(node.op, Leaf):
                self.values.setdefault(node, node.value)
                continue
            if node.op.runs_user_code:
                raise _user_code(node)
            self._compute(node)
            try:
                self._add(node, section, self._code(node, section))
            except DependsOnValues:
                raise _unwritable(node, "what its NumPy code does depends on values") from None
            except TypeError as problem:
                raise _unwritable(node, f"it needs more than flat_code knows ({problem})") from None

    def _code(self, node: Node, section: str) -> ast.expr:
        """What a node computes."""
        if node.op is _IDENTITY:
            return name(self.key[node.inputs[0]])
        return self._elementwise(node) if isinstance(node.op, Elementwise) else self._recorded(node, section)

    def _compute(self, node: Node) -> None:
        """The node's value for the examples: shapes, dtypes and layouts decide what NumPy code does."""
        try:
            arrays = [self.values[source] for source in node.inputs]
            self.values[node] = np.asarray(quiet.run(node.op.forward, *arrays))
        except GlassgradError as problem:
            raise GraphError(
                f"flat_code runs the function once on its examples, where {node.op.name} (at {node.place}) failed: "
                f"{problem.message} Pass examples on which it works instead of gg.Spec."
            ) from None

    def _add(self, node: Node, section: str, code: ast.expr) -> None:
        """A line for a node; if `code` is but a name that nobody gave, the line that it stands for."""
        has_name = node.op is _IDENTITY or node is self.output or node in self.given or node in self.gradient
        line = self.unnamed.get(code.id) if isinstance(code, ast.Name) else None
        if line is None or line.section != section or line.key is None:
            line = self._line(Line(self._fresh(), code, section))
        assert line.key is not None
        if has_name:
            line.stays = True
            del self.unnamed[line.key]
        self.key[node] = line.key
        self.owner[line.key] = node

    def _line(self, line: Line) -> Line:
        self.lines.append(line)
        if line.key is not None:
            self.unnamed[line.key] = line
        return line

    def _fresh(self) -> str:
        return f"_{next(self.serial)}"

    def _elementwise(self, node: Node) -> ast.expr:
        """An elementwise op as its formula, or as a call of a function that holds it."""
        op = node.op
        assert isinstance(op, Elementwise)
        joint = promote({source.dtype for source in node.inputs})
        if op.promotes_to_float and joint.kind not in "fc":
            joint = DEFAULT_FLOAT
        operands = {
            label: self._operand(source, joint)
            for label, source in zip(op.argument_names, node.inputs, strict=True)
        }
        whole = all(source.dtype.kind in "fc" for source in node.inputs)
        code: ast.expr
        if instructions(op.expression) <= LONGEST_FORMULA and not repeated(op.expression):
            code = to_source(op.expression, operands, whole)
        else:
            code = call(name(self._helper(op, whole)), *operands.values())
        if needs_double(op.expression) and joint != np.float64:
            return _cast(code, joint, has_axes=True)
        return code

    def _operand(self, source: Node, joint: Any) -> ast.expr:
        """An input of an elementwise op, in the common dtype; a captured number as a literal."""
        if isinstance(source.op, Leaf) and source not in self.key:
            value = np.asarray(source.value)
            if not value.ndim:
                kind = value.dtype if value.dtype.kind == "b" else joint
                found = shortest(np.asarray(value, kind)[()])
                exact = joint.kind == "f" and float(found).is_integer() and abs(found) < 1e6
                return number(int(found) if exact else found)
            return self._constant(value)
        code = name(self.key[source])
        if source.dtype == joint or source.dtype.kind == "b":
            return code
        return _cast(code, joint, bool(source.shape))

    def _recorded(self, node: Node, section: str) -> ast.expr:
        """Any other op, as what its `forward` does with NumPy."""
        op, sources = _simpler(node)
        operands = []
        for source in sources:
            if isinstance(source.op, Leaf) and source not in self.key:
                value = np.asarray(source.value)
                code = self._constant(value) if value.ndim else literal(value[()])
            else:
                code = name(self.key[source])
            operands.append((self.values[source], code))
        recording, result = record_forward(op, operands, self._fresh)
        for key, written, changes in recording.lines:
            self._line(Line(key, written, section, changes=changes))
        return result

    def _constant(self, value: Any) -> ast.expr:
        """A captured array, as a name at the top of the file."""
        content = (value.tobytes(), value.dtype, value.shape)
        if content not in self.constants:
            self.constants[content] = (self._fresh(), literal(value))
        return name(self.constants[content][0])

    def _helper(self, op: Elementwise, whole: bool) -> str:
        """The name of a function at the top of the file that computes a long formula."""
        if (op.expression, whole) not in self.helpers:
            title = self.namer.unique(op.name)
            names = Namer()
            operands = {label: name(names.unique(label)) for label in op.argument_names}
            shared = repeated(op.expression)
            body: list[str] = []

            def bind(part: Expr, code: ast.expr) -> ast.expr:
                if part not in shared and (part is op.expression or len(ast.unparse(code)) < WIDTH / 2):
                    return code
                key = names.counted("t")
                body.append(f"{key} = {ast.unparse(code)}")
                return name(key)

            result = to_source(op.expression, operands, whole, bind)
            head = f"def {title}({', '.join(ast.unparse(code) for code in operands.values())}):"
            body.append(f"return {ast.unparse(result)}")
            self.helpers[op.expression, whole] = (title, [head, *(f"    {line}" for line in body)])
        return self.helpers[op.expression, whole][0]

    # --- text ---------------------------------------------------------------------------------------------------

    def _text(self, lines: list[Line], outcome: list[ast.expr]) -> str:
        self._make_seed_an_array(lines)
        names = self._names(lines)
        arguments = [names[self.key[node]] for node in self.inputs]
        if self.output.shape:
            arguments.append(names[self.key[self.seed]])
        body = []
        section = ""
        for line in lines:
            if line.section != section:
                section = line.section
                body.append(f"# {section}")
            code = renamed(line.code, names)
            body.append(code if line.key is None else f"{names[line.key]} = {code}")
        value, *gradients = (renamed(code, names) for code in outcome)
        body.append(f"return {value}, ({', '.join(gradients)}{',' * (len(gradients) == 1)})")
        parts = [
            "\n".join(f"{names[key]} = {renamed(code, names)}" for key, code in self.constants.values()),
            *("\n".join(text) for _, text in self.helpers.values()),
            "\n    ".join([f"def {self.title}({', '.join(arguments)}):", *self._about(arguments), *body]),
        ]
        constants, *functions = parts
        text = "\n\n\n".join(functions)
        head = "import math\n\nimport numpy as np\n" if "math." in text else "import numpy as np\n"
        return f"{head}\n{constants}\n\n\n{text}" if constants else f"{head}\n\n{text}"

    def _make_seed_an_array(self, lines: list[Line]) -> None:
        """1.0 as a NumPy number if its methods are used or it is indexed."""
        used = (
            part.value
            for line in lines
            for part in ast.walk(line.code)
            if isinstance(part, ast.Attribute | ast.Subscript)
        )
        if any(isinstance(value, ast.Name) and value.id == self.key[self.seed] for value in used):
            for line in lines:
                if line.key == self.key[self.seed]:
                    line.code = literal(self.values[self.seed][()])

    def _about(self, arguments: list[str]) -> list[str]:
        """A docstring with the arguments' shapes and dtypes; none where all are double-precision numbers."""
        nodes = [*self.inputs, *([self.seed] if self.output.shape else [])]
        if all(not node.shape and node.dtype == np.float64 for node in nodes):
            return []
        kinds = [
            f"{label} {node.dtype}{list(node.shape)}" for label, node in zip(arguments, nodes, strict=True)
        ]
        return textwrap.wrap(f'"""{", ".join(kinds)}."""', WIDTH, break_on_hyphens=False)

    def _names(self, lines: list[Line]) -> dict[str, str]:
        """A name for every key: the user's, grad_ and the user's, or a letter and a number."""
        names: dict[str, str] = {}
        self.namer.taken.add(self.title)
        for node in self.inputs:
            names[self.key[node]] = self.namer.unique(node.name or self.given.get(node) or "x")
        for key, _ in self.constants.values():
            names[key] = self.namer.counted("C")
        nodes = {self.key[self.seed]: self.seed, **self.owner}
        of = {found: node for node, found in self.gradient.items()} | {self.seed: self.output}
        kept = [line.key for line in lines if line.key is not None]
        for key in [*kept, self.key[self.output]]:
            owner = nodes.get(key)
            if key in names or owner in of:
                continue
            if owner is None or (owner not in self.given and owner is not self.output):
                names[key] = self.namer.counted("t")
            else:
                names[key] = self.namer.unique(self.given.get(owner, "out"))
        for key in [self.key[self.seed], *kept]:
            owner = nodes.get(key)
            if owner in of and key not in names:
                names[key] = self.namer.unique(f"grad_{names[self.key[of[owner]]]}")
        return names


_IDENTITY = Identity()


def _does_nothing(op: Op) -> bool:
    return isinstance(op, Identity) or (isinstance(op, PermuteDims) and op.axes == tuple(range(len(op.axes))))


def _cast(code: ast.expr, to: Any, has_axes: bool) -> ast.expr:
    """An array in another dtype; a single number, which may be one of Python's, as a NumPy number."""
    return call(ast.Attribute(code, "astype", ast.Load()), dtype(to)) if has_axes else call(dtype(to), code)


def _simpler(node: Node) -> tuple[Op, tuple[Node, ...]]:
    """One op for two: broadcasting adds leading axes by itself, and a sum can keep the axes that a reshape restores."""
    if len(node.inputs) == 1 and isinstance(node.inputs[0].op, Reshape | Sum):
        (between,) = node.inputs
        (source,) = between.inputs
        if isinstance(node.op, BroadcastTo) and isinstance(between.op, Reshape):
            ones = len(between.shape) - len(source.shape)
            if ones >= 0 and between.shape == (1,) * ones + source.shape:
                return node.op, (source,)
        if isinstance(node.op, Reshape) and isinstance(between.op, Sum):
            kept = reduced_shape(source.shape, between.op.axes, keepdims=True)
            if node.shape == kept and not between.op.keepdims:
                return Sum(between.op.axes, True), (source,)
    return node.op, node.inputs


def _unwritable(node: Node, why: str) -> GraphError:
    return GraphError(
        f"flat_code cannot write {node.op.name} (at {node.place}) as straight-line code: {why}. Write the function "
        f"without it, or use gg.value_and_grad."
    )


def _user_code(node: Node) -> GraphError:
    return GraphError(
        f"flat_code cannot write {node.op.name} (at {node.place}): it runs Python code of yours, not NumPy's. "
        f"Write it with gg's functions, without gg.Function."
    )


def _as_specs(examples: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """The examples with their leaves as specs, and an array for each leaf."""
    random = np.random.default_rng(0)
    specs, values = [], []
    for example in examples:
        if tree.is_module(example):
            specs.append(example)
            continue
        leaves, rebuild = tree.flatten(example)
        found = []
        for leaf in leaves:
            if isinstance(leaf, Spec):
                drawn = (
                    random.uniform(0.25, 0.75, leaf.shape)
                    if leaf.dtype.kind in "fc"
                    else np.zeros(leaf.shape)
                )
                value = drawn.astype(leaf.dtype)
            else:
                value = np.asarray(asarray(leaf, np.float64 if isinstance(leaf, float) else None).value)
            values.append(value)
            found.append(Spec(value.shape, value.dtype))
        specs.append(rebuild(found))
    return specs, values
