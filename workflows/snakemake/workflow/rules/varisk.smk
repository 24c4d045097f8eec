# A plan cuts the run; into how many shards is known only then.
checkpoint varisk_plan:
    input:
        unpack(input_files),
    output:
        report(
            directory("results/{cohort}/plan"),
            patterns=["{name}.tsv"],
            caption="../report/plan.rst",
            category="Plan",
            subcategory="{cohort}",
        ),
    log:
        "logs/{cohort}/plan.log",
    threads: config["threads"]
    resources:
        mem_mb=4096,
        runtime=60,
    params:
        verb=config["verb"],
        shards=config["shards"],
        extra=plan_flags(),
        plan_extra=config["plan_extra"],
    wrapper:
        f"file:{WRAPPERS}/plan"


# A shard that was stopped left 'shards/N.partial', which Snakemake does not know and so does not remove:
# the next attempt goes on from its last saved state.
rule varisk_run:
    input:
        unpack(input_files),
        plan="results/{cohort}/plan",
    output:
        directory("results/{cohort}/shards/{shard}"),
    log:
        "logs/{cohort}/shard-{shard}.log",
    threads: config["threads"]
    resources:
        mem_mb=shard_memory,
        runtime=shard_minutes,
    params:
        verb=config["verb"],
        extra=run_flags(),
    wrapper:
        f"file:{WRAPPERS}/run"


rule varisk_merge:
    input:
        unpack(input_files),
        plan="results/{cohort}/plan",
        shards=shards_of_plan,
    output:
        directory("results/{cohort}/report"),
    log:
        "logs/{cohort}/merge.log",
    resources:
        mem_mb=lambda wildcards, attempt: 4096 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        extra=config["merge_extra"],
    wrapper:
        f"file:{WRAPPERS}/merge"


rule varisk_report:
    input:
        run="results/{cohort}/report",
    output:
        report(
            directory("results/{cohort}/report.pages"),
            htmlindex="index.html",
            caption="../report/pages.rst",
            category="Report",
            subcategory="{cohort}",
        ),
    log:
        "logs/{cohort}/report.log",
    resources:
        mem_mb=lambda wildcards, attempt: 4096 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        extra=report_flags(),
    wrapper:
        f"file:{WRAPPERS}/report"
