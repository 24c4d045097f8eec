use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// Made with Python's `hmac` and integers: key of bytes 0, 1, 2, ..., label, identifier, pseudonym.
const VECTORS: [(u8, &str, &str, &str); 6] = [
    (16, "study", "patient-1", "MSK0-V10W-X1P1-0CQC"),
    (16, "study", "patient-2", "9DZN-SPX2-ZY1Y-FRM3"),
    (32, "study", "patient-1", "31G4-FTAF-DGKH-4B83"),
    (16, "other study", "patient-1", "X4QQ-NQRG-7SC9-K89F"),
    (16, "", "NA12878", "Z114-VCEA-383X-YTWK"),
    (32, "Studie Zürich", "患者 1", "6C1G-3N1V-PT6R-MP5V"),
];

fn maker(bytes: u8, label: &str) -> Pseudonymiser {
    let key = Key::from_bytes((0..bytes).collect(), "test").unwrap();
    Pseudonymiser::try_new(key, label).unwrap()
}

fn made(patients: &[&str]) -> BTreeMap<String, String> {
    maker(16, "study").of_all(patients.iter().copied()).unwrap()
}

#[test]
fn pseudonyms_are_those_of_python() {
    for (bytes, label, identifier, expected) in VECTORS {
        let own = maker(bytes, label).pseudonym(identifier).unwrap();
        assert_eq!(own, expected, "{label} {identifier}");
    }
}

#[test]
fn label_and_identifier_cannot_be_exchanged() {
    let first = maker(16, "ab").pseudonym("c").unwrap();
    assert_ne!(first, maker(16, "a").pseudonym("bc").unwrap());
    let key = Key::generate().unwrap();
    assert!(matches!(
        Pseudonymiser::try_new(key, "a\0b"),
        Err(PrivacyError::Label)
    ));
    assert!(maker(16, "a").pseudonym("").is_err());
}

#[test]
fn a_collision_is_refused_and_a_repeated_patient_is_not() {
    let one = |_: &str| Ok("0000-0000-0000-0000".to_owned());
    let error = distinct(["first", "second"], one).unwrap_err();
    assert!(matches!(error, PrivacyError::Collision));
    assert!(!error.to_string().contains("second"));
    assert_eq!(distinct(["first", "first"], one).unwrap().len(), 1);
    assert_eq!(made(&["a", "b", "a"]).len(), 2);
}

#[test]
fn typed_pseudonyms_are_understood() {
    let written = "MSK0-V10W-X1P1-0CQC";
    for typed in [
        written,
        "msk0v10wx1p10cqc",
        " MSKO-VIOW-XLPi-ocqc\n",
        "MSK-0V10-WX1P10CQC",
    ] {
        assert_eq!(normalise(typed).as_deref(), Some(written), "{typed}");
    }
    for typed in [
        "",
        "MSK0-V10W-X1P1-0CQ",
        "MSK0-V10W-X1P1-0CQCC",
        "MSK0-V10W-X1P1-0CQU",
        "MSK0 V10W X1P1 0CQC",
    ] {
        assert_eq!(normalise(typed), None, "{typed}");
    }
}

proptest! {
    #[test]
    fn every_pseudonym_is_read_as_itself(identifier in ".{1,20}") {
        let own = maker(24, "study").pseudonym(&identifier).unwrap();
        prop_assert_eq!(normalise(&own.to_lowercase()), Some(own.clone()));
        prop_assert_eq!(own.len(), 19);
    }

    #[test]
    fn nothing_typed_panics(text in ".{0,30}") {
        let _ = normalise(&text);
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_key_table_grows_and_leads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key table.csv");
    assert_eq!(
        KeyTable::extend(&path, &made(&["patient-2", "patient-1"])).unwrap(),
        2
    );
    assert_eq!(
        KeyTable::extend(&path, &made(&["patient-1", "a \"b\", c\nd"])).unwrap(),
        1
    );
    assert_eq!(KeyTable::extend(&path, &made(&["patient-1"])).unwrap(), 0);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let table = KeyTable::read(&path).unwrap();
    assert_eq!((table.len(), table.is_empty()), (3, false));
    assert_eq!(table.patient("msk0v10wx1p10cqc"), Some("patient-1"));
    let third = maker(16, "study").pseudonym("a \"b\", c\nd").unwrap();
    assert_eq!(table.patient(&third), Some("a \"b\", c\nd"));
    assert_eq!(table.patient("0000-0000-0000-0000"), None);
    assert!(!format!("{table:?}").contains("patient-1"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("pseudonym,patient\n9DZN-SPX2-ZY1Y-FRM3,patient-2\n"),
        "{text}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn contradictions_are_refused_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    KeyTable::extend(&path, &made(&["patient-1"])).unwrap();
    let before = std::fs::read(&path).unwrap();
    let other_key = maker(32, "study")
        .of_all(["patient-1", "patient-9"])
        .unwrap();
    let same_pseudonym = BTreeMap::from([("x".to_owned(), "MSK0-V10W-X1P1-0CQC".to_owned())]);
    for wrong in [other_key, same_pseudonym] {
        let error = KeyTable::extend(&path, &wrong).unwrap_err();
        assert!(matches!(error, PrivacyError::KeyTableContradiction { .. }));
        assert!(!error.to_string().contains("patient-1"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    assert!(matches!(
        KeyTable::extend(&path, &made(&["b"])),
        Err(PrivacyError::SharedFile { .. })
    ));
}

#[test]
fn damaged_tables_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let good = "MSK0-V10W-X1P1-0CQC,SECRET";
    for (text, line) in [
        ("", 1),
        ("patient,pseudonym\n", 1),
        ("pseudonym,patient,x\n", 1),
        ("pseudonym,patient\nMSK0,SECRET\n", 2),
        ("pseudonym,patient\nMSK0-V10W-X1P1-0CQC,\n", 2),
        ("pseudonym,patient\nMSK0-V10W-X1P1-0CQC,SECRET,SECRET\n", 2),
        ("pseudonym,patient\nMSK0-V10W-X1P1-0CQC\n", 2),
        (&format!("pseudonym,patient\n{good}\n{good}\n"), 3),
        (
            &format!("pseudonym,patient\n{good}\nmsk0-v10w-x1p1-0cqc,b\n"),
            3,
        ),
    ] {
        write(&path, text);
        let error = KeyTable::read(&path).unwrap_err();
        assert!(!format!("{error}").contains("SECRET"), "{error}");
        let PrivacyError::KeyTable { line: found, .. } = error else {
            panic!("{text}: {error}");
        };
        assert_eq!(found, line, "{text}");
    }
    std::fs::write(&path, [0xff, b'\n']).unwrap();
    assert!(KeyTable::read(&path).is_err());
}

#[test]
fn runs_side_by_side_lose_no_patient() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for patient in 0..10 {
                    let own = format!("{thread}-{patient}");
                    assert_eq!(KeyTable::extend(path, &made(&[&own])).unwrap(), 1);
                }
            });
        }
    });
    assert_eq!(KeyTable::read(&path).unwrap().len(), 40);
}
