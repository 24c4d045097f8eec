"""Models of scikit-learn, lifelines and XGBoost whose settings are chosen inside the training part."""

import warnings
from itertools import product

import lifelines
import numpy as np
import pandas as pd
import xgboost
from joblib import Parallel, delayed
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.neural_network import MLPClassifier

from clinical import predictors

# Share of the training rows that stops networks and trees early, here as in train.toml.
STOPPING_SHARE = 0.15
# Networks take larger batches from this number of rows on.
MANY_ROWS = 1000


class Encoding:
    """Median and flags for what is missing, one column for each category but the first, scaled; all of
    it learned from training rows. Trees get the missing cells as they are."""

    def __init__(self, rows, categorical):
        self.numbers = [
            name
            for name in rows
            if pd.api.types.is_numeric_dtype(rows[name])
            and rows[name].dtype != bool
            and name not in categorical
        ]
        self.levels = {
            name: sorted(rows[name].dropna().map(str).unique())
            for name in rows
            if name not in self.numbers
        }
        numbers = rows[self.numbers].astype(float)
        self.median = numbers.median()
        self.flagged = [name for name in rows if rows[name].isna().any()]
        raw = self.raw(rows)
        self.mean, deviation = raw.mean(axis=0), raw.std(axis=0)
        self.used = deviation > 0
        self.deviation = np.where(self.used, deviation, 1.0)

    def categories(self, rows, first):
        return [
            (rows[name].map(str) == level).to_numpy(float)
            for name, levels in self.levels.items()
            for level in levels[first:]
        ]

    def raw(self, rows):
        numbers = rows[self.numbers].astype(float).fillna(self.median)
        flags = [rows[name].isna().to_numpy(float) for name in self.flagged]
        columns = [numbers.to_numpy(), *self.categories(rows, 1), *flags]
        return np.column_stack(columns)

    def scaled(self, rows):
        return ((self.raw(rows) - self.mean) / self.deviation)[:, self.used]

    def for_trees(self, rows):
        numbers = rows[self.numbers].astype(float).to_numpy()
        return np.column_stack([numbers, *self.categories(rows, 0)])


def grid(**lists):
    return [dict(zip(lists, values)) for values in product(*lists.values())]


def logistic(settings, x, truth, seed):
    model = LogisticRegression(max_iter=5000, random_state=seed, **settings)
    model.fit(x, truth.event)
    return model.decision_function


def network(settings, x, truth, seed):
    model = MLPClassifier(
        learning_rate_init=0.003,
        batch_size=32 if len(x) < MANY_ROWS else 128,
        validation_fraction=STOPPING_SHARE,
        n_iter_no_change=20,
        random_state=seed,
        **settings,
    )
    model.fit(x, truth.event)
    return lambda x: model.predict_proba(x)[:, 1]


def boosted(settings, x, truth, seed):
    model = HistGradientBoostingClassifier(
        max_iter=500,
        early_stopping=True,
        validation_fraction=STOPPING_SHARE,
        n_iter_no_change=25,
        random_state=seed,
        **settings,
    )
    model.fit(x, truth.event)
    return model.decision_function


def boosted_exact(settings, x, truth, seed):
    model = GradientBoostingClassifier(
        n_estimators=500,
        subsample=0.8,
        max_features=0.8,
        validation_fraction=STOPPING_SHARE,
        n_iter_no_change=25,
        random_state=seed,
        **settings,
    )
    model.fit(x, truth.event)
    return model.decision_function


def cox(settings, x, truth, seed):
    del seed
    frame = pd.DataFrame(x).assign(time=truth.time, event=truth.event)
    model = lifelines.CoxPHFitter(**settings)
    model.fit(frame, "time", "event")
    weights = model.params_.to_numpy()
    return lambda x: x @ weights


def boosted_cox(settings, x, truth, seed):
    # XGBoost's labels are negative where the time is censored.
    label = np.where(truth.event, truth.time, -truth.time)
    fit, stop = train_test_split(
        np.arange(len(label)),
        test_size=STOPPING_SHARE,
        stratify=truth.event,
        random_state=seed,
    )
    matrices = [xgboost.DMatrix(x[own], label=label[own]) for own in (fit, stop)]
    model = xgboost.train(
        {
            "objective": "survival:cox",
            "eval_metric": "cox-nloglik",
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "min_child_weight": 2,
            "seed": seed,
            "nthread": 1,
            **settings,
        },
        matrices[0],
        num_boost_round=500,
        evals=[(matrices[1], "stop")],
        early_stopping_rounds=25,
        verbose_eval=False,
    )
    until = (0, model.best_iteration + 1)
    return lambda x: model.predict(
        xgboost.DMatrix(x), output_margin=True, iteration_range=until
    )


def peers(table, rows, is_quick):
    """Name, fit, whether it wants missing cells as they are, and settings to choose from."""
    if table.is_survival:
        regressions = grid(penalizer=[0.3, 0.1, 0.03, 0.01, 0.003, 0.001])
        # With an absolute part lifelines is an order of magnitude slower; with many rows and some
        # ten predictors a penalty hardly matters.
        if not is_quick and rows < 5 * MANY_ROWS:
            regressions += grid(penalizer=[0.1, 0.03, 0.01], l1_ratio=[0.5])
        depths = [1, 2] if is_quick else [1, 2, 3]
        rates = [0.1] if is_quick else [0.05]
        return [
            ("CoxPHFitter", cox, False, regressions),
            ("XGBoost", boosted_cox, True, grid(max_depth=depths, eta=rates)),
        ]
    strengths = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    lasso = [0.03, 0.1, 0.3, 1.0, 3.0]
    regressions = grid(C=strengths) + grid(
        C=lasso, l1_ratio=[1.0], solver=["liblinear"], intercept_scaling=[10.0]
    )
    # Early stopping goes by accuracy, which is coarse on few rows; a strong penalty is the other way.
    stopped = {"early_stopping": [True], "max_iter": [200]}
    whole = {"early_stopping": [False], "max_iter": [50]}
    if is_quick:
        networks = grid(hidden_layer_sizes=[(32, 16)], alpha=[0.03], **stopped)
        networks += grid(hidden_layer_sizes=[(32, 16)], alpha=[3.0], **whole)
        depths, rates = [1, 2], [0.1]
    else:
        layers = [(16,), (64, 32)]
        networks = grid(hidden_layer_sizes=layers, alpha=[0.03], **stopped)
        networks += grid(hidden_layer_sizes=layers, alpha=[3.0], **whole)
        depths, rates = [1, 2, 3], [0.05]
    trees = grid(max_depth=depths, learning_rate=rates)
    found = [
        ("LogisticRegression", logistic, False, regressions),
        ("MLPClassifier", network, False, networks),
    ]
    # The exact one, which can draw rows and columns, is for tables of some hundred rows; the one with
    # bins is for larger ones.
    if rows < 2000:
        return [*found, ("GradientBoosting", boosted_exact, False, trees)]
    return [*found, ("HistGradientBoosting", boosted, True, trees)]


def inner_splits(truth, groups, count, seed):
    if groups is None:
        cutter = StratifiedKFold(count, shuffle=True, random_state=seed)
    else:
        cutter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(cutter.split(np.zeros(len(truth.event)), truth.event, groups))


def peer_fold(table, rows, truth, groups, fold, seed, inner_folds, is_quick):
    """Risks of the rows of one outer fold by each peer."""
    warnings.filterwarnings("ignore")
    test = np.flatnonzero(fold)
    training = np.flatnonzero(~fold)
    own_rows, own_truth = rows.iloc[training], truth.of(training)
    own_groups = None if groups is None else groups[training]
    cuts = []
    for fit, left in inner_splits(own_truth, own_groups, inner_folds, seed):
        encoding = Encoding(own_rows.iloc[fit], table.categorical)
        both_ways = [
            (encode(own_rows.iloc[fit]), encode(own_rows.iloc[left]))
            for encode in (encoding.scaled, encoding.for_trees)
        ]
        cuts.append((fit, left, both_ways))
    encoding = Encoding(own_rows, table.categorical)
    risks = {}
    for name, fit_peer, wants_missing, candidates in peers(table, len(rows), is_quick):
        best = (-1.0, None)
        for settings in candidates:
            try:
                scores = []
                for fit, left, both_ways in cuts:
                    x, unseen = both_ways[wants_missing]
                    predict = fit_peer(settings, x, own_truth.of(fit), seed)
                    scores.append(own_truth.of(left).measure(predict(unseen)))
            except lifelines.exceptions.ConvergenceError:
                # Too weak a penalty for what is nearly separated; others are tried.
                continue
            best = max(best, (float(np.mean(scores)), settings), key=lambda own: own[0])
        encode = encoding.for_trees if wants_missing else encoding.scaled
        predict = fit_peer(best[1], encode(own_rows), own_truth, seed)
        risks[name] = (test, predict(encode(rows.iloc[test])))
    return risks


def peer_risks(table, rows, truth, groups, folds, seed, inner_folds, is_quick, threads):
    columns = rows[predictors(table, rows)]
    jobs = [
        delayed(peer_fold)(
            table, columns, truth, groups, folds == fold, seed, inner_folds, is_quick
        )
        for fold in np.unique(folds)
    ]
    risks = {}
    for own in Parallel(n_jobs=threads)(jobs):
        for name, (test, risk) in own.items():
            risks.setdefault(name, np.full(len(rows), np.nan))[test] = risk
    return risks
