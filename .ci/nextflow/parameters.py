"""Whether the settings of the Nextflow pipeline, its schemas and its modules say the same.

    nextflow RELEASE config -flat -profile standard workflows/nextflow | parameters.py FOLDER CARGO.TOML

Prints a line for each fault; exits with 1 where there is one.
"""

import csv
import json
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
release = re.search(r'^version = "(.+)"$', pathlib.Path(sys.argv[2]).read_text(), re.M).group(1)
faults = []


def value(text):
    if text.startswith("'"):
        return text[1:-1].replace("\\'", "'")
    return {"null": None, "true": True, "false": False}.get(text, int(text) if text.lstrip("-").isdigit() else text)


settings = dict(line.strip().split(" = ", 1) for line in sys.stdin if re.match(r"[\w.]+ = ", line))
defaults = {key.removeprefix("params."): value(text) for key, text in settings.items() if key.startswith("params.")}

schema = json.loads((folder / "nextflow_schema.json").read_text())
described = {}
for name, group in schema["$defs"].items():
    if {"$ref": f"#/$defs/{name}"} not in schema["allOf"]:
        faults.append(f"the group {name} of the schema is not in its allOf")
    for key in group.get("required", []):
        if key not in group["properties"]:
            faults.append(f"--{key} is required but not described")
    for key, about in group["properties"].items():
        if key in described:
            faults.append(f"--{key} is described twice")
        described[key] = about
for key in sorted(defaults.keys() ^ described.keys()):
    faults.append(f"--{key} is {'described but has no default in' if key in described else 'not described but has a default in'} nextflow.config")
for key, about in described.items():
    if about.get("default") != defaults.get(key):
        faults.append(f"--{key} is {defaults.get(key)!r} in nextflow.config and {about.get('default')!r} in the schema")
    if about.get("type") not in ("string", "integer", "number", "boolean") or not about.get("description"):
        faults.append(f"--{key} lacks a type or a description")
    if "enum" in about and "default" in about and about["default"] not in about["enum"]:
        faults.append(f"--{key}: the default is none of its choices")
    if "pattern" in about and "default" in about and not re.search(about["pattern"], str(about["default"])):
        faults.append(f"--{key}: the default does not match its pattern")

# The samplesheet of the test by the schema of samplesheets.
columns = json.loads((folder / "assets/schema_input.json").read_text())["items"]["properties"]
with open(folder / "assets/samplesheet_test.csv", newline="") as sheet:
    for column in csv.DictReader(sheet).fieldnames:
        if column not in columns:
            faults.append(f"samplesheet_test.csv: the column {column} is not in schema_input.json")

# Every place that names the release of varisk names this one.
named = {"manifest.version": value(settings.get("manifest.version", "null")), "--container": defaults.get("container", "").split(":")[-1]}
modules = [path for path in sorted((folder / "modules/local/varisk").iterdir()) if "process " in (path / "main.nf").read_text()]
for module in modules:
    for part in ("main.nf", "meta.yml", "environment.yml"):
        if not (module / part).is_file():
            faults.append(f"{module.name} has no {part}")
    script = (module / "main.nf").read_text()
    for needed in ("tag ", "label ", "conda ", "container ", "when:", "stub:", "versions.yml", "task.ext.args", "task.ext.prefix"):
        if needed not in script:
            faults.append(f"{module.name}/main.nf has no {needed.strip()}")
    named[f"{module.name}/main.nf"] = (re.search(r"container 'varisk:(.+)'", script) or [None, None])[1]
    if (module / "environment.yml").is_file():
        named[f"{module.name}/environment.yml"] = (re.search(r"varisk==(\S+)", (module / "environment.yml").read_text()) or [None, None])[1]
for place, version in named.items():
    if version != release:
        faults.append(f"{place} names varisk {version}; this is {release}")
if len(modules) != 4:
    faults.append(f"there are {len(modules)} modules, not 4")

for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
