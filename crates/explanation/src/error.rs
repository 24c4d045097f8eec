//! Why a model or a patient cannot be explained.

/// Why a model or a patient cannot be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplanationError {
    /// There are no columns to explain.
    #[error("a model with no columns has nothing to explain; give it at least one")]
    NoPlayers,
    /// A number between 0 and the last player is no column's player.
    #[error("player {player} has no column; number the players from 0 without gaps")]
    PlayerWithoutColumn {
        /// The player.
        player: usize,
    },
    /// The background has no row or no column.
    #[error("the background is empty; give at least one row of model input")]
    EmptyBackground,
    /// Widths differ.
    #[error(
        "{what} has {columns} columns where the players have {expected}; use the model's input for all of them"
    )]
    Columns {
        /// What is of another width.
        what: &'static str,
        /// Its columns.
        columns: usize,
        /// Columns of the players.
        expected: usize,
    },
    /// A value is missing or infinite where the method needs a number.
    #[error(
        "column {column} of {what} is not a finite number, which a linear model cannot take; impute it first"
    )]
    NotFinite {
        /// The patient or the background.
        what: &'static str,
        /// The column, from 0.
        column: usize,
    },
    /// The model does not have such an output.
    #[error("the model has {outputs} outputs, so there is no output {output}; number them from 0")]
    NoOutput {
        /// The output asked for.
        output: usize,
        /// Outputs of the model.
        outputs: usize,
    },
    /// Parts of a model do not fit.
    #[error("the model is inconsistent: {detail}; export it again")]
    Model {
        /// What does not fit.
        detail: String,
    },
    /// The graph has no such output.
    #[error("the graph has no output named '{name}'; it has {known}")]
    UnknownGraphOutput {
        /// The name asked for.
        name: String,
        /// Names that there are.
        known: String,
    },
    /// The graph is of another kind than the reader knows.
    #[error("the graph is not {kind}: {operator} {detail}; explain it by sampling")]
    Operator {
        /// What was looked for.
        kind: &'static str,
        /// The operator that ends the search.
        operator: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The graph as a whole is of another kind than the reader knows.
    #[error("the graph is not {kind}: {detail}; explain it by sampling")]
    Graph {
        /// What was looked for.
        kind: &'static str,
        /// What is in the way.
        detail: String,
    },
    /// A setting makes no sense.
    #[error("sampling setting '{setting}' is {value}; {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: usize,
        /// What it may be.
        remedy: String,
    },
    /// Base plus values is not the prediction.
    #[error(
        "base and values miss the prediction by {gap:e} where {limit:e} is allowed; please report this"
    )]
    NotAdditive {
        /// The difference.
        gap: f64,
        /// What is allowed.
        limit: f64,
    },
    /// The model gave another number of predictions than it was given rows.
    #[error("the model gave {predictions} predictions for {rows} rows; it must give one for each")]
    Predictions {
        /// Predictions given.
        predictions: usize,
        /// Rows asked for.
        rows: usize,
    },
    /// A prediction is not a number.
    #[error(
        "the model gave a prediction that is not a finite number for {what}; check its input and its weights"
    )]
    Prediction {
        /// What was predicted.
        what: &'static str,
    },
}

/// Why sampling stopped: our reasons, or the model's.
#[derive(Debug, thiserror::Error)]
pub enum SamplingError<E: std::error::Error + 'static> {
    /// The explanation cannot be made.
    #[error(transparent)]
    Explanation(#[from] ExplanationError),
    /// The model cannot predict.
    #[error("the model cannot predict the rows of an explanation")]
    Model {
        /// What the model says.
        source: E,
    },
}
