"""Mistakes with functions that differentiate functions, and with ops of your own: gg.grad, gg.gradcheck, gg.Function."""

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
        says="?",
        cure={"gradient = gg.grad(loss, w)": "loss.backward()\ngradient = w.grad"},
        then="assert gradient.item() == 6.0",
    ),
    Mistake(
        "grad with the values in the wrong parentheses",
        """
        gradient = gg.grad(lambda x: x * x, 3.0)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"x * x, 3.0)": "x * x)(3.0)"},
        then="assert gradient.item() == 6.0",
    ),
    Mistake(
        "grad of a function of many results",
        """
        gradient = gg.grad(lambda x: x * x)(gg.tensor([1.0, 2.0]))
        """,
        error=gg.GraphError,
        says="?",
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
        says="?",
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
        says="?",
        cure={"x.item()": "x"},
    ),
    Mistake(
        "grad at an integer",
        """
        gradient = gg.grad(lambda x: x * x)(3)
        """,
        error=gg.DTypeError,
        says="?",
        cure={"(3)": "(3.0)"},
    ),
    Mistake(
        "an argument number that there is not",
        """
        gradient = gg.grad(lambda x, y: x * y, argnums=2)(1.0, 2.0)
        """,
        error=gg.ArgumentError,
        says="?",
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
        says="?",
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
        says="?",
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
        says="?",
        cure={"gg.asarray(np.exp(x.numpy()))": "gg.exp(x)"},
    ),
    Mistake(
        "gradcheck with dropout",
        """
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5))
        gg.gradcheck(lambda x: model(x), gg.tensor([[1.0, 2.0]]))
        """,
        error=gg.ArgumentError,
        says="?",
        cure={"nn.Dropout(0.5))": "nn.Dropout(0.5)).eval()"},
    ),
    Mistake(
        "gradcheck at integers",
        """
        gg.gradcheck(lambda x: x * x, gg.tensor([1, 2]))
        """,
        error=gg.ArgumentError,
        says="?",
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
        says="?",
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
        says="?",
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
        says="?",
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
        says="?",
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
        says="?",
        cure={"Double(gg": "Double.apply(gg"},
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
        says="?",
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
        says="?",
        cure={"return result": "return gg.asarray(result)"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_gradient_functions(mistake: Mistake) -> None:
    mistake.check()
