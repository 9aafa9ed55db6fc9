//! Every refusal that the emulator can answer with: those that the reference lists for each action,
//! those of the wire common to all actions, and those that the reference does not name.
//!
//! The listed rows are those of the 2020-09-25 edition; `errors_2019` has those of the older one.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::api::catalogue::Action;

/// One listed refusal of one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// HTTP status.
    pub status: u16,
    /// Error code.
    pub code: &'static str,
    /// Error message.
    pub message: &'static str,
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code.
    pub code: Cow<'static, str>,
    /// Error message.
    pub message: Cow<'static, str>,
    /// Milliseconds after which the client may try again, sent as `x-acs-retry-after`.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// Creates a refusal.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code: code.into(), message: message.into(), retry_after_ms: None }
    }

    /// Returns the first row that the reference lists for `action` with that code.
    pub fn listed(action: Action, code: &str) -> Self {
        Self::listed_nth(action, code, 0)
    }

    /// Returns the row number `nth` (from 0) among those of `action` with that code, where the
    /// reference lists a code twice with different messages. Falls back to another action's row
    /// of that code, so that a slip in a call of this function still answers something sensible.
    pub fn listed_nth(action: Action, code: &str, nth: usize) -> Self {
        let row = rows()
            .iter()
            .filter(|r| r.action == action && r.code == code)
            .nth(nth)
            .or_else(|| rows().iter().find(|r| r.code == code));
        match row {
            Some(row) => Self::new(row.status, row.code, row.message),
            None => Self::new(400, code.to_owned(), code.to_owned()),
        }
    }

    /// Returns the refusal of a rule for which the reference names no code.
    pub fn unlisted(why: Unlisted) -> Self {
        let (status, code, message) = why.row();
        Self::new(status, code, message)
    }

    /// Returns the refusal of a request that lacks a mandatory parameter.
    pub fn missing(action: Option<Action>, name: &str) -> Self {
        let own = action
            .and_then(|a| rows().iter().find(|r| r.action == a && r.code == "MissingParameter"));
        match own {
            Some(row) => Self::new(row.status, row.code, row.message),
            None => Self::new(400, "MissingParameter", missing_message(name)),
        }
    }
}

/// Returns the message for a parameter that is missing, where an action has none of its own.
pub fn missing_message(name: &str) -> String {
    format!(
        "The input parameter \"{name}\" that is mandatory for processing this request is not supplied."
    )
}

/// Rules that the reference states, or that follow from it, without naming a code. The codes are the
/// emulator's choice: those of users' reports of today's service where there are some. A client
/// should rely on none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// (`ExternalIp`, `ExternalPort`, `IpProtocol`) is taken in the table.
    DuplicateExternalKey,
    /// (`IpProtocol`, `InternalIp`, `InternalPort`) is taken in the table.
    DuplicateInternalKey,
    /// The DNAT table is full.
    ForwardEntryQuota,
    /// A gateway with DNAT entries is deleted without `Force`.
    ForwardEntriesLeft,
    /// A gateway with SNAT entries is deleted without `Force`.
    SnatEntriesLeft,
    /// A gateway with bound EIPs is deleted without `Force`.
    AddressesLeft,
    /// A gateway is changed while it is Creating, Modifying, Converting or Deleting.
    GatewayBusy,
    /// Two changes of one gateway at a time, where the world is set to refuse that.
    OperationConflict,
    /// The VPC already has a route to 0.0.0.0/0.
    DefaultRouteExists,
    /// The gateway is protected against deletion.
    DeletionProtection,
    /// The addresses of an SNAT pool do not share one bandwidth.
    PoolOfSeveralBandwidths,
    /// An SNAT entry is modified while an entry of its table is settling.
    SnatEntrySettling,
    /// A bandwidth package is changed while it is settling.
    PackageBusy,
    /// The account may not use NAT bandwidth packages.
    PackagesNotAllowed,
    /// No address is left in the vSwitch.
    VSwitchFull,
    /// More than 20 addresses to remove at a time.
    TooManyRemovedIps,
    /// A parameter has a value outside its range for which no code is listed.
    InvalidValue,
    /// The token has more than 64 characters or some that are not ASCII.
    ClientTokenMalformed,
    /// The token was used for the same action with other parameters.
    IdempotentParameterMismatch,
    /// The first request with the token is still being processed.
    LastTokenProcessing,
    /// Every check of a dry run passed.
    DryRunOperation,
    /// The account may not call the action.
    NotAuthorized,
}

impl Unlisted {
    /// Every one of them.
    pub const ALL: [Self; 22] = [
        Self::DuplicateExternalKey,
        Self::DuplicateInternalKey,
        Self::ForwardEntryQuota,
        Self::ForwardEntriesLeft,
        Self::SnatEntriesLeft,
        Self::AddressesLeft,
        Self::GatewayBusy,
        Self::OperationConflict,
        Self::DefaultRouteExists,
        Self::DeletionProtection,
        Self::PoolOfSeveralBandwidths,
        Self::SnatEntrySettling,
        Self::PackageBusy,
        Self::PackagesNotAllowed,
        Self::VSwitchFull,
        Self::TooManyRemovedIps,
        Self::InvalidValue,
        Self::ClientTokenMalformed,
        Self::IdempotentParameterMismatch,
        Self::LastTokenProcessing,
        Self::DryRunOperation,
        Self::NotAuthorized,
    ];

    /// Returns HTTP status, code and message.
    pub fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::DuplicateExternalKey => (
                400,
                "Forbidden.ExternalKey.Duplicated",
                "The specified ExternalIp, ExternalPort and IpProtocol are already used by another entry.",
            ),
            Self::DuplicateInternalKey => (
                400,
                "Forbidden.InternalKey.Duplicated",
                "The specified IpProtocol, InternalIp and InternalPort are already used by another entry.",
            ),
            Self::ForwardEntryQuota => (
                400,
                "QuotaExceeded.ForwardEntry",
                "Forward entry in the specified forward table reach its limit.",
            ),
            Self::ForwardEntriesLeft => (
                400,
                "DependencyViolation.ForwardEntry",
                "There are forward entries on specified NatGateway not deleted.",
            ),
            Self::SnatEntriesLeft => (
                400,
                "DependencyViolation.SnatEntry",
                "There are SNAT entries on specified NatGateway not deleted.",
            ),
            Self::AddressesLeft => (
                400,
                "DependencyViolation.EIPS",
                "There are EIPs on specified NatGateway not unassociated.",
            ),
            Self::GatewayBusy => {
                (400, "IncorrectStatus.NatGateway", "The status of NAT gateway is incorrect.")
            }
            Self::OperationConflict => (
                409,
                "OperationConflict",
                "The operation against this instance is too frequent, please try again later.",
            ),
            Self::DefaultRouteExists => (
                400,
                "RouterEntryConflict.Duplicated",
                "The VPC already has a route entry with the destination 0.0.0.0/0.",
            ),
            Self::DeletionProtection => (
                400,
                "OperationDenied.DeletionProtection",
                "The NAT gateway is protected against deletion.",
            ),
            Self::PoolOfSeveralBandwidths => (
                400,
                "OperationUnsupported.EipNatBWPCheck",
                "The addresses of an SNAT pool must belong to one shared bandwidth.",
            ),
            Self::SnatEntrySettling => {
                (400, "IncorretSnatEntryStatus", "Some Snat entry status blocked this operation..")
            }
            Self::PackageBusy => (
                400,
                "IncorrectStatus.BandwidthPackage",
                "The status of the BandwidthPackage is incorrect.",
            ),
            Self::PackagesNotAllowed => (
                400,
                "OperationUnsupported.BandwidthPackage",
                "The account has no NAT bandwidth packages and cannot use them; use EIPs.",
            ),
            Self::VSwitchFull => (
                400,
                "OperationFailed.VswitchIpNotEnough",
                "The specified VSwitch has no available private IP address.",
            ),
            Self::TooManyRemovedIps => (
                400,
                "InvalidRemovedIpAddresses.ValueNotSupported",
                "At most 20 addresses can be removed at a time.",
            ),
            Self::InvalidValue => {
                (400, "InvalidParameter", "The specified parameter is not valid.")
            }
            Self::ClientTokenMalformed => {
                (400, "InvalidClientToken.Malformed", "The specified ClientToken is not valid.")
            }
            Self::IdempotentParameterMismatch => (
                400,
                "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical.",
            ),
            Self::LastTokenProcessing => {
                (403, "LastTokenProcessing", "The last token request is processing.")
            }
            Self::DryRunOperation => {
                (400, "DryRunOperation", "Request validation has been passed with DryRun flag set.")
            }
            Self::NotAuthorized => (
                403,
                "Forbidden.RAM",
                "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
            ),
        }
    }
}

/// Returns all rows that the reference lists, in its order.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| parse_rows(LISTED));
    &ROWS
}

/// Reads rows: `=Action` starts those of an action; each is status, code and message.
pub(crate) fn parse_rows(listed: &'static str) -> Vec<Row> {
    let mut rows = Vec::with_capacity(164);
    let mut action = None;
    for line in listed.lines() {
        if let Some(name) = line.strip_prefix('=') {
            action = Action::from_name(name);
            continue;
        }
        let mut parts = line.splitn(3, ' ');
        if let (Some(action), Some(status), Some(code), Some(message)) =
            (action, parts.next().and_then(|s| s.parse().ok()), parts.next(), parts.next())
        {
            rows.push(Row { action, status, code, message });
        }
    }
    rows
}

/// `=Action` starts the rows of an action; each row is status, code and message.
const LISTED: &str = "\
=CreateNatGateway
400 InvalidVPCStatus vpc incorrect status.
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 InvalidNatGatewayName.Malformed NatGateway name is not valid.
400 InvalidNatGatewayDescription.Malformed NatGateway description is not valid.
400 MissingParameter.BandwidthPackage only support one BandwidthPackage be created with NatGateway.
404 InvalidVpcId.NotFound Specified value of VpcId is not found in our record.
400 MissingParameter Miss mandatory parameter.
404 InvalidZoneId.NotFound Specified value of ZoneId is not exists.
404 InvalidZoneId.NotFound Can not find ZoneId for allocated ip.
400 QuotaExceeded.BandwidthPackageIps The specified ipCount exceeded quota.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
400 ZONE_NO_AVAILABLE_IP The Zone have no available ip.
400 InvalidParameter.BandwidthPackage.Isp.ValueNotSupport The specified ISP of BandwidthPackage is not valid.
400 InvalidNatGatewayId.NotFound The NatGatewayId not exist.
400 VswitchStatusError The VSwitch is creating .
400 VpcStatusError The Vpc is creating .
400 InvalidParameter.Spec.ValueNotSupported The specified Spec is not valid.
400 Forbidden.CheckEntryRuleQuota Route entry quota rule check error.
400 NoPermission.CreateServiceLinkedRole You are not authorized to create service linked role
400 OperationFailed.VswitchNotBelongToVpc Operation failed because the specified VSwitch is not bound to the same VPC with NAT gateway.
=ModifyNatGatewayAttribute
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidNatGatewayId.NotFound The specified NatGatewayId does not exist in our records.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
=ListEnhancedNatGatewayAvailableZones
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
=UpdateNatGatewayNatType
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 OperationUnsupported.NatConvert The NAT gateway conversion function is not supported.
400 NATGW_NOT_EXIST The specified NAT gateway does not exist.
400 OperationFailed.VpcNotExist The specified VPC does not exist.
400 OperationFailed.VswitchNotExist The specified VSwitch does not exist.
400 OperationFailed.NatTypeNotEnhanced Operation failed because the specified NAT gateway type is not enhanced.
400 OperationFailed.NatGwBindWithBandwidthPackage Operation failed because the NAT gateway is bound to bandwidth packages.
400 IncorrectStatus.NatGateway The status of NAT gateway is incorrect.
400 OperationFailed.EipInMiddleStatus Operation failed because the status of EIP associated with the specified NAT gateway is abnormal.
400 OperationFailed.SnatInMiddleStatus Operation failed because the status of the SNAT entry of the specified NAT gateway is abnormal.
400 OperationFailed.DnatInMiddleStatus Operation failed because the status of the DNAT entry associated with the NAT gateway is abnormal.
400 OperationFailed.NatGwRouteInMiddleStatus Operation failed because the status of the route entry associated with the NAT gateway is abnormal.
400 OperationFailed.EnhancedInventoryNotEnough The enhanced NAT gateway inventory is insufficient in the specified zone.
400 OperationFailed.EnhancedUsersUnauthorized Operation failed because the user is not authorized to create an enhanced NAT gateway.
400 OperationFailed.EnhancedRegion Operation failed because enhanced NAT gateways are not available for sale in the specified region.
400 OperationFailed.EnhancedQuotaExceeded Operation failed because the maximum number of enhanced NAT gateways in the same VPC is exceeded.
400 InvalidBandwidthPackageIdNumber.NotSupported The number of BandwidthPackageIds exceeds the limit.
400 OperationFailed.VSwitchNotBelongToVpc Operation failed because the specified VSwitch is not bound to the same VPC with NAT gateway.
400 OperationUnsupported.VpcAttachedCen Operation failed because the VPC is attached to CEN.
400 OperationUnsupported.RouterInterfaceExist Operation failed because the VPC has a router interface.
400 OperationFailed.VRouterNotExist Operation failed because the VRouter does not exist.
400 OperationFailed.SnatQuotaExceed Operation failed because the maximum number of SNAT entry is exceeded.
400 OperationFailed.DnatQuotaExceed Operation failed because the maximum number of forward entry is exceeded.
=GetNatGatewayConvertStatus
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
=ModifyNatGatewaySpec
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidNatGatewayId.NotFound The specified NatGatewayId does not exist in our records.
400 NATGW_MODIFY_SPEC_SAME The specified Spec is same with now.
400 InvalidParameter.Spec.ValueNotSupported The specified Spec is not valid.
=DescribeNatGateways
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
=DeleteNatGateway
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidNatGatewayId.NotFound The specified NatGatewayId does not exist in our records.
400 DependencyViolation.BandwidthPackages There are BandwidthPackages on specified NatGateway not deleted.
=CreateForwardEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 InvalidExternalIp.Malformed The specified ExternalIp is not a valid IP address.
400 InvalidInternalIp.Malformed The specified InternalIp is not a valid IP address.
400 InvalidExternalPort.Malformed The specified ExternalPort is not a valid port.
400 InvalidInternalPort.Malformed The specified InternalPort is not a valid port.
400 Forbidden.DestinationIpOutOfVpcCIDR The specified Internal Ip is Out of VPC CIDR.
400 InvalidProtocol.ValueNotSupported The specified IpProtocol does not support.
400 IncorretForwardEntryStatus Some Forward entry status blocked this operation..
404 InvalidForwardTableId.NotFound Specified forward table does not exist.
404 InvalidExternalIp.NotFound Specified External Ip address does not found on the VRouter
400 Forbidden.ExternalIp.UsedInSnatTable The specified ExternalIp is already used in SnatTable
400 Forbindden The specified Instance already bind eip
400 Forbidden.InternalIpOutOfVpcCIDR The specified Internal Ip is Out of VPC CIDR.
400 Invalid.natgwNotExist The specified natgateway not exist.
400 InvalidIp.NotInNatgw The specified Ip not belong to natgateway.
400 MissingParameter Missing mandatory parameter
500 InternalServerError The request processing has failed due to some unknown error.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
=ModifyForwardEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 InvalidExternalIp.Malformed The specified ExternalIp is not a valid IP address.
400 InvalidInternalIp.Malformed The specified InternalIp is not a valid IP address.
400 InvalidExternalPort.Malformed The specified ExternalPort is not a valid port.
400 InvalidInternalPort.Malformed The specified InternalPort is not a valid port.
400 Forbidden.DestinationIpOutOfVpcCIDR The specified Destination Ip is Out of VPC CIDR.
400 InvalidProtocol.ValueNotSupported The specified IpProtocol does not support.
400 IncorretForwardEntryStatus Some Forward entry status blocked this operation..
400 QuotaExceeded Forward entry quota exceeded in this route table.
404 InvalidForwardEntryId.NotFound Specified forward entry ID does not exist
404 InvalidExternalIp.NotFound Specified External Ip address does not found on the VRouter
404 InvalidForwardTableId.NotFound Specified forward table does not exist.
400 Forbidden.ExternalIp.UsedInSnatTable The specified ExternalIp is already used in SnatTable
400 Forbidden.Already.Bounded The specified instance already bounded
=DescribeForwardTableEntries
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 IncorretForwardEntryStatus Some Forward entry status blocked this operation..
404 InvalidForwardTableId.NotFound Specified forwardTableId does not exist
=DeleteForwardEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 IncorretForwardEntryStatus Some Forward entry status blocked this operation..
404 InvalidForwardEntryId.NotFound Specified forward entry ID does not exist
404 InvalidForwardTableId.NotFound Specified forward table does not exist.
400 IncorretForwardEntryStatus The Specified forwardEntry is not exist
400 MissingParameter Missing mandatory parameter
=CreateSnatEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidSnatTableId.NotFound Specified SNAT table does not exist.
400 Forbidden.SourceVSwitchId.IncludeHaVip There is some HaVips under specified VSwitch
400 InvalidSnatIp.Malformed The specified SnatIp is not a valid IP address.
400 SNAT_IP_POOL_COUNT_TOO_MANY The Snat pool ip too many.
400 Forbidden.SnatEntryCountLimited SNAT entry in the specified SNAT table reach its limit.
400 NOT_ALLOW_USE_SOURCECIDR The User not in nat_scope_unlimited white list. Cannot use SourceCidr param.
404 InvalidVSwitchId.NotFound The specified virtual switch does not exist.
400 INVALID_PARAMETER The parameter invalid.
400 Forbidden.SourceVSwitchId.Duplicated The specified SourceCIDR is duplicated.
404 InvalidSnatIp.NotFound Specified SnatIp does not found on the NAT Gateway
400 Forbidden.IpUsedInForwardTable The specified SnatIp already used in forward table
400 Forbidden The specified Instance already bind eip
400 OperationUnsupported.CidrConflict The specified CIDR block conflicts with an existing SNAT entry.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
=ModifySnatEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidSnatTableId.NotFound Specified SNAT table does not exist.
400 InvalidSnatIp.Malformed The specified SnatIp is not a valid IP address.
404 InvalidSnatEntryId.NotFound Specified SNAT entry does not exist.
400 Forbidden.SourceVSwitchId.Duplicated The specified SourceCIDR is duplicated.
404 InvalidSnatIp.NotFound Specified SnatIp does not found on the NAT Gateway
400 Forbidden.IpUsedInForwardTable The specified SnatIp already used in forward table
400 InvalidParameter.Name.Malformed The specified Name is not valid.
=DescribeSnatTableEntries
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidSnatTableId.NotFound Specified SNAT table does not exist.
=DeleteSnatEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 IncorretSnatEntryStatus Some Snat entry status blocked this operation..
404 InvalidSnatEntryId.NotFound Specified Snat entry ID does not exist
404 InvalidSnatTableId.NotFound Specified SNAT table does not exist.
404 InvalidSnatEntryId.NotFound Specified SNAT entry does not exist.
=CreateBandwidthPackage
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidVpcId.NotFound Specified value of VpcId is not found in our record.
400 MissingParameter Miss mandatory parameter.
404 InvalidZoneId.NotFound Specified value of ZoneId is not exists.
404 InvalidZoneId.NotFound Can not find ZoneId for allocated ip.
400 QuotaExceeded.BandwidthPackageIps The specified ipCount exceeded quota.
400 QuotaExceeded.BandwidthPackageCountOnNatGateway BandwidthPackage count limit on one NatGateway exceeded.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
400 InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport The specified ISP of BandwidthPackage is not valid.
400 ZONE_NO_AVAILABLE_IP The Zone have no available ip.
404 NATGW_NOT_EXIST The NatGateway not exist.
=DescribeBandwidthPackages
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
=ModifyBandwidthPackageAttribute
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidBandwidthPackageId.NotFound The specified bandwidthPackageId does not exist in our records.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
=ModifyBandwidthPackageSpec
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidBandwidth.ValueNotSupported The specified value of Bandwidth not supported.
404 BandwidthPackage.FinancialLocked The specified BandwidthPackage has been Financial Lock.
=AddBandwidthPackageIps
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 InvalidIpCount.ValueNotSupported The specified value of IpCount not supported.
400 QuotaExceeded.BandwidthPackageIps The specified ipCount exceeded quota.
404 BandwidthPackage.FinancialLocked The specified BandwidthPackage has been Financail Lock.
=RemoveBandwidthPackageIps
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 invalidRemovedIpAddresses.NotFound Some of the specified value of RemovedIpAddress not found in specified BandwidthPackage.
400 InvalidIpCount.ValueNotSupported Can not remove all ips of the bandwidthPackage.
400 InvalidRemovedIpAddresses.NotFound Some of remove ip is not natPublicIp.
400 DependencyViolation.ForwardEntry The ip has been used by ForwardEntry.
400 DependencyViolation.SnatEntry The ip has been used by SnatEntry.
404 BandwidthPackage.FinancialLocked The specified BandwidthPackage has been Financial Lock.
=DeleteBandwidthPackage
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 DependencyViolation.ForwardEntry The specified BandwidthPackageId has dependent resource.
400 DependencyViolation.SnatEntry The specified BandwidthPackageId has dependent resource.
=ConvertBandwidthPackage
500 InternalServerError The request processing has failed due to some unknown error.
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn lists_every_row_of_the_reference() {
        assert_eq!(rows().len(), 164);
        let codes: BTreeSet<&str> = rows().iter().map(|r| r.code).collect();
        assert_eq!(codes.len(), 87);
        let actions: BTreeSet<Action> = rows().iter().map(|r| r.action).collect();
        assert_eq!(actions.len(), 24);
    }
}
