"""Writes adam.json: three steps of PyTorch's Adam on small networks, for the test of the same name.

python adam.py > adam.json, with PyTorch 2.15.0 on a CPU.
"""

import json
import sys

import torch
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)
ROWS, FEATURES, HIDDEN = 12, 5, [4, 3]


def breslow(raw, times, events, weights):
    """Minus the weighted partial likelihood, each event's own risk set written out."""
    total = 0.0
    for i in range(len(times)):
        if events[i]:
            at_risk = times >= times[i]
            hazard = torch.log((weights[at_risk] * torch.exp(raw[at_risk, 0])).sum())
            total = total + weights[i] * (hazard - raw[i, 0])
    return total / weights[events].sum()


def case(name, outputs, weight_decay):
    layers, size = [], FEATURES
    for units in HIDDEN + [outputs]:
        # A log hazard has no level of its own, so its layer has no bias.
        has_bias = name != "cox" or units in HIDDEN
        layers.append(nn.Linear(size, units, bias=has_bias))
        size = units
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    features = torch.randn(ROWS, FEATURES)
    weights = torch.rand(ROWS) + 0.5
    weights = weights / weights.mean()
    labels = torch.arange(ROWS) % max(outputs, 2)
    times = torch.randint(1, 7, (ROWS,)).float()
    events = torch.arange(ROWS) % 3 != 0

    def loss():
        raw = model(features)
        if name == "cox":
            return breslow(raw, times, events, weights)
        if name == "binary":
            of_rows = nn.functional.binary_cross_entropy_with_logits(
                raw[:, 0], labels.float(), reduction="none"
            )
        else:
            of_rows = nn.functional.cross_entropy(raw, labels, reduction="none")
        return (weights * of_rows).mean()

    def state():
        return [
            {
                "weights": layer.weight.tolist(),
                "bias": [0.0] * layer.out_features if layer.bias is None else layer.bias.tolist(),
            }
            for layer in layers
        ]

    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=weight_decay)
    before, losses = state(), []
    for _ in range(3):
        optimiser.zero_grad()
        value = loss()
        losses.append(value.item())
        value.backward()
        optimiser.step()
    return {
        "name": name,
        "weight_decay": weight_decay,
        "features": features.tolist(),
        "weights": weights.tolist(),
        "labels": labels.tolist(),
        "times": times.tolist(),
        "events": events.tolist(),
        "before": before,
        "losses": losses,
        "after": state(),
    }


cases = [case("binary", 1, 0.0), case("classes", 3, 0.1), case("cox", 1, 0.0)]
json.dump(cases, sys.stdout, indent=None, separators=(",", ":"))
print()
