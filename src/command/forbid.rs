//! `-forbid`: a plan is an error when its changes do what the caller rules out.

use clap::ValueEnum;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::program::Program;
use crate::plan::{Change, ChangeKind, Plan};
use crate::report::text::impact as words;
use crate::resources::Impact;

/// So many changes are named; the rest is counted.
const NAMED: usize = 20;

/// What a plan may be forbidden to do, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Forbidden {
    /// Traffic stops for a while, or for good
    Interrupt,
    /// The bill changes
    Billing,
    /// The service has no way back
    Irreversible,
    /// A public address is given up and may not come back
    Release,
}

impl Forbidden {
    const fn impact(self) -> Impact {
        match self {
            Self::Interrupt => Impact::InterruptsTraffic,
            Self::Billing => Impact::ChangesBilling,
            Self::Irreversible => Impact::CannotBeUndone,
            Self::Release => Impact::ReleasesAddress,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Billing => "billing",
            Self::Irreversible => "irreversible",
            Self::Release => "release",
        }
    }
}

/// Returns an error for each forbidden impact that changes of the plan have, with these changes.
pub fn check(plan: &Plan, forbidden: &[Forbidden], program: &Program) -> Diagnostics {
    let mut forbidden = forbidden.to_vec();
    forbidden.sort_unstable();
    forbidden.dedup();
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(forbidden.into_iter().filter_map(|one| check_one(plan, one, program)));
    diagnostics
}

fn check_one(plan: &Plan, forbidden: Forbidden, program: &Program) -> Option<Diagnostic> {
    let impact = forbidden.impact();
    let guilty: Vec<&Change> =
        plan.changes.iter().filter(|c| c.impacts.contains(&impact)).collect();
    let first = guilty.first()?;
    let (name, words) = (forbidden.name(), words(impact));
    let who = match guilty.len() {
        1 => "one change of the plan".to_owned(),
        count => format!("each of {count} changes of the plan"),
    };
    let mut lines: Vec<String> = guilty.iter().take(NAMED).map(|change| line(change)).collect();
    if guilty.len() > NAMED {
        lines.push(format!("  and {} more", guilty.len() - NAMED));
    }
    let block = program.block(&first.address.resource);
    let diagnostic = Diagnostic::error(
        "forbidden-impact",
        format!("{who} {words}, which `-forbid={name}` rules out"),
    )
    .detail(lines.join("\n"))
    .at_opt(block.map(|block| block.span))
    .help(format!(
        "change the configuration so that nothing {words}, or leave `{name}` out of `-forbid`"
    ));
    // One address is that of the whole error only where it is alone.
    Some(if guilty.len() == 1 { diagnostic.address(&first.address) } else { diagnostic })
}

fn line(change: &Change) -> String {
    let what = match change.kind {
        ChangeKind::Create => "is created",
        ChangeKind::Update => "is changed in place",
        ChangeKind::Replace { .. } => "is replaced",
        ChangeKind::Delete => "is destroyed",
        ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget => "is kept",
    };
    let deposed = if change.deposed.is_some() { " (set aside by a replacement)" } else { "" };
    let place = change.location.as_deref().unwrap_or("no block");
    format!("  {}{deposed} {what} ({place})", change.address)
}
