"""The network that the command line trains: linear layers with ReLU and dropout between them."""

from __future__ import annotations

from itertools import pairwise

from ..nn import Dropout, Linear, Module, ReLU, Sequential
from .config import NetworkConfig


def build_network(config: NetworkConfig) -> Sequential:
    """Return the network with new random parameters; its outputs are logits, or one standardised number.

    >>> build_network(NetworkConfig(inputs=4, hidden=[8], outputs=3, dropout=0.5)).num_parameters()
    67
    """
    widths = [config.inputs, *config.hidden]
    layers: list[Module] = []
    for before, after in pairwise(widths):
        layers += [Linear(before, after), ReLU()]
        if config.dropout > 0:
            layers.append(Dropout(config.dropout))
    return Sequential(*layers, Linear(widths[-1], config.outputs))
