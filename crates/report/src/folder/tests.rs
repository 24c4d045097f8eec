//! What becomes of outputs that end, or do not.

use super::*;

#[test]
fn what_is_discarded_leaves_no_parents() {
    let parent = tempfile::tempdir().unwrap();
    let output = parent.path().join("a/b/report");
    OutputFolder::create(&output).unwrap().discard();
    assert!(!parent.path().join("a").exists());
    assert!(parent.path().exists());
}

#[test]
fn the_final_name_appears_only_when_complete() {
    let parent = tempfile::tempdir().unwrap();
    let output = parent.path().join("new/report");
    let folder = OutputFolder::create(&output).unwrap();
    std::fs::write(folder.partial().join("x"), "1").unwrap();
    assert!(!output.exists());
    assert!(matches!(
        OutputFolder::create(&output),
        Err(ReportError::Unfinished { .. })
    ));
    let left: Vec<_> = std::fs::read_dir(folder.partial()).unwrap().collect();
    assert_eq!(left.len(), 2);
    assert_eq!(folder.complete(None).unwrap(), output);
    assert!(output.join("x").exists());
    assert!(matches!(
        OutputFolder::create(&output),
        Err(ReportError::Exists { .. })
    ));
}

#[test]
fn two_processes_do_not_write_one_output() {
    let parent = tempfile::tempdir().unwrap();
    let output = parent.path().join("report");
    let first = OutputFolder::create_resumable(&output, None).unwrap();
    assert!(matches!(
        OutputFolder::reopen(&output),
        Err(ReportError::InUse { .. })
    ));
    // A process that has ended holds no lock, however it has ended.
    drop(first);
    assert!(OutputFolder::reopen(&output).unwrap().is_some());
}

fn progress(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("state.json"));
    text.map_or(0, |text| text.parse().unwrap())
}

#[test]
fn scratch_is_left_empty() {
    let parent = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let output = parent.path().join("report");
    let on = Some(scratch.path());
    let is_empty = |folder: &Path| std::fs::read_dir(folder).unwrap().next().is_none();

    let folder = OutputFolder::create_on(&output, on).unwrap();
    assert!(folder.partial().starts_with(scratch.path()));
    std::fs::create_dir(folder.partial().join("item=a")).unwrap();
    std::fs::write(folder.partial().join("item=a/x"), "1").unwrap();
    assert!(!output.exists());
    folder.complete(None).unwrap();
    assert_eq!(
        std::fs::read_to_string(output.join("item=a/x")).unwrap(),
        "1"
    );
    assert_eq!(std::fs::read_dir(&output).unwrap().count(), 1);
    assert!(is_empty(scratch.path()));

    let other = parent.path().join("other");
    OutputFolder::create_on(&other, on).unwrap().discard();
    assert!(is_empty(scratch.path()));
}

#[test]
fn what_is_kept_goes_on_on_any_node() {
    let parent = tempfile::tempdir().unwrap();
    let nodes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let output = parent.path().join("report");
    let on = |node: usize| Some(nodes[node].path());
    let write = |folder: &OutputFolder, state: &str| {
        std::fs::write(folder.partial().join("state.json"), state).unwrap();
    };
    let reopen = |node: usize| {
        OutputFolder::reopen_on(&output, on(node), &progress)
            .unwrap()
            .unwrap()
    };
    let folder = OutputFolder::create_resumable(&output, on(0)).unwrap();
    write(&folder, "3");
    folder.keep().unwrap();
    let folder = reopen(1);
    assert_eq!(progress(folder.partial()), 3);
    // Killed on node 1 when it was farther: a retry there goes on from its disk, one elsewhere from
    // what was kept.
    write(&folder, "7");
    drop(folder);
    assert_eq!(progress(reopen(0).partial()), 3);
    let folder = reopen(1);
    assert_eq!(progress(folder.partial()), 7);
    folder.complete(None).unwrap();
    assert_eq!(progress(&output), 7);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a killed attempt has left where nothing can be taken up is no obstacle; a run is.
#[test]
fn leftovers_are_replaced_and_runs_are_not() {
    let parent = tempfile::tempdir().unwrap();
    let output = parent.path().join("report");
    let folder = OutputFolder::create(&output).unwrap();
    std::fs::write(folder.partial().join("half"), "1").unwrap();
    assert!(
        OutputFolder::check(&output, false).is_err(),
        "it is being written"
    );
    drop(folder);
    OutputFolder::check(&output, false).unwrap();
    let folder = OutputFolder::create(&output).unwrap();
    assert_eq!(names(folder.partial()), [LOCK]);
    folder.discard();
    drop(OutputFolder::create_resumable(&output, None).unwrap());
    assert!(matches!(
        OutputFolder::create(&output),
        Err(ReportError::Unfinished { .. })
    ));
    // A run in the place of a leftover is a run.
    let taken = parent.path().join("taken");
    drop(OutputFolder::create(&taken).unwrap());
    drop(OutputFolder::create_resumable(&taken, None).unwrap());
    assert!(OutputFolder::check(&taken, false).is_err());
    let resumed = parent.path().join("resumed");
    drop(OutputFolder::create(&resumed).unwrap());
    drop(OutputFolder::reopen(&resumed).unwrap().unwrap());
    assert!(OutputFolder::check(&resumed, false).is_err());
    // A folder of somebody else's.
    let other = parent.path().join("other");
    std::fs::create_dir(parent.path().join("other.partial")).unwrap();
    assert!(OutputFolder::create(&other).is_err());
}

/// The lock holds until the output has its name, and what is left out is not in it.
#[test]
fn nobody_comes_in_while_it_gets_its_name() {
    let parent = tempfile::tempdir().unwrap();
    for scratch in [None, Some(parent.path().join("node"))] {
        let output = parent
            .path()
            .join(if scratch.is_some() { "a" } else { "b" });
        let folder = OutputFolder::create_resumable(&output, scratch.as_deref()).unwrap();
        std::fs::create_dir(folder.partial().join("work")).unwrap();
        std::fs::write(folder.partial().join("x"), "1").unwrap();
        folder.complete(Some("work")).unwrap();
        assert_eq!(names(&output), ["x"]);
    }
    assert!(names(&parent.path().join("node")).is_empty());
}

/// What was kept stays whole where its successor cannot be brought, and half a step is undone.
#[test]
fn what_was_kept_stays_until_all_has_come() {
    let parent = tempfile::tempdir().unwrap();
    let node = tempfile::tempdir().unwrap();
    let output = parent.path().join("report");
    let on = Some(node.path());
    let folder = OutputFolder::create_resumable(&output, on).unwrap();
    std::fs::write(folder.partial().join("state.json"), "3").unwrap();
    std::fs::write(folder.partial().join("part"), "old").unwrap();
    folder.keep().unwrap();
    let partial = parent.path().join("report.partial");
    assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
    // A file stands where a folder is to come.
    let folder = OutputFolder::reopen_on(&output, on, &progress)
        .unwrap()
        .unwrap();
    std::fs::write(folder.partial().join("state.json"), "5").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.partial().join("broken")).unwrap();
    let scratch = folder.partial().to_owned();
    folder.keep().unwrap_err();
    assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
    assert_eq!(progress(&partial), 3);
    assert_eq!(progress(&scratch), 5);
    // Killed while the old was moved away: it is taken back.
    let at = |name: &str| partial.join(name);
    std::fs::create_dir(at(INCOMING)).unwrap();
    std::fs::write(at(INCOMING).join("part-new"), "new").unwrap();
    std::fs::create_dir(at(REPLACING)).unwrap();
    std::fs::rename(at("part"), at(REPLACING).join("part")).unwrap();
    drop(OutputFolder::reopen(&output).unwrap());
    assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
    // Killed while the new was moved in: the rest follows.
    std::fs::create_dir(at(INCOMING)).unwrap();
    std::fs::write(at(INCOMING).join("state.json"), "9").unwrap();
    std::fs::create_dir(at(REPLACED)).unwrap();
    for name in ["part", "state.json"] {
        std::fs::rename(at(name), at(REPLACED).join(name)).unwrap();
    }
    std::fs::write(at("part-new"), "new").unwrap();
    drop(OutputFolder::reopen(&output).unwrap());
    assert_eq!(names(&partial), [LOCK, "part-new", "state.json"]);
    assert_eq!(progress(&partial), 9);
}

/// A scratch folder is private, and one that lies in the output's place is refused.
#[test]
fn scratch_folders_are_nobody_elses() {
    let parent = tempfile::tempdir().unwrap();
    let output = parent.path().join("report");
    let node = parent.path().join("node");
    let folder = OutputFolder::create_on(&output, Some(&node)).unwrap();
    let mode = folder.partial().metadata().unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
    let first = folder.partial().to_owned();
    folder.discard();
    let folder = OutputFolder::create_on(&output, Some(&node)).unwrap();
    assert_ne!(folder.partial(), first);
    folder.discard();
    for within in ["report", "report.partial", "report/deeper"] {
        let refused = OutputFolder::create_on(&output, Some(&parent.path().join(within)));
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("in the place of the output")
        );
        assert!(!output.exists() && !parent.path().join("report.partial").exists());
    }
}
