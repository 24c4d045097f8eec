"""Runs variants.onnx of a folder on its rows, in batches of several sizes; writes logit.bin."""

import pathlib
import sys

import numpy
import onnxruntime

folder = pathlib.Path(sys.argv[1])
rows, tokens, elements = map(int, sys.argv[2:])
inputs = {
    name: numpy.fromfile(folder / f"{name}.bin", dtype="<i8").reshape(rows, tokens)
    for name in ["reference", "alternate"]
}
if elements:
    values = numpy.fromfile(folder / "annotation.bin", dtype="<f4")
    inputs["annotation"] = values.reshape(rows, elements)
session = onnxruntime.InferenceSession(
    str(folder / "variants.onnx"), providers=["CPUExecutionProvider"]
)
cuts = [0, 1, 8, rows // 2, rows]
batches = [
    session.run(["logit"], {name: values[start:end] for name, values in inputs.items()})[0]
    for start, end in zip(cuts, cuts[1:])
]
logits = numpy.concatenate(batches)
assert logits.shape == (rows, 1), logits.shape
logits.astype("<f4").tofile(folder / "logit.bin")
