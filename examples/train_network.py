"""A small network learns to read handwritten digits: layers, a loss, an optimizer, and gg.fit.

You learn the five parts of every training (data, model, loss, optimizer, epochs), and to look at what the model gets
wrong, because the accuracy alone hides it.

Run it: python train_network.py   (needs scikit-learn for the data: pip install 'glassgrad[data]')
"""

import argparse

import numpy as np

import glassgrad as gg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=10, help="passes over the data (default: %(default)s)")
epochs = parser.parse_args().epochs
if epochs < 1:
    parser.error("--epochs must be at least 1")

gg.random.seed(0)
train, test = gg.data.digits()
model = gg.nn.Sequential(gg.nn.Linear(64, 32), gg.nn.ReLU(), gg.nn.Linear(32, 10))
print(f"{model}\n")

history = gg.fit(
    model,
    gg.nn.CrossEntropyLoss(),
    gg.data.DataLoader(train, batch_size=32, shuffle=True),
    gg.optim.Adam(model.parameters(), lr=0.01),
    epochs=epochs,
    validation=gg.data.DataLoader(test, batch_size=len(test)),
    progress=False,
)
columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")
print("epoch" + "".join(f"{name:>22}" for name in columns))
for epoch in sorted({1, 2, 5, 10, epochs}):
    if epoch <= epochs:
        print(f"{epoch:>5}" + "".join(f"{history[name][epoch - 1]:>22.4f}" for name in columns))

images, labels = test.arrays
guesses = gg.argmax(model(images), axis=1).numpy()
wrong = np.flatnonzero(guesses != labels)
print(f"\n{len(labels) - len(wrong)} of {len(labels)} digits it has never seen are read correctly.")

INK = " .:-=+*#%@"
shown = wrong[:4]
print("Among the others:\n")
print("".join(f"a {labels[i]}, read as {guesses[i]}".ljust(20) for i in shown).rstrip())
for row in range(8):
    rows = ("".join(2 * INK[int(9 * grey)] for grey in images[i, 8 * row : 8 * row + 8]) for i in shown)
    print("".join(text.ljust(20) for text in rows).rstrip())
