//! Grows one tree, level by level (XGBoost's second-order boosting: Chen & Guestrin 2016, KDD,
//! doi:10.1145/2939672.2939785).

use std::ops::Range;

use super::bins::Binned;
use super::histogram::{Entry, Split, Sum, Units, best_split, count, leaf, whole};
use super::parallel::for_each;
use super::settings::Settings;
use super::tree::{Node, Tree};

/// A node that may still be split.
struct Open {
    node: usize,
    /// Its rows among the entries.
    range: Range<usize>,
    total: Sum,
    /// How its histograms come about.
    source: Source,
}

/// How the histograms of a node come about.
#[derive(Clone, Copy)]
enum Source {
    /// From its rows.
    Counted,
    /// Those of the parent (by its place in the level above) without those of the sibling (by its
    /// place in this level), which has fewer rows to count.
    Difference { parent: usize, sibling: usize },
}

/// Histograms and best splits of one column at the nodes of a level.
struct ColumnLevel {
    column: usize,
    sums: Vec<Sum>,
    splits: Vec<Option<Split>>,
}

/// A grown tree, with the leaf values of the rows it was grown from.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) values: Vec<(u32, f32)>,
}

/// Grows a tree on `rows` and `columns` from the first and second derivatives of the loss.
///
/// # Memory
///
/// 24 bytes for each bin of each column at each node of two levels.
pub(crate) fn grow(
    binned: &[Binned],
    rows: &[u32],
    columns: &[usize],
    derivatives: &[(f64, f64)],
    settings: &Settings,
) -> Grown {
    let (entries, units) = whole(rows, derivatives);
    let mut total = Sum::default();
    entries.iter().for_each(|entry| total.add(entry));
    let mut grower = Grower {
        binned,
        settings,
        units,
        entries,
        nodes: Vec::new(),
        ranges: Vec::new(),
    };
    let mut levels: Vec<ColumnLevel> = columns
        .iter()
        .map(|column| ColumnLevel {
            column: *column,
            sums: Vec::new(),
            splits: Vec::new(),
        })
        .collect();
    let mut open = vec![grower.add(0..rows.len(), total, Source::Counted)];
    for _ in 0..settings.depth {
        grower.search(&open, &mut levels);
        open = grower.split(&open, &levels);
    }
    grower.finish()
}

struct Grower<'a> {
    binned: &'a [Binned],
    settings: &'a Settings,
    units: Units,
    /// Rows in the order of their nodes.
    entries: Vec<Entry>,
    nodes: Vec<Node>,
    /// The entries of each node.
    ranges: Vec<Range<usize>>,
}

impl Grower<'_> {
    /// Adds a node as a leaf, which it stays unless it is split.
    fn add(&mut self, range: Range<usize>, total: Sum, source: Source) -> Open {
        let step = self.settings.learning_rate * leaf(total, self.units, self.settings);
        self.nodes.push(Node::Leaf {
            value: step as f32,
            cover: self.cover(total),
        });
        self.ranges.push(range.clone());
        Open {
            node: self.nodes.len() - 1,
            range,
            total,
            source,
        }
    }

    fn cover(&self, total: Sum) -> f64 {
        total.hessian as f64 * self.units.hessian
    }

    /// Finds the best split of each open node on each column.
    fn search(&self, open: &[Open], levels: &mut [ColumnLevel]) {
        for_each(levels, self.settings.threads, |_, level| {
            let column = &self.binned[level.column];
            let width = column.bins() + 1;
            let mut sums = vec![Sum::default(); width * open.len()];
            for (node, part) in open.iter().zip(sums.chunks_mut(width)) {
                if matches!(node.source, Source::Counted) {
                    count(part, &column.codes, &self.entries[node.range.clone()]);
                }
            }
            for (place, node) in open.iter().enumerate() {
                if let Source::Difference { parent, sibling } = node.source {
                    for bin in 0..width {
                        sums[place * width + bin] =
                            level.sums[parent * width + bin].minus(sums[sibling * width + bin]);
                    }
                }
            }
            level.splits = open
                .iter()
                .zip(sums.chunks(width))
                .map(|(node, part)| best_split(part, column, node.total, self.units, self.settings))
                .collect();
            level.sums = sums;
        });
    }

    /// Splits each open node at its best split, if it has one; of equal ones that of the first column.
    /// Returns the children.
    fn split(&mut self, open: &[Open], levels: &[ColumnLevel]) -> Vec<Open> {
        let mut children = Vec::new();
        for (place, node) in open.iter().enumerate() {
            let mut best: Option<(usize, Split)> = None;
            for level in levels {
                let better = |split: &Split| best.is_none_or(|(_, best)| split.gain > best.gain);
                if let Some(split) = level.splits[place].filter(better) {
                    best = Some((level.column, split));
                }
            }
            let Some((column, split)) = best else {
                continue;
            };
            let middle = node.range.start + split.left.rows as usize;
            self.partition(node.range.clone(), column, split);
            let right = node.total.minus(split.left);
            // The child of more rows need not be counted.
            let difference = |sibling| Source::Difference {
                parent: place,
                sibling,
            };
            let next = children.len();
            let (of_left, of_right) = if split.left.rows <= right.rows {
                (Source::Counted, difference(next))
            } else {
                (difference(next + 1), Source::Counted)
            };
            let left = self.add(node.range.start..middle, split.left, of_left);
            let right = self.add(middle..node.range.end, right, of_right);
            self.nodes[node.node] = Node::Split {
                feature: column as u32,
                threshold: split.threshold,
                missing_left: split.missing_left,
                left: left.node as u32,
                right: right.node as u32,
                gain: split.gain,
                cover: self.cover(node.total),
            };
            children.extend([left, right]);
        }
        children
    }

    /// Brings the entries that go left before those that go right, both in the order of their rows.
    fn partition(&mut self, range: Range<usize>, column: usize, split: Split) {
        let column = &self.binned[column];
        let missing = column.bins();
        let goes_left = |entry: &Entry| {
            let code = column.codes[entry.row as usize];
            if usize::from(code) == missing {
                split.missing_left
            } else {
                code <= split.bin
            }
        };
        let entries = &mut self.entries[range];
        let (left, right): (Vec<Entry>, Vec<Entry>) = entries.iter().copied().partition(goes_left);
        entries[..left.len()].copy_from_slice(&left);
        entries[left.len()..].copy_from_slice(&right);
    }

    fn finish(self) -> Grown {
        let mut values = Vec::with_capacity(self.entries.len());
        for (node, range) in self.nodes.iter().zip(self.ranges) {
            if let Node::Leaf { value, .. } = node {
                values.extend(self.entries[range].iter().map(|entry| (entry.row, *value)));
            }
        }
        Grown {
            tree: Tree::new(self.nodes),
            values,
        }
    }
}
