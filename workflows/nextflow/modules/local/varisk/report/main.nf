process VARISK_REPORT {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container 'varisk:0.1.0'

    input:
    tuple val(meta), path(run)
    val options

    output:
    tuple val(meta), path("${prefix}"), emit: pages
    tuple val(meta), path("${prefix}/*_mqc.json"), emit: multiqc, optional: true
    path 'versions.yml', emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    prefix = task.ext.prefix ?: "${meta.id}.pages"
    def args = task.ext.args ?: ''
    """
    varisk report ${run} --format ${options.formats} --patients ${options.patients} ${args} --output ${prefix}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: \$(varisk -V | sed 's/^varisk //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.pages"
    """
    mkdir ${prefix}
    touch ${prefix}/index.html ${prefix}/varisk_general_mqc.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varisk: stub
    END_VERSIONS
    """
}
