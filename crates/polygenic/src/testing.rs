//! A small reference, scoring files and batches for tests.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use varisk_core::{
    AlleleClass, CallCode, CallMatrix, ContigId, GenomeBuild, Haplotype, PloidyMap, Position,
    SiteBatch, VariantKey, site_schema,
};
use varisk_reference::Reference;

use crate::{FoldOptions, PlanOptions, PolygenicError, PolygenicScores, ScorePlan, ScoreSource};

/// A folder with a reference and the scoring files of a test.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) reference: Reference,
    pub(crate) options: PlanOptions,
}

/// A row of the data: contig, position, REF and ALT as normalised, position of its record, calls.
#[derive(Clone, Debug)]
pub(crate) struct DataRow {
    pub(crate) contig: &'static str,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
    pub(crate) input_position: u32,
    pub(crate) codes: Vec<u8>,
    pub(crate) dosages: Option<Vec<u32>>,
    pub(crate) reason: Option<&'static str>,
}

impl DataRow {
    pub(crate) fn new(
        contig: &'static str,
        position: u32,
        reference: &str,
        alternate: &str,
        calls: &[&str],
    ) -> Self {
        Self {
            contig,
            position,
            reference: reference.to_owned(),
            alternate: alternate.to_owned(),
            input_position: position,
            codes: calls.iter().map(|text| code(text)).collect(),
            dosages: None,
            reason: None,
        }
    }
}

/// Reads `0/1`, `1|0`, `2` (another alternate), `./.`; `-` is not assayed.
pub(crate) fn code(text: &str) -> u8 {
    let haplotype = |letter: u8| match letter {
        b'0' => Haplotype::Reference,
        b'1' => Haplotype::Alternate,
        b'2' => Haplotype::Other,
        _ => Haplotype::Missing,
    };
    match text.as_bytes() {
        b"-" => CallCode::NOT_ASSAYED.0,
        b"assumed" => {
            CallCode::inferred_reference(varisk_core::InferredReference::Assumption, false).0
        }
        [one] => CallCode::haploid(haplotype(*one)).0,
        [first, slash, second] => {
            CallCode::diploid(haplotype(*first), haplotype(*second), *slash == b'|').0
        }
        _ => CallCode::POLYPLOID.0,
    }
}

impl World {
    /// Contigs by name and bases.
    pub(crate) fn new(contigs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut text, mut index) = (String::new(), String::new());
        for (name, bases) in contigs {
            text += &format!(">{name}\n");
            let (at, length) = (text.len(), bases.len());
            index += &format!("{name}\t{length}\t{at}\t{length}\t{}\n", length + 1);
            text += bases;
            text += "\n";
        }
        let path = folder.path().join("ref.fa");
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("ref.fa.fai"), index).unwrap();
        Self {
            reference: Reference::open(&path).unwrap(),
            folder,
            options: PlanOptions::new(GenomeBuild::Grch38),
        }
    }

    /// Writes a scoring file on the run's build with the usual header.
    pub(crate) fn score(&self, name: &str, table: &str) -> ScoreSource {
        let text = format!("#pgs_id={name}\n#genome_build=GRCh38\n{table}");
        self.file(&format!("{name}.txt"), text.as_bytes())
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> ScoreSource {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        ScoreSource::new(path)
    }

    pub(crate) fn plan(&self, sources: &[ScoreSource]) -> Result<ScorePlan, PolygenicError> {
        ScorePlan::build(sources, &self.options, &self.reference, None, None)
    }

    pub(crate) fn contig(&self, name: &str) -> ContigId {
        self.reference.contigs().find(name).unwrap()
    }

    /// A batch of rows.
    pub(crate) fn batch(
        &self,
        number: u64,
        rows: &[DataRow],
        frequencies: &[Option<f32>],
    ) -> SiteBatch {
        let contigs = self.reference.contigs();
        let ploidy = PloidyMap::new(contigs, self.options.build);
        let samples = rows.first().map_or(0, |row| row.codes.len());
        let mut calls = CallMatrix::with_capacity(samples, rows.len());
        for (number, row) in (0..).zip(rows) {
            calls
                .push_row(CallCode::MISSING)
                .copy_from_slice(&row.codes);
            if let Some(dosages) = &row.dosages {
                calls.set_dosages(number, dosages.clone().into_boxed_slice());
            }
        }
        let text = |value: fn(&DataRow) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
        };
        let numbers = |value: &dyn Fn(&DataRow) -> u32| -> ArrayRef {
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(value)))
        };
        let nulls: ArrayRef = Arc::new(StringArray::new_null(rows.len()));
        let key = |row: &DataRow| {
            VariantKey::encode(
                row.contig,
                Position(row.position),
                row.reference.as_bytes(),
                row.alternate.as_bytes(),
            )
            .map(|key| key.0)
        };
        let columns: Vec<ArrayRef> = vec![
            numbers(&|row| self.contig(row.contig).0),
            numbers(&|row| row.position),
            text(|row| &row.reference),
            text(|row| &row.alternate),
            Arc::new(UInt64Array::from_iter(rows.iter().map(key))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| {
                AlleleClass::of(row.reference.as_bytes(), row.alternate.as_bytes()).name()
            }))),
            numbers(&|row| row.input_position),
            text(|row| &row.reference),
            text(|row| &row.alternate),
            Arc::new(UInt16Array::from_iter_values(rows.iter().map(|_| 1))),
            nulls.clone(),
            Arc::new(Float32Array::new_null(rows.len())),
            nulls,
            Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| {
                ploidy.class(self.contig(row.contig), Position(row.position)) as u8
            }))),
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row.reason))),
        ];
        let sites = RecordBatch::try_new(site_schema(&[]), columns).unwrap();
        let batch = SiteBatch::try_new(number, Arc::clone(contigs), sites, calls).unwrap();
        if frequencies.is_empty() {
            return batch;
        }
        let column: ArrayRef = Arc::new(Float32Array::from(frequencies.to_vec()));
        batch.with_columns([("af".to_owned(), column)]).unwrap()
    }

    /// A fold over one batch.
    pub(crate) fn fold(
        &self,
        sources: &[ScoreSource],
        rows: &[DataRow],
        options: FoldOptions,
    ) -> PolygenicScores {
        let samples = rows.first().map_or(0, |row| row.codes.len());
        let sexes = vec![varisk_core::Sex::Female; samples];
        self.fold_of(sources, rows, options, sexes)
    }

    pub(crate) fn fold_of(
        &self,
        sources: &[ScoreSource],
        rows: &[DataRow],
        options: FoldOptions,
        sexes: Vec<varisk_core::Sex>,
    ) -> PolygenicScores {
        use varisk_core::Analysis;
        let plan = Arc::new(self.plan(sources).unwrap());
        let mut fold = PolygenicScores::new(plan, sexes, options).unwrap();
        fold.observe(&self.batch(0, rows, &[])).unwrap();
        fold
    }
}
