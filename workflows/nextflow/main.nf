#!/usr/bin/env nextflow
// varisk on a cluster: plan the shards of each cohort, run them, merge them, make the reports.

include { helpText; parameterFaults } from './subworkflows/local/parameters/main'
include { cohortFaults; cohortsOf; resourcesOf; optionsOf } from './subworkflows/local/inputs/main'
include { VARISK } from './workflows/varisk'

workflow {
    def schema = file("${projectDir}/nextflow_schema.json")
    if (params.help) {
        println(helpText(schema))
    }
    else {
        // Everything that can be seen to be wrong is said at once, before a task starts.
        def faults = parameterFaults(params, schema)
        if (!faults) {
            faults = cohortFaults(params.input, file("${projectDir}/assets/schema_input.json"), params.verb)
        }
        if (faults) {
            error(faults.join('\n'))
        }
        VARISK(
            channel.fromList(cohortsOf(params.input)),
            channel.value(resourcesOf(params)),
            optionsOf(params),
            params.outdir,
        )
    }
}
