//! One run: a configuration, one or more deaths, the run after them, and what must hold then.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::configuration::Configuration;
use crate::death::{self, Kind};
use crate::dice::Dice;
use crate::recording;
use crate::service::Service;
use crate::{Failed, binary};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Death came, and all was well afterwards.
    AfterDeath,
    /// Death came too late; all was well.
    Alive,
    /// This machine has no such death.
    Impossible,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A run under way.
pub(crate) struct Life {
    pub(crate) service: Service,
    pub(crate) configuration: Configuration,
    pub(crate) directory: PathBuf,
    pub(crate) workspace: PathBuf,
    mounted: bool,
}

/// Longer than any of these runs takes.
const LONGEST: u32 = 180;

const APPLY: &[&str] = &["apply", "-auto-approve", "-no-color"];

/// Lives through one seed.
pub(crate) fn live(kind: Kind, seed: u64) -> Result<Ended, Failed> {
    let mut dice = Dice::new(seed);
    let name = format!("natform-kills-{}-{seed}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let mut life = Life::begin(&directory, &mut dice)?;
    let ended = life.lives(kind, &mut dice);
    match ended {
        Ok(ended) => {
            life.end()?;
            Ok(ended)
        }
        Err(Failed(why)) => Err(Failed(format!("{why}\n(kept in {})", life.directory.display()))),
    }
}

impl Life {
    /// Starts a service beside a workspace.
    pub(crate) fn begin(directory: &Path, dice: &mut Dice) -> Result<Self, Failed> {
        let workspace = directory.join("work");
        std::fs::create_dir_all(&workspace)?;
        let service = Service::start(&directory.join("service"), dice)?;
        let configuration = Configuration::draw(dice, service.most_gateways());
        let directory = directory.to_owned();
        Ok(Self { service, configuration, directory, workspace, mounted: false })
    }

    /// Takes everything away.
    pub(crate) fn end(&mut self) -> Result<(), Failed> {
        self.unmount();
        Ok(std::fs::remove_dir_all(&self.directory)?)
    }

    /// Applies the configuration while a recorder writes down what is done to files.
    pub(crate) fn recorded_apply(&self, recorder: &Path, log: &Path) -> Result<(), Failed> {
        self.write()?;
        let mut command = self.command(APPLY);
        command
            .env("LD_PRELOAD", recorder)
            .env("RECORDER_ROOT", &self.workspace)
            .env("RECORDER_LOG", log);
        let child = self.spawn(&mut command)?;
        let run = self.wait(child)?;
        if run.code == Some(0) { Ok(()) } else { Err(Failed(format!("{run:?}"))) }
    }

    /// Edits the configuration.
    pub(crate) fn edit(&mut self, dice: &mut Dice) -> Result<(), Failed> {
        self.configuration.edit(dice);
        self.write()
    }

    fn lives(&mut self, kind: Kind, dice: &mut Dice) -> Result<Ended, Failed> {
        if kind == Kind::FullDisk && !self.on_small_disk()? {
            return Ok(Ended::Impossible);
        }
        self.write()?;
        if dice.one_in(2) {
            self.succeed(APPLY, "the first apply")?;
            self.configuration.edit(dice);
            self.write()?;
        }
        if dice.one_in(2) {
            self.service.harass(dice)?;
        }
        let mut ended = Ended::Alive;
        let mut arguments = APPLY;
        if dice.one_in(8) {
            self.nothing();
            arguments = &["destroy", "-auto-approve", "-no-color"];
        }
        for _ in 0..=dice.below(3) {
            let Some(death) = death::die(self, kind, arguments, dice)? else {
                return Ok(Ended::Impossible);
            };
            let run = &death.run;
            let right = run.code.is_none_or(|code| death.codes.contains(&code));
            if !(death.codes.is_empty() || right) {
                return Err(Failed(format!("exit code {:?} of {run:?}", run.code)));
            }
            self.clean(run)?;
            if death.came {
                ended = Ended::AfterDeath;
            }
            if kind == Kind::Kill && dice.one_in(3) {
                self.plan_writes_nothing()?;
            }
        }
        if arguments == APPLY && dice.one_in(4) {
            if dice.one_in(3) {
                self.nothing();
                arguments = &["destroy", "-auto-approve", "-no-color"];
            } else {
                self.configuration.edit(dice);
                self.write()?;
            }
        }
        self.service.calm()?;
        self.succeed(arguments, "the apply after it")?;
        self.check(kind)?;
        Ok(ended)
    }

    fn nothing(&mut self) {
        self.configuration = Configuration::nothing();
    }

    fn write(&self) -> Result<(), Failed> {
        Ok(std::fs::write(self.workspace.join("main.nat.hcl"), self.configuration.text())?)
    }

    /// Returns a command in the workspace, with an environment of its own.
    pub(crate) fn environment(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.workspace)
            .env_clear()
            .env("HOME", &self.directory)
            .env("PATH", "/usr/bin:/bin")
            .env("NATFORM_ENDPOINT", self.service.url())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment(binary());
        command.args(arguments);
        command
    }

    fn streams(&self) -> [PathBuf; 2] {
        ["out", "err"].map(|name| self.directory.join(name))
    }

    /// Starts a process whose streams go to files.
    pub(crate) fn spawn(&self, command: &mut Command) -> Result<Child, Failed> {
        let [out, err] = self.streams();
        let (out, err) = (std::fs::File::create(out)?, std::fs::File::create(err)?);
        Ok(command.stdout(out).stderr(err).spawn()?)
    }

    /// Waits for the end of a process.
    pub(crate) fn wait(&self, mut child: Child) -> Result<Run, Failed> {
        let mut left = LONGEST * 200;
        while child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(5));
            left -= 1;
            if left == 0 {
                child.kill()?;
                return Err(Failed(String::from("a run does not end")));
            }
        }
        let read = |path: &Path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let [out, err] = self.streams();
        Ok(Run { code: child.wait()?.code(), out: read(&out), err: read(&err) })
    }

    fn run(&self, arguments: &[&str]) -> Result<Run, Failed> {
        let child = self.spawn(&mut self.command(arguments))?;
        let run = self.wait(child)?;
        self.clean(&run)?;
        Ok(run)
    }

    fn succeed(&self, arguments: &[&str], what: &str) -> Result<Run, Failed> {
        let run = self.run(arguments)?;
        if run.code == Some(0) {
            return Ok(run);
        }
        Err(Failed(format!("{what}: exit code {:?}\n{}\n{}", run.code, run.out, run.err)))
    }

    #[expect(clippy::unused_self, reason = "reads as one of the checks")]
    fn clean(&self, run: &Run) -> Result<(), Failed> {
        let crashed = ["panicked", "RUST_BACKTRACE"];
        if crashed.iter().any(|word| run.err.contains(word) || run.out.contains(word)) {
            return Err(Failed(format!("it crashed:\n{}\n{}", run.out, run.err)));
        }
        Ok(())
    }

    fn plan_writes_nothing(&self) -> Result<(), Failed> {
        // An empty log is as good as none.
        let image = || {
            let mut image = recording::image_of(&self.workspace)?;
            image.retain(|name, bytes| !(name.ends_with("-wal") && bytes.is_empty()));
            Ok::<_, Failed>(image)
        };
        let before = image()?;
        self.succeed(&["plan", "-no-color"], "a plan before the apply")?;
        let after = image()?;
        if after == before {
            return Ok(());
        }
        let sizes = |image: &recording::Image| {
            let sizes = image.iter().map(|(name, bytes)| format!("{name}: {}", bytes.len()));
            sizes.collect::<Vec<_>>().join(", ")
        };
        let (before, after) = (sizes(&before), sizes(&after));
        Err(Failed(format!("a plan changed the state's files: {before} became {after}")))
    }

    /// What must hold in the end.
    fn check(&self, kind: Kind) -> Result<(), Failed> {
        let wrong = |what: &str, detail: String| Err(Failed(format!("{what}: {detail}")));
        let live = self.service.ids()?;
        let counts = live.each_ref().map(Vec::len);
        if counts != self.configuration.counts() {
            let wanted = self.configuration.counts();
            return wrong("the world has", format!("{counts:?} objects, not {wanted:?}"));
        }
        let show = self.succeed(&["show", "-json"], "show")?;
        let state: serde_json::Value = serde_json::from_str(&show.out)?;
        let mut recorded: Vec<String> = state["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|resource| Some(resource["id"].as_str()?.to_owned()))
            .collect();
        recorded.sort();
        let mut live: Vec<String> = live.into_iter().flatten().collect();
        live.sort();
        if recorded != live {
            return wrong("the state differs from the world", format!("{recorded:?}\n{live:?}"));
        }
        if state["unfinished"] != 0 {
            return wrong("unfinished operations", state["unfinished"].to_string());
        }
        let list = self.succeed(&["state", "list"], "state list")?;
        if list.out.lines().count() != recorded.len() {
            return wrong("state list has", list.out);
        }
        let arguments: &[&str] = if recorded.is_empty() {
            &["plan", "-destroy", "-detailed-exitcode", "-no-color"]
        } else {
            &["plan", "-detailed-exitcode", "-no-color"]
        };
        self.succeed(arguments, "the plan afterwards")?;
        // A server that was killed forgot its calls.
        if kind != Kind::ServerKilled {
            let doubles = self.service.doubles()?;
            if !doubles.is_empty() {
                return wrong("made more than once", format!("{doubles:?}"));
            }
        }
        Ok(())
    }

    /// Moves the workspace to a file system of its own of two megabytes. False where that is not
    /// allowed.
    pub(crate) fn on_small_disk(&mut self) -> Result<bool, Failed> {
        if self.mounted {
            return Ok(true);
        }
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&self.workspace)
            .stderr(Stdio::null())
            .status();
        self.mounted = mounted.is_ok_and(|status| status.success());
        if self.mounted {
            self.write()?;
        }
        Ok(self.mounted)
    }

    fn unmount(&mut self) {
        if std::mem::take(&mut self.mounted) {
            let _ = Command::new("umount").arg(&self.workspace).status();
        }
    }

    /// Fills the disk until so many bytes are left.
    pub(crate) fn fill(&self, left: u64) -> Result<(), Failed> {
        use std::io::Write;
        let path = self.workspace.join("filler");
        let mut filler = std::fs::File::create(&path)?;
        let block = [0; 4096];
        let mut length = 0;
        while filler.write_all(&block).is_ok() {
            length += 4096;
        }
        filler.set_len(u64::saturating_sub(length, left))?;
        Ok(())
    }

    pub(crate) fn make_room(&self) -> Result<(), Failed> {
        Ok(std::fs::remove_file(self.workspace.join("filler"))?)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.unmount();
    }
}
