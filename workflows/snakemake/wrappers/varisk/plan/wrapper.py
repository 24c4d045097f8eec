"""Cuts a run of varisk into shards."""

import shlex

from snakemake.shell import shell

verb = snakemake.params.get("verb", "run")
extra = snakemake.params.get("extra", "")
plan_extra = snakemake.params.get("plan_extra", "")
log = snakemake.log_fmt_shell(stdout=True, stderr=True)

# Inputs are named as the flags that take them; an index is found beside its file.
files = " ".join(
    f"--{name.replace('_', '-')} {shlex.quote(str(file))}"
    for name, value in snakemake.input.items()
    if name != "index"
    for file in ([value] if isinstance(value, str) else value)
)

# A plan that was stopped is made anew.
shell(
    "rm -rf {snakemake.output[0]:q}.partial; "
    "varisk plan {files} {extra} {plan_extra} --verb {verb} --threads {snakemake.threads}"
    " --shards {snakemake.params.shards} --output {snakemake.output[0]:q} {log}"
)
