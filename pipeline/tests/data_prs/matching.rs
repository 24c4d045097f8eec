//! What becomes of each row of a scoring file, here and in pgscatalog-match on the same variants.
//!
//! Names differ: its `refalt` is a row whose effect allele is REF, `alt_ref` here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fasta::Genome;
use crate::prs;
use crate::support::oracle::shell;
use crate::support::program::{Call, Table, text, workspace};

/// A row of a scoring file in the layout of `pgscatalog-combine`.
#[derive(Clone)]
pub(crate) struct ScoreRow {
    pub(crate) accession: String,
    pub(crate) number: String,
    pub(crate) contig: String,
    pub(crate) position: String,
    pub(crate) effect: String,
    pub(crate) other: String,
    pub(crate) weight: String,
    pub(crate) kind: String,
}

pub(crate) fn read_scores(path: &Path) -> Vec<ScoreRow> {
    let path = text(path);
    let content = shell(&format!("zcat -f {path}"));
    let mut lines = content.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| {
            let at = header.iter().position(|own| *own == name);
            cells[at.unwrap_or_else(|| panic!("{path} has no {name}"))].to_owned()
        };
        ScoreRow {
            accession: cell("accession"),
            number: cell("row_nr"),
            contig: cell("chr_name"),
            position: cell("chr_position"),
            effect: cell("effect_allele"),
            other: cell("other_allele"),
            weight: cell("effect_weight"),
            kind: cell("effect_type"),
        }
    };
    lines.map(row).collect()
}

/// A target's variants.
pub(crate) struct Site {
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternates: String,
}

pub(crate) fn read_sites(path: &Path) -> Vec<Site> {
    let path = text(path);
    let lines = if path.ends_with(".vcf.gz") {
        shell(&format!(
            "bcftools query -f '%CHROM\\t%POS\\t%ID\\t%REF\\t%ALT\\n' {path}"
        ))
    } else {
        shell(&format!("grep -v '^#' {path}"))
    };
    let site = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        Site {
            contig: cells[0].to_owned(),
            position: cells[1].parse().expect("a position"),
            reference: cells[3].to_owned(),
            alternates: cells[4].to_owned(),
        }
    };
    lines.lines().map(site).collect()
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fate {
    pub(crate) match_type: Option<String>,
    /// Why it is not scored; `None` where it is.
    pub(crate) reason: Option<String>,
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [&self.match_type, &self.reason];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        f.write_str(&parts.join(", "))
    }
}

/// Fates by score and number of the row in it.
pub(crate) type Fates = BTreeMap<(String, usize), Fate>;

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) sites: Vec<Site>,
    pub(crate) rows: Vec<ScoreRow>,
    fasta: PathBuf,
}

impl World {
    pub(crate) fn new(sites: Vec<Site>, rows: Vec<ScoreRow>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut genome = Genome::default();
        for site in &sites {
            genome.put(&site.contig, site.position.into(), &site.reference);
        }
        let places: BTreeSet<(&str, u32)> = sites
            .iter()
            .map(|site| (site.contig.as_str(), site.position))
            .collect();
        // Where the target has nothing the score says what the genome has.
        for row in &rows {
            let Ok(position) = row.position.parse::<u32>() else {
                continue;
            };
            let is_base = matches!(row.other.as_str(), "A" | "C" | "G" | "T");
            if is_base && !places.contains(&(row.contig.as_str(), position)) {
                genome.put(&row.contig, position.into(), &row.other);
            }
        }
        let fasta = genome.write(folder.path());
        Self {
            folder,
            sites,
            rows,
            fasta,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Rows of each score in the order of the file.
    pub(crate) fn by_score(&self) -> BTreeMap<&str, Vec<&ScoreRow>> {
        let mut scores: BTreeMap<&str, Vec<&ScoreRow>> = BTreeMap::new();
        for row in &self.rows {
            scores.entry(&row.accession).or_default().push(row);
        }
        scores
    }

    /// A file for each score.
    pub(crate) fn write_scores(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for (name, rows) in self.by_score() {
            let mut out = format!(
                "#pgs_id={name}\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tis_dominant\tis_recessive\n"
            );
            for row in rows {
                let _ = writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{}",
                    row.contig,
                    row.position,
                    row.effect,
                    row.other,
                    row.weight,
                    row.kind == "dominant",
                    row.kind == "recessive"
                );
            }
            let path = folder.join(format!("{name}.txt"));
            std::fs::write(&path, out).expect("a file");
            files.push(path);
        }
        files
    }

    /// A run on the target's sites, each heterozygous in one person.
    pub(crate) fn call(&self, ambiguous: &str) -> Call {
        let files = self.write_scores(self.folder.path());
        let fai = std::fs::read_to_string(format!("{}.fai", text(&self.fasta))).expect("an index");
        let contigs: Vec<&str> = fai
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        let mut vcf = "##fileformat=VCFv4.2\n".to_owned();
        for line in fai.lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            let _ = writeln!(vcf, "##contig=<ID={},length={}>", cells[0], cells[1]);
        }
        vcf += "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n";
        let mut sites: Vec<&Site> = self.sites.iter().collect();
        sites.sort_by_key(|site| {
            (
                contigs.iter().position(|own| *own == site.contig),
                site.position,
            )
        });
        for site in sites {
            let _ = writeln!(
                vcf,
                "{}\t{}\t.\t{}\t{}\t.\t.\t.\tGT\t0/1",
                site.contig, site.position, site.reference, site.alternates
            );
        }
        let (path, sheet) = (self.at("target.vcf"), self.at("sheet.csv"));
        std::fs::write(&path, vcf).expect("a file");
        std::fs::write(&sheet, "patient,sample,sex\nS1,S1,female\n").expect("a file");
        let output = self.at("report");
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        prs(&path, &self.fasta, "other", &files, &output)
            .with("--samplesheet", text(&sheet))
            .with("--score-build", "other")
            .with("--unsupported-rows", "drop")
            .with("--ambiguous", ambiguous)
    }

    fn ours(&self, ambiguous: &str) -> Fates {
        self.call(ambiguous).succeed();
        let output = self.at("report");
        let log = Table::read(&output, "score_variants");
        std::fs::remove_dir_all(&output).expect("a folder");
        let (names, rows) = (log.texts("score"), log.texts("row"));
        let (kinds, reasons) = (log.column("match_type"), log.column("reason"));
        let fate = |at: usize| {
            let fate = Fate {
                match_type: kinds[at].map(str::to_owned),
                reason: reasons[at].map(str::to_owned),
            };
            (
                (names[at].to_owned(), rows[at].parse().expect("a number")),
                fate,
            )
        };
        (0..log.len()).map(fate).collect()
    }

    /// Runs pgscatalog-match; its log, or how it failed.
    pub(crate) fn matched(&self, flags: &str) -> Result<String, String> {
        let mut scores = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\teffect_type\tis_duplicated\taccession\trow_nr\n".to_owned();
        for row in self.by_score().into_values().flatten() {
            let _ = writeln!(
                scores,
                "{}\t{}\t{}\t{}\t{}\t{}\tFalse\t{}\t{}",
                row.contig,
                row.position,
                row.effect,
                row.other,
                row.weight,
                row.kind,
                row.accession,
                row.number
            );
        }
        let mut pvar = "#CHROM\tPOS\tID\tREF\tALT\n".to_owned();
        for site in &self.sites {
            let (contig, position) = (&site.contig, site.position);
            let (reference, alternates) = (&site.reference, &site.alternates);
            let id = format!(
                "{contig}:{position}:{reference}:{}",
                alternates.replace(',', "/")
            );
            let _ = writeln!(
                pvar,
                "{contig}\t{position}\t{id}\t{reference}\t{alternates}"
            );
        }
        let (score, target, out) = (
            self.at("scores.tsv"),
            self.at("target.pvar"),
            self.at("match"),
        );
        std::fs::write(&score, scores).expect("a file");
        std::fs::write(&target, pvar).expect("a file");
        std::fs::create_dir_all(&out).expect("a folder");
        let program = workspace().join(".varisk/oracles/bin/pgscatalog-match");
        let arguments = ["-d", "t", "--min_overlap", "0", "--combined"];
        let output = Command::new(&program)
            .args(arguments)
            .args([
                "-s",
                &text(&score),
                "-t",
                &text(&target),
                "--outdir",
                &text(&out),
            ])
            .args(flags.split_whitespace())
            .output();
        let output = output.unwrap_or_else(|error| {
            panic!("{}: {error}; 'make oracles' brings it", program.display())
        });
        let log = out.join("t_log.csv.gz");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(shell(&format!("zcat {}; rm -r {}", text(&log), text(&out))))
    }

    pub(crate) fn theirs(&self, flags: &str) -> Fates {
        let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (name, rows) in self.by_score() {
            for (at, row) in rows.into_iter().enumerate() {
                numbers.insert((name, &row.number), at + 1);
            }
        }
        assert_eq!(numbers.len(), self.rows.len());
        let log = self
            .matched(flags)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut lines = log.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let mut fates = Fates::new();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let cell = |name: &str| {
                cells[header
                    .iter()
                    .position(|own| *own == name)
                    .expect("a column")]
            };
            let key = (
                cell("accession").to_owned(),
                numbers[&(cell("accession"), cell("row_nr"))],
            );
            let fate = match cell("match_status") {
                "matched" => Fate {
                    match_type: Some(renamed(cell("match_type"))),
                    reason: None,
                },
                "excluded" => {
                    let mut flags: Vec<&str> = ["ambiguous", "duplicate_ID", "is_multiallelic"]
                        .into_iter()
                        .filter(|flag| cell(flag) == "true")
                        .collect();
                    flags.sort_unstable();
                    Fate {
                        match_type: Some(renamed(cell("match_type"))),
                        reason: Some(flags.join("+")),
                    }
                }
                "not_best" => continue,
                _ => Fate {
                    match_type: None,
                    reason: Some("unmatched".to_owned()),
                },
            };
            let before = fates.insert(key.clone(), fate);
            assert!(before.is_none(), "{key:?}");
        }
        fates
    }

    /// Compares the fates of all rows; how many rows fall under each rule.
    pub(crate) fn compare(&self, name: &str, flags: &str, ambiguous: &str) -> Counts {
        let (theirs, ours) = (self.theirs(flags), self.ours(ambiguous));
        assert_eq!(ours.len(), self.rows.len());
        let (mut counts, mut kinds) = (Counts::new(), BTreeMap::<String, usize>::new());
        for (key, fate) in &ours {
            let other = theirs
                .get(key)
                .unwrap_or_else(|| panic!("{key:?} has no row"));
            let Some(rule) = rule(other, fate) else {
                panic!("{name} {flags} {key:?}: {other} there, {fate} here");
            };
            *counts.entry(rule).or_default() += 1;
            *kinds.entry(fate.to_string()).or_default() += 1;
        }
        println!("{name} {flags}: {counts:?}; {kinds:?}");
        counts
    }

    /// Compares, and holds the deviations to those that are listed.
    pub(crate) fn expect(
        &self,
        name: &str,
        flags: &str,
        ambiguous: &str,
        deviations: &[(&'static str, usize)],
    ) {
        let mut counts = self.compare(name, flags, ambiguous);
        counts.retain(|rule, _| [KEPT, SEVERAL, EITHER, STRAND, OTHERWISE, USELESS].contains(rule));
        assert_eq!(
            counts,
            Counts::from_iter(deviations.iter().copied()),
            "{name} {flags}"
        );
    }
}

/// Deviations. An allele of a site is an allele, whatever else stands there; pgscatalog-match leaves
/// such sites out unless it is told to keep them.
pub(crate) const KEPT: &str = "multiallelic, kept here";
/// An effect allele alone that fits several alleles of a site: pgscatalog-match takes the first.
pub(crate) const SEVERAL: &str = "several alleles, refused here";
/// An indel that is an insertion or a deletion here, both of which are there: it takes one of them. Two
/// rows of a score that are each other's turn are duplicates.
pub(crate) const EITHER: &str = "two readings, refused here";
/// An indel whose complement is there. Files of indels on the other strand are unknown, and alleles in
/// repeats are easily those of something else.
pub(crate) const STRAND: &str = "indel on the other strand, unmatched here";
/// Both refuse the row, and name different things that are wrong with it.
pub(crate) const OTHERWISE: &str = "refused by both, for other reasons";
/// A row without an allele in the data whose strand could not be told either.
pub(crate) const USELESS: &str = "unmatched, ambiguous here";

pub(crate) type Counts = BTreeMap<&'static str, usize>;

/// Which rule a pair of fates falls under; `None` where nothing explains it.
fn rule(theirs: &Fate, ours: &Fate) -> Option<&'static str> {
    let their_reason = theirs.reason.as_deref();
    let is_same_match = theirs.match_type == ours.match_type;
    match (their_reason, ours.reason.as_deref()) {
        (None, None) if is_same_match => Some("matched by both"),
        (Some(reason), Some("ambiguous_strand")) if reason.starts_with("ambiguous") => {
            Some("ambiguous to both")
        }
        (Some(reason), Some("duplicate_row"))
            if reason.starts_with("duplicate") && is_same_match =>
        {
            Some("duplicate to both")
        }
        (Some(_), Some("several_alleles" | "ambiguous_strand")) if theirs.match_type.is_some() => {
            Some(OTHERWISE)
        }
        (None, Some("matches_two_alleles" | "duplicate_row")) => Some(EITHER),
        (None, Some("not_in_data" | "not_assayed" | "alleles_not_in_reference"))
            if theirs
                .match_type
                .as_deref()
                .is_some_and(|kind| kind.ends_with("_flipped")) =>
        {
            Some(STRAND)
        }
        // Without the other allele, at a site of several: it takes the first.
        (None, Some("several_alleles")) => Some(SEVERAL),
        // Whether there or not, such a row is of no use.
        (Some("unmatched"), Some("ambiguous_strand")) => Some(USELESS),
        (Some("unmatched"), Some(reason)) if UNMATCHED.contains(&reason) => {
            Some("unmatched by both")
        }
        // An allele of a site is an allele, whatever else stands there.
        (Some("is_multiallelic"), None) if is_same_match => Some(KEPT),
        _ => None,
    }
}

/// Reasons of rows that nobody can match.
const UNMATCHED: [&str; 7] = [
    "not_in_data",
    "not_assayed",
    "alleles_not_in_reference",
    "allele_not_bases",
    "hla_allele",
    "no_position",
    "unknown_contig",
];

/// Its name of a match as ours.
fn renamed(kind: &str) -> String {
    let (kind, flipped) = kind
        .strip_suffix("_flip")
        .map_or((kind, ""), |kind| (kind, "_flipped"));
    let kind = match kind {
        "refalt" => "alt_ref",
        "altref" => "ref_alt",
        "no_oa_ref" => "no_other_ref",
        "no_oa_alt" => "no_other_alt",
        other => panic!("a match '{other}'"),
    };
    format!("{kind}{flipped}")
}
