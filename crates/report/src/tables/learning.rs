//! Tables of learning: predictions of rows that were left out, metrics, curves, explanations.

use super::Table;
use crate::column::Kind::{Bool, F64, Text, U32, U64};
use crate::column::{optional, required};

impl Table {
    /// Predictions of a cross-validation.
    pub const PREDICTIONS: Self = Self {
        name: "predictions",
        meaning: "a row for each patient with an outcome and each output of the model, predicted by a model that was not trained on the patient; sorted by patient, then output",
        columns: &[
            required("patient", Text, "patient identifier"),
            required("output", Text, "output of the model"),
            required(
                "fold",
                U32,
                "outer fold that the patient was tested in, from 1",
            ),
            required(
                "value",
                F64,
                "the prediction: a probability, a risk until a horizon, or a log hazard",
            ),
            required(
                "outcome",
                F64,
                "1 where it happened (the event, or this class), else 0",
            ),
            optional(
                "time",
                F64,
                "time of the event or of the end of observation; null without times",
            ),
        ],
    };

    /// Predictions of variants that were left out of training.
    pub const VARIANT_PREDICTIONS: Self = Self {
        name: "variant_predictions",
        meaning: "a row for each variant that a variant model was tested on, in the order of the data",
        columns: &[
            required("contig", Text, "contig, by the reference's name"),
            required(
                "position",
                U32,
                "position of the normalised allele, 1-based",
            ),
            required("ref", Text, "normalised REF"),
            required("alt", Text, "normalised ALT"),
            optional(
                "gene",
                Text,
                "genes of the variant, several with semicolons; null without one",
            ),
            optional(
                "term",
                Text,
                "what the baseline knows of the variant: the term of its chosen consequence, or its class where there are no consequences",
            ),
            required("fold", U32, "fold that tested the variant, from 1"),
            required(
                "value",
                F64,
                "probability by a model that has not seen the variant, nor others of its gene or contig as the split has it; calibrated on the other folds where the model is calibrated",
            ),
            required(
                "baseline",
                F64,
                "share of pathogenic variants among those with the same term in the training part of the fold, weighted as the model is",
            ),
            required(
                "pathogenic",
                Bool,
                "whether the variant is labelled pathogenic",
            ),
        ],
    };

    /// What of the sequence and the annotations around a variant its score rests on.
    pub const VARIANT_EXPLANATIONS: Self = Self {
        name: "variant_explanations",
        meaning: "a row for each explained allele, output and change of what the model sees; alleles in the order of the input",
        columns: &[
            required("contig", Text, "contig, by the reference's name"),
            required(
                "position",
                U32,
                "position of the normalised allele, 1-based",
            ),
            required("ref", Text, "normalised REF"),
            required("alt", Text, "normalised ALT"),
            required("output", Text, "output of the model"),
            required(
                "method",
                Text,
                "mutagenesis (one base of the reference is another one, for both alleles) or occlusion (bases of the reference are N, for both alleles)",
            ),
            required("start", U32, "first changed base, 1-based"),
            required("end", U32, "last changed base, 1-based"),
            optional(
                "base",
                Text,
                "what stands there instead, with mutagenesis; null with occlusion",
            ),
            required("score", F64, "score of the allele as it is"),
            optional(
                "changed",
                F64,
                "score with the change; null where there is none, such as one that is no number",
            ),
            optional(
                "change",
                F64,
                "changed - score: what the bases contribute is its opposite",
            ),
        ],
    };

    /// Metrics of predictions.
    pub const METRICS: Self = Self {
        name: "metrics",
        meaning: "a row for each metric, of all patients first, then of each value of each column of groups",
        columns: &[
            required("metric", Text, "name of the metric"),
            optional(
                "class",
                Text,
                "class, of a metric of one of several classes",
            ),
            optional("time", F64, "time, of a metric at a time"),
            optional(
                "threshold",
                F64,
                "a probability of at least this counts as a prediction that it happens",
            ),
            optional("bins", U32, "number of bins, of a calibration error"),
            optional(
                "group_column",
                Text,
                "column whose values are groups; null for all patients",
            ),
            optional(
                "group",
                Text,
                "its value; null for all patients, and for those without a value",
            ),
            optional("value", F64, "the metric; null where it is undefined"),
            optional(
                "lower",
                F64,
                "lower end of its 95 % bootstrap percentile interval; null where it is undefined in half of the resamples or more",
            ),
            optional("upper", F64, "upper end of that interval"),
            required("patients", U64, "patients"),
            optional(
                "events",
                U64,
                "patients in whom it happened (the event, or this class); null of a metric over several classes",
            ),
            required(
                "undefined_resamples",
                U64,
                "resamples in which the metric is undefined; the interval is of the others",
            ),
            optional("reason", Text, "why there is no value"),
        ],
    };

    /// Differences of metrics between groups.
    pub const GAPS: Self = Self {
        name: "gaps",
        meaning: "a row for each metric and group other than the reference: the group's metric less that of the reference group, the largest of the column",
        columns: &[
            required("metric", Text, "name of the metric"),
            optional(
                "class",
                Text,
                "class, of a metric of one of several classes",
            ),
            optional("time", F64, "time, of a metric at a time"),
            required("group_column", Text, "column whose values are groups"),
            optional(
                "group",
                Text,
                "the group; null for patients without a value",
            ),
            optional(
                "reference",
                Text,
                "the group that it is compared with; null for patients without a value",
            ),
            optional("value", F64, "the difference; null where it is undefined"),
            optional(
                "lower",
                F64,
                "lower end of its 95 % bootstrap percentile interval, both groups resampled",
            ),
            optional("upper", F64, "upper end of that interval"),
            optional("reason", Text, "why there is no value"),
        ],
    };

    /// Curves of predictions and of training.
    pub const CURVES: Self = Self {
        name: "curves",
        meaning: "a row for each point of each curve, in the order of the points",
        columns: &[
            required(
                "curve",
                Text,
                "roc, precision_recall, calibration_equal_width, calibration_equal_count, decision_model, decision_treat_all, decision_treat_none, survival, learning_training or learning_stopping",
            ),
            optional(
                "series",
                Text,
                "the class, of a curve of one of several classes; the family, of a learning curve",
            ),
            required(
                "x",
                F64,
                "false positive rate, recall, mean predicted probability, threshold probability, time, or epoch or round",
            ),
            required(
                "y",
                F64,
                "true positive rate, precision, observed share, net benefit, share free of the event, or loss",
            ),
            optional(
                "lower",
                F64,
                "lower end of the 95 % interval of y, of calibration and survival",
            ),
            optional("upper", F64, "upper end of that interval"),
            optional(
                "threshold",
                F64,
                "of ROC and precision-recall: patients with at least this probability count as predicted; null where nobody does",
            ),
            optional(
                "patients",
                U64,
                "patients of the bin of a calibration, or at risk",
            ),
            optional("events", U64, "those in whom it happened"),
        ],
    };

    /// Shapley values.
    pub const EXPLANATIONS: Self = Self {
        name: "explanations",
        meaning: "a row for each patient, output and predictor: what the predictor's value moves the prediction by, against the background; sorted by patient, output, rank",
        columns: &[
            required("patient", Text, "patient identifier"),
            required(
                "output",
                Text,
                "output of the model; of a run MODEL.OUTPUT, the item of risk.parquet",
            ),
            required(
                "rank",
                U32,
                "1 for the predictor with the greatest contribution, up or down",
            ),
            required("predictor", Text, "column or feature"),
            optional(
                "value",
                Text,
                "its value in the patient; null where it is missing",
            ),
            required(
                "contribution",
                F64,
                "its Shapley value, in units of 'scale'; contributions and base add up to the prediction",
            ),
            optional(
                "standard_error",
                F64,
                "of a sampled contribution; null where it is exact",
            ),
            required("base", F64, "mean prediction of the background"),
            required("prediction", F64, "prediction of the patient"),
            required(
                "scale",
                Text,
                "what is added up: log_odds, logit, log_hazard or output",
            ),
            required("method", Text, "linear, tree, enumeration or sampling"),
        ],
    };

    /// Permutation importance of predictors.
    pub const IMPORTANCE: Self = Self {
        name: "importance",
        meaning: "a row for each output and predictor of a bundle: how much worse the output ranks patients when the predictor's values are permuted among them; in the order of outputs, then of the predictors in the manifest. Written with --importance",
        columns: &[
            required("output", Text, "output of the model"),
            required("predictor", Text, "column or feature"),
            required(
                "metric",
                Text,
                "what says how well patients are ranked: auroc (of a class against the others), or concordance of times",
            ),
            optional(
                "value",
                F64,
                "the metric as it is; null where it is undefined",
            ),
            optional(
                "importance",
                F64,
                "the metric less its mean over the permutations, below 0 where chance makes it greater; null where it is undefined",
            ),
            optional(
                "standard_error",
                F64,
                "of that mean over the permutations, not over patients; null of a single one",
            ),
            required("repeats", U32, "permutations"),
            required("patients", U64, "patients"),
            optional("reason", Text, "why there is no value"),
        ],
    };
}
