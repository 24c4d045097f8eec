"""Models of `varisk train` and of Python libraries on real clinical tables, on the same folds.

    tables.py VARISK SHARED WORK [--all] [--only NAME,NAME] [--cuts N] [--threads N]

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
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
from sklearn.metrics import roc_auc_score

from clinical import TABLES, predictors, read
from peers import STOPPING_SHARE, peer_risks

OUTER_FOLDS = 5
# Tables of fewer rows can be cut into folds several times (--cuts): by chance alone, one cut moves the
# difference of two models by more than what is asked about.
FEW_ROWS = 1000


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
    risk = predictions["value"].to_numpy()
    # What the program itself says of these predictions is what is measured here.
    metrics = pyarrow.parquet.read_table(output / "metrics.parquet").to_pandas()
    metric = "concordance" if table.is_survival else "auroc"
    of_all = (metrics["metric"] == metric) & metrics["group_column"].isna()
    own = metrics["value"][of_all].item()
    assert abs(own - Truth(table, rows).measure(risk)) < 1e-9, f"{table.name}: {metric}"
    return risk, predictions["fold"].to_numpy()


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


def compare(varisk, shared, work, table, is_quick, cuts, threads):
    """Means over the cuts of the table into folds, for each family and each peer."""
    rows = read(table, shared)
    folder = work / table.name
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "table.csv")
    truth = Truth(table, rows)
    groups = None if table.group is None else rows[table.group].to_numpy()
    inner_folds = 3 if is_quick or len(rows) > 5 * FEW_ROWS else 5
    seeds = range(1, 1 + (cuts if len(rows) < FEW_ROWS else 1))
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
    parser.add_argument(
        "--cuts",
        type=int,
        default=1,
        help=f"cuts into folds of a table of fewer than {FEW_ROWS} rows",
    )
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
            options.cuts,
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
