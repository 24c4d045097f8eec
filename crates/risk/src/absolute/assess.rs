//! Risks of the patients of a run.

use std::collections::BTreeMap;

use varisk_core::{FeatureTable, Patient, Reason, Sex};

use super::bins::Bins;
use super::design::Design;
use super::factor::{Factor, Origin, Predictor, Spread, Value};
use super::interval::bounds;
use super::population::{Row, add_means, has_history};
use super::span::Span;
use super::strata::Stratum;
use super::{AbsoluteRisk, AbsoluteRiskOutcome, RiskCurve};

/// What a patient is known to have.
struct Known<'a> {
    stratum: usize,
    /// One for each factor; `None` is missing.
    values: Vec<Option<Value>>,
    /// Sum over factors that are independent of the rows of the population.
    free: Predictor,
    /// Whether `free` holds a factor.
    has_free: bool,
    /// Those independent factors of which no value is known.
    missing_free: Vec<&'a Factor>,
    spread: Spread,
    /// The persons who stand for the patient, unless all factors that rows hold are known.
    like: Option<Like>,
}

/// Rows of the population that stand for a patient.
struct Like {
    rows: Vec<usize>,
    /// Differs where rows do.
    key: Vec<u64>,
}

/// A risk with its derivatives by the parameters.
#[derive(Clone)]
struct Slope {
    risk: f64,
    gradient: Vec<f64>,
    /// The risk up to the end of each year of the interval; the last is `risk` itself.
    years: Vec<f64>,
}

impl Slope {
    fn zero(parameters: usize, [start, end]: [u16; 2]) -> Self {
        Self {
            risk: 0.0,
            gradient: vec![0.0; parameters],
            years: vec![0.0; usize::from(end.saturating_sub(start))],
        }
    }
}

/// Stratum, interval and key of [`Like`].
type CacheKey = (usize, [u16; 2], Vec<u64>);

/// Assesses patients one after another. What it remembers depends on the model alone, so a result
/// does not depend on who else is in the run.
pub(super) struct Assessor<'a> {
    design: &'a Design,
    strata: &'a [Stratum],
    age_column: Option<&'a str>,
    features: &'a FeatureTable,
    /// By stratum and which factors are known.
    bins: BTreeMap<(usize, Vec<bool>), Bins>,
    /// Averages over persons that hold for every patient alike.
    averages: BTreeMap<CacheKey, Slope>,
}

impl<'a> Assessor<'a> {
    pub(super) fn new(
        design: &'a Design,
        strata: &'a [Stratum],
        age_column: Option<&'a str>,
        features: &'a FeatureTable,
    ) -> Self {
        Self {
            design,
            strata,
            age_column,
            features,
            bins: BTreeMap::new(),
            averages: BTreeMap::new(),
        }
    }

    /// One outcome for each span. `place` is that of the patient in the run.
    pub(super) fn assess(
        &mut self,
        place: usize,
        patient: &Patient,
        spans: &[Span],
    ) -> Vec<AbsoluteRiskOutcome> {
        let known = self.known(place, patient);
        let missing_factors: Vec<String> = match &known {
            Err(_) => Vec::new(),
            Ok(known) => known
                .values
                .iter()
                .zip(&self.design.factors)
                .filter(|(value, _)| value.is_none())
                .map(|(_, factor)| factor.name.clone())
                .collect(),
        };
        let outcome = |span: &Span| {
            let risk = match &known {
                Err(reason) => Err(*reason),
                Ok(known) => self.risk(known, *span, patient),
            };
            let (risk, curve) = match risk {
                Ok((risk, curve)) => (Ok(risk), Some(curve)),
                Err(reason) => (Err(reason), None),
            };
            AbsoluteRiskOutcome {
                risk,
                curve,
                missing_factors: missing_factors.clone(),
            }
        };
        spans.iter().map(outcome).collect()
    }

    fn stratum(&self, sex: Sex) -> Result<usize, Reason> {
        let find = |sex| self.strata.iter().position(|stratum| stratum.sex == sex);
        match (find(None), sex) {
            (Some(place), _) => Ok(place),
            (None, Sex::Unknown) => Err(Reason::SexUnknown),
            (None, sex) => find(Some(sex)).ok_or(Reason::CovariateUnknownCategory),
        }
    }

    fn values(&self, place: usize, patient: &Patient) -> Result<Vec<Option<Value>>, Reason> {
        let value = |factor: &Factor| match &factor.origin {
            Origin::Feature(name) => {
                let value = self
                    .features
                    .get(name)
                    .and_then(|values| values.get(place).copied());
                match value {
                    Some(Ok(number)) => factor.number(number).map(Some),
                    _ if factor.required => Err(Reason::ScoreNotComputed),
                    _ => Ok(None),
                }
            }
            Origin::Column(column) => match factor.covariate(column, patient)? {
                None if factor.required => Err(Reason::CovariateMissing),
                value => Ok(value),
            },
        };
        self.design.factors.iter().map(value).collect()
    }

    fn known(&mut self, place: usize, patient: &Patient) -> Result<Known<'a>, Reason> {
        let design = self.design;
        let stratum = self.stratum(patient.sex)?;
        let values = self.values(place, patient)?;
        let own = self.strata.get(stratum).ok_or(Reason::SexUnknown)?;
        let mut free = Predictor::zero(design.parameters.len());
        let mut has_free = false;
        let mut missing_free = Vec::new();
        let held = &own.population.held;
        for ((factor, value), held) in design.factors.iter().zip(&values).zip(held) {
            match value {
                _ if *held => {}
                None => missing_free.push(factor),
                Some(value) => {
                    has_free = true;
                    free.add_value(&design.parameters, factor, *value);
                }
            }
        }
        let spread = Spread::of(
            missing_free.iter().filter_map(|factor| factor.as_number()),
            &design.parameters,
        );
        let all = values
            .iter()
            .zip(held)
            .all(|(value, held)| value.is_some() || !held);
        let like = (!all).then(|| self.like(stratum, own, &values));
        Ok(Known {
            stratum,
            values,
            free,
            has_free,
            missing_free,
            spread,
            like,
        })
    }

    /// The rows that stand for a patient of whom not all that rows hold is known.
    fn like(&mut self, place: usize, stratum: &Stratum, values: &[Option<Value>]) -> Like {
        let population = &stratum.population;
        let seen: Vec<bool> = values
            .iter()
            .zip(&population.held)
            .map(|(value, held)| *held && value.is_some())
            .collect();
        if !seen.contains(&true) {
            return Like {
                rows: (0..population.rows.len()).collect(),
                key: Vec::new(),
            };
        }
        if !population.empirical {
            let agrees = |row: &Row| {
                let pairs = row.values.iter().zip(values).zip(&seen);
                pairs
                    .into_iter()
                    .all(|((own, value), seen)| !seen || own == value)
            };
            let rows = (0..population.rows.len())
                .filter(|row| agrees(&population.rows[*row]))
                .collect();
            let key = |(value, seen): (&Option<Value>, &bool)| match value {
                Some(Value::Category(category)) if *seen => *category as u64 + 1,
                _ => 0,
            };
            return Like {
                rows,
                key: values.iter().zip(&seen).map(key).collect(),
            };
        }
        let design = self.design;
        let score = |values: &[Option<Value>]| {
            let mut predictor = Predictor::zero(design.parameters.len());
            for ((factor, value), seen) in design.factors.iter().zip(values).zip(&seen) {
                if let (Some(value), true) = (value, *seen) {
                    predictor.add_value(&design.parameters, factor, *value);
                }
            }
            predictor.log
        };
        let bins = self.bins.entry((place, seen.clone())).or_insert_with(|| {
            let scores = population.rows.iter().map(|row| score(&row.values));
            let weights: Vec<f64> = population.rows.iter().map(|row| row.weight).collect();
            Bins::new(scores.collect(), &weights)
        });
        let bin = bins.bin(score(values));
        let mut key: Vec<u64> = seen.iter().map(|seen| u64::from(*seen)).collect();
        key.push(bin as u64);
        Like {
            rows: bins.persons(bin),
            key,
        }
    }

    fn risk(
        &mut self,
        known: &Known<'_>,
        span: Span,
        patient: &Patient,
    ) -> Result<(AbsoluteRisk, RiskCurve), Reason> {
        let strata = self.strata;
        let stratum = strata.get(known.stratum).ok_or(Reason::SexUnknown)?;
        let [start, end] = span.place(stratum, self.age_column, patient)?;
        let slope = match &known.like {
            None => self.own(stratum, known, [start, end]),
            Some(like) if known.has_free => self.average(stratum, known, like, [start, end]),
            Some(like) => {
                let key = (known.stratum, [start, end], like.key.clone());
                match self.averages.get(&key) {
                    Some(slope) => slope.clone(),
                    None => {
                        let slope = self.average(stratum, known, like, [start, end]);
                        self.averages.insert(key, slope.clone());
                        slope
                    }
                }
            }
        };
        let zero = Predictor::zero(0);
        let mut population = Slope::zero(0, [start, end]);
        let population_risk =
            stratum
                .average
                .risk(start, end, &zero, 1.0, &mut [], &mut population.years);
        if !slope.risk.is_finite() || slope.gradient.iter().any(|slope| !slope.is_finite()) {
            return Err(Reason::NonFiniteScore);
        }
        // A sum of yearly hazards can exceed 1 where they are large.
        let risk = slope.risk.min(1.0);
        let curve = RiskCurve::new([start, end], &slope.years, &population.years);
        let risk = AbsoluteRisk {
            risk,
            interval: bounds(risk, &slope.gradient, &self.design.parameters),
            age_start: start,
            age_end: end,
            population_risk: population_risk.min(1.0),
        };
        Ok((risk, curve))
    }

    /// From the patient's own values alone, over what is normal and not known.
    fn own(&self, stratum: &Stratum, known: &Known<'_>, ages: [u16; 2]) -> Slope {
        let design = self.design;
        let mut predictor = known.free.clone();
        let held = &stratum.population.held;
        for ((factor, value), held) in design.factors.iter().zip(&known.values).zip(held) {
            if let (Some(value), true) = (value, *held) {
                predictor.add_value(&design.parameters, factor, *value);
            }
        }
        self.add_missing(&mut predictor, known, &known.values);
        over_spread(stratum, &known.spread, predictor, ages)
    }

    /// Averaged over the rows that stand for the patient.
    fn average(&self, stratum: &Stratum, known: &Known<'_>, like: &Like, ages: [u16; 2]) -> Slope {
        let parameters = self.design.parameters.len();
        let mut sum = Slope::zero(parameters, ages);
        let mut weights = 0.0;
        let mut weight_gradient = vec![0.0; parameters];
        for row in like
            .rows
            .iter()
            .filter_map(|row| stratum.population.rows.get(*row))
        {
            if row.weight == 0.0 {
                continue;
            }
            let mut predictor = known.free.clone();
            predictor.add(&row.predictor);
            self.add_missing(&mut predictor, known, &row.values);
            let likelihood = self.likelihood(known, row);
            let weight = row.weight * likelihood.log.exp();
            let own = over_spread(stratum, &known.spread, predictor, ages);
            weights += weight;
            sum.risk += weight * own.risk;
            for (sum, year) in sum.years.iter_mut().zip(&own.years) {
                *sum += weight * year;
            }
            let more = own.gradient.iter().zip(&likelihood.gradient);
            let sums = sum.gradient.iter_mut().zip(&mut weight_gradient);
            for ((sum, weight_sum), (slope, likelier)) in sums.zip(more) {
                *sum += weight * (slope + own.risk * likelier);
                *weight_sum += weight * likelier;
            }
        }
        sum.risk /= weights;
        sum.years.iter_mut().for_each(|year| *year /= weights);
        for (own, weight) in sum.gradient.iter_mut().zip(weight_gradient) {
            *own = (*own - sum.risk * weight) / weights;
        }
        sum
    }

    fn add_missing(&self, predictor: &mut Predictor, known: &Known<'_>, values: &[Option<Value>]) {
        add_means(
            predictor,
            &known.missing_free,
            &self.design.factors,
            &self.design.parameters,
            values,
        );
    }

    /// How much likelier the patient's scores are with a row's family history than without one, as a
    /// logarithm with its derivatives: the ratio of two normal densities.
    fn likelihood(&self, known: &Known<'_>, row: &Row) -> Predictor {
        let parameters = &self.design.parameters;
        let mut likelihood = Predictor::zero(parameters.len());
        for (factor, value) in self.design.factors.iter().zip(&known.values) {
            let (Some(number), Some(Value::Number(z))) = (factor.as_number(), value) else {
                continue;
            };
            let history = number
                .family_history
                .is_some_and(|place| has_history(&self.design.factors, &row.values, place));
            if let (true, Some(effect)) = (history, parameters.get(number.parameter)) {
                let shift = 0.5 * effect.log;
                likelihood.log += shift * z - 0.5 * shift * shift;
                likelihood.gradient[number.parameter] += 0.5 * (z - shift);
            }
        }
        likelihood
    }
}

/// The mean risk over what is normal and not known.
fn over_spread(
    stratum: &Stratum,
    spread: &Spread,
    mut predictor: Predictor,
    ages: [u16; 2],
) -> Slope {
    let [start, end] = ages;
    let mut slope = Slope::zero(predictor.gradient.len(), ages);
    let centre = predictor.clone();
    for [u, weight] in &spread.nodes {
        predictor.log = centre.log + spread.deviation * u;
        let moved = predictor.gradient.iter_mut().zip(&centre.gradient);
        for ((own, centre), direction) in moved.zip(&spread.gradient) {
            *own = centre + u * direction;
        }
        let (gradient, years) = (&mut slope.gradient, &mut slope.years);
        let risk = stratum
            .hazards
            .risk(start, end, &predictor, *weight, gradient, years);
        slope.risk += weight * risk;
    }
    slope
}
