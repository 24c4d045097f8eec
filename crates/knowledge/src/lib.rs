//! Knowledge bundle: build from public sources, lock, verify, merge join.
