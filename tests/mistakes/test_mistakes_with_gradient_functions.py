"""Mistakes with functions that differentiate functions, and with ops of one's own: grad, gradcheck, Function."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "grad of a tensor instead of a function",
        """
        w = gg.tensor(3.0, requires_grad=True)
        loss = w * w
        gradient = gg.grad(loss, w)
        """,
        error=gg.ArgumentError,
        says=(
            "grad takes a function; got a tensor. The gradients of a loss that is computed already: "
            "loss.backward(), and then x.grad. (at train.py:3)"
        ),
        cure={"gradient = gg.grad(loss, w)": "loss.backward()\ngradient = w.grad"},
        then="assert gradient.item() == 6.0",
    ),
    Mistake(
        "grad with the values in the wrong parentheses",
        """
        gradient = gg.grad(lambda x: x * x, 3.0)
        """,
        error=gg.ArgumentError,
        says=(
            "argnums says by number, from 0, which arguments to differentiate for; got 3.0. The function "
            "that grad returns takes the values: gg.grad(f)(x). (at train.py:1)"
        ),
        cure={"x * x, 3.0)": "x * x)(3.0)"},
        then="assert gradient.item() == 6.0",
    ),
    Mistake(
        "grad of a function of many results",
        """
        gradient = gg.grad(lambda x: x * x)(gg.tensor([1.0, 2.0]))
        """,
        error=gg.GraphError,
        says=(
            "grad needs a function that returns a single number; <lambda> returned shape (2,). Sum or "
            "average it, or use gg.vjp for the gradient weighted by an upstream tensor. (at train.py:1)"
        ),
        cure={"x * x": "(x * x).sum()"},
        then="assert gradient.tolist() == [2.0, 4.0]",
    ),
    Mistake(
        "grad of a function without return",
        """
        def f(x):
            x * x

        gradient = gg.grad(f)(3.0)
        """,
        error=gg.ArgumentError,
        says=(
            "grad needs a function that returns a tensor; f returned NoneType. Is `return` missing? (at "
            "train.py:4)"
        ),
        cure={"    x * x": "    return x * x"},
    ),
    Mistake(
        "grad of a function that leaves the graph",
        """
        def f(x):
            return x.item() ** 2

        gradient = gg.grad(f)(3.0)
        """,
        error=gg.ArgumentError,
        says=(
            "grad needs a function that returns a tensor; f returned float. Compute with tensors, without "
            ".item() and .numpy(). (at train.py:4)"
        ),
        cure={"x.item()": "x"},
    ),
    Mistake(
        "grad at an integer",
        """
        gradient = gg.grad(lambda x: x * x)(3)
        """,
        error=gg.DTypeError,
        says=(
            "only floating-point tensors can require a gradient; got dtype int64. Write 1.0 instead of 1, or "
            "pass dtype=gg.float32. (at train.py:1)"
        ),
        cure={"(3)": "(3.0)"},
    ),
    Mistake(
        "an argument number that there is not",
        """
        gradient = gg.grad(lambda x, y: x * y, argnums=2)(1.0, 2.0)
        """,
        error=gg.ArgumentError,
        says="grad got argnums=2, but the function was called with 2 arguments, counted from 0 (at train.py:1)",
        cure={"argnums=2": "argnums=1"},
    ),
    Mistake(
        "the wrong sign in a backward",
        """
        class Square(gg.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, upstream):
                (x,) = ctx.saved_tensors
                return -2 * x * upstream

        gg.gradcheck(Square.apply, gg.tensor(3.0))
        """,
        error=gg.GradientMismatch,
        says=(
            "derivative 1 with respect to argument 0, index (): automatic -6 (reverse mode), numerical 6, relative error "
            "2.0e+00 > 1e-06. The sign is wrong: look at the backward of your Function. (at train.py:12)"
        ),
        cure={"-2 * x": "2 * x"},
    ),
    Mistake(
        "a wrong factor in a backward",
        """
        class Cube(gg.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x * x

            @staticmethod
            def backward(ctx, upstream):
                (x,) = ctx.saved_tensors
                return 2 * x * x * upstream

        gg.gradcheck(Cube.apply, gg.tensor(2.0))
        """,
        error=gg.GradientMismatch,
        says=(
            "derivative 1 with respect to argument 0, index (): automatic 8 (reverse mode), numerical 12, relative error "
            "3.3e-01 > 1e-06. Look at the backward of your Function. (at train.py:12)"
        ),
        cure={"2 * x": "3 * x"},
    ),
    Mistake(
        "gradcheck of a function that leaves the graph",
        """
        def f(x):
            return gg.asarray(np.exp(x.numpy()))

        gg.gradcheck(f, gg.tensor(0.0))
        """,
        error=gg.GradientMismatch,
        says=(
            "derivative 1 with respect to argument 0, index (): automatic 0 (reverse mode), numerical 1, relative error "
            "1.0e+00 > 1e-06. No gradient arrived: does the value leave the graph, through .numpy() or "
            ".item()? (at train.py:4)"
        ),
        cure={"gg.asarray(np.exp(x.numpy()))": "gg.exp(x)"},
    ),
    Mistake(
        "gradcheck with dropout",
        """
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5))
        gg.gradcheck(lambda x: model(x), gg.tensor([[1.0, 2.0]]))
        """,
        error=gg.ArgumentError,
        says=(
            "gradcheck needs a function that gives the same result every time; it gave -11.2899274 and then "
            "-6.06842735. Is Dropout in training mode? Call model.eval(), or draw random numbers outside. "
            "(at train.py:2)"
        ),
        cure={"nn.Dropout(0.5))": "nn.Dropout(0.5)).eval()"},
    ),
    Mistake(
        "gradcheck at integers",
        """
        gg.gradcheck(lambda x: x * x, gg.tensor([1, 2]))
        """,
        error=gg.ArgumentError,
        says=(
            "gradcheck needs at least one floating-point input; got none. Write 1.0 instead of 1. (at "
            "train.py:1)"
        ),
        cure={"[1, 2]": "[1.0, 2.0]"},
    ),
    Mistake(
        "one gradient for two arguments",
        """
        class Product(gg.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x, y)
                return x * y

            @staticmethod
            def backward(ctx, upstream):
                x, y = ctx.saved_tensors
                return upstream * y

        a = gg.tensor(2.0, requires_grad=True)
        Product.apply(a, gg.tensor(5.0)).backward()
        """,
        error=gg.ArgumentError,
        says=(
            "Product.backward must return one gradient (or None) for each of the 2 arguments of forward; it "
            "returned 1 (at train.py:13)"
        ),
        cure={"return upstream * y": "return upstream * y, upstream * x"},
        then="assert a.grad.item() == 5.0",
    ),
    Mistake(
        "a gradient of another shape than the argument",
        """
        class Total(gg.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x.sum()

            @staticmethod
            def backward(ctx, upstream):
                (x,) = ctx.saved_tensors
                return upstream

        a = gg.tensor([2.0, 3.0], requires_grad=True)
        Total.apply(a).backward()
        """,
        error=gg.ShapeError,
        says=(
            "Total.backward must return a gradient of shape (2,) for argument 0, the shape of the argument; "
            "it returned shape (). gg.broadcast_to repeats, gg.sum adds up. (at train.py:13)"
        ),
        cure={"return upstream": "return gg.broadcast_to(upstream, x.shape)"},
        then="assert a.grad.tolist() == [1.0, 1.0]",
    ),
    Mistake(
        "a backward without return",
        """
        class Double(gg.Function):
            @staticmethod
            def forward(ctx, x):
                return 2 * x

            @staticmethod
            def backward(ctx, upstream):
                2 * upstream

        a = gg.tensor(3.0, requires_grad=True)
        Double.apply(a).backward()
        """,
        error=gg.ArgumentError,
        says=(
            "Double.backward returned no gradient for any tensor: is `return` missing? gg.stop_gradient is "
            "the op that lets no gradient pass. (at train.py:11)"
        ),
        cure={"    2 * upstream": "    return 2 * upstream"},
        then="assert a.grad.item() == 2.0",
    ),
    Mistake(
        "nothing saved for backward",
        """
        class Square(gg.Function):
            @staticmethod
            def forward(ctx, x):
                return x * x

            @staticmethod
            def backward(ctx, upstream):
                (x,) = ctx.saved_tensors
                return 2 * x * upstream

        a = gg.tensor(3.0, requires_grad=True)
        Square.apply(a).backward()
        """,
        error=gg.GraphError,
        says=(
            "backward reads ctx.saved_tensors, but forward saved none: call ctx.save_for_backward(x) in "
            "forward (at train.py:8)"
        ),
        cure={"return x * x": "ctx.save_for_backward(x)\n        return x * x"},
        then="assert a.grad.item() == 6.0",
    ),
    Mistake(
        "a Function that is called instead of applied",
        """
        class Double(gg.Function):
            @staticmethod
            def forward(ctx, x):
                return 2 * x

        y = Double(gg.tensor(3.0))
        """,
        error=gg.ArgumentError,
        says="Double is applied, not made or called: write Double.apply(x) (at train.py:6)",
        cure={"y = Double(": "y = Double.apply("},
    ),
    Mistake(
        "a Function with methods of an object",
        """
        class Double(gg.Function):
            def forward(self, x):
                return 2 * x

        y = Double.apply(gg.tensor(3.0))
        """,
        error=gg.ArgumentError,
        says=(
            "Double.forward must be a static method, without self: write @staticmethod above it (at "
            "train.py:1)"
        ),
        cure={"    def forward(self, x)": "    @staticmethod\n    def forward(ctx, x)"},
    ),
    Mistake(
        "a Function that computes with NumPy",
        """
        class Double(gg.Function):
            @staticmethod
            def forward(ctx, x):
                result = 2 * x.numpy()
                return result

        y = Double.apply(gg.tensor([3.0]))
        """,
        error=gg.ArgumentError,
        says=(
            "Double.forward must return a tensor; it returned ndarray. gg.asarray(result) makes one. (at "
            "train.py:7)"
        ),
        cure={"return result": "return gg.asarray(result)"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_gradient_functions(mistake: Mistake) -> None:
    mistake.check()
