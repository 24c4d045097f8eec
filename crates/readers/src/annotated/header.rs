//! Header text with lines added.

/// The text of a header with lines (without line ends) added before its column line. A line
/// `##INFO=<ID=X,...` takes the place of the one that defines X already; the same for FORMAT, FILTER
/// and ALT. BCF dictionary numbers (`IDX=`) are taken out, since new lines would not fit them.
#[must_use]
pub fn with_header_lines(header: &str, lines: &[String]) -> String {
    let mut text =
        String::with_capacity(header.len() + lines.iter().map(String::len).sum::<usize>());
    let replaced: Vec<(&str, &str)> = lines.iter().filter_map(|line| identity(line)).collect();
    let push = |text: &mut String, line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let mut added = false;
    for line in header.lines() {
        if line.starts_with("#CHROM") && !added {
            lines.iter().for_each(|line| push(&mut text, line));
            added = true;
        }
        if identity(line).is_some_and(|own| replaced.contains(&own)) {
            continue;
        }
        push(&mut text, &without_index(line));
    }
    text
}

/// Kind and ID of a structured line.
fn identity(line: &str) -> Option<(&str, &str)> {
    let (kind, rest) = line.strip_prefix("##")?.split_once("=<ID=")?;
    let end = rest.find([',', '>'])?;
    matches!(kind, "INFO" | "FORMAT" | "FILTER" | "ALT").then(|| (kind, &rest[..end]))
}

/// A line without `,IDX=n` before its last bracket.
fn without_index(line: &str) -> std::borrow::Cow<'_, str> {
    let cut = line
        .strip_suffix('>')
        .and_then(|inner| inner.rsplit_once(",IDX="))
        .filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    match cut {
        Some((before, _)) => format!("{before}>").into(),
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_header_lines;

    #[test]
    fn lines_stand_before_the_columns_and_replace_their_like() {
        let header = "##fileformat=VCFv4.2\n##INFO=<ID=CSQ,Number=.,Type=String,Description=\"old\",IDX=1>\n\
                      ##FORMAT=<ID=CSQ,Number=1,Type=String,Description=\"IDX=2>\",IDX=1>\n#CHROM\tPOS\n";
        let line = "##INFO=<ID=CSQ,Number=.,Type=String,Description=\"new\">".to_owned();
        assert_eq!(
            with_header_lines(header, &["##varisk=x".to_owned(), line.clone()]),
            format!(
                "##fileformat=VCFv4.2\n##FORMAT=<ID=CSQ,Number=1,Type=String,Description=\"IDX=2>\">\n##varisk=x\n{line}\n#CHROM\tPOS\n"
            )
        );
    }
}
