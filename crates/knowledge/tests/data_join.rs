//! Joined fields equal those of `bcftools annotate` on real cohorts, after both of its sides went
//! through `bcftools norm -m -any -f`. Ours are given the files as they are.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use varisk_core::{ContigId, GenomeBuild, PloidyMap, RunLimits, SiteBatch, Stage as _, columns};
use varisk_knowledge::{Bundle, BundleBuilder, KnowledgeConfig, KnowledgeStage};
use varisk_readers::{
    FileInput, RecordSource, RefMismatch, Regions, SiteDecoder, SiteDecoderSettings, SourceSettings,
};
use varisk_reference::Reference;

/// The shared data folder.
fn shared() -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let data = folder.join("data");
    assert!(
        data.is_dir(),
        "{} is not there; set VARISK_SHARED to the folder that holds data/",
        data.display()
    );
    data
}

/// Runs a tool; its output.
fn run(tool: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(tool)
        .args(arguments)
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}); install {tool}"));
    assert!(
        output.status.success(),
        "{tool} {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn bcftools(arguments: &[&str]) -> Vec<u8> {
    run("bcftools", arguments)
}

/// One comparison.
struct Case<'a> {
    name: &'a str,
    build: &'a str,
    reference: &'a str,
    source: &'a str,
    /// Part of the source to take: that which the reference has bases of.
    region: &'a str,
    kind: &'a str,
    /// (our field, INFO field).
    fields: &'a [(&'a str, &'a str)],
    target: &'a str,
}

/// What was compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    alleles: usize,
    /// Alleles with a value in any field.
    matched: usize,
    /// Source records with several alternates.
    multiallelic: usize,
    /// Alleles that the target repeats and that differ: bcftools gives the second record of an
    /// allele the source's second, the stage gives each the source's first.
    repeated: usize,
}

type Alleles = BTreeMap<(String, u32, String, String), Vec<Vec<String>>>;

fn check(case: &Case<'_>) -> Counts {
    let data = shared();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let reference = data.join(case.reference).display().to_string();
    let source = defined(&data.join(case.source), &path("source.vcf"));
    let target = defined(&data.join(case.target), &path("target.vcf"));
    let part = path("part.vcf.gz");
    bcftools(&[
        "view",
        "-r",
        case.region,
        &source,
        "-Oz",
        "-o",
        &path("region.vcf.gz"),
    ]);
    drop_samples(&path("region.vcf.gz"), &part);

    let theirs = by_bcftools(case, &reference, &part, &target, &path);
    let bundle = build(case, &reference, &part, folder.path());
    let ours = joined(case, &bundle, &reference, &target);

    let several = bcftools(&["view", "-H", "-m", "3", &part]);
    let mut counts = Counts {
        alleles: ours.values().map(Vec::len).sum(),
        matched: ours
            .values()
            .flatten()
            .filter(|values| values.iter().any(|value| value != "."))
            .count(),
        multiallelic: several
            .split(|byte| *byte == b'\n')
            .filter(|l| !l.is_empty())
            .count(),
        repeated: 0,
    };
    let mut differences: Vec<String> = Vec::new();
    for (allele, values) in &ours {
        let others = theirs.get(allele).map_or(&[][..], Vec::as_slice);
        if others.len() != values.len() || others.first() != values.first() {
            differences.push(format!("{allele:?}: {values:?}, bcftools {others:?}"));
        }
        counts.repeated += values.iter().zip(others).filter(|(a, b)| a != b).count();
    }
    differences.extend(
        theirs
            .keys()
            .filter(|allele| !ours.contains_key(*allele))
            .map(|allele| format!("{allele:?}: bcftools only")),
    );
    assert!(
        differences.is_empty(),
        "{}: {} differences, first {:#?}",
        case.name,
        differences.len(),
        &differences[..differences.len().min(10)]
    );
    println!("{}: {counts:?}", case.name);
    counts
}

/// A file whose header defines all its INFO fields and filters: that of ExAC lacks some, which stops
/// bcftools.
fn defined(file: &Path, copy: &str) -> String {
    const LACKED: &str = "##INFO=<ID=HOM_CONSANGUINEOUS,Number=.,Type=String,Description=\"x\">\n\
                          ##FILTER=<ID=AC_Adj0_Filter,Description=\"x\">\n#CHROM";
    let file = file.display().to_string();
    if !file.contains("ExAC") {
        return file;
    }
    let text = String::from_utf8(run("bgzip", &["-dc", &file])).unwrap();
    std::fs::write(copy, text.replacen("#CHROM", LACKED, 1)).unwrap();
    run("bgzip", &["-f", copy]);
    let packed = format!("{copy}.gz");
    bcftools(&["index", "-t", &packed]);
    packed
}

/// Takes the genotypes out; bcftools refuses that of some files that have none.
fn drop_samples(input: &str, output: &str) {
    if bcftools(&["query", "-l", input]).is_empty() {
        std::fs::copy(input, output).unwrap();
    } else {
        bcftools(&["view", "-G", input, "-Oz", "-o", output]);
    }
}

/// Fields of each normalised allele of the target, by bcftools.
fn by_bcftools(
    case: &Case<'_>,
    reference: &str,
    source: &str,
    target: &str,
    path: &dyn Fn(&str) -> String,
) -> Alleles {
    let normalised = |input: &str, output: &str| {
        bcftools(&[
            "norm", "-m", "-any", "-f", reference, "-c", "w", input, "-Oz", "-o", output,
        ]);
        bcftools(&["index", "-f", "-t", output]);
    };
    let (source_norm, sites, target_norm) = (
        path("source.norm.vcf.gz"),
        path("sites.vcf.gz"),
        path("target.norm.vcf.gz"),
    );
    normalised(source, &source_norm);
    let bare = path("bare.vcf.gz");
    bcftools(&["annotate", "-x", "INFO", target, "-Oz", "-o", &bare]);
    drop_samples(&bare, &sites);
    normalised(&sites, &target_norm);
    let columns: Vec<String> = case
        .fields
        .iter()
        .map(|(_, info)| format!("INFO/{info}"))
        .collect();
    let annotated = path("annotated.vcf.gz");
    bcftools(&[
        "annotate",
        "-a",
        &source_norm,
        "-c",
        &columns.join(","),
        "--pair-logic",
        "exact",
        &target_norm,
        "-Oz",
        "-o",
        &annotated,
    ]);
    let wanted: String = case
        .fields
        .iter()
        .map(|(_, info)| format!("\\t%INFO/{info}"))
        .collect();
    let format = format!("%CHROM\\t%POS\\t%REF\\t%ALT{wanted}\\n");
    let text = String::from_utf8(bcftools(&["query", "-f", &format, &annotated])).unwrap();
    let mut alleles = Alleles::new();
    for line in text.lines() {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().unwrap();
        let key = (
            next(),
            next().parse().unwrap(),
            next().to_uppercase(),
            next().to_uppercase(),
        );
        if key.3.bytes().all(|base| base.is_ascii_uppercase()) {
            let values = cells.map(|value| six_digits(&value)).collect();
            alleles.entry(key).or_default().push(values);
        }
    }
    alleles
}

/// A number as bcftools prints it: 32-bit floats with six digits. Other text stays as it is.
fn six_digits(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if text.contains(['.', 'e']) || number != 0.0 => {
            let short = format!("{:.5e}", number as f32);
            short.parse::<f64>().unwrap().to_string()
        }
        _ => text.to_owned(),
    }
}

fn build(case: &Case<'_>, reference: &str, source: &str, folder: &Path) -> Bundle {
    let fields: Vec<String> = case
        .fields
        .iter()
        .filter(|(ours, _)| !matches!(*ours, "significance_raw" | "disease"))
        .map(|(ours, info)| format!("{ours} = '{info}'"))
        .collect();
    let text = format!(
        "genome_build = '{}'\n[[source]]\nname = 's'\nkind = '{}'\npath = '{source}'\nrelease = '1'\nlicence = 'x'\nfields = {{ {} }}\n",
        case.build,
        case.kind,
        fields.join(", ")
    );
    let config = folder.join("knowledge.toml");
    std::fs::write(&config, text).unwrap();
    let config = KnowledgeConfig::read(&config).unwrap_or_else(|error| panic!("{error}"));
    let reference = Reference::open(reference).unwrap();
    let mut builder =
        BundleBuilder::try_new(&folder.join("bundle"), config.genome_build, reference).unwrap();
    builder
        .add(&config.sources[0], &mut |_| ())
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    builder.finish().unwrap()
}

/// Fields of each normalised allele of the target, by the stage.
fn joined(case: &Case<'_>, bundle: &Bundle, reference: &str, target: &str) -> Alleles {
    let reference = Reference::open(reference).unwrap();
    let contigs = Arc::clone(reference.contigs());
    let wanted: Vec<String> = case
        .fields
        .iter()
        .map(|(ours, _)| format!("s.{ours}"))
        .collect();
    let stage = KnowledgeStage::try_new(bundle, &wanted, &contigs).unwrap();
    let mut worker = stage.worker().unwrap();
    let inputs = [FileInput::open(Path::new(target)).unwrap()];
    let settings = SiteDecoderSettings::try_new(
        &inputs,
        0,
        &[],
        Arc::clone(&contigs),
        PloidyMap::new(&contigs, GenomeBuild::Other),
        RefMismatch::Refuse,
    )
    .unwrap();
    let mut decoder = SiteDecoder::new(Arc::new(settings), reference.reader().unwrap());
    let limits = RunLimits {
        batch_records: 500,
        ..RunLimits::default()
    };
    let settings = SourceSettings {
        contigs,
        regions: Regions::all(),
        limits,
    };
    let mut source = RecordSource::try_new(Vec::from(inputs), &settings).unwrap();
    let mut alleles = Alleles::new();
    let mut number = 0;
    while let Some(raw) = source.next_batch().unwrap() {
        let decoded = decoder.decode(number, &raw).unwrap();
        assert_eq!(decoded.bad, []);
        number += 1;
        let batch = worker.process(decoded.batch).unwrap();
        collect(&batch, &wanted, &mut alleles);
    }
    alleles
}

fn collect(batch: &SiteBatch, wanted: &[String], alleles: &mut Alleles) {
    let contigs = batch.contig_column().unwrap();
    let positions = batch.position_column().unwrap();
    let references = batch.text(columns::REFERENCE).unwrap();
    let alternates = batch.text(columns::ALTERNATE).unwrap();
    for row in 0..batch.len() {
        let alternate = if alternates.is_null(row) {
            "."
        } else {
            alternates.value(row)
        };
        if !alternate.bytes().all(|base| base.is_ascii_uppercase()) {
            continue;
        }
        let key = (
            batch
                .contigs()
                .name(ContigId(contigs.value(row)))
                .to_owned(),
            positions.value(row),
            references.value(row).to_owned(),
            alternate.to_owned(),
        );
        let values = wanted
            .iter()
            .map(|name| shown(batch.sites().column_by_name(name).unwrap(), row))
            .collect();
        alleles.entry(key).or_default().push(values);
    }
}

fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return ".".to_owned();
    }
    match column.data_type() {
        DataType::Float64 => six_digits(&format!(
            "{:e}",
            column.as_primitive::<Float64Type>().value(row)
        )),
        DataType::Int64 => six_digits(&column.as_primitive::<Int64Type>().value(row).to_string()),
        _ => six_digits(column.as_string::<i32>().value(row)),
    }
}

const CLINVAR: &str = "clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz";
const CLINVAR_FIELDS: &[(&str, &str)] = &[
    ("significance_raw", "CLNSIG"),
    ("disease", "CLNDBN"),
    ("gene", "GENE"),
];
const CHR22: &str = "reference/grch37_chr22_1-22000000.fa.gz";
const BRCA1: &str = "brca1_grch37_true_coords/chr17_brca1_sparse.fa.gz";
const SITES_1000G: &str = "clinvar_gnomad/varfish/grch37-chr22__ALL.chr22.phase3_shapeit2_mvncall_integrated_v5b.20130502.sites.vcf.gz";
const EXAC: &str = "clinvar_gnomad/varfish/grch37-chr22__ExAC.r1.sites.vep.vcf.gz";
const COHORT: &str = "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz";

#[test]
fn set_a_clinvar_on_brca1() {
    let counts = check(&Case {
        name: "ClinVar on set A",
        build: "GRCh37",
        reference: BRCA1,
        source: CLINVAR,
        region: "17:41196312-41277000",
        kind: "clinvar",
        fields: CLINVAR_FIELDS,
        target: "brca1_grch37_true_coords/brca1_1kg_3samples.vcf.gz",
    });
    assert!(counts.matched > 20, "{counts:?}");
}

#[test]
fn set_d_frequencies_on_the_cohort() {
    let counts = check(&Case {
        name: "frequencies on set D",
        build: "GRCh37",
        reference: CHR22,
        source: COHORT,
        region: "22:16000000-16500000",
        kind: "vcf",
        fields: &[("af", "AF"), ("ac", "AC"), ("an", "AN"), ("eur", "EUR_AF")],
        target: COHORT,
    });
    assert!(
        counts.matched > 6_000 && counts.multiallelic > 20,
        "{counts:?}"
    );
}

#[test]
fn exac_on_1000_genomes_sites() {
    let counts = check(&Case {
        name: "ExAC on 1000 Genomes sites, chr22",
        build: "GRCh37",
        reference: CHR22,
        source: EXAC,
        region: "22",
        kind: "vcf",
        fields: &[
            ("af", "AF"),
            ("ac", "AC"),
            ("an", "AN"),
            ("ac_nfe", "AC_NFE"),
        ],
        target: SITES_1000G,
    });
    assert!(counts.matched > 20 && counts.multiallelic > 5, "{counts:?}");
}

#[test]
fn clinvar_and_1000_genomes_on_exac_sites() {
    for (source, kind, fields) in [
        (CLINVAR, "clinvar", CLINVAR_FIELDS),
        (
            SITES_1000G,
            "vcf",
            &[("af", "AF"), ("eur", "EUR_AF"), ("vt", "VT")],
        ),
    ] {
        let counts = check(&Case {
            name: kind,
            build: "GRCh37",
            reference: CHR22,
            source,
            region: "22:1-21999000",
            kind,
            fields,
            target: EXAC,
        });
        assert!(counts.alleles > 800, "{counts:?}");
    }
}

#[test]
fn set_c_frequencies_as_text() {
    const DBSNP: &str = "clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz";
    let counts = check(&Case {
        name: "dbSNP with 1000 Genomes frequencies on set C",
        build: "GRCh38",
        reference: "reference/vep_grch38_chr21_sparse.fa.gz",
        source: DBSNP,
        region: "21",
        kind: "vcf",
        fields: &[("maf", "MAF"), ("afr", "AFR"), ("eur", "EUR")],
        target: DBSNP,
    });
    assert!(
        counts.alleles > 100_000 && counts.matched > 10_000,
        "{counts:?}"
    );
}

#[test]
fn bcf_gives_the_same_table_as_vcf() {
    let data = shared();
    let folder = tempfile::tempdir().unwrap();
    let cohort = data.join(COHORT).display().to_string();
    let reference = Reference::open(data.join(CHR22)).unwrap();
    let mut tables = Vec::new();
    for (name, kind) in [("s.vcf.gz", "z"), ("s.bcf", "b"), ("s.vcf", "v")] {
        let path = folder.path().join(name).display().to_string();
        bcftools(&["view", "-G", &cohort, "-O", kind, "-o", &path]);
        let config = format!(
            "genome_build = 'GRCh37'\n[[source]]\nname = 's'\nkind = 'vcf'\npath = '{path}'\nrelease = '1'\nlicence = 'x'\nfields = {{ af = 'AF', an = {{ from = 'AN', type = 'integer' }}, vt = 'VT', filter = 'FILTER', multi = 'MULTI_ALLELIC' }}\n"
        );
        let file = folder.path().join("knowledge.toml");
        std::fs::write(&file, config).unwrap();
        let config = KnowledgeConfig::read(&file).unwrap();
        let output = folder.path().join(format!("out-{kind}"));
        let mut builder =
            BundleBuilder::try_new(&output, config.genome_build, reference.clone()).unwrap();
        builder
            .add(&config.sources[0], &mut |_| ())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        tables.push(builder.finish().unwrap().sources()[0].table.clone());
    }
    assert!(tables[0].rows > 6_000);
    assert!(
        tables.iter().all(|table| *table == tables[0]),
        "{tables:#?}"
    );
}

/// Public gene tables, with the column names and the selection that the documentation gives.
#[test]
fn gene_tables_as_they_are_published() {
    let data = shared();
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str, path: &str, more: &str| {
        let path = data.join(path).display().to_string();
        format!(
            "[[source]]\nname = '{name}'\nkind = 'gene_table'\npath = '{path}'\nrelease = '1'\nlicence = 'x'\n{more}\n"
        )
    };
    let text = "genome_build = 'GRCh38'\n".to_owned()
        + &source(
            "v4",
            "clinvar_gnomad/scout_gnomad.v4.1.constraint_metrics_reduced.tsv.gz",
            "key = { column = 'gene_id', by = 'id' }\nonly = { mane_select = 'true' }\nfields = { loeuf = { from = 'lof.oe_ci.upper', type = 'float' } }",
        )
        + &source(
            "v2",
            "clinvar_gnomad/gnomad.v2.1.1.gene-constraints.tsv.gz",
            "key = { column = 'gene', by = 'symbol' }\nfields = { pli = { from = 'pLI', type = 'float' }, loeuf = { from = 'oe_lof_upper', type = 'float' } }",
        )
        + &source(
            "validity",
            "phenotype_kb/clingen/Clingen-Gene-Disease-Summary-2025-01-09.csv.gz",
            "key = { column = 'GENE SYMBOL', by = 'symbol' }\nfields = { disease = 'DISEASE LABEL', class = 'CLASSIFICATION' }",
        );
    let file = folder.path().join("knowledge.toml");
    std::fs::write(&file, text).unwrap();
    let config = KnowledgeConfig::read(&file).unwrap();
    let reference = Reference::open(data.join(CHR22)).unwrap();
    let output = folder.path().join("out");
    let mut builder = BundleBuilder::try_new(&output, config.genome_build, reference).unwrap();
    for source in &config.sources {
        let locked = builder
            .add(source, &mut |_| ())
            .unwrap_or_else(|error| panic!("{error}"));
        println!(
            "{}: {} rows, {} duplicates, dropped {:?}",
            locked.name, locked.table.rows, locked.duplicates, locked.dropped
        );
        let dropped: u64 = locked.dropped.values().sum();
        assert_eq!(locked.records, locked.table.rows + dropped);
        assert!(locked.table.rows > 100);
    }
    builder.finish().unwrap();
}
