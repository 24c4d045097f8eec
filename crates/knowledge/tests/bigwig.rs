//! bigWig tracks, written here byte by byte after the published layout (Kent and others 2010,
//! supplementary tables).
#![cfg(test)]

mod common;

use common::{Place, alleles, join, source, table_lines};

/// A contig of a track: name, length, intervals (start from 0, end left out, value).
type Contig<'a> = (&'a str, u32, &'a [(u32, u32, f32)]);

/// An uncompressed bigWig with one section of bedGraph items for each contig.
fn bigwig(contigs: &[Contig<'_>]) -> Vec<u8> {
    const KEY: usize = 16;
    let put32 = |out: &mut Vec<u8>, value: u32| out.extend(value.to_le_bytes());
    let put64 = |out: &mut Vec<u8>, value: usize| out.extend((value as u64).to_le_bytes());
    let count = u16::try_from(contigs.len()).unwrap();

    let mut tree = Vec::new();
    for value in [0x78CA_8C91, 256, KEY as u32, 8] {
        put32(&mut tree, value);
    }
    put64(&mut tree, contigs.len());
    put64(&mut tree, 0);
    tree.extend([1, 0]);
    tree.extend(count.to_le_bytes());
    for (id, (name, length, _)) in (0..).zip(contigs) {
        let mut key = name.as_bytes().to_vec();
        key.resize(KEY, 0);
        tree.extend(key);
        put32(&mut tree, id);
        put32(&mut tree, *length);
    }

    let data_at = 64 + tree.len();
    let mut data = Vec::new();
    put64(&mut data, contigs.len());
    let mut blocks = Vec::new();
    for (id, (_, _, items)) in (0..).zip(contigs) {
        let start = data.len();
        let (first, last) = (items[0].0, items[items.len() - 1].1);
        for value in [id, first, last, 0, 0] {
            put32(&mut data, value);
        }
        data.extend([1, 0]);
        data.extend(u16::try_from(items.len()).unwrap().to_le_bytes());
        for (start, end, value) in *items {
            put32(&mut data, *start);
            put32(&mut data, *end);
            data.extend(value.to_le_bytes());
        }
        blocks.push((id, first, last, data_at + start, data.len() - start));
    }

    let index_at = data_at + data.len();
    let mut index = Vec::new();
    for value in [0x2468_ACE0, 256] {
        put32(&mut index, value);
    }
    put64(&mut index, contigs.len());
    let last = blocks[blocks.len() - 1];
    for value in [0, blocks[0].1, last.0, last.2] {
        put32(&mut index, value);
    }
    put64(&mut index, index_at);
    put32(&mut index, 1);
    put32(&mut index, 0);
    index.extend([1, 0]);
    index.extend(count.to_le_bytes());
    for (id, first, last, offset, size) in blocks {
        for value in [id, first, id, last] {
            put32(&mut index, value);
        }
        put64(&mut index, offset);
        put64(&mut index, size);
    }

    let mut out = Vec::new();
    put32(&mut out, 0x888F_FC26);
    out.extend(4u16.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    for offset in [64, data_at, index_at] {
        put64(&mut out, offset);
    }
    out.extend([0; 4]);
    put64(&mut out, 0);
    put64(&mut out, 0);
    put32(&mut out, 0);
    put64(&mut out, 0);
    assert_eq!(out.len(), 64);
    out.extend(tree);
    out.extend(data);
    out.extend(index);
    out
}

#[test]
fn values_lie_where_the_track_has_them() {
    let place = Place::new();
    let track = bigwig(&[
        (
            "chr1",
            4_000,
            &[(10, 12, 0.5), (12, 13, -1.25), (20, 3_999, 2.0)],
        ),
        ("chr2", 4_000, &[(0, 1, 7.0)]),
        ("chrZ", 50, &[(3, 4, 9.0)]),
    ]);
    place.write("x.bw", track);
    let bundle = place
        .build("out", &source("phylop", "bigwig", "x.bw", ""))
        .unwrap();
    assert_eq!(
        table_lines(&bundle, "phylop"),
        ["1 11 12 0.5", "1 13 13 -1.25", "1 21 3999 2.0", "2 1 1 7.0"]
    );
    assert_eq!(bundle.sources()[0].dropped.get("unknown_contig"), Some(&1));
    let wanted = alleles("chr2:1 A>C\nchr1:11 A>C\nchr1:13 G>A\nchr1:14 T>A\nchr1:11 ACG>A");
    let found = join(
        &bundle,
        &["phylop.value"],
        place.reference.contigs(),
        &[wanted],
    );
    assert_eq!(found, ["7.0", "0.5", "-1.25", "-", "0.5"]);
}

#[test]
fn tracks_of_other_builds_and_damaged_ones_are_refused() {
    let place = Place::new();
    let check = |bytes: Vec<u8>, expected: &str| {
        place.write("x.bw", bytes);
        let message = place.refused(&source("phylop", "bigwig", "x.bw", ""));
        assert!(message.contains(expected), "{message}\nlacks: {expected}");
    };
    let items: &[(u32, u32, f32)] = &[(10, 12, 0.5)];
    check(
        bigwig(&[("chr1", 5_000, items)]),
        "contig chr1 has 5000 bases, that of the reference 4000",
    );
    check(bigwig(&[("chrZ", 50, items)]), "none of its 1 records");
    let mut cut = bigwig(&[("chr1", 4_000, items)]);
    cut.truncate(cut.len() - 40);
    check(cut, "bigWig");
}
