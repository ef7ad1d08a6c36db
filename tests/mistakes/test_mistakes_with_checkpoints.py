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
        says="?",
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
        says="?",
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
        says="?",
        cure={
            'model.load_state_dict("model.safetensors")':
            'arrays, metadata = gg.io.load_arrays("model.safetensors")\nmodel.load_state_dict(arrays)'
        },
    ),
    Mistake(
        "the model instead of its state",
        """
        model = nn.Linear(4, 8)
        gg.io.save_arrays("model.safetensors", model)
        """,
        error=gg.ArgumentError,
        says="?",
        cure={", model)": ", model.state_dict())"},
    ),
    Mistake(
        "parameters instead of arrays",
        """
        model = nn.Linear(4, 8)
        gg.io.save_arrays("model.safetensors", dict(model.named_parameters()))
        """,
        error=gg.ArgumentError,
        says="?",
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
        says="?",
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
        says="?",
        cure={'load_arrays("model.pt")': 'load_arrays("model.safetensors")'},
    ),
    Mistake(
        "a file of NumPy",
        """
        np.savez("model.npz", weight=np.ones((2, 2)))
        arrays, metadata = gg.io.load_arrays("model.npz")
        """,
        error=gg.CheckpointError,
        says="?",
        cure={
            'arrays, metadata = gg.io.load_arrays("model.npz")':
            'gg.io.save_arrays("model.safetensors", dict(np.load("model.npz", allow_pickle=False).items()))'
        },
    ),
    Mistake(
        "a file that is not there",
        """
        gg.io.save_arrays("model.safetensors", nn.Linear(4, 8).state_dict())
        arrays, metadata = gg.io.load_arrays("modle.safetensors")
        """,
        error=gg.CheckpointError,
        says="?",
        cure={"modle": "model"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_checkpoints(mistake: Mistake) -> None:
    mistake.check()
