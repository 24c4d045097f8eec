"""Fits models with scikit-learn and lifelines on clinical tables, for data_linear.rs.

Arguments: the folder of tables, the file to write. Features are standardised with the deviation of
n - 1, as lifelines does itself, so that its penalty is on the same scale.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
tables, output = Path(sys.argv[1]), Path(sys.argv[2])


def read(name, columns):
    # The first column is a row name.
    table = pd.read_csv(tables / f"survival__{name}.csv", index_col=0)
    return table[columns].dropna().reset_index(drop=True)


def features(table):
    table = pd.get_dummies(table, drop_first=True).astype(float)
    return (table - table.mean()) / table.std()


pbc = read("pbc", ["time", "status", "trt", "age", "sex", "ascites", "hepato", "spiders", "edema",
                   "bili", "chol", "albumin", "copper", "alk.phos", "ast", "trig", "platelet",
                   "protime", "stage"])
lung = read("cancer", ["time", "status", "age", "sex", "ph.ecog", "ph.karno", "pat.karno", "wt.loss"])
rotterdam = read("rotterdam", ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon", "chemo",
                               "rtime", "recur", "dtime", "death"])
data = {
    "pbc": (features(pbc.drop(columns=["time", "status"])), pbc["time"], pbc["status"] == 2),
    "lung": (features(lung.drop(columns=["time", "status"])), lung["time"], lung["status"] == 2),
    "rotterdam": (features(rotterdam.drop(columns=["rtime", "recur", "dtime", "death"])),
                  # Months, so that many die at the same time.
                  np.ceil(rotterdam["dtime"] / 30.4375), rotterdam["death"] == 1),
}
cases = []


def settings(strength, ratio, ties="efron"):
    return {"lambda": strength, "l1_ratio": ratio, "ties": ties}


def logistic(name, x, y, weights, strength, ratio, tolerance):
    n = len(x) if weights is None else weights.sum()
    c = np.inf if strength == 0 else 1 / (strength * n)
    if ratio == 0:
        # L-BFGS stops where the loss no longer changes, at half of the digits of a double.
        model = LogisticRegression(C=c, l1_ratio=0, solver="lbfgs", tol=1e-11, max_iter=100_000)
    else:
        model = LogisticRegression(C=c, l1_ratio=ratio, solver="saga", tol=1e-13, max_iter=1_000_000,
                                   random_state=1)
    model.fit(x, y, sample_weight=weights)
    case = {
        "name": name,
        "settings": settings(strength, ratio),
        "features": x.to_numpy().tolist(),
        "weights": None if weights is None else weights.tolist(),
        "coefficients": model.coef_.T.tolist(),
        "intercepts": model.intercept_.tolist(),
        "tolerance": tolerance,
    }
    if len(model.classes_) == 2:
        case["outcomes"] = [bool(value) for value in y]
        if strength == 0:
            p = model.predict_proba(x)[:, 1]
            design = np.column_stack([x, np.ones(len(x))])
            w = p * (1 - p) * (1 if weights is None else weights)
            information = design.T @ (design * w[:, None])
            case["errors"] = np.sqrt(np.diag(np.linalg.inv(information)))[:-1].tolist()
    else:
        case["labels"] = [int(value) for value in y]
    cases.append(case)


def cox(name, x, times, events, weights, entries, strength, ratio, tolerance):
    table = x.copy()
    table["times"], table["events"] = times, events
    if weights is not None:
        table["weights"] = weights
    if entries is not None:
        table["entries"] = entries
    model = CoxPHFitter(penalizer=strength, l1_ratio=ratio)
    model.fit(table, "times", "events",
              weights_col=None if weights is None else "weights",
              entry_col=None if entries is None else "entries",
              # Its smooth L1 sharpens with every step, so it must not stop early.
              fit_options={"step_size": 0.9, "precision": 1e-13, "r_precision": 1e-16, "max_steps": 500})
    # Between times that occur lifelines draws lines instead of steps.
    horizons = [float(t) for t in np.quantile(times, [0.0, 0.1, 0.4, 0.8, 1.0], method="nearest")]
    if entries is None:
        survival = model.predict_survival_function(x.head(20), times=horizons).to_numpy().T
    else:
        # The baseline of lifelines counts everybody as at risk from the beginning.
        hazards = np.exp(x.to_numpy() @ model.params_.to_numpy())
        cumulative = [sum(1 / hazards[(entries < t) & (times >= t)].sum()
                          for t in times[events & (times <= horizon)]) for horizon in horizons]
        survival = np.exp(-np.outer(hazards[:20], cumulative))
    cases.append({
        "name": name,
        "settings": settings(strength, ratio),
        "features": x.to_numpy().tolist(),
        "weights": None if weights is None else weights.tolist(),
        "times": times.astype(float).tolist(),
        "events": events.tolist(),
        "entries": None if entries is None else entries.tolist(),
        "coefficients": [[value] for value in model.params_],
        "errors": model.standard_errors_.tolist() if strength == 0 else None,
        # With a penalty that of lifelines has the penalty in it.
        "log_likelihood": model.log_likelihood_ if strength == 0 else None,
        "horizons": horizons,
        "survival": survival.tolist(),
        "tolerance": tolerance,
    })


random = np.random.default_rng(7)
for table, (x, times, events) in data.items():
    weights = random.integers(1, 4, len(x)).astype(float)
    uneven = random.uniform(0.2, 3.0, len(x))
    entries = np.floor(times * random.uniform(0, 0.9, len(x)))
    logistic(f"{table}: binary", x, events, None, 0, 0, 1e-6)
    logistic(f"{table}: binary, weights", x, events, uneven, 0, 0, 5e-6)
    logistic(f"{table}: binary, ridge", x, events, None, 0.05, 0, 1e-6)
    logistic(f"{table}: binary, ridge, weights", x, events, uneven, 0.01, 0, 1e-6)
    logistic(f"{table}: binary, elastic net", x, events, uneven, 0.02, 0.5, 1e-6)
    logistic(f"{table}: binary, lasso", x, events, None, 0.03, 1, 1e-6)
    cox(f"{table}: cox", x, times, events, None, None, 0, 0, 1e-7)
    cox(f"{table}: cox, weights", x, times, events, weights, None, 0, 0, 1e-7)
    cox(f"{table}: cox, delayed entry", x, times, events, None, entries, 0, 0, 1e-7)
    cox(f"{table}: cox, ridge", x, times, events, None, None, 0.1, 0, 1e-7)
    cox(f"{table}: cox, elastic net", x, times, events, None, None, 0.05, 0.5, 1e-5)
    cox(f"{table}: cox, lasso", x, times, events, None, None, 0.03, 1, 1e-5)

stage = data["pbc"][0].drop(columns=["stage"])
labels = pbc["stage"].astype(int) - 1
uneven = random.uniform(0.2, 3.0, len(stage))
logistic("pbc: stage, ridge", stage, labels, None, 0.02, 0, 1e-6)
logistic("pbc: stage, ridge, weights", stage, labels, uneven, 0.05, 0, 1e-6)
logistic("pbc: stage, elastic net", stage, labels, uneven, 0.03, 0.5, 1e-6)
grade = data["rotterdam"][0]
classes = pd.cut(rotterdam["dtime"], [-1, 1000, 2500, 1e9], labels=False)
logistic("rotterdam: three classes", grade, classes, None, 0, 0, 1e-6)
logistic("rotterdam: three classes, elastic net", grade, classes, None, 0.01, 0.3, 1e-6)

output.write_text(json.dumps(cases))
