//! How the bytes of an indexed file lie along the genome: what cuts of equal work are made by.

use noodles::bgzf::VirtualPosition;
use varisk_core::{ContigSet, Interval};

use crate::index::FileIndex;
use crate::{FileInput, ReadError};

/// What an index says of its file, without a look into the file itself.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexWeights {
    /// Compressed bytes of each window, in the order of the windows.
    pub bytes: Vec<f64>,
    /// Records of the file, where the index counts them.
    pub records: Option<u64>,
}

impl FileInput {
    /// Compressed bytes by window, from the index beside the file; `None` where there is none.
    ///
    /// `windows` are disjoint, sorted by contig and position. An index tells places apart to some
    /// 16,384 bases (tabix): of smaller windows the first has the bytes of all.
    ///
    /// # Errors
    /// The index cannot be read or used, or is older than its file.
    pub fn index_weights(
        &self,
        contigs: &ContigSet,
        windows: &[Interval],
    ) -> Result<Option<IndexWeights>, ReadError> {
        let Some(path) = self.path() else {
            return Ok(None);
        };
        let dictionary = &self.header().contig_dictionary;
        let Some(index) = FileIndex::beside(path, contigs, dictionary)? else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(windows.len());
        for of_contig in windows.chunk_by(|a, b| a.contig == b.contig) {
            bytes.extend(of_one_contig(&index, of_contig)?);
        }
        Ok(Some(IndexWeights {
            bytes,
            records: index.records(),
        }))
    }
}

fn of_one_contig(index: &FileIndex, windows: &[Interval]) -> Result<Vec<f64>, ReadError> {
    let Some(end) = windows
        .first()
        .map(|window| index.end(window.contig))
        .transpose()?
        .flatten()
    else {
        return Ok(vec![0.0; windows.len()]);
    };
    let mut starts = Vec::with_capacity(windows.len());
    let mut last: Option<f64> = None;
    for window in windows {
        // Records that reach far stand in bins of their own, whose chunks may begin before.
        let own = index.start(window)?.map(place);
        let own = own.map(|start| last.map_or(start, |last| last.max(start)));
        last = own.or(last);
        starts.push(own);
    }
    // A window without records ends where the next one begins.
    let mut next = place(end);
    let mut bytes = vec![0.0; windows.len()];
    for (window, start) in bytes.iter_mut().zip(starts).rev() {
        if let Some(start) = start {
            *window = (next - start).max(0.0);
            next = start;
        }
    }
    Ok(bytes)
}

/// A place in the compressed file. Blocks hold 64 KiB and pack to a sixteenth or more.
fn place(position: VirtualPosition) -> f64 {
    position.compressed() as f64 + f64::from(position.uncompressed()) / 16.0
}
