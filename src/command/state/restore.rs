//! `state restore`: makes the state what it was at an earlier serial.

use super::arguments::Restore;
use super::difference::Difference;
use super::{refuse_unfinished, snapshot};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, lock, running};
use crate::diagnostic::Diagnostic;
use crate::report::paint::Paint;

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Restore) -> Result<Exit, Failure> {
    let Some(number) = arguments.serial else { return take_backup(session, arguments) };
    let paint = Paint { on: session.terminal.colour };
    let mut store = session.store_to_write()?;
    // What cannot be done is refused before anything is locked or made.
    snapshot(&store, Some(number))?;
    let lock = if arguments.dry_run {
        None
    } else {
        let timeout = arguments.locking.lock_timeout;
        Some(lock::take(session, &mut store, "state restore", timeout)?)
    };
    let present = snapshot(&store, None)?;
    refuse_unfinished(present.open.iter())?;
    let then = snapshot(&store, Some(number))?;
    let difference = Difference::between(&present, &then);
    if difference.is_empty() {
        let text = format!("The state is as it was at serial {number}; nothing was written.\n");
        session.terminal.print(&text)?;
        return Ok(Exit::Done);
    }
    let text = difference.text(paint);
    let title = format!("Going back to serial {number} changes what is recorded:\n\n{text}\n");
    session.terminal.print(&title)?;
    let Some(lock) = lock else {
        let text = format!("Would be {}; nothing was written.\n", difference.counts());
        session.terminal.print(&text)?;
        return Ok(Exit::Done);
    };
    if !approved(session, arguments)? {
        return Ok(Exit::Failed);
    }
    let run = running::record(session, &lock, &format!("state restore {number}"), None);
    let serial = store.restore(&lock, &run, number).map_err(|error| error.diagnostic())?;
    let counts = difference.counts();
    let text = format!(
        "Restored serial {number}: {counts}. The state has serial {serial} now.\n\
         Nothing was changed in the service; `natform plan` shows what apply would do.\n"
    );
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}

/// Puts the backup in the place of the state, however that is damaged.
fn take_backup(session: &Session, arguments: &Restore) -> Result<Exit, Failure> {
    let mut store = session.store()?;
    let backup = store.described_backup().map_err(|error| error.diagnostic())?;
    let name = crate::state::Store::name(&store);
    let text = format!("{backup}. It takes the place of `{name}`.\n");
    session.terminal.print(&session.natural_text(&text))?;
    if arguments.dry_run {
        session.terminal.print("Nothing was written.\n")?;
        return Ok(Exit::Done);
    }
    if !approved(session, arguments)? {
        return Ok(Exit::Failed);
    }
    let timeout = arguments.locking.lock_timeout;
    let lock = lock::take_unseen(session, &mut store, "state restore", timeout)?;
    let restored = store.restore_backup(&lock).map_err(|error| error.diagnostic())?;
    let kept = restored
        .kept
        .map_or(String::new(), |kept| format!(" What was there is kept as `{}`.", kept.display()));
    let text = format!(
        "The state has serial {} now.{kept}\nNothing was changed in the service; `natform plan` \
         and `natform drift` show what the backup does not know of.\n",
        restored.serial
    );
    session.terminal.print(&session.natural_text(&text))?;
    Ok(Exit::Done)
}

/// Asks for approval, unless it was given.
fn approved(session: &Session, arguments: &Restore) -> Result<bool, Failure> {
    if arguments.auto_approve {
        return Ok(true);
    }
    if !arguments.input || !session.terminal.interactive {
        return Err(Failure::of(
            Diagnostic::error("no-approval", "nobody is there to approve this")
                .help("say `-auto-approve`, or look first with `-dry-run`"),
        ));
    }
    let question = "Do you want to record this?\n  Only `yes` will be accepted to approve.\n\n  \
                    Enter a value: ";
    let yes = session.terminal.ask(question)?.is_some_and(|answer| answer.trim() == "yes");
    if !yes {
        session.terminal.print("\nNothing was done.\n")?;
    }
    Ok(yes)
}
