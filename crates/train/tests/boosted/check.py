"""Checks model.onnx of every folder below sys.argv[1]: well-formed, and the outputs of ONNX Runtime
equal expected.csv. Prints, for each, the largest differences of raw outputs and of probabilities.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    path = str(folder / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    sets = {opset.domain: opset.version for opset in onnx.load(path).opset_import}
    assert sets == {"": 17, "ai.onnx.ml": 3}, sets
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    features = np.genfromtxt(folder / "features.csv", delimiter=",", dtype=np.float32, ndmin=2)
    expected = np.genfromtxt(folder / "expected.csv", delimiter=",", ndmin=2)
    names = [output.name for output in session.get_outputs()]
    results = dict(zip(names, session.run(None, {"features": features})))
    raw = np.abs(results["raw"] - expected).max()
    probability = 0.0
    if "probability" in results:
        if expected.shape[1] == 1:
            theirs = 1 / (1 + np.exp(-expected))
        else:
            theirs = np.exp(expected - expected.max(axis=1, keepdims=True))
            theirs /= theirs.sum(axis=1, keepdims=True)
        probability = np.abs(results["probability"] - theirs).max()
    # One row at a time, as runtimes take another way through the trees for it.
    single = np.vstack([session.run(["raw"], {"features": row[None]})[0] for row in features[:50]])
    raw = max(raw, np.abs(single - expected[:50]).max())
    print(folder.name, np.isnan(features).mean(), raw, probability)
