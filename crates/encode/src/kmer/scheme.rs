//! Parameters of a k-mer tensor, completed from the preset and checked against each other.

use crate::manifest::{KmerParams, MAX_TOKENS, NPolicy, Preset, VocabularySpec};

/// A parameter that does not go with the others.
#[derive(Debug)]
pub(crate) struct SchemeProblem {
    /// The parameter.
    pub(crate) field: &'static str,
    /// What is wrong and what to write.
    pub(crate) problem: String,
}

fn fail<T>(field: &'static str, problem: impl Into<String>) -> Result<T, SchemeProblem> {
    Err(SchemeProblem {
        field,
        problem: problem.into(),
    })
}

/// Completed parameters.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) k: usize,
    pub(crate) stride: usize,
    pub(crate) n_policy: NPolicy,
    pub(crate) unknown: String,
    pub(crate) prefix: Vec<String>,
    pub(crate) suffix: Vec<String>,
    /// Tokens of a row in all.
    pub(crate) length: usize,
    pub(crate) pad: Option<String>,
}

/// What a preset says where the manifest is silent.
struct Defaults {
    k: Option<u8>,
    /// `None`: k.
    stride: Option<u8>,
    n_policy: NPolicy,
    unknown: &'static str,
    prefix: &'static [&'static str],
    suffix: &'static [&'static str],
    pad: &'static str,
}

impl Defaults {
    fn of(preset: Preset) -> Self {
        match preset {
            Preset::Dnabert => Self {
                k: None,
                stride: Some(1),
                n_policy: NPolicy::Unknown,
                unknown: "[UNK]",
                prefix: &["[CLS]"],
                suffix: &["[SEP]"],
                pad: "[PAD]",
            },
            Preset::NucleotideTransformer => Self {
                k: Some(6),
                stride: None,
                n_policy: NPolicy::Single,
                unknown: "<unk>",
                prefix: &["<cls>"],
                suffix: &[],
                pad: "<pad>",
            },
        }
    }
}

impl Scheme {
    /// Completes and checks parameters.
    pub(crate) fn try_new(params: &KmerParams) -> Result<Self, SchemeProblem> {
        let preset = match params.vocabulary {
            VocabularySpec::Preset { preset } => Some(preset),
            _ => None,
        };
        let defaults = preset.map(Defaults::of);
        let defaults = defaults.as_ref();
        let Some(k) = params.k.or(defaults.and_then(|d| d.k)) else {
            return fail("k", "is missing; write the bases of a token");
        };
        check_k(k, preset)?;
        let stride = params.stride.or(defaults.map(|d| d.stride.unwrap_or(k)));
        let Some(stride) = stride else {
            return fail("stride", "is missing; write 1 or k");
        };
        if stride != 1 && stride != k {
            return fail("stride", format!("is {stride}; write 1 or k ({k})"));
        }
        let Some(n_policy) = params.n_policy.or(defaults.map(|d| d.n_policy)) else {
            return fail("n_policy", "is missing; write \"unknown\" or \"single\"");
        };
        if n_policy == NPolicy::Single && stride != k {
            return fail(
                "n_policy",
                format!("'single' needs tokens side by side; write stride {k} or \"unknown\""),
            );
        }
        let unknown = params
            .unknown
            .clone()
            .or_else(|| defaults.map(|d| d.unknown.to_owned()));
        let Some(unknown) = unknown else {
            return fail(
                "unknown",
                "is missing; name the token of what cannot be spelled",
            );
        };
        let list = |own: &Option<Vec<String>>, other: Option<&[&str]>| match own {
            Some(tokens) => tokens.clone(),
            None => other
                .unwrap_or_default()
                .iter()
                .map(|token| (*token).to_owned())
                .collect(),
        };
        let prefix = list(&params.prefix, defaults.map(|d| d.prefix));
        let suffix = list(&params.suffix, defaults.map(|d| d.suffix));
        let pad = params
            .pad
            .clone()
            .or_else(|| defaults.map(|d| d.pad.to_owned()));

        let (k, stride) = (usize::from(k), usize::from(stride));
        let (least, most) = token_range(params.window as usize, k, stride, n_policy)?;
        let special = prefix.len() + suffix.len();
        let length = row_length(params, least + special, most + special)?;
        if length > least + special && pad.is_none() {
            return fail(
                "pad",
                format!(
                    "is missing, and a row of {length} tokens can have only {}; name the token \
                     that fills it",
                    least + special
                ),
            );
        }
        Ok(Self {
            k,
            stride,
            n_policy,
            unknown,
            prefix,
            suffix,
            length,
            pad,
        })
    }
}

fn check_k(k: u8, preset: Option<Preset>) -> Result<(), SchemeProblem> {
    let (least, most) = match preset {
        None => (1, 8),
        Some(Preset::Dnabert) => (3, 6),
        Some(Preset::NucleotideTransformer) => (6, 6),
    };
    if (least..=most).contains(&k) {
        return Ok(());
    }
    let problem = match preset {
        None => format!("is {k}; write a number from {least} to {most}"),
        Some(_) => format!(
            "is {k}, and the preset was published for {least} to {most}; correct k or write the \
             vocabulary out"
        ),
    };
    fail("k", problem)
}

/// The fewest and the most tokens that a window can give, without prefix and suffix.
fn token_range(
    window: usize,
    k: usize,
    stride: usize,
    n_policy: NPolicy,
) -> Result<(usize, usize), SchemeProblem> {
    if window < k {
        return fail(
            "window",
            format!("is {window}, shorter than a token of {k} bases; write a longer one"),
        );
    }
    match n_policy {
        // Every base may be N, and then each is a token.
        NPolicy::Single => Ok((window / k + window % k, window)),
        NPolicy::Unknown if stride == k && !window.is_multiple_of(k) => fail(
            "window",
            format!(
                "is {window}, which tokens of {k} bases side by side do not fill; write a multiple \
                 of {k}"
            ),
        ),
        NPolicy::Unknown => {
            let count = (window - k) / stride + 1;
            Ok((count, count))
        }
    }
}

fn row_length(params: &KmerParams, least: usize, most: usize) -> Result<usize, SchemeProblem> {
    match params.length {
        Some(length) if (length as usize) < most => fail(
            "length",
            format!(
                "is {length}, and a window of {} bases can give {most} tokens (where N is a token, \
                 every base may be one); write at least {most} or a shorter window",
                params.window
            ),
        ),
        Some(length) => Ok(length as usize),
        None if least < most => fail(
            "length",
            format!(
                "is missing, and a window of {} bases gives {least} to {most} tokens; write at \
                 least {most}",
                params.window
            ),
        ),
        None if most > MAX_TOKENS as usize => fail(
            "length",
            format!("would be {most}, more than {MAX_TOKENS}; write a shorter prefix or suffix"),
        ),
        None => Ok(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(params: &str, expected: Result<usize, &str>) {
        let mut json: serde_json::Value = serde_json::from_str(params).unwrap();
        json["allele"] = "alt".into();
        let params: KmerParams = serde_json::from_value(json).unwrap();
        match (Scheme::try_new(&params), expected) {
            (Ok(scheme), Ok(length)) => assert_eq!(scheme.length, length, "{params:?}"),
            (Err(problem), Err(part)) => {
                let text = format!("{} {}", problem.field, problem.problem);
                assert!(text.contains(part), "{text}");
            }
            (got, expected) => panic!("{params:?}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn lengths_and_conflicts() {
        let dnabert = |rest: &str| {
            format!(r#"{{"window": 41, "vocabulary": {{"preset": "dnabert"}} {rest}}}"#)
        };
        check(&dnabert(r#", "k": 3"#), Ok(41));
        check(&dnabert(r#", "k": 3, "length": 64"#), Ok(64));
        check(&dnabert(r#", "k": 3, "length": 40"#), Err("length is 40"));
        check(&dnabert(""), Err("k is missing"));
        check(&dnabert(r#", "k": 2"#), Err("published for 3 to 6"));
        check(&dnabert(r#", "k": 6, "stride": 2"#), Err("stride is 2"));
        check(&dnabert(r#", "k": 3, "stride": 3"#), Err("multiple of 3"));
        check(
            &dnabert(r#", "k": 3, "n_policy": "single""#),
            Err("side by side"),
        );
        let nt = |rest: &str| {
            format!(
                r#"{{"window": 60, "vocabulary": {{"preset": "nucleotide-transformer"}} {rest}}}"#
            )
        };
        check(&nt(""), Err("gives 11 to 61 tokens"));
        check(&nt(r#", "length": 60"#), Err("can give 61 tokens"));
        check(&nt(r#", "length": 61"#), Ok(61));
        check(
            &nt(r#", "length": 61, "k": 4"#),
            Err("published for 6 to 6"),
        );
        let own = |rest: &str| {
            format!(
                r#"{{"window": 10, "vocabulary": {{"alphabet": "ACGT", "specials": ["?"]}} {rest}}}"#
            )
        };
        check(&own(r#", "k": 1"#), Err("stride is missing"));
        check(&own(r#", "k": 1, "stride": 1"#), Err("n_policy is missing"));
        let one = r#", "k": 1, "stride": 1, "n_policy": "unknown""#;
        check(&own(one), Err("unknown is missing"));
        check(&own(&format!(r#"{one}, "unknown": "?""#)), Ok(10));
        check(
            &own(&format!(r#"{one}, "unknown": "?", "length": 12"#)),
            Err("pad is missing"),
        );
        check(
            &own(r#", "k": 11, "stride": 1, "n_policy": "unknown", "unknown": "?""#),
            Err("k is 11"),
        );
    }
}
