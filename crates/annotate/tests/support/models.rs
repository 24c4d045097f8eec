//! Gene models as bcftools wants them.

use std::path::Path;

use super::shell::shell;

/// The GFF3 with a line for each parent: bcftools knows one parent only.
pub(crate) fn one_parent_each(models: &Path) -> String {
    let text = shell(&format!("gzip -dc {}", models.display()));
    let mut out = String::new();
    for line in text.lines() {
        let Some((before, rest)) = line.split_once("Parent=") else {
            out += line;
            out.push('\n');
            continue;
        };
        let (parents, after) = rest.split_once(';').unwrap_or((rest, ""));
        for parent in parents.split(',') {
            out += &format!("{before}Parent={parent};{after}\n");
        }
    }
    out
}
