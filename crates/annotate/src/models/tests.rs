//! Reading gene models of every flavour, and refusing what is none.

use std::io::Write;

use proptest::prelude::*;
use varisk_core::ContigSet;

use super::*;
use crate::testing;
use crate::transcript::Strand;

fn contigs() -> ContigSet {
    ContigSet::new([("chr1".to_owned(), 10_000), ("chrM".to_owned(), 500)])
}

fn read(text: &str) -> Result<GeneModels, AnnotateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models");
    std::fs::write(&path, text).unwrap();
    GeneModels::read(&path, &contigs())
}

/// Lines whose columns are written with spaces.
fn lines(rows: &[(&str, u32, u32, &str, &str, &str)]) -> String {
    rows.iter()
        .map(|(kind, start, end, strand, phase, attributes)| {
            format!("1\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n")
        })
        .collect()
}

/// What matters of a transcript, for comparison.
fn essence(models: &GeneModels) -> Vec<String> {
    models
        .transcripts()
        .iter()
        .map(|t| {
            format!(
                "{} {:?} {:?} {:?} {:?} {:?} exons {:?} coding {:?} phase {}",
                t.id(),
                t.gene(),
                t.gene_id(),
                t.biotype(),
                t.protein_id(),
                t.strand(),
                t.exons()
                    .iter()
                    .map(|e| (e.start, e.end))
                    .collect::<Vec<_>>(),
                t.coding().map(|c| (c.start, c.end)),
                t.phase()
            )
        })
        .collect()
}

#[test]
fn flavours_say_the_same() {
    let ensembl = lines(&[
        (
            "gene",
            100,
            400,
            "-",
            ".",
            "ID=gene:ENSG1;Name=ABC;biotype=protein_coding;gene_id=ENSG1;version=7",
        ),
        ("exon", 300, 400, "-", ".", "Parent=transcript:ENST1;rank=1"),
        (
            "CDS",
            300,
            350,
            "-",
            "0",
            "ID=CDS:ENSP1;Parent=transcript:ENST1;protein_id=ENSP1;protein_version=4",
        ),
        (
            "mRNA",
            100,
            400,
            "-",
            ".",
            "ID=transcript:ENST1;Parent=gene:ENSG1;Name=ABC-201;biotype=protein_coding;transcript_id=ENST1;version=2",
        ),
        ("exon", 100, 200, "-", ".", "Parent=transcript:ENST1;rank=2"),
        (
            "CDS",
            150,
            200,
            "-",
            "0",
            "ID=CDS:ENSP1;Parent=transcript:ENST1;protein_id=ENSP1;protein_version=4",
        ),
    ]);
    let gencode = lines(&[
        (
            "gene",
            100,
            400,
            "-",
            ".",
            "ID=ENSG1.7;gene_id=ENSG1.7;gene_type=protein_coding;gene_name=ABC",
        ),
        (
            "transcript",
            100,
            400,
            "-",
            ".",
            "ID=ENST1.2;Parent=ENSG1.7;gene_id=ENSG1.7;transcript_id=ENST1.2;transcript_type=protein_coding;gene_name=ABC;protein_id=ENSP1.4",
        ),
        (
            "exon",
            300,
            400,
            "-",
            ".",
            "ID=exon:ENST1.2:1;Parent=ENST1.2",
        ),
        (
            "exon",
            100,
            200,
            "-",
            ".",
            "ID=exon:ENST1.2:2;Parent=ENST1.2",
        ),
        ("CDS", 300, 350, "-", "0", "ID=CDS:ENST1.2;Parent=ENST1.2"),
        ("CDS", 150, 200, "-", "0", "ID=CDS:ENST1.2;Parent=ENST1.2"),
    ]);
    // GTF leaves the stop codon out of the coding parts.
    let gtf = lines(&[
        (
            "exon",
            300,
            400,
            "-",
            ".",
            r#"gene_id "ENSG1"; transcript_id "ENST1"; transcript_version "2"; gene_name "ABC"; transcript_biotype "protein_coding";"#,
        ),
        (
            "CDS",
            300,
            350,
            "-",
            "0",
            r#"gene_id "ENSG1"; transcript_id "ENST1"; transcript_version "2"; protein_id "ENSP1"; protein_version "4";"#,
        ),
        (
            "exon",
            100,
            200,
            "-",
            ".",
            r#"gene_id "ENSG1"; transcript_id "ENST1"; transcript_version "2";"#,
        ),
        (
            "CDS",
            153,
            200,
            "-",
            "0",
            r#"gene_id "ENSG1"; transcript_id "ENST1";"#,
        ),
        (
            "stop_codon",
            150,
            152,
            "-",
            "0",
            r#"gene_id "ENSG1"; transcript_id "ENST1";"#,
        ),
    ]);
    let expected = r#"ENST1.2 Some("ABC") Some("ENSG1") Some("protein_coding") Some("ENSP1.4") Reverse exons [(100, 200), (300, 400)] coding Some((150, 350)) phase 0"#;
    for text in [ensembl, gencode, gtf] {
        assert_eq!(essence(&read(&text).unwrap()), [expected], "{text}");
    }
    let refseq = lines(&[
        (
            "gene",
            100,
            400,
            "-",
            ".",
            "ID=gene-ABC;Dbxref=GeneID:77,HGNC:HGNC:1;Name=ABC;gbkey=Gene;gene=ABC;gene_biotype=protein_coding",
        ),
        (
            "mRNA",
            100,
            400,
            "-",
            ".",
            "ID=rna-NM_1.2;Parent=gene-ABC;Dbxref=GeneID:77;Name=NM_1.2;gbkey=mRNA;gene=ABC;transcript_id=NM_1.2",
        ),
        (
            "exon",
            300,
            400,
            "-",
            ".",
            "ID=exon-NM_1.2-1;Parent=rna-NM_1.2",
        ),
        (
            "exon",
            100,
            200,
            "-",
            ".",
            "ID=exon-NM_1.2-2;Parent=rna-NM_1.2",
        ),
        (
            "CDS",
            300,
            350,
            "-",
            "0",
            "ID=cds-NP_1.4;Parent=rna-NM_1.2;protein_id=NP_1.4",
        ),
        (
            "CDS",
            150,
            200,
            "-",
            "0",
            "ID=cds-NP_1.4;Parent=rna-NM_1.2;protein_id=NP_1.4",
        ),
    ]);
    let expected = r#"NM_1.2 Some("ABC") Some("77") Some("protein_coding") Some("NP_1.4") Reverse exons [(100, 200), (300, 400)] coding Some((150, 350)) phase 0"#;
    assert_eq!(essence(&read(&refseq).unwrap()), [expected]);
}

#[test]
fn lines_that_are_wrong_are_named() {
    let check = |text: String, expected: &str| {
        let message = read(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    let good = ("mRNA", 1, 9, "+", ".", "ID=t");
    check(
        lines(&[good, ("exon", 1, 9, "+", ".", "ID=e")]),
        "line 2: exon has no Parent",
    );
    check(
        lines(&[good, ("exon", 9, 1, "+", ".", "Parent=t")]),
        "line 2: start 9 lies behind end 1",
    );
    check(
        lines(&[good, ("exon", 0, 1, "+", ".", "Parent=t")]),
        "line 2: '0' is no position",
    );
    check(
        lines(&[good, ("exon", 1, 2, "x", ".", "Parent=t")]),
        "line 2: strand 'x'",
    );
    check(
        lines(&[good, ("CDS", 1, 2, "+", "3", "Parent=t")]),
        "line 2: phase '3'",
    );
    check(
        lines(&[good, ("exon", 1, 2, "+", ".", "Parent")]),
        "line 2: attribute 'Parent'",
    );
    check("1\tx\texon\t1\n".to_owned(), "line 1: it has fewer than 9");
    let gtf = (
        r"exon",
        1,
        9,
        "+",
        ".",
        r#"gene_id "g"; transcript_id "t";"#,
    );
    check(
        lines(&[
            gtf,
            ("exon", 1, 9, "+", ".", r#"gene_id "g"; transcript_id "t"#),
        ]),
        "line 2: attribute",
    );
    check(
        lines(&[gtf, ("exon", 1, 9, "+", ".", r#"gene_id "g";"#)]),
        "line 2: exon has no transcript_id",
    );
    check(
        lines(&[("gene", 1, 9, "+", ".", "ID=g")]),
        "gives no transcript",
    );
    check(String::new(), "gives no transcript");
}

#[test]
fn what_is_left_out_is_counted() {
    let mut text = lines(&[
        ("mRNA", 1, 90, "+", ".", "ID=good"),
        ("exon", 1, 90, "+", ".", "Parent=good"),
        ("CDS", 1, 30, "+", ".", "Parent=good"),
        ("exon", 1, 9, "+", ".", "Parent=nobody"),
        ("mRNA", 1, 90, "+", ".", "ID=childless"),
        ("mRNA", 1, 90, "+", ".", "ID=overlap"),
        ("exon", 1, 50, "+", ".", "Parent=overlap"),
        ("exon", 40, 90, "+", ".", "Parent=overlap"),
        ("mRNA", 1, 90, "+", ".", "ID=outside"),
        ("exon", 1, 50, "+", ".", "Parent=outside"),
        ("CDS", 40, 60, "+", "0", "Parent=outside"),
        ("mRNA", 1, 90, "+", ".", "ID=slips"),
        ("exon", 1, 90, "+", ".", "Parent=slips"),
        ("CDS", 1, 30, "+", "0", "Parent=slips"),
        ("CDS", 32, 60, "+", "0", "Parent=slips"),
        ("mRNA", 1, 90, "+", ".", "ID=mixed"),
        ("exon", 1, 30, "+", ".", "Parent=mixed"),
        ("exon", 60, 90, "-", ".", "Parent=mixed"),
        ("mRNA", 1, 90, "+", ".", "ID=bare"),
        ("CDS", 1, 30, "+", "0", "Parent=bare"),
        ("exon", 9_000, 10_001, "+", ".", "Parent=good"),
    ]);
    text += "7\tx\texon\t1\t9\t.\t+\t.\tParent=t\n";
    let models = read(&text).unwrap();
    let ids: Vec<&str> = models.transcripts().iter().map(Transcript::id).collect();
    assert_eq!(ids, ["bare", "good"]);
    assert_eq!(
        models.summary().to_string(),
        "2 transcripts, coding 2, phase_missing 1, exons_from_cds 1, contig_unknown 1, \
         parent_missing 1, beyond_contig 1, no_exons 1, exons_overlap 1, cds_outside_exons 1, \
         cds_not_contiguous 1, mixed_strands 1"
    );
}

#[test]
fn a_missing_phase_is_computed_from_the_next_part() {
    let text = lines(&[
        ("mRNA", 1, 90, "+", ".", "ID=t"),
        ("exon", 1, 10, "+", ".", "Parent=t"),
        ("exon", 21, 90, "+", ".", "Parent=t"),
        ("CDS", 1, 10, "+", ".", "Parent=t"),
        ("CDS", 21, 90, "+", "1", "Parent=t"),
    ]);
    // Ten bases of which the last two begin a codon that the next part ends: two before codon 1.
    let models = read(&text).unwrap();
    assert_eq!(models.transcripts()[0].phase(), 2);
    assert!(models.transcripts()[0].flags().cds_start_incomplete);
}

#[test]
fn packed_files_are_read_and_cut_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = testing::gff().replace("1\ttest", "chr1\ttest");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let path = folder.path().join("models.gz");
    std::fs::write(&path, &packed).unwrap();
    assert_eq!(
        GeneModels::read(&path, &contigs())
            .unwrap()
            .transcripts()
            .len(),
        1
    );
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let message = GeneModels::read(&path, &contigs()).unwrap_err().to_string();
    assert!(message.contains("cut short"), "{message}");

    let mut blocks = noodles::bgzf::io::Writer::new(Vec::new());
    blocks.write_all(text.as_bytes()).unwrap();
    blocks.flush().unwrap();
    let whole = blocks.finish().unwrap();
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(
        GeneModels::read(&path, &contigs())
            .unwrap()
            .transcripts()
            .len(),
        1
    );
    // Without its end mark a BGZF file may lack whole blocks.
    std::fs::write(&path, &whole[..whole.len() - 28]).unwrap();
    let message = GeneModels::read(&path, &contigs()).unwrap_err().to_string();
    assert!(message.contains("cut short"), "{message}");
    assert!(GeneModels::read(folder.path().join("absent"), &contigs()).is_err());
}

#[test]
fn tables_hold_all_of_it() {
    let fixture = testing::Fixture::new();
    let contigs = fixture.reference.contigs();
    let batches = fixture.models.to_batches(contigs).unwrap();
    let again = GeneModels::from_batches(&batches, contigs).unwrap();
    assert_eq!(again.transcripts(), fixture.models.transcripts());
    assert!(again.transcripts()[0].flags().mane_select);
    let fewer = batches[0].project(&[0, 1]).unwrap();
    assert!(GeneModels::from_batches(&[fewer], contigs).is_err());
}

proptest! {
    /// Looking up by position finds what a scan finds.
    #[test]
    fn lookups_find_what_a_scan_finds(
        spans in proptest::collection::vec((1u32..9_000, 1u32..900), 1..60),
        start in 1u32..10_000, length in 0u32..50, flank in 0u32..300,
    ) {
        let mut text = String::new();
        for (number, (start, length)) in spans.iter().enumerate() {
            let end = start + length;
            text += &lines(&[
                ("mRNA", *start, end, "+", ".", &format!("ID=t{number}")),
                ("exon", *start, end, "+", ".", &format!("Parent=t{number}")),
            ]);
        }
        let models = read(&text).unwrap();
        let span = Span { start, end: start + length };
        let mut found = Vec::new();
        models.near(ContigId(0), span, flank, &mut found);
        let scanned: Vec<usize> = (0..models.transcripts().len()).filter(|index| {
            let t = &models.transcripts()[*index];
            t.start() <= span.end + flank && t.end() >= span.start.saturating_sub(flank)
        }).collect();
        prop_assert_eq!(found, scanned);
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\t\n]{0,300}") {
        let _ = read(&text);
    }

    #[test]
    fn any_fields_are_read_or_refused(
        rows in proptest::collection::vec(("(exon|CDS|mRNA|stop_codon)", any::<u32>(), any::<u32>(), "[+-]", "[0-2.]", "(ID=a|Parent=a|ID=a;Parent=a|ID=b;Parent=a|Parent=a,b)"), 0..12)
    ) {
        let text: String = rows.iter().map(|(kind, start, end, strand, phase, attributes)| {
            format!("1\tx\t{kind}\t{}\t{}\t.\t{strand}\t{phase}\t{attributes}\n", start % 10_050, end % 10_050)
        }).collect();
        if let Ok(models) = read(&text) {
            for transcript in models.transcripts() {
                prop_assert!(transcript.start() >= 1 && transcript.end() <= 10_000);
                prop_assert!(matches!(transcript.strand(), Strand::Forward | Strand::Reverse));
            }
        }
    }
}
