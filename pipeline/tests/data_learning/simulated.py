"""A disease simulated on the real genotypes of 2,504 people, from scores to explanations.

    python simulated.py VARISK SHARED WORK

Four polygenic scores over alleles of set D, of which two act, with age and smoking; two scores and
two covariates do nothing. The program computes the scores, learns the disease and explains it; the
scores and the greatest AUROC are computed here, from the VCF and from the effects. Prints JSON.
"""

import gzip
import json
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

VARISK, SHARED, WORK = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
VCF = SHARED / "data/cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz"
SEXES = SHARED / "data/cohort_vcf/1000g/phase3map.txt"
FASTA = SHARED / "data/reference/grch37_chr22_1-22000000.fa.gz"
SCORES, ALLELES = ["A", "B", "C", "D"], 30
# Log odds for one standard deviation of the number, or for smoking.
EFFECTS = {"A": 1.3, "age": 0.9, "B": 0.55, "smoker": 0.8}
INTERCEPT = -1.0
NULL = ["C", "D", "bmi", "sex"]
# Of a second disease: the log odds that score A adds in smokers, and takes in all others.
OPPOSED = 1.3
FAMILIES = {
    "logistic": "lambda = [0.01, 0.001, 0.0]\nl1_ratio = [0.0]",
    "network": "hidden = [[16]]\ndropout = [0.1]\nlearning_rate = [0.01]\n[family.settings]\nepochs = 40",
    "boosted": "depth = [1, 2, 3]\nlearning_rate = [0.1]",
}
CONFIG = """name = "{outcome}-{family}"
version = "1.0.0"
licence = "CC0-1.0"
intended_use = "test"
training_data = "simulated on 1000 Genomes"

[data]
table = "{table}"
run = "{run}"

[outcome]
kind = "binary"
column = "{outcome}"
positive = [1]
negative = [0]

[predictors]
columns = ["sex", "age", "bmi", "smoker"]
features = ["polygenic.*.sum"]

[validation]
outer_folds = 5
inner_folds = 3
bootstrap = 200

[[family]]
kind = "{family}"
{settings}
"""


def varisk(*words):
    done = subprocess.run([VARISK, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{words}: {done.stderr}")


def common_alleles():
    """Samples, and (position, REF, ALT, copies of ALT) of common SNVs of one alternate allele."""
    sites = []
    with gzip.open(VCF, "rt") as lines:
        for line in lines:
            if line.startswith("##"):
                continue
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#"):
                samples = cells[9:]
                continue
            position, _, reference, alternate = cells[1:5]
            if len(reference) != 1 or alternate not in ("A", "C", "G", "T"):
                continue
            # A/T and C/G would need a word about the strand.
            if {reference, alternate} in ({"A", "T"}, {"C", "G"}):
                continue
            copies = np.array([cell.count("1") for cell in cells[9:]], dtype=np.int8)
            if 0.05 < copies.mean() / 2 < 0.95:
                sites.append((int(position), reference, alternate, copies))
    counts = pd.Series([site[0] for site in sites]).value_counts()
    return samples, [site for site in sites if counts[site[0]] == 1]


def write_scores(random, sites):
    """A scoring file for each stretch of the region; the sums of its score."""
    sums = {}
    for name, stretch in zip(SCORES, np.array_split(np.arange(len(sites)), len(SCORES))):
        chosen = sorted(random.choice(stretch, ALLELES, replace=False))
        weights = random.normal(0, 0.1, ALLELES).round(4)
        total = np.zeros(len(sites[0][3]))
        rows = [f"#pgs_id={name}", "#genome_build=GRCh37"]
        rows.append("chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight")
        for at, weight in zip(chosen, weights):
            position, reference, alternate, copies = sites[at]
            # Every other effect allele is the reference's.
            if random.random() < 0.5:
                reference, alternate, copies = alternate, reference, 2 - copies
            rows.append(f"22\t{position}\t{alternate}\t{reference}\t{weight}")
            total += weight * copies
        (WORK / f"{name}.txt").write_text("\n".join(rows) + "\n")
        sums[name] = total
    return sums


def simulate(random, samples, sums):
    """The table of patients, their numbers, and the true probability of each disease."""
    sexes = pd.read_csv(SEXES, sep="\t", usecols=["sample", "gender"]).set_index("sample")["gender"]
    rows = len(samples)
    table = pd.DataFrame({
        "patient": [f"P{at:05}" for at in range(rows)],
        "sample": samples,
        "sex": sexes.reindex(samples).to_numpy(),
        "age": random.integers(30, 80, rows),
        "bmi": random.normal(27, 4, rows).round(1),
        "smoker": np.where(random.random(rows) < 0.3, "yes", "no"),
    })
    columns = {name: (total - total.mean()) / total.std() for name, total in sums.items()}
    columns["age"] = ((table["age"] - table["age"].mean()) / table["age"].std()).to_numpy()
    columns["smoker"] = (table["smoker"] == "yes").to_numpy().astype(float)
    linear = INTERCEPT + sum(effect * columns[name] for name, effect in EFFECTS.items())
    opposed = OPPOSED * columns["A"] * np.where(columns["smoker"] > 0, 1, -1)
    truths = {}
    for name, log_odds in [("disease", linear), ("opposed", opposed)]:
        truths[name] = 1 / (1 + np.exp(-log_odds))
        table[name] = (random.random(rows) < truths[name]).astype(int)
    return table, columns, truths


def train(outcome, family):
    """The model, and its AUROC in patients that were left out."""
    config, model = WORK / f"{outcome}-{family}.toml", WORK / f"{outcome}-{family}"
    config.write_text(CONFIG.format(
        outcome=outcome, family=family, settings=FAMILIES[family], table="table.csv", run="run"
    ))
    varisk("train", "--config", config, "--output", model)
    metrics = pq.read_table(model / "metrics.parquet").to_pandas()
    auroc = metrics[(metrics["metric"] == "auroc") & metrics["group_column"].isna()]
    return model, float(auroc["value"].iloc[0])


def short(predictor):
    return predictor.removeprefix("polygenic.").removesuffix(".sum")


def explained(model, table, run, output):
    varisk("explain", "--model", model, "--table", table, "--run", run, "--background-rows", 200,
           "--output", output)
    rows = pq.read_table(output / "explanations.parquet").to_pandas()
    rows["predictor"] = rows["predictor"].map(short)
    return rows


def coefficients(rows, columns, table, probability):
    """Log odds for one unit of the simulation by the logistic model, and the distance from the truth
    in standard errors of the maximum-likelihood estimate, by the information at the truth."""
    names = list(EFFECTS) + ["C", "D"]
    design = np.column_stack([np.ones(len(table))] + [columns[name] for name in names])
    information = design.T @ (design * (probability * (1 - probability))[:, None])
    errors = np.sqrt(np.diag(np.linalg.inv(information)))[1:]
    found = {}
    for name, error in zip(names, errors):
        own = rows[rows["predictor"] == name].set_index("patient")["contribution"]
        own = own.reindex(table["patient"]).to_numpy()
        # A linear model's contributions are its coefficient times the distance from a mean. Values at
        # the ends of the range are drawn to a border, so the slope is that of the middle.
        low, high = np.quantile(columns[name], [0.02, 0.98])
        middle = (columns[name] >= low) & (columns[name] <= high)
        slope = np.polyfit(columns[name][middle], own[middle], 1)[0]
        truth = EFFECTS.get(name, 0.0)
        found[name] = {"found": slope, "truth": truth, "standard_errors": (slope - truth) / error}
    return found


def main():
    random = np.random.default_rng(22)
    samples, sites = common_alleles()
    sums = write_scores(random, sites)
    table, columns, truths = simulate(random, samples, sums)
    table.drop(columns=list(truths)).to_csv(WORK / "samplesheet.csv", index=False)
    table.drop(columns="sample").to_csv(WORK / "table.csv", index=False)
    run = WORK / "run"
    scores = [word for name in SCORES for word in ("--score", WORK / f"{name}.txt")]
    varisk("run", "--vcf", VCF, "--samplesheet", WORK / "samplesheet.csv", "--reference", FASTA,
           "--build", "GRCh37", *scores, "--output", run)

    features = pq.read_table(run / "features.parquet").to_pandas()
    gaps = [0.0]
    for name in SCORES:
        own = features[features["feature"] == f"polygenic.{name}.sum"].set_index("patient")["value"]
        gaps.append(np.abs(own.reindex(table["patient"]).to_numpy() - sums[name]).max())

    truth = {name: np.abs(effect * (columns[name] - columns[name].mean())).mean()
             for name, effect in EFFECTS.items()}
    result = {
        "patients": len(table),
        "affected": int(table["disease"].sum()),
        "largest_gap_of_sums": float(max(gaps)),
        "largest_correlation_of_scores": float(
            np.abs(np.corrcoef([columns[name] for name in SCORES]) - np.eye(len(SCORES))).max()
        ),
        "greatest_auroc": roc_auc_score(table["disease"], truths["disease"]),
        "drivers": sorted(truth, key=truth.get, reverse=True),
        "null": NULL,
        "families": {},
    }
    for family in FAMILIES:
        model, auroc = train("disease", family)
        rows = explained(model, WORK / "table.csv", run, WORK / f"{family}-explained")
        importance = rows["contribution"].abs().groupby(rows["predictor"]).mean()
        importance = importance.sort_values(ascending=False)
        result["families"][family] = {
            "auroc": auroc,
            "method": rows["method"].iloc[0],
            "ranks": list(importance.index),
            "importance": importance.to_dict(),
        }
        if family == "logistic":
            result["coefficients"] = coefficients(rows, columns, table, truths["disease"])
    result["opposed"] = {"greatest_auroc": roc_auc_score(table["opposed"], truths["opposed"])}
    for family in FAMILIES:
        result["opposed"][family] = train("opposed", family)[1]
    json.dump(result, sys.stdout, indent=1)


main()
