include { containerFlags; inputFlags } from '../flags/main'

process VARISK_RUN {
    tag "${meta.id} ${meta.shard}/${meta.shards}"
    label 'process_gpu'

    // What the plan expects, with room, and more for each further try; much, where it expects nothing. The plan is made on
    // the processor; CUDA takes memory of its own.
    cpus { [meta.threads ?: 4, params.max_cpus].min() }
    memory { [(meta.memory_mib ? (meta.memory_mib * 1.25 + (params.device == 'cpu' ? 512 : 1536)).toLong().MB : 16.GB) * task.attempt, params.max_memory as nextflow.util.MemoryUnit].min() }
    time { [(meta.seconds ? (meta.seconds * 3 + 1800).toLong().s : 8.h) * task.attempt, params.max_time as nextflow.util.Duration].min() }

    conda "${moduleDir}/environment.yml"
    container 'varisk:0.1.0'

    // What a container is to see beside the task's files: the card, and the folder of checkpoints.
    containerOptions { containerFlags(workflow.containerEngine, params.device, options.checkpoints) }

    input:
    tuple val(meta), path(vcf, stageAs: 'variants/*'), path(vcf_index, stageAs: 'variants/*'), path(patients, stageAs: 'patients/*'), path(patient_files, stageAs: 'patients/*'), path(plan)
    tuple path(reference, stageAs: 'reference/*'), path(reference_index, stageAs: 'reference/*'), path(par, stageAs: 'par/*'), path(models, stageAs: 'models/*'), path(knowledge, stageAs: 'knowledge/*'), path(gene_models, stageAs: 'gene_models/*'), path(scores, stageAs: 'scores/*'), path(ancestry, stageAs: 'ancestry/*'), path(absolute_risk, stageAs: 'absolute_risk/*'), path(callable, stageAs: 'callable/*'), path(sites, stageAs: 'sites/*'), path(regions_file, stageAs: 'regions/*'), path(settings, stageAs: 'settings/*')
    val options

    output:
    tuple val(meta), path("${prefix}"), emit: shard
    path 'versions.yml', emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    prefix = task.ext.prefix ?: "${meta.id}.shard-${meta.shard}"
    def args = task.ext.args ?: ''
    def files = [vcf: vcf, patients: patients, reference: reference, par: par, models: models, knowledge: knowledge, gene_models: gene_models, scores: scores, ancestry: ancestry, callable: callable, sites: sites, regions_file: regions_file, settings: settings]
    // A retried task has a folder of its own, so what it is to continue from lies elsewhere. A shard that
    // was finished there but not taken over is of an attempt that died in between: it is run again.
    def state = options.checkpoints ? "${options.checkpoints}/${workflow.sessionId}" : '.'
    """
    mkdir -p '${state}'
    rm -rf '${state}/${prefix}'
    varisk ${options.verb} ${inputFlags(files, options)} --device ${options.device} --threads ${task.cpus} ${args} \\
        --shard-table ${plan}/shards.json --shard ${meta.shard} --resume --output '${state}/${prefix}'
    [ '${state}' = . ] || mv '${state}/${prefix}' .

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: \$(varisk -V | sed 's/^varisk //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.shard-${meta.shard}"
    """
    mkdir ${prefix}
    echo '{}' > ${prefix}/run.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: stub
    END_VERSIONS
    """
}
