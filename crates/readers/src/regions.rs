//! Which part of the genome a run reads.
//!
//! A record belongs to a region when its POS lies inside: so every record belongs to exactly one of
//! disjoint regions, and shards never share one.

use varisk_core::{ContigId, ContigSet, Interval, Position};

/// Why regions cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RegionError {
    /// Not of the form.
    #[error("region '{0}' is not of the form CONTIG, CONTIG:START or CONTIG:START-END")]
    Form(String),
    /// A contig that the reference lacks.
    #[error("region '{region}' is on contig '{contig}', which the reference lacks; it has {known}")]
    UnknownContig {
        /// The region as written.
        region: String,
        /// Its contig.
        contig: String,
        /// The first contigs of the reference.
        known: String,
    },
    /// A line of a BED file.
    #[error("{file}: line {line} is not 'contig, start, end' parted by tabs; correct it")]
    Bed {
        /// The file.
        file: String,
        /// 1-based number of the line.
        line: usize,
    },
    /// An impossible shard.
    #[error("shard '{0}' is not of the form K/N with K from 1 to N")]
    Shard(String),
}

/// Disjoint intervals in the order of the run's contigs; none means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    intervals: Option<Vec<Interval>>,
    /// Somebody chose regions, so that records elsewhere are left out on purpose. Shards alone leave
    /// nothing out: each record belongs to one of them.
    chosen: bool,
}

impl Regions {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The intervals; `None` for everything.
    #[must_use]
    pub fn intervals(&self) -> Option<&[Interval]> {
        self.intervals.as_deref()
    }

    /// Whether every base of a stretch (1-based, both ends inclusive) lies inside. Intervals that
    /// touch are one, so no stretch lies across two.
    #[must_use]
    pub fn covers(&self, contig: ContigId, start: Position, end: Position) -> bool {
        let Some(intervals) = &self.intervals else {
            return true;
        };
        let behind = intervals.partition_point(|i| (i.contig, i.start) <= (contig, start));
        behind
            .checked_sub(1)
            .and_then(|at| intervals.get(at))
            .is_some_and(|i| i.contains(contig, start) && i.contains(contig, end))
    }

    /// These regions with so many bases more at both ends of each interval.
    pub(crate) fn widened(&self, bases: u32) -> Self {
        let Some(intervals) = &self.intervals else {
            return self.clone();
        };
        let wide = intervals.iter().map(|interval| Interval {
            contig: interval.contig,
            start: Position(interval.start.0.saturating_sub(bases)),
            end: Position(interval.end.0.saturating_add(bases)),
        });
        Self {
            chosen: self.chosen,
            ..Self::merged(wide.collect())
        }
    }

    /// Whether records outside all regions are left out on purpose.
    pub(crate) fn leave_out(&self) -> bool {
        self.chosen
    }

    /// Reads regions as written on the command line (1-based, both ends inclusive).
    ///
    /// # Errors
    /// A region is malformed or on an unknown contig.
    pub fn parse(texts: &[String], contigs: &ContigSet) -> Result<Self, RegionError> {
        let intervals = texts
            .iter()
            .map(|text| parse_region(text, contigs))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::merged(intervals))
    }

    /// Reads the text of a BED file (0-based, half-open); contigs that the reference lacks are an
    /// error.
    ///
    /// # Errors
    /// A line is malformed or on an unknown contig.
    pub fn parse_bed(text: &str, file: &str, contigs: &ContigSet) -> Result<Self, RegionError> {
        let mut intervals = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let skip = ["#", "track", "browser"]
                .iter()
                .any(|prefix| line.starts_with(prefix));
            if skip || line.trim().is_empty() {
                continue;
            }
            let malformed = || RegionError::Bed {
                file: file.to_owned(),
                line: i + 1,
            };
            let mut fields = line.split_whitespace();
            let (Some(name), Some(start), Some(end)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(malformed());
            };
            let start: u32 = start.parse().map_err(|_| malformed())?;
            let end: u32 = end.parse().map_err(|_| malformed())?;
            if start >= end {
                return Err(malformed());
            }
            let contig = find(name, line, contigs)?;
            intervals.push(Interval {
                contig,
                start: Position(start + 1),
                end: Position(end),
            });
        }
        Ok(Self::merged(intervals))
    }

    /// The part of these regions that shard `K/N` reads: the genome is cut into N stretches of equal
    /// length.
    ///
    /// # Errors
    /// The text is not of that form.
    pub fn shard(&self, text: &str, contigs: &ContigSet) -> Result<Self, RegionError> {
        let malformed = || RegionError::Shard(text.to_owned());
        let (number, count) = text.split_once('/').ok_or_else(malformed)?;
        let number: u128 = number.parse().map_err(|_| malformed())?;
        let count: u128 = count.parse().map_err(|_| malformed())?;
        if number == 0 || number > count || count > 1_000_000 {
            return Err(malformed());
        }
        let total: u128 = contigs
            .iter()
            .map(|(_, _, length)| u128::from(length))
            .sum();
        let (first, last) = (total * (number - 1) / count, total * number / count);
        let mut shard = Vec::new();
        let mut offset = 0u128;
        for (contig, _, length) in contigs.iter() {
            let length = u128::from(length);
            let begin = first.max(offset);
            let end = last.min(offset + length);
            if begin < end {
                // POS 0 and positions beyond the end belong to the first and last stretch.
                let start = if begin == offset {
                    0
                } else {
                    begin - offset + 1
                };
                let end = if end == offset + length {
                    u128::from(u32::MAX)
                } else {
                    end - offset
                };
                let at = |value| Position(u32::try_from(value).unwrap_or(u32::MAX));
                shard.push(Interval {
                    contig,
                    start: at(start),
                    end: at(end),
                });
            }
            offset += length;
        }
        Ok(self.within(&shard))
    }

    /// The part of these regions that lies in some stretches of the genome: what one shard of a cut
    /// reads. The stretches of all shards together are the genome, so none leaves records out.
    #[must_use]
    pub fn within(&self, stretches: &[Interval]) -> Self {
        Self {
            intervals: Some(match &self.intervals {
                None => stretches.to_vec(),
                Some(own) => intersection(own, stretches),
            }),
            chosen: self.chosen,
        }
    }

    fn merged(mut intervals: Vec<Interval>) -> Self {
        intervals.sort_unstable();
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for interval in intervals {
            match merged.last_mut() {
                Some(last)
                    if last.contig == interval.contig
                        && interval.start.0 <= last.end.0.saturating_add(1) =>
                {
                    last.end = last.end.max(interval.end);
                }
                _ => merged.push(interval),
            }
        }
        Self {
            intervals: Some(merged),
            chosen: true,
        }
    }
}

fn intersection(left: &[Interval], right: &[Interval]) -> Vec<Interval> {
    let mut both = Vec::new();
    for a in left {
        // Both are disjoint and in order, so what ends before can be passed over at once.
        let first = right.partition_point(|b| (b.contig, b.end) < (a.contig, a.start));
        let meeting = right[first..]
            .iter()
            .take_while(|b| (b.contig, b.start) <= (a.contig, a.end));
        for b in meeting {
            let (start, end) = (a.start.max(b.start), a.end.min(b.end));
            if start <= end {
                both.push(Interval {
                    contig: a.contig,
                    start,
                    end,
                });
            }
        }
    }
    both.sort_unstable();
    both
}

fn find(contig: &str, region: &str, contigs: &ContigSet) -> Result<ContigId, RegionError> {
    contigs
        .find(contig)
        .ok_or_else(|| RegionError::UnknownContig {
            region: region.to_owned(),
            contig: contig.to_owned(),
            known: contigs
                .iter()
                .take(5)
                .map(|(_, name, _)| name)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

fn parse_region(text: &str, contigs: &ContigSet) -> Result<Interval, RegionError> {
    // A contig name may hold a colon, so the whole text is tried first.
    if let Some(contig) = contigs.find(text) {
        return Ok(Interval {
            contig,
            start: Position(0),
            end: Position(u32::MAX),
        });
    }
    let malformed = || RegionError::Form(text.to_owned());
    let Some((name, range)) = text.rsplit_once(':') else {
        return find(text, text, contigs).map(|contig| Interval {
            contig,
            start: Position(0),
            end: Position(u32::MAX),
        });
    };
    let number = |text: &str| {
        text.replace(',', "")
            .parse::<u32>()
            .map_err(|_| malformed())
    };
    let (start, end) = match range.split_once('-') {
        None => (number(range)?, u32::MAX),
        Some((start, end)) => (number(start)?, number(end)?),
    };
    if start > end {
        return Err(malformed());
    }
    Ok(Interval {
        contig: find(name, text, contigs)?,
        start: Position(start),
        end: Position(end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contigs() -> ContigSet {
        ContigSet::new([
            ("chr1".to_owned(), 1000),
            ("chr2".to_owned(), 500),
            ("HLA:1".to_owned(), 30),
        ])
    }

    #[test]
    fn regions_are_parsed_and_joined() {
        let check = |texts: &[&str], expected: &[(u32, u32, u32)]| {
            let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
            let regions = Regions::parse(&texts, &contigs()).unwrap();
            let found: Vec<_> = regions
                .intervals()
                .unwrap()
                .iter()
                .map(|i| (i.contig.0, i.start.0, i.end.0))
                .collect();
            assert_eq!(found, expected, "{texts:?}");
        };
        check(&["1:10-20", "chr1:21-30", "chr1:1,0"], &[(0, 10, u32::MAX)]);
        check(&["2:5-6", "1"], &[(0, 0, u32::MAX), (1, 5, 6)]);
        check(&["HLA:1"], &[(2, 0, u32::MAX)]);
    }

    #[test]
    fn every_position_belongs_to_exactly_one_shard() {
        for count in [1, 2, 3, 7, 50] {
            let shards: Vec<_> = (1..=count)
                .map(|k| {
                    Regions::all()
                        .shard(&format!("{k}/{count}"), &contigs())
                        .unwrap()
                })
                .collect();
            for (contig, _, length) in contigs().iter() {
                for position in 0..=length + 1 {
                    let owners = shards
                        .iter()
                        .flat_map(|s| s.intervals().unwrap())
                        .filter(|i| i.contains(contig, Position(position)))
                        .count();
                    assert_eq!(owners, 1, "{count} shards, {position}");
                }
            }
        }
    }

    #[test]
    fn malformed() {
        for text in ["chr1:20-10", "chr1:x", "chr9:1-2"] {
            assert!(
                Regions::parse(&[text.to_owned()], &contigs()).is_err(),
                "{text}"
            );
        }
        for text in ["0/3", "4/3", "x", "1/"] {
            assert!(Regions::all().shard(text, &contigs()).is_err(), "{text}");
        }
        assert!(Regions::parse_bed("chr1\t5\t5\n", "x.bed", &contigs()).is_err());
    }
}
