//! Every action of the service with what the wire needs to know of it: its name, its parameters,
//! whether it changes anything, whether it honours a `ClientToken`, and what a complete answer holds.
//!
//! Two editions of the reference are known. A client accepts what either answers; a server is able
//! to speak as either.

mod parameters;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use parameters::{Kind, Parameter};

/// The version of the service's interface, sent with every request.
pub const VERSION: &str = "2016-04-28";

/// An edition of the service's reference.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub enum Edition {
    /// The edition of 2019-07-19: 20 actions.
    #[serde(rename = "2019-07-19")]
    V2019_07_19,
    /// The edition of 2020-09-25: 24 actions. It decides where the editions disagree.
    #[default]
    #[serde(rename = "2020-09-25")]
    V2020_09_25,
}

impl Edition {
    /// Every edition, oldest first.
    pub const ALL: [Self; 2] = [Self::V2019_07_19, Self::V2020_09_25];
}

impl fmt::Display for Edition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::V2019_07_19 => "2019-07-19",
            Self::V2020_09_25 => "2020-09-25",
        })
    }
}

/// A text that names no edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown edition `{0}`, expected `2019-07-19` or `2020-09-25`")]
pub struct UnknownEdition(pub String);

impl FromStr for Edition {
    type Err = UnknownEdition;

    /// Parses an edition's date, or its year alone.
    fn from_str(text: &str) -> Result<Self, UnknownEdition> {
        match text {
            "2019-07-19" | "2019" => Ok(Self::V2019_07_19),
            "2020-09-25" | "2020" => Ok(Self::V2020_09_25),
            _ => Err(UnknownEdition(text.to_owned())),
        }
    }
}

/// An action of the service, by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the service's own")]
pub enum Action {
    CreateNatGateway,
    ModifyNatGatewayAttribute,
    ListEnhancedNatGatewayAvailableZones,
    UpdateNatGatewayNatType,
    GetNatGatewayConvertStatus,
    ModifyNatGatewaySpec,
    DescribeNatGateways,
    DeleteNatGateway,
    CreateForwardEntry,
    ModifyForwardEntry,
    DescribeForwardTableEntries,
    DeleteForwardEntry,
    CreateSnatEntry,
    ModifySnatEntry,
    DescribeSnatTableEntries,
    DeleteSnatEntry,
    CreateBandwidthPackage,
    DescribeBandwidthPackages,
    ModifyBandwidthPackageAttribute,
    ModifyBandwidthPackageSpec,
    AddBandwidthPackageIps,
    RemoveBandwidthPackageIps,
    DeleteBandwidthPackage,
    ConvertBandwidthPackage,
}

/// The list in an answer: the name of the list and the name of the wrapper around its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Name of the list, such as `NatGateways`.
    pub list: &'static str,
    /// Name of the wrapper, such as `NatGateway`.
    pub row: &'static str,
}

impl Action {
    /// Every action, in the order of the 2020-09-25 edition.
    pub const ALL: [Self; 24] = [
        Self::CreateNatGateway,
        Self::ModifyNatGatewayAttribute,
        Self::ListEnhancedNatGatewayAvailableZones,
        Self::UpdateNatGatewayNatType,
        Self::GetNatGatewayConvertStatus,
        Self::ModifyNatGatewaySpec,
        Self::DescribeNatGateways,
        Self::DeleteNatGateway,
        Self::CreateForwardEntry,
        Self::ModifyForwardEntry,
        Self::DescribeForwardTableEntries,
        Self::DeleteForwardEntry,
        Self::CreateSnatEntry,
        Self::ModifySnatEntry,
        Self::DescribeSnatTableEntries,
        Self::DeleteSnatEntry,
        Self::CreateBandwidthPackage,
        Self::DescribeBandwidthPackages,
        Self::ModifyBandwidthPackageAttribute,
        Self::ModifyBandwidthPackageSpec,
        Self::AddBandwidthPackageIps,
        Self::RemoveBandwidthPackageIps,
        Self::DeleteBandwidthPackage,
        Self::ConvertBandwidthPackage,
    ];

    /// Returns the action's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateNatGateway => "CreateNatGateway",
            Self::ModifyNatGatewayAttribute => "ModifyNatGatewayAttribute",
            Self::ListEnhancedNatGatewayAvailableZones => "ListEnhancedNatGatewayAvailableZones",
            Self::UpdateNatGatewayNatType => "UpdateNatGatewayNatType",
            Self::GetNatGatewayConvertStatus => "GetNatGatewayConvertStatus",
            Self::ModifyNatGatewaySpec => "ModifyNatGatewaySpec",
            Self::DescribeNatGateways => "DescribeNatGateways",
            Self::DeleteNatGateway => "DeleteNatGateway",
            Self::CreateForwardEntry => "CreateForwardEntry",
            Self::ModifyForwardEntry => "ModifyForwardEntry",
            Self::DescribeForwardTableEntries => "DescribeForwardTableEntries",
            Self::DeleteForwardEntry => "DeleteForwardEntry",
            Self::CreateSnatEntry => "CreateSnatEntry",
            Self::ModifySnatEntry => "ModifySnatEntry",
            Self::DescribeSnatTableEntries => "DescribeSnatTableEntries",
            Self::DeleteSnatEntry => "DeleteSnatEntry",
            Self::CreateBandwidthPackage => "CreateBandwidthPackage",
            Self::DescribeBandwidthPackages => "DescribeBandwidthPackages",
            Self::ModifyBandwidthPackageAttribute => "ModifyBandwidthPackageAttribute",
            Self::ModifyBandwidthPackageSpec => "ModifyBandwidthPackageSpec",
            Self::AddBandwidthPackageIps => "AddBandwidthPackageIps",
            Self::RemoveBandwidthPackageIps => "RemoveBandwidthPackageIps",
            Self::DeleteBandwidthPackage => "DeleteBandwidthPackage",
            Self::ConvertBandwidthPackage => "ConvertBandwidthPackage",
        }
    }

    /// Finds an action by its name on the wire. The live service's own spelling of
    /// `ListEnhanhcedNatGatewayAvailableZones` is understood too.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "ListEnhanhcedNatGatewayAvailableZones" {
            return Some(Self::ListEnhancedNatGatewayAvailableZones);
        }
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Returns whether the action changes anything; the others only read.
    pub fn mutates(self) -> bool {
        !matches!(
            self,
            Self::ListEnhancedNatGatewayAvailableZones
                | Self::GetNatGatewayConvertStatus
                | Self::DescribeNatGateways
                | Self::DescribeForwardTableEntries
                | Self::DescribeSnatTableEntries
                | Self::DescribeBandwidthPackages
        )
    }

    /// Returns the edition that first has the action.
    pub fn since(self) -> Edition {
        match self {
            Self::ListEnhancedNatGatewayAvailableZones
            | Self::UpdateNatGatewayNatType
            | Self::GetNatGatewayConvertStatus
            | Self::ConvertBandwidthPackage => Edition::V2020_09_25,
            _ => Edition::V2019_07_19,
        }
    }

    /// Returns whether an edition has the action.
    pub fn exists_in(self, edition: Edition) -> bool {
        self.since() <= edition
    }

    /// Returns whether the action honours a `ClientToken` in an edition: sent twice with the same
    /// one, it has its effect once.
    pub fn takes_token(self, edition: Edition) -> bool {
        self.parameter("ClientToken").is_some_and(|parameter| parameter.exists_in(edition))
    }

    /// Returns the action's own parameters of all editions, required ones first.
    pub fn parameters(self) -> &'static [Parameter] {
        parameters::of(self)
    }

    /// Finds a parameter by its name on the wire; a member of a list by the name with its number
    /// (`RemovedIpAddresses.3`, `BandwidthPackage.1.IpCount`).
    pub fn parameter(self, name: &str) -> Option<&'static Parameter> {
        self.parameters().iter().find(|parameter| parameter.is_named(name))
    }

    /// Returns the field of a complete answer that names what the action made.
    pub fn makes(self) -> Option<&'static str> {
        match self {
            Self::CreateNatGateway => Some("NatGatewayId"),
            Self::CreateForwardEntry => Some("ForwardEntryId"),
            Self::CreateSnatEntry => Some("SnatEntryId"),
            Self::CreateBandwidthPackage => Some("BandwidthPackageId"),
            _ => None,
        }
    }

    /// Returns the list that a complete answer holds.
    pub fn rows(self) -> Option<Rows> {
        let (list, row) = match self {
            Self::ListEnhancedNatGatewayAvailableZones => ("Zones", "Zone"),
            Self::DescribeNatGateways => ("NatGateways", "NatGateway"),
            Self::DescribeForwardTableEntries => ("ForwardTableEntries", "ForwardTableEntry"),
            Self::DescribeSnatTableEntries => ("SnatTableEntries", "SnatTableEntry"),
            Self::DescribeBandwidthPackages => ("BandwidthPackages", "BandwidthPackage"),
            _ => return None,
        };
        Some(Rows { list, row })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_actions() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        assert_eq!(Action::from_name("DescribeRegions"), None);
        assert_eq!(Action::from_name("createNatGateway"), None);
        assert_eq!(
            Action::from_name("ListEnhanhcedNatGatewayAvailableZones"),
            Some(Action::ListEnhancedNatGatewayAvailableZones)
        );
    }

    #[test]
    fn editions_have_as_many_actions_and_parameters_as_the_reference_says() {
        let count = |edition| Action::ALL.into_iter().filter(|a| a.exists_in(edition)).count();
        assert_eq!((count(Edition::V2019_07_19), count(Edition::V2020_09_25)), (20, 24));
        let parameters: usize = Action::ALL
            .into_iter()
            .map(|a| a.parameters().iter().filter(|p| p.exists_in(Edition::V2020_09_25)).count())
            .sum();
        assert_eq!(parameters, 161 - 24, "each action counts its `Action` in the reference");
    }

    #[test]
    fn tokens_are_taken_as_each_edition_says() {
        let takers = |edition| -> Vec<&str> {
            Action::ALL.into_iter().filter(|a| a.takes_token(edition)).map(Action::name).collect()
        };
        assert_eq!(
            takers(Edition::V2019_07_19),
            [
                "CreateNatGateway",
                "ModifyNatGatewaySpec",
                "CreateBandwidthPackage",
                "AddBandwidthPackageIps",
                "RemoveBandwidthPackageIps",
            ]
        );
        assert_eq!(
            takers(Edition::V2020_09_25),
            [
                "CreateNatGateway",
                "UpdateNatGatewayNatType",
                "ModifyNatGatewaySpec",
                "CreateForwardEntry",
                "CreateSnatEntry",
                "ModifySnatEntry",
                "CreateBandwidthPackage",
                "AddBandwidthPackageIps",
                "RemoveBandwidthPackageIps",
                "ConvertBandwidthPackage",
            ]
        );
        for action in Action::ALL {
            assert!(
                action.mutates() || !action.takes_token(Edition::V2020_09_25),
                "{action} only reads"
            );
        }
    }

    #[test]
    fn every_action_wants_a_region_and_names_each_parameter_once() {
        for action in Action::ALL {
            for edition in Edition::ALL {
                let region = action.parameter("RegionId").unwrap();
                assert!(region.required_in(edition) || !action.exists_in(edition), "{action}");
            }
            let mut names: Vec<&str> = action.parameters().iter().map(|p| p.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{action}");
        }
    }

    #[test]
    fn members_of_lists_are_found_by_number() {
        let remove = Action::RemoveBandwidthPackageIps;
        assert_eq!(remove.parameter("RemovedIpAddresses.17").unwrap().kind, Kind::List);
        assert_eq!(remove.parameter("RemovedIpAddresses"), None);
        assert_eq!(remove.parameter("RemovedIpAddresses.x"), None);
        let create = Action::CreateNatGateway;
        let bandwidth = create.parameter("BandwidthPackage.2.Bandwidth").unwrap();
        assert!(bandwidth.exists_in(Edition::V2019_07_19));
        assert!(!bandwidth.exists_in(Edition::V2020_09_25));
        assert_eq!(create.parameter("BandwidthPackage..Bandwidth"), None);
    }

    #[test]
    fn differences_between_the_editions_are_known() {
        let exists = |action: Action, name: &str| {
            let parameter = action.parameter(name).unwrap();
            Edition::ALL.map(|edition| parameter.exists_in(edition))
        };
        assert_eq!(exists(Action::CreateForwardEntry, "PortBreak"), [false, true]);
        assert_eq!(exists(Action::ModifySnatEntry, "SnatEntryName"), [false, true]);
        assert_eq!(exists(Action::ModifyBandwidthPackageSpec, "BandWidth"), [true, false]);
        let snat_ip = Action::ModifySnatEntry.parameter("SnatIp").unwrap();
        assert_eq!(Edition::ALL.map(|e| snat_ip.required_in(e)), [true, false]);
        assert_eq!("2019-07-19".parse(), Ok(Edition::V2019_07_19));
        assert_eq!(Edition::V2020_09_25.to_string().parse(), Ok(Edition::V2020_09_25));
        assert!("2021".parse::<Edition>().is_err());
    }
}
