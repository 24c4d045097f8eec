//! Rows of `variants.parquet` of both runs, side by side.
//!
//! Both tables are sorted by contig in the order of their input, then position. Each is read once
//! from end to end if the contigs that both have come in the same order; where one order differs, its
//! table is read anew from the start for each contig that was passed already.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, UInt32Type};
use varisk_dossier::{DossierError, RunFolder, TableRows};

use crate::ComparisonError;
use crate::allele::SIGNIFICANCE;

const TABLE: &str = "variants";

/// What is read of an allele.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlleleRow {
    /// Its class by each source; none where the source does not have it.
    pub(crate) classes: Vec<Option<String>>,
    /// Its score by each model and output; none where the model gives none.
    pub(crate) scores: Vec<Option<f64>>,
    /// Its gene.
    pub(crate) gene: Option<String>,
}

impl AlleleRow {
    /// Takes from another row of the same allele what is missing here.
    fn fill(&mut self, other: Self) {
        for (own, other) in self.classes.iter_mut().zip(other.classes) {
            *own = own.take().or(other);
        }
        for (own, other) in self.scores.iter_mut().zip(other.scores) {
            *own = own.or(other);
        }
        self.gene = self.gene.take().or(other.gene);
    }
}

/// The alleles at a position, by REF and ALT.
pub(crate) type Place = BTreeMap<(String, String), AlleleRow>;

/// Which columns are read.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Sources of classes.
    pub(crate) sources: Vec<String>,
    /// Models and outputs.
    pub(crate) outputs: Vec<(String, String)>,
}

impl Wish {
    fn classes(&self) -> Vec<String> {
        let own = self.sources.iter();
        own.map(|source| format!("{source}.{SIGNIFICANCE}"))
            .collect()
    }

    fn scores(&self) -> Vec<String> {
        let own = self.outputs.iter();
        own.map(|(model, output)| format!("score.{model}.{output}"))
            .collect()
    }
}

/// The variants table of one run.
pub(crate) struct Variants<'r> {
    run: &'r RunFolder,
    name: char,
    wish: Wish,
    /// Contigs in their order, with the numbers of their first row and of that behind their last.
    pub(crate) contigs: Vec<(String, u64, u64)>,
    files: VecDeque<TableRows>,
    batch: Option<Batch>,
    /// Number of the next row.
    row: u64,
    path: PathBuf,
}

/// One batch with its columns by kind.
struct Batch {
    position: UInt32Array,
    reference: StringArray,
    alternate: StringArray,
    classes: Vec<Option<StringArray>>,
    scores: Vec<Option<arrow::array::Float64Array>>,
    gene: Option<StringArray>,
    next: usize,
}

impl<'r> Variants<'r> {
    /// Opens the table, and reads its contigs.
    pub(crate) fn open(
        run: &'r RunFolder,
        name: char,
        wish: Wish,
    ) -> Result<Self, ComparisonError> {
        let mut variants = Self {
            run,
            name,
            wish,
            contigs: Vec::new(),
            files: VecDeque::new(),
            batch: None,
            row: 0,
            path: run.path().join(format!("{TABLE}.parquet")),
        };
        variants.read_contigs()?;
        variants.rewind()?;
        Ok(variants)
    }

    fn error(&self, source: DossierError) -> ComparisonError {
        ComparisonError::Run {
            run: self.name,
            source,
        }
    }

    fn damaged(&self, detail: String) -> ComparisonError {
        self.error(DossierError::Damaged {
            path: self.path.clone(),
            detail,
        })
    }

    fn read_contigs(&mut self) -> Result<(), ComparisonError> {
        let files = self.run.rows_with(TABLE, &|name| name == "contig");
        let mut row = 0;
        for mut file in files.map_err(|error| self.error(error))? {
            while let Some(batch) = file.next_batch().map_err(|error| self.error(error))? {
                let names = self.texts(&batch, "contig")?;
                for name in &names {
                    let name = name.unwrap_or_default();
                    match self.contigs.last_mut() {
                        Some(last) if last.0 == name => last.2 += 1,
                        _ => self.contigs.push((name.to_owned(), row, row + 1)),
                    }
                    row += 1;
                }
            }
        }
        let mut seen = HashMap::new();
        let repeated = self.contigs.iter();
        let repeated = repeated
            .filter(|own| seen.insert(own.0.clone(), ()).is_some())
            .map(|own| own.0.clone())
            .next();
        match repeated {
            Some(contig) => Err(self.damaged(format!("rows are not sorted: {contig} comes back; a table in partitions can be compared if these are of contigs"))),
            None => Ok(()),
        }
    }

    fn rewind(&mut self) -> Result<(), ComparisonError> {
        let (classes, scores) = (self.wish.classes(), self.wish.scores());
        let is_wanted = |name: &str| {
            ["position", "ref", "alt", "consequence.gene"].contains(&name)
                || classes.iter().chain(&scores).any(|own| own == name)
        };
        let files = self.run.rows_with(TABLE, &is_wanted);
        self.files = files.map_err(|error| self.error(error))?.into();
        (self.batch, self.row) = (None, 0);
        Ok(())
    }

    /// Goes to the first row of a contig.
    fn seek(&mut self, row: u64) -> Result<(), ComparisonError> {
        if row < self.row {
            self.rewind()?;
        }
        while self.row < row && self.fill()? {
            if let Some(batch) = &mut self.batch {
                let left = (batch.position.len() - batch.next) as u64;
                let steps = left.min(row - self.row);
                batch.next += usize::try_from(steps).unwrap_or(usize::MAX);
                self.row += steps;
            }
        }
        Ok(())
    }

    /// Makes sure that there is a next row in the batch.
    fn fill(&mut self) -> Result<bool, ComparisonError> {
        let has_rows = |batch: &Batch| batch.next < batch.position.len();
        if self.batch.as_ref().is_some_and(has_rows) {
            return Ok(true);
        }
        self.batch = None;
        while let Some(mut file) = self.files.pop_front() {
            let batch = file.next_batch().map_err(|error| self.error(error))?;
            self.path = file.path().to_owned();
            if let Some(batch) = batch {
                self.files.push_front(file);
                self.batch = Some(self.typed(&batch)?);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn texts(&self, batch: &RecordBatch, name: &str) -> Result<StringArray, ComparisonError> {
        self.texts_if(batch, name)?
            .ok_or_else(|| self.damaged(format!("column {name} is missing")))
    }

    fn texts_if(
        &self,
        batch: &RecordBatch,
        name: &str,
    ) -> Result<Option<StringArray>, ComparisonError> {
        let Some(column) = batch.column_by_name(name) else {
            return Ok(None);
        };
        let column = cast(column, &DataType::Utf8)
            .map_err(|error| self.damaged(format!("column {name}: {error}")))?;
        Ok(Some(column.as_string::<i32>().clone()))
    }

    fn typed(&self, batch: &RecordBatch) -> Result<Batch, ComparisonError> {
        let position = batch
            .column_by_name("position")
            .and_then(|column| column.as_primitive_opt::<UInt32Type>())
            .ok_or_else(|| self.damaged("column position is missing".to_owned()))?;
        let number = |name: &String| -> Result<_, ComparisonError> {
            let Some(column) = batch.column_by_name(name) else {
                return Ok(None);
            };
            let column = cast(column, &DataType::Float64)
                .map_err(|error| self.damaged(format!("column {name}: {error}")))?;
            Ok(Some(column.as_primitive::<Float64Type>().clone()))
        };
        let (classes, scores) = (self.wish.classes(), self.wish.scores());
        Ok(Batch {
            position: position.clone(),
            reference: self.texts(batch, "ref")?,
            alternate: self.texts(batch, "alt")?,
            classes: classes
                .iter()
                .map(|name| self.texts_if(batch, name))
                .collect::<Result<_, _>>()?,
            scores: scores.iter().map(number).collect::<Result<_, _>>()?,
            gene: self.texts_if(batch, "consequence.gene")?,
            next: 0,
        })
    }

    /// The alleles at the next position before a row.
    fn next_place(&mut self, end: u64) -> Result<Option<(u32, Place)>, ComparisonError> {
        let mut place: Option<(u32, Place)> = None;
        while self.row < end && self.fill()? {
            let Some(batch) = &mut self.batch else {
                break;
            };
            let row = batch.next;
            let position = batch.position.value(row);
            let (at, alleles) = place.get_or_insert_with(|| (position, Place::new()));
            if *at != position {
                break;
            }
            batch.next += 1;
            self.row += 1;
            if batch.alternate.is_null(row) {
                continue;
            }
            let key = (
                batch.reference.value(row).to_owned(),
                batch.alternate.value(row).to_owned(),
            );
            let own = batch.allele(row);
            match alleles.get_mut(&key) {
                // Of an allele that several records have, what any of them says.
                Some(known) => known.fill(own),
                None => {
                    alleles.insert(key, own);
                }
            }
        }
        Ok(place)
    }
}

impl Batch {
    fn allele(&self, row: usize) -> AlleleRow {
        let text = |column: &Option<StringArray>| {
            let column = column.as_ref().filter(|column| column.is_valid(row))?;
            Some(column.value(row).to_owned())
        };
        AlleleRow {
            classes: self.classes.iter().map(text).collect(),
            scores: self
                .scores
                .iter()
                .map(|column| {
                    let column = column.as_ref().filter(|column| column.is_valid(row))?;
                    Some(column.value(row))
                })
                .collect(),
            gene: text(&self.gene),
        }
    }
}

/// Walks the positions of both tables, contig by contig in the order of A, those that only B has at
/// the end. At a position that one table does not have its alleles are none.
pub(crate) fn walk(
    a: &mut Variants<'_>,
    b: &mut Variants<'_>,
    mut visit: impl FnMut(&str, u32, &Place, &Place) -> Result<(), ComparisonError>,
) -> Result<(), ComparisonError> {
    let of_b: HashMap<String, (u64, u64)> = b
        .contigs
        .iter()
        .map(|(name, from, to)| (name.clone(), (*from, *to)))
        .collect();
    let of_a = a.contigs.clone();
    let only_b = b.contigs.iter();
    let only_b: Vec<_> = only_b
        .filter(|own| of_a.iter().all(|other| other.0 != own.0))
        .cloned()
        .collect();
    for (contig, from, to) in &of_a {
        a.seek(*from)?;
        let other = of_b.get(contig).copied();
        if let Some((from, _)) = other {
            b.seek(from)?;
        }
        let ends = [*to, other.map_or(0, |(_, to)| to)];
        walk_contig(a, b, contig, ends, &mut visit)?;
    }
    for (contig, from, to) in &only_b {
        b.seek(*from)?;
        walk_contig(a, b, contig, [0, *to], &mut visit)?;
    }
    Ok(())
}

fn walk_contig(
    a: &mut Variants<'_>,
    b: &mut Variants<'_>,
    contig: &str,
    ends: [u64; 2],
    visit: &mut impl FnMut(&str, u32, &Place, &Place) -> Result<(), ComparisonError>,
) -> Result<(), ComparisonError> {
    let none = Place::new();
    let mut left = a.next_place(ends[0])?;
    let mut right = b.next_place(ends[1])?;
    let mut last = 0;
    loop {
        let positions = [&left, &right].map(|own| own.as_ref().map(|(position, _)| *position));
        let Some(position) = positions.into_iter().flatten().min() else {
            return Ok(());
        };
        if position < last {
            let detail = format!("rows of {contig} are not sorted by position");
            return Err(if positions[0] == Some(position) {
                a.damaged(detail)
            } else {
                b.damaged(detail)
            });
        }
        last = position;
        let is_here = positions.map(|own| own == Some(position));
        let own = left.as_ref().filter(|_| is_here[0]);
        let other = right.as_ref().filter(|_| is_here[1]);
        visit(
            contig,
            position,
            own.map_or(&none, |(_, place)| place),
            other.map_or(&none, |(_, place)| place),
        )?;
        if is_here[0] {
            left = a.next_place(ends[0])?;
        }
        if is_here[1] {
            right = b.next_place(ends[1])?;
        }
    }
}
