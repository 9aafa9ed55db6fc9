//! Refusals as the 2019-07-19 edition lists them.
//!
//! The world is written with the codes of the newer edition; [`in_edition_2019`] turns a refusal
//! into the older edition's row: its spelling of the code, its status and its message. What the older
//! edition has no row for is answered as in the newer one, in the older spelling.

use std::sync::LazyLock;

use crate::api::catalogue::Action;
use crate::emulator::errors::{self, Refusal, Row, parse_rows};

/// Returns all rows that the 2019-07-19 edition lists, in its order.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| parse_rows(LISTED));
    &ROWS
}

/// Returns the row that the 2019-07-19 edition lists for an action with that code, if it does.
pub fn listed(action: Action, code: &str) -> Option<Refusal> {
    let row = rows().iter().find(|r| r.action == action && r.code == code)?;
    Some(Refusal::new(row.status, row.code, row.message))
}

/// Turns a refusal into what the 2019-07-19 edition answers in its place. A message that is not the
/// newer edition's own (of a fault, say) stays.
pub fn in_edition_2019(action: Option<Action>, refusal: Refusal) -> Refusal {
    let code = spelling(action, &refusal.code).unwrap_or(&refusal.code);
    let Some(row) = action.and_then(|action| row(action, code, &refusal)) else {
        return match spelling(action, &refusal.code) {
            Some(code) => Refusal { code: code.into(), ..refusal },
            None => refusal,
        };
    };
    let known = errors::rows().iter().any(|r| r.message == refusal.message);
    let message = if known { row.message.into() } else { refusal.message };
    // A status that a fault asked for stays, too.
    let listed =
        errors::rows().iter().any(|r| r.code == refusal.code && r.status == refusal.status);
    let status = if listed { row.status } else { refusal.status };
    Refusal { status, code: row.code.into(), message, ..refusal }
}

/// Finds the row of an action for a code: the one with the same message, or the one in the same place
/// among those of the code.
fn row(action: Action, code: &str, refusal: &Refusal) -> Option<&'static Row> {
    let own: Vec<&Row> = rows().iter().filter(|r| r.action == action && r.code == code).collect();
    let newer = errors::rows().iter().filter(|r| r.action == action && r.code == refusal.code);
    let place = newer.into_iter().position(|r| r.message == refusal.message).unwrap_or(0);
    let same = own.iter().find(|r| r.message == refusal.message);
    same.or_else(|| own.get(place)).or_else(|| own.first()).copied()
}

/// Returns the older edition's code where it spells one otherwise, or has one for what the newer
/// edition tells apart.
fn spelling(action: Option<Action>, code: &str) -> Option<&'static str> {
    Some(match (action, code) {
        (_, "Forbidden.DestinationIpOutOfVpcCIDR") => "Forbidden.DestnationIpOutOfVpcCIDR",
        (_, "InvalidProtocol.ValueNotSupported") => "InvalidProtocal.ValueNotSupported",
        (_, "InternalServerError") => "InternalError",
        (_, "InvalidParameter.BandwidthPackage.Isp.ValueNotSupport") => {
            "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport"
        }
        (Some(Action::CreateNatGateway), "InvalidNatGatewayName.Malformed") => {
            "InvalidParameter.Name.Malformed"
        }
        (Some(Action::CreateNatGateway), "InvalidNatGatewayDescription.Malformed") => {
            "InvalidParameter.Description.Malformed"
        }
        (Some(Action::CreateSnatEntry), "OperationUnsupported.CidrConflict") => {
            "Forbidden.SourceVSwitchId.Duplicated"
        }
        _ => return None,
    })
}

/// `=Action` starts the rows of an action; each row is status, code and message.
const LISTED: &str = "\
=CreateNatGateway
400 InvalidVPCStatus vpc incorrect status.
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 MissingParameter.BandwidthPackage only support one BandwidthPackage be created with NatGateway.
400 MissingParameter Miss mandatory parameter.
404 InvalidZoneId.NotFound Specified value of ZoneId is not exists.
404 InvalidZoneId.NotFound Can not find ZoneId for allocated ip.
400 QuotaExceeded.BandwidthPackageIps The specified ipCount exceeded quota.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
400 ZONE_NO_AVAILABLE_IP The Zone have no available ip.
400 InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport The specified ISP of BandwidthPackage is not valid.
400 InvalidNatGatewayId.NotFound The NatGatewayId not exist.
400 VswitchStatusError The VSwitch is creating .
400 VpcStatusError The Vpc is creating .
400 InvalidParameter.Spec.ValueNotSupported The specified Spec is not valid.
=ModifyNatGatewayAttribute
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidNatGatewayId.NotFound The specified NatGatewayId does not exist in our records.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
400 InvalidParameter.Description.Malformed The specified Description is not valid.
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
400 Forbidden.DestnationIpOutOfVpcCIDR The specified Internal Ip is Out of VPC CIDR.
400 InvalidProtocal.ValueNotSupported The specified IpProtocol does not support.
400 IncorretForwardEntryStatus Some Forward entry status blocked this operation..
404 InvalidForwardTableId.NotFound Specified forward table does not exist.
404 InvalidExternalIp.NotFound Specified External Ip address does not found on the VRouter
400 Forbidden.ExternalIp.UsedInSnatTable The specified ExternalIp is already used in SnatTable
400 Forbindden The specified Instance already bind eip
400 Forbidden.InternalIpOutOfVpcCIDR The specified Internal Ip is Out of VPC CIDR.
400 Invalid.natgwNotExist The specified natgateway not exist.
400 InvalidIp.NotInNatgw The specified Ip not belong to natgateway.
400 MissingParameter Missing mandatory parameter
500 InternalError The request processing has failed due to some unknown error.
400 InvalidParameter.Name.Malformed The specified Name is not valid.
=ModifyForwardEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 InvalidExternalIp.Malformed The specified ExternalIp is not a valid IP address.
400 InvalidInternalIp.Malformed The specified InternalIp is not a valid IP address.
400 InvalidExternalPort.Malformed The specified ExternalPort is not a valid port.
400 InvalidInternalPort.Malformed The specified InternalPort is not a valid port.
400 Forbidden.DestnationIpOutOfVpcCIDR The specified Destination Ip is Out of VPC CIDR.
400 InvalidProtocal.ValueNotSupported The specified IpProtocol does not support.
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
400 Forbidden.SnatEntryCountLimited SNAT entry in the specified SNAT table reaches its limit.
400 NOT_ALLOW_USE_SOURCECIDR The User not in nat_scope_unlimited white list. Cannot use SourceCidr param.
404 InvalidVSwitchId.NotFound The specified virtual switch does not exist.
400 INVALID_PARAMETER The parameter is invalid.
400 Forbidden.SourceVSwitchId.Duplicated The specified SourceCIDR is duplicated.
404 InvalidSnatIp.NotFound The specified SnatIp is not found in the NAT Gateway.
400 Forbidden.IpUsedInForwardTable The specified SnatIp already used in forward table.
400 Forbidden The specified Instance already bind eip
400 InvalidParameter.Name.Malformed The specified Name is not valid.
=ModifySnatEntry
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
404 InvalidSnatTableId.NotFound Specified SNAT table does not exist.
400 InvalidSnatIp.Malformed The specified SnatIp is not a valid IP address.
404 InvalidSnatEntryId.NotFound Specified SNAT entry does not exist.
400 Forbidden.SourceVSwitchId.Duplicated The specified SourceCIDR is duplicated.
400 Forbidden.IpUsedInForwardTable The specified SnatIp already used in forward table
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
404 BandwidthPackage.FinancialLocked The specified BandwidthPackage has been Financail Lock.
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
404 BandwidthPackage.FinancialLocked The specified BandwidthPackage has been Financail Lock.
=DeleteBandwidthPackage
404 InvalidRegionId.NotFound The specified RegionId does not exist in our records.
400 DependencyViolation.ForwardEntry The specified BandwidthPackageId has dependent resource.
400 DependencyViolation.SnatEntry The specified BandwidthPackageId has dependent resource.
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::catalogue::Edition;
    use crate::api::error_catalogue::documented;

    #[test]
    fn lists_every_row_of_the_edition() {
        assert_eq!(rows().len(), 128);
        let actions: BTreeSet<Action> = rows().iter().map(|r| r.action).collect();
        assert_eq!(actions.len(), 20);
        let all: BTreeSet<_> = rows().iter().map(|r| (r.action, r.code, r.message)).collect();
        assert_eq!(all.len(), rows().len());
        let distinct: BTreeSet<_> = rows().iter().map(|r| (r.status, r.code)).collect();
        assert_eq!(distinct.len(), 59);
    }

    #[test]
    fn the_client_knows_every_row_and_no_other() {
        let ours: BTreeSet<_> = rows().iter().map(|r| (r.action, r.status, r.code)).collect();
        let of_client: BTreeSet<_> = documented()
            .iter()
            .filter(|row| row.only != Some(Edition::V2020_09_25))
            .map(|row| (row.action, row.status, row.code))
            .collect();
        let missing: Vec<_> = ours.difference(&of_client).collect();
        let extra: Vec<_> = of_client.difference(&ours).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{missing:?} {extra:?}");
        for row in rows() {
            let told = documented()
                .iter()
                .filter(|known| known.action == row.action && known.code == row.code)
                .any(|known| row.message.to_lowercase().contains(known.part));
            assert!(told, "{row:?}");
        }
    }

    #[test]
    fn the_older_edition_keeps_its_spellings() {
        let older = |action, code| in_edition_2019(Some(action), Refusal::listed(action, code));
        let refusal = older(Action::CreateForwardEntry, "Forbidden.DestinationIpOutOfVpcCIDR");
        assert_eq!(refusal.code, "Forbidden.DestnationIpOutOfVpcCIDR");
        assert_eq!(refusal.message, "The specified Internal Ip is Out of VPC CIDR.");
        let refusal = older(Action::CreateSnatEntry, "InvalidSnatIp.NotFound");
        assert_eq!(refusal.message, "The specified SnatIp is not found in the NAT Gateway.");
        let second =
            Refusal::listed_nth(Action::DeleteForwardEntry, "IncorretForwardEntryStatus", 1);
        let refusal = in_edition_2019(Some(Action::DeleteForwardEntry), second);
        assert_eq!(refusal.message, "The Specified forwardEntry is not exist");
        let own = Refusal::new(503, "InvalidSnatIp.NotFound", "our own words");
        let refusal = in_edition_2019(Some(Action::CreateSnatEntry), own.clone());
        assert_eq!(refusal, own, "what a fault says stays");
    }
}
