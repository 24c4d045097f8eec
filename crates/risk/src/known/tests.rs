use std::collections::BTreeMap;

use arrow::array::{AsArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array};
use arrow::datatypes::{Field, Schema, UInt32Type};
use proptest::prelude::*;
use varisk_core::{CallMatrix, ContigSet, Haplotype, PolyploidCall};

use super::*;

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Unknown];

/// An allele of the input.
#[derive(Clone, Debug)]
struct Row {
    contig: u32,
    position: u32,
    significance: [Option<&'static str>; 2],
    reason: Option<&'static str>,
    codes: [CallCode; 3],
}

fn row(position: u32, significance: &'static str, codes: [CallCode; 3]) -> Row {
    Row {
        contig: 0,
        position,
        significance: [Some(significance), None],
        reason: None,
        codes,
    }
}

fn call(first: Haplotype, second: Haplotype) -> CallCode {
    CallCode::diploid(first, second, false)
}

fn batch(rows: &[Row], class: SiteClass) -> SiteBatch {
    let text = |value: &dyn Fn(&Row) -> Option<&'static str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let number = |value: &dyn Fn(&Row) -> u32| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| Some(value(row)))
                .collect::<UInt32Array>(),
        )
    };
    let count = rows.len();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (c::CONTIG, number(&|row| row.contig)),
        (c::POSITION, number(&|row| row.position)),
        (c::REFERENCE, text(&|_| Some("A"))),
        (c::ALTERNATE, text(&|_| Some("G"))),
        (c::VARIANT_KEY, Arc::new(UInt64Array::from(vec![0; count]))),
        (c::ALLELE_CLASS, text(&|_| Some("snv"))),
        (c::INPUT_POSITION, number(&|row| row.position)),
        (c::INPUT_REFERENCE, text(&|_| Some("A"))),
        (c::INPUT_ALTERNATE, text(&|_| Some("G"))),
        (
            c::ALTERNATE_INDEX,
            Arc::new(UInt16Array::from(vec![1; count])),
        ),
        (c::ID, text(&|_| None)),
        (c::FILTER, text(&|_| Some("PASS"))),
        (
            c::SITE_CLASS,
            Arc::new(UInt8Array::from(vec![class as u8; count])),
        ),
        (c::REASON, text(&|row| row.reason)),
        ("clinvar.significance", text(&|row| row.significance[0])),
        ("own.significance", text(&|row| row.significance[1])),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, array)| array).collect();
    let sites = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let mut calls = CallMatrix::with_capacity(3, count);
    for row in rows {
        let codes = row.codes.map(|code| code.0);
        calls.push_row(CallCode::MISSING).copy_from_slice(&codes);
    }
    let contigs = [("1".to_owned(), 1_000_000), ("2".to_owned(), 1_000_000)];
    SiteBatch::try_new(0, Arc::new(ContigSet::new(contigs)), sites, calls).unwrap()
}

fn fold(classes: &[ClinicalClass]) -> KnownVariants {
    let selection = KnownSelection {
        sources: vec!["clinvar".to_owned(), "own".to_owned()],
        classes: classes.to_vec(),
    };
    let contigs = vec!["1".to_owned(), "2".to_owned()];
    KnownVariants::new(selection, SEXES.to_vec(), contigs, vec![1, 0])
}

/// Patient, contig, position, genotype, dosage, source and significance of the table's rows.
fn rows(fold: &KnownVariants) -> Vec<(String, String, u32, String, u32, String, String)> {
    let patients = ["b", "a", "c"].map(|id| Patient {
        id: id.to_owned(),
        ..Patient::default()
    });
    let output = fold.finish(&patients).unwrap();
    assert_eq!(output.features.iter().count(), 0);
    let [(name, table)] = &output.tables[..] else {
        panic!("not one table");
    };
    assert_eq!(*name, "known_variants");
    let column = |name: &str| table.column_by_name(name).unwrap();
    let text = |name: &str, row| column(name).as_string::<i32>().value(row).to_owned();
    let number = |name: &str, row| column(name).as_primitive::<UInt32Type>().value(row);
    (0..table.num_rows())
        .map(|row| {
            (
                text("patient", row),
                text("contig", row),
                number("position", row),
                text("genotype", row),
                number("dosage", row),
                text("source", row),
                text("significance", row),
            )
        })
        .collect()
}

/// Genotype and dosage of the three patients at one pathogenic allele, and who is unchecked.
fn check_calls(
    class: SiteClass,
    codes: [CallCode; 3],
    expected: [Option<(&str, u32)>; 3],
    uncalled: [u64; 3],
) {
    let mut fold = fold(&ClinicalClass::REPORTED);
    fold.observe(&batch(&[row(5, "pathogenic", codes)], class))
        .unwrap();
    let found: BTreeMap<String, (String, u32)> = rows(&fold)
        .into_iter()
        .map(|(patient, _, _, genotype, dosage, _, _)| (patient, (genotype, dosage)))
        .collect();
    let ids = ["b", "a", "c"].into_iter();
    let expected: BTreeMap<String, (String, u32)> = ids
        .zip(expected)
        .filter_map(|(id, call)| {
            call.map(|(text, dosage)| (id.to_owned(), (text.to_owned(), dosage)))
        })
        .collect();
    assert_eq!(found, expected, "{class:?} {codes:?}");
    assert_eq!(fold.uncalled(), uncalled, "{class:?} {codes:?}");
}

#[test]
fn what_is_carried_and_what_is_unchecked() {
    use Haplotype::{Alternate, Missing, Other, Reference};
    let autosomal = SiteClass::Autosomal;
    check_calls(
        autosomal,
        [
            call(Reference, Alternate),
            call(Alternate, Alternate),
            call(Alternate, Other),
        ],
        [Some(("0/1", 1)), Some(("1/1", 2)), Some(("1/2", 1))],
        [0; 3],
    );
    // A copy that is seen is reported, though the call is not complete.
    check_calls(
        autosomal,
        [
            call(Alternate, Missing),
            call(Reference, Missing),
            call(Missing, Missing),
        ],
        [Some(("1/.", 1)), None, None],
        [0, 1, 1],
    );
    check_calls(
        autosomal,
        [
            call(Reference, Reference),
            CallCode::NOT_ASSAYED,
            CallCode::haploid(Alternate),
        ],
        [None, None, Some(("1", 1))],
        [0, 1, 0],
    );
    // A female has no Y to check; a male's copies count once there and on X.
    let both = call(Alternate, Alternate);
    check_calls(
        SiteClass::Y,
        [both, both, CallCode::MISSING],
        [None, Some(("1/1", 1)), None],
        [0, 0, 1],
    );
    check_calls(
        SiteClass::Y,
        [
            CallCode::MISSING,
            CallCode::MISSING,
            call(Alternate, Missing),
        ],
        [None, None, Some(("1/.", 1))],
        [0, 1, 0],
    );
    check_calls(
        SiteClass::X,
        [both, both, both],
        [Some(("1/1", 2)), Some(("1/1", 1)), Some(("1/1", 2))],
        [0; 3],
    );
    check_calls(
        SiteClass::Mitochondrial,
        [both, call(Reference, Alternate), call(Alternate, Missing)],
        [Some(("1/1", 1)), Some(("0/1", 1)), Some(("1/.", 1))],
        [0; 3],
    );
}

#[test]
fn the_users_word_is_no_check() {
    let assumed = (0..=u8::MAX)
        .map(CallCode)
        .filter(|code| code.is_assumed())
        .find(|code| code.call().is_some_and(|call| call.ploidy == 2))
        .unwrap();
    let reference = CallCode::HOMOZYGOUS_REFERENCE;
    check_calls(
        SiteClass::Autosomal,
        [assumed, reference, reference],
        [None; 3],
        [1, 0, 0],
    );
}

#[test]
fn polyploid_calls() {
    let mut calls_of = batch(
        &[row(5, "pathogenic", [CallCode::POLYPLOID; 3])],
        SiteClass::Autosomal,
    );
    let mut calls = calls_of.calls().clone();
    for (sample, alternate, missing) in [(0, 2, 0), (1, 1, 1), (2, 0, 1)] {
        calls.push_polyploid(PolyploidCall {
            row: 0,
            sample,
            call: varisk_core::Call {
                alternate,
                missing,
                ploidy: 3,
                ..varisk_core::Call::default()
            },
        });
    }
    calls_of = SiteBatch::try_new(
        0,
        Arc::new(calls_of.contigs().clone()),
        calls_of.sites().clone(),
        calls,
    )
    .unwrap();
    let mut fold = fold(&ClinicalClass::REPORTED);
    fold.observe(&calls_of).unwrap();
    let found: Vec<(String, String, u32)> = rows(&fold)
        .into_iter()
        .map(|(patient, _, _, genotype, dosage, _, _)| (patient, genotype, dosage))
        .collect();
    let expected = [("a", "0/1/.", 1), ("b", "0/1/1", 2)];
    assert_eq!(
        found,
        expected.map(|(id, genotype, dosage)| (id.to_owned(), genotype.to_owned(), dosage))
    );
    assert_eq!(fold.uncalled(), [0, 0, 1]);
}

/// By patient, then the contigs in the order of the input, which here is not that of their indices;
/// each source that reports has a row.
#[test]
fn rows_are_in_order_and_name_their_source() {
    let het = call(Haplotype::Reference, Haplotype::Alternate);
    let reference = CallCode::HOMOZYGOUS_REFERENCE;
    let mut input = vec![
        row(9, "likely_pathogenic", [het, het, reference]),
        row(3, "benign", [het; 3]),
        row(4, "conflicting", [het; 3]),
        row(
            2,
            "pathogenic/likely_risk_allele",
            [het, reference, reference],
        ),
        row(1, "pathogenic", [reference, het, reference]),
    ];
    input[4].contig = 1;
    input[1].significance[1] = Some("pathogenic,_low_penetrance");
    input[0].significance[1] = Some("pathogenic");
    let mut fold = fold(&ClinicalClass::REPORTED);
    fold.observe(&batch(&input, SiteClass::Autosomal)).unwrap();
    let expected = [
        ("a", "2", 1, "clinvar", "pathogenic"),
        ("a", "1", 3, "own", "pathogenic,_low_penetrance"),
        ("a", "1", 9, "clinvar", "likely_pathogenic"),
        ("a", "1", 9, "own", "pathogenic"),
        ("b", "1", 2, "clinvar", "pathogenic/likely_risk_allele"),
        ("b", "1", 3, "own", "pathogenic,_low_penetrance"),
        ("b", "1", 9, "clinvar", "likely_pathogenic"),
        ("b", "1", 9, "own", "pathogenic"),
        ("c", "1", 3, "own", "pathogenic,_low_penetrance"),
    ];
    let found: Vec<_> = rows(&fold)
        .into_iter()
        .map(|(patient, contig, position, _, _, source, word)| {
            (patient, contig, position, source, word)
        })
        .collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(patient, contig, position, source, word)| {
            (
                patient.to_owned(),
                contig.to_owned(),
                position,
                source.to_owned(),
                word.to_owned(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(fold.unknown_words(), None);
}

#[test]
fn other_classes_repeated_records_and_unknown_words() {
    let het = call(Haplotype::Reference, Haplotype::Alternate);
    let mut input = vec![
        row(1, "conflicting", [het; 3]),
        row(2, "pathogenic", [het; 3]),
        row(3, "conflicting", [CallCode::MISSING; 3]),
        row(3, "zzz", [het; 3]),
        row(4, "12", [het; 3]),
        row(5, "conflicting/new", [het; 3]),
    ];
    input.push(Row {
        reason: Some("repeated_allele"),
        ..input[0].clone()
    });
    input.push(Row {
        reason: Some("repeated_allele"),
        ..input[2].clone()
    });
    let mut fold = fold(&[ClinicalClass::Conflicting]);
    fold.observe(&batch(&input, SiteClass::Autosomal)).unwrap();
    let found: Vec<(String, u32)> = rows(&fold).into_iter().map(|row| (row.0, row.2)).collect();
    let expected = [("a", 1), ("a", 5), ("b", 1), ("b", 5), ("c", 1), ("c", 5)];
    assert_eq!(found, expected.map(|(id, at)| (id.to_owned(), at)));
    assert_eq!(fold.uncalled(), [1, 1, 1]);
    assert_eq!(fold.unknown_words(), Some((3, "12")));
}

fn code() -> impl Strategy<Value = CallCode> {
    use Haplotype::{Absent, Alternate, Missing, Other, Reference};
    let one = prop_oneof![3 => Just(Reference), 3 => Just(Alternate), 1 => Just(Other), 1 => Just(Missing)];
    let second = prop_oneof![5 => one.clone(), 1 => Just(Absent)];
    prop_oneof![
        9 => (one, second, any::<bool>()).prop_map(|(a, b, phased)| CallCode::diploid(a, b, phased)),
        1 => Just(CallCode::NOT_ASSAYED),
    ]
}

fn any_row() -> impl Strategy<Value = Row> {
    let word = prop_oneof![
        Just(None),
        Just(Some("pathogenic")),
        Just(Some("likely_pathogenic")),
        Just(Some("benign")),
        Just(Some("word"))
    ];
    let reason = prop_oneof![5 => Just(None), 1 => Just(Some("repeated_allele"))];
    (
        0u32..2,
        1u32..20,
        [word.clone(), word],
        reason,
        [code(), code(), code()],
    )
        .prop_map(|(contig, position, significance, reason, codes)| Row {
            contig,
            position,
            significance,
            reason,
            codes,
        })
}

proptest! {
    #[test]
    fn however_the_rows_are_cut_the_saved_folds_are_equal(rows in prop::collection::vec(any_row(), 0..50), cut in 0usize..50, class in 0u8..4) {
        let (cut, class) = (cut.min(rows.len()), SiteClass::from_number(class));
        let mut whole = fold(&ClinicalClass::REPORTED);
        whole.observe(&batch(&rows, class)).unwrap();
        let part = |rows: &[Row]| {
            let mut part = whole.empty();
            part.observe(&batch(rows, class)).unwrap();
            part
        };
        let (mut first, second) = (part(&rows[..cut]), part(&rows[cut..]));
        let mut backward = whole.empty();
        backward.merge(&second.save().unwrap()).unwrap();
        backward.merge(&first.save().unwrap()).unwrap();
        first.merge(&second.save().unwrap()).unwrap();
        prop_assert_eq!(first.save().unwrap(), whole.save().unwrap());
        prop_assert_eq!(backward.save().unwrap(), whole.save().unwrap());
    }
}

#[test]
fn a_fold_of_other_classes_is_refused() {
    let other = fold(&[ClinicalClass::Benign]).save().unwrap();
    let error = fold(&ClinicalClass::REPORTED).merge(&other).unwrap_err();
    assert!(error.to_string().contains("other settings"), "{error}");
}
