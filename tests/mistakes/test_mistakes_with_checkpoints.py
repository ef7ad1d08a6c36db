"""Mistakes with files of parameters: of another model, cut short, or of another program."""

import pytest
from mistake import Mistake

import glassgrad as gg

MISTAKES = [
    Mistake(
        "the state of another architecture",
        """
        saved = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).state_dict()
        model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
        model.load_state_dict(saved)
        """,
        error=gg.CheckpointError,
        says=(
            "the state does not fit Sequential, and nothing was changed. Make the model as it was when the "
            "state was taken:\n  "
            "missing: '1.weight' of shape (3, 8) (the other side has '2.weight')\n  "
            "missing: '1.bias' of shape (3,) (the other side has '2.bias')\n  "
            "unexpected: '2.weight' (the other side has '1.weight')\n  "
            "unexpected: '2.bias' (the other side has '1.bias')"
        ),
        cure={"8), nn.Linear(8, 3))\nmodel.load": "8), nn.ReLU(), nn.Linear(8, 3))\nmodel.load"},
    ),
    Mistake(
        "the state of another size",
        """
        saved = nn.Linear(4, 8).state_dict()
        model = nn.Linear(8, 4)
        model.load_state_dict(saved)
        """,
        error=gg.CheckpointError,
        says=(
            "the state does not fit Linear, and nothing was changed. Make the model as it was when the state "
            "was taken:\n  "
            "shape: 'weight' is (4, 8) here and (8, 4) in the state\n  "
            "shape: 'bias' is (4,) here and (8,) in the state"
        ),
        cure={"nn.Linear(8, 4)": "nn.Linear(4, 8)"},
    ),
    Mistake(
        "a path instead of a state",
        """
        model = nn.Linear(4, 8)
        gg.io.save_arrays("model.safetensors", model.state_dict())
        model.load_state_dict("model.safetensors")
        """,
        error=gg.ArgumentError,
        says=(
            "load_state_dict takes a dict of arrays by name; got str. arrays, metadata = "
            "gg.io.load_arrays(path) reads one from a file. (at train.py:3)"
        ),
        cure={'("model.safetensors")': '(gg.io.load_arrays("model.safetensors")[0])'},
    ),
    Mistake(
        "the model instead of its state",
        """
        model = nn.Linear(4, 8)
        gg.io.save_arrays("model.safetensors", model)
        """,
        error=gg.ArgumentError,
        says=(
            "save_arrays takes a path and a dict of arrays by name, such as model.state_dict(); got str and "
            "Linear."
        ),
        cure={", model)": ", model.state_dict())"},
    ),
    Mistake(
        "parameters instead of arrays",
        """
        model = nn.Linear(4, 8)
        gg.io.save_arrays("model.safetensors", dict(model.named_parameters()))
        """,
        error=gg.ArgumentError,
        says="'weight' is a Parameter; expected a NumPy array. Use .numpy(), or model.state_dict().",
        cure={"dict(model.named_parameters())": "model.state_dict()"},
    ),
    Mistake(
        "a file cut short",
        """
        gg.io.save_arrays("model.safetensors", nn.Linear(4, 8).state_dict())
        path = Path("model.safetensors")
        path.write_bytes(path.read_bytes()[:-20])
        arrays, metadata = gg.io.load_arrays(path)
        """,
        error=gg.CheckpointError,
        says=(
            "model.safetensors is truncated: expected 296 bytes, found 276. It was not written, copied or "
            "downloaded to its end: fetch it again, or use an earlier copy."
        ),
        cure={"[:-20]": ""},
    ),
    Mistake(
        "a file of PyTorch",
        """
        Path("model.pt").write_bytes(b"\\x80\\x02}q\\x00.")
        gg.io.save_arrays("model.safetensors", nn.Linear(4, 8).state_dict())
        arrays, metadata = gg.io.load_arrays("model.pt")
        """,
        error=gg.CheckpointError,
        says=(
            "model.pt is not a safetensors file: it looks like a Python pickle (as in older .pt, .pkl or "
            ".joblib files). glassgrad reads safetensors only, because opening a pickle can run code. Open "
            "it with the program that wrote it, if you trust where it comes from, and save its arrays there "
            "with safetensors."
        ),
        cure={'load_arrays("model.pt")': 'load_arrays("model.safetensors")'},
    ),
    Mistake(
        "a file of NumPy",
        """
        np.savez("model.npz", weight=np.ones((2, 2)))
        arrays, metadata = gg.io.load_arrays("model.npz")
        """,
        error=gg.CheckpointError,
        says=(
            "model.npz is not a safetensors file: it looks like a NumPy .npz archive. glassgrad reads "
            "safetensors only, because opening a pickle can run code. Read it with numpy.load(path, "
            "allow_pickle=False) and write its arrays with glassgrad.io.save_arrays."
        ),
        cure={"arrays, metadata = gg.io.load_arrays(": "arrays = np.load("},
        then="""
        gg.io.save_arrays("model.safetensors", dict(arrays))
        arrays.close()
        """,
    ),
    Mistake(
        "a file that is not there",
        """
        gg.io.save_arrays("model.safetensors", nn.Linear(4, 8).state_dict())
        arrays, metadata = gg.io.load_arrays("modle.safetensors")
        """,
        error=gg.CheckpointError,
        says="there is no file modle.safetensors. Check the path.",
        cure={"modle": "model"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_checkpoints(mistake: Mistake) -> None:
    mistake.check()
