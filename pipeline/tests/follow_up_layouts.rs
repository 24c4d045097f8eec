//! Comparisons of runs that are laid out otherwise.

use crate::follow_up::{compared, diff, releases};
use crate::known::without_models;
use crate::support::program::{Call, hashes, text};
use crate::support::refusal::secret;

/// A run in shards, in partitions or under a key says the same.
#[test]
fn layouts_of_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundles = releases(folder.path());
    let at = |name: &str| folder.path().join(name);
    let second = |name: &str| without_models(&at(name), &bundles[1]);
    without_models(&at("a"), &bundles[0]).succeed();
    second("plain").succeed();
    second("partitions")
        .with("--partition-by", "contig")
        .succeed();
    for shard in ["1", "2"] {
        second(&format!("shard-{shard}"))
            .with("--shard", format!("{shard}/2"))
            .succeed();
    }
    Call::new("merge")
        .also(&text(&at("shard-1")), "")
        .also(&text(&at("shard-2")), "")
        .with("--output", text(&at("merged")))
        .succeed();
    let key = secret(folder.path(), "key", "7");
    second("encrypted")
        .with("--encryption-key-file", key.clone())
        .succeed();
    let tables = |run: &str| {
        let output = at(&format!("{run}-changes"));
        compared(&diff(&at("a"), &at(run)), &output, 3);
        hashes(&output)
    };
    let plain = tables("plain");
    assert_eq!(plain.len(), 2);
    for run in ["partitions", "merged"] {
        assert_eq!(tables(run), plain, "{run}");
    }
    // What is under a key is told apart by its counts.
    let done = |run: &str| {
        let call = diff(&at("a"), &at(run)).with("--encryption-key-file", key.clone());
        compared(&call, &at(&format!("{run}-by-key")), 3).stdout
    };
    assert_eq!(done("encrypted"), done("plain"));
}
