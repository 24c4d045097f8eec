//! What this program is and what it was built for, as support and a bug report want to know it.

use std::fmt::Write;
use std::sync::LazyLock;

/// The release.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Lines of a word and what it stands for: target, profile, processor, features and what is loaded.
pub(crate) fn lines() -> Vec<(&'static str, String)> {
    let cram = if cfg!(feature = "cram") {
        "CRAM"
    } else {
        "no CRAM"
    };
    vec![
        (
            "built for",
            concat!(env!("VARISK_TARGET"), ", profile ", env!("VARISK_PROFILE")).to_owned(),
        ),
        ("processor", processor()),
        ("features", cram.to_owned()),
        (
            "loads",
            "ONNX Runtime 1.17 or later, when a model runs".to_owned(),
        ),
    ]
}

/// What `varisk --version` says behind the name; `-V` says the release alone, for scripts.
pub(crate) static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    lines()
        .into_iter()
        .fold(VERSION.to_owned(), |mut text, (word, value)| {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{word:<10} {value}");
            text
        })
});

/// The least processor that the program runs on, by what the compiler may use without asking.
fn processor() -> String {
    let level = if cfg!(not(target_arch = "x86_64")) {
        std::env::consts::ARCH
    } else if cfg!(target_feature = "avx512f") {
        "x86-64-v4"
    } else if cfg!(target_feature = "avx2") {
        "x86-64-v3"
    } else if cfg!(target_feature = "sse4.2") {
        "x86-64-v2"
    } else {
        "x86-64"
    };
    format!("{level} or better; libraries use more where there is more")
}
