//! The VCF header: the parts that varisk needs, read leniently.
//!
//! Only lines that decide how records are read must be well formed; other `##` lines are passed
//! over whatever they hold. A repeated definition is accepted when it agrees with the first in what
//! decides how values are read: Number and Type.

use std::collections::HashMap;

/// A contig line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contig {
    /// Name.
    pub name: String,
    /// Length in bases, where given.
    pub length: Option<u32>,
    /// `assembly` tag, where given.
    pub assembly: Option<String>,
}

/// How many values an INFO field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoNumber {
    /// One for each alternate allele (`A`).
    Alternate,
    /// One for each allele, the reference first (`R`).
    Allele,
    /// Present or absent (`0`).
    Flag,
    /// A single value (`1`).
    One,
    /// Anything else.
    Other,
}

/// An INFO line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoDefinition {
    /// How many values.
    pub number: InfoNumber,
    /// Whether it is a flag, or its values are numbers (Integer, Float).
    pub numeric: bool,
    /// Description, quotes taken off; empty where the line has none. The lines of `CSQ`, `ANN` and
    /// `BCSQ` say here what their parts are.
    pub description: String,
}

/// What the header of a VCF or BCF file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Contigs in order of their first line.
    pub contigs: Vec<Contig>,
    /// INFO definitions.
    pub info: HashMap<String, InfoDefinition>,
    /// Sample names in column order.
    pub samples: Vec<String>,
    /// Value of `##reference`.
    pub reference: Option<String>,
    /// Value of `##assembly`.
    pub assembly: Option<String>,
    /// Whether the column line has a FORMAT column.
    pub has_format: bool,
    /// `Number` of each FORMAT field.
    pub(crate) format_numbers: HashMap<String, String>,
    /// BCF dictionary of FILTER, INFO and FORMAT names.
    pub(crate) strings: Vec<String>,
    /// BCF dictionary of contigs.
    pub(crate) contig_dictionary: Vec<String>,
}

/// Columns before the first sample.
const FIXED_COLUMNS: [&str; 8] = [
    "#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO",
];

impl Header {
    /// Reads a header from its lines.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(text);
        let mut header = Self::default();
        let mut dictionary = Dictionary::default();
        let mut lines = text
            .lines()
            .map(|line| line.strip_suffix('\r').unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let version = first
            .strip_prefix("##fileformat=VCFv4.")
            .ok_or("the first line is not '##fileformat=VCFv4.x'")?;
        version
            .parse::<u8>()
            .map_err(|_| format!("the file format '{first}' is unknown"))?;
        dictionary.add("PASS", Some(0))?;
        let mut columns = None;
        for line in lines {
            if columns.is_some() {
                return Err("header lines follow the column line".to_owned());
            }
            if let Some(meta) = line.strip_prefix("##") {
                header.meta(meta, &mut dictionary)?;
            } else if line.starts_with("#CHROM") {
                columns = Some(header.columns(line)?);
            } else {
                return Err(
                    "a line of the header starts neither with '##' nor with '#CHROM'".to_owned(),
                );
            }
        }
        columns.ok_or("the line '#CHROM POS ID ...' is missing")?;
        header.strings = dictionary.names;
        Ok(header)
    }

    /// Whether it defines a FORMAT field.
    #[must_use]
    pub fn defines_format(&self, name: &str) -> bool {
        self.format_numbers.contains_key(name)
    }

    /// The header with INFO fields that it lacks defined as single numbers.
    pub(crate) fn with_info(mut self, fields: &[String]) -> Self {
        for name in fields {
            self.info.entry(name.clone()).or_insert(InfoDefinition {
                number: InfoNumber::One,
                numeric: true,
                description: String::new(),
            });
        }
        self
    }

    fn meta(&mut self, meta: &str, dictionary: &mut Dictionary) -> Result<(), String> {
        let Some((key, value)) = meta.split_once('=') else {
            return Ok(());
        };
        match key {
            "reference" => self.reference = Some(value.to_owned()),
            "assembly" => self.assembly = Some(value.to_owned()),
            "contig" => {
                let fields = structured(value)
                    .ok_or_else(|| format!("the line '##contig={value}' cannot be read"))?;
                self.contig(&fields)?;
            }
            "INFO" | "FORMAT" | "FILTER" => {
                let fields =
                    structured(value).ok_or_else(|| format!("a '##{key}' line cannot be read"))?;
                let id =
                    field(&fields, "ID").ok_or_else(|| format!("a '##{key}' line has no ID"))?;
                dictionary.add(id, index(&fields)?)?;
                if key == "FORMAT" {
                    let number = field(&fields, "Number").unwrap_or_default();
                    let known = self.format_numbers.entry(id.to_owned());
                    known.or_insert_with(|| number.to_owned());
                }
                if key == "INFO" {
                    let definition = info_definition(id, &fields)?;
                    let known = self.info.entry(id.to_owned()).or_insert(definition.clone());
                    if (known.number, known.numeric) != (definition.number, definition.numeric) {
                        return Err(format!(
                            "INFO '{id}' is defined twice, with different Number or Type"
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn contig(&mut self, fields: &[(String, String)]) -> Result<(), String> {
        let name = field(fields, "ID").ok_or("a '##contig' line has no ID")?;
        let length = match field(fields, "length") {
            None | Some("." | "") => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|_| format!("contig '{name}' has the length '{text}'"))?,
            ),
        };
        let contig = Contig {
            name: name.to_owned(),
            length,
            assembly: field(fields, "assembly").map(str::to_owned),
        };
        match self
            .contigs
            .iter_mut()
            .find(|known| known.name == contig.name)
        {
            Some(known) => match (known.length, contig.length) {
                (Some(a), Some(b)) if a != b => {
                    return Err(format!(
                        "contig '{name}' is given twice, with the lengths {a} and {b}"
                    ));
                }
                (None, Some(_)) => known.length = contig.length,
                _ => {}
            },
            None => {
                let at = index(fields)?.unwrap_or(self.contig_dictionary.len());
                place(&mut self.contig_dictionary, at, name)?;
                self.contigs.push(contig);
            }
        }
        Ok(())
    }

    fn columns(&mut self, line: &str) -> Result<(), String> {
        let names: Vec<&str> = line.split('\t').collect();
        if names.len() < FIXED_COLUMNS.len() || names[..FIXED_COLUMNS.len()] != FIXED_COLUMNS {
            return Err(
                "the column line is not '#CHROM POS ID REF ALT QUAL FILTER INFO', parted by tabs"
                    .to_owned(),
            );
        }
        match names.get(FIXED_COLUMNS.len()) {
            None => return Ok(()),
            Some(&"FORMAT") => self.has_format = true,
            Some(_) => return Err("the ninth column is not FORMAT".to_owned()),
        }
        self.samples = names[FIXED_COLUMNS.len() + 1..]
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let mut seen = std::collections::HashSet::new();
        for (i, name) in self.samples.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("sample column {} has no name", i + 1));
            }
            if !seen.insert(name) {
                return Err(format!(
                    "sample column {} repeats the name of an earlier one",
                    i + 1
                ));
            }
        }
        Ok(())
    }
}

/// The BCF dictionary: names by explicit `IDX` or by order of appearance.
#[derive(Default)]
struct Dictionary {
    names: Vec<String>,
    known: HashMap<String, usize>,
}

/// Dictionaries beyond this are not real and would only exhaust memory.
const MAX_DICTIONARY: usize = 1 << 20;

fn place(names: &mut Vec<String>, at: usize, name: &str) -> Result<(), String> {
    if at >= MAX_DICTIONARY {
        return Err(format!("the IDX of '{name}' is too large"));
    }
    if names.len() <= at {
        names.resize(at + 1, String::new());
    }
    if !names[at].is_empty() && names[at] != name {
        return Err(format!(
            "the IDX {at} is given to '{}' and '{name}'",
            names[at]
        ));
    }
    names[at] = name.to_owned();
    Ok(())
}

impl Dictionary {
    fn add(&mut self, name: &str, index: Option<usize>) -> Result<(), String> {
        if self.known.contains_key(name) {
            return Ok(());
        }
        let at = index.unwrap_or(self.names.len());
        place(&mut self.names, at, name)?;
        self.known.insert(name.to_owned(), at);
        Ok(())
    }
}

pub(crate) fn field<'a>(fields: &'a [(String, String)], key: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(k, _)| k == key)
        .map(|(_, value)| value.as_str())
}

fn index(fields: &[(String, String)]) -> Result<Option<usize>, String> {
    field(fields, "IDX")
        .map(|text| {
            text.parse()
                .map_err(|_| format!("the IDX '{text}' is not a number"))
        })
        .transpose()
}

fn info_definition(id: &str, fields: &[(String, String)]) -> Result<InfoDefinition, String> {
    let number =
        match field(fields, "Number").ok_or_else(|| format!("INFO '{id}' has no Number"))? {
            "A" => InfoNumber::Alternate,
            "R" => InfoNumber::Allele,
            "0" => InfoNumber::Flag,
            "1" => InfoNumber::One,
            "G" | "." => InfoNumber::Other,
            text if text.parse::<u32>().is_ok() => InfoNumber::Other,
            text => return Err(format!("INFO '{id}' has the Number '{text}'")),
        };
    let kind = field(fields, "Type").ok_or_else(|| format!("INFO '{id}' has no Type"))?;
    // A flag is one whatever its Number; a number without values is none.
    let (number, numeric) = match kind {
        "Flag" => (InfoNumber::Flag, true),
        "Integer" | "Float" => (number, number != InfoNumber::Flag),
        "String" | "Character" => (number, false),
        text => return Err(format!("INFO '{id}' has the Type '{text}'")),
    };
    Ok(InfoDefinition {
        number,
        numeric,
        description: field(fields, "Description").unwrap_or_default().to_owned(),
    })
}

/// Splits `<key=value,key="quoted, value">`; `None` if it is not of that form.
pub(crate) fn structured(value: &str) -> Option<Vec<(String, String)>> {
    let mut rest = value.trim_end().strip_prefix('<')?.strip_suffix('>')?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').filter(|(key, _)| !key.contains(','))?;
        let (text, left) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (unescape(&quoted[..end]), &quoted[end + 1..])
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        fields.push((key.trim().to_owned(), text));
        rest = match left.strip_prefix(',') {
            Some(next) => next,
            None if left.is_empty() => left,
            None => return None,
        };
    }
    Some(fields)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unescape(text: &str) -> String {
    let mut escaped = false;
    text.chars()
        .filter(|c| {
            let keep = *c != '\\' || escaped;
            escaped = *c == '\\' && !escaped;
            keep
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &str) -> Result<Header, String> {
        Header::parse(
            format!(
                "##fileformat=VCFv4.2\n{lines}\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn lines_that_do_not_matter_may_hold_anything() {
        assert!(with("##PEDIGREE=<Child=a,Mother=b>\n##x\n##y=<broken").is_ok());
    }

    #[test]
    fn what_decides_how_records_are_read_must_be_well_formed() {
        let check = |lines: &str, part: &str| {
            let error = with(lines).unwrap_err();
            assert!(error.contains(part), "{lines}: {error}");
        };
        check(
            "##INFO=<ID=AF,Number=X,Type=Float,Description=\"\">",
            "Number 'X'",
        );
        check("##INFO=<ID=AF,Number=A,Type=Double>", "Type 'Double'");
        check("##contig=<ID=1,length=ten>", "length 'ten'");
        check(
            "##contig=<ID=1,length=10>\n##contig=<ID=1,length=11>",
            "given twice",
        );
        check("##FILTER=<ID=q10", "cannot be read");
        check("##contig=<ID=1,A,length=10>", "cannot be read");
        check(
            "##INFO=<ID=A,Number=1,Type=Float,IDX=99999999>",
            "too large",
        );
        check(
            "##INFO=<ID=A,Number=1,Type=Float,IDX=1>\n##INFO=<ID=B,Number=1,Type=Float,IDX=1>",
            "given to 'A' and 'B'",
        );
        check(
            "##INFO=<ID=A,Number=1,Type=Float>\n##INFO=<ID=A,Number=A,Type=Float>",
            "defined twice",
        );
    }

    #[test]
    fn quoted_text_may_hold_commas_and_escaped_quotes() {
        let fields = structured(r#"<ID=x,Description="a, \"b\" \\",Number=1>"#).unwrap();
        assert_eq!(field(&fields, "Description"), Some(r#"a, "b" \"#));
        assert_eq!(field(&fields, "Number"), Some("1"));
    }

    #[test]
    fn the_dictionary_is_in_order_of_appearance_unless_indexed() {
        let header = with("##INFO=<ID=B,Number=1,Type=Float>\n##FORMAT=<ID=GT,Number=1,Type=String>\n##FILTER=<ID=PASS,Description=\"\">\n##INFO=<ID=A,Number=1,Type=Float,IDX=5>").unwrap();
        assert_eq!(header.strings, ["PASS", "B", "GT", "", "", "A"]);
    }

    #[test]
    fn duplicate_samples_are_refused_without_naming_them() {
        let text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tx\ty\tx\n";
        let error = Header::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, "sample column 3 repeats the name of an earlier one");
    }
}
