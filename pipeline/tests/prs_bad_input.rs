//! Flags, fields and verbs with which scores cannot be computed: one sentence, its exit code, and nothing
//! left behind.

use std::path::Path;

use crate::prs_options::identified_files;
use crate::support::cohort::Vcf;
use crate::support::program::{Call, testdata, text};
use crate::support::refusal::{
    assert_refused, check_from, secret_cohort, secret_prs, secret_sheet, write,
};
use crate::support::scores::{panel, with_all};

const USAGE: i32 = 64;
const DATA: i32 = 65;

#[test]
fn flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let [by_position, by_name] = identified_files(folder.path());
    drop(by_position);
    let panel = panel(folder.path());
    check_from(
        secret_prs,
        &[
            (
                "a cohort of 48",
                USAGE,
                &|_, call| call.with("--impute", "cohort"),
                &["48", "50", "--impute frequencies"],
            ),
            (
                "no panel",
                USAGE,
                &|_, call| call.with("--impute", "panel"),
                &["--impute panel", "--ancestry"],
            ),
            (
                "no bundle",
                USAGE,
                &|_, call| call.with("--frequencies", "population.af"),
                &["--frequencies population.af", "--knowledge"],
            ),
            (
                "no frequencies",
                USAGE,
                &|_, call| call.with("--impute", "frequencies"),
                &["--impute frequencies", "--frequencies"],
            ),
            (
                "no identifiers",
                DATA,
                &|_, call| call.with("--score", by_name.clone()),
                &["NAMED.txt", "identifier", "bundle"],
            ),
            (
                "identifiers without a bundle",
                USAGE,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "names.id")
                },
                &["--rsids names.id", "--knowledge"],
            ),
            (
                "a share above 1",
                USAGE,
                &|_, call| call.with("--min-coverage", "2"),
                &["min_coverage", "0 to 1"],
            ),
            (
                "a share that is no number",
                USAGE,
                &|_, call| call.with("--min-coverage", "NaN"),
                &["min_coverage", "0 to 1"],
            ),
            (
                "a model",
                USAGE,
                &|_, call| call.with("--model", testdata("models/variant-kmer")),
                &["'prs' computes scores alone", "--model", "'run'"],
            ),
            (
                "haplotypes",
                USAGE,
                &|_, call| call.with("--haplotypes", "phased"),
                &["'prs' computes scores alone", "--haplotypes"],
            ),
            (
                "gene models",
                USAGE,
                &|_, call| call.with("--gene-models", testdata("genes.gff3")),
                &["'prs' computes scores alone", "--gene-models"],
            ),
            (
                "burden of genes",
                USAGE,
                &|_, call| {
                    call.with("--burden-frequency", "population.af")
                        .with("--burden-max-frequency", "0.01")
                },
                &["'prs' computes scores alone", "--burden"],
            ),
            (
                "nothing to do",
                USAGE,
                &|_, call| call.without("--score"),
                &["no score", "--score", "--ancestry"],
            ),
            (
                "a sample set that is a path",
                USAGE,
                &|_, call| with_all(call, &panel).with("--sampleset", "../elsewhere"),
                &["--sampleset", "letters"],
            ),
            (
                "no samplesheet, so no sexes",
                DATA,
                &|_, call| call.without("--samplesheet"),
                &["TOY1", "X or Y", "sex", "48 patients"],
            ),
            (
                "a samplesheet without sexes",
                DATA,
                &|inputs, call| {
                    let sheet = secret_sheet();
                    let sheet = sheet.replace(",male,", ",,").replace(",female,", ",,");
                    call.with("--samplesheet", write(inputs, "nosex.csv", sheet))
                },
                &["TOY1", "sex"],
            ),
        ],
    );
}

/// A bundle that lacks the field, or has no number there.
#[test]
fn fields_of_bundles() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = text(&crate::support::bundle::bundle(folder.path()));
    let [_, by_name] = identified_files(folder.path());
    check_from(
        |inputs, output| secret_prs(inputs, output).with("--knowledge", bundle.clone()),
        &[
            (
                "no such field",
                DATA,
                &|_, call| {
                    call.with("--impute", "frequencies")
                        .with("--frequencies", "gnomad.af")
                },
                &["no source 'gnomad'"],
            ),
            (
                "text",
                USAGE,
                &|_, call| {
                    call.with("--impute", "frequencies")
                        .with("--frequencies", "clinvar.significance")
                },
                &["clinvar.significance", "frequency"],
            ),
            (
                "no field with names",
                DATA,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "dbsnp.id")
                },
                &["no source 'dbsnp'"],
            ),
            (
                "a field of numbers",
                DATA,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "population.af")
                },
                &["population.af"],
            ),
        ],
    );
}

/// Verbs that have no patients, or no scores.
#[test]
fn verbs_without_scores() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = text(&folder.path().join("report"));
    let common = |verb: &'static str| {
        Call::new(verb)
            .with("--vcf", testdata("cohort.vcf.gz"))
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--output", output.clone())
    };
    let score = common("score").with("--model", testdata("models/variant-kmer"));
    let evidence = common("evidence").with("--sites", testdata("knowledge/population.vcf.gz"));
    let panel = text(&panel(folder.path()));
    for (flag, value) in [
        ("--score", testdata("scores")),
        ("--ancestry", panel),
        ("--absolute-risk", testdata("absolute-risk/model.toml")),
    ] {
        for call in [&score, &evidence] {
            let refused = call.clone().with(flag, value.clone()).run();
            assert_refused(flag, &refused, USAGE, &[flag, "'run'"]);
        }
        let refused = common("annotate")
            .with("--output", format!("{output}.vcf"))
            .with(flag, value)
            .run();
        assert_eq!(refused.code, Some(USAGE), "{flag}");
        assert!(refused.stderr.contains(flag), "{}", refused.stderr);
    }
    assert!(!folder.path().join("report").exists());
}

/// Variant files that are damaged are told from sound ones though most records are passed over.
#[test]
fn variants() {
    let edited = |inputs: &Path, call: Call, edit: &dyn Fn(&mut Vcf)| {
        let mut vcf = secret_cohort();
        edit(&mut vcf);
        call.with("--vcf", write(inputs, "edited.vcf", vcf.text()))
    };
    // A record of a score, and one that no score needs.
    let vcf = Vcf::bundled();
    let find = |position: &str| {
        let place = ["chr1", position];
        let at = vcf.records.iter().position(|record| record[..2] == place);
        at.expect("the record")
    };
    let (needed, other) = (find("1998"), find("1045"));
    check_from(
        secret_prs,
        &[
            (
                "cut short",
                DATA,
                &|inputs, call| {
                    let bytes = std::fs::read(testdata("cohort.vcf.gz")).expect("the cohort");
                    let path = write(inputs, "cut.vcf.gz", &bytes[..bytes.len() / 2]);
                    call.with("--vcf", path)
                        .with("--samplesheet", testdata("samplesheet.csv"))
                },
                &["cut.vcf.gz", "fetch it again"],
            ),
            (
                "another REF",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, &|vcf| vcf.records[needed][3] = "C".to_owned())
                },
                &["edited.vcf", "chr1:1998"],
            ),
            (
                "not sorted",
                DATA,
                &|inputs, call| edited(inputs, call, &|vcf| vcf.records.swap(needed, other)),
                &["edited.vcf", "bcftools sort"],
            ),
            (
                "a genotype that is none",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, &|vcf| {
                        vcf.records[needed][9] = "0/7".to_owned();
                    })
                },
                &["edited.vcf", "chr1:1998"],
            ),
            (
                "too few columns",
                DATA,
                &|inputs, call| edited(inputs, call, &|vcf| vcf.records[needed].truncate(20)),
                &["edited.vcf", "chr1:1998"],
            ),
            (
                "no samples",
                DATA,
                &|inputs, call| {
                    let sites = write(inputs, "sites.vcf", Vcf::bundled().sites().text());
                    call.with("--vcf", sites).without("--samplesheet")
                },
                &["sites.vcf", "no samples"],
            ),
        ],
    );
}
