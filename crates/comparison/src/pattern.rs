//! Names with `*` and `?`.

/// Whether a name fits a pattern: `*` is any text, `?` any one character, all else itself.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and the text behind what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&own) if own == '?' || own == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|own| *own == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("absolute.*", "absolute.breast.40-50", true),
            ("absolute.*", "polygenic.x", false),
            ("*.risk", "a.b.risk", true),
            ("*a*b", "xaxxaxb", true),
            ("*a*b", "xaxxax", false),
            ("p?s", "prs", true),
            ("p?s", "ps", false),
            ("risk", "risks", false),
            ("**", "é", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
