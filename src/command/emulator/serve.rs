//! Serves the built-in emulator over HTTP until it is interrupted.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio::net::TcpListener;

use crate::api::catalogue::Edition;
use crate::command::arguments::{EditionName, Emulator as Arguments};
use crate::command::failure::{Exit, Failure};
use crate::command::{Session, interrupt, runtime};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emulator::fault_check::file_problems;
use crate::emulator::faults::FaultFile;
use crate::emulator::server::{self, Limits};
use crate::emulator::settings::read_json;
use crate::emulator::{Account, Emulator, Settings, Timings};

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = settings(session, arguments)?;
    let emulator = Emulator::open(settings, Arc::clone(&session.environment.clock));
    let emulator = Arc::new(emulator.map_err(Failure::from)?);
    let limits = Limits { remote: arguments.allow_remote, ..Limits::default() };
    runtime()?.block_on(async {
        let listener = TcpListener::bind(&arguments.listen)
            .await
            .map_err(|e| cannot_listen(&arguments.listen, &e))?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && !arguments.allow_remote {
            return Err(Failure::of(
                Diagnostic::error(
                    "listen",
                    format!("`{}` is reached by other machines", arguments.listen),
                )
                .detail("The emulator's accounts and its control interface protect nothing.")
                .help("listen on 127.0.0.1, or say `-allow-remote`"),
            ));
        }
        // Who reads that it is ready may end it at once: signals are caught before.
        let mut stop = Box::pin(interrupt::stop_signal());
        if (&mut stop).now_or_never().is_some() {
            return Ok(Exit::Done);
        }
        session.terminal.print(&format!("natform emulator listens on http://{address}\n"))?;
        let served = server::serve(listener, emulator, limits, stop).await;
        served.map_err(|e| cannot_listen(&arguments.listen, &e))?;
        Ok(Exit::Done)
    })
}

fn settings(session: &Session, arguments: &Arguments) -> Result<Settings, Failure> {
    let environment = &session.environment;
    let files = &*environment.files;
    let path = |p: &std::path::Path| environment.working_directory.join(p);
    let mut settings = Settings {
        edition: match arguments.edition {
            EditionName::V2019 => Edition::V2019_07_19,
            EditionName::V2020 => Edition::V2020_09_25,
        },
        timings: Timings::named(&arguments.timing, files).map_err(Failure::from)?,
        data: arguments.data.as_deref().map(path),
        ..Settings::default()
    };
    for text in &arguments.access_key {
        let account = Account::parse(text).ok_or_else(|| {
            Failure::of(
                Diagnostic::error("access-key", "`-access-key` takes an id and a secret").help(
                    "write `-access-key ID:SECRET`, or `ID:SECRET:TOKEN` for a temporary key",
                ),
            )
        })?;
        settings.accounts.push(account);
    }
    if let Some(file) = &arguments.faults {
        let rules: FaultFile = read_json(&path(file), "faults", files).map_err(Failure::from)?;
        check(file, &rules)?;
        settings.faults = rules.faults;
        settings.limits = rules.limits;
    }
    Ok(settings)
}

/// Refuses rules that could not do what they say.
fn check(file: &std::path::Path, rules: &FaultFile) -> Result<(), Failure> {
    let mut all = Diagnostics::new();
    all.extend(file_problems(rules).into_iter().map(|problem| {
        Diagnostic::error("faults", format!("`{}`: {}", problem.path, problem.why))
            .detail(format!("It stands in `{}`.", file.display()))
            .help("see `state-schema/emulator-faults.schema.json`")
    }));
    if all.is_empty() { Ok(()) } else { Err(all.into()) }
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Failure {
    Failure::of(
        Diagnostic::error("listen", format!("cannot listen on `{address}`: {error}"))
            .help("choose another address with `-listen HOST:PORT`; port 0 picks a free one"),
    )
}
