//! The command lines that users run, against an emulator of its own process over loopback HTTP whose
//! transitions take no time.

use serde::Deserialize;

use super::process::{Program, Served};
use super::table::{Least, Row, Table};
use super::{Bench, Directory};
use crate::bench::needs::Step;
use crate::bench::shape::Stage;
use crate::command::failure::Failure;

/// Of what `natform emulator calls -json` prints.
#[derive(Debug, Deserialize)]
struct Calls {
    counts: std::collections::BTreeMap<String, Counts>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    calls: u64,
}

/// What is run, one after the other.
struct Phase {
    title: &'static str,
    stage: Stage,
    command: &'static [&'static str],
    least: Least,
}

const PHASES: [Phase; 5] = [
    Phase { title: "plan all new", stage: Stage::WHOLE, command: &["plan"], least: Least::Nothing },
    Phase {
        title: "apply",
        stage: Stage::WHOLE,
        command: &["apply", "-auto-approve"],
        least: Least::Step(Step::Create),
    },
    Phase {
        title: "refresh, empty plan",
        stage: Stage::WHOLE,
        command: &["plan"],
        least: Least::Reads,
    },
    Phase {
        title: "plan one change",
        stage: Stage::ONE_MOVED,
        command: &["plan"],
        least: Least::Reads,
    },
    Phase {
        title: "destroy",
        stage: Stage::WHOLE,
        command: &["destroy", "-auto-approve"],
        least: Least::ReadsAndStep(Step::Destroy),
    },
];

/// Measures all phases.
pub(super) fn run(bench: &Bench<'_>, table: &mut Table<'_>) -> Result<(), Failure> {
    let directory = Directory::new(bench.session)?;
    let program = Program::new(directory.path())?;
    let served = program.serve("instant")?;
    let world = directory.write_world(&bench.shape)?;
    let address = format!("-address={}", served.url);
    program.run(&["emulator", "load", &address, &world.display().to_string()], false)?;
    let parallelism = format!("-parallelism={}", bench.arguments.parallelism);
    let mut before = calls(&program, &served)?;
    for phase in PHASES {
        bench.tell(phase.title);
        directory.write_configuration(&bench.shape, phase.stage, &served.url)?;
        let arguments: Vec<&str> =
            phase.command.iter().copied().chain([parallelism.as_str()]).collect();
        let (took, _) = program.run(&arguments, false)?;
        let after = calls(&program, &served)?;
        table.add(Row::real(&bench.shape, phase.title, took, after - before, phase.least));
        before = after;
    }
    Ok(())
}

/// Returns how many calls the emulator has had.
fn calls(program: &Program, served: &Served) -> Result<u64, Failure> {
    let address = format!("-address={}", served.url);
    let (_, text) = program.run(&["emulator", "calls", "-json", "-limit=1", &address], true)?;
    let calls: Calls = serde_json::from_str(&text).map_err(std::io::Error::from)?;
    Ok(calls.counts.values().map(|counts| counts.calls).sum())
}
