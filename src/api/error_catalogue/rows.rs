//! Every refusal that the reference documents, as data: action, status, code and what it means.
//!
//! A row with a `part` holds only where the message has that part; it stands beside a row of the
//! same code without one.

use super::super::catalogue::Action::{
    self, AddBandwidthPackageIps, ConvertBandwidthPackage, CreateBandwidthPackage,
    CreateForwardEntry, CreateNatGateway, CreateSnatEntry, DeleteBandwidthPackage,
    DeleteForwardEntry, DeleteNatGateway, DeleteSnatEntry, DescribeBandwidthPackages,
    DescribeForwardTableEntries, DescribeNatGateways, DescribeSnatTableEntries,
    GetNatGatewayConvertStatus, ListEnhancedNatGatewayAvailableZones,
    ModifyBandwidthPackageAttribute, ModifyBandwidthPackageSpec, ModifyForwardEntry,
    ModifyNatGatewayAttribute, ModifyNatGatewaySpec, ModifySnatEntry, RemoveBandwidthPackageIps,
    UpdateNatGatewayNatType,
};
use super::super::catalogue::Edition;
use super::super::error::Class::{
    self, AlreadyDone, Busy, Conflict, Denied, Dependency, Gone, Invalid, Quota, Transient,
};

/// A documented refusal of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// HTTP status.
    pub status: u16,
    /// The service's code.
    pub code: &'static str,
    /// A part of the message, in lower case, that tells this row from others of the same code;
    /// empty where the code suffices.
    pub part: &'static str,
    /// What it means.
    pub class: Class,
    /// The edition that documents it, where only that one does, or an edition's own spelling.
    pub only: Option<Edition>,
}

/// Returns the documented refusals: those of the 2020-09-25 edition in its order, then the
/// spellings that only the 2019-07-19 edition has.
pub fn documented() -> &'static [Row] {
    ROWS
}

const fn row(action: Action, status: u16, code: &'static str, class: Class) -> Row {
    Row { action, status, code, part: "", class, only: None }
}

const fn new(action: Action, status: u16, code: &'static str, class: Class) -> Row {
    Row { action, status, code, part: "", class, only: Some(Edition::V2020_09_25) }
}

const fn old(action: Action, status: u16, code: &'static str, class: Class) -> Row {
    Row { action, status, code, part: "", class, only: Some(Edition::V2019_07_19) }
}

impl Row {
    const fn saying(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }
}

#[rustfmt::skip]
static ROWS: &[Row] = &[
    row(CreateNatGateway, 400, "InvalidVPCStatus", Busy),
    row(CreateNatGateway, 404, "InvalidRegionId.NotFound", Invalid),
    new(CreateNatGateway, 400, "InvalidNatGatewayName.Malformed", Invalid),
    new(CreateNatGateway, 400, "InvalidNatGatewayDescription.Malformed", Invalid),
    row(CreateNatGateway, 400, "MissingParameter.BandwidthPackage", Invalid),
    new(CreateNatGateway, 404, "InvalidVpcId.NotFound", Dependency),
    row(CreateNatGateway, 400, "MissingParameter", Invalid),
    row(CreateNatGateway, 404, "InvalidZoneId.NotFound", Invalid),
    row(CreateNatGateway, 404, "InvalidZoneId.NotFound", Invalid).saying("allocated ip"),
    row(CreateNatGateway, 400, "QuotaExceeded.BandwidthPackageIps", Quota),
    row(CreateNatGateway, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(CreateNatGateway, 400, "InvalidParameter.Description.Malformed", Invalid),
    row(CreateNatGateway, 400, "ZONE_NO_AVAILABLE_IP", Quota),
    new(CreateNatGateway, 400, "InvalidParameter.BandwidthPackage.Isp.ValueNotSupport", Invalid),
    row(CreateNatGateway, 400, "InvalidNatGatewayId.NotFound", Dependency),
    row(CreateNatGateway, 400, "VswitchStatusError", Busy),
    row(CreateNatGateway, 400, "VpcStatusError", Busy),
    row(CreateNatGateway, 400, "InvalidParameter.Spec.ValueNotSupported", Invalid),
    new(CreateNatGateway, 400, "Forbidden.CheckEntryRuleQuota", Quota),
    new(CreateNatGateway, 400, "NoPermission.CreateServiceLinkedRole", Denied),
    new(CreateNatGateway, 400, "OperationFailed.VswitchNotBelongToVpc", Invalid),
    row(ModifyNatGatewayAttribute, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyNatGatewayAttribute, 404, "InvalidNatGatewayId.NotFound", Gone),
    row(ModifyNatGatewayAttribute, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(ModifyNatGatewayAttribute, 400, "InvalidParameter.Description.Malformed", Invalid),
    new(ListEnhancedNatGatewayAvailableZones, 404, "InvalidRegionId.NotFound", Invalid),
    new(UpdateNatGatewayNatType, 404, "InvalidRegionId.NotFound", Invalid),
    new(UpdateNatGatewayNatType, 400, "OperationUnsupported.NatConvert", Invalid),
    new(UpdateNatGatewayNatType, 400, "NATGW_NOT_EXIST", Gone),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.VpcNotExist", Dependency),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.VswitchNotExist", Dependency),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.NatTypeNotEnhanced", Invalid),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.NatGwBindWithBandwidthPackage", Dependency),
    new(UpdateNatGatewayNatType, 400, "IncorrectStatus.NatGateway", Busy),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.EipInMiddleStatus", Busy),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.SnatInMiddleStatus", Busy),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.DnatInMiddleStatus", Busy),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.NatGwRouteInMiddleStatus", Busy),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.EnhancedInventoryNotEnough", Quota),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.EnhancedUsersUnauthorized", Denied),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.EnhancedRegion", Invalid),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.EnhancedQuotaExceeded", Quota),
    new(UpdateNatGatewayNatType, 400, "InvalidBandwidthPackageIdNumber.NotSupported", Quota),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.VSwitchNotBelongToVpc", Invalid),
    new(UpdateNatGatewayNatType, 400, "OperationUnsupported.VpcAttachedCen", Dependency),
    new(UpdateNatGatewayNatType, 400, "OperationUnsupported.RouterInterfaceExist", Dependency),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.VRouterNotExist", Dependency),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.SnatQuotaExceed", Quota),
    new(UpdateNatGatewayNatType, 400, "OperationFailed.DnatQuotaExceed", Quota),
    new(GetNatGatewayConvertStatus, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyNatGatewaySpec, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyNatGatewaySpec, 404, "InvalidNatGatewayId.NotFound", Gone),
    row(ModifyNatGatewaySpec, 400, "NATGW_MODIFY_SPEC_SAME", AlreadyDone),
    row(ModifyNatGatewaySpec, 400, "InvalidParameter.Spec.ValueNotSupported", Invalid),
    row(DescribeNatGateways, 404, "InvalidRegionId.NotFound", Invalid),
    row(DeleteNatGateway, 404, "InvalidRegionId.NotFound", Invalid),
    row(DeleteNatGateway, 404, "InvalidNatGatewayId.NotFound", Gone),
    row(DeleteNatGateway, 400, "DependencyViolation.BandwidthPackages", Dependency),
    row(CreateForwardEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(CreateForwardEntry, 400, "InvalidExternalIp.Malformed", Invalid),
    row(CreateForwardEntry, 400, "InvalidInternalIp.Malformed", Invalid),
    row(CreateForwardEntry, 400, "InvalidExternalPort.Malformed", Invalid),
    row(CreateForwardEntry, 400, "InvalidInternalPort.Malformed", Invalid),
    new(CreateForwardEntry, 400, "Forbidden.DestinationIpOutOfVpcCIDR", Invalid),
    new(CreateForwardEntry, 400, "InvalidProtocol.ValueNotSupported", Invalid),
    row(CreateForwardEntry, 400, "IncorretForwardEntryStatus", Busy),
    row(CreateForwardEntry, 404, "InvalidForwardTableId.NotFound", Dependency),
    row(CreateForwardEntry, 404, "InvalidExternalIp.NotFound", Dependency),
    row(CreateForwardEntry, 400, "Forbidden.ExternalIp.UsedInSnatTable", Conflict),
    row(CreateForwardEntry, 400, "Forbindden", Conflict),
    row(CreateForwardEntry, 400, "Forbidden.InternalIpOutOfVpcCIDR", Invalid),
    row(CreateForwardEntry, 400, "Invalid.natgwNotExist", Dependency),
    row(CreateForwardEntry, 400, "InvalidIp.NotInNatgw", Dependency),
    row(CreateForwardEntry, 400, "MissingParameter", Invalid),
    new(CreateForwardEntry, 500, "InternalServerError", Transient),
    row(CreateForwardEntry, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(ModifyForwardEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyForwardEntry, 400, "InvalidExternalIp.Malformed", Invalid),
    row(ModifyForwardEntry, 400, "InvalidInternalIp.Malformed", Invalid),
    row(ModifyForwardEntry, 400, "InvalidExternalPort.Malformed", Invalid),
    row(ModifyForwardEntry, 400, "InvalidInternalPort.Malformed", Invalid),
    new(ModifyForwardEntry, 400, "Forbidden.DestinationIpOutOfVpcCIDR", Invalid),
    new(ModifyForwardEntry, 400, "InvalidProtocol.ValueNotSupported", Invalid),
    row(ModifyForwardEntry, 400, "IncorretForwardEntryStatus", Busy),
    row(ModifyForwardEntry, 400, "QuotaExceeded", Quota),
    row(ModifyForwardEntry, 404, "InvalidForwardEntryId.NotFound", Gone),
    row(ModifyForwardEntry, 404, "InvalidExternalIp.NotFound", Dependency),
    row(ModifyForwardEntry, 404, "InvalidForwardTableId.NotFound", Gone),
    row(ModifyForwardEntry, 400, "Forbidden.ExternalIp.UsedInSnatTable", Conflict),
    row(ModifyForwardEntry, 400, "Forbidden.Already.Bounded", Conflict),
    row(DescribeForwardTableEntries, 404, "InvalidRegionId.NotFound", Invalid),
    row(DescribeForwardTableEntries, 400, "IncorretForwardEntryStatus", Busy),
    row(DescribeForwardTableEntries, 404, "InvalidForwardTableId.NotFound", Gone),
    row(DeleteForwardEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(DeleteForwardEntry, 400, "IncorretForwardEntryStatus", Busy),
    row(DeleteForwardEntry, 404, "InvalidForwardEntryId.NotFound", Gone),
    row(DeleteForwardEntry, 404, "InvalidForwardTableId.NotFound", Gone),
    row(DeleteForwardEntry, 400, "IncorretForwardEntryStatus", Gone).saying("not exist"),
    row(DeleteForwardEntry, 400, "MissingParameter", Invalid),
    row(CreateSnatEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(CreateSnatEntry, 404, "InvalidSnatTableId.NotFound", Dependency),
    row(CreateSnatEntry, 400, "Forbidden.SourceVSwitchId.IncludeHaVip", Dependency),
    row(CreateSnatEntry, 400, "InvalidSnatIp.Malformed", Invalid),
    row(CreateSnatEntry, 400, "SNAT_IP_POOL_COUNT_TOO_MANY", Quota),
    row(CreateSnatEntry, 400, "Forbidden.SnatEntryCountLimited", Quota),
    row(CreateSnatEntry, 400, "NOT_ALLOW_USE_SOURCECIDR", Denied),
    row(CreateSnatEntry, 404, "InvalidVSwitchId.NotFound", Dependency),
    row(CreateSnatEntry, 400, "INVALID_PARAMETER", Invalid),
    row(CreateSnatEntry, 400, "Forbidden.SourceVSwitchId.Duplicated", Conflict),
    row(CreateSnatEntry, 404, "InvalidSnatIp.NotFound", Dependency),
    row(CreateSnatEntry, 400, "Forbidden.IpUsedInForwardTable", Conflict),
    row(CreateSnatEntry, 400, "Forbidden", Conflict).saying("eip"),
    new(CreateSnatEntry, 400, "OperationUnsupported.CidrConflict", Conflict),
    row(CreateSnatEntry, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(ModifySnatEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifySnatEntry, 404, "InvalidSnatTableId.NotFound", Gone),
    row(ModifySnatEntry, 400, "InvalidSnatIp.Malformed", Invalid),
    row(ModifySnatEntry, 404, "InvalidSnatEntryId.NotFound", Gone),
    row(ModifySnatEntry, 400, "Forbidden.SourceVSwitchId.Duplicated", Conflict),
    new(ModifySnatEntry, 404, "InvalidSnatIp.NotFound", Dependency),
    row(ModifySnatEntry, 400, "Forbidden.IpUsedInForwardTable", Conflict),
    new(ModifySnatEntry, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(DescribeSnatTableEntries, 404, "InvalidRegionId.NotFound", Invalid),
    row(DescribeSnatTableEntries, 404, "InvalidSnatTableId.NotFound", Gone),
    row(DeleteSnatEntry, 404, "InvalidRegionId.NotFound", Invalid),
    row(DeleteSnatEntry, 400, "IncorretSnatEntryStatus", Busy),
    row(DeleteSnatEntry, 404, "InvalidSnatEntryId.NotFound", Gone),
    row(DeleteSnatEntry, 404, "InvalidSnatTableId.NotFound", Gone),
    row(DeleteSnatEntry, 404, "InvalidSnatEntryId.NotFound", Gone).saying("entry does not exist"),
    row(CreateBandwidthPackage, 404, "InvalidRegionId.NotFound", Invalid),
    new(CreateBandwidthPackage, 404, "InvalidVpcId.NotFound", Dependency),
    row(CreateBandwidthPackage, 400, "MissingParameter", Invalid),
    row(CreateBandwidthPackage, 404, "InvalidZoneId.NotFound", Invalid),
    row(CreateBandwidthPackage, 404, "InvalidZoneId.NotFound", Invalid).saying("allocated ip"),
    row(CreateBandwidthPackage, 400, "QuotaExceeded.BandwidthPackageIps", Quota),
    row(CreateBandwidthPackage, 400, "QuotaExceeded.BandwidthPackageCountOnNatGateway", Quota),
    row(CreateBandwidthPackage, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(CreateBandwidthPackage, 400, "InvalidParameter.Description.Malformed", Invalid),
    row(CreateBandwidthPackage, 400, "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport", Invalid),
    row(CreateBandwidthPackage, 400, "ZONE_NO_AVAILABLE_IP", Quota),
    row(CreateBandwidthPackage, 404, "NATGW_NOT_EXIST", Dependency),
    row(DescribeBandwidthPackages, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyBandwidthPackageAttribute, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyBandwidthPackageAttribute, 404, "InvalidBandwidthPackageId.NotFound", Gone),
    row(ModifyBandwidthPackageAttribute, 400, "InvalidParameter.Name.Malformed", Invalid),
    row(ModifyBandwidthPackageAttribute, 400, "InvalidParameter.Description.Malformed", Invalid),
    row(ModifyBandwidthPackageSpec, 404, "InvalidRegionId.NotFound", Invalid),
    row(ModifyBandwidthPackageSpec, 404, "InvalidBandwidth.ValueNotSupported", Invalid),
    row(ModifyBandwidthPackageSpec, 404, "BandwidthPackage.FinancialLocked", Denied),
    row(AddBandwidthPackageIps, 404, "InvalidRegionId.NotFound", Invalid),
    row(AddBandwidthPackageIps, 400, "InvalidIpCount.ValueNotSupported", Invalid),
    row(AddBandwidthPackageIps, 400, "QuotaExceeded.BandwidthPackageIps", Quota),
    row(AddBandwidthPackageIps, 404, "BandwidthPackage.FinancialLocked", Denied),
    row(RemoveBandwidthPackageIps, 404, "InvalidRegionId.NotFound", Invalid),
    row(RemoveBandwidthPackageIps, 404, "invalidRemovedIpAddresses.NotFound", Invalid),
    row(RemoveBandwidthPackageIps, 400, "InvalidIpCount.ValueNotSupported", Invalid),
    row(RemoveBandwidthPackageIps, 400, "InvalidRemovedIpAddresses.NotFound", Invalid),
    row(RemoveBandwidthPackageIps, 400, "DependencyViolation.ForwardEntry", Dependency),
    row(RemoveBandwidthPackageIps, 400, "DependencyViolation.SnatEntry", Dependency),
    row(RemoveBandwidthPackageIps, 404, "BandwidthPackage.FinancialLocked", Denied),
    row(DeleteBandwidthPackage, 404, "InvalidRegionId.NotFound", Invalid),
    row(DeleteBandwidthPackage, 400, "DependencyViolation.ForwardEntry", Dependency),
    row(DeleteBandwidthPackage, 400, "DependencyViolation.SnatEntry", Dependency),
    new(ConvertBandwidthPackage, 500, "InternalServerError", Transient),
    old(CreateNatGateway, 400, "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport", Invalid),
    old(CreateForwardEntry, 400, "Forbidden.DestnationIpOutOfVpcCIDR", Invalid),
    old(CreateForwardEntry, 400, "InvalidProtocal.ValueNotSupported", Invalid),
    old(CreateForwardEntry, 500, "InternalError", Transient),
    old(ModifyForwardEntry, 400, "Forbidden.DestnationIpOutOfVpcCIDR", Invalid),
    old(ModifyForwardEntry, 400, "InvalidProtocal.ValueNotSupported", Invalid),
];
