//! Exports against the programs and definitions of others: R4's JSON Schema, the validator of FHIR
//! profiles, bcftools. `.ci/setup --fhir` and `.ci/setup --oracles` bring them.

#[cfg(test)]
#[path = "../src/testing.rs"]
mod testing;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output};

    use serde_json::{Value, json};
    use varisk_dossier::Dossier;
    use varisk_exchange::fhir::{FhirExport, FhirSettings};
    use varisk_exchange::{tsv, vcf};

    use crate::testing::{self, NAMES};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn bundle(build: &str, dossier: &Dossier) -> Value {
        let mut record = testing::record();
        record.genome_build = build.to_owned();
        let settings = FhirSettings::try_new("2026-01-31T12:00:00Z", None).unwrap();
        FhirExport::new(&record, "ff", settings).bundle(dossier)
    }

    /// Bundles of all kinds, with the example of the documentation.
    fn bundles() -> Vec<(String, Value)> {
        let nothing = Dossier {
            patient: "A".to_owned(),
            ..Dossier::default()
        };
        let mut all = vec![
            ("nothing".to_owned(), bundle("GRCh38", &nothing)),
            ("other".to_owned(), bundle("other", &testing::dossier("A"))),
        ];
        for (number, name) in NAMES.iter().enumerate() {
            let dossier = testing::dossier(name);
            all.push((format!("name{number}"), bundle("GRCh38", &dossier)));
        }
        let example = root().join("docs/examples/fhir-bundle.json");
        let example = std::fs::read(example).unwrap();
        all.push((
            "example".to_owned(),
            serde_json::from_slice(&example).unwrap(),
        ));
        all
    }

    #[test]
    fn bundles_are_of_the_schema_of_r4() {
        let path = root().join(".varisk/fhir/fhir.schema.json");
        let schema = std::fs::read(&path)
            .unwrap_or_else(|_| panic!("{} is not there: run .ci/setup --fhir", path.display()));
        let schema: Value = serde_json::from_slice(&schema).unwrap();
        // The schema is a choice among all kinds of resources; an error is told of the one it is.
        let kinds = [
            "Observation",
            "RiskAssessment",
            "DiagnosticReport",
            "Patient",
            "Device",
        ];
        let validator = |kind: &str| {
            let mut schema = schema.clone();
            let own = schema.as_object_mut().unwrap();
            own.remove("oneOf");
            own.remove("discriminator");
            own.insert("$ref".to_owned(), format!("#/definitions/{kind}").into());
            jsonschema::validator_for(&schema).unwrap()
        };
        let whole = validator("Bundle");
        let single = kinds.map(|kind| (kind, validator(kind)));
        for (name, bundle) in bundles() {
            for entry in bundle["entry"].as_array().unwrap() {
                let resource = &entry["resource"];
                for (kind, validator) in &single {
                    if resource["resourceType"] == *kind {
                        let error = validator.validate(resource).err();
                        assert!(error.is_none(), "{name}: {error:?}\n{resource}");
                    }
                }
            }
            assert!(whole.is_valid(&bundle), "{name}");
            let mut broken = bundle;
            broken["entry"][0]["resource"]["status"] = json!(7);
            assert!(!whole.is_valid(&broken), "{name}");
        }
    }

    fn validate(files: &[PathBuf]) -> Output {
        Command::new(root().join(".ci/fhir/validate"))
            .args(files)
            .output()
            .unwrap()
    }

    /// All bundles pass, and the same bundle without what a profile asks for does not.
    #[test]
    fn bundles_are_of_the_profiles_of_the_guide() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        let mut write = |name: &str, bundle: &Value| {
            let path = folder.path().join(format!("{name}.json"));
            std::fs::write(&path, bundle.to_string()).unwrap();
            files.push(path);
        };
        for (name, bundle) in bundles() {
            // The names differ in texts alone; two of them are enough for the slow validator.
            if !matches!(name.as_str(), "name2" | "name3" | "name4" | "name5") {
                write(&name, &bundle);
            }
        }
        let mut broken = bundle("GRCh38", &testing::dossier("A"));
        let entries = broken["entry"].as_array_mut().unwrap();
        for entry in entries {
            let resource = &mut entry["resource"];
            match resource["resourceType"].as_str() {
                Some("Observation") => resource["category"] = json!([]),
                Some("RiskAssessment") => {
                    resource["prediction"][0]["probabilityRange"] = json!({"low": {"value": 0.04}});
                }
                _ => {}
            }
        }
        write("broken", &broken);
        let output = validate(&files);
        let found = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            found.contains("errors\t"),
            "the validator did not end: {errors}{found}"
        );
        let of = |name: &str| -> Vec<&str> {
            let start = format!("error\t{name}");
            found
                .lines()
                .filter(|line| line.starts_with(&start))
                .collect()
        };
        let good: Vec<&str> = of("")
            .into_iter()
            .filter(|line| !line.contains("\tbroken.json"))
            .collect();
        assert!(good.is_empty(), "{}", good.join("\n"));
        let broken = of("broken.json").join("\n");
        assert!(broken.contains("labCategory"), "{broken}");
        assert!(broken.contains("ras-1"), "{broken}");
    }

    #[test]
    fn bcftools_reads_alleles_without_a_warning() {
        let (folder, run) = testing::variants_run(["chr1", "chrUn"], 2_147_483_648);
        let path = folder.path().join("out.vcf.gz");
        let mut file = std::fs::File::create(&path).unwrap();
        vcf::write_vcf_bgzf(&run, &[], &mut file).unwrap();
        let bcftools = |arguments: &[&str]| {
            let output = Command::new("bcftools")
                .args(arguments)
                .arg(&path)
                .output()
                .unwrap_or_else(|_| panic!("bcftools is not there: run .ci/setup --oracles"));
            let warnings = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && warnings.is_empty(), "{warnings}");
            String::from_utf8(output.stdout).unwrap()
        };
        bcftools(&["index"]);
        let format = "%CHROM %POS %ID %REF %ALT %FILTER %INFO/VARISK_score.m_1.out %INFO/VARISK_s.count %INFO/VARISK_s.text %INFO/VARISK_s.flag\n";
        assert_eq!(
            bcftools(&["query", "-f", format]),
            "chr1 5 rs1;x%20y A G q10;a_b 0.1 2147483648 a%3Bb%3Dc%2Cd%25e%20f%0A 1\n\
             chrUn 7 . C . PASS . 3 . 0\n"
        );
        let arguments = [
            "+split-vep",
            "-a",
            "VARISK_consequence.all",
            "-f",
            "%Consequence %hgvsp\n",
            "-d",
        ];
        assert_eq!(bcftools(&arguments), "a%7Cb X:p.Ala1%3D\nc .\n");
        // To BCF and back, which looks at every value's type.
        let text = bcftools(&["view", "--no-version", "-H"]);
        assert_eq!(text.lines().count(), 2);
        bcftools(&["view", "-Ob", "-o", "/dev/null"]);
    }

    #[test]
    fn python_reads_tables_as_they_are() {
        let (folder, run) = testing::run();
        let path = folder.path().join("risk.tsv");
        let mut file = std::fs::File::create(&path).unwrap();
        tsv::write_table(&run, "risk", None, &mut file).unwrap();
        let program = "import csv, sys\n\
            rows = list(csv.DictReader(open(sys.argv[1], newline=''), delimiter='\\t', quoting=csv.QUOTE_NONE))\n\
            print(len(rows), len({r['patient'] for r in rows}), {len(r) for r in rows})";
        let output = Command::new("python3")
            .args(["-c", program])
            .arg(&path)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("6 6 {"), "{text}{:?}", output.stderr);
    }
}
