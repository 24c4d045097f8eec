// The flags that plan and run of a cohort have in common. Files stand below the task's folder under the
// same names in every task, so that a merge finds the files of its shards.

def quoted(text) {
    return "'" + text.toString().replace("'", "'\\''") + "'"
}

// FLAG VALUE for each value; nothing where there is none. Staged names are quoted by Nextflow itself.
def flag(name, values) {
    return [values].flatten().findAll { value -> value != null && value != '' }.collect { value -> "${name} ${value}" }
}

def inputFlags(files, options) {
    return [
        flag('--vcf', files.vcf),
        flag('--samplesheet', files.patients),
        flag('--reference', files.reference),
        flag('--build', options.build ? quoted(options.build) : null),
        flag('--par', files.par),
        flag('--model', files.models),
        flag('--knowledge', files.knowledge),
        flag('--sources', options.sources ? quoted(options.sources) : null),
        flag('--gene-models', files.gene_models),
        flag('--score', files.scores),
        flag('--ancestry', files.ancestry),
        flag('--absolute-risk', options.absolute_risk.collect { path -> quoted("absolute_risk/${path}") }),
        flag('--callable', files.callable),
        flag('--sites', files.sites),
        flag('--region', options.regions.collect { region -> quoted(region) }),
        flag('--regions-file', files.regions_file),
        flag('--config', files.settings),
        flag('--onnxruntime', options.onnxruntime ? quoted(options.onnxruntime) : null),
    ].flatten().join(' ')
}

// Flags of the program that starts a container; none where there is no such program.
def containerFlags(engine, device, checkpoints) {
    if (!engine) {
        return ''
    }
    def docker = engine == 'docker' || engine == 'podman'
    def card = device == 'cpu' ? [] : [docker ? '--gpus all' : '--nv']
    def folder = checkpoints ? ["${docker ? '-v' : '-B'} ${quoted(checkpoints)}:${quoted(checkpoints)}"] : []
    return (card + folder).join(' ')
}
