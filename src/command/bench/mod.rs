//! `bench`: what plan, apply, refresh and destroy cost at some sizes, and how near to the least
//! possible that is. Each phase is a process of its own, whose memory is its own.

pub mod arguments;
mod process;
mod real;
mod table;
mod virtually;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arguments::{Bench as Arguments, StepName, Way};
use process::Program;
use table::{Row, Table};

use super::Session;
use super::failure::{Exit, Failure};
use crate::bench::shape::{Shape, Stage};
use crate::bench::text;
use crate::diagnostic::Diagnostic;

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(step) = arguments.step {
        virtually::run(session, arguments, step)?;
        return Ok(Exit::Done);
    }
    if arguments.rate.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
        return Err(Failure::of(
            Diagnostic::error("flags", "`-rate` is no number of requests a second")
                .help("give a number above 0, or leave it out"),
        ));
    }
    let mut table = Table::new(arguments);
    for size in &arguments.sizes {
        let shape = shape(arguments, *size)?;
        let bench = Bench { session, arguments, shape };
        if arguments.only != Some(Way::Virtual) {
            real::run(&bench, &mut table)?;
        }
        if arguments.only != Some(Way::Real) {
            bench.virtually(&mut table)?;
        }
    }
    // Not sooner: this process must stay small while others are measured.
    table.find_least_calls();
    if arguments.json {
        session.print_json(&table.document())?;
    } else {
        session.terminal.print(&table.text())?;
    }
    let exceeded = table.exceeded(arguments);
    if exceeded.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::of(
        Diagnostic::error("bench-exceeded", "more was used than is allowed")
            .detail(exceeded.join("\n"))
            .help("see `-most-ratio` and `-most-calls`"),
    ))
}

/// Returns the shape of a size.
fn shape(arguments: &Arguments, size: u64) -> Result<Shape, Failure> {
    Shape::new(size, arguments.entries, arguments.snat).ok_or_else(|| {
        Failure::of(
            Diagnostic::error("bench-shape", "no table takes so many entries")
                .detail("A DNAT table takes 100 entries, an SNAT table 40.")
                .help("say fewer with `-entries`, or another part of them with `-snat`"),
        )
    })
}

/// One size to measure.
struct Bench<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    shape: Shape,
}

impl Bench<'_> {
    /// Says what is going on.
    fn tell(&self, what: &str) {
        self.session.terminal.report(&format!("{} instances: {what}\n", self.shape.instances()));
    }

    /// Carries out all steps in virtual time.
    fn virtually(&self, table: &mut Table<'_>) -> Result<(), Failure> {
        let directory = Directory::new(self.session)?;
        directory.write_world(&self.shape)?;
        let program = Program::new(directory.path())?;
        for name in StepName::ALL {
            if name == StepName::Replace && self.shape.forwards == 0 {
                continue;
            }
            let stage = match name {
                StepName::Create | StepName::Fill => Stage::WHOLE,
                StepName::Modify => Stage::MOVED,
                StepName::Replace => Stage::RENAMED,
                StepName::Empty => Stage::PARENTS,
                StepName::Rebuild | StepName::Destroy => Stage::ELSEWHERE,
            };
            directory.write_configuration(&self.shape, stage, "emulator")?;
            self.tell(&format!("{}, in virtual time", name.title()));
            let arguments = self.step_arguments(name);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let (took, text) = program.run(&arguments, true)?;
            let came = serde_json::from_str(&text).map_err(|error| {
                Failure::of(
                    Diagnostic::error("bench-failed", format!("a step answered: {error}"))
                        .help("report this"),
                )
            })?;
            table.add(Row::virtual_step(&self.shape, name, took, &came));
        }
        Ok(())
    }

    fn step_arguments(&self, name: StepName) -> Vec<String> {
        let given = self.arguments;
        let mut arguments = vec![
            "bench".to_owned(),
            self.shape.instances().to_string(),
            format!("-entries={}", given.entries),
            format!("-snat={}", given.snat),
            format!("-parallelism={}", given.parallelism),
            format!("-answer={}ms", given.answer.as_millis()),
            format!("-timing={}", self.timing()),
            format!("-step={}", name.name()),
        ];
        arguments.extend(given.rate.map(|rate| format!("-rate={rate}")));
        arguments
    }

    /// Returns the timing as a process in another directory understands it.
    fn timing(&self) -> String {
        let name = &self.arguments.timing;
        if crate::emulator::Timings::NAMES.contains(&name.as_str()) {
            return name.clone();
        }
        self.session.environment.working_directory.join(name).display().to_string()
    }
}

/// A directory that is removed with this.
struct Directory(PathBuf);

impl Directory {
    fn new(session: &Session) -> Result<Self, Failure> {
        let name = format!("natform-bench-{}", session.environment.ids.next());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    fn write_configuration(
        &self,
        shape: &Shape,
        stage: Stage,
        endpoint: &str,
    ) -> Result<(), Failure> {
        let mut out = BufWriter::new(File::create(self.0.join("main.nat.hcl"))?);
        text::write_configuration(shape, stage, endpoint, &mut out)?;
        Ok(out.flush()?)
    }

    fn write_world(&self, shape: &Shape) -> Result<PathBuf, Failure> {
        let path = self.0.join(virtually::WORLD);
        let mut out = BufWriter::new(File::create(&path)?);
        text::write_world(shape, &mut out)?;
        out.flush()?;
        Ok(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
