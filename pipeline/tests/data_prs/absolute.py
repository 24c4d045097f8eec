"""Absolute risks by py-icare of the patients in a folder: rows of patient, item, risk.

The folder has `incidence.csv`, `mortality.csv` and `patients.csv` (patient, age, z, smoking). The
score is standard normal in the population and independent of smoking, as a fine grid.
"""

import contextlib
import io
import json
import pathlib
import sys

import icare
import numpy as np
import pandas as pd

folder = pathlib.Path(sys.argv[1])
effects = json.loads((folder / "effects.json").read_text())
SHARES = {"never": 0.55, "former": 0.27, "current": 0.18}
TERM = "C(smoking, Treatment('never'))"

z = np.linspace(-8, 8, 641)
density = np.exp(-0.5 * z * z)
parts = [
    pd.DataFrame({"z": z, "smoking": smoking, "weight": share * density / density.sum()})
    for smoking, share in SHARES.items()
]
pd.concat(parts).to_csv(folder / "grid.csv", index=False)
patients = pd.read_csv(folder / "patients.csv")
patients[["z", "smoking"]].to_csv(folder / "profile.csv", index=False)
(folder / "formula.txt").write_text(f"~ z + {TERM}")
beta = {"z": effects["z"]} | {f"{TERM}[T.{name}]": effects[name] for name in ["former", "current"]}
(folder / "beta.json").write_text(json.dumps(beta))

ages = patients["age"].tolist()
for item, starts, length in [("50-60", [50] * len(ages), 10), ("30-85", [30] * len(ages), 55), ("10y", ages, 10)]:
    with contextlib.redirect_stdout(io.StringIO()):
        result = icare.compute_absolute_risk(
            apply_age_start=starts,
            apply_age_interval_length=[length] * len(ages),
            model_covariate_formula_path=folder / "formula.txt",
            model_log_relative_risk_path=folder / "beta.json",
            model_reference_dataset_path=folder / "grid.csv",
            model_reference_dataset_weights_variable_name="weight",
            model_disease_incidence_rates_path=folder / "incidence.csv",
            model_competing_incidence_rates_path=folder / "mortality.csv",
            apply_covariate_profile_path=folder / "profile.csv",
        )
    for patient, row in zip(patients["patient"], json.loads(result["profile"])):
        print(f"{patient},{item},{row['risk_estimates']!r}")
