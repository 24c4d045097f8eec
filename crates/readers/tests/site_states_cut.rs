//! Random gVCFs: states do not depend on batch size, shards or where a run goes on.
#![cfg(test)]

mod common;

use std::path::PathBuf;

use common::{Options, Place, header, records};
use proptest::prelude::*;
use varisk_core::RunLimits;
use varisk_readers::ReferenceEvidence;

/// Bases of contig 1, as the test folder has them.
fn bases(start: u32, length: u32) -> String {
    let base = |at: u32| char::from(b"ACGTACGTTT"[(at as usize - 1) % 10]);
    (start..start + length).map(base).collect()
}

/// A part of a gVCF: a gap before it, how long it is, what it is, and the quality.
type Part = (u32, u32, u8, u32);

fn parts() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec((0u32..4, 1u32..30, 0u8..9, 0u32..60), 0..14)
}

/// Lines of a gVCF made of parts, as far as they fit on the contig.
fn lines(parts: &[Part]) -> String {
    let mut at = 1;
    let mut text = String::new();
    for (gap, length, kind, gq) in parts {
        let start = at + gap;
        let end = start + length - 1;
        if end > 200 {
            break;
        }
        let reference = bases(start, 1);
        let other = if reference == "G" { "T" } else { "G" };
        let length = (*length).min(6);
        let line = match kind {
            0..=3 => format!("{reference} <NON_REF> . . END={end} GT:GQ:DP 0/0:{gq}:{gq}"),
            4 => format!("{reference} . . . END={end} GT:GQ 0/0:{gq}"),
            5 => format!("{reference} {other},<NON_REF> . . . GT:GQ 0/1:{gq}"),
            6 if length > 1 => {
                format!(
                    "{} {reference},<NON_REF> . . . GT:GQ 0/1:{gq}",
                    bases(start, length)
                )
            }
            7 => format!("{reference} <DEL> . . END={end} GT 1/1"),
            _ => format!("{reference} {reference}{other} . . . GT ./1"),
        };
        text += &format!("1 {start} . {line}\n");
        at = match kind {
            // Deletions reach into what follows.
            6 | 7 => start + 1,
            5 | 8 => start + 1,
            _ => end + 1,
        };
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn states_do_not_depend_on_the_cut(
        files in prop::collection::vec(parts(), 2..4),
        batch_records in 1usize..6, shards in 2u32..6, skip in 0u64..20, assume in any::<bool>(),
    ) {
        let place = Place::new();
        let files: Vec<PathBuf> = files
            .iter()
            .zip(["a", "b", "c"])
            .map(|(parts, name)| {
                place.write(name, header("", name) + &records(&lines(parts)))
            })
            .collect();
        let options = Options {
            evidence: Some(ReferenceEvidence {
                absent_as_reference: assume,
                ..ReferenceEvidence::default()
            }),
            ..Options::default()
        };
        let whole = place.read(&files, &options).unwrap();
        prop_assert_eq!(&whole.bad, &[]);
        let cut = Options {
            limits: RunLimits { batch_records, ..RunLimits::default() },
            ..options.clone()
        };
        prop_assert_eq!(&place.read(&files, &cut).unwrap().rows, &whole.rows);
        let sharded: Vec<String> = (1..=shards)
            .flat_map(|k| {
                let shard = Options { shard: Some(format!("{k}/{shards}")), ..cut.clone() };
                place.read(&files, &shard).unwrap().rows
            })
            .collect();
        prop_assert_eq!(&sharded, &whole.rows);
        // Going on happens where a batch ended: at a whole position.
        let mut done = 0;
        for batch in place.read(&files, &cut).unwrap().batches {
            if done >= skip {
                break;
            }
            done += batch as u64;
        }
        let rest = place.read(&files, &Options { skip: done, ..cut }).unwrap();
        prop_assert!(whole.rows.ends_with(&rest.rows));
        prop_assert_eq!(rest.records, whole.records - done);
    }
}
