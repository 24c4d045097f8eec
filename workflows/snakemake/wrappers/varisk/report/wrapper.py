"""Makes pages, and other forms, of a run of varisk."""

from snakemake.shell import shell

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=True, stderr=True)

# A report that was stopped is made anew.
shell(
    "rm -rf {snakemake.output[0]:q}.partial; "
    "varisk report {snakemake.input.run:q} {extra} --output {snakemake.output[0]:q} {log}"
)
