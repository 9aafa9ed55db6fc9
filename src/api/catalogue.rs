//! Every action of the service with what the wire needs to know of it.

use serde::{Deserialize, Serialize};

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
