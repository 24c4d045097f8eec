"""Merges the shards of a run of varisk."""

import os
import shlex

from snakemake.shell import shell

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=True, stderr=True)
table = os.path.join(snakemake.input.plan, "shards.json")
shards = shlex.join(str(shard) for shard in snakemake.input["shards"])

# A merge that was stopped is made anew.
shell(
    "rm -rf {snakemake.output[0]:q}.partial; "
    "varisk merge --shard-table {table:q} {shards} {extra} --output {snakemake.output[0]:q} {log}"
)
