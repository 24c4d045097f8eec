//! `variants.parquet` of an earlier run: scores that need not be computed again.

use std::collections::BTreeMap;

use arrow::array::{Array, Float32Array, StringArray, UInt32Array};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use varisk_core::{GenomeBuild, columns};
use varisk_reference::Normaliser;

use super::place::{ContigFinder, WrittenAllele, with_key};
use super::{UNKNOWN_CONTIG, defect};
use crate::build::TableSink;
use crate::error::build_name;
use crate::rows::OutputField;
use crate::table_file::{open, parquet_error};
use crate::{FieldType, KnowledgeError, LockedModel, MatchKind, SourceConfig, hash};

/// The table of a run.
pub(super) const VARIANTS_FILE: &str = "variants.parquet";
/// The record of a run.
const RUN_FILE: &str = "run.json";
/// Why a row was left out: no model scored it.
const NO_SCORE: &str = "no_score";
/// Why a row was left out: it is no allele.
const NO_ALTERNATE: &str = "no_alternate_allele";

/// What is needed of `run.json`.
#[derive(Deserialize)]
struct Run {
    genome_build: GenomeBuild,
    models: Vec<RunModel>,
    #[serde(default)]
    tables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RunModel {
    name: String,
    sha256: String,
    manifest_sha256: String,
}

/// A run whose record and schema were read.
pub(super) struct ScoresPlan {
    run: Run,
    /// Score columns, in the order of the table.
    scores: Vec<String>,
}

impl ScoresPlan {
    pub(super) fn try_new(source: &SourceConfig) -> Result<Self, KnowledgeError> {
        let record = source.path.join(RUN_FILE);
        let text = std::fs::read_to_string(&record).map_err(|error| KnowledgeError::Open {
            path: record,
            source: error,
        })?;
        let run: Run = serde_json::from_str(&text).map_err(|error| {
            defect(
                source,
                format!("its {RUN_FILE} is not that of a run ({error}); give the folder of a finished run"),
            )
        })?;
        let path = source.path.join(VARIANTS_FILE);
        let (_, metadata) = open(&path, false)?;
        let scores: Vec<String> = metadata
            .schema()
            .fields()
            .iter()
            .filter(|field| {
                field.name().starts_with(columns::SCORE_PREFIX)
                    && *field.data_type() == DataType::Float32
            })
            .map(|field| field.name().clone())
            .collect();
        if scores.is_empty() {
            return Err(defect(
                source,
                format!("its {VARIANTS_FILE} has no scores of models"),
            ));
        }
        // Of models that are only in run.json nothing is kept; of scores without a model it would not
        // be known what made them.
        let has_model = |score: &&String| {
            run.models.iter().any(|model| {
                score
                    .strip_prefix(columns::SCORE_PREFIX)
                    .and_then(|rest| rest.strip_prefix(&model.name))
                    .is_some_and(|rest| rest.starts_with('.'))
            })
        };
        if let Some(score) = scores.iter().find(|score| !has_model(score)) {
            return Err(defect(
                source,
                format!("its {RUN_FILE} does not name the model of '{score}'"),
            ));
        }
        let known = run.tables.get(VARIANTS_FILE).or(run.tables.get("variants"));
        if let Some(known) = known {
            let (found, _) = hash::file(&path, |_| ())?;
            if found != *known {
                return Err(KnowledgeError::Changed {
                    path,
                    detail: format!("its SHA-256 is not the one in {RUN_FILE}"),
                });
            }
        }
        Ok(Self { run, scores })
    }

    pub(super) fn models(&self) -> Vec<LockedModel> {
        self.run
            .models
            .iter()
            .map(|model| LockedModel {
                name: model.name.clone(),
                sha256: model.sha256.clone(),
                manifest_sha256: model.manifest_sha256.clone(),
            })
            .collect()
    }

    pub(super) fn fields(&self) -> Vec<OutputField> {
        self.scores
            .iter()
            .map(|score| OutputField {
                name: score.clone(),
                field_type: FieldType::Score,
                from: Some(score.clone()),
                meaning: "score of an earlier run".to_owned(),
            })
            .collect()
    }

    pub(super) fn read(&self, sink: &mut TableSink<'_, '_>) -> Result<(), KnowledgeError> {
        let source = sink.source;
        if self.run.genome_build != sink.genome_build {
            return Err(defect(
                source,
                format!(
                    "the run is of {}, the bundle of {}; use a run of the same build",
                    build_name(self.run.genome_build),
                    build_name(sink.genome_build)
                ),
            ));
        }
        let path = source.path.join(VARIANTS_FILE);
        let (file, metadata) = open(&path, false)?;
        let mut wanted = vec![
            columns::CONTIG,
            columns::POSITION,
            columns::REFERENCE,
            columns::ALTERNATE,
        ];
        wanted.extend(self.scores.iter().map(String::as_str));
        // Not by name paths: the names of scores hold dots, which would part nested columns.
        let roots: Vec<usize> = metadata
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| wanted.contains(&field.name().as_str()))
            .map(|(i, _)| i)
            .collect();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .build()
            .map_err(|error| parquet_error(&path, error))?;
        let mut finder = ContigFinder::default();
        let mut normaliser = Normaliser::new(sink.reference.reader()?);
        for batch in reader {
            self.take(&batch?, &mut finder, &mut normaliser, sink)?;
        }
        Ok(())
    }

    fn take(
        &self,
        batch: &RecordBatch,
        finder: &mut ContigFinder,
        normaliser: &mut Normaliser,
        sink: &mut TableSink<'_, '_>,
    ) -> Result<(), KnowledgeError> {
        let source = sink.source;
        let contigs: &StringArray = column(source, batch, columns::CONTIG)?;
        let positions: &UInt32Array = column(source, batch, columns::POSITION)?;
        let references: &StringArray = column(source, batch, columns::REFERENCE)?;
        let alternates: &StringArray = column(source, batch, columns::ALTERNATE)?;
        let scores: Vec<&Float32Array> = self
            .scores
            .iter()
            .map(|score| column(source, batch, score))
            .collect::<Result<_, _>>()?;
        let set = sink.reference.contigs().clone();
        sink.count_records(batch.num_rows() as u64);
        for row in 0..batch.num_rows() {
            if scores.iter().all(|scores| scores.is_null(row)) {
                sink.tally.drop_row(NO_SCORE);
                continue;
            }
            if alternates.is_null(row) {
                sink.tally.drop_row(NO_ALTERNATE);
                continue;
            }
            let Some(contig) = finder.find(&set, contigs.value(row).as_bytes()) else {
                sink.tally.drop_row(UNKNOWN_CONTIG);
                continue;
            };
            let allele = WrittenAllele {
                contig,
                position: positions.value(row),
                reference: references.value(row).as_bytes(),
                alternate: alternates.value(row).as_bytes(),
            };
            let ranks = sink.ranks;
            let pushed = with_key(&allele, normaliser, ranks, MatchKind::Allele, |key| {
                let buffer = sink.push(key)?;
                for (scores, builder) in scores.iter().zip(&mut buffer.fields) {
                    builder.push_score(scores.is_valid(row).then(|| scores.value(row)));
                }
                Ok(())
            })?;
            if let Err(reason) = pushed {
                sink.tally.drop_row(reason);
            }
        }
        Ok(())
    }
}

fn column<'a, T: Array + 'static>(
    source: &SourceConfig,
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a T, KnowledgeError> {
    batch
        .column_by_name(name)
        .and_then(|array| array.as_any().downcast_ref::<T>())
        .ok_or_else(|| {
            defect(
                source,
                format!("its {VARIANTS_FILE} has no column '{name}' as runs write it"),
            )
        })
}
