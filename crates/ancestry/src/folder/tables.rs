//! The tables of a panel's folder as columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, ListBuilder, RecordBatch,
    StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt32Type};
use arrow::error::ArrowError;
use varisk_core::{Position, VariantKey};

use crate::build::LOWEST_FREQUENCY;
use crate::panel::{AlleleFrequency, Panel, PlacedSample};
use crate::site::{PanelSite, autosome};

const LOADINGS: &str = "loadings";
const COMPONENTS: &str = "components";
const SAMPLES: &str = "samples";
const SCORES: &str = "scores";
const FREQUENCIES: &str = "score_frequencies";

/// Names of all tables, in the order in which they are read.
pub(super) const NAMES: [&str; 5] = [COMPONENTS, LOADINGS, SAMPLES, SCORES, FREQUENCIES];

/// Columns of a table: sites and alleles by contig (canonical name), position (1-based), REF, ALT and
/// their key; `frequency` is that of ALT; `sample` counts from 0 in the order of the labels.
pub(super) fn schema(name: &str) -> SchemaRef {
    let field = |name, kind| Field::new(name, kind, false);
    let numbers = || DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
    let mut allele = vec![
        field("contig", DataType::Utf8),
        field("position", DataType::UInt32),
        field("ref", DataType::Utf8),
        field("alt", DataType::Utf8),
        Field::new("variant_key", DataType::UInt64, true),
        field("frequency", DataType::Float64),
    ];
    let fields = match name {
        LOADINGS => {
            allele.push(field("loadings", numbers()));
            allele
        }
        COMPONENTS => vec![
            field("component", DataType::UInt32),
            field("singular_value", DataType::Float64),
        ],
        SAMPLES => vec![
            field("sample", DataType::UInt32),
            field("population", DataType::Utf8),
            field("is_training", DataType::Boolean),
            field("components", numbers()),
        ],
        SCORES => vec![
            field("score", DataType::Utf8),
            field("sample", DataType::UInt32),
            Field::new("sum", DataType::Float64, true),
        ],
        _ => allele,
    };
    Arc::new(Schema::new(fields))
}

/// All tables of a panel.
pub(super) fn encode(panel: &Panel) -> Result<Vec<(&'static str, RecordBatch)>, ArrowError> {
    let table = |name, columns| Ok((name, RecordBatch::try_new(schema(name), columns)?));
    NAMES
        .into_iter()
        .map(|name| match name {
            COMPONENTS => table(name, components(panel)),
            LOADINGS => table(name, loadings(panel)),
            SAMPLES => table(name, samples(panel)),
            SCORES => table(name, scores(panel)),
            _ => table(name, frequencies(panel)),
        })
        .collect()
}

fn numbered(count: usize) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values((0..).take(count)))
}

fn text<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn lists<'a>(rows: impl Iterator<Item = &'a [f64]>) -> ArrayRef {
    let mut lists = ListBuilder::new(Float64Builder::new());
    for row in rows {
        lists.values().append_slice(row);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// An allele with its frequency.
struct Allele<'a> {
    contig: &'a str,
    position: Position,
    reference: &'a [u8],
    alternate: &'a [u8],
    frequency: f64,
}

fn alleles(alleles: &[Allele<'_>]) -> Vec<ArrayRef> {
    let bases = |bases: &dyn Fn(&Allele<'_>) -> Vec<u8>| {
        let texts = alleles
            .iter()
            .map(|allele| String::from_utf8_lossy(&bases(allele)).into_owned());
        Arc::new(StringArray::from_iter_values(texts)) as ArrayRef
    };
    let key = |allele: &Allele<'_>| {
        let key = VariantKey::encode(
            allele.contig,
            allele.position,
            allele.reference,
            allele.alternate,
        );
        key.map(|key| key.0)
    };
    vec![
        text(alleles.iter().map(|allele| allele.contig)),
        Arc::new(UInt32Array::from_iter_values(
            alleles.iter().map(|allele| allele.position.0),
        )),
        bases(&|allele| allele.reference.to_vec()),
        bases(&|allele| allele.alternate.to_vec()),
        Arc::new(alleles.iter().map(key).collect::<UInt64Array>()),
        Arc::new(Float64Array::from_iter_values(
            alleles.iter().map(|allele| allele.frequency),
        )),
    ]
}

fn components(panel: &Panel) -> Vec<ArrayRef> {
    let numbers = (1..).take(panel.singular.len());
    vec![
        Arc::new(UInt32Array::from_iter_values(numbers)),
        Arc::new(Float64Array::from(panel.singular.clone())),
    ]
}

fn loadings(panel: &Panel) -> Vec<ArrayRef> {
    let sites: Vec<Allele<'_>> = panel
        .sites
        .iter()
        .map(|site| Allele {
            contig: &site.contig,
            position: site.position,
            reference: std::slice::from_ref(&site.reference),
            alternate: std::slice::from_ref(&site.alternate),
            frequency: site.frequency,
        })
        .collect();
    let mut columns = alleles(&sites);
    columns.push(lists(
        (0..panel.sites.len()).map(|site| panel.loadings(site)),
    ));
    columns
}

fn samples(panel: &Panel) -> Vec<ArrayRef> {
    let samples = &panel.samples;
    let training: BooleanArray = samples.iter().map(|s| Some(s.is_training)).collect();
    vec![
        numbered(samples.len()),
        text(
            samples
                .iter()
                .map(|s| panel.populations[s.population].as_str()),
        ),
        Arc::new(training),
        lists(samples.iter().map(|s| s.components.as_slice())),
    ]
}

fn scores(panel: &Panel) -> Vec<ArrayRef> {
    let each = || {
        panel.scores.iter().flat_map(|score| {
            (0..)
                .zip(&score.sums)
                .map(move |(sample, sum)| (score.name.as_str(), sample, *sum))
        })
    };
    let sum = |(.., sum): (&str, u32, f64)| sum.is_finite().then_some(sum);
    vec![
        text(each().map(|(name, ..)| name)),
        Arc::new(UInt32Array::from_iter_values(
            each().map(|(_, sample, _)| sample),
        )),
        Arc::new(each().map(sum).collect::<Float64Array>()),
    ]
}

fn frequencies(panel: &Panel) -> Vec<ArrayRef> {
    let rows: Vec<Allele<'_>> = panel
        .frequencies
        .iter()
        .map(|allele| Allele {
            contig: &allele.contig,
            position: allele.position,
            reference: allele.reference.as_bytes(),
            alternate: allele.alternate.as_bytes(),
            frequency: allele.frequency,
        })
        .collect();
    alleles(&rows)
}

/// Takes a table, which has the columns of [`schema`], into the panel.
///
/// # Errors
/// What is wrong with its rows.
pub(super) fn decode(
    panel: &mut Panel,
    name: &str,
    rows: &RecordBatch,
) -> Result<(), &'static str> {
    match name {
        COMPONENTS => {
            let values = rows.column(1).as_primitive::<Float64Type>();
            panel.singular = values.values().to_vec();
            let positive = panel.singular.iter().all(|v| v.is_finite() && *v > 0.0);
            let falling = panel.singular.windows(2).all(|pair| pair[0] >= pair[1]);
            (positive && falling)
                .then_some(())
                .ok_or("its singular values are not positive and descending")
        }
        LOADINGS => decode_loadings(panel, rows),
        SAMPLES => decode_samples(panel, rows),
        SCORES => decode_scores(panel, rows),
        _ => decode_frequencies(panel, rows),
    }
}

/// Contig, position, REF, ALT and frequency of a row.
fn allele(rows: &RecordBatch, row: usize) -> Allele<'_> {
    let text = |column: usize| rows.column(column).as_string::<i32>().value(row);
    Allele {
        contig: text(0),
        position: Position(rows.column(1).as_primitive::<UInt32Type>().value(row)),
        reference: text(2).as_bytes(),
        alternate: text(3).as_bytes(),
        frequency: rows.column(5).as_primitive::<Float64Type>().value(row),
    }
}

fn decode_loadings(panel: &mut Panel, rows: &RecordBatch) -> Result<(), &'static str> {
    let lists = rows.column(6).as_list::<i32>();
    let mut last = (0, 0);
    for row in 0..rows.num_rows() {
        let allele = allele(rows, row);
        let place = (
            autosome(allele.contig).ok_or("a contig is no autosome")?,
            allele.position.0,
        );
        if row > 0 && place <= last {
            return Err("its sites are not in order");
        }
        last = place;
        let (&[reference], &[alternate]) = (allele.reference, allele.alternate) else {
            return Err("a site is no substitution of one base");
        };
        if !(LOWEST_FREQUENCY..=1.0 - LOWEST_FREQUENCY).contains(&allele.frequency) {
            return Err("a frequency is out of range");
        }
        let loadings = lists.value(row);
        let loadings = loadings.as_primitive::<Float64Type>();
        if loadings.len() != panel.singular.len() || loadings.null_count() > 0 {
            return Err("a site has another number of loadings");
        }
        panel.loadings.extend_from_slice(loadings.values());
        panel.sites.push(PanelSite {
            contig: allele.contig.to_owned(),
            position: allele.position,
            reference,
            alternate,
            frequency: allele.frequency,
        });
    }
    Ok(())
}

fn decode_samples(panel: &mut Panel, rows: &RecordBatch) -> Result<(), &'static str> {
    let populations = rows.column(1).as_string::<i32>();
    let training = rows.column(2).as_boolean();
    let lists = rows.column(3).as_list::<i32>();
    for row in 0..rows.num_rows() {
        let label = populations.value(row);
        let population = panel
            .populations
            .binary_search_by(|own| own.as_str().cmp(label))
            .map_err(|_| "a population is not in ancestry.json")?;
        let values = lists.value(row);
        if values.null_count() > 0 {
            return Err("a sample has no coordinates");
        }
        let components = values.as_primitive::<Float64Type>().values().to_vec();
        let is_training = training.value(row);
        if components.len() != panel.settings.components
            || (is_training && !components.iter().all(|value| value.is_finite()))
        {
            return Err("a sample has no coordinates");
        }
        panel.samples.push(PlacedSample {
            population,
            is_training,
            components,
        });
    }
    Ok(())
}

fn decode_scores(panel: &mut Panel, rows: &RecordBatch) -> Result<(), &'static str> {
    let names = rows.column(0).as_string::<i32>();
    let samples = rows.column(1).as_primitive::<UInt32Type>();
    let sums = rows.column(2).as_primitive::<Float64Type>();
    let mut row = 0;
    for score in &mut panel.scores {
        for sample in 0..panel.samples.len() {
            if row >= rows.num_rows()
                || names.value(row) != score.name
                || samples.value(row) as usize != sample
            {
                return Err("its rows are not those of the scores of ancestry.json");
            }
            let sum = sums.is_valid(row).then(|| sums.value(row));
            score.sums.push(sum.unwrap_or(f64::NAN));
            row += 1;
        }
    }
    (row == rows.num_rows())
        .then_some(())
        .ok_or("it has scores that are not in ancestry.json")
}

fn decode_frequencies(panel: &mut Panel, rows: &RecordBatch) -> Result<(), &'static str> {
    let text = |bases: &[u8]| String::from_utf8_lossy(bases).into_owned();
    let read = |row| {
        let allele = allele(rows, row);
        AlleleFrequency {
            contig: allele.contig.to_owned(),
            position: allele.position,
            reference: text(allele.reference),
            alternate: text(allele.alternate),
            frequency: allele.frequency,
        }
    };
    panel
        .set_frequencies((0..rows.num_rows()).map(read).collect())
        .map_err(|_| "a frequency is not between 0 and 1")
}
