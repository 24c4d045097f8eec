use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f";

fn file(folder: &tempfile::TempDir, content: &str) -> PathBuf {
    let path = folder.path().join("key");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn hexadecimal_and_base64_are_read() {
    let counted = |bytes: u8| (0..bytes).collect::<Vec<u8>>();
    for (text, expected) in [
        (HEX, counted(16)),
        ("000102030405060708090A0B0C0D0E0F\r\n", counted(16)),
        ("AAECAwQFBgcICQoLDA0ODw==", counted(16)),
        ("AAECAwQFBgcICQoLDA0ODw", counted(16)),
        (
            "000102030405060708090a0b0c0d0e0f1011121314151617",
            counted(24),
        ),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", counted(24)),
        (
            " \tAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
            counted(32),
        ),
        (
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            counted(32),
        ),
    ] {
        assert_eq!(
            Key::from_text(text, "x").unwrap().bytes(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    let long = "ab".repeat(40);
    for text in [
        "",
        " \n",
        "0",
        "0001020304",
        "000102030405060708090a0b0c0d0e0",
        "000102030405060708090a0b0c0d0e0g",
        "00010203 0405060708090a0b0c0d0e0f",
        "AAECAwQFBgcICQoLDA0ODw=",
        "AAECAwQFBgcICQoLDA0ODx==",
        "AAECAwQFBgcICQoLDA0O",
        "correct horse battery staple",
        "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        &long,
    ] {
        let error = Key::from_text(text, "here").unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("here"), "{shown}");
        assert!(
            text.trim().len() < 4 || !shown.contains(text.trim()),
            "{shown}"
        );
    }
    for bytes in [0, 1, 8, 15, 17, 31, 33, 64] {
        assert!(matches!(
            Key::from_bytes(vec![7; bytes], "here"),
            Err(PrivacyError::KeyLength { bytes: found, .. }) if found == bytes
        ));
    }
}

#[test]
fn keys_are_not_shown() {
    let key = Key::from_text(HEX, "x").unwrap();
    assert_eq!(format!("{key:?}"), "Key(16 bytes, not shown)");
    let set = KeySet::of(key);
    assert!(!format!("{set:?}").contains("0001"));
}

#[test]
fn a_new_key_is_written_once_for_its_owner_alone_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.key");
    let key = Key::generate().unwrap();
    assert_eq!(key.bytes().len(), 32);
    assert_ne!(key.bytes(), Key::generate().unwrap().bytes());
    key.write_new(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let source = KeySource::File(path.clone());
    assert_eq!(source.read().unwrap().bytes(), key.bytes());
    let other = Key::generate().unwrap();
    assert!(matches!(
        other.write_new(&path),
        Err(PrivacyError::Exists { .. })
    ));
    assert_eq!(source.read().unwrap().bytes(), key.bytes());
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, HEX);
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = KeySource::File(path.clone())
        .read()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(&format!("chmod 600 {}", path.display())),
        "{error}"
    );
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for content in ["", "\n", "zz", "00010203"] {
        let error = KeySource::File(file(&folder, content))
            .read()
            .unwrap_err()
            .to_string();
        assert!(error.contains("key"), "{error}");
    }
    let path = file(&folder, "");
    std::fs::write(&path, [0xff; 32]).unwrap();
    assert!(KeySource::File(path).read().is_err());
    assert!(
        KeySource::File(folder.path().join("absent"))
            .read()
            .is_err()
    );
    assert!(KeySource::File("/dev/zero".into()).read().is_err());
}

#[test]
fn variables() {
    let source = KeySource::Variable("VARISK_NO_SUCH_VARIABLE".into());
    let error = source.read().unwrap_err().to_string();
    assert!(error.contains("VARISK_NO_SUCH_VARIABLE"), "{error}");
    // Every process has it, and it is no key; setting one here would need unsafe code.
    let error = KeySource::Variable("PATH".into()).read().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&std::env::var("PATH").unwrap()), "{shown}");
}

#[test]
fn commands() {
    let program = |words: &[&str]| KeySource::Program(words.iter().map(|&w| w.into()).collect());
    let key = KeySource::Shell(format!("printf '%s\\n' {HEX}"))
        .read()
        .unwrap();
    assert_eq!(key.bytes()[15], 15);
    assert_eq!(program(&["echo", HEX]).read().unwrap().bytes(), key.bytes());
    // No shell: the dollar sign is passed on as it is.
    assert!(program(&["echo", "$HOME"]).read().is_err());
    for source in [
        KeySource::Shell(format!("echo {HEX}; exit 3")),
        KeySource::Shell("exit 0".into()),
        KeySource::Shell("kill -9 $$".into()),
        KeySource::Shell("cat /dev/zero".into()),
        program(&["/no/such/program", "secret-argument"]),
        program(&[]),
    ] {
        let error = source.read().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("key command"), "{shown}");
        assert!(!shown.contains(HEX) && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_variable_with_a_key() {
    let name = "VARISK_TEST_KEY";
    if std::env::var_os(name).is_some() {
        assert_eq!(
            KeySource::Variable(name.into()).read().unwrap().bytes()[15],
            15
        );
        return;
    }
    // The variable of another process, for this one's cannot be set without unsafe code.
    let mut own = std::process::Command::new(std::env::current_exe().unwrap());
    own.args(["--exact", "key::tests::a_variable_with_a_key"])
        .env(name, HEX);
    let output = own.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn sets_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let read = |content: &str| KeySet::read(&KeySource::File(file(&folder, content)));
    for single in [HEX, other, "AAECAwQFBgcICQoLDA0ODw==\n"] {
        let set = read(single).unwrap();
        assert_eq!(set.footer().bytes()[15], 15);
        assert!(set.columns().is_empty());
    }
    let set = read(&format!(
        "footer = \"{HEX}\"\n[columns]\nvalue = \"{other}\"\n\"a.b\" = \"{HEX}\""
    ));
    let set = set.unwrap();
    assert_eq!(set.columns().keys().collect::<Vec<_>>(), ["a.b", "value"]);
    assert_eq!(set.columns()["value"].bytes().len(), 32);
    assert!(
        read(&format!("footer = '{HEX}'"))
            .unwrap()
            .columns()
            .is_empty()
    );
    for (bad, told) in [
        (format!("[columns]\nvalue = \"{HEX}\""), "line"),
        (format!("footer = \"{HEX}\"\nheader = \"{HEX}\""), "line 2"),
        (format!("footer = \"{HEX}\"\nfooter = \"{HEX}\""), "line 2"),
        (format!("footer = \"{HEX}\n"), "line 1"),
        (format!("footer = [\"{HEX}\"]"), "line 1"),
        (format!("footer = {HEX}"), "line 1"),
        (format!("footer = \"{}\"", &HEX[1..]), "'footer'"),
        (
            format!("footer = \"{HEX}\"\n[columns]\nvalue = \"{}\"", &HEX[2..]),
            "column 'value'",
        ),
    ] {
        let error = read(&bad).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(told), "{bad}: {shown}");
        assert!(!shown.contains(&HEX[4..]), "{shown}");
    }
}
