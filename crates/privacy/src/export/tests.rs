use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use age::secrecy::SecretString;
use age::{Decryptor, Identity, scrypt, x25519};

use super::*;

/// A folder `results` with some files, and what is in them.
fn folder(place: &Path) -> (PathBuf, BTreeMap<String, Vec<u8>>) {
    let folder = place.join("results");
    let long = format!("deep/{}/{}.txt", "d".repeat(120), "f".repeat(120));
    let files = BTreeMap::from([
        ("results/a.parquet".to_owned(), vec![7_u8; 200_000]),
        ("results/empty".to_owned(), Vec::new()),
        ("results/ä b.csv".to_owned(), b"x,y\n".to_vec()),
        (format!("results/{long}"), b"deep".to_vec()),
    ]);
    for (name, content) in &files {
        let path = place.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    (folder, files)
}

fn decrypt(output: &Path, identity: &dyn Identity) -> Result<Vec<u8>, age::DecryptError> {
    let file = std::fs::File::open(output).unwrap();
    let mut reader =
        Decryptor::new_buffered(io::BufReader::new(file))?.decrypt(std::iter::once(identity))?;
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain)?;
    Ok(plain)
}

fn unpack(plain: &[u8]) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let mut files = BTreeMap::new();
    let mut order = Vec::new();
    let mut archive = tar::Archive::new(plain);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let header = entry.header();
        assert_eq!(
            (
                header.mtime().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap()
            ),
            (0, 0, 0)
        );
        assert_eq!(header.username().unwrap().unwrap_or(""), "");
        let is_file = header.entry_type().is_file();
        assert_eq!(header.mode().unwrap(), if is_file { 0o600 } else { 0o700 });
        order.push(name.clone());
        if is_file {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(name, content);
        }
    }
    (files, order)
}

#[test]
fn each_recipient_opens_what_was_packed() {
    let place = tempfile::tempdir().unwrap();
    let (source, files) = folder(place.path());
    let (ada, bob, eve) = (
        x25519::Identity::generate(),
        x25519::Identity::generate(),
        x25519::Identity::generate(),
    );
    let list = place.path().join("recipients.txt");
    std::fs::write(&list, format!("# Bob\n\n{}\n", bob.to_public())).unwrap();
    let recipients = Recipients::keys(&[ada.to_public().to_string()], &[list]).unwrap();
    let output = place.path().join("out.tar.age");
    let exported = export(&source, &output, &recipients).unwrap();
    assert_eq!(exported.files, 4);
    assert_eq!(
        exported.bytes,
        files.values().map(|own| own.len() as u64).sum::<u64>()
    );
    let written = std::fs::read(&output).unwrap();
    assert_eq!(exported.sha256, HEXLOWER.encode(&Sha256::digest(&written)));
    assert_eq!(
        output.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let plain = decrypt(&output, &ada).unwrap();
    assert_eq!(decrypt(&output, &bob).unwrap(), plain);
    assert!(decrypt(&output, &eve).is_err());
    let (unpacked, order) = unpack(&plain);
    assert_eq!(unpacked, files);
    assert_eq!(order[..3], ["results", "results/a.parquet", "results/deep"]);
    // The archive of the same folder is the same; its encryption never is.
    let again = place.path().join("again.tar.age");
    export(&source, &again, &recipients).unwrap();
    assert_eq!(decrypt(&again, &ada).unwrap(), plain);
    assert_ne!(std::fs::read(&again).unwrap(), written);
}

#[test]
fn a_passphrase_opens_it() {
    let place = tempfile::tempdir().unwrap();
    let (source, files) = folder(place.path());
    let path = place.path().join("passphrase");
    std::fs::write(&path, "correct horse battery staple\n").unwrap();
    assert!(matches!(
        Recipients::passphrase(&path),
        Err(PrivacyError::SharedFile { .. })
    ));
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let recipients = Recipients::passphrase(&path).unwrap();
    assert!(!format!("{recipients:?}").contains("horse"));
    let output = place.path().join("out.tar.age");
    export(&source, &output, &recipients).unwrap();
    let right = scrypt::Identity::new(SecretString::from(
        "correct horse battery staple".to_owned(),
    ));
    assert_eq!(unpack(&decrypt(&output, &right).unwrap()).0, files);
    std::fs::write(&path, "correct horse\nbattery staple\n").unwrap();
    assert!(matches!(
        Recipients::passphrase(&path),
        Err(PrivacyError::Passphrase { characters: 13, .. })
    ));
}

#[test]
fn what_is_no_recipient_is_refused_without_being_shown() {
    let place = tempfile::tempdir().unwrap();
    let secret = x25519::Identity::generate();
    let public = secret.to_public().to_string();
    let secret = age::secrecy::ExposeSecret::expose_secret(&secret.to_string()).to_owned();
    assert!(matches!(
        Recipients::keys(&[], &[]),
        Err(PrivacyError::NoRecipient)
    ));
    let mut typo = public.clone();
    typo.replace_range(10..11, if &public[10..11] == "q" { "p" } else { "q" });
    for text in ["", "age1", "bob", &secret, &typo] {
        let error = Recipients::keys(&[public.clone(), text.into()], &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("recipient 2") && !error.contains("SECRET"),
            "{error}"
        );
    }
    let list = place.path().join("recipients.txt");
    for (content, told) in [
        (format!("{public}\n# a\n{secret}\n"), "line 3 of"),
        (
            "# nobody\n".to_owned(),
            "recipients.txt is no age recipient",
        ),
        (String::new(), "recipients.txt is no age recipient"),
    ] {
        std::fs::write(&list, content).unwrap();
        let error = Recipients::keys(std::slice::from_ref(&public), std::slice::from_ref(&list));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("SECRET"), "{error}");
    }
}

#[test]
fn what_cannot_be_exported_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let (source, _) = folder(place.path());
    let identity = x25519::Identity::generate();
    let recipients = Recipients::keys(&[identity.to_public().to_string()], &[]).unwrap();
    let output = place.path().join("out.tar.age");
    let names = || std::fs::read_dir(place.path()).unwrap().count();
    let refused = |source: &Path, output: &Path| export(source, output, &recipients).unwrap_err();
    assert!(matches!(
        refused(&source, &source.join("deep/out.age")),
        PrivacyError::Export { .. }
    ));
    assert!(matches!(
        refused(&place.path().join("absent"), &output),
        PrivacyError::Io { .. }
    ));
    assert!(matches!(
        refused(&source, &place.path().join("absent/out")),
        PrivacyError::Io { .. }
    ));
    let link = source.join("zz-link");
    symlink("/etc/hostname", &link).unwrap();
    assert!(
        matches!(refused(&source, &output), PrivacyError::Export { path, .. } if path.ends_with("zz-link"))
    );
    std::fs::remove_file(&link).unwrap();
    assert_eq!(names(), 1);
    std::fs::write(&output, "kept").unwrap();
    assert!(matches!(
        refused(&source, &output),
        PrivacyError::Exists { .. }
    ));
    assert_eq!(std::fs::read(&output).unwrap(), b"kept");
    assert_eq!(names(), 2);
}

#[test]
fn a_cut_or_changed_export_does_not_open() {
    let place = tempfile::tempdir().unwrap();
    let (source, _) = folder(place.path());
    let identity = x25519::Identity::generate();
    let recipients = Recipients::keys(&[identity.to_public().to_string()], &[]).unwrap();
    let output = place.path().join("out.tar.age");
    export(&source, &output, &recipients).unwrap();
    let written = std::fs::read(&output).unwrap();
    for length in [written.len() - 1, written.len() - 70_000, 100] {
        std::fs::write(&output, &written[..length]).unwrap();
        assert!(decrypt(&output, &identity).is_err(), "{length}");
    }
    let mut changed = written.clone();
    changed[150_000] ^= 1;
    std::fs::write(&output, changed).unwrap();
    assert!(decrypt(&output, &identity).is_err());
}
