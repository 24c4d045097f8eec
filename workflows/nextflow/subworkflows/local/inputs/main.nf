// The samplesheet of cohorts, and the files that every cohort is run with.

include { splitList; valueFaults } from '../parameters/main'

def rowsOf(input) {
    return file(input, glob: false).splitCsv(header: true, strip: true)
}

// A path of the samplesheet is relative to the sheet's folder, as in all sheets of varisk.
def besides(input, path) {
    if (!path) {
        return []
    }
    if (path.startsWith('/') || path.contains('://')) {
        return file(path, glob: false)
    }
    return file(input, glob: false).toAbsolutePath().parent.resolve(path).normalize()
}

// One sentence for each row that is not what assets/schema_input.json says.
def cohortFaults(input, schema, verb) {
    def about = new groovy.json.JsonSlurper().parseText(schema.text).items
    def rows = rowsOf(input)
    if (!rows) {
        return ["${input} has no cohort."]
    }
    def faults = []
    rows[0].keySet().findAll { column -> !about.properties.containsKey(column) }.each { column ->
        faults << "${input}: unknown column '${column}'; known are ${about.properties.keySet().join(', ')}."
    }
    rows.eachWithIndex { row, at ->
        def place = "${input}, row ${at + 1}"
        about.required.findAll { column -> !row[column] }.each { column ->
            faults << "${place}: ${column} is missing."
        }
        about.properties.findAll { column, _about -> row[column] }.each { column, property ->
            faults.addAll(valueFaults("${place}, ${column}", row[column], property.findAll { key, _value -> key != 'exists' }))
            if (property.exists && !besides(input, row[column]).exists()) {
                faults << "${place}: ${row[column]} is not there."
            }
        }
        if (!row.vcf && !(row.patients && row.patient_files)) {
            faults << "${place}: there must be a vcf, or patients with the patient_files that they name."
        }
        if (row.vcf && row.patient_files) {
            faults << "${place}: there cannot be both a vcf and patient_files."
        }
        if (verb == 'score' && row.patients) {
            faults << "${place}: --verb score knows no patients."
        }
    }
    rows.countBy { row -> row.id }.findAll { _id, times -> times > 1 }.each { id, _times ->
        faults << "${input}: the id '${id}' is there more than once."
    }
    return faults
}

// [meta, vcf, its index, samplesheet of patients, folder of patients' files] of each cohort.
def cohortsOf(input) {
    return rowsOf(input).collect { row ->
        def vcf = besides(input, row.vcf)
        def index = besides(input, row.vcf_index)
        if (vcf && !index) {
            index = ['.tbi', '.csi'].collect { ending -> vcf.resolveSibling(vcf.name + ending) }.find { path -> path.exists() } ?: []
        }
        [[id: row.id], vcf, index, besides(input, row.patients), besides(input, row.patient_files)]
    }
}

def filesOf(text) {
    return splitList(text).collect { path -> file(path, glob: false) }
}

// What PLAN, RUN and MERGE find under the same names. Lists, empty where there is none.
def resourcesOf(given) {
    def reference = file(given.reference, glob: false)
    def indices = ['.fai', '.gzi'].collect { ending -> reference.resolveSibling(reference.name + ending) }.findAll { path -> path.exists() }
    return [
        reference,
        indices,
        filesOf(given.par),
        filesOf(given.models),
        filesOf(given.knowledge),
        filesOf(given.gene_models),
        filesOf(given.scores),
        filesOf(given.ancestry),
        // Such a file names its tables relative to itself, so its folder is staged.
        filesOf(given.absolute_risk).collect { path -> path.parent }.unique(),
        filesOf(given.callable),
        filesOf(given.sites),
        filesOf(given.regions_file),
        filesOf(given.settings),
    ]
}

// What each process is told beside files, apart: a process that is told nothing new is not run again.
def optionsOf(given) {
    def common = [
        build: given.build,
        sources: given.sources,
        regions: splitList(given.regions),
        absolute_risk: filesOf(given.absolute_risk).collect { path -> "${path.parent.name}/${path.name}".toString() },
        onnxruntime: given.onnxruntime,
    ]
    return [
        plan: common + [
            verb: given.verb,
            shards: given.shards,
            balance: given.balance,
            patient_groups: given.patient_groups,
            probe_seconds: given.probe_seconds,
            threads: given.threads,
        ],
        run: common + [
            verb: given.verb,
            device: given.device,
            checkpoints: given.checkpoints ? file(given.checkpoints, glob: false).toAbsolutePath().toString() : null,
        ],
        merge: [onnxruntime: given.onnxruntime],
        report: [formats: given.report_formats, patients: given.report_patients],
    ]
}
