"""Models of `varisk train` and of Python libraries on real clinical tables, on the same folds.

    tables.py VARISK SHARED WORK [--all] [--only NAME,NAME] [--threads N]

For each table a cleaned CSV and a train.toml are written to WORK, each family is trained by a call of
its own, and its outer folds are read back from predictions.parquet. The peers are then fitted on those
very folds; their settings are chosen by inner cross-validation inside the training part, as ours are.
The best family is compared with the best peer by the mean over the outer folds of the AUROC, or of
Harrell's C-index, computed by one function for both. WORK/tables.json and WORK/tables.md say what came
out. Without --all only the quick tables are compared, with fewer settings.
"""

import os

# Small fits lose more by threads than they win; folds are what runs at the same time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pyarrow.parquet
import xgboost
from joblib import Parallel, delayed
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.neural_network import MLPClassifier

OUTER_FOLDS = 5
# A table of fewer rows is cut into folds several times: by chance alone, one cut moves a difference of
# two models by more than what is asked about.
FEW_ROWS = 1000
STOPPING_SHARE = 0.15


# ---------------------------------------------------------------------------------------------- tables


@dataclass
class Table:
    """Where a table is, and what of it is predicted from what."""

    name: str
    file: str
    # Binary: column and cells that mean that it happens. Survival: time, event, cells.
    outcome: tuple
    # Columns that are no predictors, each with the reason.
    dropped: dict = field(default_factory=dict)
    # Numbers that are codes of categories.
    categorical: tuple = ()
    # Column of what folds must not tear apart.
    group: str | None = None
    # From the raw rows to those that are learned from.
    clean: object = None
    # Whether it belongs to the quick ones.
    quick: bool = False

    @property
    def is_survival(self):
        return len(self.outcome) == 3


def without_zeros(*columns):
    """Zeros that stand for 'not measured': nobody alive has such a value."""

    def clean(rows):
        return rows.assign(**{name: rows[name].replace(0, np.nan) for name in columns})

    return clean


def distinct(rows):
    """Rows that repeat another in every cell, with no identifier to tell people apart, are copies; a
    copy of a training row in the test fold would be remembered, not predicted."""
    return rows.drop_duplicates()


def deaths_only(rows):
    """Each patient has two rows, for recurrence and for death; death is the outcome here."""
    return rows[rows["etype"] == 2]


def sex_by(**names):
    """Codes of sex in words, as a column named 'sex' must be."""
    codes = {int(code[1:]): name for name, code in names.items()}
    return lambda rows: rows.assign(sex=rows["sex"].map(codes))


def from_day_one(time):
    """Who is observed for 0 days has been there for less than one: half a day."""
    return lambda rows: rows.assign(**{time: rows[time].replace(0, 0.5)})


def both(first, second):
    return lambda rows: second(first(rows))


def all_convert(rows):
    """Everybody in the table became diabetic: there is no censoring."""
    return rows.assign(happened=1)


def unknown_cells(rows):
    """The text 'NA_NA' is a missing cell."""
    return rows.replace("NA_NA", np.nan)


IDENTIFIER = "an identifier"
AFTERWARDS = "known only afterwards"

TABLES = [
    Table(
        "heart_cleveland",
        "CardioDataSets__heartdisease_tbl_df.csv",
        ("HeartDisease", ["Yes"]),
        quick=True,
    ),
    Table(
        "heart_disease",
        "MLDataR__heartdisease.csv",
        ("HeartDisease", [1]),
        clean=without_zeros("Cholesterol", "RestingBP"),
        quick=True,
    ),
    Table("pima", "MASS__Pima.tr2.csv", ("type", ["Yes"]), quick=True),
    # Some patients gave several samples.
    Table(
        "biopsy", "MASS__biopsy.csv", ("class", ["malignant"]), group="ID", quick=True
    ),
    Table(
        "diabetes_symptoms",
        "MLDataR__diabetes_data.csv",
        ("DiabeticClass", ["Positive"]),
        clean=distinct,
        quick=True,
    ),
    Table(
        "thyroid",
        "MLDataR__thyroid_disease.csv.gz",
        ("ThryroidClass", ["sick"]),
        dropped={
            f"{name}_measured": "says no more than whether the reading is missing"
            for name in ["TSH", "T3", "T4", "thyrox_util_rate_T4U", "FTI"]
        },
        clean=distinct,
    ),
    Table(
        "alzheimers",
        "NeuroDataSets__alzheimers_biomarkers_tbl_df.csv.gz",
        ("Class", ["Impaired"]),
    ),
    Table(
        "birth_weight",
        "MASS__birthwt.csv",
        ("low", [1]),
        dropped={"bwt": "the birth weight, of which the outcome is made"},
        categorical=("race",),
        quick=True,
    ),
    Table(
        "pancreatitis",
        "medicaldata__indo_rct.csv",
        ("outcome", ["1_yes"]),
        dropped={
            "id": IDENTIFIER,
            "bleed": "a complication, as the outcome is, " + AFTERWARDS,
        },
        clean=unknown_cells,
    ),
    Table(
        "intensive_care",
        "vcdExtra__ICU.csv",
        ("died", ["Yes"]),
        dropped={
            "white": "a copy of race",
            "uncons": "a copy of coma",
        },
    ),
    Table(
        "prediabetes",
        "MLDataR__PreDiabetes.csv",
        ("Time_Pre_To_Diabetes", "happened", [1]),
        dropped={
            "Age": "age after the diagnosis, so it tells the time; the age at the start stays",
            "Age_Diabetes": "age at the outcome",
            "PreDiabetes_Checks_Before_Diabetes": "counted until the outcome",
        },
        clean=all_convert,
        quick=True,
    ),
    Table(
        "breast_cancer",
        "OncoDataSets__WBreastCancer_tbl_df.csv",
        ("time", "status", [1]),
        dropped={"id": IDENTIFIER},
    ),
    Table(
        "pbc",
        "survival__pbc.csv",
        # A transplant (1) ends observation.
        ("time", "status", [2]),
        dropped={"id": IDENTIFIER},
        quick=True,
    ),
    Table(
        "rotterdam",
        "survival__rotterdam.csv",
        ("dtime", "death", [1]),
        dropped={
            "pid": IDENTIFIER,
            "recur": "a later event",
            "rtime": "a follow-up time",
        },
    ),
    Table(
        "light_chains",
        "survival__flchain.csv.gz",
        ("futime", "death", [1]),
        dropped={"chapter": "the cause of death"},
        clean=from_day_one("futime"),
    ),
    Table(
        "fatty_liver",
        "survival__nafld1.csv.gz",
        ("futime", "status", [1]),
        dropped={"id": IDENTIFIER, "case.id": IDENTIFIER},
    ),
    Table(
        "colon",
        "survival__colon.csv",
        ("time", "status", [1]),
        dropped={
            "id": IDENTIFIER,
            "study": "the same in all",
            "etype": "says which outcome the row is about",
        },
        clean=both(deaths_only, sex_by(female="c0", male="c1")),
        quick=True,
    ),
    Table("veteran", "survival__veteran.csv", ("time", "status", [1])),
    Table(
        "mgus",
        "survival__mgus.csv",
        ("futime", "death", [1]),
        dropped={
            "id": IDENTIFIER,
            "pcdx": "a later diagnosis",
            "pctime": "the time of a later diagnosis",
        },
        quick=True,
    ),
    Table(
        "lung",
        "survival__cancer.csv",
        # 1 is censored, 2 dead.
        ("time", "status", [2]),
        dropped={"inst": IDENTIFIER + " of the hospital"},
        clean=sex_by(male="c1", female="c2"),
    ),
    Table(
        "liver_transplant",
        "survival__transplant.csv",
        # How long one waits; death and withdrawal end observation.
        ("futime", "event", ["ltx"]),
        clean=from_day_one("futime"),
        quick=True,
    ),
    Table(
        "melanoma",
        "MASS__Melanoma.csv",
        # Death from melanoma; that from other causes (3) ends observation.
        ("time", "status", [1]),
        clean=sex_by(female="c0", male="c1"),
    ),
    # Two eyes of each patient.
    Table(
        "retinopathy",
        "survival__diabetic.csv",
        ("time", "status", [1]),
        group="id",
        quick=True,
    ),
]
# Left out: what has a single predictor (heartfailure, myeloma, aml), recurrent events (bladder, cgd,
# heart), less than 100 rows, or what is a part of another table (Pima.tr, pbcseq).


def read(table, shared):
    """The rows of a table with a column 'patient' of their names; outcome, group and predictors."""
    path = shared / "data" / "clinical_tables" / table.file
    # 'None' is a level of some columns, so only these two are missing.
    rows = pd.read_csv(
        path, index_col=0, keep_default_na=False, na_values=["", "NA"], dtype={0: str}
    )
    if table.clean is not None:
        rows = table.clean(rows)
    unknown = set(table.dropped) - set(rows.columns)
    assert not unknown, f"{table.name} has no column {unknown}"
    rows = rows.drop(columns=list(table.dropped))
    rows.index = rows.index.map(str)
    rows.index.name = "patient"
    return rows


def predictors(table, rows):
    taken = set(table.outcome[:-1]) | {table.group}
    return [name for name in rows.columns if name not in taken]


# ------------------------------------------------------------------------------------------------ ours


def families(table, is_quick):
    """The families as a user would write them: small networks and shallow trees for tables of some
    hundred to some thousand rows."""
    linear = "cox" if table.is_survival else "logistic"
    # Patients at risk are those of a batch, so batches are larger for survival.
    batch = 256 if table.is_survival else 32
    lambdas = "[0.3, 0.1, 0.03, 0.01, 0.003, 0.001]"
    if is_quick:
        return {
            linear: f"lambda = {lambdas}\nl1_ratio = [0.0, 0.5]",
            "network": "hidden = [[32, 16]]\ndropout = [0.3]\nlearning_rate = [0.003]\n"
            f"[family.settings]\nbatch_size = {batch}\nweight_decay = 0.001\nepochs = 150\npatience = 15",
            "boosted": "depth = [1, 2]\nlearning_rate = [0.1]\n"
            "[family.settings]\nsubsample = 0.8\ncolumn_subsample = 0.8",
        }
    return {
        linear: f"lambda = {lambdas}\nl1_ratio = [0.0, 0.5, 1.0]",
        "network": "hidden = [[16], [64, 32]]\ndropout = [0.2, 0.5]\nlearning_rate = [0.003]\n"
        f"[family.settings]\nbatch_size = {batch}\nweight_decay = 0.001\nepochs = 200\npatience = 20",
        "boosted": "depth = [1, 2, 3]\nlearning_rate = [0.05]\n"
        "[family.settings]\nrounds = 500\nsubsample = 0.8\ncolumn_subsample = 0.8",
    }


def configuration(table, rows, family, settings, seed, inner_folds):
    if table.is_survival:
        time_column, event, happened = table.outcome
        # Where half of the events are over; ranks are the same at any time.
        horizon = float(rows[time_column][rows[event].isin(happened)].median())
        outcome = (
            f"kind = \"survival\"\ntime = {json.dumps(time_column)}\nevent = {json.dumps(event)}\n"
            f"happened = {json.dumps(happened)}\nhorizons = [{horizon}]"
        )
    else:
        column, positive = table.outcome
        outcome = f'kind = "binary"\ncolumn = {json.dumps(column)}\npositive = {json.dumps(positive)}'
    group = f"\ngroup = {json.dumps(table.group)}" if table.group else ""
    return f"""name = "{table.name}"
version = "1.0.0"
licence = "GPL-3.0"
intended_use = "comparison with other programs"
training_data = "{table.file}"
seed = {seed}

[data]
table = "table.csv"{group}

[outcome]
{outcome}

[predictors]
categorical = {json.dumps(list(table.categorical))}

[validation]
outer_folds = {OUTER_FOLDS}
inner_folds = {inner_folds}
stopping_share = {STOPPING_SHARE}
bootstrap = 10

[[family]]
kind = "{family}"
{settings}
"""


def train(varisk, folder, table, rows, family, settings, seed, inner_folds, threads):
    """Predictions of every patient by a family, and the outer folds."""
    config = folder / f"{family}-{seed}.toml"
    output = folder / f"{family}-{seed}"
    config.write_text(configuration(table, rows, family, settings, seed, inner_folds))
    if not (output / "predictions.parquet").is_file():
        command = [varisk, "train", "--config", config, "--output", output, "--quiet"]
        done = subprocess.run(
            [*map(str, command), "--threads", str(threads)],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            sys.exit(f"{table.name}, {family}: {done.stderr}")
    predictions = pyarrow.parquet.read_table(
        output / "predictions.parquet"
    ).to_pandas()
    if table.is_survival:
        predictions = predictions[predictions["output"] == "log_hazard"]
    predictions = predictions.set_index("patient")
    assert len(predictions) == len(rows), "each patient once"
    predictions = predictions.loc[rows.index]
    return predictions["value"].to_numpy(), predictions["fold"].to_numpy()


# ------------------------------------------------------------------------------------------- measuring


def concordance(time_, event, risk):
    """Harrell's C-index; a pair counts if the earlier time is an event, or if times are equal and one
    of them is an event. Equal risks count half."""
    agreeing = comparable = 0.0
    for at in np.flatnonzero(event):
        later = (time_ > time_[at]) | ((time_ == time_[at]) & ~event)
        comparable += later.sum()
        agreeing += (risk[later] < risk[at]).sum() + 0.5 * (
            risk[later] == risk[at]
        ).sum()
    return agreeing / comparable if comparable else 0.5


class Truth:
    """Outcomes of rows, and how well a risk ranks them."""

    def __init__(self, table, rows):
        self.is_survival = table.is_survival
        if table.is_survival:
            time_column, event, happened = table.outcome
            self.time = rows[time_column].to_numpy(dtype=float)
            self.event = rows[event].isin(happened).to_numpy()
        else:
            column, positive = table.outcome
            self.event = rows[column].isin(positive).to_numpy()

    def of(self, at):
        own = object.__new__(Truth)
        own.is_survival, own.event = self.is_survival, self.event[at]
        if self.is_survival:
            own.time = self.time[at]
        return own

    def measure(self, risk):
        assert np.isfinite(risk).all()
        if self.is_survival:
            return concordance(self.time, self.event, risk)
        return roc_auc_score(self.event, risk)


def by_folds(truth, risk, folds):
    each = [
        truth.of(folds == fold).measure(risk[folds == fold])
        for fold in np.unique(folds)
    ]
    return float(np.mean(each)), float(truth.measure(risk))


# ----------------------------------------------------------------------------------------------- peers


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
        batch_size=32,
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
        # With an absolute part lifelines is an order of magnitude slower.
        if not is_quick:
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
        networks += grid(hidden_layer_sizes=layers, alpha=[1.0, 5.0], **whole)
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


# ------------------------------------------------------------------------------------------ comparison


def compare(varisk, shared, work, table, is_quick, threads):
    """Means over the cuts of the table into folds, for each family and each peer."""
    rows = read(table, shared)
    folder = work / table.name
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "table.csv")
    truth = Truth(table, rows)
    groups = None if table.group is None else rows[table.group].to_numpy()
    inner_folds = 3 if is_quick else 5
    few = len(rows) < FEW_ROWS
    seeds = [1] if is_quick or not few else [1, 2]
    values = {"ours": {}, "peers": {}}
    seconds = {"ours": 0.0, "peers": 0.0}
    for seed in seeds:
        folds = None
        start = time.monotonic()
        for family, settings in families(table, is_quick).items():
            risk, own = train(
                varisk,
                folder,
                table,
                rows,
                family,
                settings,
                seed,
                inner_folds,
                threads,
            )
            assert folds is None or (folds == own).all(), "the families share folds"
            folds = own
            values["ours"].setdefault(family, []).append(by_folds(truth, risk, folds))
        seconds["ours"] += time.monotonic() - start
        if groups is not None:
            torn = pd.Series(folds).groupby(groups).nunique().max()
            assert torn == 1, "a group lies in one fold"
        start = time.monotonic()
        risks = peer_risks(
            table, rows, truth, groups, folds, seed, inner_folds, is_quick, threads
        )
        seconds["peers"] += time.monotonic() - start
        for name, risk in risks.items():
            values["peers"].setdefault(name, []).append(by_folds(truth, risk, folds))
    result = {
        "table": table.name,
        "file": table.file,
        "rows": len(rows),
        "events": int(truth.event.sum()),
        "predictors": len(predictors(table, rows)),
        "outcome": "survival" if table.is_survival else "binary",
        "cuts": len(seeds),
        "seconds": {side: round(own, 1) for side, own in seconds.items()},
    }
    for side, own in values.items():
        own = {name: np.mean(pairs, axis=0).tolist() for name, pairs in own.items()}
        result[side] = {
            name: {"mean": mean, "pooled": pooled}
            for name, (mean, pooled) in own.items()
        }
        best = max(own, key=lambda name: own[name][0])
        result[f"best_{side}"] = best
    mean = [
        result[side][result[f"best_{side}"]]["mean"] for side in ("ours", "peers")
    ]
    pooled = [
        max(own["pooled"] for own in result[side].values()) for side in ("ours", "peers")
    ]
    result["difference"] = mean[0] - mean[1]
    result["pooled_difference"] = pooled[0] - pooled[1]
    return result


def markdown(results):
    lines = [
        "| table | rows | outcome | our best family | value | best peer | value | difference | pooled difference |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for own in results:
        ours, peer = own["best_ours"], own["best_peers"]
        lines.append(
            f"| {own['table']} | {own['rows']} | {own['outcome']}, {own['events']} events | {ours} "
            f"| {own['ours'][ours]['mean']:.4f} | {peer} | {own['peers'][peer]['mean']:.4f} "
            f"| {own['difference']:+.4f} | {own['pooled_difference']:+.4f} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("varisk", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--all", action="store_true", help="all tables, more settings")
    parser.add_argument("--only", help="names of tables, with commas")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    chosen = [own for own in TABLES if options.all or own.quick]
    if options.only:
        names = options.only.split(",")
        chosen = [own for own in TABLES if own.name in names]
        assert len(chosen) == len(names), "a table has no such name"
    options.work.mkdir(parents=True, exist_ok=True)
    results = []
    for table in chosen:
        own = compare(
            options.varisk,
            options.shared,
            options.work,
            table,
            not options.all,
            options.threads,
        )
        results.append(own)
        print(
            f"{own['table']}: {own['difference']:+.4f} {own['seconds']}",
            file=sys.stderr,
            flush=True,
        )
        (options.work / "tables.json").write_text(json.dumps(results, indent=1) + "\n")
        (options.work / "tables.md").write_text(markdown(results))
    print(markdown(results), end="")


if __name__ == "__main__":
    main()
