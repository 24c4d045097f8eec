//! The time that a report says it was made at.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::exit::Refusal;

/// A moment in UTC.
pub(crate) struct Moment(DateTime<Utc>);

impl Moment {
    /// Now. SOURCE_DATE_EPOCH (seconds since 1970) stands in for the clock, so that a report can be made
    /// twice the same.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text.parse::<i64>().ok(),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_secs()).ok()),
        };
        let moment = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        moment.map(Self).ok_or_else(|| {
            Refusal::Usage(
                "the time cannot be told; set SOURCE_DATE_EPOCH to a number of seconds since 1970, or unset it"
                    .to_owned(),
            )
            .into()
        })
    }

    /// The day, such as `2026-11-25`.
    pub(crate) fn day(&self) -> String {
        self.0.format("%Y-%m-%d").to_string()
    }

    /// The instant, such as `2026-11-25T09:30:00Z`.
    pub(crate) fn instant(&self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
