//! One thread's view of the bases, read in aligned windows.

use varisk_core::{ContigId, ContigSet};

use crate::fai::ContigLayout;
use crate::source::ByteSource;
use crate::{Reference, ReferenceError};

/// How much a reader holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowSize {
    /// Bases in a window; windows start at multiples of this.
    pub(crate) bases: u32,
    /// Windows held at once.
    pub(crate) count: usize,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self {
            // About the payload of one BGZF block: a window costs one or two inflated blocks.
            bases: 1 << 16,
            // Enough for a variant, its flanks and a few transcripts or mates elsewhere.
            count: 8,
        }
    }
}

struct Window {
    contig: ContigId,
    number: u32,
    /// When it was last looked at, in looks.
    used: u64,
    bases: Vec<u8>,
}

/// Reads bases; one for each thread, with its own file handle.
///
/// # Memory
/// At most eight windows of 65,536 bases and one read buffer.
pub struct SequenceReader {
    reference: Reference,
    source: ByteSource,
    size: WindowSize,
    windows: Vec<Window>,
    /// Index of the window of the last look: sorted access stays in it.
    current: usize,
    looks: u64,
    raw: Vec<u8>,
}

impl SequenceReader {
    pub(crate) fn new(reference: Reference, source: ByteSource, size: WindowSize) -> Self {
        Self {
            reference,
            source,
            size: WindowSize {
                bases: size.bases.max(1),
                count: size.count.max(1),
            },
            windows: Vec::new(),
            current: 0,
            looks: 0,
            raw: Vec::new(),
        }
    }

    /// The reference that is read.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The contigs of the reference.
    #[must_use]
    pub fn contigs(&self) -> &ContigSet {
        self.reference.contigs()
    }

    /// Fills `out` with the bases from 0-based offset `start` on, upper case; `N` where `start + i`
    /// is before the contig's first base or beyond its last. IUPAC codes stay as they are.
    ///
    /// # Errors
    /// The file cannot be read, ends early or holds no sequence there, or the contig is not one of
    /// this reference. `out` is then partly filled.
    pub fn fill(
        &mut self,
        contig: ContigId,
        start: i64,
        out: &mut [u8],
    ) -> Result<(), ReferenceError> {
        let length = self.reference.layout(contig)?.length;
        let before = usize::try_from(start.min(0).unsigned_abs())
            .map_or(out.len(), |bases| bases.min(out.len()));
        let (before, rest) = out.split_at_mut(before);
        before.fill(b'N');

        // Beyond any contig, which is N all the same, where the offset does not fit.
        let offset = u32::try_from(start.max(0)).unwrap_or(u32::MAX);
        let inside = rest.len().min(length.saturating_sub(offset) as usize);
        let (mut inside, beyond) = rest.split_at_mut(inside);
        beyond.fill(b'N');

        let mut offset = offset;
        while !inside.is_empty() {
            let within = (offset % self.size.bases) as usize;
            let bases = self.window(contig, offset / self.size.bases)?;
            let bases = bases.get(within..).unwrap_or_default();
            let taken = bases.len().min(inside.len());
            let (target, rest) = inside.split_at_mut(taken);
            target.copy_from_slice(&bases[..taken]);
            inside = rest;
            offset = offset.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    /// A window's bases; never empty where the contig has bases in it.
    fn window(&mut self, contig: ContigId, number: u32) -> Result<&[u8], ReferenceError> {
        self.looks += 1;
        let is_it = |window: &Window| window.contig == contig && window.number == number;
        if !self.windows.get(self.current).is_some_and(is_it) {
            self.current = match self.windows.iter().position(is_it) {
                Some(held) => held,
                None => self.load(contig, number)?,
            };
        }
        let window = &mut self.windows[self.current];
        window.used = self.looks;
        Ok(&window.bases)
    }

    /// Reads a window in place of the one that was not looked at for longest.
    fn load(&mut self, contig: ContigId, number: u32) -> Result<usize, ReferenceError> {
        let oldest = if self.windows.len() < self.size.count {
            None
        } else {
            (0..self.windows.len()).min_by_key(|index| self.windows[*index].used)
        };
        // Taken out first, so that a failed read leaves no window with the wrong bases.
        let mut bases = oldest
            .map(|index| self.windows.swap_remove(index).bases)
            .unwrap_or_default();
        let layout = self.reference.layout(contig)?;
        let first = u64::from(number) * u64::from(self.size.bases);
        let last = u64::from(layout.length).min(first + u64::from(self.size.bases));
        read_bases(
            &mut self.source,
            &self.reference,
            layout,
            first..last,
            &mut self.raw,
            &mut bases,
        )?;
        self.windows.push(Window {
            contig,
            number,
            used: self.looks,
            bases,
        });
        Ok(self.windows.len() - 1)
    }
}

/// Reads the bases of a 0-based, half-open range of a contig; line ends are dropped and checked.
fn read_bases(
    source: &mut ByteSource,
    reference: &Reference,
    layout: &ContigLayout,
    range: std::ops::Range<u64>,
    raw: &mut Vec<u8>,
    bases: &mut Vec<u8>,
) -> Result<(), ReferenceError> {
    bases.clear();
    if range.is_empty() {
        return Ok(());
    }
    let from = layout.file_offset(range.start);
    let to = layout.file_offset(range.end - 1) + 1;
    let read_error = |source| ReferenceError::Read {
        path: reference.path().to_owned(),
        contig: layout.name.clone(),
        position: range.start + 1,
        source,
    };
    let size = usize::try_from(to - from)
        .map_err(|_| read_error(std::io::ErrorKind::FileTooLarge.into()))?;
    raw.resize(size, 0);
    source.read_at(from, raw).map_err(read_error)?;

    let line_end =
        usize::try_from(layout.line_width.saturating_sub(layout.line_bases)).unwrap_or(0);
    let mut rest = raw.as_slice();
    let mut next = range.start;
    while next < range.end {
        let on_line = (layout.line_bases - next % layout.line_bases).min(range.end - next);
        let (line, after) = rest.split_at(usize::try_from(on_line).unwrap_or(0).min(rest.len()));
        let mut is_sequence = !line.is_empty();
        bases.extend(line.iter().map(|base| {
            is_sequence &= base.is_ascii_graphic() && *base != b'>';
            base.to_ascii_uppercase()
        }));
        let (end, after) = after.split_at(line_end.min(after.len()));
        is_sequence &= matches!(end, b"" | b"\n" | b"\r\n");
        if !is_sequence {
            return Err(ReferenceError::NotSequence {
                path: reference.path().to_owned(),
                contig: layout.name.clone(),
                position: next + 1,
            });
        }
        rest = after;
        next += on_line;
    }
    Ok(())
}
