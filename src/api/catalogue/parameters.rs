//! The parameters of every action as data, of both editions.

use super::{Action, Edition};

/// What a parameter's value looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`; some clients write `True` and `False`.
    Boolean,
    /// Texts, each under the parameter's name with a number from 1 in place of `N`.
    List,
}

/// A parameter of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name on the wire; a number stands for a part `N`.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    required: Required,
    editions: Editions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Required {
    Always,
    Before2020,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Editions {
    All,
    Before2020,
    Since2020,
}

impl Parameter {
    /// Returns whether an edition has the parameter.
    pub fn exists_in(&self, edition: Edition) -> bool {
        match self.editions {
            Editions::All => true,
            Editions::Before2020 => edition < Edition::V2020_09_25,
            Editions::Since2020 => edition >= Edition::V2020_09_25,
        }
    }

    /// Returns whether an edition has the parameter and refuses a request without it.
    pub fn required_in(&self, edition: Edition) -> bool {
        self.exists_in(edition)
            && match self.required {
                Required::Always => true,
                Required::Before2020 => edition < Edition::V2020_09_25,
                Required::Never => false,
            }
    }

    /// Returns whether `name` is this parameter's name on the wire.
    pub fn is_named(&self, name: &str) -> bool {
        match self.name.split_once(".N") {
            None => self.name == name,
            Some((before, after)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
        }
    }

    const fn since_2020(mut self) -> Self {
        self.editions = Editions::Since2020;
        self
    }

    const fn before_2020(mut self) -> Self {
        self.editions = Editions::Before2020;
        self
    }

    const fn required_before_2020(mut self) -> Self {
        self.required = Required::Before2020;
        self
    }
}

const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, required: Required::Always, editions: Editions::All }
}

const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, required: Required::Never, editions: Editions::All }
}

/// Returns the parameters of an action, required ones first.
pub(super) fn of(action: Action) -> &'static [Parameter] {
    match action {
        Action::CreateNatGateway => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("VpcId", Kind::Text),
                    optional("Name", Kind::Text),
                    optional("Description", Kind::Text),
                    optional("ClientToken", Kind::Text),
                    optional("Spec", Kind::Text),
                    optional("InstanceChargeType", Kind::Text).since_2020(),
                    optional("PricingCycle", Kind::Text).since_2020(),
                    optional("Duration", Kind::Text).since_2020(),
                    optional("AutoPay", Kind::Boolean).since_2020(),
                    optional("VSwitchId", Kind::Text).since_2020(),
                    optional("NatType", Kind::Text).since_2020(),
                    optional("InternetChargeType", Kind::Text).since_2020(),
                    optional("BandwidthPackage.N.Bandwidth", Kind::Integer).before_2020(),
                    optional("BandwidthPackage.N.ISP", Kind::Text).before_2020(),
                    optional("BandwidthPackage.N.IpCount", Kind::Integer).before_2020(),
                    optional("BandwidthPackage.N.Zone", Kind::Text).before_2020(),
                ]
            }
        }
        Action::ModifyNatGatewayAttribute => {
            const {
                &[
                    required("NatGatewayId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("Name", Kind::Text),
                    optional("Description", Kind::Text),
                ]
            }
        }
        Action::ListEnhancedNatGatewayAvailableZones => {
            const { &[required("RegionId", Kind::Text).since_2020()] }
        }
        Action::UpdateNatGatewayNatType => {
            const {
                &[
                    required("NatGatewayId", Kind::Text).since_2020(),
                    required("NatType", Kind::Text).since_2020(),
                    required("RegionId", Kind::Text).since_2020(),
                    required("VSwitchId", Kind::Text).since_2020(),
                    optional("DryRun", Kind::Boolean).since_2020(),
                    optional("ClientToken", Kind::Text).since_2020(),
                ]
            }
        }
        Action::GetNatGatewayConvertStatus => {
            const {
                &[
                    required("NatGatewayId", Kind::Text).since_2020(),
                    required("RegionId", Kind::Text).since_2020(),
                ]
            }
        }
        Action::ModifyNatGatewaySpec => {
            const {
                &[
                    required("NatGatewayId", Kind::Text),
                    required("RegionId", Kind::Text),
                    required("Spec", Kind::Text),
                    optional("ClientToken", Kind::Text),
                ]
            }
        }
        Action::DescribeNatGateways => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    optional("NatGatewayId", Kind::Text),
                    optional("VpcId", Kind::Text),
                    optional("Name", Kind::Text),
                    optional("InstanceChargeType", Kind::Text).since_2020(),
                    optional("Spec", Kind::Text).since_2020(),
                    optional("NatType", Kind::Text).since_2020(),
                    optional("ResourceGroupId", Kind::Text).since_2020(),
                    optional("PageNumber", Kind::Integer),
                    optional("PageSize", Kind::Integer),
                    optional("DryRun", Kind::Boolean).since_2020(),
                ]
            }
        }
        Action::DeleteNatGateway => {
            const {
                &[
                    required("NatGatewayId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("Force", Kind::Boolean),
                ]
            }
        }
        Action::CreateForwardEntry => {
            const {
                &[
                    required("ExternalIp", Kind::Text),
                    required("ExternalPort", Kind::Text),
                    required("ForwardTableId", Kind::Text),
                    required("InternalIp", Kind::Text),
                    required("InternalPort", Kind::Text),
                    required("IpProtocol", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("ForwardEntryName", Kind::Text),
                    optional("ClientToken", Kind::Text).since_2020(),
                    optional("PortBreak", Kind::Boolean).since_2020(),
                ]
            }
        }
        Action::ModifyForwardEntry => {
            const {
                &[
                    required("ForwardEntryId", Kind::Text),
                    required("ForwardTableId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("ExternalIp", Kind::Text),
                    optional("ExternalPort", Kind::Text),
                    optional("InternalIp", Kind::Text),
                    optional("InternalPort", Kind::Text),
                    optional("IpProtocol", Kind::Text),
                ]
            }
        }
        Action::DescribeForwardTableEntries => {
            const {
                &[
                    required("ForwardTableId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("ForwardEntryId", Kind::Text),
                    optional("ExternalIp", Kind::Text).since_2020(),
                    optional("ExternalPort", Kind::Text).since_2020(),
                    optional("InternalIp", Kind::Text).since_2020(),
                    optional("InternalPort", Kind::Text).since_2020(),
                    optional("IpProtocol", Kind::Text).since_2020(),
                    optional("ForwardEntryName", Kind::Text).since_2020(),
                    optional("PageNumber", Kind::Integer),
                    optional("PageSize", Kind::Integer),
                ]
            }
        }
        Action::DeleteForwardEntry => {
            const {
                &[
                    required("ForwardEntryId", Kind::Text),
                    required("ForwardTableId", Kind::Text),
                    required("RegionId", Kind::Text),
                ]
            }
        }
        Action::CreateSnatEntry => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("SnatIp", Kind::Text),
                    required("SnatTableId", Kind::Text),
                    optional("SourceVSwitchId", Kind::Text),
                    optional("SourceCIDR", Kind::Text),
                    optional("SnatEntryName", Kind::Text),
                    optional("ClientToken", Kind::Text).since_2020(),
                ]
            }
        }
        Action::ModifySnatEntry => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("SnatEntryId", Kind::Text),
                    required("SnatTableId", Kind::Text),
                    optional("SnatIp", Kind::Text).required_before_2020(),
                    optional("SnatEntryName", Kind::Text).since_2020(),
                    optional("ClientToken", Kind::Text).since_2020(),
                ]
            }
        }
        Action::DescribeSnatTableEntries => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("SnatTableId", Kind::Text),
                    optional("SnatEntryId", Kind::Text),
                    optional("SourceVSwitchId", Kind::Text).since_2020(),
                    optional("SourceCIDR", Kind::Text).since_2020(),
                    optional("SnatIp", Kind::Text).since_2020(),
                    optional("SnatEntryName", Kind::Text).since_2020(),
                    optional("PageNumber", Kind::Integer),
                    optional("PageSize", Kind::Integer),
                ]
            }
        }
        Action::DeleteSnatEntry => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("SnatEntryId", Kind::Text),
                    required("SnatTableId", Kind::Text),
                ]
            }
        }
        Action::CreateBandwidthPackage => {
            const {
                &[
                    required("Bandwidth", Kind::Integer),
                    required("IpCount", Kind::Integer),
                    required("NatGatewayId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("ClientToken", Kind::Text),
                    optional("Description", Kind::Text),
                    optional("ISP", Kind::Text),
                    optional("InternetChargeType", Kind::Text),
                    optional("Name", Kind::Text),
                    optional("Zone", Kind::Text),
                ]
            }
        }
        Action::DescribeBandwidthPackages => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    optional("BandwidthPackageId", Kind::Text),
                    optional("NatGatewayId", Kind::Text),
                    optional("PageNumber", Kind::Integer),
                    optional("PageSize", Kind::Integer),
                ]
            }
        }
        Action::ModifyBandwidthPackageAttribute => {
            const {
                &[
                    required("BandwidthPackageId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("Description", Kind::Text),
                    optional("Name", Kind::Text),
                ]
            }
        }
        Action::ModifyBandwidthPackageSpec => {
            const {
                &[
                    required("Bandwidth", Kind::Text),
                    required("BandwidthPackageId", Kind::Text),
                    required("RegionId", Kind::Text),
                    // The table of the 2019 edition spells it so, its example does not.
                    optional("BandWidth", Kind::Text).before_2020(),
                ]
            }
        }
        Action::AddBandwidthPackageIps => {
            const {
                &[
                    required("RegionId", Kind::Text),
                    required("IpCount", Kind::Text),
                    required("BandwidthPackageId", Kind::Text),
                    optional("ClientToken", Kind::Text),
                ]
            }
        }
        Action::RemoveBandwidthPackageIps => {
            const {
                &[
                    required("BandwidthPackageId", Kind::Text),
                    required("RegionId", Kind::Text),
                    required("RemovedIpAddresses.N", Kind::List),
                    optional("ClientToken", Kind::Text),
                ]
            }
        }
        Action::DeleteBandwidthPackage => {
            const {
                &[
                    required("BandwidthPackageId", Kind::Text),
                    required("RegionId", Kind::Text),
                    optional("Force", Kind::Boolean),
                ]
            }
        }
        Action::ConvertBandwidthPackage => {
            const {
                &[
                    required("BandwidthPackageId", Kind::Text).since_2020(),
                    required("RegionId", Kind::Text).since_2020(),
                    optional("ClientToken", Kind::Text).since_2020(),
                ]
            }
        }
    }
}
