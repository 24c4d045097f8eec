"""Checks the conda recipe, the Dockerfile and the Apptainer definition: recipe.py [OPTION].

The tools that conda people lint with are not on PyPI, so the rules of Bioconda that matter here are
checked by hand; and that what has to be the same in several files is the same. '--self-test' breaks
copies of the files and expects each defect to be found; '--as-dockerfile NAME=VALUE' prints the definition
as a Dockerfile, which can be built where Apptainer is not at hand.
"""

import pathlib
import re
import sys
import tomllib

import jinja2
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
RECIPE = "pipeline/packages/conda/meta.yaml"
DOCKERFILE = "pipeline/packages/container/Dockerfile"
IGNORE = "pipeline/packages/container/Dockerfile.dockerignore"
DEFINITION = "pipeline/packages/container/varisk.def"
CUDA = "pipeline/packages/container/cuda.txt"
WHEELS = ".ci/wheels.txt"
CARGO = "Cargo.toml"
FILES = [RECIPE, DOCKERFILE, IGNORE, DEFINITION, CUDA, WHEELS, CARGO, "rust-toolchain.toml", "pipeline/pyproject.toml"]

SECTIONS = {
    "package": {"name", "version"},
    "source": {"url", "sha256", "patches"},
    "build": {"number", "skip", "run_exports", "script"},
    "requirements": {"build", "host", "run", "run_constrained"},
    "test": {"commands", "requires", "source_files"},
    "about": {"home", "license", "license_family", "license_file", "summary", "description", "dev_url", "doc_url"},
    "extra": {"additional-platforms", "recipe-maintainers", "identifiers", "skip-lints"},
}
DEFINED = {"arguments", "files", "post", "environment", "labels", "runscript", "test", "help", "setup", "startscript"}


def rendered(text, platform):
    """The recipe as conda-build reads it: lines for other platforms left out, then Jinja, then YAML."""
    names = {"linux": platform.startswith("linux"), "osx": platform.startswith("osx"), "win": False, "unix": True}
    lines = []
    for line in text.splitlines():
        selector = re.search(r"#\s*\[([^\]]+)\]\s*$", line)
        if not selector or eval(selector.group(1), {"__builtins__": {}}, names):
            lines.append(line)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    functions = {
        "compiler": lambda language: f"compiler_{language}",
        "stdlib": lambda language: f"stdlib_{language}",
        "pin_subpackage": lambda name, **pins: f"{name} {pins.get('max_pin')}",
    }
    return yaml.safe_load(environment.from_string("\n".join(lines)).render(functions))


def check_recipe(files):
    """The rules of Bioconda's linter that concern a program in Rust, and our own, on each platform."""
    for platform in ["linux-64", "linux-aarch64"]:
        meta = rendered(files[RECIPE], platform)
        value = lambda path: meta.get(path.split("/")[0], {}).get(path.split("/")[1])
        for section, keys in meta.items():
            if section not in SECTIONS:
                yield f"unknown section '{section}'"
            else:
                yield from (f"unknown key '{section}/{key}'" for key in keys if key not in SECTIONS[section])
        for path in ["package/name", "package/version", "source/url", "about/home", "about/license", "about/summary", "test/commands"]:
            if not value(path):
                yield f"{path} is missing"
        if not isinstance(value("build/number"), int):
            yield "build/number is missing"
        if value("build/skip"):
            yield f"{platform} is skipped"
        if not re.fullmatch(r"[0-9a-f]{64}", str(value("source/sha256"))):
            yield "source/sha256 is no SHA-256"
        if not re.search(r"^https://.*/v[0-9.]+\.tar\.gz$", str(value("source/url"))):
            yield "source/url is no archive of a tag"
        # A release before 1.0 may change what it promises with its second number.
        compatible = "x.x" if str(value("package/version")).startswith("0.") else "x"
        if value("build/run_exports") != [f"varisk {compatible}"]:
            yield "build/run_exports must pin what is compatible"
        if len(value("about/summary") or "") > 120:
            yield "about/summary is longer than 120 characters"
        needs = {section: value(f"requirements/{section}") or [] for section in ["build", "host", "run"]}
        for section, specs in needs.items():
            for spec in specs:
                if re.search(r"[^ ][!~<=>]", spec.split(" ")[0]):
                    yield f"requirements/{section}: '{spec}' needs a space before the version"
                if section != "build" and spec.startswith(("compiler_", "stdlib_")):
                    yield f"requirements/{section}: '{spec}' belongs to build"
        for wanted in ["compiler_c", "compiler_rust", "stdlib_c", "cargo-bundle-licenses", "clangdev"]:
            if wanted not in needs["build"]:
                yield f"requirements/build lacks {wanted}"
        if not any(spec.split()[0] == "onnxruntime-cpp" for spec in needs["run"]):
            yield "requirements/run lacks onnxruntime-cpp, which has the library"
        if not any("varisk demo" in command for command in value("test/commands") or []):
            yield "test/commands does not run the demo"
        for name in value("about/license_file") or ["no licence"]:
            # This one is made while building.
            if name != "THIRDPARTY.yml" and not (TOP / name).is_file():
                yield f"about/license_file: {name} is not in the sources"


def definition(text):
    """The stages of an Apptainer definition: for each its header and its sections."""
    stages = []
    for part in re.split(r"(?m)^(?=Bootstrap:)", text):
        if not part.startswith("Bootstrap:"):
            continue
        head, *bodies = re.split(r"(?m)^%", part)
        header = dict(re.findall(r"(?m)^(\w+): *(.+)$", head))
        sections = {}
        for body in bodies:
            title, _, lines = body.partition("\n")
            sections[title.strip()] = [line.strip() for line in lines.splitlines() if line.strip() and not line.strip().startswith("#")]
        stages.append((header, sections))
    return stages


def packages(text):
    """What 'apt-get install' is told to bring, call by call."""
    return [sorted(word for word in line.split() if not word.startswith("-")) for line in re.findall(r"apt-get install(.*?)(?:\\?\n)", text)]


def check_containers(files):
    """Dockerfile and definition are of one making."""
    docker, stages = files[DOCKERFILE], definition(files[DEFINITION])
    for header, sections in stages:
        for title in sections:
            if title.split()[0] not in DEFINED:
                yield f"unknown section %{title}"
        if not any("set -eu" in line for line in sections.get("post", [])):
            yield f"%post of stage {header.get('Stage')} goes on after an error"
    bases = re.findall(r"(?m)^FROM (\S+)", docker)
    if bases != [header.get("From") for header, _ in stages]:
        yield "the definition stands on other images than the Dockerfile"
    for base in bases:
        tag = base.partition(":")[2]
        if not re.search(r"\d", tag):
            yield f"{base} names no version"
    if packages(docker) != packages(files[DEFINITION]):
        yield "the definition installs other packages than the Dockerfile"
    copied = {line.split()[0] for line in stages[0][1].get("files", [])} if stages else set()
    allowed = {line[1:] for line in files[IGNORE].splitlines() if line.startswith("!")}
    if copied != allowed:
        yield f"%files and {pathlib.Path(IGNORE).name} differ: {', '.join(sorted(copied ^ allowed))}"
    yield from (f"{name} is not in the sources" for name in sorted(copied | allowed) if not (TOP / name).exists())
    if re.search(r"(?m)^(ENTRYPOINT|HEALTHCHECK)", docker):
        yield "an ENTRYPOINT or HEALTHCHECK stands in the way of workflow engines"
    user = re.findall(r"(?m)^USER (\S+)", docker)
    if not user or user[-1].split(":")[0] in {"root", "0"}:
        yield "the image runs as root"
    for wanted in ["bash", "procps", "libstdc++6"]:
        if wanted not in packages(docker)[-1]:
            yield f"the image lacks {wanted}"
    labels = dict(re.findall(r'(org\.opencontainers\.image\.\w+)="([^"]*)"', docker))
    for name in ["title", "description", "version", "licenses", "source"]:
        ours = f"org.opencontainers.image.{name}"
        other = [line for line in stages[-1][1].get("labels", []) if line.startswith(ours + " ")]
        if ours not in labels:
            yield f"the Dockerfile lacks the label {ours}"
        elif other != [f"{ours} {labels[ours]}"]:
            yield f"the label {ours} differs in the definition"
    # Everything that is fetched is pinned by hash.
    for line in files[CUDA].splitlines():
        if line and not line.startswith("#") and not re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line):
            yield f"no version with hash: {line}"


def check_versions(files):
    """What names a version twice names the same."""
    workspace = tomllib.loads(files[CARGO])["workspace"]["package"]
    version = workspace["version"]
    recipe = rendered(files[RECIPE], "linux-64")
    if str(recipe["package"]["version"]) != version:
        yield "the recipe is of another version than Cargo.toml"
    if f'org.opencontainers.image.version="{version}"' not in files[DOCKERFILE]:
        yield "the Dockerfile is of another version than Cargo.toml"
    if recipe.get("about", {}).get("license") != workspace["license"]:
        yield "the recipe has another licence than Cargo.toml"
    channel = tomllib.loads(files["rust-toolchain.toml"])["toolchain"]["channel"]
    for name in [DOCKERFILE, DEFINITION]:
        if f"rust:{channel}-" not in files[name] or f"RUSTUP_TOOLCHAIN={channel}\n" not in files[name]:
            yield f"{name} builds with another Rust than rust-toolchain.toml"
    release = re.search(r"(?m)^onnxruntime==(\S+)", files[WHEELS]).group(1)
    if f"onnxruntime-gpu=={release} " not in files[CUDA]:
        yield "cuda.txt has another ONNX Runtime than wheels.txt"
    project = tomllib.loads(files["pipeline/pyproject.toml"])
    maturin = next(line for line in (TOP / ".ci/packages.txt").read_text().splitlines() if line.startswith("maturin=="))
    if project["build-system"]["requires"] != [maturin]:
        yield "pyproject.toml builds with another maturin than packages.txt"
    if project["project"]["license"] != workspace["license"]:
        yield "pyproject.toml has another licence than Cargo.toml"


def as_dockerfile(text, arguments):
    """A definition as a Dockerfile: what its stages copy, run and set, and its test at the end."""
    for name, value in arguments.items():
        text = text.replace("{{ " + name + " }}", value)
    lines = []
    for header, sections in definition(text):
        lines.append(f"FROM {header['From']} AS {header['Stage']}")
        for title, body in sections.items():
            word, _, rest = title.partition(" ")
            if word == "files":
                source = f"--from={rest.removeprefix('from ')} " if rest else ""
                lines += [f"COPY {source}{line}" for line in body]
            elif word in {"post", "test"}:
                lines += ["RUN " + " && ".join(body)]
            elif word == "environment":
                lines += ["ENV " + line.removeprefix("export ") for line in body]
    return "\n".join(lines)


def defects(files):
    for check in [check_recipe, check_containers, check_versions]:
        yield from check(files)


# What breaks a file, and words of the complaint that it must bring.
BROKEN = [
    (RECIPE, "    - {{ stdlib('c') }}\n", "", "lacks stdlib_c"),
    (RECIPE, "onnxruntime-cpp >=1.17", "onnxruntime-cpp>=1.17", "needs a space"),
    (RECIPE, "onnxruntime-cpp >=1.17", "onnxruntime >=1.17", "lacks onnxruntime-cpp"),
    (RECIPE, "sha256: \"{{ sha256 }}\"\n", "md5: 1\n", "source/sha256"),
    (RECIPE, 'max_pin="x.x"', 'max_pin="x"', "run_exports"),
    (RECIPE, "  number: 0\n", "", "build/number"),
    (RECIPE, "about:\n", "abuot:\n", "unknown section"),
    (RECIPE, "  summary:", "  sumary:", "about/summary is missing"),
    (RECIPE, "# [osx]", "# [linux]", "is skipped"),
    (RECIPE, 'version = "0.1.0"', 'version = "0.2.0"', "another version"),
    (DOCKERFILE, "USER 10001:10001\n", "", "runs as root"),
    (DOCKERFILE, "debian:12.12-slim", "debian:latest", "names no version"),
    (DOCKERFILE, " procps ", " ", "lacks procps"),
    (DOCKERFILE, "CMD [", "ENTRYPOINT [", "stands in the way"),
    (DOCKERFILE, "rust:1.95.0", "rust:1.94.0", "another Rust"),
    (IGNORE, "!testdata\n", "", "differ: testdata"),
    (DEFINITION, "%post", "%psot", "unknown section"),
    (DEFINITION, "    set -eu\n", "", "goes on after an error"),
    (DEFINITION, "image.version 0.1.0", "image.version 0.0.1", "differs in the definition"),
    (CUDA, "onnxruntime-gpu==1.31.1", "onnxruntime-gpu==1.30.0", "another ONNX Runtime"),
    (CUDA, " --hash=sha256:dcc6", " #", "no version with hash"),
]


def main():
    files = {name: (TOP / name).read_text() for name in FILES}
    if sys.argv[1:] == ["--self-test"]:
        missed = []
        for name, old, new, words in BROKEN:
            if old not in files[name]:
                missed.append(f"{name} does not hold {old!r}")
                continue
            found = list(defects({**files, name: files[name].replace(old, new)}))
            if not any(words in one for one in found):
                missed.append(f"{name} with {new!r} for {old!r} was not found: {found}")
        print(*[f"recipe.py: {one}" for one in missed] or [f"recipe.py: found all of {len(BROKEN)} defects"], sep="\n")
        return bool(missed)
    if sys.argv[1:2] == ["--as-dockerfile"]:
        print(as_dockerfile(files[DEFINITION], dict(word.split("=", 1) for word in sys.argv[2:])))
        return False
    found = list(dict.fromkeys(defects(files)))
    print(*[f"recipe.py: {one}" for one in found] or ["recipe.py: recipe, Dockerfile and definition are in order"], sep="\n")
    return bool(found)


sys.exit(main())
