use super::*;
use crate::testing::{World, loose};
use crate::{AlleleFrequency, PanelInput};
use varisk_core::Position;

fn panel() -> Panel {
    let world = World::new(&[30, 30], 300, 0.1, 41);
    let mut settings = loose(2);
    settings.inputs = vec![PanelInput::new("variants", "panel.vcf.gz", "ab")];
    let mut panel = world.panel(&world.people(), settings);
    let sums = (0..60).map(|i| if i == 7 { f64::NAN } else { f64::from(i) * 0.1 });
    panel
        .add_score("one", "cd", "none", sums.collect())
        .unwrap();
    let allele = |contig: &str, position, frequency| AlleleFrequency {
        contig: contig.to_owned(),
        position: Position(position),
        reference: "A".to_owned(),
        alternate: "AT".to_owned(),
        frequency,
    };
    panel
        .set_frequencies(vec![
            allele("X", 5, 0.0),
            allele("2", 9, 0.25),
            allele("2", 9, 0.5),
        ])
        .unwrap();
    panel
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_panel_comes_back_as_it_was_and_its_bytes_repeat() {
    let panel = panel();
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    panel.write(first.path()).unwrap();
    let opened = Panel::open(first.path()).unwrap();
    assert_eq!(opened.fingerprint(), panel.fingerprint());
    assert_eq!(opened.sites, panel.sites);
    assert_eq!(opened.samples, panel.samples);
    assert_eq!(opened.settings, panel.settings);
    assert_eq!(opened.frequencies, panel.frequencies);
    assert_eq!(opened.frequencies.len(), 2);
    let bits = |panel: &Panel| -> Vec<u64> {
        let sums = panel.score("one").unwrap().sums.iter();
        sums.map(|sum| if sum.is_nan() { 0 } else { sum.to_bits() })
            .collect()
    };
    assert_eq!(bits(&opened), bits(&panel));
    opened.write(second.path()).unwrap();
    assert_eq!(files(first.path()), files(second.path()));
}

#[test]
fn damage_is_refused() {
    let panel = panel();
    let folder = tempfile::tempdir().unwrap();
    panel.write(folder.path()).unwrap();
    let sound = files(folder.path());
    assert_eq!(sound.len(), 6);
    for (name, bytes) in &sound {
        let path = folder.path().join(name);
        let refused = |what: &str| {
            let error = Panel::open(folder.path()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(name.as_str()), "{what} {name}: {text}");
        };
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        refused("flipped");
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        if name != PANEL_FILE {
            refused("cut");
        }
        std::fs::write(&path, b"").unwrap();
        refused("emptied");
        std::fs::remove_file(&path).unwrap();
        refused("removed");
        std::fs::write(&path, bytes).unwrap();
    }
    Panel::open(folder.path()).unwrap();
}

/// An edited description is refused, and another version says so.
#[test]
fn edits_of_the_description_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    panel().write(folder.path()).unwrap();
    let path = folder.path().join(PANEL_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let check = |from: &str, to: &str, part: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = Panel::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check("made-up", "another", "it was edited");
    check("\"schema_version\": 1", "\"schema_version\": 2", "format 2");
    check("\"checksum\"", "\"check\"", "no checksum");
    check("{", "[", "no JSON");
}

#[test]
fn scores_and_frequencies_that_cannot_be_are_refused() {
    let mut panel = panel();
    let error = panel.add_score("one", "", "", vec![0.0; 60]).unwrap_err();
    assert!(error.to_string().contains("'one' is in the panel already"));
    let error = panel.add_score("two", "", "", vec![0.0; 3]).unwrap_err();
    assert!(error.to_string().contains("3 sums for a panel of 60"));
    let mut wrong = panel.frequencies[0].clone();
    wrong.frequency = f64::NAN;
    assert!(panel.set_frequencies(vec![wrong]).is_err());
}
