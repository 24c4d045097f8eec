//! Texts of the run in forms that people read.

use std::borrow::Cow;

/// A text in which nothing is hidden: control characters, and the marks that turn the direction of
/// writing (which can make one name look like another), are written as `\u{...}`. Names of samples
/// come from the user's files and may hold anything.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, bidirectional marks (Unicode Standard Annex 9), zero-width characters and what
/// is no character at all.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{61c}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_shown() {
        let check = |text, expected| assert_eq!(visible(text), expected);
        check("Müller <A> \"1\"", "Müller <A> \"1\"");
        check("a\tb\nc\0", "a\\u{9}b\\u{a}c\\u{0}");
        check("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}");
        check("患者一", "患者一");
    }
}
