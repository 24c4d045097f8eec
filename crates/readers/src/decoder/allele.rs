//! Alleles as they are compared among the records of a position.

use varisk_core::AlleleClass;

/// An allele as it is compared with those of other records at its position: upper case, without the
/// bases that REF and ALT both end with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Allele {
    /// 0-based index among the record's alternates.
    pub(super) index: Option<usize>,
    pub(super) reference: Vec<u8>,
    pub(super) alternate: Option<Vec<u8>>,
}

impl Allele {
    pub(super) fn none(reference: &[u8]) -> Self {
        Self {
            index: None,
            reference: reference.to_vec(),
            alternate: None,
        }
    }

    /// `reference` is upper case.
    pub(super) fn new(index: usize, reference: &[u8], alternate: &[u8]) -> Self {
        let mut reference = reference.to_vec();
        let mut alternate = alternate.to_ascii_uppercase();
        if AlleleClass::of(&reference, &alternate).is_sequence() {
            while reference.len() > 1 && alternate.len() > 1 && reference.last() == alternate.last()
            {
                reference.pop();
                alternate.pop();
            }
        }
        Self {
            index: Some(index),
            reference,
            alternate: Some(alternate),
        }
    }

    pub(super) fn class(&self) -> AlleleClass {
        match self.alternate.as_deref() {
            Some(text) => AlleleClass::of(&self.reference, text),
            None => AlleleClass::Absent,
        }
    }

    /// Two symbolic alleles at a place may have different lengths: they are never taken for one.
    pub(super) fn is_symbolic(&self) -> bool {
        self.class() == AlleleClass::Symbolic
    }

    pub(super) fn is_substitution(&self) -> bool {
        self.class() == AlleleClass::Snv
    }

    pub(super) fn is_sequence(&self) -> bool {
        self.class().is_sequence()
    }

    /// `<NON_REF>`, `<*>` and `*`: they name no allele of this place.
    pub(super) fn is_unnamed(&self) -> bool {
        let class = self.class();
        matches!(class, AlleleClass::NonRef | AlleleClass::SpanningDeletion)
    }
}
