//! What the unit tests of this crate share: a genome in memory, batches and bundles.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use serde_json::{Value, json};
use varisk_core::{AlleleClass, CallMatrix, ContigId, ContigSet, SiteBatch, site_schema};
use varisk_reference::ReferenceError;

use crate::{Bases, Bundle, Manifest};

/// A genome in memory.
pub(crate) struct Memory(Vec<Vec<u8>>);

impl Memory {
    pub(crate) fn new(contigs: &[&str]) -> Self {
        Self(contigs.iter().map(|c| c.as_bytes().to_vec()).collect())
    }
}

impl Bases for Memory {
    fn fill(&mut self, contig: ContigId, start: i64, out: &mut [u8]) -> Result<(), ReferenceError> {
        let bases = &self.0[contig.0 as usize];
        for (offset, base) in (start..).zip(out) {
            *base = usize::try_from(offset)
                .ok()
                .and_then(|offset| bases.get(offset))
                .copied()
                .unwrap_or(b'N');
        }
        Ok(())
    }
}

/// A small valid manifest.
pub(crate) fn manifest_json() -> Value {
    json!({
        "schema_version": 1,
        "name": "demo",
        "version": "1.0.0",
        "licence": "CC0-1.0",
        "intended_use": "tests",
        "training_data": "none",
        "genome_build": "any",
        "kind": "variant",
        "inputs": [{"tensor": "x", "encoder": "onehot", "params": {"window": 5, "allele": "alt"}}],
        "outputs": [{"tensor": "score", "name": "score", "meaning": "nothing"}],
    })
}

/// A bundle with given inputs, without files.
pub(crate) fn bundle(kind: &str, batch_size: u32, inputs: Value) -> Bundle {
    let mut json = manifest_json();
    json["kind"] = kind.into();
    json["batch_size"] = batch_size.into();
    json["inputs"] = inputs;
    let path = PathBuf::from("manifest.json");
    Bundle {
        manifest: Manifest::parse(&json.to_string(), &path).unwrap(),
        model_path: "model.onnx".into(),
        folder: ".".into(),
        model_sha256: String::new(),
    }
}

/// A row of a test batch.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) position: u32,
    pub(crate) reference: &'static str,
    pub(crate) alternate: Option<&'static str>,
    pub(crate) quality: Option<f32>,
    pub(crate) filter: Option<&'static str>,
    pub(crate) reason: Option<&'static str>,
    /// INFO/AF.
    pub(crate) info: Option<f32>,
}

/// A row of an allele.
pub(crate) fn row(position: u32, reference: &'static str, alternate: &'static str) -> Row {
    Row {
        position,
        reference,
        alternate: Some(alternate),
        ..Row::default()
    }
}

/// A batch on one contig with the INFO column AF.
pub(crate) fn batch(rows: &[Row], calls: CallMatrix) -> SiteBatch {
    let n = rows.len();
    let text = |f: &dyn Fn(&Row) -> Option<&'static str>| -> ArrayRef {
        Arc::new(rows.iter().map(f).collect::<StringArray>())
    };
    let floats = |f: &dyn Fn(&Row) -> Option<f32>| -> ArrayRef {
        Arc::new(rows.iter().map(f).collect::<Float32Array>())
    };
    let position: ArrayRef = Arc::new(UInt32Array::from_iter_values(
        rows.iter().map(|row| row.position),
    ));
    let class: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| {
        let alternate = row.alternate.unwrap_or(".");
        AlleleClass::of(row.reference.as_bytes(), alternate.as_bytes()).name()
    })));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(vec![0; n])),
        Arc::clone(&position),
        text(&|row| Some(row.reference)),
        text(&|row| row.alternate),
        Arc::new(UInt64Array::from(vec![None; n])),
        class,
        position,
        text(&|row| Some(row.reference)),
        text(&|row| row.alternate),
        Arc::new(UInt16Array::from(vec![1; n])),
        text(&|_| None),
        floats(&|row| row.quality),
        text(&|row| row.filter),
        Arc::new(UInt8Array::from(vec![0; n])),
        text(&|row| row.reason),
        floats(&|row| row.info),
    ];
    let schema = site_schema(&["AF".to_owned()]);
    let contigs = ContigSet::new([("1".to_owned(), 1_000)]);
    let sites = RecordBatch::try_new(schema, columns).unwrap();
    SiteBatch::try_new(0, Arc::new(contigs), sites, calls).unwrap()
}
