// Plan each cohort, run its shards, merge them, make its reports.

include { VARISK_PLAN } from '../modules/local/varisk/plan/main'
include { VARISK_RUN } from '../modules/local/varisk/run/main'
include { VARISK_MERGE } from '../modules/local/varisk/merge/main'
include { VARISK_REPORT } from '../modules/local/varisk/report/main'

// A number of the plan's table; null where the plan has no expectation.
def numberOf(text) {
    return text ? text.toDouble() : null
}

workflow VARISK {
    take:
    cohorts // [meta, vcf, index, samplesheet of patients, folder of patients' files]
    resources // what is the same for all cohorts, in one value
    options // a map for each process
    outdir

    main:
    VARISK_PLAN(cohorts, resources, options.plan)

    // A task for each row of a cohort's table.
    planned = cohorts.join(VARISK_PLAN.out.plan)
    shards = planned
        .join(VARISK_PLAN.out.table)
        .flatMap { meta, vcf, index, patients, patient_files, plan, table ->
            def rows = table.splitCsv(header: true, sep: '\t')
            rows.collect { row ->
                def shard = meta + [
                    shard: row.shard.toInteger(),
                    shards: rows.size(),
                    seconds: numberOf(row.seconds),
                    memory_mib: numberOf(row.memory_mib),
                    threads: row.threads ? row.threads.toInteger() : null,
                ]
                [shard, vcf, index, patients, patient_files, plan]
            }
        }
    VARISK_RUN(shards, resources, options.run)

    // A cohort is merged as soon as its own shards are done; in one order, so that a resumed pipeline knows the task.
    finished = VARISK_RUN.out.shard
        .map { meta, shard -> [groupKey(meta.id, meta.shards), shard] }
        .groupTuple()
        .map { key, folders -> [key.toString(), folders.toSorted { folder -> folder.name }] }
    merging = planned
        .map { meta, vcf, index, patients, patient_files, plan -> [meta.id, meta, vcf, index, patients, patient_files, plan] }
        .join(finished)
        .map { _id, meta, vcf, index, patients, patient_files, plan, folders -> [meta, vcf, index, patients, patient_files, plan, folders] }
    VARISK_MERGE(merging, resources, options.merge)

    // A run without patients has nothing to report on.
    VARISK_REPORT(
        VARISK_MERGE.out.run.filter { _meta, _run -> options.plan.verb != 'score' },
        options.report,
    )

    VARISK_PLAN.out.versions
        .mix(VARISK_RUN.out.versions, VARISK_MERGE.out.versions, VARISK_REPORT.out.versions)
        .map { versions -> versions.text }
        .unique()
        .collectFile(name: 'varisk_versions.yml', storeDir: "${outdir}/pipeline_info", sort: true)

    runs = VARISK_MERGE.out.run
    pages = VARISK_REPORT.out.pages
    multiqc = VARISK_REPORT.out.multiqc

    emit:
    runs
    pages
    multiqc
}
