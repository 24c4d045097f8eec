//! The comparison of two runs from end to end.

use std::collections::BTreeSet;

use varisk_dossier::RunFolder;
use varisk_report::{Table, TableFolder, TableWriter};

use crate::allele::TERM;
use crate::allele_changes::{AlleleComparison, Comparable};
use crate::attribution::Attribution;
use crate::pattern::fits;
use crate::risk_changes::RiskComparison;
use crate::rules::{AlertRule, Rules};
use crate::runs::RunDifferences;
use crate::spool::Spool;
use crate::summary::{ClassChange, ClassCounts, Counter, NotComparable, Summary};
use crate::survey::{self, Pair, Survey, WantedAlleles};
use crate::table::{ReclassifiedAllele, reclassified_batch};
use crate::variants::{self, Variants, Wish};
use crate::{Category, Change, ComparisonError, Subject};

/// Rows of reclassified alleles that are written at once.
const BATCH_ROWS: usize = 1_024;
const KNOWN_VARIANTS: &str = Table::KNOWN_VARIANTS.name;
const VARIANTS: &str = Table::VARIANTS.name;

/// How runs are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Alert rules and tolerances.
    pub rules: Rules,
    /// Changes that [`Comparison::list`] holds at most, the first ones of the table.
    pub list_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            list_limit: 1_000,
        }
    }
}

/// What a comparison found beside its tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Counts, for `diff.json` and for the terminal; no patient is named in it.
    pub summary: Summary,
    /// The first changes of the table, for a page. They name patients.
    pub list: Vec<Change>,
    /// Changes of the table that are not in the list.
    pub list_left_out: u64,
}

/// Compares run A (before) with run B (after), and writes `changes.parquet` and, where both runs have
/// a source of classes, `reclassifications.parquet` into a folder that is there. Rows that memory has
/// no room for wait in unnamed temporary files in it, which are not encrypted.
///
/// Both runs are walked twice patient by patient, and their variants tables once: first to know which
/// alleles one of them reports and the other does not, then to look these up, then to compare.
///
/// # Errors
/// The runs cannot be compared (another build, another schema, no common patient), a table is damaged,
/// the rules make no sense, the tables cannot be written, or `is_interrupted` says so.
pub fn compare(
    a: &RunFolder,
    b: &RunFolder,
    settings: &Settings,
    output: &TableFolder,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Comparison, ComparisonError> {
    settings.rules.check()?;
    let rules = settings.rules.in_force();
    let runs = RunDifferences::of(a, b)?;
    let attribution = Attribution::new(&runs, [&a.record().parameters, &b.record().parameters]);
    let mut survey = Survey::of(a, b, is_interrupted)?;
    let mut gaps = Gaps::default();
    let comparable = gaps.comparable(&runs, [a, b], &survey)?;
    // Rules that nobody wrote need no warning; what is not comparable is said anyway.
    let own_rules = settings.rules.alert.as_deref().unwrap_or_default();
    let mut warnings = rule_warnings(own_rules, &survey, &comparable);
    warnings.extend(pair_warnings(&comparable));
    let wanted = std::mem::take(&mut survey.wanted);
    let mut lookup = Lookup {
        comparable: &comparable,
        attribution: &attribution,
        wanted,
        counts: ClassCounts::default(),
        is_interrupted,
    };
    if comparable.variants {
        warnings.extend(lookup.walk([a, b], &runs, output)?);
    }
    let Lookup { wanted, counts, .. } = lookup;
    let tolerance = settings.rules.tolerance;
    let risks = RiskComparison {
        attribution: &attribution,
        rules: &rules,
        tolerance,
        have_features: has_both(&runs, "features"),
        items: &survey.items,
    };
    let names = |of: fn(&crate::SourcePair) -> &String| comparable.pairs.iter().map(of);
    let compared_alleles = AlleleComparison {
        attribution: &attribution,
        rules: &rules,
        tolerance,
        comparable: &comparable,
        wanted: &wanted,
        sources: [
            names(|pair| &pair.a).cloned().collect(),
            names(|pair| &pair.b).cloned().collect(),
        ],
    };
    let have_risks = has_both(&runs, "risk");
    let mut spool = Spool::new(output, settings.list_limit);
    let mut counter = Counter::new(&rules);
    survey::walk(a, b, |pair| {
        if is_interrupted() {
            return Err(ComparisonError::Interrupted);
        }
        let mut changes = Vec::new();
        match pair {
            Pair::OnlyA(own) => changes.push(missing_patient(&own.patient, &rules, &attribution)),
            Pair::OnlyB(own) => changes.push(new_patient(&own.patient, &attribution)),
            Pair::Both(a, b) => {
                compared_alleles.changes(&a, &b, &mut changes);
                if have_risks {
                    risks.changes(&a, &b, &mut changes);
                }
            }
        }
        counter.count(&changes);
        changes
            .into_iter()
            .try_for_each(|change| spool.push(change))
    })?;
    let (list, list_left_out) = spool.finish(output)?;
    let classes = (comparable.variants && !comparable.pairs.is_empty()).then_some(counts);
    Ok(Comparison {
        summary: counter.summary(runs, survey.patients, classes, gaps.0, warnings),
        list,
        list_left_out,
    })
}

fn missing_patient(patient: &str, rules: &[AlertRule], attribution: &Attribution) -> Change {
    let mut change = Change::new(patient, Category::PatientGone, Subject::Patient);
    change.before = Some("in A".to_owned());
    change.after = Some("not in B".to_owned());
    change.causes = attribution.calls();
    let fired = rules
        .iter()
        .filter(|rule| matches!(rule, AlertRule::PatientMissing { .. }));
    change.alerts = fired.map(|rule| rule.name().to_owned()).collect();
    change
}

fn new_patient(patient: &str, attribution: &Attribution) -> Change {
    let mut change = Change::new(patient, Category::PatientNew, Subject::Patient);
    change.before = Some("not in A".to_owned());
    change.after = Some("in B".to_owned());
    change.causes = attribution.calls();
    change
}

fn has_both(runs: &RunDifferences, table: &str) -> bool {
    runs.a.tables.contains(table) && runs.b.tables.contains(table)
}

/// What cannot be compared, as it is found.
#[derive(Default)]
struct Gaps(Vec<NotComparable>);

impl Gaps {
    fn add(&mut self, what: &str, why: String) {
        self.0.push(NotComparable {
            what: what.to_owned(),
            why,
        });
    }

    /// Whether both runs have something; a gap if only one of them has.
    fn both(&mut self, what: &str, in_a: bool, in_b: bool) -> bool {
        match (in_a, in_b) {
            (true, false) => self.add(what, format!("B has no {what}")),
            (false, true) => self.add(what, format!("A has no {what}")),
            _ => {}
        }
        in_a && in_b
    }

    fn comparable(
        &mut self,
        runs: &RunDifferences,
        folders: [&RunFolder; 2],
        survey: &Survey,
    ) -> Result<Comparable, ComparisonError> {
        let mut table = |name: &str| {
            let (in_a, in_b) = (runs.a.tables.contains(name), runs.b.tables.contains(name));
            self.both(name, in_a, in_b)
        };
        table("risk");
        let findings = table("findings");
        let known = table(KNOWN_VARIANTS);
        let has_variants = table(VARIANTS);
        for (run, folder) in folders.into_iter().enumerate() {
            for source in folder.sources_of("clinvar") {
                let name = |pair: &crate::SourcePair| {
                    if run == 0 {
                        pair.a == source
                    } else {
                        pair.b == source
                    }
                };
                if !runs.class_sources.iter().any(name) {
                    let other = ["B", "A"][run];
                    self.add(
                        &format!("classes of {source}"),
                        format!("{other} has no such source"),
                    );
                }
            }
        }
        if runs.class_sources.is_empty()
            && self.0.iter().all(|own| !own.what.starts_with("classes of"))
        {
            self.add(
                "classes of alleles",
                "neither run has a source of kind clinvar".to_owned(),
            );
        } else if !known
            && !runs.a.tables.contains(KNOWN_VARIANTS)
            && !runs.b.tables.contains(KNOWN_VARIANTS)
        {
            self.add(
                KNOWN_VARIANTS,
                "neither run has it: classes are compared of findings only".to_owned(),
            );
        }
        let consequences = self.consequences(folders)?;
        let models = |folder: &RunFolder| -> BTreeSet<String> {
            let own = folder.record().models.iter();
            own.map(|model| model.name.clone()).collect()
        };
        let (of_a, of_b) = (models(folders[0]), models(folders[1]));
        let mut outputs = Vec::new();
        let mut told = BTreeSet::new();
        for (model, output) in survey.outputs.iter().filter(|_| findings) {
            if told.contains(model) {
                continue;
            }
            if self.both(
                &format!("model {model}"),
                of_a.contains(model),
                of_b.contains(model),
            ) {
                outputs.push((model.clone(), output.clone()));
            } else {
                told.insert(model.clone());
            }
        }
        Ok(Comparable {
            pairs: runs.class_sources.clone(),
            known,
            variants: has_variants,
            consequences,
            outputs,
        })
    }

    /// Whether the reported alleles of both runs have consequences.
    fn consequences(&mut self, folders: [&RunFolder; 2]) -> Result<bool, ComparisonError> {
        let mut has = [false, false];
        let mut has_rows = [false, false];
        for (run, folder) in folders.into_iter().enumerate() {
            for table in [KNOWN_VARIANTS, "findings"] {
                let files = folder.rows(table);
                let name = ['A', 'B'][run];
                for file in files.map_err(|source| ComparisonError::Run { run: name, source })? {
                    has_rows[run] = true;
                    has[run] |= file.schema().column_with_name(TERM).is_some();
                }
            }
        }
        // Where a run reports no alleles at all, that is the gap, and no second one.
        if has_rows == [true, true] {
            return Ok(self.both("consequences", has[0], has[1]));
        }
        Ok(false)
    }
}

/// Looks up alleles, and compares the classes of all.
struct Lookup<'c> {
    comparable: &'c Comparable,
    attribution: &'c Attribution,
    wanted: WantedAlleles,
    counts: ClassCounts,
    is_interrupted: &'c dyn Fn() -> bool,
}

impl Lookup<'_> {
    fn walk(
        &mut self,
        folders: [&RunFolder; 2],
        runs: &RunDifferences,
        output: &TableFolder,
    ) -> Result<Option<String>, ComparisonError> {
        if self.comparable.pairs.is_empty() && self.wanted.is_empty() {
            return Ok(None);
        }
        let wish = |of: fn(&crate::SourcePair) -> &String| Wish {
            sources: self.comparable.pairs.iter().map(of).cloned().collect(),
            outputs: self.comparable.outputs.clone(),
        };
        let mut a = Variants::open(folders[0], 'A', wish(|pair| &pair.a))?;
        let mut b = Variants::open(folders[1], 'B', wish(|pair| &pair.b))?;
        let warning = contigs(&a, &b, runs)?;
        let mut writer = if self.comparable.pairs.is_empty() {
            None
        } else {
            let schema = Table::RECLASSIFICATIONS.schema();
            Some(TableWriter::create(
                output,
                Table::RECLASSIFICATIONS.name,
                schema,
            )?)
        };
        let mut rows: Vec<ReclassifiedAllele> = Vec::new();
        variants::walk(&mut a, &mut b, |contig, position, before, after| {
            if (self.is_interrupted)() {
                return Err(ComparisonError::Interrupted);
            }
            self.wanted.observe(0, contig, position, before);
            self.wanted.observe(1, contig, position, after);
            self.reclassified(contig, position, before, after, &mut rows);
            if rows.len() >= BATCH_ROWS
                && let Some(writer) = &mut writer
            {
                writer.write(reclassified_batch(&rows)?)?;
                rows.clear();
            }
            Ok(())
        })?;
        if let Some(mut writer) = writer {
            writer.write(reclassified_batch(&rows)?)?;
            writer.finish()?;
        }
        Ok(warning)
    }

    fn reclassified(
        &mut self,
        contig: &str,
        position: u32,
        before: &variants::Place,
        after: &variants::Place,
        rows: &mut Vec<ReclassifiedAllele>,
    ) {
        for (allele, own) in before {
            let Some(other) = after.get(allele) else {
                continue;
            };
            self.counts.alleles += 1;
            for (place, pair) in self.comparable.pairs.iter().enumerate() {
                let (from, to) = (&own.classes[place], &other.classes[place]);
                if from == to {
                    continue;
                }
                let change = ClassChange {
                    source: pair.b.clone(),
                    from: from.clone(),
                    to: to.clone(),
                };
                *self.counts.changes.entry(change).or_default() += 1;
                rows.push(ReclassifiedAllele {
                    contig: contig.to_owned(),
                    position,
                    reference: allele.0.clone(),
                    alternate: allele.1.clone(),
                    gene: other.gene.clone().or_else(|| own.gene.clone()),
                    source: pair.b.clone(),
                    before: from.clone(),
                    after: to.clone(),
                    causes: self.attribution.class(place),
                });
            }
        }
    }
}

/// Whether the runs speak of the same contigs.
fn contigs(
    a: &Variants<'_>,
    b: &Variants<'_>,
    runs: &RunDifferences,
) -> Result<Option<String>, ComparisonError> {
    let names = |run: &Variants<'_>| -> BTreeSet<String> {
        run.contigs.iter().map(|own| own.0.clone()).collect()
    };
    let (of_a, of_b) = (names(a), names(b));
    let (Some(first_a), Some(first_b)) = (a.contigs.first(), b.contigs.first()) else {
        return Ok(None);
    };
    if !runs.has_other_reference() {
        return Ok(None);
    }
    if of_a.is_disjoint(&of_b) {
        return Err(ComparisonError::Contigs {
            a: first_a.0.clone(),
            b: first_b.0.clone(),
        });
    }
    let only = (
        of_a.difference(&of_b).count(),
        of_b.difference(&of_a).count(),
    );
    Ok((only != (0, 0)).then(|| {
        format!(
            "the references differ, and {} contigs are in A only, {} in B only: if they are the same under other names, their alleles look new or gone",
            only.0, only.1
        )
    }))
}

/// Rules that cannot fire.
fn rule_warnings(
    rules: &[AlertRule],
    survey: &Survey,
    comparable: &Comparable,
) -> BTreeSet<String> {
    let mut warnings = BTreeSet::new();
    for rule in rules {
        let name = rule.name();
        if let Some(pattern) = rule.item() {
            let mut items = survey.items.iter().flatten();
            if !items.any(|item| fits(pattern, item)) {
                warnings.insert(format!(
                    "alert rule '{name}' fits no risk item of either run; check its item '{pattern}'"
                ));
            }
        }
        let cannot = match rule {
            AlertRule::NewPathogenic { .. } => !comparable.known || comparable.pairs.is_empty(),
            AlertRule::Reclassified { .. } => comparable.pairs.is_empty(),
            _ => false,
        };
        if cannot {
            warnings.insert(format!(
                "alert rule '{name}' cannot fire: what it looks at is not comparable in these runs"
            ));
        } else if rule.genes().is_some() && !comparable.consequences {
            warnings.insert(format!(
                "alert rule '{name}' names genes, and not both runs have consequences: alleles without a gene do not fire it"
            ));
        }
    }
    warnings
}

fn pair_warnings(comparable: &Comparable) -> Vec<String> {
    let renamed = comparable.pairs.iter().filter(|pair| pair.a != pair.b);
    renamed
        .map(|pair| {
            format!(
                "source '{}' of A is compared with '{}' of B, the only other one of kind clinvar",
                pair.a, pair.b
            )
        })
        .collect()
}
