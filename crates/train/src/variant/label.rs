//! What makes a variant pathogenic or benign.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How labels are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSpec {
    /// INFO field, or column of a table.
    pub field: String,
    /// Values that mean pathogenic.
    pub pathogenic: Vec<String>,
    /// Values that mean benign.
    pub benign: Vec<String>,
    /// Letters between several values of a cell. A variant with values of both kinds is in conflict
    /// and left out.
    #[serde(default = "default_separators")]
    pub separators: String,
    /// Other fields, and the values of which a variant must have one: a review status.
    #[serde(default)]
    pub require: BTreeMap<String, Vec<String>>,
    /// INFO field or column with the gene; left out, the gene of the consequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gene: Option<String>,
}

fn default_separators() -> String {
    "|,".to_owned()
}

/// What a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Pathogenic.
    Pathogenic,
    /// Benign.
    Benign,
    /// Both, by different accounts.
    Conflicting,
    /// Neither.
    Other,
    /// It lacks what is required.
    NotAccepted,
}

impl LabelSpec {
    /// Fields that are read, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.field.clone()];
        fields.extend(self.require.keys().cloned());
        fields.extend(self.gene.clone());
        fields.sort();
        fields.dedup();
        fields
    }

    /// Genes of a cell: several stand between separators, and a number after a colon is another name
    /// of the same gene, as in ClinVar's `GENEINFO`.
    #[must_use]
    pub fn genes(&self, cell: &str) -> Vec<String> {
        let parts = cell.split(|own| self.separators.contains(own));
        let names = parts.map(|own| own.split(':').next().unwrap_or_default().trim());
        let mut genes: Vec<String> = Vec::new();
        for name in names.filter(|own| !own.is_empty() && *own != ".") {
            if !genes.iter().any(|own| own == name) {
                genes.push(name.to_owned());
            }
        }
        genes
    }

    /// The label of a variant whose fields `cell` gives.
    pub fn read<'a>(&self, cell: impl Fn(&str) -> Option<&'a str>) -> Label {
        for (field, accepted) in &self.require {
            let has = cell(field).is_some_and(|own| accepted.iter().any(|other| other == own));
            if !has {
                return Label::NotAccepted;
            }
        }
        let text = cell(&self.field).unwrap_or_default();
        let among = |values: &[String]| {
            text.split(|own| self.separators.contains(own))
                .chain([text])
                .any(|own| values.iter().any(|value| value == own))
        };
        match (among(&self.pathogenic), among(&self.benign)) {
            (true, true) => Label::Conflicting,
            (true, false) => Label::Pathogenic,
            (false, true) => Label::Benign,
            (false, false) => Label::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> LabelSpec {
        let texts = |own: &[&str]| own.iter().map(|own| (*own).to_owned()).collect();
        LabelSpec {
            field: "CLNSIG".to_owned(),
            pathogenic: texts(&["5", "4", "Pathogenic/Likely_pathogenic"]),
            benign: texts(&["2", "3"]),
            separators: default_separators(),
            require: [("REVIEW".to_owned(), texts(&["two,agree"]))].into(),
            gene: Some("GENE".to_owned()),
        }
    }

    #[test]
    fn labels() {
        let of = |text: Option<&'static str>| {
            spec().read(move |field| {
                if field == "REVIEW" {
                    Some("two,agree")
                } else {
                    text
                }
            })
        };
        assert_eq!(of(Some("5")), Label::Pathogenic);
        assert_eq!(of(Some("0|5|255")), Label::Pathogenic);
        assert_eq!(of(Some("Pathogenic/Likely_pathogenic")), Label::Pathogenic);
        assert_eq!(of(Some("2,3")), Label::Benign);
        assert_eq!(of(Some("5|2")), Label::Conflicting);
        assert_eq!(of(Some("55")), Label::Other);
        assert_eq!(of(None), Label::Other);
        assert_eq!(spec().read(|_| Some("5")), Label::NotAccepted);
        assert_eq!(spec().fields(), ["CLNSIG", "GENE", "REVIEW"]);
        assert_eq!(
            spec().genes("BRCA1:672|NBR2:10230|BRCA1"),
            ["BRCA1", "NBR2"]
        );
        assert!(spec().genes(".").is_empty() && spec().genes("").is_empty());
    }
}
