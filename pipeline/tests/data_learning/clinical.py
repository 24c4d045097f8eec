"""Clinical tables: what of each is predicted from what, and what is left out, with the reasons."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


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
