//! Site states from real gVCFs: against the joint VCF of the same trio, and against a model that
//! knows of each base alone.
#![cfg(test)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use varisk_core::RunLimits;
use varisk_readers::{MIN_BLOCK_DEPTH, MIN_BLOCK_GQ, ReferenceEvidence};
use varisk_reference::Reference;

use common::{Options, Outcome, read, run, shared, short};

const FOLDER: &str = "cohort_vcf/nfcmgg_ajtrio";
const FASTA: &str = "reference/nfcmgg_chr21/hg38_chr21_22000000_23000000.fasta";
const CONTIG: &str = "chr21";
const PEOPLE: [&str; 3] = ["NA24143", "NA24149", "NA24385"];

fn gvcfs() -> Vec<PathBuf> {
    PEOPLE
        .iter()
        .map(|person| shared().join(format!("{FOLDER}/gvcfs/{person}.g.vcf.gz")))
        .collect()
}

fn reference() -> Reference {
    Reference::open(shared().join(FASTA)).unwrap()
}

/// The three gVCFs, and the sites of one more file that has no patient.
fn with_sites(sites: &Path) -> (Vec<PathBuf>, Options) {
    let mut files = gvcfs();
    files.push(sites.to_owned());
    let mut samples: Vec<Vec<(String, usize)>> = PEOPLE
        .iter()
        .zip(0..)
        .map(|(person, patient)| vec![((*person).to_owned(), patient)])
        .collect();
    samples.push(Vec::new());
    let options = Options {
        samples: Some(samples),
        evidence: Some(ReferenceEvidence::default()),
        ..Options::default()
    };
    (files, options)
}

fn states(outcome: &Outcome) -> HashMap<String, Vec<String>> {
    assert_eq!(outcome.bad, []);
    let calls = |calls: &str| calls.split(' ').map(str::to_owned).collect();
    short(outcome)
        .iter()
        .filter_map(|row| row.split_once(" | "))
        .map(|(site, row)| (site.to_owned(), calls(row)))
        .collect()
}

/// Copies of the row's allele, if the call is complete.
fn copies(call: &str) -> Option<usize> {
    (!call.contains(['.', '-'])).then(|| call.matches('1').count())
}

/// Why a call from the gVCFs is not that of the joint VCF.
fn difference(ours: &str, joint: &str) -> Option<&'static str> {
    let unphased = |call: &str| {
        let mut alleles: Vec<char> = call.chars().filter(char::is_ascii_alphanumeric).collect();
        alleles.retain(|c| !"br".contains(*c));
        alleles.sort_unstable();
        alleles
    };
    match (ours, joint) {
        _ if unphased(ours) == unphased(joint) && copies(ours).is_some() => None,
        ("-", ".") => Some("outside the gVCF, which the joint VCF writes as no call"),
        // 'bcftools norm -m-' wrote another allele as reference.
        _ if copies(joint).is_some() && unphased(&ours.replace('o', "0")) == unphased(joint) => {
            Some("another allele, which the split joint VCF writes as reference")
        }
        ("./.", _) if copies(joint) == Some(0) => {
            Some("reference with low quality, which joint calling took")
        }
        _ => Some("another genotype"),
    }
}

/// Every site of the joint VCF, for each of the three.
#[test]
fn states_at_the_sites_of_the_joint_vcf() {
    let joint = shared().join(format!("{FOLDER}/vcfs/Ashkenazim.vcf.gz"));
    let (files, options) = with_sites(&joint);
    let reference = reference();
    let ours = states(&read(&reference, &files, &options).unwrap());
    let theirs = states(&read(&reference, &[joint], &Options::default()).unwrap());
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut others = Vec::new();
    for (site, joint_calls) in &theirs {
        let own = &ours[site];
        for ((call, joint), person) in own.iter().zip(joint_calls).zip(PEOPLE) {
            let class = difference(call, joint).unwrap_or("equal");
            *counts.entry((person, class)).or_default() += 1;
            if class == "another genotype" {
                others.push(format!("{site} {person}: {call} beside {joint}"));
            }
        }
    }
    println!("{counts:#?}\n{others:#?}");
    assert_eq!(theirs.len(), 1764);
    others.sort_unstable();
    assert_eq!(
        others,
        [
            // Joint calling has dropped the other allele and called the genotype anew.
            "chr21:419776 A>ATATATATATATATATATATATGTGTGTG NA24143: o/1 beside 1/1",
            // '*' with a REF cut to its new length: no allele that a state is inferred for.
            "chr21:456641 TAGAGAGAGAGAG>* NA24143: - beside 1/0",
        ]
    );
    let outside = "outside the gVCF, which the joint VCF writes as no call";
    let split = "another allele, which the split joint VCF writes as reference";
    let expected = [
        ((PEOPLE[0], split), 98),
        ((PEOPLE[0], "another genotype"), 2),
        ((PEOPLE[0], "equal"), 1664),
        ((PEOPLE[1], "equal"), 16),
        ((PEOPLE[1], outside), 1748),
        ((PEOPLE[2], "equal"), 16),
        ((PEOPLE[2], outside), 1748),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// What is known of one base: (genotype quality, depth) of a block, or a variant record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Unknown,
    Block(u32, u32),
    Record,
}

/// Each base of a gVCF, as bcftools reads it.
fn bases(file: &Path, length: usize) -> Vec<Base> {
    let format = "%POS\t%REF\t%ALT\t%INFO/END[\t%GT\t%GQ\t%MIN_DP]\n";
    let table = run("bcftools", &["query", "-f", format, file.to_str().unwrap()]);
    let mut bases = vec![Base::Unknown; length + 2];
    for line in String::from_utf8(table).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let start: usize = fields[0].parse().unwrap();
        let (end, base) = if fields[2] == "<NON_REF>" {
            assert_eq!(fields[4], "0/0");
            let number = |text: &str| text.parse().unwrap();
            (
                number(fields[3]) as usize,
                Base::Block(number(fields[5]), number(fields[6])),
            )
        } else {
            (start + fields[1].len() - 1, Base::Record)
        };
        for known in &mut bases[start..=end] {
            // A block behind a record that reaches into it does not take the record away.
            if *known != Base::Record {
                *known = base;
            }
        }
    }
    bases
}

/// Sites of one base all over the contig, and of an insertion beside each.
#[test]
fn blocks_equal_a_model_of_single_bases() {
    let reference = reference();
    let fasta = std::fs::read_to_string(shared().join(FASTA)).unwrap();
    let sequence: Vec<u8> = fasta
        .lines()
        .skip(1)
        .collect::<String>()
        .to_uppercase()
        .into_bytes();
    let folder = tempfile::tempdir().unwrap();
    let sites = folder.path().join("sites.vcf");
    let mut text =
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n".to_owned();
    let mut rows: Vec<(usize, String, bool)> = Vec::new();
    for position in (1..sequence.len()).step_by(41) {
        let base = sequence[position - 1] as char;
        let next = sequence[position] as char;
        let Some(other) = "ACGT".chars().find(|c| *c != base && *c != next) else {
            continue;
        };
        if base == 'N' {
            continue;
        }
        for (alternate, adds) in [(other.to_string(), false), (format!("{base}{other}"), true)] {
            text += &format!("{CONTIG}\t{position}\t.\t{base}\t{alternate}\t.\t.\t.\n");
            rows.push((
                position,
                format!("{CONTIG}:{position} {base}>{alternate}"),
                adds,
            ));
        }
    }
    std::fs::write(&sites, text).unwrap();
    let (files, options) = with_sites(&sites);
    let ours = states(&read(&reference, &files, &options).unwrap());
    let models: Vec<Vec<Base>> = gvcfs()
        .iter()
        .map(|file| bases(file, sequence.len()))
        .collect();
    let (mut compared, mut shown) = (0, 0);
    for (position, site, adds) in rows {
        for (model, call) in models.iter().zip(&ours[&site]) {
            let own = &model[position..=position + usize::from(adds)];
            if own.contains(&Base::Record) {
                continue;
            }
            let is_low = |base: &Base| matches!(base, Base::Block(gq, depth) if *gq < MIN_BLOCK_GQ || *depth < MIN_BLOCK_DEPTH);
            let expected = if own.iter().any(is_low) {
                "./."
            } else if own.contains(&Base::Unknown) {
                "-"
            } else {
                "b0/0"
            };
            assert_eq!(call, expected, "{site}");
            compared += 1;
            shown += usize::from(expected == "b0/0");
        }
    }
    println!("{compared} states compared, {shown} of them reference by a block");
    assert!(compared > 100_000 && shown > 20_000, "{compared} {shown}");
}

#[test]
fn real_gvcfs_give_the_same_whatever_the_cut() {
    let reference = reference();
    let joint = shared().join(format!("{FOLDER}/vcfs/Ashkenazim.vcf.gz"));
    let (files, options) = with_sites(&joint);
    let whole = read(&reference, &files, &options).unwrap();
    for batch_records in [1, 97, 100_000] {
        let cut = Options {
            limits: RunLimits {
                batch_records,
                ..RunLimits::default()
            },
            ..options.clone()
        };
        assert_eq!(read(&reference, &files, &cut).unwrap().rows, whole.rows);
    }
    let shards: Vec<String> = (1..=9)
        .flat_map(|k| {
            let shard = Options {
                shard: Some(format!("{k}/9")),
                ..options.clone()
            };
            read(&reference, &files, &shard).unwrap().rows
        })
        .collect();
    assert_eq!(shards, whole.rows);
}

/// The same blocks in BCF, where END is the record's stated length and the qualities are typed.
#[test]
fn bcf_gvcfs_give_the_same_states() {
    let reference = reference();
    let joint = shared().join(format!("{FOLDER}/vcfs/Ashkenazim.vcf.gz"));
    let (files, options) = with_sites(&joint);
    let whole = read(&reference, &files, &options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let binary: Vec<PathBuf> = (0..)
        .zip(&files)
        .map(|(i, file)| {
            let out = folder.path().join(format!("{i}.bcf"));
            run("bcftools", &["view", "-Ob", "-o", &text(&out), &text(file)]);
            run("bcftools", &["index", &text(&out)]);
            out
        })
        .collect();
    let rows = read(&reference, &binary, &options).unwrap().rows;
    assert_eq!(rows, whole.rows);
    let shards = (1..=4).flat_map(|k| {
        let shard = Options {
            shard: Some(format!("{k}/4")),
            ..options.clone()
        };
        read(&reference, &binary, &shard).unwrap().rows
    });
    assert_eq!(shards.collect::<Vec<_>>(), whole.rows);
}

/// One file of all three, as `bcftools merge --gvcf` makes it: where a person has no block it writes
/// no call.
#[test]
fn a_merged_gvcf_gives_the_same_states() {
    let reference = reference();
    let joint = shared().join(format!("{FOLDER}/vcfs/Ashkenazim.vcf.gz"));
    let (files, options) = with_sites(&joint);
    let apart = states(&read(&reference, &files, &options).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let merged = folder.path().join("merged.vcf.gz");
    let fasta = shared().join(FASTA);
    let mut arguments = vec!["merge", "--gvcf", fasta.to_str().unwrap(), "-Oz", "-o"];
    arguments.push(merged.to_str().unwrap());
    arguments.extend(files[..3].iter().map(|file| file.to_str().unwrap()));
    run("bcftools", &arguments);
    let people = PEOPLE.iter().map(|person| (*person).to_owned()).zip(0..);
    let options = Options {
        samples: Some(vec![people.collect(), Vec::new()]),
        ..options
    };
    let together = states(&read(&reference, &[merged, joint.clone()], &options).unwrap());
    let sites = states(&read(&reference, &[joint], &Options::default()).unwrap());
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for site in sites.keys() {
        for (apart, together) in apart[site].iter().zip(&together[site]) {
            if apart != together {
                *counts.entry((apart, together)).or_default() += 1;
            }
        }
    }
    // The merged record takes the place of the block.
    let expected = [(("-", "./."), 3494), (("b0/0", "0/0"), 6)];
    assert_eq!(counts, BTreeMap::from(expected));
}
