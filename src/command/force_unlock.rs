//! `force-unlock`: says who holds the state's lock, and takes it away from a process that hangs.

use clap::Args;

use super::Session;
use super::failure::{Exit, Failure};
use super::lock;
use crate::diagnostic::Diagnostic;
use crate::state::{LockInfo, Store};

/// `force-unlock`
#[derive(Debug, Args)]
#[command(
    after_help = "A lock goes with the process that holds it, so after a crash there is none to break.\n\nExamples:\n  natform force-unlock              # says who holds the lock\n  natform force-unlock -force 9db590f1-b6fe-c5f2-2678-8804f089deba"
)]
pub struct ForceUnlock {
    /// The lock that is meant, as the message that it is held names it
    pub lock_id: Option<String>,

    /// Take the lock from a process that is alive: it can write nothing more
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &ForceUnlock) -> Result<Exit, Failure> {
    let store = session.store_to_write()?;
    let name = session.relative(&store.name());
    let Some(holder) = store.holder() else {
        session.terminal.print(&format!(
            "The state `{name}` is not locked: a lock goes with the process that holds it.\n"
        ))?;
        return Ok(Exit::Done);
    };
    let doing = lock::doing(&store, &holder).map_or(String::new(), |doing| format!(" It {doing}."));
    let detail = format!(
        "Lock {}: `{}` by {} (process {}) since {}.{doing}",
        holder.id,
        holder.operation,
        holder.who,
        holder.pid,
        holder.since.iso8601()
    );
    if let Some(id) = arguments.lock_id.as_ref().filter(|id| **id != holder.id) {
        return Err(Failure::of(
            Diagnostic::error("other-lock", format!("the state `{name}` is not locked by `{id}`"))
                .detail(detail)
                .help("the lock that was meant is gone; look at who holds it now"),
        ));
    }
    if !arguments.force {
        return Err(Failure::of(live(&name, &holder, detail)));
    }
    store.force_unlock().map_err(|error| {
        error.diagnostic().detail(detail.clone()).help(format!(
            "the holder is stuck in the middle of a write: end process {}",
            holder.pid
        ))
    })?;
    session.terminal.print(&format!(
        "Took the lock of the state `{name}` from `{}` of {} (process {}).\n\
         It can write nothing more. What it left unfinished is finished by the next apply.\n",
        holder.operation, holder.who, holder.pid
    ))?;
    Ok(Exit::Done)
}

/// Says that the holder is at work.
fn live(name: &str, holder: &LockInfo, detail: String) -> Diagnostic {
    let end =
        if holder.pid == 0 { "end it".to_owned() } else { format!("end process {}", holder.pid) };
    Diagnostic::error(
        "live-holder",
        format!("the lock of the state `{name}` is held by a process that is alive"),
    )
    .detail(detail)
    .help(format!(
        "wait until it has ended, or {end}: the lock goes with it; only if neither is possible, \
         `-force` takes the lock away"
    ))
}
