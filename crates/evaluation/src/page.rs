//! One HTML page of an evaluation: tables and plots, without scripts or anything from elsewhere.

use ndarray::Array2;

use crate::binary::Confusion;
use crate::group::{GapRow, GroupResults, RangeRow};
use crate::metric::MetricKey;
use crate::plot::Plot;
use crate::rows::MetricRow;
use crate::text::escape;
use crate::undefined::Undefined;

/// Counts of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionTable {
    /// Names of the classes.
    pub names: Vec<String>,
    /// Rows are what is, columns what is predicted.
    pub counts: Array2<u64>,
}

impl From<Confusion> for ConfusionTable {
    fn from(own: Confusion) -> Self {
        let mut counts = Array2::zeros((2, 2));
        counts[[0, 0]] = own.true_positives;
        counts[[0, 1]] = own.false_negatives;
        counts[[1, 0]] = own.false_positives;
        counts[[1, 1]] = own.true_negatives;
        Self {
            names: vec!["outcome".to_owned(), "no outcome".to_owned()],
            counts,
        }
    }
}

/// What stands on the page.
#[derive(Clone, Debug)]
pub struct EvaluationPage<'a> {
    /// Heading.
    pub title: &'a str,
    /// What was evaluated: model, cohort, settings, each with its name.
    pub facts: &'a [(String, String)],
    /// Metrics of all patients.
    pub metrics: &'a [MetricRow],
    /// By column.
    pub groups: &'a [GroupResults],
    /// Decisions.
    pub confusion: Option<&'a ConfusionTable>,
    /// In order.
    pub plots: &'a [Plot],
    /// Share of the distribution within the intervals.
    pub level: f64,
}

/// What every page says.
const NOTICE: &str = "This is research output and not a diagnosis. It describes how a model did on \
                      the patients named here, and does not say how it does on others.";

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#ffffff;--ink:#1a1a1a;--soft:#5a5a5a;--line:#d8d8d8;--note:#fff4d6;--edge:#b8860b}\
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8e8e8;--soft:#a8a8a8;--line:#3a3f46;--note:#3a3218;--edge:#d9a520}\
.plot .paper{fill:#15181c}.plot .ink{fill:#e8e8e8}.plot .grid{stroke:#33383f}.plot .axis{stroke:#e8e8e8}.plot .black{stroke:#e8e8e8}.plot .black-mark{fill:#e8e8e8}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif}\
h1{font-size:1.7rem;margin:0 0 1rem}h2{font-size:1.25rem;margin:2.2rem 0 .6rem}h3{font-size:1.05rem;margin:1.4rem 0 .4rem}\
.note{background:var(--note);border-left:4px solid var(--edge);padding:.7rem 1rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
caption{text-align:left;color:var(--soft);padding-bottom:.4rem}\
th,td{padding:.3rem .8rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}\
th[scope=row]{text-align:left;font-weight:400}thead th{border-bottom-width:2px}\
.soft{color:var(--soft)}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1.2rem}\
.plots figure{margin:0}.plot{width:100%;height:auto;display:block}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
@media print{body{max-width:none}}";

impl EvaluationPage<'_> {
    /// The page.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>{title}</h1>\n<p class=\"note\">{NOTICE}</p>\n",
            title = escape(self.title),
        );
        if !self.facts.is_empty() {
            let fact = |(name, text): &(String, String)| {
                format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(text))
            };
            let facts: String = self.facts.iter().map(fact).collect();
            html.push_str(&format!("<dl>\n{facts}</dl>\n"));
        }
        html.push_str("<h2>Metrics</h2>\n");
        html.push_str(&self.metrics_table());
        if let Some(confusion) = self.confusion {
            html.push_str("<h2>Confusion matrix</h2>\n");
            html.push_str(&confusion_table(confusion));
        }
        if !self.plots.is_empty() {
            html.push_str("<h2>Plots</h2>\n<div class=\"plots\">\n");
            for (place, plot) in self.plots.iter().enumerate() {
                let svg = plot.to_svg(&format!("plot{place}"));
                html.push_str(&format!("<figure>{svg}</figure>\n"));
            }
            html.push_str("</div>\n");
        }
        for results in self
            .groups
            .iter()
            .filter(|results| !results.metrics.is_empty())
        {
            html.push_str(&self.group_tables(results));
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }

    fn caption(&self, what: &str) -> String {
        let percent = (self.level * 1_000.0).round() / 10.0;
        format!(
            "<caption>{what} Intervals hold {percent} % of bootstrap resamples of patients.</caption>"
        )
    }

    fn metrics_table(&self) -> String {
        let row = |row: &MetricRow| {
            let undefined = match row.undefined_resamples {
                0 => String::new(),
                count => count.to_string(),
            };
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{undefined}</td></tr>\n",
                label(&row.key),
                value(row.value, row.reason),
                interval(row.lower, row.upper),
                row.patients,
                row.events
                    .map_or_else(String::new, |events| events.to_string()),
            )
        };
        let rows: String = self.metrics.iter().map(row).collect();
        format!(
            "<div class=\"wide\"><table>{}<thead><tr><th scope=\"col\">Metric</th><th scope=\"col\">Value</th>\
             <th scope=\"col\">Interval</th><th scope=\"col\">Patients</th><th scope=\"col\">Events</th>\
             <th scope=\"col\">Undefined resamples</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
            self.caption("All patients."),
        )
    }

    fn group_tables(&self, results: &GroupResults) -> String {
        let column = results
            .metrics
            .first()
            .and_then(|row| row.group_column.as_deref());
        let mut html = format!("<h2>By {}</h2>\n", escape(column.unwrap_or_default()));
        let groups = distinct(results.metrics.iter().map(|row| &row.group));
        let keys = distinct(results.metrics.iter().map(|row| &row.key));
        let head: String = groups
            .iter()
            .map(|group| {
                let own = results.metrics.iter().find(|row| row.group == **group);
                let patients = own.map_or(0, |row| row.patients);
                format!(
                    "<th scope=\"col\">{}<br><span class=\"soft\">{patients} patients</span></th>",
                    name(group)
                )
            })
            .collect();
        let rows = keys.iter().map(|key| {
            let cell = |group: &&Option<String>| {
                let own = results
                    .metrics
                    .iter()
                    .find(|row| row.key == **key && row.group == **group);
                own.map_or_else(|| "<td></td>".to_owned(), metric_cell)
            };
            let cells: String = groups.iter().map(cell).collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", label(key))
        });
        html.push_str(&table(
            &self.caption("Each group by itself."),
            &head,
            &rows.collect::<String>(),
        ));
        if let Some(first) = results.gaps.first() {
            html.push_str(&self.gap_table(results, &first.reference));
        }
        html
    }

    fn gap_table(&self, results: &GroupResults, reference: &Option<String>) -> String {
        let groups = distinct(results.gaps.iter().map(|row| &row.group));
        let keys = distinct(results.gaps.iter().map(|row| &row.key));
        let head: String = groups
            .iter()
            .map(|group| format!("<th scope=\"col\">{}</th>", name(group)))
            .collect();
        let head = format!("{head}<th scope=\"col\">Largest between any two</th>");
        let rows = keys.iter().map(|key| {
            let cell = |group: &&Option<String>| {
                let own = results
                    .gaps
                    .iter()
                    .find(|row| row.key == **key && row.group == **group);
                own.map_or_else(|| "<td></td>".to_owned(), gap_cell)
            };
            let cells: String = groups.iter().map(cell).collect();
            let range = results.ranges.iter().find(|row| row.key == **key);
            format!(
                "<tr><th scope=\"row\">{}</th>{cells}<td>{}</td></tr>\n",
                label(key),
                range.map_or_else(String::new, range_text),
            )
        });
        let rows: String = rows.collect();
        let what = format!(
            "Each group less group {}. The largest difference has no interval: chance alone makes it positive. \
             Calibration errors are larger in smaller groups by chance alone.",
            name(reference)
        );
        format!(
            "<h3>Gaps</h3>\n{}",
            table(&self.caption(&what), &head, &rows)
        )
    }
}

fn table(caption: &str, head: &str, rows: &str) -> String {
    format!(
        "<div class=\"wide\"><table>{caption}<thead><tr><th scope=\"col\">Metric</th>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn confusion_table(confusion: &ConfusionTable) -> String {
    let head: String = confusion
        .names
        .iter()
        .map(|name| format!("<th scope=\"col\">predicted {}</th>", escape(name)))
        .collect();
    let row = |(name, counts): (&String, ndarray::ArrayView1<'_, u64>)| {
        let cells: String = counts
            .iter()
            .map(|count| format!("<td>{count}</td>"))
            .collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
    };
    let rows: String = confusion
        .names
        .iter()
        .zip(confusion.counts.rows())
        .map(row)
        .collect();
    format!(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Patients with</th>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn metric_cell(row: &MetricRow) -> String {
    cell(row.value, row.reason, row.lower, row.upper)
}

fn gap_cell(row: &GapRow) -> String {
    cell(row.value, row.reason, row.lower, row.upper)
}

fn cell(
    own: Option<f64>,
    reason: Option<Undefined>,
    lower: Option<f64>,
    upper: Option<f64>,
) -> String {
    let interval = match interval(lower, upper).as_str() {
        "" => String::new(),
        text => format!("<br><span class=\"soft\">{text}</span>"),
    };
    format!("<td>{}{interval}</td>", value(own, reason))
}

fn range_text(row: &RangeRow) -> String {
    format!(
        "{}<br><span class=\"soft\">{} to {}</span>",
        number(row.value),
        name(&row.lowest),
        name(&row.highest)
    )
}

fn value(value: Option<f64>, reason: Option<Undefined>) -> String {
    match (value, reason) {
        (Some(value), _) => number(value),
        (None, Some(reason)) => format!("<span class=\"soft\">{}</span>", reason.describe()),
        (None, None) => String::new(),
    }
}

fn interval(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", number(lower), number(upper)),
        _ => String::new(),
    }
}

/// Three decimals; more where they would show nothing.
fn number(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 0.001 {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}")
    };
    text.replace('-', "\u{2212}")
}

fn label(key: &MetricKey) -> String {
    let mut details: Vec<String> = Vec::new();
    details.extend(key.class.as_deref().map(escape));
    details.extend(key.time.map(|time| format!("time {time}")));
    details.extend(key.threshold.map(|threshold| format!("at {threshold}")));
    details.extend(key.bins.map(|bins| format!("{bins} bins")));
    match details.as_slice() {
        [] => key.metric.label().to_owned(),
        details => format!(
            "{} <span class=\"soft\">{}</span>",
            key.metric.label(),
            details.join(", ")
        ),
    }
}

fn name(group: &Option<String>) -> String {
    match group {
        Some(name) => escape(name),
        None => "<i>missing</i>".to_owned(),
    }
}

/// Each once, in the order of their first.
fn distinct<'a, T: PartialEq>(values: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut found: Vec<&T> = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}
