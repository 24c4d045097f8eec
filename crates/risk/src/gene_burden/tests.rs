use super::*;

#[test]
fn features_are_told_from_those_of_models() {
    let check = |name: &str, expected: Option<(&str, BurdenClass)>| {
        let parsed = parse_burden_feature(name);
        let parsed = parsed.as_ref().map(|(gene, class)| (gene.as_str(), *class));
        assert_eq!(parsed, expected, "{name}");
    };
    check(
        "burden.BRCA1.lof",
        Some(("BRCA1", BurdenClass::LossOfFunction)),
    );
    check(
        "burden.HLA-A.missense",
        Some(("HLA-A", BurdenClass::Missense)),
    );
    check("burden.model.output.sum", None);
    check("burden..lof", None);
    check("polygenic.X.lof", None);
}

/// The lines (gene, impact, terms) of a row's consequences and the codes of three patients.
type Row<'r> = (&'r [Line<'r>], [CallCode; 3]);
type Line<'r> = (&'r str, &'r str, &'r str);

fn batch(rows: &[Row<'_>]) -> SiteBatch {
    batch_with(rows, &vec![None; rows.len()])
}

/// The same, some rows with a reason.
fn batch_with(rows: &[Row<'_>], reasons: &[Option<&str>]) -> SiteBatch {
    use arrow::array::{RecordBatch, StructArray, UInt8Array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field, Fields, Schema};
    use varisk_core::{CallMatrix, ContigSet};

    let lines: Vec<_> = rows.iter().flat_map(|(lines, _)| lines.iter()).collect();
    let text = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let fields: Fields = ["gene", "gene_id", "impact", "terms"]
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect();
    let values = StructArray::new(
        fields.clone(),
        vec![
            text(lines.iter().map(|line| line.0).collect()),
            text(lines.iter().map(|line| line.0).collect()),
            text(lines.iter().map(|line| line.1).collect()),
            text(lines.iter().map(|line| line.2).collect()),
        ],
        None,
    );
    let list = ListArray::new(
        Arc::new(Field::new("item", DataType::Struct(fields), true)),
        OffsetBuffer::from_lengths(rows.iter().map(|(lines, _)| lines.len())),
        Arc::new(values),
        None,
    );
    let frequencies: Float64Array = (0..rows.len()).map(|row| Some(row as f64 / 10.0)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            c::SITE_CLASS,
            Arc::new(UInt8Array::from(vec![0; rows.len()])),
        ),
        (c::REASON, Arc::new(StringArray::from(reasons.to_vec()))),
        (ALL, Arc::new(list)),
        ("gnomad.af", Arc::new(frequencies)),
    ];
    let schema: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let sites = RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays).unwrap();
    let mut calls = CallMatrix::with_capacity(3, rows.len());
    for (_, codes) in rows {
        let row = calls.push_row(CallCode::MISSING);
        row.copy_from_slice(&codes.map(|code| code.0));
    }
    SiteBatch::try_new(0, Arc::new(ContigSet::default()), sites, calls).unwrap()
}

fn patients() -> Vec<Patient> {
    ["C", "A", "B"]
        .map(|id| Patient {
            id: id.to_owned(),
            ..Patient::default()
        })
        .to_vec()
}

/// Rows of the table as (patient, gene, class, alleles, copies, uncalled).
fn table(fold: &GeneBurden) -> Vec<(String, String, String, u32, u32, u32)> {
    use arrow::datatypes::UInt32Type;
    let output = fold.finish(&patients()).unwrap();
    let (_, table) = &output.tables[0];
    let text = |column: usize, row| {
        table
            .column(column)
            .as_string::<i32>()
            .value(row)
            .to_owned()
    };
    let number = |column: usize, row| table.column(column).as_primitive::<UInt32Type>().value(row);
    (0..table.num_rows())
        .map(|row| {
            (
                text(0, row),
                text(1, row),
                text(2, row),
                number(3, row),
                number(4, row),
                number(5, row),
            )
        })
        .collect()
}

#[test]
fn the_worst_line_of_each_gene_counts_and_merging_is_exact() {
    use varisk_core::Haplotype::{Alternate, Reference};
    use varisk_core::InferredReference;
    let het = CallCode::diploid(Reference, Alternate, false);
    let hom = CallCode::diploid(Alternate, Alternate, false);
    let reference = CallCode::HOMOZYGOUS_REFERENCE;
    let assumed = CallCode::inferred_reference(InferredReference::Assumption, false);
    let rows: [Row<'_>; 4] = [
        (
            &[
                ("G1", "MODERATE", "missense_variant"),
                ("G1", "HIGH", "stop_gained&splice_region_variant"),
                ("G2", "MODIFIER", "intron_variant"),
            ],
            [het, hom, reference],
        ),
        (
            &[("G1", "HIGH", "frameshift_variant")],
            [reference, CallCode::MISSING, assumed],
        ),
        (
            &[("G2", "LOW", "splice_region_variant&synonymous_variant")],
            [hom, reference, CallCode::NOT_ASSAYED],
        ),
        (&[("G3", "HIGH", "stop_gained")], [hom, hom, hom]),
    ];
    let new = || {
        GeneBurden::new(
            vec![Sex::Unknown; 3],
            Some(("gnomad.af".to_owned(), 0.25)),
            ["burden.G1.lof", "burden.G2.synonymous", "burden.NONE.lof"].map(str::to_owned),
        )
    };
    let mut whole = new();
    whole.observe(&batch(&rows)).unwrap();
    let row = |patient: &str, gene: &str, class: &str, numbers: [u32; 3]| {
        let [alleles, copies, uncalled] = numbers;
        (
            patient.to_owned(),
            gene.to_owned(),
            class.to_owned(),
            alleles,
            copies,
            uncalled,
        )
    };
    // The fourth allele is too frequent. Patients stand in the order of their identifiers.
    let expected = [
        row("A", "G1", "lof", [1, 2, 1]),
        row("B", "G1", "lof", [0, 0, 0]),
        row("B", "G2", "synonymous", [0, 0, 1]),
        row("C", "G1", "lof", [1, 1, 0]),
        row("C", "G2", "synonymous", [1, 2, 0]),
    ];
    assert_eq!(table(&whole), expected);
    let features = whole.finish(&patients()).unwrap().features;
    let unknown = Err(Reason::NoInformativeCalls);
    let check = |name: &str, values: &[FeatureValue]| {
        assert_eq!(features.get(name), Some(values), "{name}");
    };
    check("burden.G1.lof", &[Ok(1.0), Ok(2.0), Ok(0.0)]);
    check("burden.G2.synonymous", &[Ok(2.0), Ok(0.0), unknown]);
    check("burden.NONE.lof", &[Ok(0.0), Ok(0.0), Ok(0.0)]);

    let (mut first, mut second) = (new(), new());
    first.observe(&batch(&rows[2..3])).unwrap();
    second.observe(&batch(&rows[..2])).unwrap();
    first.merge(&second.save().unwrap()).unwrap();
    assert_eq!(first.save().unwrap(), whole.save().unwrap());
}

#[test]
fn a_record_that_stands_twice_burdens_once() {
    use varisk_core::Haplotype::{Alternate, Reference};
    let het = CallCode::diploid(Reference, Alternate, false);
    let row: Row<'_> = (&[("G1", "HIGH", "stop_gained")], [het; 3]);
    let reasons = [None, Some(Reason::RepeatedAllele.name())];
    let mut fold = GeneBurden::new(vec![Sex::Unknown; 3], None, Vec::new());
    fold.observe(&batch_with(&[row, row], &reasons)).unwrap();
    let counts: Vec<_> = table(&fold).into_iter().map(|row| (row.3, row.4)).collect();
    assert_eq!(counts, [(1, 1); 3]);
}
