# What the rules ask of the configuration and of the plan.
import csv
import math
import shlex
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

WRAPPERS = Path(str(workflow.current_basedir)).parents[1] / "wrappers" / "varisk"

# Keys of the configuration that name files, and the flags of varisk that take them.
FILES = {
    "settings": "config",
    "vcf": "vcf",
    "samplesheet": "samplesheet",
    "reference": "reference",
    "par": "par",
    "regions_file": "regions_file",
    "models": "model",
    "knowledge": "knowledge",
    "gene_models": "gene_models",
    "sites": "sites",
    "callable": "callable",
    "scores": "score",
    "ancestry": "ancestry",
    "absolute_risk": "absolute_risk",
}


def check(values, name, where):
    """Refuses what the schema does not allow, an unknown key in one sentence; fills in defaults."""
    schema = Path(workflow.source_path(f"../schemas/{name}.schema.yaml"))
    known = yaml.safe_load(schema.read_text())["properties"]
    for key in values:
        if key not in known:
            raise WorkflowError(
                f"{where}: unknown key '{key}'; the keys are {', '.join(known)}"
            )
    validate(values, schema=f"../schemas/{name}.schema.yaml")


def read_cohorts():
    """The cohorts by name, each with the keys that are its own."""
    if "cohorts" not in config:
        return {"cohort": {}}
    where = config["cohorts"]
    cohorts = {}
    with open(where, newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            row = {key: value for key, value in row.items() if value}
            check(row, "cohort", where)
            name = row.pop("cohort")
            if name in cohorts:
                raise WorkflowError(f"{where}: cohort '{name}' is there twice")
            cohorts[name] = row
    if not cohorts:
        raise WorkflowError(f"{where}: there is no cohort")
    return cohorts


check(config, "config", "configuration")
COHORTS = read_cohorts()


wildcard_constraints:
    cohort="|".join(COHORTS),
    shard=r"\d+",


def input_files(wildcards):
    """Files of a cohort by the flags that take them; 'index' are those that varisk finds beside them."""
    own = {**config, **COHORTS[wildcards.cohort]}
    files = {flag: own[key] for key, flag in FILES.items() if own.get(key)}
    indexes = [files["reference"] + ".fai"] if "reference" in files else []
    for name in ("vcf", "sites"):
        for suffix in (".tbi", ".csi"):
            if name in files and Path(files[name] + suffix).exists():
                indexes.append(files[name] + suffix)
    return {**files, "index": indexes}


def flags(*words):
    return " ".join(word for word in words if word)


def plan_flags():
    """Flags of plan and run that are not files."""
    build = f"--build {shlex.quote(config['build'])}" if "build" in config else ""
    return flags(build, config["extra"])


def run_flags():
    """Flags of the run; the plan does not need to know the device."""
    return flags(plan_flags(), f"--device {config['device']}", config["run_extra"])


def report_flags():
    formats = ",".join(config["report_formats"])
    return flags(f"--format {formats}", config["report_extra"])


def plan_rows(cohort):
    """The shards of a plan; none where it is not made yet."""
    path = Path(f"results/{cohort}/plan/shards.tsv")
    if not path.exists():
        return {}
    with path.open(newline="") as table:
        return {row["shard"]: row for row in csv.DictReader(table, delimiter="\t")}


def expected(wildcards, column, default):
    """What the plan expects of a shard, where it knows."""
    row = plan_rows(wildcards.cohort).get(wildcards.shard, {})
    return float(row.get(column) or default)


def shard_memory(wildcards, attempt):
    """MB: half as much again as the plan expects, more at each attempt, and what Snakemake and CUDA take."""
    card = 0 if config["device"] == "cpu" else 1024
    return (
        512 + card + math.ceil(1.5 * expected(wildcards, "memory_mib", 4096) * attempt)
    )


def shard_minutes(wildcards, attempt):
    """Minutes: three times what the plan expects, more at each attempt, and ten."""
    return 10 + math.ceil(3 * expected(wildcards, "seconds", 7200) / 60 * attempt)


def shards_of_plan(wildcards):
    """Folders of the shards; how many there are is known once the plan is made."""
    checkpoints.varisk_plan.get(cohort=wildcards.cohort)
    return [
        f"results/{wildcards.cohort}/shards/{shard}"
        for shard in plan_rows(wildcards.cohort)
    ]


def final_outputs():
    """Pages of each cohort; scores without patients have none."""
    last = "report" if config["verb"] == "score" else "report.pages"
    return [f"results/{cohort}/{last}" for cohort in COHORTS]
