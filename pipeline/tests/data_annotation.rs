//! Annotation and site states on real cohorts, against what bcftools makes of the same files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::oracle::{Decoded, Key, shared, shell};
use crate::support::program::{Call, Table, testdata, text};
use crate::{MEMORY_LIMIT, measured};

const CLINVAR: &str = "clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz";
const CHR22: &str = "reference/grch37_chr22_1-22000000.fa.gz";
const COHORT_D: &str =
    "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz";
const EXAC: &str = "clinvar_gnomad/varfish/grch37-chr22__ExAC.r1.sites.vep.vcf.gz";
const SITES_1000G: &str = "clinvar_gnomad/varfish/grch37-chr22__ALL.chr22.phase3_shapeit2_mvncall_integrated_v5b.20130502.sites.vcf.gz";

pub(crate) fn build(folder: &Path, config: &str, reference: &Path) -> PathBuf {
    let (path, output) = (folder.join("knowledge.toml"), folder.join("bundle"));
    std::fs::write(&path, config).expect("a file");
    Call::new("knowledge build")
        .with("--config", text(&path))
        .with("--reference", text(reference))
        .with("--output", text(&output))
        .succeed();
    output
}

/// A region of ClinVar.
pub(crate) fn clinvar(folder: &Path, region: &str) -> String {
    let path = text(&folder.join("clinvar.vcf.gz"));
    let whole = text(&shared(CLINVAR));
    shell(&format!(
        "bcftools view -r {region} -Oz -o {path} {whole}; bcftools index {path}"
    ));
    path
}

/// Columns of the variants table by allele, each with the values of the rows that have it.
pub(crate) fn by_allele(
    table: &Table,
    columns: &[&str],
) -> BTreeMap<Key, Vec<Vec<Option<String>>>> {
    let [contigs, positions, references] =
        ["contig", "position", "ref"].map(|name| table.texts(name));
    let alternates = table.column("alt");
    let values: Vec<Vec<Option<&str>>> = columns.iter().map(|name| table.column(name)).collect();
    let mut rows: BTreeMap<Key, Vec<Vec<Option<String>>>> = BTreeMap::new();
    for row in 0..table.len() {
        let key = (
            contigs[row].to_owned(),
            positions[row].to_owned(),
            references[row].to_owned(),
            alternates[row].unwrap_or(".").to_owned(),
        );
        let own = values.iter().map(|column| column[row].map(str::to_owned));
        rows.entry(key).or_default().push(own.collect());
    }
    rows
}

/// Fields that `bcftools annotate` gives the alleles of a file, both sides normalised first; `.` is
/// nothing.
pub(crate) fn by_bcftools(
    folder: &Path,
    target: &str,
    source: &str,
    fasta: &str,
    fields: &[&str],
) -> BTreeMap<Key, Vec<Option<String>>> {
    let at = |name: &str| text(&folder.join(name));
    let (sites, known) = (at("target.norm.vcf.gz"), at("source.norm.vcf.gz"));
    // Nothing of the target's own INFO may be taken for the source's.
    for (bare, from, to) in [("-x INFO", target, &sites), ("-x ID", source, &known)] {
        // bcftools refuses to drop the samples of some files that have none.
        let samples = shell(&format!("bcftools query -l {from} 2>/dev/null"));
        let sites = if samples.is_empty() { "" } else { "-G" };
        shell(&format!(
            "bcftools annotate {bare} {from} | bcftools view {sites} | bcftools norm -m -any -f {fasta} -Oz -o {to} 2>/dev/null; bcftools index -f {to}"
        ));
    }
    let columns: Vec<String> = fields.iter().map(|field| format!("INFO/{field}")).collect();
    let shown: Vec<String> = fields
        .iter()
        .map(|field| format!("\\t%INFO/{field}"))
        .collect();
    let lines = shell(&format!(
        "bcftools annotate -a {known} -c {} {sites} | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT{}\\n'",
        columns.join(","),
        shown.concat()
    ));
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().expect("four columns");
        let key = (next(), next(), next(), next());
        let values = cells.map(|cell| (cell != ".").then_some(cell));
        (key, values.collect::<Vec<_>>())
    };
    lines.lines().map(row).collect()
}

pub(crate) fn is_bases(key: &Key) -> bool {
    let is_bases = |text: &str| text.bytes().all(|base| base.is_ascii_uppercase());
    is_bases(&key.2) && is_bases(&key.3)
}

/// Numbers as bcftools prints them: 32-bit floats with six digits.
fn same_number(ours: &str, theirs: &str) -> bool {
    let [ours, theirs] = [ours, theirs].map(|text| text.parse::<f64>().expect("a number"));
    let rounded = format!("{:.5e}", ours as f32)
        .parse::<f64>()
        .expect("a number");
    (rounded - theirs).abs() <= 1e-5 * theirs.abs()
}

/// Set E: three gVCFs of a trio, and the sites of its joint VCF. Two of the gVCFs cover little.
#[test]
fn sites_of_a_joint_vcf_in_three_gvcfs() {
    const PEOPLE: [&str; 3] = ["NA24143", "NA24149", "NA24385"];
    let folder = tempfile::tempdir().expect("a folder");
    let trio = shared("cohort_vcf/nfcmgg_ajtrio");
    let fasta = shared("reference/nfcmgg_chr21/hg38_chr21_22000000_23000000.fasta");
    let joint = trio.join("vcfs/Ashkenazim.vcf.gz");
    let mut sheet = "patient,vcf\n".to_owned();
    for person in PEOPLE {
        let file = text(&trio.join(format!("gvcfs/{person}.g.vcf.gz")));
        sheet += &format!("{person},{file}\n");
    }
    let path = folder.path().join("sheet.csv");
    std::fs::write(&path, sheet).expect("a samplesheet");
    let call = |output: &str| {
        Call::new("evidence")
            .with("--samplesheet", text(&path))
            .with("--sites", text(&joint))
            .with("--reference", text(&fasta))
            .with("--build", "other")
            .with("--output", text(&folder.path().join(output)))
    };
    call("report").succeed();
    let decoded = Decoded::of(&joint, &fasta, "e");
    let table = Table::read(&folder.path().join("report"), "evidence");
    let owners = table.texts("patient");
    let keys = {
        let columns = ["contig", "position", "ref"].map(|name| table.texts(name));
        let alternates = table.column("alt");
        move |row: usize| -> Key {
            let [contig, position, reference] = columns.each_ref().map(|it| it[row].to_owned());
            (
                contig,
                position,
                reference,
                alternates[row].unwrap_or(".").to_owned(),
            )
        }
    };
    let (states, genotypes) = (table.texts("state"), table.column("genotype"));
    let mut found: BTreeMap<(&str, Key), (&str, Option<&str>)> = BTreeMap::new();
    for row in 0..table.len() {
        found.insert((owners[row], keys(row)), (states[row], genotypes[row]));
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut differ = 0;
    let mut sites = 0;
    for row in decoded.rows.iter().filter(|row| is_bases(&row.key)) {
        sites += 1;
        for person in PEOPLE {
            let (state, genotype) = found[&(person, row.key.clone())];
            let kind = if state.starts_with("called") {
                "called"
            } else {
                state
            };
            *counts.entry((person, kind)).or_default() += 1;
            let at = decoded.samples.iter().position(|sample| sample == person);
            let joint = row.copies[at.expect("a sample")];
            let copies = genotype.map(|text| text.matches('1').count() as u8);
            differ += usize::from(kind == "called" && copies != joint);
        }
    }
    println!("{sites} alleles: {counts:?}; {differ} differ from the joint VCF");
    let of = |person: &'static str, state: &'static str| counts.get(&(person, state)).copied();
    // The joint VCF writes no call where these two have no record.
    assert_eq!(of("NA24143", "called"), Some(sites));
    for person in ["NA24149", "NA24385"] {
        assert_eq!(of(person, "called"), Some(16), "{person}");
        assert_eq!(of(person, "not_assayed"), Some(sites - 16), "{person}");
    }
    // Joint calling has dropped another allele at 419776 and called the genotype anew.
    assert_eq!(differ, 1);

    call("assumed").also("--absent-as-reference", "").succeed();
    let assumed = Table::read(&folder.path().join("assumed"), "evidence");
    let states = assumed.texts("state");
    let own = assumed.texts("patient").into_iter().zip(&states);
    let assumed =
        own.filter(|(person, state)| *person == "NA24149" && **state == "assumed_reference");
    assert!(assumed.count() > 1500);
}

/// Sources of chromosome 22.
fn bundle_22(folder: &Path, fasta: &Path) -> (PathBuf, String) {
    let sites = text(&folder.join("sites.vcf.gz"));
    let cohort = text(&shared(COHORT_D));
    shell(&format!(
        "bcftools view -G -Oz -o {sites} {cohort}; bcftools index {sites}"
    ));
    let config = format!(
        r#"genome_build = "GRCh37"
[[source]]
name = "kg"
kind = "vcf"
path = "{sites}"
release = "v5a"
licence = "open"
fields = {{ af = "AF", ac = "AC", an = "AN", eur = "EUR_AF" }}
[[source]]
name = "exac"
kind = "vcf"
path = "{}"
release = "r1"
licence = "open"
fields = {{ af = "AF", ac_nfe = "AC_NFE" }}
[[source]]
name = "clinvar"
kind = "clinvar"
path = "{}"
release = "2016-10"
licence = "public domain"
"#,
        text(&shared(EXAC)),
        clinvar(folder, "22:16050000-21999000"),
    );
    (build(folder, &config, fasta), sites)
}

/// Set D: 2,504 people with a bundle, in bounded memory; frequencies equal to bcftools.
#[test]
fn thousand_genomes_with_knowledge() {
    let folder = tempfile::tempdir().expect("a folder");
    let fasta = shared(CHR22);
    let (bundle, sites) = bundle_22(folder.path(), &fasta);
    let output = folder.path().join("report");
    let call = Call::new("run")
        .with("--vcf", text(&shared(COHORT_D)))
        .with("--reference", text(&fasta))
        .with("--build", "GRCh37")
        .with("--model", testdata("models/variant-kmer"))
        .with("--knowledge", text(&bundle))
        .with("--threads", "2")
        .with("--output", text(&output));
    let (peak, seconds) = measured(&call);
    assert!(peak <= MEMORY_LIMIT, "{peak} MiB, {seconds:.1} s");
    let variants = Table::read(&output, "variants");
    let ours = by_allele(&variants, &["kg.af", "kg.ac", "kg.an", "kg.eur", "exac.af"]);
    let fields = ["AF", "AC", "AN", "EUR_AF"];
    let theirs = by_bcftools(folder.path(), &sites, &sites, &text(&fasta), &fields);
    let (mut compared, mut found) = (0, 0);
    for (key, values) in theirs.iter().filter(|(key, _)| is_bases(key)) {
        // Where the file repeats an allele the source's first one counts.
        if ours[key].len() > 1 {
            continue;
        }
        for (own, value) in ours[key][0].iter().zip(values) {
            let is_same = match (own, value) {
                (Some(own), Some(value)) => same_number(own, value),
                (own, value) => own == value,
            };
            assert!(is_same, "{key:?}: {own:?}, bcftools {value:?}");
            found += usize::from(own.is_some());
        }
        compared += 1;
    }
    assert!(compared > 6000 && found > 24_000, "{compared} {found}");
    println!("set D: {compared} alleles equal to bcftools annotate; {peak} MiB, {seconds:.1} s");
}

/// INFO fields that `varisk annotate` writes read in bcftools as what `bcftools annotate` writes; VCF
/// and BCF alike.
#[test]
fn annotated_files_read_in_bcftools() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| text(&folder.path().join(name));
    let fasta = shared(CHR22);
    let (bundle, _) = bundle_22(folder.path(), &fasta);
    let target = text(&shared(SITES_1000G));
    for name in ["out.vcf", "out.vcf.gz", "out.bcf"] {
        Call::new("annotate")
            .with("--vcf", target.clone())
            .with("--reference", text(&fasta))
            .with("--build", "GRCh37")
            .with("--knowledge", text(&bundle))
            .with("--sources", "exac,clinvar")
            .with("--output", at(name))
            .succeed();
    }
    let fasta = text(&fasta);
    // bcftools refuses records with what a header does not define.
    let (given, exac) = (text(&shared(EXAC)), at("exac.vcf.gz"));
    let lacked = "##INFO=<ID=HOM_CONSANGUINEOUS,Number=.,Type=String,Description=\"x\">\\n##FILTER=<ID=AC_Adj0_Filter,Description=\"x\">";
    shell(&format!(
        "bgzip -dc {given} | awk '/^#CHROM/ {{ print lacked }} 1' lacked='{lacked}' | bgzip > {exac}"
    ));
    let theirs = by_bcftools(folder.path(), &target, &exac, &fasta, &["AF", "AC_NFE"]);
    let mut matched = 0;
    for name in ["out.vcf", "out.vcf.gz", "out.bcf"] {
        let file = at(name);
        // Without a word of complaint.
        let complaints = shell(&format!("bcftools view {file} 2>&1 >/dev/null"));
        assert_eq!(complaints, "", "{name}");
        let lines = shell(&format!(
            "bcftools norm -m -any -f {fasta} {file} 2>/dev/null | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t%exac_af\\t%exac_ac_nfe\\n'"
        ));
        for line in lines.lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            let [contig, position, reference, alternate] =
                [0, 1, 2, 3].map(|at: usize| cells[at].to_owned());
            let key = (contig, position, reference, alternate);
            if !is_bases(&key) {
                continue;
            }
            for (cell, value) in cells[4..].iter().zip(&theirs[&key]) {
                let is_same = match (*cell, value) {
                    (".", None) => true,
                    (cell, Some(value)) => cell != "." && same_number(cell, value),
                    _ => false,
                };
                assert!(is_same, "{name} {key:?}: {cell}, bcftools {value:?}");
                matched += usize::from(*cell != ".");
            }
        }
        // What the file had of its own is still there.
        let own =
            "bcftools query -f '%CHROM %POS %ID %REF %ALT %QUAL %FILTER %INFO/AF %INFO/AC\\n'";
        let [given, found] = [&target, &file].map(|file| shell(&format!("{own} {file}")));
        assert_eq!(given, found, "{name}");
    }
    println!("{matched} values equal in VCF, BGZF and BCF");
    assert!(matched > 800, "{matched}");
}
