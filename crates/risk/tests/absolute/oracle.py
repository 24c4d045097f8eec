"""Writes scenarios of absolute risk into a folder, with the risks that py-icare gives.

Each scenario is a folder with the model, its tables, `patients.csv` (columns of features begin with
`feature:`) and `expected.csv` (patient, item, risk).
"""

import contextlib
import io
import json
import pathlib
import sys

import icare
import numpy as np
import pandas as pd

ROOT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(20240517)
AGES = np.arange(20, 91)
SPANS = [(40, 41), (50, 60), (30, 85)]
HORIZONS = [5, 10]
SMOKING = {"never": 0.0, "former": 0.27, "current": 0.91}
SMOKING_TERM = "C(smoking, Treatment('never'))"
BETA = {"bmi": 0.041, "family_history": 0.73, "score": 0.47}
TERMS = {"smoking": SMOKING_TERM, "bmi": "bmi", "family_history": "family_history", "score": "score"}
COLUMNS = {"score": "feature:polygenic.demo.z"}


def rates(scale):
    incidence = scale * np.exp(0.075 * (AGES - 20)) * 1e-4
    mortality = 4e-4 * np.exp(0.085 * (AGES - 20))
    return incidence, mortality


def persons(count):
    """Correlated factors, with weights."""
    family_history = RNG.binomial(1, 0.12, count).astype(float)
    score = RNG.normal(0.2 * family_history, 1)
    smoking = RNG.choice(list(SMOKING), count, p=[0.5, 0.3, 0.2])
    bmi = np.clip(RNG.normal(26 + 0.4 * score, 4), 16, 50).round(3)
    return pd.DataFrame({
        "smoking": smoking, "bmi": bmi, "family_history": family_history, "score": score.round(6),
        "weight": RNG.uniform(0.2, 3, count).round(4),
    })


def patients(count, missing):
    """Like persons; with `missing`, each cell is empty with that chance, and one row altogether."""
    own = persons(count).drop(columns="weight")
    for column in own.columns:
        own.loc[RNG.random(count) < missing, column] = np.nan
    if missing:
        own.loc[0, :] = np.nan
    own.insert(0, "age", RNG.integers(25, 75, count))
    own.insert(0, "patient", [f"p{place}" for place in range(count)])
    return own


def factors(names, reference, shares=None, family_history=False):
    """The model's factors as TOML."""
    text = ""
    for name in names:
        text += f"\n[[factor]]\nname = '{name}'\n"
        if name == "score":
            text += "feature = 'polygenic.demo.z'\n"
            text += f"log_relative_risk_per_sd = {BETA[name]}\nstandard_error = 0.03\n"
            if family_history:
                text += "family_history = 'family_history'\n"
        elif name == "bmi":
            text += f"covariate = 'bmi'\nlog_relative_risk_per_unit = {BETA[name]}\n"
            text += "standard_error = 0.005\nrange = [10, 60]\n"
        else:
            effects = SMOKING if name == "smoking" else {"0": 0.0, "1": BETA[name]}
            text += f"covariate = '{name}'\ncategories = [\n"
            for value, effect in effects.items():
                share = "" if reference else f", share = {shares[name][value]}"
                text += f"  {{ value = '{value}', log_relative_risk = {effect}{share} }},\n"
            text += "]\n"
    return text


def expected(own, names, beta, dataset, tables, folder, snps):
    """Risks by py-icare; with `snps`, effects, frequencies and genotypes, by its SNP model."""
    inputs = folder / "icare"
    inputs.mkdir()
    effects = {}
    for name in names:
        if name == "smoking":
            for value, effect in SMOKING.items():
                if effect:
                    effects[f"{SMOKING_TERM}[T.{value}]"] = effect
        else:
            effects[name] = beta[name]
    (inputs / "formula.txt").write_text("~ " + " + ".join(TERMS[name] for name in names))
    (inputs / "beta.json").write_text(json.dumps(effects))
    dataset[[*names, "weight"]].to_csv(inputs / "reference.csv", index=False)
    own[names].to_csv(inputs / "profile.csv", index=False)
    arguments = {}
    if snps:
        effects, frequencies, genotypes = snps
        names = [f"rs{place}" for place in range(len(effects))]
        table = {"snp_name": names, "snp_odds_ratio": np.exp(effects), "snp_freq": frequencies}
        pd.DataFrame(table).to_csv(inputs / "snps.csv", index=False)
        pd.DataFrame(genotypes, columns=names).to_csv(inputs / "genotypes.csv", index=False)
        arguments = {
            "model_snp_info_path": inputs / "snps.csv",
            "apply_snp_profile_path": inputs / "genotypes.csv",
            "model_family_history_variable_name": "family_history",
            "num_imputations": 10,
            "seed": 1,
        }
    for role, table in tables.items():
        table.to_csv(inputs / f"{role}.csv", index=False)
        arguments[f"model_{role}_rates_path"] = inputs / f"{role}.csv"
    starts = {f"{start}-{end}": ([start] * len(own), end - start) for start, end in SPANS}
    starts |= {f"{years}y": (own["age"].tolist(), years) for years in HORIZONS}
    rows = []
    for item, (start, length) in starts.items():
        with contextlib.redirect_stdout(io.StringIO()):
            result = icare.compute_absolute_risk(
                apply_age_start=start,
                apply_age_interval_length=[length] * len(own),
                model_covariate_formula_path=inputs / "formula.txt",
                model_log_relative_risk_path=inputs / "beta.json",
                model_reference_dataset_path=inputs / "reference.csv",
                model_reference_dataset_weights_variable_name="weight",
                apply_covariate_profile_path=inputs / "profile.csv",
                **arguments,
            )
        profile = json.loads(result["profile"])
        rows += [(patient, item, row["risk_estimates"]) for patient, row in zip(own["patient"], profile)]
    return pd.DataFrame(rows, columns=["patient", "item", "risk"])


def scenario(name, own, names, text, dataset, scale=1.0, beta=BETA, competing=True, reference=True,
             snps=None):
    folder = ROOT / name
    folder.mkdir(parents=True)
    incidence, mortality = rates(scale)
    head = f"name = 'demo'\nversion = '1'\noutcome = 'the outcome'\npopulation = 'made up'\nsource = 'made up'\n"
    head += f"age_column = 'age'\nages = {[list(span) for span in SPANS]}\nhorizons = {HORIZONS}\n"
    tables = {"disease_incidence": pd.DataFrame({"age": AGES, "rate": incidence})}
    head += "\n[incidence]\npath = 'incidence.csv'\nsource = 'made up'\nyear = 2020\n"
    tables["disease_incidence"].to_csv(folder / "incidence.csv", index=False)
    if competing:
        tables["competing_incidence"] = pd.DataFrame({"age": AGES, "rate": mortality})
        tables["competing_incidence"].to_csv(folder / "mortality.csv", index=False)
        head += "\n[mortality]\npath = 'mortality.csv'\nsource = 'made up'\nyear = 2020\n"
    if reference:
        columns = [*names, "weight"] if reference is True else reference
        dataset_of_model = dataset[columns] if reference is True else ROWS[columns]
        dataset_of_model.to_csv(folder / "reference.csv", index=False)
        head += "\n[reference]\npath = 'reference.csv'\nsource = 'made up'\nweight = 'weight'\n"
    (folder / "model.toml").write_text(head + text)
    own[["patient", "age", *names]].rename(columns=COLUMNS).to_csv(folder / "patients.csv", index=False)
    if snps:
        names = [name for name in names if name != "score"]
    risks = expected(own, names, beta, dataset, tables, folder, snps)
    risks.to_csv(folder / "expected.csv", index=False)


def grid(rows, beta):
    """Rows times a fine grid of the score, which with a family history is higher by half its effect."""
    z = np.linspace(-8, 8, 641)
    parts = []
    for row in rows.itertuples(index=False):
        part = pd.DataFrame([row] * len(z))
        part["score"] = z + 0.5 * beta * float(row.family_history)
        density = np.exp(-0.5 * z * z)
        part["weight"] = row.weight * density / density.sum()
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


NAMES = ["smoking", "bmi", "family_history", "score"]
PERSONS = persons(3000)

# Covariates alone, without the score; common outcome, no competing mortality.
few = NAMES[:3]
scenario("covariates", patients(150, 0), few, factors(few, True), PERSONS, 2.0, competing=False)
# A score, family history and covariates.
scenario("score", patients(150, 0), NAMES, factors(NAMES, True), PERSONS)
# The same, with missing factors.
scenario("missing", patients(300, 0.3), NAMES, factors(NAMES, True), PERSONS)

# No dataset: independent factors, the score with family history as in iCARE's SNP model. py-icare has
# the same distribution as a grid. What is missing is what its percentiles tell apart.
own = ["smoking", "family_history", "score"]
shares = {"smoking": {"never": 0.5, "former": 0.3, "current": 0.2}, "family_history": {"0": 0.9, "1": 0.1}}
rows = pd.DataFrame([
    (smoking, float(history), a * b)
    for smoking, a in shares["smoking"].items() for history, b in shares["family_history"].items()
], columns=["smoking", "family_history", "weight"])
tied = dict(BETA, family_history=BETA["family_history"] - 0.5 * BETA["score"] ** 2)
some = patients(60, 0)
some.loc[20:39, "score"] = np.nan
some.loc[40:44, own] = np.nan
text = factors(own, False, shares, True)
scenario("independent", some, own, text, grid(rows, BETA["score"]), beta=tied, reference=False)

# iCARE's SNP model itself, which draws genotypes: near, not equal.
effects = RNG.normal(0, 1, 300)
frequencies = RNG.uniform(0.1, 0.9, 300)
variance = 2 * frequencies * (1 - frequencies)
effects *= BETA["score"] / np.sqrt(np.sum(effects**2 * variance))
some = patients(40, 0)
genotypes = RNG.binomial(2, frequencies, (len(some), 300))
some["score"] = (genotypes - 2 * frequencies) @ effects / BETA["score"]
scenario("snps", some, own, text, pd.concat([rows] * 500), reference=False, snps=(effects, frequencies, genotypes))

# A dataset of covariates, and a normal score beside it.
ROWS = PERSONS.sample(40, random_state=1).reset_index(drop=True)
text = factors(NAMES, True, None, True)
ordered = ROWS[["smoking", "bmi", "family_history", "weight"]]
scenario("beside", patients(60, 0), NAMES, text, grid(ordered, BETA["score"]), beta=tied,
         reference=["smoking", "bmi", "family_history", "weight"])
