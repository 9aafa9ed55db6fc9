//! The ways to die.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::dice::Dice;
use crate::life::{Life, Run};
use crate::recording::{self, Disk, Luck};
use crate::{Failed, binary};

/// A way to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Kill,
    Interrupt,
    TwoInterrupts,
    Terminate,
    HangUp,
    NoDescriptors,
    NoRoomInFile,
    FullDisk,
    FailingDisk,
    ClosedOutput,
    ServerKilled,
    PowerCut,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Kill,
        Self::Interrupt,
        Self::TwoInterrupts,
        Self::Terminate,
        Self::HangUp,
        Self::NoDescriptors,
        Self::NoRoomInFile,
        Self::FullDisk,
        Self::FailingDisk,
        Self::ClosedOutput,
        Self::ServerKilled,
        Self::PowerCut,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "sigkill",
            Self::Interrupt => "sigint",
            Self::TwoInterrupts => "sigint-twice",
            Self::Terminate => "sigterm",
            Self::HangUp => "sighup",
            Self::NoDescriptors => "descriptors",
            Self::NoRoomInFile => "file-size",
            Self::FullDisk => "disk-full",
            Self::FailingDisk => "disk-fails",
            Self::ClosedOutput => "stdout-closed",
            Self::ServerKilled => "server-killed",
            Self::PowerCut => "power-cut",
        }
    }

    /// All kinds take turns; of many runs most are killed or lose power.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let count = Self::ALL.len() as u64;
        let (round, place) = ((seed - 1) / count, (seed - 1) % count);
        match (round % 3, place % 2) {
            (1, 0) => Self::Kill,
            (2, 0) => Self::PowerCut,
            _ => Self::ALL[usize::try_from(place).unwrap_or(0)],
        }
    }
}

/// How a death went.
pub(crate) struct Death {
    /// What the run left.
    pub(crate) run: Run,
    /// Whether it came before the run's end.
    pub(crate) came: bool,
    /// Exit codes that are right; any when empty.
    pub(crate) codes: &'static [i32],
}

/// Lets a run die. `None` where this machine has no way to do that.
pub(crate) fn die(
    life: &mut Life,
    kind: Kind,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    match kind {
        Kind::Kill => signalled(life, arguments, dice, &["KILL"], &[]),
        Kind::Interrupt => signalled(life, arguments, dice, &["INT"], &[0, 130]),
        Kind::TwoInterrupts => signalled(life, arguments, dice, &["INT", "INT"], &[0, 130]),
        Kind::Terminate => signalled(life, arguments, dice, &["TERM"], &[0, 143]),
        Kind::HangUp => signalled(life, arguments, dice, &["HUP"], &[0, 129]),
        Kind::NoDescriptors => {
            let script = format!("ulimit -n {}; exec \"$0\" \"$@\"", dice.between(6, 24));
            limited(life, arguments, &script)
        }
        Kind::NoRoomInFile => {
            let size = dice.between(1, 40) * dice.between(1, 6);
            let script = format!("trap '' XFSZ; ulimit -f {size}; exec \"$0\" \"$@\"");
            limited(life, arguments, &script)
        }
        Kind::FullDisk => full_disk(life, arguments, dice),
        Kind::FailingDisk => failing_disk(life, arguments, dice),
        Kind::ClosedOutput => closed_output(life, arguments, dice),
        Kind::ServerKilled => server_killed(life, arguments, dice),
        Kind::PowerCut => power_cut(life, arguments, dice),
    }
}

/// Waits until so many calls came, or the run has ended.
fn wait_for_calls(life: &Life, child: &mut Child, calls: u64) -> Result<(), Failed> {
    let aim = life.service.calls() + calls;
    while child.try_wait()?.is_none() && life.service.calls() < aim {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn some_calls(life: &Life, dice: &mut Dice) -> u64 {
    let most = 2 * life.configuration.objects() + 5;
    if dice.one_in(4) { dice.between(1, 6) } else { dice.between(1, most) }
}

fn signalled(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
    signals: &[&str],
    codes: &'static [i32],
) -> Result<Option<Death>, Failed> {
    let mut child = life.spawn(&mut life.command(arguments))?;
    if signals == ["KILL"] && dice.one_in(3) {
        std::thread::sleep(Duration::from_millis(dice.below(400)));
    } else {
        // Not before the first call: until then a signal simply ends the process.
        wait_for_calls(life, &mut child, some_calls(life, dice))?;
        std::thread::sleep(Duration::from_micros(dice.below(8_000)));
    }
    let mut came = false;
    for signal in signals {
        if child.try_wait()?.is_none() {
            came = true;
            send(&child, signal)?;
            std::thread::sleep(Duration::from_micros(dice.below(20_000)));
        }
    }
    let run = life.wait(child)?;
    came &= run.code != Some(0);
    Ok(Some(Death { run, came, codes }))
}

fn send(child: &Child, signal: &str) -> Result<(), Failed> {
    Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status()?;
    Ok(())
}

/// Runs under limits of a shell.
fn limited(life: &mut Life, arguments: &[&str], script: &str) -> Result<Option<Death>, Failed> {
    let mut command = life.environment("bash");
    command.args(["-c", script, binary()]).args(arguments);
    let child = life.spawn(&mut command)?;
    let run = life.wait(child)?;
    let came = run.code != Some(0);
    Ok(Some(Death { run, came, codes: &[0, 1] }))
}

/// Leaves little room in a small file system of its own.
fn full_disk(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    if !life.on_small_disk()? {
        return Ok(None);
    }
    let left = dice.between(0, 40) * dice.between(0, 12) * 1024;
    life.fill(left)?;
    let child = life.spawn(&mut life.command(arguments))?;
    let run = life.wait(child)?;
    life.make_room()?;
    let came = run.code != Some(0);
    Ok(Some(Death { run, came, codes: &[0, 1] }))
}

/// Returns how many operations on files a run of this configuration may make.
fn operations(life: &Life, dice: &mut Dice) -> u64 {
    dice.below(40 + 25 * life.configuration.objects())
}

/// Returns a command whose operations on the state's files are recorded.
fn recorded(life: &Life, arguments: &[&str], log: &Path) -> Option<Command> {
    let recorder = recording::recorder(&life.directory)?;
    let _ = std::fs::remove_file(log);
    let mut command = life.command(arguments);
    command
        .env("LD_PRELOAD", recorder)
        .env("RECORDER_ROOT", &life.workspace)
        .env("RECORDER_LOG", log);
    Some(command)
}

/// Lets some operations on files fail: writes, syncs, renames.
fn failing_disk(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    let log = life.directory.join("operations");
    let Some(mut command) = recorded(life, arguments, &log) else { return Ok(None) };
    let times = if dice.one_in(2) { dice.between(1, 5) } else { 1_000_000 };
    // Input or output error, no space, read-only, quota.
    let errors = [5, 28, 30, 122];
    let error = errors[usize::try_from(dice.below(4)).unwrap_or(0)];
    command
        .env("RECORDER_FAIL_AT", operations(life, dice).to_string())
        .env("RECORDER_FAIL_FOR", times.to_string())
        .env("RECORDER_FAIL_WITH", error.to_string());
    let child = life.spawn(&mut command)?;
    let run = life.wait(child)?;
    let came = run.code != Some(0);
    Ok(Some(Death { run, came, codes: &[0, 1] }))
}

/// Kills it between two operations on files and leaves of the unsynced ones what luck leaves.
fn power_cut(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    let log = life.directory.join("operations");
    let Some(mut command) = recorded(life, arguments, &log) else { return Ok(None) };
    command.env("RECORDER_DIE_AT", operations(life, dice).to_string());
    let before = recording::image_of(&life.workspace)?;
    let child = life.spawn(&mut command)?;
    let run = life.wait(child)?;
    let mut disk = Disk::new(&life.workspace, before);
    for operation in recording::read(&log)? {
        disk.carry_out(&operation);
    }
    recording::put_image(&life.workspace, &disk.image(Luck::Drawn(dice)))?;
    let came = run.code != Some(0);
    Ok(Some(Death { run, came, codes: &[] }))
}

/// Closes its standard output after some of it.
fn closed_output(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    let mut command = life.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    if let Some(mut out) = child.stdout.take() {
        let mut some = vec![0; usize::try_from(dice.below(12_000)).unwrap_or(0)];
        // As much as comes; then nobody reads any more.
        let _ = out.read_exact(&mut some);
    }
    let run = life.wait(child)?;
    Ok(Some(Death { run, came: true, codes: &[0, 1] }))
}

/// Kills the server and starts it again while the run goes on.
fn server_killed(
    life: &mut Life,
    arguments: &[&str],
    dice: &mut Dice,
) -> Result<Option<Death>, Failed> {
    let mut child = life.spawn(&mut life.command(arguments))?;
    wait_for_calls(life, &mut child, some_calls(life, dice))?;
    let came = child.try_wait()?.is_none();
    life.service.restart()?;
    let run = life.wait(child)?;
    Ok(Some(Death { run, came, codes: &[0, 1] }))
}
