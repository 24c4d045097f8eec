//! The ninth column of GFF3 and GTF.

use std::borrow::Cow;

/// How the attributes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `ID=x;Parent=y`, percent-encoded.
    Gff3,
    /// `gene_id "x"; transcript_id "y";`.
    Gtf,
}

/// The attributes of one line.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    text: &'a str,
    dialect: Dialect,
}

impl<'a> Attributes<'a> {
    /// Takes the attributes of a line.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn try_new(text: &'a str, dialect: Dialect) -> Result<Self, String> {
        let attributes = Self { text, dialect };
        if text == "." || text.is_empty() {
            return Ok(attributes);
        }
        for entry in attributes.entries() {
            match entry {
                Entry::Pair(..) => {}
                Entry::Malformed(entry) => {
                    let form = match dialect {
                        Dialect::Gff3 => "name=value",
                        Dialect::Gtf => "name \"value\"",
                    };
                    return Err(format!(
                        "attribute '{}' is not of the form {form}; correct the line",
                        entry.chars().take(40).collect::<String>()
                    ));
                }
            }
        }
        Ok(attributes)
    }

    fn entries(self) -> Entries<'a> {
        Entries {
            rest: if self.text == "." { "" } else { self.text },
            dialect: self.dialect,
        }
    }

    /// First value of a name, as written.
    pub(crate) fn raw(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All values of a name: GTF repeats a name, GFF3 joins values by commas.
    pub(crate) fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.entries().filter_map(move |entry| match entry {
            Entry::Pair(key, value) if key == name => Some(value),
            _ => None,
        })
    }

    /// First value of a name, decoded; `None` where it is empty.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.raw(name).filter(|value| !value.is_empty())?;
        Some(match self.dialect {
            Dialect::Gff3 => percent_decode(value),
            Dialect::Gtf => Cow::Borrowed(value),
        })
    }

    /// Whether one of the comma-joined or repeated values of `tag` is this one.
    pub(crate) fn has_tag(self, tag: &str) -> bool {
        self.all("tag")
            .flat_map(|tags| tags.split(','))
            .any(|each| each.trim() == tag)
    }
}

enum Entry<'a> {
    Pair(&'a str, &'a str),
    Malformed(&'a str),
}

struct Entries<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self
            .rest
            .trim_start_matches(|c: char| c == ';' || c.is_ascii_whitespace());
        if self.rest.is_empty() {
            return None;
        }
        let whole = self.rest;
        match self.dialect {
            Dialect::Gff3 => {
                let (entry, rest) = whole.split_once(';').unwrap_or((whole, ""));
                self.rest = rest;
                Some(match entry.split_once('=') {
                    Some((name, value)) if !name.trim().is_empty() => {
                        Entry::Pair(name.trim(), value.trim())
                    }
                    _ => Entry::Malformed(entry),
                })
            }
            Dialect::Gtf => {
                let end = whole.find(|c: char| c.is_ascii_whitespace() || c == ';');
                let name = &whole[..end.unwrap_or(whole.len())];
                let value = whole[name.len()..].trim_start();
                if let Some(quoted) = value.strip_prefix('"') {
                    // Semicolons may stand inside quotes.
                    let Some((value, rest)) = quoted.split_once('"') else {
                        self.rest = "";
                        return Some(Entry::Malformed(whole));
                    };
                    self.rest = rest;
                    return Some(Entry::Pair(name, value));
                }
                let (value, rest) = value.split_once(';').unwrap_or((value, ""));
                self.rest = rest;
                let value = value.trim();
                Some(if value.is_empty() || value.contains(['=', '"', ' ']) {
                    Entry::Malformed(whole)
                } else {
                    Entry::Pair(name, value)
                })
            }
        }
    }
}

/// Decodes `%XX`; a percent sign that is none of these stays as it is.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    match String::from_utf8(decoded) {
        Ok(decoded) => Cow::Owned(decoded),
        Err(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let check = |dialect, text, name, expected: Option<&str>| {
            let attributes = Attributes::try_new(text, dialect).unwrap();
            assert_eq!(attributes.get(name).as_deref(), expected, "{text} {name}");
        };
        let gff = "ID=transcript:T1;Parent=gene:G1;Name=a%3Bb;empty=";
        check(Dialect::Gff3, gff, "Parent", Some("gene:G1"));
        check(Dialect::Gff3, gff, "Name", Some("a;b"));
        check(Dialect::Gff3, gff, "empty", None);
        check(Dialect::Gff3, ".", "ID", None);
        let gtf = r#"gene_id "G1"; transcript_id "T;1"; level 2; tag "basic"; tag "CCDS";"#;
        check(Dialect::Gtf, gtf, "gene_id", Some("G1"));
        check(Dialect::Gtf, gtf, "transcript_id", Some("T;1"));
        check(Dialect::Gtf, gtf, "level", Some("2"));
        assert!(
            Attributes::try_new(gtf, Dialect::Gtf)
                .unwrap()
                .has_tag("CCDS")
        );
    }

    #[test]
    fn malformed_ones_are_refused() {
        let check = |dialect, text| assert!(Attributes::try_new(text, dialect).is_err(), "{text}");
        check(Dialect::Gff3, "ID");
        check(Dialect::Gff3, "=x");
        check(Dialect::Gtf, r#"gene_id "G1"#);
        check(Dialect::Gtf, "ID=x;Parent=y");
        check(Dialect::Gtf, "gene_id;");
    }

    #[test]
    fn percent_signs() {
        let check = |text, expected| assert_eq!(percent_decode(text), expected);
        check("a%2Cb", "a,b");
        check("100%", "100%");
        check("%zz", "%zz");
        check("%ff", "%ff");
    }
}
