"""Trains the network in 64-bit floats from first parameters, a step for each epoch.

Reads the rows of a folder and parameters.json, which has the first parameters as in the graph; prints
the loss before each step, the last logits and the last parameters.
"""

import json
import pathlib
import sys

import numpy

folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
parameters = {
    name: numpy.array(values, dtype=float).reshape(shape)
    for name, (shape, values) in json.loads((folder / "parameters.json").read_text()).items()
}
windows = [
    numpy.fromfile(folder / f"{name}.bin", dtype="<i8").reshape(task["rows"], task["tokens"])
    for name in ["alternate", "reference"]
]
annotation = numpy.fromfile(folder / "annotation.bin", dtype="<f4").astype(float)
annotation = annotation.reshape(task["rows"], task["elements"])
labels = numpy.array(task["labels"], dtype=float)
weights = numpy.array(task["weights"]) / numpy.mean(task["weights"])
convolutions, layers = task["convolutions"], task["layers"]


def unfold(values, kernel):
    """Of (rows, channels, positions) what a filter reads: (rows, channels, positions, kernel)."""
    padded = numpy.pad(values, [(0, 0), (0, 0), (kernel // 2, kernel // 2)])
    return numpy.lib.stride_tricks.sliding_window_view(padded, kernel, axis=2)


def encode(tokens):
    """Values of each step, and the pooled ones."""
    steps = [parameters["encoder.embedding"][tokens].transpose(0, 2, 1)]
    for number in range(convolutions):
        filters = parameters[f"encoder.convolution{number}.weights"]
        bias = parameters[f"encoder.convolution{number}.bias"]
        read = unfold(steps[-1], filters.shape[2])
        sums = numpy.einsum("rcpk,fck->rfp", read, filters) + bias[:, None]
        steps.append(numpy.maximum(sums, 0))
    return steps, numpy.concatenate([steps[-1].max(axis=2), steps[-1].mean(axis=2)], axis=1)


def encode_back(tokens, steps, slope, gradient):
    """Adds to the gradient what comes through one window."""
    largest, mean = numpy.split(slope, 2, axis=1)
    last = steps[-1]
    below = numpy.repeat(mean[:, :, None] / last.shape[2], last.shape[2], axis=2)
    first = last.argmax(axis=2)[:, :, None]
    at = numpy.take_along_axis(below, first, axis=2) + largest[:, :, None]
    numpy.put_along_axis(below, first, at, axis=2)
    for number in reversed(range(convolutions)):
        name = f"encoder.convolution{number}"
        filters = parameters[f"{name}.weights"]
        slope = below * (steps[number + 1] > 0)
        read = unfold(steps[number], filters.shape[2])
        gradient[f"{name}.weights"] += numpy.einsum("rcpk,rfp->fck", read, slope)
        gradient[f"{name}.bias"] += slope.sum(axis=(0, 2))
        turned = unfold(slope, filters.shape[2])[:, :, :, ::-1]
        below = numpy.einsum("rfpk,fck->rcp", turned, filters)
    numpy.add.at(gradient["encoder.embedding"], tokens, below.transpose(0, 2, 1))


# What the change of each pooled value is multiplied by.
filters = len(parameters["encoder.convolution0.bias"])
scale = numpy.concatenate([numpy.ones(filters), numpy.full(filters, windows[0].shape[1] ** 0.5)])


def forward():
    """Values of both encoders and of each dense layer."""
    encoded = [encode(tokens) for tokens in windows]
    (_, alternate), (_, reference) = encoded
    change = (alternate - reference) * scale
    values = [numpy.concatenate([change, reference, annotation], axis=1)]
    for number in range(layers):
        name = f"logit.layer{number}"
        sums = values[-1] @ parameters[f"{name}.weights"].T + parameters[f"{name}.bias"]
        values.append(sums if number + 1 == layers else numpy.maximum(sums, 0))
    return encoded, values


def backward(encoded, values):
    """Gradient of the loss."""
    gradient = {name: numpy.zeros_like(value) for name, value in parameters.items()}
    probability = 1 / (1 + numpy.exp(-values[-1][:, 0]))
    slope = (weights * (probability - labels) / len(labels))[:, None]
    for number in reversed(range(layers)):
        name = f"logit.layer{number}"
        gradient[f"{name}.weights"] = slope.T @ values[number]
        gradient[f"{name}.bias"] = slope.sum(axis=0)
        slope = slope @ parameters[f"{name}.weights"]
        if number > 0:
            slope = slope * (values[number] > 0)
    pooled = encoded[0][1].shape[1]
    change, reference = slope[:, :pooled] * scale, slope[:, pooled : 2 * pooled]
    encode_back(windows[0], encoded[0][0], change, gradient)
    encode_back(windows[1], encoded[1][0], reference - change, gradient)
    return gradient


losses = []
first = {name: numpy.zeros_like(value) for name, value in parameters.items()}
second = {name: numpy.zeros_like(value) for name, value in parameters.items()}
for step in range(1, task["steps"] + 1):
    encoded, values = forward()
    logits = values[-1][:, 0]
    own = numpy.logaddexp(0, logits) - labels * logits
    losses.append(float((weights * own).mean()))
    for name, slope in backward(encoded, values).items():
        slope = slope + task["l2"] * parameters[name]
        first[name] = 0.9 * first[name] + 0.1 * slope
        second[name] = 0.999 * second[name] + 0.001 * slope**2
        mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
        parameters[name] = parameters[name] - task["learning_rate"] * mean / (
            numpy.sqrt(square) + 1e-8
        )
json.dump(
    {
        "losses": losses,
        "logits": forward()[1][-1][:, 0].tolist(),
        "parameters": {name: value.ravel().tolist() for name, value in parameters.items()},
    },
    sys.stdout,
)
