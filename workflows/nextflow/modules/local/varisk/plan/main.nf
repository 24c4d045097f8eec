include { flag; inputFlags } from '../flags/main'

process VARISK_PLAN {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container 'varisk:0.1.0'

    input:
    tuple val(meta), path(vcf, stageAs: 'variants/*'), path(vcf_index, stageAs: 'variants/*'), path(patients, stageAs: 'patients/*'), path(patient_files, stageAs: 'patients/*')
    tuple path(reference, stageAs: 'reference/*'), path(reference_index, stageAs: 'reference/*'), path(par, stageAs: 'par/*'), path(models, stageAs: 'models/*'), path(knowledge, stageAs: 'knowledge/*'), path(gene_models, stageAs: 'gene_models/*'), path(scores, stageAs: 'scores/*'), path(ancestry, stageAs: 'ancestry/*'), path(absolute_risk, stageAs: 'absolute_risk/*'), path(callable, stageAs: 'callable/*'), path(sites, stageAs: 'sites/*'), path(regions_file, stageAs: 'regions/*'), path(settings, stageAs: 'settings/*')
    val options

    output:
    tuple val(meta), path("${prefix}.plan"), emit: plan
    tuple val(meta), path("${prefix}.plan/shards.tsv"), emit: table
    path 'versions.yml', emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    prefix = task.ext.prefix ?: "${meta.id}"
    def args = task.ext.args ?: ''
    def files = [vcf: vcf, patients: patients, reference: reference, par: par, models: models, knowledge: knowledge, gene_models: gene_models, scores: scores, ancestry: ancestry, callable: callable, sites: sites, regions_file: regions_file, settings: settings]
    def cut = [
        flag('--shards', options.shards),
        flag('--verb', options.verb),
        flag('--balance', options.balance),
        flag('--patient-groups', options.patient_groups),
        flag('--probe-seconds', options.probe_seconds),
        flag('--threads', options.threads),
    ].flatten().join(' ')
    """
    varisk plan ${inputFlags(files, options)} ${cut} ${args} --output ${prefix}.plan

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: \$(varisk -V | sed 's/^varisk //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.plan
    printf 'shard\\tshards\\tgroup\\tregions\\tbytes\\trecords\\tseconds\\tmemory_mib\\tthreads\\n' > ${prefix}.plan/shards.tsv
    for shard in 1 2; do
        printf '%s\\t2\\t1\\tall\\t1000\\t10\\t5\\t200\\t1\\n' \$shard >> ${prefix}.plan/shards.tsv
    done
    echo '{}' > ${prefix}.plan/shards.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: stub
    END_VERSIONS
    """
}
