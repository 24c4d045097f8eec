//! Sites in memory make the same rows as a VCF file of them.
#![cfg(test)]

mod common;

use common::{META, Options, Place, header, records, short};
use proptest::prelude::*;
use varisk_core::{ContigId, Position, RunLimits};
use varisk_readers::{ReadError, ReferenceEvidence, SiteAllele};

fn site(contig: u32, position: u32, reference: &str, alternate: &str) -> SiteAllele {
    SiteAllele {
        contig: ContigId(contig),
        position: Position(position),
        reference: reference.into(),
        alternate: alternate.into(),
    }
}

fn with_sites(sites: Vec<SiteAllele>) -> Options {
    Options {
        evidence: Some(ReferenceEvidence::default()),
        sites: Some(sites),
        ..Options::default()
    }
}

// Contigs are `ACGTACGTTT` again and again: `A` at 5, `C` at 6, `G` at 7, `T` at 8 to 10.

#[test]
fn patients_and_evidence_speak_of_sites_in_memory() {
    let place = Place::new();
    let lines = "1 5 . A C . . . GT 0/1\n\
                 1 11 . A <NON_REF> . . END=30 GT:DP:GQ 0/0:40:50\n\
                 2 5 . A G . . . GT 1/1";
    let file = place.write("a", header("", "a") + &records(lines));
    let sites = vec![
        site(1, 5, "A", "G"),
        site(1, 5, "a", "g"),
        site(0, 15, "A", "C"),
        site(0, 16, "CG", "C"),
        site(0, 5, "A", "C"),
        site(0, 5, "A", "T"),
        // The same as CG>C.
        site(0, 16, "CGT", "CT"),
        site(1, 15, "A", "C"),
    ];
    let outcome = place.read(&[file], &with_sites(sites)).unwrap();
    assert_eq!(outcome.bad, []);
    assert_eq!(
        short(&outcome),
        [
            "1:5 A>C | 0/1",
            "1:5 A>T | 0/o",
            "1:11 A><NON_REF> | 0/0",
            "1:15 A>C | b0/0",
            "1:16 CG>C | b0/0",
            "2:5 A>G | 1/1",
            "2:15 A>C | -",
        ]
    );
    assert_eq!(outcome.records, 9);
}

#[test]
fn the_first_file_decides_the_order_of_contigs() {
    let place = Place::new();
    let text = header("", "a").replace(
        "##contig=<ID=1,length=200>\n##contig=<ID=2,length=100>",
        "##contig=<ID=2,length=100>\n##contig=<ID=1,length=200>",
    );
    let lines = "2 6 . C G . . . GT 1/1\n1 6 . C G . . . GT 0/1";
    let file = place.write("a", text + &records(lines));
    let sites = || vec![site(0, 5, "A", "C"), site(1, 5, "A", "G")];
    let outcome = place.read(&[file], &with_sites(sites())).unwrap();
    let expected = [
        "2:5 A>G | -",
        "2:6 C>G | 1/1",
        "1:5 A>C | -",
        "1:6 C>G | 0/1",
    ];
    assert_eq!(short(&outcome), expected);
    let alone = place.read(&[], &with_sites(sites())).unwrap();
    assert_eq!(short(&alone), ["1:5 A>C | ", "2:5 A>G | "]);
    let none = place.read(&[], &with_sites(Vec::new())).unwrap();
    assert_eq!((none.records, none.rows.len()), (0, 0));
}

#[test]
fn info_of_sites_in_memory_is_missing() {
    let place = Place::new();
    let file = place.write(
        "a",
        header(META, "a") + &records("1 5 . A C . . AF=0.5;DB GT 0/1"),
    );
    let options = Options {
        info: ["AF", "AD", "DB"].map(str::to_owned).to_vec(),
        texts: ["AF", "DB"].map(str::to_owned).to_vec(),
        ..with_sites(vec![site(0, 5, "A", "C"), site(0, 6, "C", "G")])
    };
    let outcome = place.read(&[file], &options).unwrap();
    assert!(outcome.rows[0].contains("info=[0.5,.,1] text=[0.5 1]"));
    assert!(outcome.rows[1].contains("info=[.,.,.] text=[. .]"));
}

#[test]
fn sites_that_are_no_sequences_are_refused() {
    let check = |wrong: SiteAllele, part: &str| {
        let sites = vec![site(0, 5, "A", "C"), wrong];
        let error = Place::new().read(&[], &with_sites(sites)).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, ReadError::Placement { record: 2, .. }) && text.contains(part),
            "{text}"
        );
    };
    check(site(2, 5, "A", "C"), "on no contig");
    check(site(0, 5, "", "C"), "REF of the site");
    check(site(0, 5, "A\tC", "C"), "REF of the site");
    check(site(0, 5, "A", "<DEL>"), "ALT of the site");
    check(site(0, 5, "A", "C\n1"), "ALT of the site");
    check(site(0, 5, "A", ""), "ALT of the site");
    let wrong = with_sites(vec![site(0, 5, "G", "C")]);
    let error = Place::new().read(&[], &wrong).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("sites: record 1 (1:5): REF is G")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn sites_in_memory_equal_a_file_of_them(
        places in prop::collection::vec((0u32..2, 1u32..90, 0u8..5), 0..40),
        calls in prop::collection::vec((1u32..90, 0u8..2), 0..20),
        batch_records in 1usize..6, shard in 1u32..4, skip in 0u64..15, evidence in any::<bool>(),
    ) {
        let base = |at: u32| b"ACGTACGTTT"[(at as usize - 1) % 10];
        let mut sites: Vec<SiteAllele> = places.iter().map(|(contig, position, kind)| {
            let one = vec![base(*position)];
            let pair = vec![base(*position), base(position + 1)];
            let (reference, alternate) = match kind {
                0 => (one, b"N".to_vec()),
                1 => (one, b"GG".to_vec()),
                2 => (pair.clone(), pair[..1].to_vec()),
                3 => (one.clone(), [&one[..], b"CA"].concat()),
                _ => (pair, b"NN".to_vec()),
            };
            SiteAllele { contig: ContigId(*contig), position: Position(*position), reference, alternate }
        }).collect();
        let place = Place::new();
        let mut lines: Vec<(u32, String)> = calls.iter().map(|(position, kind)| {
            let one = char::from(base(*position));
            let alternate = if *kind == 0 { "N".to_owned() } else { format!("{one}CA") };
            (*position, format!("1 {position} . {one} {alternate} . . . GT:GQ 0/1:40\n"))
        }).collect();
        lines.sort();
        lines.dedup();
        let lines: String = lines.into_iter().map(|(_, line)| line).collect();
        let patient = place.write("a", header("", "a") + &records(&lines));
        let mut options = Options {
            evidence: evidence.then(ReferenceEvidence::default),
            limits: RunLimits { batch_records, ..RunLimits::default() },
            shard: (shard < 3).then(|| format!("{shard}/2")),
            sites: Some(sites.clone()),
            ..Options::default()
        };
        let in_memory = place.read(std::slice::from_ref(&patient), &options).unwrap();
        // Where a run goes on: behind a batch.
        let mut done = 0;
        for batch in &in_memory.batches {
            if done >= skip {
                break;
            }
            done += *batch as u64;
        }
        options.skip = done;
        let rest = place.read(std::slice::from_ref(&patient), &options).unwrap();
        options.skip = 0;
        options.sites = None;
        sites.sort_by_key(|site| (site.contig, site.position, site.reference.clone(), site.alternate.clone()));
        sites.dedup();
        let text: String = sites.iter().map(|site| {
            let text = |allele: &[u8]| String::from_utf8_lossy(allele).into_owned();
            let (reference, alternate) = (text(&site.reference), text(&site.alternate));
            format!("{} {} varisk.site {reference} {alternate} . . .\n", site.contig.0 + 1, site.position)
        }).collect();
        let file = place.write("sites", header("", "") + &records(&text));
        let from_file = place.read(&[patient, file], &options).unwrap();
        let mut expected = from_file.rows.clone();
        let mut found = in_memory.rows.clone();
        prop_assert!(in_memory.rows.ends_with(&rest.rows));
        // Alleles of one position come in another order where both ways of writing sort differently.
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(in_memory.records, from_file.records);
    }
}
