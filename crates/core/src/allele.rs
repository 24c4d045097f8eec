//! What kind of change an alternate allele is.

use serde::{Deserialize, Serialize};

/// Class of an alternate allele, by its REF and ALT text as VCF 4.3 defines them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum AlleleClass {
    /// One base replaced by another.
    Snv,
    /// Several bases replaced by as many.
    Mnv,
    /// Bases added and none removed.
    Insertion,
    /// Bases removed and none added.
    Deletion,
    /// Bases replaced by a different number of bases.
    Complex,
    /// `*`: the allele is missing because of an upstream deletion.
    SpanningDeletion,
    /// `<NON_REF>` or `<*>`: any allele that is not called here.
    NonRef,
    /// Any other symbolic allele, such as `<DEL>`.
    Symbolic,
    /// A breakend, such as `G]17:198982]`.
    Breakend,
    /// `.`: the record has no alternate allele.
    Absent,
    /// ALT equals REF.
    Identical,
}

impl AlleleClass {
    /// Classifies a REF and ALT pair; sequence alleles are compared without regard to case.
    #[must_use]
    pub fn of(reference: &[u8], alternate: &[u8]) -> Self {
        match alternate {
            b"." | b"" => return Self::Absent,
            b"*" => return Self::SpanningDeletion,
            b"<NON_REF>" | b"<*>" => return Self::NonRef,
            [b'<', ..] => return Self::Symbolic,
            _ => {}
        }
        if alternate.iter().any(|b| matches!(b, b'[' | b']'))
            || alternate.starts_with(b".")
            || alternate.ends_with(b".")
        {
            return Self::Breakend;
        }
        if alternate.contains(&b'<') {
            return Self::Symbolic;
        }
        if reference.eq_ignore_ascii_case(alternate) {
            return Self::Identical;
        }
        let equal = |(r, a): &(&u8, &u8)| r.eq_ignore_ascii_case(a);
        let prefix = reference.iter().zip(alternate).take_while(equal).count();
        let (reference, alternate) = (&reference[prefix..], &alternate[prefix..]);
        let suffix = reference
            .iter()
            .rev()
            .zip(alternate.iter().rev())
            .take_while(equal)
            .count();
        // What is left of each once all that they share is gone.
        match (reference.len() - suffix, alternate.len() - suffix) {
            (1, 1) if prefix + suffix == 0 => Self::Snv,
            (r, a) if r == a => Self::Mnv,
            (0, _) => Self::Insertion,
            (_, 0) => Self::Deletion,
            _ => Self::Complex,
        }
    }

    /// Whether both alleles are written as bases, so that the change can be normalised.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        matches!(
            self,
            Self::Snv | Self::Mnv | Self::Insertion | Self::Deletion | Self::Complex
        )
    }

    /// The published name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snv => "snv",
            Self::Mnv => "mnv",
            Self::Insertion => "insertion",
            Self::Deletion => "deletion",
            Self::Complex => "complex",
            Self::SpanningDeletion => "spanning_deletion",
            Self::NonRef => "non_ref",
            Self::Symbolic => "symbolic",
            Self::Breakend => "breakend",
            Self::Absent => "absent",
            Self::Identical => "identical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AlleleClass::{self, *};

    #[test]
    fn classes() {
        let check = |r: &str, a: &str, expected: AlleleClass| {
            assert_eq!(
                AlleleClass::of(r.as_bytes(), a.as_bytes()),
                expected,
                "{r}>{a}"
            );
        };
        check("A", "C", Snv);
        check("a", "A", Identical);
        check("AC", "TG", Mnv);
        check("A", "AT", Insertion);
        check("AT", "A", Deletion);
        // At the first base of a contig the anchor stands on the right.
        check("AC", "C", Deletion);
        check("C", "AC", Insertion);
        check("ATG", "AG", Deletion);
        check("AC", "AT", Mnv);
        check("AT", "GCC", Complex);
        check("A", "*", SpanningDeletion);
        check("A", "<NON_REF>", NonRef);
        check("A", "<*>", NonRef);
        check("A", "<DEL>", Symbolic);
        check("G", "G]17:198982]", Breakend);
        check("G", ".A", Breakend);
        check("G", "C<ctg1>", Symbolic);
        check("A", ".", Absent);
    }
}
