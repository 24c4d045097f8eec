"""Writes five stratified folds of clinical tables, with the probabilities of scikit-learn.

Folders TABLE.FOLD hold train.csv and test.csv without header: features, outcome, and the probability of
HistGradientBoostingClassifier and GradientBoostingClassifier (the second on medians for what is missing).
"""

import pathlib
import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

TABLES, OUT = map(pathlib.Path, sys.argv[1:])
SPECIFICATIONS = {
    # A table: its outcome, the value that counts, and columns that are no features.
    "MASS__biopsy.csv": ("class", "malignant", ["ID"]),
    "MASS__Pima.tr2.csv": ("type", "Yes", []),
    "MLDataR__heartdisease.csv": ("HeartDisease", 1, []),
    # Death within about twenty years of follow-up; the time itself is no feature.
    "survival__nafld1.csv.gz": ("status", 1, ["id", "case.id", "futime"]),
}
# Rounds and rate as in the settings of the other side.
SHARED = {"learning_rate": 0.05, "random_state": 0}

for name, (outcome, case, ignored) in SPECIFICATIONS.items():
    table = pd.read_csv(TABLES / name, index_col=0)
    y = (table[outcome] == case).to_numpy().astype(int)
    x = table.drop(columns=[outcome, *ignored])
    for column in x.columns:
        if not pd.api.types.is_numeric_dtype(x[column]):
            x[column] = pd.factorize(x[column], sort=True)[0]
    x = x.to_numpy(dtype=np.float32)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for fold, (train, test) in enumerate(folds.split(x, y)):
        histogram = HistGradientBoostingClassifier(max_iter=100, **SHARED)
        exact = make_pipeline(
            SimpleImputer(strategy="median"), GradientBoostingClassifier(n_estimators=100, **SHARED)
        )
        theirs = [model.fit(x[train], y[train]).predict_proba(x[test])[:, 1] for model in (histogram, exact)]
        folder = OUT / f"{name.split('.csv')[0]}.{fold}"
        folder.mkdir()
        filler = np.zeros((len(train), 2))
        for part, rows, columns in (("train", train, filler), ("test", test, np.column_stack(theirs))):
            block = np.column_stack([x[rows], y[rows], columns])
            np.savetxt(folder / f"{part}.csv", block, delimiter=",", fmt="%.9g")
