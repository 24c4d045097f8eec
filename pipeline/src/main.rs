//! The `varisk` program: arguments, plan, wiring of stages, messages, exit codes. No science.

mod ancestry_command;
mod annotate;
mod annotation;
mod arguments;
mod build_info;
mod checkpoint;
mod checks;
mod demo;
mod doctor;
mod drift;
mod evidence;
mod exit;
mod finding_columns;
mod finish;
mod fold_plan;
mod genome;
mod hash;
mod inputs;
mod knowledge_command;
mod learning;
mod limits;
mod log;
mod marks;
mod model_command;
mod plan;
mod print;
mod privacy;
mod reporting;
mod rows;
mod run;
mod scores;
mod settings;
mod shards;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Verb};
use exit::exit_code;
use log::Log;
use privacy::audit::AuditTrail;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors.
            let code = if error.use_stderr() { exit::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let log = Log::new(&arguments.logging);
    if arguments.verb.has_patients() {
        privacy::restrict(arguments.guard.file_access);
    }
    let code = match audited(arguments, &log) {
        Ok(code) => code,
        Err(error) => {
            log.error(&error);
            exit_code(&error)
        }
    };
    ExitCode::from(code)
}

/// Runs the verb between the two lines that an audit log gets of it.
fn audited(arguments: Arguments, log: &Log) -> anyhow::Result<u8> {
    let verb = arguments.verb.name();
    if arguments.verb.has_patients() {
        log.keep_audit(AuditTrail::begin(&arguments.guard, verb)?);
    }
    let done = dispatch(arguments, log);
    let (code, has_failed) = match &done {
        Ok(code) => (*code, false),
        Err(error) => (exit_code(error), true),
    };
    if let Some(trail) = log.take_audit() {
        match (trail.end(code, has_failed), &done) {
            // What was done is done; that it could not be noted is the error.
            (Err(error), Ok(_)) => return Err(error),
            (Err(error), Err(_)) => log.error(&error),
            (Ok(()), _) => {}
        }
    }
    done
}

fn dispatch(arguments: Arguments, log: &Log) -> anyhow::Result<u8> {
    let guard = arguments.guard;
    match arguments.verb {
        Verb::Run(arguments) => run::command(&arguments, plan::Purpose::Run, log),
        Verb::Score(arguments) => run::command(&arguments, plan::Purpose::Score, log),
        Verb::Prs(arguments) => run::command(&arguments, plan::Purpose::Prs, log),
        Verb::Ancestry(arguments) => ancestry_command::command(&arguments, log),
        Verb::Annotate(arguments) => annotate::command(&arguments, log),
        Verb::Evidence(arguments) => evidence::command(&arguments, log),
        Verb::Knowledge(arguments) => knowledge_command::command(&arguments, log),
        Verb::Train(arguments) => learning::train::command(&arguments, log),
        Verb::Evaluate(arguments) => learning::evaluate::command(&arguments, log),
        Verb::Explain(arguments) => learning::explain::command(&arguments, log),
        Verb::Calibrate(arguments) => learning::calibrate::command(&arguments, log),
        Verb::Plan(arguments) => shards::command(&arguments, log),
        Verb::Merge(arguments) => shards::merge::command(&arguments, log),
        Verb::Report(arguments) => reporting::report::command(&arguments, log),
        // Its exit code tells a scheduler whether somebody has to look.
        Verb::Diff(arguments) => return reporting::diff::command(&arguments, log),
        Verb::Deidentify(arguments) => privacy::deidentify::command(&arguments, log),
        Verb::Export(arguments) => privacy::export::command(&arguments, log),
        Verb::Key(arguments) => privacy::key_command(&arguments),
        Verb::Audit(arguments) => privacy::audit::command(&arguments, &guard),
        Verb::Model(arguments) => model_command::command(&arguments),
        Verb::Doctor(arguments) => doctor::command(&arguments),
        Verb::Demo(arguments) => demo::command(&arguments, log),
        Verb::Completions { shell } => arguments::print_completions(shell),
        Verb::Man => arguments::print_man(),
    }?;
    Ok(0)
}
