//! The service's own exclusions, written from its reference: which call is refused while which other
//! is under way. A call is under way from when the service takes it until what it did has settled.

use crate::api::catalogue::Action;

/// Where an action works, below a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The gateway itself.
    Gateway,
    /// Its DNAT table.
    Dnat,
    /// Its SNAT table.
    Snat,
    /// Its bandwidth packages.
    Packages,
}

/// In a table, the call on the left is refused while one on the right is under way with any entry of
/// that table. The reference: an entry is created, modified or deleted only while none of its table is
/// Pending or Modifying, which creating and modifying make it; Deleting holds up nobody else. For
/// CreateSnatEntry no such condition is named.
const IN_TABLE: [(Action, [Action; 2]); 5] = [
    (Action::CreateForwardEntry, [Action::CreateForwardEntry, Action::ModifyForwardEntry]),
    (Action::ModifyForwardEntry, [Action::CreateForwardEntry, Action::ModifyForwardEntry]),
    (Action::DeleteForwardEntry, [Action::CreateForwardEntry, Action::ModifyForwardEntry]),
    (Action::ModifySnatEntry, [Action::CreateSnatEntry, Action::ModifySnatEntry]),
    (Action::DeleteSnatEntry, [Action::CreateSnatEntry, Action::ModifySnatEntry]),
];

/// While one of these is under way with a gateway (Creating, Modifying, Converting, Deleting), the
/// gateway and all below it can only be read.
const OF_GATEWAY: [Action; 4] = [
    Action::CreateNatGateway,
    Action::ModifyNatGatewaySpec,
    Action::UpdateNatGatewayNatType,
    Action::DeleteNatGateway,
];

/// Returns where an action works. Reads are none of it.
pub const fn part(action: Action) -> Part {
    match action {
        Action::CreateForwardEntry | Action::ModifyForwardEntry | Action::DeleteForwardEntry => {
            Part::Dnat
        }
        Action::CreateSnatEntry | Action::ModifySnatEntry | Action::DeleteSnatEntry => Part::Snat,
        Action::CreateBandwidthPackage
        | Action::ModifyBandwidthPackageAttribute
        | Action::ModifyBandwidthPackageSpec
        | Action::AddBandwidthPackageIps
        | Action::RemoveBandwidthPackageIps
        | Action::DeleteBandwidthPackage
        | Action::ConvertBandwidthPackage => Part::Packages,
        _ => Part::Gateway,
    }
}

/// Returns whether a call is refused while `other` is under way at the same gateway.
pub fn refused(call: Action, other: Action) -> bool {
    OF_GATEWAY.contains(&other)
        || IN_TABLE.iter().any(|(refused, by)| *refused == call && by.contains(&other))
}

/// Returns whether two calls at one gateway never overlap: each is refused while the other is under
/// way.
pub fn exclude_each_other(one: Action, other: Action) -> bool {
    refused(one, other) && refused(other, one)
}

/// Returns whether what a call did has to be read: the reference calls it asynchronous, or (for the
/// addresses of a package) only a list tells what came of it.
pub const fn must_be_read(action: Action) -> bool {
    matches!(
        action,
        Action::CreateNatGateway
            | Action::ModifyNatGatewaySpec
            | Action::UpdateNatGatewayNatType
            | Action::DeleteNatGateway
            | Action::CreateForwardEntry
            | Action::ModifyForwardEntry
            | Action::DeleteForwardEntry
            | Action::CreateSnatEntry
            | Action::ModifySnatEntry
            | Action::DeleteSnatEntry
            | Action::CreateBandwidthPackage
            | Action::AddBandwidthPackageIps
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::*;

    #[test]
    fn exclusions_are_those_of_the_reference() {
        assert!(exclude_each_other(CreateForwardEntry, CreateForwardEntry));
        assert!(exclude_each_other(ModifyForwardEntry, CreateForwardEntry));
        assert!(exclude_each_other(ModifySnatEntry, ModifySnatEntry));
        assert!(exclude_each_other(ModifyNatGatewaySpec, UpdateNatGatewayNatType));
        assert!(refused(DeleteForwardEntry, CreateForwardEntry));
        assert!(refused(CreateBandwidthPackage, CreateNatGateway));
        for (call, other) in [
            (CreateForwardEntry, DeleteForwardEntry),
            (DeleteForwardEntry, DeleteForwardEntry),
            (CreateSnatEntry, CreateSnatEntry),
            (CreateSnatEntry, ModifySnatEntry),
            (CreateForwardEntry, ModifySnatEntry),
            (CreateForwardEntry, CreateBandwidthPackage),
        ] {
            assert!(!refused(call, other), "{call:?} while {other:?}");
        }
    }
}
