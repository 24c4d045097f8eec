//! One-hot sequence: one channel for each base.

use crate::bases::complement;
use crate::manifest::{Layout, OneHotN, OneHotParams, Strand};

/// Writes windows as channels; shape (4, window) or (window, 4).
#[derive(Clone, Debug)]
pub(crate) struct OneHot {
    /// Channel of each letter; 4 for what is not A, C, G or T.
    channel: Box<[u8; 256]>,
    layout: Layout,
    strand: Strand,
    n: f32,
}

impl OneHot {
    pub(crate) fn new(params: &OneHotParams) -> Self {
        let mut channel = Box::new([4; 256]);
        for (index, letter) in (0..4).zip(params.channels.0.bytes()) {
            channel[usize::from(letter)] = index;
        }
        Self {
            channel,
            layout: params.layout,
            strand: params.strand,
            n: match params.n {
                OneHotN::Zero => 0.0,
                OneHotN::Uniform => 0.25,
            },
        }
    }

    /// Writes a window of upper-case bases; `row` has four elements for each of them.
    pub(crate) fn write(&self, window: &[u8], row: &mut [f32]) {
        let length = window.len();
        let step = match self.layout {
            Layout::ChannelsFirst => length,
            Layout::ChannelsLast => 1,
        };
        for (place, base) in window.iter().enumerate() {
            let (base, place) = match self.strand {
                Strand::Forward => (*base, place),
                Strand::Reverse => (complement(*base), length - 1 - place),
            };
            let first = match self.layout {
                Layout::ChannelsFirst => place,
                Layout::ChannelsLast => 4 * place,
            };
            let channel = self.channel[usize::from(base)];
            for (index, element) in (0..4).zip(row.iter_mut().skip(first).step_by(step)) {
                *element = match channel {
                    4 => self.n,
                    own if own == index => 1.0,
                    _ => 0.0,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn layouts_strands_and_n() {
        let check = |params: serde_json::Value, window: &str, expected: &[f32]| {
            let mut all = json!({"window": window.len(), "allele": "alt"});
            for (key, value) in params.as_object().unwrap() {
                all[key] = value.clone();
            }
            let params: OneHotParams = serde_json::from_value(all).unwrap();
            let mut row = vec![9.0; 4 * window.len()];
            OneHot::new(&params).write(window.as_bytes(), &mut row);
            assert_eq!(row, expected, "{params:?}");
        };
        let (o, l, q) = (0.0, 1.0, 0.25);
        check(json!({}), "AC", &[l, o, o, l, o, o, o, o]);
        check(json!({"layout": "NLC"}), "AC", &[l, o, o, o, o, l, o, o]);
        check(
            json!({"layout": "NLC", "strand": "-"}),
            "AC",
            &[o, o, l, o, o, o, o, l],
        );
        check(
            json!({"layout": "NLC", "channels": "TGCA"}),
            "AC",
            &[o, o, o, l, o, o, l, o],
        );
        check(json!({"layout": "NLC"}), "NT", &[o, o, o, o, o, o, o, l]);
        check(
            json!({"layout": "NLC", "n": "uniform"}),
            "RT",
            &[q, q, q, q, o, o, o, l],
        );
        check(
            json!({"layout": "NLC", "n": "uniform", "strand": "-"}),
            "NT",
            &[l, o, o, o, q, q, q, q],
        );
    }
}
