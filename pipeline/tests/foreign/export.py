"""Patient models of other tools as bundles, and what those tools themselves say of some patients.

    python export.py FOLDER     # the folder that holds this file, to make its files anew

Needs torch (1.13 or later), scikit-learn, skl2onnx, XGBoost, LightGBM, onnxmltools and onnx. Nothing
here is about a real person. The probabilities are those of the libraries themselves, in Python,
without ONNX; of patients with an empty cell with the value that the manifest imputes.
"""

import json
import pathlib
import sys

import lightgbm
import numpy as np
import onnx
import onnxmltools
import torch
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, PATIENTS = 2000, 48
# Taken where a cell is empty. Ages are whole and BMI has one decimal, which everybody reads as the same
# 32-bit number: no cell lies on a split of a tree for one side and beside it for the other.
IMPUTE = {"age": 55, "bmi": 27, "sex": "female"}


def draw(random, rows):
    """Whole ages, BMI with one decimal, and whether male."""
    age = random.integers(30, 85, rows).astype(float)
    bmi = np.round(random.normal(27, 4, rows), 1)
    return age, bmi, random.integers(0, 2, rows)


def matrix(age, bmi, male):
    """The four elements of `covariate`: age, BMI, female, male."""
    return np.column_stack([age, bmi, 1 - male, male]).astype(np.float32)


def manifest(name, tensor, columns, **output):
    return {
        "schema_version": 1,
        "name": name,
        "version": "1.0.0",
        "licence": "CC0-1.0",
        "intended_use": "test of a model of another tool",
        "training_data": f"{ROWS} made-up patients",
        "genome_build": "any",
        "kind": "patient",
        "inputs": [
            {"tensor": name, "encoder": "covariate", "params": {"columns": own}}
            for name, own in columns.items()
        ],
        "outputs": [{"tensor": tensor, "name": "risk", "meaning": "probability, from 0 to 1"} | output],
    }


def write(folder, model, manifest):
    folder.mkdir(parents=True, exist_ok=True)
    if model is not None:
        # Some converters draw a name, and the files would differ each time.
        model.graph.name = folder.name
        onnx.save(model, str(folder / "model.onnx"))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


AGE, BMI = ({"name": name, "impute": IMPUTE[name]} for name in ["age", "bmi"])
SEX = {"name": "sex", "categories": ["female", "male"], "impute": IMPUTE["sex"]}


def scikit_learn(folder, table, outcome):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, outcome)
    graph = to_onnx(model, table[:1], options={"zipmap": False})
    own = manifest("scikit-learn", "probabilities", {"X": [AGE, BMI, SEX]}, column=1)
    write(folder / "scikit-learn", graph, own)
    return lambda table: model.predict_proba(table)[:, 1]


def scikit_learn_zipmap(folder, table, outcome):
    """As `to_onnx` exports without options: a map from class to probability for each row."""
    model = LogisticRegression(C=0.1, max_iter=1000).fit(table, outcome)
    own = manifest("zipmap", "output_probability", {"X": [AGE, BMI, SEX]}, column=1)
    write(folder / "zipmap", to_onnx(model, table[:1]), own)
    return lambda table: model.predict_proba(table)[:, 1]


def xgboost_trees(folder, table, outcome):
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=3, learning_rate=0.3, n_jobs=1)
    model.fit(table, outcome)
    graph = onnxmltools.convert_xgboost(model, initial_types=[("input", FloatTensorType([None, 4]))])
    own = manifest("xgboost", "probabilities", {"input": [AGE, BMI, SEX]}, column=1)
    write(folder / "xgboost", graph, own)
    return lambda table: model.predict_proba(table)[:, 1]


def lightgbm_trees(folder, table, outcome):
    model = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=6, n_jobs=1, verbose=-1)
    model.fit(table, outcome)
    graph = onnxmltools.convert_lightgbm(
        model, initial_types=[("input", FloatTensorType([None, 4]))], zipmap=False
    )
    own = manifest("lightgbm", "probabilities", {"input": [AGE, BMI, SEX]}, column=1)
    write(folder / "lightgbm", graph, own)
    return lambda table: model.predict_proba(table)[:, 1]


def pytorch(folder, table, outcome):
    """Two inputs, standardised by the manifest, and a logit that the manifest makes a probability."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)
            )

        def forward(self, clinic, sex):
            return self.layers(torch.cat([clinic, sex], dim=1))

    mean, std = table[:, :2].mean(axis=0).round(2), table[:, :2].std(axis=0).round(2)

    def tensors(table):
        clinic = (table[:, :2] - mean) / std
        return torch.from_numpy(clinic), torch.from_numpy(table[:, 2:].copy())

    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = Network()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    target = torch.from_numpy(outcome.astype(np.float32))
    for _ in range(200):
        logit = model(*tensors(table)).squeeze(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    scaled = [
        column | {"mean": round(float(mean[at]), 2), "std": round(float(std[at]), 2)}
        for at, column in enumerate([AGE, BMI])
    ]
    own = manifest("pytorch", "logit", {"clinic": scaled, "sex": [SEX]}, activation="sigmoid")
    write(folder / "pytorch", None, own)
    torch.onnx.export(
        model, tensors(table[:2]), str(folder / "pytorch" / "model.onnx"), opset_version=15,
        input_names=["clinic", "sex"], output_names=["logit"],
        dynamic_axes={name: {0: "batch"} for name in ["clinic", "sex", "logit"]},
    )

    def predict(table):
        with torch.no_grad():
            return torch.sigmoid(model(*tensors(table)).squeeze(1).double()).numpy()

    return predict


def main(folder):
    random = np.random.default_rng(1)
    age, bmi, male = draw(random, ROWS)
    linear = 0.06 * (age - 55) + 0.1 * (bmi - 27) + 0.7 * male - 0.8
    outcome = (random.random(ROWS) < 1 / (1 + np.exp(-linear))).astype(int)
    table = matrix(age, bmi, male)
    makers = {
        "scikit-learn": scikit_learn, "zipmap": scikit_learn_zipmap, "xgboost": xgboost_trees,
        "lightgbm": lightgbm_trees, "pytorch": pytorch,
    }
    predictors = {name: make(folder, table, outcome) for name, make in makers.items()}

    age, bmi, male = draw(random, PATIENTS)
    cells = [
        [f"P{at + 1:03}", f"S{at + 1:03}", ["female", "male"][male[at]], f"{age[at]:.0f}", f"{bmi[at]:.1f}"]
        for at in range(PATIENTS)
    ]
    # Some empty cells, each column alone and two in one patient.
    for every, column in [(7, 3), (5, 4), (11, 2)]:
        for row in cells[::every]:
            row[column] = "" if column != 2 else "unknown"
    filled = [
        (
            float(row[3] or IMPUTE["age"]),
            float(row[4] or IMPUTE["bmi"]),
            int((IMPUTE["sex"] if row[2] == "unknown" else row[2]) == "male"),
        )
        for row in cells
    ]
    columns = [np.array(column) for column in zip(*filled)]
    given = matrix(*columns)
    lines = ["patient,sample,sex,age,bmi"] + [",".join(row) for row in cells]
    (folder / "samplesheet.csv").write_text("\n".join(lines) + "\n")
    expected = {name: predict(given) for name, predict in predictors.items()}
    lines = [",".join(["patient", *expected])]
    for at, row in enumerate(cells):
        lines.append(",".join([row[0], *(f"{own[at]:.9f}" for own in expected.values())]))
    (folder / "expected.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
