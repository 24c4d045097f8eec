//! Cases of every term and name on the small genome.

use crate::testing::{CODING, Fixture, coding_positions, forward};

/// Position of a base of a codon (from 1) of the forward gene.
fn codon(number: usize, base: usize) -> u32 {
    coding_positions()[(number - 1) * 3 + base]
}

fn bases(position: u32, count: u32) -> String {
    let at = position as usize - 1;
    String::from_utf8(forward()[at..at + count as usize].to_vec()).unwrap()
}

/// Checks an allele given as: position, bases removed, bases put in. Without an anchor base.
fn check(position: u32, removed: u32, added: &str, terms: &str, hgvsc: &str, hgvsp: &str) {
    let mut fixture = Fixture::new();
    let anchor = bases(position - 1, 1);
    let reference = format!("{anchor}{}", bases(position, removed));
    let alternate = format!("{anchor}{added}");
    let (found, _) = fixture.annotate(
        "1",
        position - 1,
        reference.as_bytes(),
        alternate.as_bytes(),
    );
    let found = &found[0];
    let names = (
        found.terms.to_string(),
        found.hgvsc.as_str(),
        found.hgvsp.as_str(),
    );
    assert_eq!(
        names,
        (terms.to_owned(), hgvsc, hgvsp),
        "{position} {reference} {alternate}"
    );
}

#[test]
fn coding_changes() {
    // Codons 2 to 8: GCT AAA GAA CTG CTG TCA CGT.
    check(
        codon(2, 0),
        1,
        "A",
        "missense_variant",
        "T.1:c.4G>A",
        "P.2:p.Ala2Thr",
    );
    check(
        codon(2, 2),
        1,
        "C",
        "synonymous_variant",
        "T.1:c.6T>C",
        "P.2:p.Ala2=",
    );
    check(
        codon(3, 0),
        1,
        "T",
        "stop_gained",
        "T.1:c.7A>T",
        "P.2:p.Lys3Ter",
    );
    check(
        codon(1, 2),
        1,
        "A",
        "start_lost",
        "T.1:c.3G>A",
        "P.2:p.Met1?",
    );
    check(
        codon(4, 0),
        3,
        "",
        "inframe_deletion",
        "T.1:c.10_12del",
        "P.2:p.Glu4del",
    );
    check(
        codon(5, 0),
        3,
        "",
        "inframe_deletion",
        "T.1:c.16_18del",
        "P.2:p.Leu6del",
    );
    check(
        codon(5, 0),
        0,
        "TGG",
        "inframe_insertion",
        "T.1:c.12_13insTGG",
        "P.2:p.Glu4_Leu5insTrp",
    );
    check(
        codon(5, 0),
        0,
        "CTG",
        "inframe_insertion",
        "T.1:c.16_18dup",
        "P.2:p.Leu6dup",
    );
    check(
        codon(4, 1),
        3,
        "",
        "protein_altering_variant",
        "T.1:c.11_13del",
        "P.2:p.Glu4_Leu5delinsVal",
    );
    check(
        codon(4, 0),
        3,
        "TGGTGG",
        "protein_altering_variant",
        "T.1:c.10_12delinsTGGTGG",
        "P.2:p.Glu4delinsTrpTrp",
    );
    check(
        codon(4, 0),
        3,
        "TGG",
        "missense_variant",
        "T.1:c.10_12delinsTGG",
        "P.2:p.Glu4Trp",
    );
    check(
        codon(4, 0),
        2,
        "TG",
        "stop_gained",
        "T.1:c.10_11delinsTG",
        "P.2:p.Glu4Ter",
    );
}

#[test]
fn frame_and_terminator() {
    let last = coding_positions().len() / 3;
    check(
        codon(last, 0),
        1,
        "C",
        "stop_lost",
        "T.1:c.148T>C",
        &format!("P.2:p.Ter{last}Argext{}", extension()),
    );
    check(
        codon(last, 1),
        1,
        "A",
        "stop_retained_variant",
        "T.1:c.149G>A",
        &format!("P.2:p.Ter{last}="),
    );
    check(
        codon(7, 0),
        1,
        "",
        "frameshift_variant",
        "T.1:c.19del",
        "P.2:p.Ser7HisfsTer?",
    );
    // GAA AGA ACT GCT GTC ACG TGG CAA AAA AAC CTG GTA CCA GGT TAT CGC TAA.
    check(
        codon(3, 0),
        0,
        "G",
        "frameshift_variant",
        "T.1:c.6_7insG",
        "P.2:p.Lys3GlufsTer17",
    );
    // Two residues go before the terminator, which stays.
    check(
        codon(last - 2, 0),
        6,
        "",
        "inframe_deletion",
        "T.1:c.142_147del",
        &format!("P.2:p.Val{}_Ile{}del", last - 2, last - 1),
    );
}

/// `TerN` of a lost terminator: the first stop codon of the 3' UTR.
fn extension() -> String {
    let utr = bases(CODING.1 + 1, 20);
    let stop =
        (0..utr.len() / 3).find(|at| matches!(&utr[at * 3..at * 3 + 3], "TAA" | "TAG" | "TGA"));
    match stop {
        Some(at) => format!("Ter{}", at + 1),
        None => "Ter?".to_owned(),
    }
}

#[test]
fn splice_intron_and_utr() {
    check(91, 1, "A", "splice_donor_variant", "T.1:c.50+1G>A", "");
    let snv = |position: u32, terms: &str, hgvsc: &str| {
        let added = if bases(position, 1) == "C" { "T" } else { "C" };
        let hgvsc = format!("T.1:c.{hgvsc}{}>{added}", bases(position, 1));
        check(position, 1, added, terms, &hgvsc, "");
    };
    snv(95, "splice_donor_5th_base_variant&intron_variant", "50+5");
    snv(94, "splice_donor_region_variant&intron_variant", "50+4");
    snv(98, "splice_region_variant&intron_variant", "50+8");
    snv(99, "intron_variant", "50+9");
    snv(129, "splice_acceptor_variant", "51-2");
    snv(
        128,
        "splice_region_variant&splice_polypyrimidine_tract_variant&intron_variant",
        "51-3",
    );
    snv(
        114,
        "splice_polypyrimidine_tract_variant&intron_variant",
        "51-17",
    );
    snv(113, "intron_variant", "51-18");
    snv(40, "5_prime_UTR_variant", "-1");
    snv(281, "3_prime_UTR_variant", "*1");
    snv(300, "3_prime_UTR_variant", "*20");
    check(
        25,
        1,
        if bases(25, 1) == "C" { "T" } else { "C" },
        "upstream_gene_variant",
        "",
        "",
    );
    check(
        305,
        1,
        if bases(305, 1) == "C" { "T" } else { "C" },
        "downstream_gene_variant",
        "",
        "",
    );
    check(
        89,
        4,
        "",
        "splice_donor_variant&coding_sequence_variant",
        "T.1:c.49_50+2del",
        "",
    );
}

#[test]
fn what_is_no_sequence_has_no_consequence() {
    let mut fixture = Fixture::new();
    for alternate in ["<DEL>", "*", "<NON_REF>", ".", "G]1:5]", "<*>"] {
        let (found, name) = fixture.annotate("1", 50, b"A", alternate.as_bytes());
        assert!(found.is_empty() && name.is_empty(), "{alternate}");
    }
    let (found, _) = fixture.annotate("1", 0, b"A", b"C");
    assert!(found.is_empty());
}

#[test]
fn unknown_bases_say_little() {
    let mut fixture = Fixture::new();
    let position = codon(3, 0);
    let (found, _) = fixture.annotate("1", position, b"A", b"N");
    assert_eq!(found[0].terms.to_string(), "coding_sequence_variant");
    assert_eq!(found[0].hgvsp, "");
    // REF is not what the reference has.
    let (found, _) = fixture.annotate("1", position, b"C", b"G");
    assert_eq!(found[0].terms.to_string(), "coding_sequence_variant");
}

#[test]
fn a_whole_transcript_deleted_is_ablated() {
    let mut fixture = Fixture::new();
    let reference = bases(20, 300);
    let (found, _) = fixture.annotate("1", 20, reference.as_bytes(), &reference.as_bytes()[..1]);
    assert_eq!(found[0].terms.to_string(), "transcript_ablation");
}

#[test]
fn premature_stops_and_decay() {
    let check = |number: usize, expected: Option<&str>| {
        let mut fixture = Fixture::new();
        let position = codon(number, 0);
        // Any codon becomes TGA, as one change of three bases.
        let reference = bases(position, 3);
        let (found, _) = fixture.annotate("1", position, reference.as_bytes(), b"TGA");
        assert_eq!(
            found[0].nmd.map(super::NmdPrediction::name),
            expected,
            "{number}"
        );
    };
    // The last junction lies behind coding base 110; a stop ends at three times its number.
    check(3, Some("triggers"));
    check(19, Some("triggers"));
    check(21, Some("escapes"));
    check(40, Some("escapes"));
}

#[test]
fn numbers_of_exons_and_distances() {
    let check = |contig: &str, position: u32, exon, intron, last, distance| {
        let mut fixture = Fixture::new();
        let position = if contig == "1" {
            position
        } else {
            361 - position
        };
        let mut base = bases(
            if contig == "1" {
                position
            } else {
                361 - position
            },
            1,
        )
        .into_bytes();
        if contig == "2" {
            crate::genetic_code::reverse_complement(&mut base);
        }
        let added = if base == b"C" { b"T" } else { b"C" };
        let (found, _) = fixture.annotate(contig, position, &base, added);
        let found = &found[0];
        assert_eq!(
            (
                found.exons,
                found.introns,
                found.last_exon,
                found.splice_distance
            ),
            (exon, intron, last, distance),
            "{contig} {position}"
        );
    };
    for contig in ["1", "2"] {
        check(contig, 90, Some((1, 1)), None, Some(false), Some(-1));
        check(contig, 91, None, Some((1, 1)), None, Some(1));
        check(contig, 130, None, Some((1, 1)), None, Some(-1));
        check(contig, 131, Some((2, 2)), None, Some(false), Some(1));
        check(contig, 260, Some((3, 3)), None, Some(true), Some(20));
        check(contig, 45, Some((1, 1)), None, Some(false), Some(-46));
    }
}

/// One transcript of one exon from 11 on, with further attributes of the transcript.
fn single(bases: &str, contig: &str, phase: &str, attributes: &str) -> Fixture {
    let contig_bases = format!("ACACACACAC{bases}ACACACACAC");
    let (start, end) = (11, 10 + bases.len());
    let gff = format!(
        "{contig}\t.\tmRNA\t1\t{length}\t.\t+\t.\tID=t;biotype=protein_coding{attributes}\n\
         {contig}\t.\texon\t1\t{length}\t.\t+\t.\tParent=t\n\
         {contig}\t.\tCDS\t{start}\t{end}\t.\t+\t{phase}\tParent=t;protein_id=P\n",
        length = contig_bases.len()
    );
    Fixture::with(&[(contig, contig_bases.as_bytes())], &gff)
}

#[test]
fn the_mitochondrial_code_is_used_on_its_contig() {
    let check = |contig: &str, expected: &str| {
        // TGG to TGA: tryptophan stays on the mitochondrial contig only.
        let mut fixture = single("ATGTGGAAATAA", contig, "0", "");
        let (found, _) = fixture.annotate(contig, 16, b"G", b"A");
        assert_eq!(found[0].terms.to_string(), expected, "{contig}");
    };
    check("chrM", "synonymous_variant");
    check("chr1", "stop_gained");
}

#[test]
fn selenocysteine_is_read_where_the_source_says_so() {
    let check = |attributes: &str, position, old: &[u8], new: &[u8], terms: &str, name: &str| {
        let mut fixture = single("ATGAAATGACCCTAA", "1", "0", attributes);
        let (found, _) = fixture.annotate("1", position, old, new);
        let names = (found[0].terms.to_string(), found[0].hgvsp.as_str());
        assert_eq!(names, (terms.to_owned(), name), "{attributes} {position}");
    };
    check(
        ";tag=seleno",
        19,
        b"A",
        b"G",
        "missense_variant",
        "P:p.Sec3Trp",
    );
    check("", 19, b"A", b"G", "stop_lost", "P:p.Ter3TrpextTer2");
    check(
        ";tag=seleno",
        13,
        b"GA",
        b"G",
        "frameshift_variant",
        "P:p.Lys2AsnfsTer?",
    );
    // A changed codon that reads TGA is a stop.
    check(
        ";tag=seleno",
        13,
        b"GAAA",
        b"GTGA",
        "stop_gained",
        "P:p.Lys2Ter",
    );
}

#[test]
fn a_partial_first_codon_says_little_and_keeps_the_numbers() {
    // Phase 1: one base of a codon, then AAA CCC TAA.
    let mut fixture = single("GAAACCCTAA", "1", "1", "");
    let (found, _) = fixture.annotate("1", 11, b"G", b"C");
    assert_eq!(found[0].terms.to_string(), "coding_sequence_variant");
    let (found, _) = fixture.annotate("1", 12, b"A", b"C");
    assert_eq!(found[0].terms.to_string(), "missense_variant");
    assert_eq!(found[0].hgvsp, "P:p.Lys2Gln");
    assert_eq!(found[0].cds, (Some(4), Some(4)));
    assert!(found[0].hgvsc.ends_with("c.2A>C"), "{}", found[0].hgvsc);
}

#[test]
fn a_coding_region_without_its_end_is_not_translated_to_its_last_bases() {
    let mut fixture = single("ATGAAACC", "1", "0", "");
    let (found, _) = fixture.annotate("1", 17, b"C", b"G");
    assert_eq!(
        found[0].terms.to_string(),
        "incomplete_terminal_codon_variant&coding_sequence_variant"
    );
}

#[test]
fn the_chosen_line_follows_the_documented_order() {
    let check = |attributes: [&str; 2], expected: &str| {
        let bases = "ACACACACACATGAAACCCTAAACACACACAC";
        let mut gff = String::new();
        for (id, attributes) in ["a", "b"].iter().zip(attributes) {
            gff += &format!(
                "1\t.\tmRNA\t1\t32\t.\t+\t.\tID={id}{attributes}\n\
                 1\t.\texon\t1\t32\t.\t+\t.\tParent={id}\n\
                 1\t.\tCDS\t11\t22\t.\t+\t0\tParent={id}\n"
            );
        }
        let mut fixture = Fixture::with(&[("1", bases.as_bytes())], &gff);
        for only in [false, true] {
            if only {
                fixture.only_most_severe();
            }
            let (found, _) = fixture.annotate("1", 15, b"A", b"C");
            let chosen = crate::most_severe(&found, &fixture.models).unwrap();
            let transcript = found[chosen].transcript.unwrap();
            assert_eq!(fixture.models.transcripts()[transcript].id(), expected);
        }
    };
    check(["", ""], "a");
    check(["", ";tag=MANE_Select"], "b");
    check([";tag=Ensembl_canonical", ";tag=MANE_Select"], "b");
    check(["", ";tag=Ensembl_canonical"], "b");
    check([";biotype=other", ";biotype=protein_coding"], "b");
    check(
        [";transcript_support_level=2", ";transcript_support_level=1"],
        "b",
    );
}
