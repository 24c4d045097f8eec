//! All that a run says of one patient.

use crate::cursor::Cursor;
use crate::rows::{
    Ancestry, Burden, Explanation, Feature, Finding, PatientRow, Quality, Risk, Score,
};
use crate::{DossierError, RunFolder};

/// All that a run says of one patient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dossier {
    /// Identifier of the patient, or pseudonym where the run wrote pseudonyms.
    pub patient: String,
    /// Risk items, by name.
    pub risks: Vec<Risk>,
    /// Polygenic scores, by name.
    pub scores: Vec<Score>,
    /// Place on the reference panel.
    pub ancestry: Option<Ancestry>,
    /// Top alleles of each variant model, by model, output, rank.
    pub findings: Vec<Finding>,
    /// Carried alleles that a source calls pathogenic, in genomic order.
    pub known_variants: Vec<Finding>,
    /// Quality of the patient's data.
    pub quality: Option<Quality>,
    /// What moves the results of patient models, by output, rank.
    pub explanations: Vec<Explanation>,
    /// Burden of genes, by gene, class.
    pub burden: Vec<Burden>,
    /// Features, by name.
    pub features: Vec<Feature>,
}

/// The patients of a run in the order of their identifiers (by bytes of UTF-8).
pub struct Dossiers {
    risks: Vec<Cursor<Risk>>,
    scores: Vec<Cursor<Score>>,
    ancestry: Vec<Cursor<Ancestry>>,
    findings: Vec<Cursor<Finding>>,
    known_variants: Vec<Cursor<Finding>>,
    quality: Vec<Cursor<Quality>>,
    explanations: Vec<Cursor<Explanation>>,
    burden: Vec<Cursor<Burden>>,
    features: Vec<Cursor<Feature>>,
}

impl Dossiers {
    pub(crate) fn open(run: &RunFolder) -> Result<Self, DossierError> {
        Ok(Self {
            risks: cursors(run, "risk")?,
            scores: cursors(run, "scores")?,
            ancestry: cursors(run, "ancestry")?,
            findings: cursors(run, "findings")?,
            known_variants: cursors(run, "known_variants")?,
            quality: cursors(run, "qc")?,
            explanations: cursors(run, "explanations")?,
            burden: cursors(run, "burden")?,
            features: cursors(run, "features")?,
        })
    }

    /// The next patient.
    ///
    /// # Errors
    /// A table is damaged, or not sorted by patient.
    pub fn next_dossier(&mut self) -> Result<Option<Dossier>, DossierError> {
        let mut next = None;
        least(&mut self.risks, &mut next)?;
        least(&mut self.scores, &mut next)?;
        least(&mut self.ancestry, &mut next)?;
        least(&mut self.findings, &mut next)?;
        least(&mut self.known_variants, &mut next)?;
        least(&mut self.quality, &mut next)?;
        least(&mut self.explanations, &mut next)?;
        least(&mut self.burden, &mut next)?;
        least(&mut self.features, &mut next)?;
        let Some(patient) = next else {
            return Ok(None);
        };
        let mut dossier = Dossier {
            risks: taken(&mut self.risks, &patient)?,
            scores: taken(&mut self.scores, &patient)?,
            ancestry: taken(&mut self.ancestry, &patient)?.pop(),
            findings: taken(&mut self.findings, &patient)?,
            known_variants: taken(&mut self.known_variants, &patient)?,
            quality: taken(&mut self.quality, &patient)?.pop(),
            explanations: taken(&mut self.explanations, &patient)?,
            burden: taken(&mut self.burden, &patient)?,
            features: taken(&mut self.features, &patient)?,
            patient,
        };
        // Parts of a table come one after the other; the order is right only within a part.
        dossier.risks.sort_by(|a, b| a.item.cmp(&b.item));
        dossier.scores.sort_by(|a, b| a.score.cmp(&b.score));
        dossier
            .findings
            .sort_by(|a, b| (&a.model, &a.output, a.rank).cmp(&(&b.model, &b.output, b.rank)));
        dossier
            .explanations
            .sort_by(|a, b| (&a.output, a.rank).cmp(&(&b.output, b.rank)));
        dossier
            .burden
            .sort_by(|a, b| (&a.gene, &a.class).cmp(&(&b.gene, &b.class)));
        dossier.features.sort_by(|a, b| a.feature.cmp(&b.feature));
        Ok(Some(dossier))
    }
}

impl Iterator for Dossiers {
    type Item = Result<Dossier, DossierError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_dossier().transpose()
    }
}

fn cursors<R: PatientRow>(run: &RunFolder, table: &str) -> Result<Vec<Cursor<R>>, DossierError> {
    let sources = run.rows(table)?;
    Ok(sources.into_iter().map(Cursor::new).collect())
}

fn least<R: PatientRow>(
    cursors: &mut [Cursor<R>],
    next: &mut Option<String>,
) -> Result<(), DossierError> {
    for cursor in cursors {
        if let Some(patient) = cursor.peek()?
            && next.as_deref().is_none_or(|least| patient < least)
        {
            *next = Some(patient.to_owned());
        }
    }
    Ok(())
}

fn taken<R: PatientRow>(cursors: &mut [Cursor<R>], patient: &str) -> Result<Vec<R>, DossierError> {
    let mut rows = Vec::new();
    for cursor in cursors {
        cursor.take(patient, &mut rows)?;
    }
    Ok(rows)
}
