"""Runs network.onnx of a folder on its features.bin; writes raw.bin and risk.bin."""

import pathlib
import sys

import numpy
import onnxruntime

folder = pathlib.Path(sys.argv[1])
features = numpy.fromfile(folder / "features.bin", dtype="<f4").reshape(-1, int(sys.argv[2]))
session = onnxruntime.InferenceSession(
    str(folder / "network.onnx"), providers=["CPUExecutionProvider"]
)
for name, values in zip(["raw", "risk"], session.run(["raw", "risk"], {"features": features})):
    numpy.ascontiguousarray(values, dtype="<f4").tofile(folder / f"{name}.bin")
