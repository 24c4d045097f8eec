// Parameters against nextflow_schema.json, without a plugin: plugins are fetched when a pipeline starts,
// which a cluster without a way out cannot do.

// The description of each parameter by its name; groups are of no matter here.
def parametersOf(schema) {
    def described = [:]
    def parsed = new groovy.json.JsonSlurper().parseText(schema.text)
    parsed['$defs'].each { _group, definition ->
        definition.properties.each { name, about ->
            described[name] = about + [needed: name in (definition.required ?: [])]
        }
    }
    return described
}

def helpText(schema) {
    def lines = parametersOf(schema).findAll { _name, about -> !about.hidden }.collect { name, about ->
        def fallback = about.default == null ? '' : " [${about.default}]"
        "  --${name.padRight(16)} ${about.description}${about.needed ? ' (needed)' : ''}${fallback}"
    }
    return (['Parameters:'] + lines).join('\n')
}

// One sentence for each parameter that is unknown, missing or not what the schema says.
def parameterFaults(given, schema) {
    def described = parametersOf(schema)
    def faults = []
    given.each { name, value ->
        if (described.containsKey(name)) {
            if (value != null) {
                faults.addAll(valueFaults("--${name}", value, described[name]))
            }
        }
        else if (!given.keySet().any { other -> other.contains('-') && plain(other) == plain(name) && other != name }) {
            // A name with hyphens is given twice, as written and in camel case.
            def near = described.keySet().find { known -> plain(known) == plain(name) }
            faults << "Unknown parameter --${name}${near ? "; did you mean --${near}?" : '; --help lists them.'}"
        }
    }
    described.each { name, about ->
        if (about.needed && (given[name] == null || given[name] == '')) {
            faults << "Parameter --${name} is needed (${about.description})."
        }
    }
    return faults
}

def plain(name) {
    return name.replaceAll('[-_]', '').toLowerCase()
}

// What one value lacks of its description in a JSON Schema. Used for the samplesheet too.
def valueFaults(name, value, about) {
    def text = value.toString()
    def isWhole = value instanceof Integer || value instanceof Long
    def isNumber = value instanceof Number
    // The command line turns a text of digits into a number.
    def fits = [
        string: value instanceof CharSequence || isNumber,
        integer: isWhole,
        number: isNumber,
        boolean: value instanceof Boolean,
    ]
    if (!fits[about.type]) {
        def article = about.type == 'integer' ? 'an' : 'a'
        return ["${name} must be ${article} ${about.type}, and is '${text}'."]
    }
    def faults = []
    if (about['enum'] && !(text in about['enum'])) {
        faults << "${name} must be one of ${about['enum'].join(', ')}, and is '${text}'."
    }
    if (about.pattern && !(text ==~ about.pattern)) {
        faults << "${name} is '${text}': ${about.errorMessage ?: "it must match ${about.pattern}"}."
    }
    if (isNumber && about.minimum != null && value < about.minimum) {
        faults << "${name} must be at least ${about.minimum}, and is ${text}."
    }
    if (about.exists && text) {
        faults.addAll(splitList(text).findAll { path -> !file(path, glob: false).exists() }.collect { path ->
            "${name}: ${path} is not there."
        })
    }
    return faults
}

// The parts of a list written with commas.
def splitList(text) {
    return text ? text.toString().tokenize(',').collect { part -> part.trim() }.findAll { part -> part } : []
}
