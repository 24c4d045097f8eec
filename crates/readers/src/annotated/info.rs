//! INFO of a line of VCF with fields added.

use std::borrow::Cow;

use memchr::memchr_iter;

use crate::Defect;

/// Adds INFO fields to a line of VCF (without line end), which goes to the end of `out`. A field that
/// the line has already is taken out where it stands; the new ones come last, in their order. Values
/// are written as they are, see [`escape_info_value`]. An empty one only takes the old entry out: what
/// an earlier run wrote must not stand under the header of this one. Nothing else of the line is
/// touched.
///
/// # Errors
/// The line has fewer than eight columns; `out` is then as it was.
pub fn append_info(
    line: &[u8],
    addition: &[(&str, &str)],
    out: &mut Vec<u8>,
) -> Result<(), Defect> {
    let mut tabs = memchr_iter(b'\t', line);
    let start = tabs
        .nth(6)
        .map(|at| at + 1)
        .ok_or_else(|| Defect::new("columns", "the record has no INFO column"))?;
    let end = tabs.next().unwrap_or(line.len());
    let (before, info, after) = (&line[..start], &line[start..end], &line[end..]);
    out.extend_from_slice(before);
    let first = out.len();
    let is_replaced = |entry: &[u8]| {
        let key = entry.split(|b| *b == b'=').next().unwrap_or_default();
        addition.iter().any(|(name, _)| name.as_bytes() == key)
    };
    let kept = info
        .split(|b| *b == b';')
        .filter(|entry| !entry.is_empty() && *entry != b"." && !is_replaced(entry));
    for entry in kept {
        separate(out, first);
        out.extend_from_slice(entry);
    }
    for (key, value) in addition.iter().filter(|(_, value)| !value.is_empty()) {
        separate(out, first);
        out.extend_from_slice(key.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.as_bytes());
    }
    if out.len() == first {
        out.push(b'.');
    }
    out.extend_from_slice(after);
    Ok(())
}

fn separate(out: &mut Vec<u8>, first: usize) {
    if out.len() > first {
        out.push(b';');
    }
}

/// A text as one INFO value: what parts fields, values and columns, the percent sign and white space
/// are percent-encoded (VCF 4.3, section 1.2; white space because readers of older versions take it
/// for the end of the column).
#[must_use]
pub fn escape_info_value(text: &str) -> Cow<'_, str> {
    let must_escape = |c: char| matches!(c, ';' | '=' | ',' | '%' | ' ') || c.is_ascii_control();
    if !text.contains(must_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if must_escape(c) {
            escaped.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(info: &str, addition: &[(&str, &str)], expected: &str) {
        for rest in ["", "\tGT:DP\t0/1:5\t.", "\tGT"] {
            let line = format!("1\t5\t.\tA\tC\t.\tPASS\t{info}{rest}");
            let mut out = b"x".to_vec();
            append_info(line.as_bytes(), addition, &mut out).unwrap();
            let expected = format!("x1\t5\t.\tA\tC\t.\tPASS\t{expected}{rest}");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn fields_are_added_and_replaced() {
        check(".", &[("CSQ", "a|b")], "CSQ=a|b");
        check("AF=0.1;DB", &[("CSQ", "a")], "AF=0.1;DB;CSQ=a");
        check(
            "CSQ=x;AF=0.1;",
            &[("CSQ", "a"), ("N", "1")],
            "AF=0.1;CSQ=a;N=1",
        );
        check("XCSQ=x;CSQX=y", &[("CSQ", "a")], "XCSQ=x;CSQX=y;CSQ=a");
        check("DB;AF=1", &[("DB", "")], "AF=1");
        check("CSQ=old", &[("CSQ", "")], ".");
        check("AF=1", &[], "AF=1");
        check("", &[], ".");
    }

    #[test]
    fn a_line_without_info_is_refused() {
        let mut out = Vec::new();
        let error = append_info(b"1\t5\t.\tA\tC\t.\tPASS", &[], &mut out).unwrap_err();
        assert_eq!(error.kind, "columns");
        assert!(out.is_empty());
    }

    #[test]
    fn values_are_escaped() {
        assert_eq!(escape_info_value("a|b&c"), "a|b&c");
        assert_eq!(
            escape_info_value("p.(=);50%, é\t"),
            "p.(%3D)%3B50%25%2C%20é%09"
        );
    }
}
