//! A record before anyone is genotyped.

/// A record as it will be written.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) contig: usize,
    /// 0-based.
    pub(crate) position: usize,
    pub(crate) reference: String,
    pub(crate) alternates: Vec<Alternate>,
    /// Added to INFO.
    pub(crate) info: Option<String>,
    /// What the record is there for.
    pub(crate) case: Option<&'static str>,
    pub(crate) causal: Option<Causal>,
    pub(crate) layout: Layout,
}

/// An alternate allele.
#[derive(Clone, Debug)]
pub(crate) struct Alternate {
    pub(crate) text: String,
    /// Haplotypes that are to carry it.
    pub(crate) copies: usize,
}

/// Why an allele raises liability.
#[derive(Clone, Debug)]
pub(crate) struct Causal {
    pub(crate) gene: String,
    /// Sequence Ontology term.
    pub(crate) consequence: &'static str,
    /// Liability of one copy, in thousandths.
    pub(crate) effect: i64,
}

/// How the genotype columns are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// GT:DP:GQ.
    #[default]
    Usual,
    /// GT:GQ:DP.
    Reordered,
    /// GT.
    GenotypeOnly,
    /// GT:DP:GQ, and all that follows a missing GT is left out.
    Trailing,
}

impl Site {
    pub(crate) fn new(contig: usize, position: usize, reference: &str, alternate: &str) -> Self {
        Self {
            contig,
            position,
            reference: reference.to_owned(),
            alternates: Vec::new(),
            info: None,
            case: None,
            causal: None,
            layout: Layout::Usual,
        }
        .and(alternate)
    }

    /// Adds an alternate allele.
    pub(crate) fn and(mut self, alternate: &str) -> Self {
        self.alternates.push(Alternate {
            text: alternate.to_owned(),
            copies: 0,
        });
        self
    }

    /// Names the case.
    pub(crate) fn case(mut self, case: &'static str) -> Self {
        self.case = Some(case);
        self
    }

    /// Sets the copies of every alternate allele.
    pub(crate) fn copies(mut self, copies: usize) -> Self {
        for alternate in &mut self.alternates {
            alternate.copies = copies;
        }
        self
    }

    /// First and one past the last base of the record.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.position..self.position + self.reference.len()
    }
}
