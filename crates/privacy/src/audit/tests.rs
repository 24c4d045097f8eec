use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{PrivacyError, key::Key};

fn hash(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn event(verb: &str) -> Event {
    Event {
        user: "ada".into(),
        host: "ward \"7\"\n".into(),
        verb: verb.into(),
        program_version: "0.1.0".into(),
        plan_sha256: Some(hash(1)),
        inputs: vec![Input {
            role: "variants".into(),
            sha256: hash(2),
        }],
        outputs_sha256: vec![hash(3), hash(4)],
        exit: ExitState::Completed,
    }
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn key(byte: u8) -> Key {
    Key::from_bytes(vec![byte; 32], "test").unwrap()
}

/// A log of some lines, the same bytes each time.
fn log(folder: &tempfile::TempDir, lines: u64, key: Option<&Key>) -> (PathBuf, Head) {
    let path = folder.path().join("audit.jsonl");
    let _ = std::fs::remove_file(&path);
    let mut head = None;
    for line in 0..lines {
        let own = log::append_at(&path, &event(&format!("verb-{line}")), key, time(line));
        head = Some(own.unwrap());
    }
    (path, head.unwrap())
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

fn defect(path: &Path, content: &str, key: Option<&Key>) -> (u64, Defect) {
    std::fs::write(path, content).unwrap();
    match verify(path, key, None).unwrap_err() {
        PrivacyError::AuditLine { line, defect, .. } => (line, defect),
        other => panic!("{other}"),
    }
}

#[test]
fn a_line_is_what_the_description_says() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = log(&folder, 2, None);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written = lines(&path);
    let body = |line: &str| line.rsplit_once(",\"sha256\"").unwrap().0.to_owned() + "}";
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
    let value: serde_json::Value = serde_json::from_str(&written[1]).unwrap();
    assert_eq!(value["sequence"], 2);
    assert_eq!(value["time"], "2023-11-14T22:13:21.000Z");
    assert_eq!(value["host"], "ward \"7\"\n");
    assert_eq!(value["inputs"][0]["role"], "variants");
    assert_eq!(value["exit"], "completed");
    assert_eq!(value["previous"], hex(written[0].as_bytes()));
    assert_eq!(value["sha256"], hex(body(&written[1]).as_bytes()));
    assert!(value.get("mac").is_none());
    assert_eq!(head.sha256, hex(written[1].as_bytes()));
    assert_eq!(verify(&path, None, Some(&head)).unwrap(), head);
}

#[test]
fn the_head_of_a_signed_log_is_that_of_python() {
    // Made with json, hmac and hashlib of Python from the description of the format.
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = log(&folder, 2, Some(&key(7)));
    assert_eq!(head.sha256, SIGNED_HEAD);
    assert_eq!(verify(&path, Some(&key(7)), Some(&head)).unwrap(), head);
}

#[test]
fn the_process_knows_its_user() {
    let own = Event::here("run", "1", ExitState::Started);
    assert!(!own.user.is_empty() && !own.host.is_empty());
}

#[test]
fn changes_are_found_at_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = log(&folder, 5, None);
    let all = lines(&path);
    let without = |at: usize| {
        let mut left = all.clone();
        left.remove(at);
        left.concat()
    };
    let swapped = || {
        let mut other = all.clone();
        other.swap(1, 2);
        other.concat()
    };
    let repeated = || [&all[..2], &all[1..]].concat().concat();
    let edited = all.concat().replace("verb-2", "verb-9");
    let spaced = all
        .concat()
        .replacen("{\"sequence\":3", "{ \"sequence\":3", 1);
    let cut = all.concat().trim_end().to_owned();
    let half = [&all[..2].concat(), &all[2][..40]].concat();
    for (content, expected) in [
        (edited, (3, Defect::Changed)),
        (spaced, (3, Defect::Changed)),
        (without(0), (1, Defect::Sequence { found: 2 })),
        (without(3), (4, Defect::Sequence { found: 5 })),
        (swapped(), (2, Defect::Sequence { found: 3 })),
        (repeated(), (3, Defect::Sequence { found: 2 })),
        (cut, (5, Defect::Unfinished)),
        (half, (3, Defect::Unfinished)),
        (all.concat() + "\n", (6, Defect::Unreadable)),
        (all[0].clone() + "{}\n", (2, Defect::Unreadable)),
        ("not a log\n".into(), (1, Defect::Unreadable)),
    ] {
        assert_eq!(defect(&path, &content, None), expected);
    }
}

#[test]
fn a_line_made_anew_breaks_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = log(&folder, 3, None);
    let all = lines(&path);
    let value: serde_json::Value = serde_json::from_str(&all[1]).unwrap();
    let previous = value["previous"].as_str().unwrap();
    let forged = entry::render(
        &event("forged"),
        2,
        "2023-11-14T22:13:21.000Z",
        previous,
        None,
    );
    let content = [&all[0], &forged.unwrap(), &all[2]]
        .map(String::as_str)
        .concat();
    assert_eq!(defect(&path, &content, None), (3, Defect::Chain));
}

#[test]
fn a_chain_made_anew_is_found_by_its_mac_or_its_head() {
    let folder = tempfile::tempdir().unwrap();
    let own = key(7);
    let (path, head) = log(&folder, 3, Some(&own));
    let signed = std::fs::read_to_string(&path).unwrap();
    // Whoever has another key, or none, makes the whole log again.
    log(&folder, 3, Some(&key(8)));
    let content = std::fs::read_to_string(&path).unwrap();
    assert_eq!(defect(&path, &content, Some(&own)), (1, Defect::Mac));
    log(&folder, 3, None);
    let content = std::fs::read_to_string(&path).unwrap();
    assert_eq!(defect(&path, &content, Some(&own)), (1, Defect::WithoutMac));
    assert!(verify(&path, None, None).is_ok());
    let error = verify(&path, None, Some(&head)).unwrap_err();
    assert!(matches!(error, PrivacyError::AuditHead { line: 3, .. }));
    // Without the key the chain of a signed log can still be followed.
    std::fs::write(&path, signed).unwrap();
    assert_eq!(verify(&path, None, Some(&head)).unwrap(), head);
}

#[test]
fn lines_cut_off_at_the_end_are_found_by_the_head_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = log(&folder, 4, None);
    let all = lines(&path);
    std::fs::write(&path, all[..3].concat()).unwrap();
    let shorter = verify(&path, None, None).unwrap();
    assert_eq!(shorter.lines, 3);
    let error = verify(&path, None, Some(&head)).unwrap_err();
    assert!(matches!(
        error,
        PrivacyError::AuditCut {
            lines: 3,
            expected: 4,
            ..
        }
    ));
    // A head that was noted earlier fits a log that has grown.
    std::fs::write(&path, all.concat()).unwrap();
    assert_eq!(verify(&path, None, Some(&shorter)).unwrap(), head);
}

#[test]
fn a_log_without_lines_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    assert!(matches!(
        verify(&path, None, None),
        Err(PrivacyError::Io { .. })
    ));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(
        verify(&path, None, None),
        Err(PrivacyError::AuditEmpty { .. })
    ));
    append(&path, &event("run"), None).unwrap();
    assert_eq!(verify(&path, None, None).unwrap().lines, 1);
}

#[test]
fn nothing_is_added_to_a_damaged_end_or_with_other_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = log(&folder, 2, None);
    let whole = std::fs::read_to_string(&path).unwrap();
    for (content, expected) in [
        (whole.trim_end().to_owned(), Defect::Unfinished),
        (whole.clone() + "{\"sequence\":3", Defect::Unfinished),
        (whole.replace("verb-1", "verb-7"), Defect::Changed),
        (whole.clone() + "\n", Defect::Unreadable),
        ("\n".into(), Defect::Unreadable),
        ("garbage".into(), Defect::Unfinished),
    ] {
        std::fs::write(&path, &content).unwrap();
        let error = append(&path, &event("run"), None).unwrap_err();
        assert!(
            matches!(error, PrivacyError::AuditTail { defect, .. } if defect == expected),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(append(&path, &event("run"), Some(&key(7))).is_err());
    let (path, _) = log(&folder, 1, Some(&key(7)));
    assert!(matches!(
        append(&path, &event("run"), None),
        Err(PrivacyError::AuditKeyMissing { .. })
    ));
    assert!(append(&path, &event("run"), Some(&key(8))).is_err());
    assert_eq!(
        append(&path, &event("run"), Some(&key(7))).unwrap().lines,
        2
    );
}

#[test]
fn hashes_that_are_none_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for wrong in [
        "",
        "ab",
        &hash(1).to_uppercase().replace('0', "A"),
        "g".repeat(64).as_str(),
    ] {
        let mut own = event("run");
        own.inputs[0].sha256 = wrong.into();
        assert!(matches!(
            append(&path, &own, None),
            Err(PrivacyError::AuditEvent { .. })
        ));
    }
    assert!(!path.exists());
}

#[test]
fn long_lines_are_found_from_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut own = event("run");
    own.inputs = vec![own.inputs[0].clone(); 2000];
    for lines in 1..4 {
        assert_eq!(append(&path, &own, None).unwrap().lines, lines);
    }
    assert_eq!(verify(&path, None, None).unwrap().lines, 3);
}

#[test]
fn programs_side_by_side_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let own = key(7);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (path, own) = (&path, &own);
            scope.spawn(move || {
                for line in 0..10 {
                    let event = event(&format!("{thread}-{line}"));
                    append(path, &event, Some(own)).unwrap();
                    verify(path, Some(own), None).unwrap();
                }
            });
        }
    });
    assert_eq!(verify(&path, Some(&own), None).unwrap().lines, 80);
    let text = std::fs::read_to_string(&path).unwrap();
    for thread in 0..8 {
        for line in 0..10 {
            assert_eq!(
                text.matches(&format!("\"verb\":\"{thread}-{line}\""))
                    .count(),
                1
            );
        }
    }
}

#[test]
fn every_byte_is_guarded() {
    for own in [None, Some(key(7))] {
        let folder = tempfile::tempdir().unwrap();
        let (path, head) = log(&folder, 3, own.as_ref());
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            for key in [None, own.as_ref()] {
                assert!(verify(&path, key, None).is_err(), "byte {at}");
                assert!(verify(&path, key, Some(&head)).is_err(), "byte {at}");
            }
        }
    }
}

/// A log that is made once, for each line is waited for until it is on the disk.
static FOUR_LINES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = log(&folder, 4, None);
    std::fs::read(path).unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_other_byte_anywhere_is_found(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut bytes = FOUR_LINES.clone();
        let at = place.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        bytes[at] = byte;
        std::fs::write(&path, &bytes).unwrap();
        match verify(&path, None, None) {
            Err(PrivacyError::AuditLine { line: found, .. }) => prop_assert_eq!(found, line),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(verify(&path, None, None).is_err());
        if !bytes.is_empty() {
            prop_assert!(append(&path, &event("run"), None).is_err());
        }
    }
}

const SIGNED_HEAD: &str = "9ec4957821f8d57f6a1be728d5cbcbd297b1619bfe1c21e30f6bb482a4618d6a";
