//! What can be taken away from natform, to show that the simulation notices. Each is taken away at a
//! seam (the state, the service, the settings), so that natform itself has no such switches.

use std::time::Duration;

use natform::apply::Settings;
use natform::resources::Listing;
use natform::state::{Snapshot, Write};

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Nothing.
    None,
    /// Intents are not written.
    NoJournal,
    /// Tokens are sent again however old they are.
    NoGuard,
    /// A look does not see what nothing owns.
    NoLook,
    /// Creates of the same call do not know of each other.
    NoGrouping,
}

impl Mutation {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("no-journal", Self::NoJournal),
        ("no-guard", Self::NoGuard),
        ("no-look", Self::NoLook),
        ("no-grouping", Self::NoGrouping),
    ];

    /// Returns what the lack of it does: the violation that shows that it was noticed.
    pub(crate) const fn harm(self) -> &'static str {
        match self {
            Self::None => "",
            Self::NoJournal | Self::NoGuard | Self::NoLook => "duplicate",
            Self::NoGrouping => "stuck",
        }
    }

    pub(crate) fn settings(self) -> Settings {
        let mut settings = Settings::default();
        if self == Self::NoGuard {
            settings.token_age = Duration::from_secs(365 * 24 * 3600);
        }
        settings
    }

    /// Returns the writes that are carried out, and how many intents are not.
    pub(crate) fn of_writes(self, writes: Vec<Write>) -> (Vec<Write>, usize) {
        if self != Self::NoJournal {
            return (writes, 0);
        }
        let intents = writes.iter().filter(|write| matches!(write, Write::Intend(_))).count();
        let kept = writes
            .into_iter()
            .filter(|write| !matches!(write, Write::Intend(_) | Write::Journal(_)));
        (kept.collect(), intents)
    }

    pub(crate) fn of_snapshot(self, snapshot: &mut Snapshot) {
        if self == Self::NoGrouping {
            for entry in &mut snapshot.open {
                entry.digest = format!("{} {}", entry.digest, entry.id);
            }
        }
    }

    /// Returns the list as a look sees it; `owned` tells whether something owns an id.
    pub(crate) fn of_list(self, listing: Listing, owned: impl Fn(&str) -> bool) -> Listing {
        match listing {
            Listing::Rows(rows) if self == Self::NoLook => {
                Listing::Rows(rows.into_iter().filter(|(id, _)| owned(id)).collect())
            }
            other => other,
        }
    }
}
