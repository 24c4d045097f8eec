"""Runs one shard of a plan of varisk, or a whole run where there is no plan."""

import os
import shlex

from snakemake.shell import shell

verb = snakemake.params.get("verb", "run")
extra = snakemake.params.get("extra", "")
# What earlier attempts said stays.
log = snakemake.log_fmt_shell(stdout=True, stderr=True, append=True)

# Inputs are named as the flags that take them; an index is found beside its file.
files = " ".join(
    f"--{name.replace('_', '-')} {shlex.quote(str(file))}"
    for name, value in snakemake.input.items()
    if name not in ("index", "plan")
    for file in ([value] if isinstance(value, str) else value)
)

shard = ""
plan = snakemake.input.get("plan")
if plan:
    number = snakemake.params.get("shard", snakemake.wildcards.get("shard"))
    table = os.path.join(plan, "shards.json")
    shard = f"--shard-table {shlex.quote(table)} --shard {number}"

# What an earlier attempt left in OUTPUT.partial is gone on with.
shell(
    "varisk {verb} {files} {extra} {shard} --threads {snakemake.threads}"
    " --resume --output {snakemake.output[0]:q} {log}"
)
