//! How rows are matched, and why some are not: vocabularies of the log of score variants.

/// Which allele of a variant carries the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The alternate allele.
    Alternate,
    /// The reference allele.
    Reference,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Alternate => Self::Reference,
            Self::Reference => Self::Alternate,
        }
    }
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$item])* $variant,)* }

        impl $name {
            /// Every item, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The published text.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

vocabulary! {
    /// How a row matches an allele: what its other allele and its effect allele are there. The order
    /// is that in which they are tried; a row whose strand is flipped matches by the complement of its
    /// bases. pgscatalog-match names the effect allele first: its `refalt` is `alt_ref` here.
    MatchType {
        /// The other allele is REF, the effect allele is ALT.
        RefAlt = "ref_alt",
        /// The other allele is ALT, the effect allele is REF.
        AltRef = "alt_ref",
        /// As `ref_alt`, on the other strand.
        RefAltFlipped = "ref_alt_flipped",
        /// As `alt_ref`, on the other strand.
        AltRefFlipped = "alt_ref_flipped",
        /// The effect allele is REF; the row has no other allele.
        NoOtherRef = "no_other_ref",
        /// The effect allele is ALT; the row has no other allele.
        NoOtherAlt = "no_other_alt",
        /// As `no_other_ref`, on the other strand.
        NoOtherRefFlipped = "no_other_ref_flipped",
        /// As `no_other_alt`, on the other strand.
        NoOtherAltFlipped = "no_other_alt_flipped",
        /// All alleles of an interaction, a haplotype or a diplotype were found.
        AllComponents = "all_components",
    }
}

impl MatchType {
    /// Which allele carries the effect.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::AltRef
            | Self::AltRefFlipped
            | Self::NoOtherRef
            | Self::NoOtherRefFlipped
            | Self::AllComponents => Side::Reference,
            Self::RefAlt | Self::RefAltFlipped | Self::NoOtherAlt | Self::NoOtherAltFlipped => {
                Side::Alternate
            }
        }
    }

    /// Whether the row is matched by the complement of its bases.
    #[must_use]
    pub fn is_flipped(self) -> bool {
        matches!(
            self,
            Self::AltRefFlipped
                | Self::RefAltFlipped
                | Self::NoOtherRefFlipped
                | Self::NoOtherAltFlipped
        )
    }

    /// The same alleles read from the other strand, where the two strands cannot be told apart.
    #[must_use]
    pub fn other_strand(self) -> Self {
        match self {
            Self::AltRef => Self::RefAltFlipped,
            Self::RefAlt => Self::AltRefFlipped,
            Self::AltRefFlipped => Self::RefAlt,
            Self::RefAltFlipped => Self::AltRef,
            Self::NoOtherRef => Self::NoOtherAltFlipped,
            Self::NoOtherAlt => Self::NoOtherRefFlipped,
            Self::NoOtherRefFlipped => Self::NoOtherAlt,
            Self::NoOtherAltFlipped => Self::NoOtherRef,
            Self::AllComponents => Self::AllComponents,
        }
    }
}

vocabulary! {
    /// Why a row of a scoring file is not scored.
    RowReason {
        /// No record of the data has the allele.
        NotInData = "not_in_data",
        /// The data have the site only as one that no patient's file has a record of.
        NotAssayed = "not_assayed",
        /// A/T or C/G: the strand cannot be told from the alleles (`--ambiguous drop`).
        AmbiguousStrand = "ambiguous_strand",
        /// A/T or C/G, and the frequencies do not tell the strand either: one of them is missing, or
        /// too close to one half (`--ambiguous by-frequency`).
        AmbiguousFrequency = "ambiguous_frequency",
        /// Another row of the score names the same allele (`--duplicates drop`).
        DuplicateRow = "duplicate_row",
        /// The row has no other allele and several alleles of the data fit.
        SeveralAlleles = "several_alleles",
        /// Insertion and deletion of the same bases are both in the data and the row fits both.
        MatchesTwoAlleles = "matches_two_alleles",
        /// On neither strand is one of the row's alleles the reference at its position.
        AllelesNotInReference = "alleles_not_in_reference",
        /// Harmonisation gave the row no position on the run's build.
        NotHarmonised = "not_harmonised",
        /// The row has no position.
        NoPosition = "no_position",
        /// The contig is not a primary contig of the reference.
        UnknownContig = "unknown_contig",
        /// The identifier is not in the source of identifiers.
        UnknownRsid = "unknown_rsid",
        /// An allele holds something other than A, C, G and T.
        AlleleNotBases = "allele_not_bases",
        /// An HLA allele, serotype or amino acid; HLA is not typed here.
        HlaAllele = "hla_allele",
        /// An interaction whose alleles are not given one by one.
        UnsupportedInteraction = "unsupported_interaction",
        /// A haplotype or diplotype whose alleles are not given one by one.
        UnsupportedHaplotype = "unsupported_haplotype",
        /// Another complex allele, such as a star allele of a cytochrome.
        UnsupportedVariantType = "unsupported_variant_type",
    }
}

impl RowReason {
    /// Whether the row is of a kind that varisk does not score, so that its file is refused unless
    /// the user lets such rows go.
    #[must_use]
    pub fn is_unsupported(self) -> bool {
        matches!(
            self,
            Self::HlaAllele
                | Self::UnsupportedInteraction
                | Self::UnsupportedHaplotype
                | Self::UnsupportedVariantType
        )
    }

    pub(crate) fn from_number(number: u8) -> Self {
        *Self::ALL
            .get(usize::from(number))
            .unwrap_or(&Self::NotInData)
    }
}

impl std::fmt::Display for RowReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

vocabulary! {
    /// How the weight of a row depends on the copies of its effect allele; the terms of the PGS
    /// Catalog.
    EffectType {
        /// The weight for each copy.
        Additive = "additive",
        /// The weight once, if there is a copy.
        Dominant = "dominant",
        /// The weight once, if every copy is the effect allele: two of two, or one of one where only
        /// one is expected (plink2 refuses such scores on haploid chromosomes).
        Recessive = "recessive",
        /// A weight for none, one and two copies.
        Nonadditive = "dosage_weights",
        /// The weight times the product of the copies of several alleles.
        Interaction = "interaction",
        /// The weight for each haplotype that carries all alleles.
        Haplotype = "haplotype",
        /// The weight once, if the two haplotypes are those named.
        Diplotype = "diplotype",
    }
}
