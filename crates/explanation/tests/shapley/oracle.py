"""Models of scikit-learn, XGBoost and LightGBM as ONNX, their Shapley values by shap, and their
predictions by ONNX Runtime. Writes one folder per model into the folder given."""

import json
import os
import sys
import warnings

import lightgbm
import numpy as np
import onnxmltools
import onnxruntime
import shap
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx

warnings.filterwarnings("ignore")
folder = sys.argv[1]
rng = np.random.default_rng(20)
COLUMNS = 9

rows = rng.normal(size=(600, COLUMNS)).astype(np.float32)
rows[:, 3] = rng.integers(0, 3, 600)  # genotypes
rows[:, 4] = rng.integers(0, 2, 600)
score = rows[:, 0] + rows[:, 1] * rows[:, 2] + 0.7 * rows[:, 3] * rows[:, 4] + 0.3 * rng.normal(size=600)
binary = (score > np.median(score)).astype(int)
classes = np.digitize(score, np.quantile(score, [0.4, 0.8]))
missing = rows.copy()
missing[rng.random(rows.shape) < 0.15] = np.nan
BACKGROUND, PATIENTS = slice(0, 80), slice(200, 240)


def write(name, kind, model, data, output, values, base):
    path = os.path.join(folder, name)
    os.makedirs(path)
    with open(os.path.join(path, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feed = session.get_inputs()[0].name
    predicted = session.run([output], {feed: data[PATIENTS]})[0]
    # By output, patient and column.
    values = np.asarray(values, dtype=float)
    values = values[None] if values.ndim == 2 else np.moveaxis(values, 2, 0)
    lists = lambda array: [[None if np.isnan(v) else float(v) for v in row] for row in array]
    case = {
        "kind": kind,
        "output": output,
        "background": lists(data[BACKGROUND]),
        "patients": lists(data[PATIENTS]),
        "values": [lists(block) for block in values],
        "base": [float(v) for v in np.atleast_1d(base)],
        "predicted": lists(np.asarray(predicted, dtype=float).reshape(len(data[PATIENTS]), -1)),
    }
    with open(os.path.join(path, "case.json"), "w") as file:
        json.dump(case, file)


def trees(name, model, target, data=rows, converter=None, **options):
    model.fit(data, target)
    explainer = shap.TreeExplainer(
        model, data=data[BACKGROUND], feature_perturbation="interventional", model_output="raw"
    )
    values = explainer.shap_values(data[PATIENTS], check_additivity=False)
    if converter is None:
        graph = to_onnx(model, data[:1], options=options or None)
    else:
        graph = converter(model, initial_types=[("X", FloatTensorType([None, COLUMNS]))], **options)
    outputs = [value.name for value in graph.graph.output]
    write(name, "trees", graph, data, outputs[-1], values, explainer.expected_value)


def linear(name, model, target, scaled=False, **options):
    fitted = (make_pipeline(StandardScaler(), model) if scaled else model).fit(rows, target)
    before = fitted[:-1].transform(rows) if scaled else rows
    masker = shap.maskers.Independent(before[BACKGROUND], max_samples=1000)
    explainer = shap.LinearExplainer(model, masker)
    values = explainer.shap_values(before[PATIENTS])
    graph = to_onnx(fitted, rows[:1], options=options or None)
    outputs = [value.name for value in graph.graph.output]
    write(name, "linear", graph, rows, outputs[-1], values, explainer.expected_value)


trees("boosted_binary", GradientBoostingClassifier(n_estimators=60, max_depth=4, random_state=1), binary, zipmap=False)
trees("boosted_number", GradientBoostingRegressor(n_estimators=60, max_depth=4, random_state=1), score)
trees("forest_binary", RandomForestClassifier(n_estimators=40, random_state=1), binary, zipmap=False)
trees("forest_classes", RandomForestClassifier(n_estimators=40, max_depth=8, random_state=1), classes, zipmap=False)
trees("forest_number", RandomForestRegressor(n_estimators=40, random_state=1), score)
trees("extra_number", ExtraTreesRegressor(n_estimators=40, max_depth=7, random_state=1), score)

for name, data in [("", rows), ("_missing", missing)]:
    options = {"n_estimators": 40, "max_depth": 4, "random_state": 1}
    convert = onnxmltools.convert_xgboost
    trees("xgboost_binary" + name, xgboost.XGBClassifier(**options), binary, data, convert)
    trees("xgboost_classes" + name, xgboost.XGBClassifier(**options), classes, data, convert)
    trees("xgboost_number" + name, xgboost.XGBRegressor(**options), score, data, convert)
    options["verbose"] = -1
    convert = onnxmltools.convert_lightgbm
    trees("lightgbm_binary" + name, lightgbm.LGBMClassifier(**options), binary, data, convert, zipmap=False)
    trees("lightgbm_classes" + name, lightgbm.LGBMClassifier(**options), classes, data, convert, zipmap=False)
    trees("lightgbm_number" + name, lightgbm.LGBMRegressor(**options), score, data, convert)

linear("linear_number", LinearRegression(), score)
linear("linear_scaled", Ridge(), score, scaled=True)
linear("logistic", LogisticRegression(), binary, zipmap=False)
linear("logistic_scaled", LogisticRegression(), binary, scaled=True, zipmap=False)
linear("logistic_classes", LogisticRegression(), classes, zipmap=False)
