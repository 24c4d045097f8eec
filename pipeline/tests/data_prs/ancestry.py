"""What pgscatalog-calc makes of a panel and a report of varisk: for each patient the population by
Mahalanobis distance and by random forest, and for each score its adjusted figures.

The components and sums are those of varisk, and so are the populations by which scores are adjusted.
Arguments: the folders of the panel and of the report.
"""

import pathlib
import sys
import warnings

import pandas as pd
import pyarrow.parquet as pq

warnings.filterwarnings("ignore")
from pgscatalog.calc.lib._ancestry.tools import compare_ancestry, pgs_adjust  # noqa: E402

panel, report = map(pathlib.Path, sys.argv[1:])


def wide(table, index):
    components = pd.DataFrame(table["components"].tolist(), index=table[index])
    components.columns = [f"PC{number + 1}" for number in components.columns]
    return components


def read(folder, name):
    return pq.read_table(folder / f"{name}.parquet").to_pandas()


samples = read(panel, "samples")
ref = wide(samples, "sample")
ref["SuperPop"] = samples.set_index("sample")["population"]
ref["Unrelated"] = samples.set_index("sample")["is_training"]
sums = read(panel, "scores")
names = sorted(sums["score"].unique())
for name in names:
    ref[name] = sums[sums["score"] == name].set_index("sample")["sum"]
ref.index = [f"panel{sample}" for sample in ref.index]

people = read(report, "ancestry")
people = people[people["components"].notna() & people["population"].notna()]
target = wide(people, "patient")
target["MostSimilarPop"] = people.set_index("patient")["population"]
scores = read(report, "scores")
for name in names:
    target[name] = scores[scores["score"] == name].set_index("patient")["panel_sum"]

arguments = {"ref_train_col": "Unrelated", "n_pcs": 5}
_, distance, _ = compare_ancestry(ref, "SuperPop", target, method="Mahalanobis", p_threshold=1e-10, **arguments)
_, forest, _ = compare_ancestry(ref, "SuperPop", target, method="RandomForest", p_threshold=0.5, **arguments)
_, adjusted, _ = pgs_adjust(
    ref, target, names, "SuperPop", "MostSimilarPop", ["empirical", "mean", "mean+var"],
    ref_train_col="Unrelated", n_pcs=4,
)
out = pd.DataFrame({"distance": distance["MostSimilarPop"], "forest": forest["MostSimilarPop"]})
for name in names:
    for figure in ["percentile_MostSimilarPop", "Z_MostSimilarPop", "Z_norm1", "Z_norm2"]:
        out[f"{figure}|{name}"] = adjusted[f"{figure}|{name}"]
out.to_csv(sys.stdout)
