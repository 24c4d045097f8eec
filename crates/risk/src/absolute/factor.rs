//! Factors of a model: where a value comes from, and what it adds to the linear predictor.

use varisk_core::{Covariate, Patient, Reason, Sex};

/// The column name under which the recorded sex is found.
const SEX: &str = "sex";

/// A value of a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// On the scale of the log relative risk: units of the covariate, or standard deviations.
    Number(f64),
    /// Index of the category.
    Category(usize),
}

/// Where a patient's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// A feature of the run.
    Feature(String),
    /// A column of the samplesheet.
    Column(String),
}

/// A risk factor.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    pub(super) name: String,
    pub(super) origin: Origin,
    /// Whether a patient without a value has no risk.
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// What values a factor takes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Number(NumberFactor),
    Categories(CategoryFactor),
}

/// A number with one log relative risk.
#[derive(Clone, Debug)]
pub(super) struct NumberFactor {
    /// Index among the model's parameters.
    pub(super) parameter: usize,
    /// The raw value minus `centre`, over `scale`, is on the scale of the log relative risk.
    pub(super) centre: f64,
    pub(super) scale: f64,
    /// Valid raw values, both ends included.
    pub(super) range: Option<[f64; 2]>,
    /// Mean and standard deviation in the population, on the scale of the log relative risk.
    pub(super) normal: Option<[f64; 2]>,
    /// Index of the factor of family history that this score goes with.
    pub(super) family_history: Option<usize>,
}

/// Categories with a log relative risk each.
#[derive(Clone, Debug)]
pub(super) struct CategoryFactor {
    pub(super) categories: Vec<Category>,
    /// Where scores go with it: the category of a family history, and their parameters.
    pub(super) history: Option<History>,
}

#[derive(Clone, Debug)]
pub(super) struct Category {
    pub(super) value: String,
    /// Index among the model's parameters; `None` is the baseline, whose relative risk is 1.
    pub(super) parameter: Option<usize>,
    /// Share in the population, where no dataset says it.
    pub(super) share: f64,
}

/// A family history that goes with scores.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Index of the category that is a family history.
    pub(super) category: usize,
    /// Parameters of the scores.
    pub(super) scores: Vec<usize>,
}

/// A log relative risk of the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) log: f64,
    pub(super) standard_error: Option<f64>,
}

impl Factor {
    /// The value of a patient's covariate; `None` where the cell is empty.
    ///
    /// # Errors
    /// The value is outside the declared range or categories.
    pub(super) fn covariate(
        &self,
        column: &str,
        patient: &Patient,
    ) -> Result<Option<Value>, Reason> {
        if column == SEX {
            return match patient.sex {
                Sex::Unknown => Ok(None),
                sex => self.text(sex.name()).map(Some),
            };
        }
        match patient.covariates.get(column) {
            None => Ok(None),
            Some(Covariate::Number(number)) => self.number(*number).map(Some),
            Some(Covariate::Text(text)) => self.text(text).map(Some),
        }
    }

    /// The value that a number stands for.
    pub(super) fn number(&self, number: f64) -> Result<Value, Reason> {
        match &self.kind {
            Kind::Number(own) => own.value(number),
            Kind::Categories(own) => own.find(|value| value.parse::<f64>() == Ok(number)),
        }
    }

    /// The value that a text stands for.
    pub(super) fn text(&self, text: &str) -> Result<Value, Reason> {
        match &self.kind {
            Kind::Number(own) => match text.parse() {
                Ok(number) => own.value(number),
                Err(_) => Err(Reason::CovariateOutOfRange),
            },
            Kind::Categories(own) => own.find(|value| value == text).or_else(|reason| {
                // The samplesheet reads `01` as the number 1, and so does a reference dataset.
                let number = text.parse::<f64>().map_err(|_| reason)?;
                own.find(|value| value.parse::<f64>() == Ok(number))
            }),
        }
    }

    /// The factor as a number, if it is one.
    pub(super) fn as_number(&self) -> Option<&NumberFactor> {
        match &self.kind {
            Kind::Number(number) => Some(number),
            Kind::Categories(_) => None,
        }
    }

    /// Whether a value is the family history that scores go with.
    pub(super) fn is_history(&self, value: Value) -> bool {
        match (&self.kind, value) {
            (Kind::Categories(own), Value::Category(category)) => own
                .history
                .as_ref()
                .is_some_and(|history| history.category == category),
            _ => false,
        }
    }
}

impl NumberFactor {
    fn value(&self, raw: f64) -> Result<Value, Reason> {
        let inside = self
            .range
            .is_none_or(|[lower, upper]| (lower..=upper).contains(&raw));
        if inside && raw.is_finite() {
            Ok(Value::Number((raw - self.centre) / self.scale))
        } else {
            Err(Reason::CovariateOutOfRange)
        }
    }
}

impl CategoryFactor {
    fn find(&self, is_it: impl Fn(&str) -> bool) -> Result<Value, Reason> {
        self.categories
            .iter()
            .position(|category| is_it(&category.value))
            .map(Value::Category)
            .ok_or(Reason::CovariateUnknownCategory)
    }
}

/// A linear predictor and its derivative by each parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Predictor {
    pub(super) log: f64,
    pub(super) gradient: Vec<f64>,
}

impl Predictor {
    pub(super) fn zero(parameters: usize) -> Self {
        Self {
            log: 0.0,
            gradient: vec![0.0; parameters],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.log += other.log;
        for (own, more) in self.gradient.iter_mut().zip(&other.gradient) {
            *own += more;
        }
    }

    fn add_term(&mut self, parameters: &[Parameter], parameter: usize, value: f64) {
        if let (Some(effect), Some(own)) =
            (parameters.get(parameter), self.gradient.get_mut(parameter))
        {
            self.log += effect.log * value;
            *own += value;
        }
    }

    /// Adds what a value of a factor contributes.
    ///
    /// A family history that goes with scores counts for less by half the variance of the scores on
    /// the log scale, as in iCARE's SNP model: the rest of it is the score (Pal Choudhury et al.
    /// 2020, PLoS ONE 15:e0228198).
    pub(super) fn add_value(&mut self, parameters: &[Parameter], factor: &Factor, value: Value) {
        match (&factor.kind, value) {
            (Kind::Number(own), Value::Number(number)) => {
                self.add_term(parameters, own.parameter, number);
            }
            (Kind::Categories(own), Value::Category(category)) => {
                if let Some(parameter) = own.categories.get(category).and_then(|c| c.parameter) {
                    self.add_term(parameters, parameter, 1.0);
                }
                let history = own.history.as_ref().filter(|h| h.category == category);
                for score in history.iter().flat_map(|history| &history.scores) {
                    if let (Some(effect), Some(own)) =
                        (parameters.get(*score), self.gradient.get_mut(*score))
                    {
                        self.log -= 0.5 * effect.log * effect.log;
                        *own -= effect.log;
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds the population mean of a number whose value is not known. With a family history the
    /// mean of a score is higher by half its log relative risk: relatives share half of what makes
    /// a case's score higher.
    pub(super) fn add_mean(
        &mut self,
        parameters: &[Parameter],
        number: &NumberFactor,
        history: bool,
    ) {
        let mean = number.normal.map_or(0.0, |[mean, _]| mean);
        self.add_term(parameters, number.parameter, mean);
        if history
            && let (Some(effect), Some(own)) = (
                parameters.get(number.parameter),
                self.gradient.get_mut(number.parameter),
            )
        {
            self.log += 0.5 * effect.log * effect.log;
            *own += effect.log;
        }
    }
}

/// The part of the linear predictor that is normal and not known: its standard deviation and the
/// derivative of that by each parameter.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    pub(super) deviation: f64,
    pub(super) gradient: Vec<f64>,
    /// Quadrature nodes in standard deviations, with weights that sum to 1.
    pub(super) nodes: Vec<[f64; 2]>,
}

/// Distance of quadrature nodes in standard deviations.
const NODE_STEP: f64 = 0.25;
/// Half the width of the quadrature, beyond which the normal holds less than 1e-18.
const NODE_REACH: f64 = 9.0;

impl Spread {
    /// The sum of independent normal numbers.
    pub(super) fn of<'a>(
        numbers: impl Iterator<Item = &'a NumberFactor>,
        parameters: &[Parameter],
    ) -> Self {
        let mut gradient = vec![0.0; parameters.len()];
        let mut variance = 0.0;
        for number in numbers {
            let (Some([_, deviation]), Some(effect), Some(own)) = (
                number.normal,
                parameters.get(number.parameter),
                gradient.get_mut(number.parameter),
            ) else {
                continue;
            };
            variance += (effect.log * deviation).powi(2);
            *own = effect.log * deviation * deviation;
        }
        let deviation = variance.sqrt();
        if deviation > 0.0 {
            for own in &mut gradient {
                *own /= deviation;
            }
        }
        Self {
            deviation,
            gradient,
            nodes: nodes(deviation),
        }
    }
}

/// The trapezoidal rule, which converges faster than any power of the step for a normal density
/// times a smooth function. Steps shrink where `exp(deviation * u)` grows steep.
fn nodes(deviation: f64) -> Vec<[f64; 2]> {
    if deviation == 0.0 {
        return vec![[0.0, 1.0]];
    }
    let step = NODE_STEP / deviation.max(1.0);
    let count = ((NODE_REACH + 2.0 * deviation) / step).ceil();
    let mut nodes = Vec::new();
    let mut place = -count;
    while place <= count {
        let u = place * step;
        nodes.push([u, (-0.5 * u * u).exp()]);
        place += 1.0;
    }
    let sum: f64 = nodes.iter().map(|[_, weight]| weight).sum();
    for [_, weight] in &mut nodes {
        *weight /= sum;
    }
    nodes
}
