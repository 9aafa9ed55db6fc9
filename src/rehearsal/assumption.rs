//! What a rehearsal takes for granted, since no list of the service tells it.

use std::collections::{BTreeMap, BTreeSet};

use super::document::AssumptionDocument;

/// Something that a rehearsal assumes; a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// The times of actions.
    Timings,
    /// Nobody else is at work, and nothing fails.
    Undisturbed,
    /// The account may do what is planned.
    Account,
    /// VPCs.
    Vpc,
    /// vSwitches.
    VSwitch,
    /// Addresses that are bound to gateways.
    BoundAddress,
    /// Addresses of which no list says that they are bound.
    UnlistedAddress,
    /// Quotas that must have been raised.
    Quota,
    /// Lists that could not be read.
    Unread,
    /// Objects that something is going on with.
    Unsettled,
    /// Unfinished operations of earlier runs.
    Unfinished,
}

impl Assumption {
    /// Returns its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timings => "timings",
            Self::Undisturbed => "undisturbed",
            Self::Account => "account",
            Self::Vpc => "vpc",
            Self::VSwitch => "vswitch",
            Self::BoundAddress => "bound-address",
            Self::UnlistedAddress => "unlisted-address",
            Self::Quota => "quota",
            Self::Unread => "unread",
            Self::Unsettled => "unsettled",
            Self::Unfinished => "unfinished",
        }
    }

    /// Returns what is assumed, as a sentence without a full stop.
    const fn sentence(self) -> &'static str {
        match self {
            Self::Timings => {
                "each action takes as long as the documentation says, or 5 s an entry and 30 s a \
                 gateway where it is silent; each answer comes after 0.1 s"
            }
            Self::Undisturbed => {
                "nobody else changes anything meanwhile, and the service neither fails nor throttles"
            }
            Self::Account => {
                "the account may call these actions, can pay for them, and there is stock"
            }
            Self::Vpc => {
                "the VPC is there, holds no route or gateway that is not listed, and its range has \
                 every private address and network that the plan names"
            }
            Self::VSwitch => {
                "the vSwitch is there, in the VPC of the gateway, and overlaps no other source"
            }
            Self::BoundAddress => {
                "the bound address serves nothing but NAT entries, and belongs to the same shared \
                 bandwidth as the others of its gateway"
            }
            Self::UnlistedAddress => {
                "the address is bound to the gateway, of which the service does not tell"
            }
            Self::Quota => "the quota was raised, since more is there already",
            Self::Unread => "what cannot be read is empty",
            Self::Unsettled => "what is under way there ends well, in the documented time",
            Self::Unfinished => {
                "the earlier run is not under way any more, and what it sent has arrived"
            }
        }
    }
}

/// What was assumed, of what.
#[derive(Debug, Clone, Default)]
pub struct Assumptions(BTreeMap<Assumption, BTreeSet<String>>);

impl Assumptions {
    /// Notes an assumption as such.
    pub fn general(&mut self, assumption: Assumption) {
        self.0.entry(assumption).or_default();
    }

    /// Notes an assumption about something.
    pub fn about(&mut self, assumption: Assumption, subject: impl Into<String>) {
        self.0.entry(assumption).or_default().insert(subject.into());
    }

    /// Takes over those of another.
    pub fn extend(&mut self, other: Self) {
        for (assumption, subjects) in other.0 {
            self.0.entry(assumption).or_default().extend(subjects);
        }
    }

    /// Returns them for the report.
    pub fn documents(&self) -> Vec<AssumptionDocument> {
        let document =
            |(assumption, subjects): (&Assumption, &BTreeSet<String>)| AssumptionDocument {
                code: assumption.code().to_owned(),
                sentence: assumption.sentence().to_owned(),
                subjects: subjects.iter().cloned().collect(),
            };
        self.0.iter().map(document).collect()
    }
}
