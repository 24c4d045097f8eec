include { flag } from '../flags/main'

process VARISK_MERGE {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container 'varisk:0.1.0'

    input:
    // The cohort's files are here for their hashes, which the record of the run holds.
    tuple val(meta), path(vcf, stageAs: 'variants/*'), path(vcf_index, stageAs: 'variants/*'), path(patients, stageAs: 'patients/*'), path(patient_files, stageAs: 'patients/*'), path(plan), path(shards)
    tuple path(reference, stageAs: 'reference/*'), path(reference_index, stageAs: 'reference/*'), path(par, stageAs: 'par/*'), path(models, stageAs: 'models/*'), path(knowledge, stageAs: 'knowledge/*'), path(gene_models, stageAs: 'gene_models/*'), path(scores, stageAs: 'scores/*'), path(ancestry, stageAs: 'ancestry/*'), path(absolute_risk, stageAs: 'absolute_risk/*'), path(callable, stageAs: 'callable/*'), path(sites, stageAs: 'sites/*'), path(regions_file, stageAs: 'regions/*'), path(settings, stageAs: 'settings/*')
    val options

    output:
    tuple val(meta), path("${prefix}"), emit: run
    path 'versions.yml', emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    prefix = task.ext.prefix ?: "${meta.id}"
    def args = task.ext.args ?: ''
    def library = flag('--onnxruntime', options.onnxruntime ? "'${options.onnxruntime}'" : null).join(' ')
    """
    varisk merge --shard-table ${plan}/shards.json ${shards} ${library} ${args} --output ${prefix}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: \$(varisk -V | sed 's/^varisk //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}
    echo '{}' > ${prefix}/run.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: stub
    END_VERSIONS
    """
}
