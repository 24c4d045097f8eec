//! Rows, slots and reasons of variant models.

use serde_json::{Value, json};
use varisk_core::{CallCode, CallMatrix, Haplotype, site_schema};

use super::*;
use crate::TensorData;
use crate::testing::{Memory, Row, batch, bundle, row};

const GENOME: &str = "ACGTACGTAC";

fn encoder(batch_size: u32, inputs: Value) -> Result<VariantEncoder, EncodeError> {
    let schema = site_schema(&["AF".to_owned()]);
    VariantEncoder::try_new(&bundle("variant", batch_size, inputs), &schema)
}

/// Encodes rows of a model of one tensor into its first slots.
fn encode(inputs: Value, rows: &[Row], calls: CallMatrix) -> (Vec<f32>, Vec<Result<(), Reason>>) {
    let encoder = encoder(4, inputs).unwrap();
    let batch = batch(rows, calls);
    let mut out = encoder.new_tensors().unwrap();
    let mut scratch = VariantScratch::default();
    let order: Vec<usize> = (0..rows.len()).collect();
    encoder
        .encode_rows(
            &batch,
            &order,
            &mut Memory::new(&[GENOME]),
            &mut scratch,
            0,
            &mut out,
        )
        .unwrap();
    let (_, data) = out.iter().next().unwrap();
    let values = match data {
        TensorData::F32(array) => array.iter().copied().collect(),
        TensorData::I64(array) => array.iter().map(|id| *id as f32).collect(),
        TensorData::I32(array) => array.iter().map(|id| *id as f32).collect(),
    };
    (values, scratch.outcomes().to_vec())
}

fn letters(window: u32) -> Value {
    json!([{"tensor": "x", "encoder": "kmer", "params": {
        "k": 1, "stride": 1, "window": window, "allele": "alt", "n_policy": "single",
        "unknown": "?", "pad": "-", "length": window + 1, "dtype": "f32",
        "vocabulary": {"alphabet": "ACGT", "specials": ["-", "?"], "singles": ["N"]}}}])
}

#[test]
fn rows_become_tokens_or_reasons() {
    let check = |row: Row, expected: Result<[f32; 6], Reason>| {
        let name = format!("{}:{}>{:?}", row.position, row.reference, row.alternate);
        let (values, outcomes) = encode(letters(5), &[row], CallMatrix::default());
        assert_eq!(outcomes, [expected.map(|_| ())], "{name}");
        // A row without a number leaves the slot neutral.
        assert_eq!(values[..6], expected.unwrap_or([0.0; 6]), "{name}");
        assert_eq!(values[6..], [0.0; 18], "{name}");
    };
    let (a, c, g, t, n, pad) = (2.0, 3.0, 4.0, 5.0, 6.0, 0.0);
    check(row(5, "A", "T"), Ok([g, t, t, c, g, pad]));
    check(row(1, "A", "AC"), Ok([n, n, a, c, c, pad]));
    check(row(5, "ACG", "A"), Ok([g, t, a, t, a, pad]));
    check(row(5, "A", "N"), Ok([g, t, n, c, g, pad]));
    check(row(5, "ACGT", "A"), Err(Reason::AlleleExceedsWindow));
    check(row(5, "A", "ACGT"), Err(Reason::AlleleExceedsWindow));
    check(row(5, "A", "R"), Err(Reason::AmbiguousBase));
    check(row(5, "R", "A"), Err(Reason::AmbiguousBase));
    check(row(5, "A", "<DEL>"), Err(Reason::AmbiguousBase));
    check(row(0, "N", "A"), Err(Reason::TelomerePosition));
    let mut none = row(5, "A", "T");
    none.alternate = None;
    check(none, Err(Reason::NoAlternateAllele));
    let mut spanning = row(5, "A", "*");
    spanning.reason = Some("spanning_deletion");
    check(spanning, Err(Reason::SpanningDeletion));
}

#[test]
fn the_smallest_window_decides_what_fits_and_models_without_one_take_any_allele() {
    let annotation = json!([{"tensor": "x", "encoder": "annotation", "params":
        {"features": [{"name": "allele.length_change"}]}}]);
    let long = row(1, "ACGTACGTAC", "A");
    let (values, outcomes) = encode(annotation, &[long], CallMatrix::default());
    assert_eq!((values[0], outcomes), (-9.0, vec![Ok(())]));

    let mut two = letters(20);
    let other = json!({"tensor": "y", "encoder": "onehot", "params":
        {"window": 3, "allele": "ref"}});
    two.as_array_mut().unwrap().push(other);
    let (_, outcomes) = encode(two, &[row(5, "ACG", "A")], CallMatrix::default());
    assert_eq!(outcomes, [Err(Reason::AlleleExceedsWindow)]);
}

#[test]
fn annotations_by_name() {
    let check = |name: &str, row: Row, expected: Result<f32, Reason>| {
        let mut calls = CallMatrix::with_capacity(2, 1);
        calls.push_row(CallCode::diploid(
            Haplotype::Reference,
            Haplotype::Alternate,
            false,
        ))[1] = CallCode::MISSING.0;
        let inputs = json!([{"tensor": "x", "encoder": "annotation", "params":
            {"features": [{"name": name}]}}]);
        let (values, outcomes) = encode(inputs, &[row], calls);
        assert_eq!(outcomes, [expected.map(|_| ())], "{name}");
        assert_eq!(values[0], expected.unwrap_or(0.0), "{name}");
    };
    let missing = Err(Reason::AnnotationMissing);
    check("allele.is_snv", row(1, "A", "C"), Ok(1.0));
    check("allele.is_snv", row(1, "AC", "GT"), Ok(0.0));
    check("allele.is_mnv", row(1, "AC", "GT"), Ok(1.0));
    check("allele.is_insertion", row(1, "A", "AC"), Ok(1.0));
    check("allele.is_deletion", row(1, "AC", "A"), Ok(1.0));
    check("allele.is_complex", row(1, "AC", "GTT"), Ok(1.0));
    check("allele.is_transition", row(1, "A", "G"), Ok(1.0));
    check("allele.is_transition", row(2, "C", "T"), Ok(1.0));
    check("allele.is_transition", row(1, "A", "C"), Ok(0.0));
    check("allele.is_transition", row(1, "A", "AG"), Ok(0.0));
    check("allele.is_transition", row(1, "A", "N"), missing);
    check("allele.is_transversion", row(1, "A", "C"), Ok(1.0));
    check("allele.is_transversion", row(1, "A", "G"), Ok(0.0));
    check("allele.is_transversion", row(1, "A", "AG"), Ok(0.0));
    check("allele.ref_length", row(1, "ACG", "A"), Ok(3.0));
    check("allele.alt_length", row(1, "ACG", "AT"), Ok(2.0));
    check("allele.length_change", row(1, "ACG", "A"), Ok(-2.0));
    check("context.gc_fraction", row(1, "A", "C"), Ok(0.5));
    check("context.is_cpg", row(2, "C", "T"), Ok(1.0));
    check("context.is_cpg", row(10, "C", "T"), missing);
    check("context.homopolymer_run", row(1, "A", "C"), Ok(1.0));
    check("cohort.alternate_frequency", row(1, "A", "C"), Ok(0.5));
    check("cohort.alternate_count", row(1, "A", "C"), Ok(1.0));
    check("cohort.call_rate", row(1, "A", "C"), Ok(0.5));
    let with = |quality, filter, info| Row {
        quality,
        filter,
        info,
        ..row(1, "A", "C")
    };
    check("site.qual", with(Some(30.5), None, None), Ok(30.5));
    check("site.qual", with(None, None, None), missing);
    check("site.filter_pass", with(None, Some("PASS"), None), Ok(1.0));
    check("site.filter_pass", with(None, Some("q10"), None), Ok(0.0));
    check("site.filter_pass", with(None, None, None), missing);
    check("info.AF", with(None, None, Some(0.25)), Ok(0.25));
    check("info.AF", with(None, None, None), missing);
    check("info.AF", with(None, None, Some(f32::NAN)), missing);
}

#[test]
fn fills_flags_and_scales_stand_in_declared_order() {
    let inputs = json!([{"tensor": "x", "encoder": "annotation", "params": {"features": [
        {"name": "info.AF", "fill": 0.0, "mean": 0.5, "std": 0.25, "missing_flag": true},
        {"name": "allele.ref_length", "mean": 1.0}]}}]);
    let rows = [
        Row {
            info: Some(1.0),
            ..row(1, "A", "C")
        },
        row(1, "AC", "A"),
    ];
    let (values, _) = encode(inputs, &rows, CallMatrix::default());
    assert_eq!(values[..6], [2.0, 0.0, 0.0, -2.0, 1.0, 1.0]);
}

#[test]
fn slots_fill_across_batches_and_the_rest_is_neutral() {
    let encoder = encoder(3, letters(1)).unwrap();
    let mut out = encoder.new_tensors().unwrap();
    let mut scratch = VariantScratch::default();
    let genome = &mut Memory::new(&[GENOME]);
    let batch = batch(
        &[
            row(1, "A", "C"),
            row(0, "A", "C"),
            row(1, "A", "G"),
            row(1, "A", "T"),
        ],
        CallMatrix::default(),
    );
    let ids = |out: &Tensors| match out.get("x") {
        Some(TensorData::F32(array)) => array.iter().step_by(2).copied().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let (c, g, t, pad) = (3.0, 4.0, 5.0, 0.0);

    let next = encoder
        .encode_rows(&batch, &[0, 1, 2], genome, &mut scratch, 0, &mut out)
        .unwrap();
    assert_eq!(next, 2);
    assert_eq!(ids(&out), [c, g, pad]);
    let telomere = Err(Reason::TelomerePosition);
    assert_eq!(scratch.outcomes(), [Ok(()), telomere, Ok(())]);

    // Full after one row: the other is given back.
    let next = encoder
        .encode_rows(&batch, &[3, 0], genome, &mut scratch, next, &mut out)
        .unwrap();
    assert_eq!(next, 3);
    assert_eq!(ids(&out), [c, g, t]);
    assert_eq!(scratch.outcomes(), [Ok(())]);

    // A new batch in the same buffers leaves nothing of the old one.
    let next = encoder
        .encode_rows(&batch, &[3], genome, &mut scratch, 0, &mut out)
        .unwrap();
    assert_eq!(next, 1);
    assert_eq!(ids(&out), [t, pad, pad]);
}

#[test]
fn a_row_without_its_annotation_leaves_no_trace() {
    let mut inputs = letters(1);
    let required = json!({"tensor": "y", "encoder": "annotation", "params":
        {"features": [{"name": "info.AF"}]}});
    inputs.as_array_mut().unwrap().push(required);
    let (values, outcomes) = encode(inputs, &[row(1, "A", "C")], CallMatrix::default());
    assert_eq!(outcomes, [Err(Reason::AnnotationMissing)]);
    assert_eq!(values, [0.0; 8]);
}

#[test]
fn token_parts_and_element_types() {
    let check = |part: &str, dtype: &str, expected: [f32; 8]| {
        let mut inputs = letters(1);
        inputs[0]["params"]["part"] = part.into();
        inputs[0]["params"]["dtype"] = dtype.into();
        let (values, _) = encode(inputs, &[row(1, "A", "C")], CallMatrix::default());
        assert_eq!(values, expected, "{part} {dtype}");
    };
    for dtype in ["i64", "i32", "f32"] {
        check("ids", dtype, [3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        check(
            "attention_mask",
            dtype,
            [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        );
        check("token_type_ids", dtype, [0.0; 8]);
    }
}

#[test]
fn plans_that_cannot_work_are_refused_before_the_first_row() {
    let annotation = |name: &str| json!([{"tensor": "x", "encoder": "annotation", "params": {"features": [{"name": name}]}}]);
    let check = |inputs: Value, part: &str| {
        let error = encoder(64, inputs).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(annotation("info.DP"), "no column 'info.DP' of type Float32");
    check(
        annotation("allele.gc"),
        "no annotation is called 'allele.gc'",
    );
    check(annotation("clinvar.stars"), "knowledge source 'clinvar'");
    let huge = json!([{"tensor": "x", "encoder": "onehot",
        "params": {"window": 65_536, "allele": "alt"}}]);
    assert!(encoder(1_024, huge.clone()).is_ok());
    let error = encoder(1_025, huge).unwrap_err().to_string();
    assert!(error.contains("lower batch_size"), "{error}");
    let schema = arrow::datatypes::Schema::empty();
    let error = VariantEncoder::try_new(&bundle("variant", 1, letters(1)), &schema).unwrap_err();
    assert!(error.to_string().contains("no column 'contig'"), "{error}");
    let covariates = json!([{"tensor": "x", "encoder": "covariate", "params":
        {"columns": [{"name": "age"}]}}]);
    let error = VariantEncoder::try_new(&bundle("patient", 1, covariates), &schema).unwrap_err();
    assert!(error.to_string().contains("kind 'patient'"), "{error}");
}
