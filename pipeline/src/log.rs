//! Messages for people and schedulers, all on standard error. They never hold a genotype or a
//! patient identifier.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use varisk_privacy::audit::Event;

use crate::arguments::Logging;
use crate::privacy::audit::AuditTrail;

/// Seconds between progress lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Where messages go.
pub(crate) struct Log {
    options: Logging,
    bar: Mutex<Option<ProgressBar>>,
    /// What the audit log is to say of this command, where one is kept.
    audit: Mutex<Option<AuditTrail>>,
}

impl Log {
    pub(crate) fn new(options: &Logging) -> Self {
        Self {
            options: options.clone(),
            bar: Mutex::new(None),
            audit: Mutex::new(None),
        }
    }

    /// Keeps an audit log from here on.
    pub(crate) fn keep_audit(&self, trail: Option<AuditTrail>) {
        if let Ok(mut own) = self.audit.lock() {
            *own = trail;
        }
    }

    /// Changes what the audit log is to say; nothing happens where none is kept.
    pub(crate) fn audit(&self, change: impl FnOnce(&mut Event)) {
        if let Ok(mut own) = self.audit.lock()
            && let Some(trail) = own.as_mut()
        {
            change(trail.event());
        }
    }

    /// The audit log, for its last line.
    pub(crate) fn take_audit(&self) -> Option<AuditTrail> {
        self.audit.lock().ok().and_then(|mut own| own.take())
    }

    pub(crate) fn info(&self, message: &str) {
        if !self.options.quiet {
            self.line("info", message);
        }
    }

    pub(crate) fn warn(&self, message: &str) {
        if !self.options.quiet {
            self.line("warning", message);
        }
    }

    /// One sentence; the causes under `-v`.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut message = error.to_string();
        if self.options.verbose {
            for cause in error.chain().skip(1) {
                let cause = cause.to_string();
                if !message.contains(&cause) {
                    message.push_str(": ");
                    message.push_str(&cause);
                }
            }
        }
        self.line("error", &message);
    }

    fn line(&self, level: &str, message: &str) {
        let text = if self.options.json_log {
            serde_json::json!({"level": level, "message": message}).to_string()
        } else if level == "info" {
            format!("varisk: {message}")
        } else {
            format!("varisk: {level}: {message}")
        };
        let bar = self.bar.lock().ok().and_then(|bar| bar.clone());
        // Nobody can be told that messages cannot be written; the exit code still says it all.
        let write = || drop(writeln!(std::io::stderr(), "{text}"));
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Progress of a run over records: a bar on a terminal, else a line every ten seconds.
    pub(crate) fn progress(&self) -> Progress<'_> {
        let bar =
            (std::io::stderr().is_terminal() && !self.options.quiet && !self.options.json_log)
                .then(|| {
                    let style = ProgressStyle::with_template(
                        "{spinner} {human_pos} records, {per_sec}, {msg} [{elapsed}]",
                    );
                    let bar = ProgressBar::new_spinner()
                        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                    bar.enable_steady_tick(Duration::from_millis(200));
                    bar
                });
        if let Ok(mut own) = self.bar.lock() {
            (*own).clone_from(&bar);
        }
        let now = Instant::now();
        Progress {
            log: self,
            bar,
            started: now,
            last_line: now,
        }
    }
}

/// A running count.
pub(crate) struct Progress<'l> {
    log: &'l Log,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

impl Progress<'_> {
    pub(crate) fn update(&mut self, records: u64, place: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(records);
            bar.set_message(place.to_owned());
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            let rate = records as f64 / self.started.elapsed().as_secs_f64();
            self.log.info(&format!(
                "{records} records, {rate:.0} per second, at {place}"
            ));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Ok(mut own) = self.log.bar.lock() {
            *own = None;
        }
    }
}
