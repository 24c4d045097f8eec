//! `knowledge.toml`: which sources become a bundle, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use varisk_core::GenomeBuild;

use crate::{Combine, FieldType, GeneKey, KnowledgeError, MatchKind, SourceKind};

/// Names that other columns of a batch begin with.
const RESERVED_SOURCES: [&str; 13] = [
    "allele",
    "context",
    "site",
    "info",
    "text",
    "cohort",
    "score",
    "reason",
    "consequence",
    "reads",
    "burden",
    "qc",
    "gene_models",
];

/// Columns that tables have beside their fields.
const RESERVED_FIELDS: [&str; 8] = [
    "contig",
    "position",
    "start",
    "end",
    "variant_key",
    "ref",
    "alt",
    "key",
];

/// The configuration of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeConfig {
    /// Build of all positional sources.
    pub genome_build: GenomeBuild,
    /// The sources.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceConfig>,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// First part of the names of its columns: `[a-z][a-z0-9_]*`.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Its file (for `scores`, the folder of the run); relative to the configuration.
    pub path: PathBuf,
    /// Its release, which reports name.
    pub release: String,
    /// Its licence.
    pub licence: String,
    /// How its rows are found; `allele` where nothing is said and the kind allows it.
    #[serde(default, rename = "match")]
    pub matching: Option<ConfiguredMatch>,
    /// Output fields, by name.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldSpec>,
    /// Where a table's columns are.
    #[serde(default)]
    pub columns: Option<TableColumns>,
    /// What several rows at one place become.
    #[serde(default)]
    pub combine: Option<Combine>,
    /// What a gene table is keyed by.
    #[serde(default)]
    pub key: Option<GeneTableKey>,
    /// Rows of a table to keep: those that have these texts in these columns.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
}

/// The kinds of match that a configuration can choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfiguredMatch {
    /// By allele.
    Allele,
    /// By position.
    Position,
}

/// A column, by the name in the header or by its 1-based number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum ColumnRef {
    /// By number, from 1.
    Number(usize),
    /// By name.
    Name(String),
}

impl std::fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "'{name}'"),
        }
    }
}

/// Where a field's values come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FieldSpec {
    /// Just the INFO field or column.
    From(ColumnRef),
    /// With type and meaning.
    Full(FullFieldSpec),
}

/// A field with type and meaning.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullFieldSpec {
    /// INFO field or column.
    #[serde(default)]
    pub from: Option<ColumnRef>,
    /// Type; of a VCF that of its header where nothing is said, else text.
    #[serde(default, rename = "type")]
    pub field_type: Option<FieldType>,
    /// What it means, in words.
    #[serde(default)]
    pub meaning: Option<String>,
}

impl FieldSpec {
    /// INFO field or column.
    #[must_use]
    pub fn from(&self) -> Option<&ColumnRef> {
        match self {
            Self::From(from) => Some(from),
            Self::Full(full) => full.from.as_ref(),
        }
    }

    /// Type, where one is given.
    #[must_use]
    pub fn field_type(&self) -> Option<FieldType> {
        match self {
            Self::From(_) => None,
            Self::Full(full) => full.field_type,
        }
    }

    /// Meaning, empty where none is given.
    #[must_use]
    pub fn meaning(&self) -> &str {
        match self {
            Self::From(_) => "",
            Self::Full(full) => full.meaning.as_deref().unwrap_or_default(),
        }
    }
}

/// Where a table's columns are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableColumns {
    /// Contig.
    pub contig: ColumnRef,
    /// Position.
    pub position: ColumnRef,
    /// REF.
    #[serde(default, rename = "ref")]
    pub reference: Option<ColumnRef>,
    /// ALT.
    #[serde(default, rename = "alt")]
    pub alternate: Option<ColumnRef>,
    /// Whether positions count from 0.
    #[serde(default)]
    pub zero_based: bool,
    /// Whether a line of column names stands above the rows.
    #[serde(default = "yes")]
    pub header: bool,
}

fn yes() -> bool {
    true
}

/// What a gene table is keyed by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneTableKey {
    /// Column.
    pub column: ColumnRef,
    /// What stands in it.
    pub by: GeneKey,
}

impl KnowledgeConfig {
    /// Reads and checks a configuration. Relative paths become relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read, or says what cannot be.
    pub fn read(path: &Path) -> Result<Self, KnowledgeError> {
        let text = std::fs::read_to_string(path).map_err(|source| KnowledgeError::Open {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for source in &mut config.sources {
            source.path = folder.join(&source.path);
        }
        Ok(config)
    }

    /// Parses and checks the text of a configuration; paths stay as they are written.
    ///
    /// # Errors
    /// The text says what cannot be; `path` stands in the message.
    pub fn parse(text: &str, path: &Path) -> Result<Self, KnowledgeError> {
        let refuse = |detail: String| KnowledgeError::Config {
            path: path.to_owned(),
            detail,
        };
        let config: Self = toml::from_str(text)
            .map_err(|error| refuse(error.to_string().trim_end().replace('\n', " ")))?;
        if config.sources.is_empty() {
            return Err(refuse("it names no source; add a [[source]]".to_owned()));
        }
        let mut names = BTreeSet::new();
        for source in &config.sources {
            if !names.insert(source.name.as_str()) {
                return Err(refuse(format!(
                    "two sources are named '{}'; give each a name of its own",
                    source.name
                )));
            }
            source
                .check()
                .map_err(|detail| refuse(format!("source '{}': {detail}", source.name)))?;
        }
        Ok(config)
    }
}

impl SourceConfig {
    /// How its rows are found.
    #[must_use]
    pub fn match_kind(&self) -> MatchKind {
        match (self.kind, self.matching) {
            (SourceKind::Bed | SourceKind::Bigwig, _) => MatchKind::Position,
            (SourceKind::GeneModels, _) => MatchKind::Whole,
            (SourceKind::GeneTable, _) => match self.key.as_ref().map(|key| key.by) {
                Some(GeneKey::Id) => MatchKind::GeneId,
                _ => MatchKind::GeneSymbol,
            },
            (_, Some(ConfiguredMatch::Position)) => MatchKind::Position,
            (_, _) => MatchKind::Allele,
        }
    }

    /// What is wrong with it, in words.
    fn check(&self) -> Result<(), String> {
        if !is_name(&self.name) || RESERVED_SOURCES.contains(&self.name.as_str()) {
            return Err(format!(
                "the name must be [a-z][a-z0-9_]* and none of {}",
                RESERVED_SOURCES.join(", ")
            ));
        }
        for (key, value) in [("release", &self.release), ("licence", &self.licence)] {
            if value.trim().is_empty() {
                return Err(format!("'{key}' is empty; reports name it, so say it"));
            }
        }
        for (name, spec) in &self.fields {
            if !is_name(name) || RESERVED_FIELDS.contains(&name.as_str()) {
                return Err(format!(
                    "the field '{name}' must be named [a-z][a-z0-9_]* and none of {}",
                    RESERVED_FIELDS.join(", ")
                ));
            }
            if matches!(spec.field_type(), Some(FieldType::Score | FieldType::Other)) {
                return Err(format!(
                    "the field '{name}' must be of type float, integer, text or flag"
                ));
            }
        }
        self.check_kind()
    }

    fn check_kind(&self) -> Result<(), String> {
        use SourceKind as K;
        let needs_fields = matches!(self.kind, K::Vcf | K::Table | K::GeneTable);
        if needs_fields && self.fields.is_empty() {
            return Err("it has no [source.fields]; say which fields are wanted".to_owned());
        }
        if matches!(self.kind, K::GeneModels | K::Scores) && !self.fields.is_empty() {
            return Err(format!(
                "kind '{}' takes no [source.fields]; remove them",
                self.kind.name()
            ));
        }
        if matches!(self.kind, K::Table) != self.columns.is_some() {
            return Err(
                "[source.columns] belongs to kind 'table', and it to [source.columns]".to_owned(),
            );
        }
        if matches!(self.kind, K::GeneTable) != self.key.is_some() {
            return Err(
                "'key' belongs to kind 'gene_table', and it to 'key': key = { column = \"gene\", by = \"symbol\" }"
                    .to_owned(),
            );
        }
        if self.matching.is_some() && !matches!(self.kind, K::Vcf | K::Table) {
            return Err("'match' belongs to kinds 'vcf' and 'table'; remove it".to_owned());
        }
        if !self.only.is_empty() && !matches!(self.kind, K::Table | K::GeneTable) {
            return Err("'only' belongs to kinds 'table' and 'gene_table'; remove it".to_owned());
        }
        if self.combine.is_some() && self.match_kind() != MatchKind::Position {
            return Err(
                "'combine' belongs to sources that match by position; remove it".to_owned(),
            );
        }
        if self.kind == K::Bigwig && self.fields.len() > 1 {
            return Err("a bigWig track has one value; name one field".to_owned());
        }
        let lacks_from = |(_, spec): &(&String, &FieldSpec)| spec.from().is_none();
        let may_lack = matches!(self.kind, K::Bed | K::Bigwig);
        if let Some((name, _)) = self.fields.iter().find(lacks_from).filter(|_| !may_lack) {
            return Err(format!("the field '{name}' lacks 'from'"));
        }
        if let Some(columns) = &self.columns {
            let alleles = columns.reference.is_some() && columns.alternate.is_some();
            if self.match_kind() == MatchKind::Allele && !alleles {
                return Err(
                    "a table that matches by allele needs the columns 'ref' and 'alt'; name them, or set match = \"position\""
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}

/// Whether a name is `[a-z][a-z0-9_]*`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "genome_build = 'GRCh38'\n[[source]]\n";

    fn parse(source: &str) -> Result<KnowledgeConfig, String> {
        KnowledgeConfig::parse(&format!("{HEAD}{source}"), Path::new("k.toml"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn good_sources() {
        let check = |source: &str, expected: MatchKind| {
            let config = parse(source).unwrap();
            assert_eq!(config.sources[0].match_kind(), expected, "{source}");
        };
        let meta = "path = 'p'\nrelease = '1'\nlicence = 'CC0'\n";
        check(
            &format!("name = 'clinvar'\nkind = 'clinvar'\n{meta}"),
            MatchKind::Allele,
        );
        check(
            &format!(
                "name = 'gnomad'\nkind = 'vcf'\n{meta}fields = {{af = 'AF', n = {{from='AN', type='integer'}}}}"
            ),
            MatchKind::Allele,
        );
        check(
            &format!("name = 'p'\nkind = 'vcf'\nmatch = 'position'\n{meta}fields.af = 'AF'"),
            MatchKind::Position,
        );
        check(
            &format!(
                "name = 't'\nkind = 'table'\n{meta}fields.x = 5\ncolumns = {{contig = 1, position = 2, ref = 3, alt = 4, header = false}}"
            ),
            MatchKind::Allele,
        );
        check(
            &format!("name = 'b'\nkind = 'bed'\n{meta}"),
            MatchKind::Position,
        );
        check(
            &format!(
                "name = 'g'\nkind = 'gene_table'\n{meta}fields.x = 'X'\nkey = {{column = 'gene_id', by = 'id'}}"
            ),
            MatchKind::GeneId,
        );
    }

    #[test]
    fn bad_sources_are_named_with_the_remedy() {
        let check = |source: &str, expected: &str| {
            let message = parse(source).unwrap_err();
            assert!(message.contains(expected), "{message}\nlacks {expected}");
        };
        let meta = "path = 'p'\nrelease = '1'\nlicence = 'CC0'\n";
        check(
            &format!("name = 'score'\nkind = 'bed'\n{meta}"),
            "none of allele",
        );
        check(
            &format!("name = 'A'\nkind = 'bed'\n{meta}"),
            "[a-z][a-z0-9_]*",
        );
        check(
            "name = 'a'\nkind = 'bed'\npath = 'p'\nrelease = ' '\nlicence = 'x'",
            "'release' is empty",
        );
        check("name = 'a'\nkind = 'bed'\npath = 'p'", "release");
        check(
            &format!("name = 'a'\nkind = 'bed'\ncolour = 1\n{meta}"),
            "colour",
        );
        check(
            &format!("name = 'a'\nkind = 'vcf'\n{meta}"),
            "no [source.fields]",
        );
        check(
            &format!("name = 'a'\nkind = 'vcf'\n{meta}fields.ref = 'X'"),
            "the field 'ref'",
        );
        check(
            &format!("name = 'a'\nkind = 'table'\n{meta}fields.x = 'X'"),
            "[source.columns]",
        );
        check(
            &format!(
                "name = 'a'\nkind = 'table'\n{meta}fields.x = 'X'\ncolumns = {{contig = 1, position = 2}}"
            ),
            "needs the columns 'ref' and 'alt'",
        );
        check(
            &format!("name = 'a'\nkind = 'gene_table'\n{meta}fields.x = 'X'"),
            "'key' belongs",
        );
        check(
            &format!("name = 'a'\nkind = 'bed'\nmatch = 'allele'\n{meta}"),
            "'match' belongs",
        );
        check(
            &format!("name = 'a'\nkind = 'bed'\nonly = {{x = 'y'}}\n{meta}"),
            "'only' belongs",
        );
        check(
            &format!("name = 'a'\nkind = 'vcf'\ncombine = 'max'\n{meta}fields.x = 'X'"),
            "'combine' belongs",
        );
        check(
            &format!(
                "name = 'a'\nkind = 'bed'\n{meta}[[source]]\nname = 'a'\nkind = 'bed'\n{meta}"
            ),
            "two sources are named 'a'",
        );
        let none = KnowledgeConfig::parse("genome_build = 'GRCh37'", Path::new("k.toml"));
        assert!(none.unwrap_err().to_string().contains("names no source"));
    }
}
