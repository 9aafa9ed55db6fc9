//! The attributes and rules of `bandwidth_package`.

use super::super::Rule;
use super::super::schema::{self, Attribute, Kind, OnChange, Schema};
use crate::api::catalogue::Edition;

pub(super) const PUBLIC_IPS: &[Attribute] = &[
    Attribute::volatile("ip_address", "IpAddress", Kind::String, "Public address."),
    Attribute::volatile("allocation_id", "AllocationId", Kind::String, "Id of the address."),
    Attribute::volatile(
        "using_status",
        "UsingStatus",
        Kind::String,
        "`Idle`, `UsedByForwardTable` or `UsedBySnatTable`.",
    ),
    Attribute::volatile(
        "ap_access_enabled",
        "ApAccessEnabled",
        Kind::Bool,
        "Whether access point access is enabled; answered in the 2019 edition only.",
    ),
];

const ATTRIBUTES: &[Attribute] = &[
    Attribute::input(
        "nat_gateway_id",
        "NatGatewayId",
        Kind::String,
        OnChange::Replace,
        "Id of the gateway; one gateway holds at most 4 packages. A change replaces the package \
             and gives up its addresses.",
    )
    .required(),
    Attribute::input(
        "bandwidth",
        "Bandwidth",
        Kind::Integer,
        OnChange::Update,
        "Bandwidth that its addresses share, 5 to 1000 Mbit/s.",
    )
    .required(),
    Attribute::input(
        "ip_count",
        "IpCount",
        Kind::Integer,
        OnChange::Update,
        "Number of public addresses, 1 to 50. A smaller number gives up addresses that nothing \
             uses, from the end of `public_ip_addresses`.",
    )
    .required(),
    Attribute::input(
        "name",
        "Name",
        Kind::String,
        OnChange::Update,
        "Name, 2 to 128 characters: letters, digits, `.`, `_`, `-`, starting with a letter or \
             Chinese character.",
    )
    .computed(),
    Attribute::input(
        "description",
        "Description",
        Kind::String,
        OnChange::Update,
        "Description, 2 to 256 characters. It cannot be cleared, only changed.",
    ),
    Attribute::input(
        "isp",
        "ISP",
        Kind::String,
        OnChange::Replace,
        "Kind of line; only `BGP`, the default. A change replaces the package.",
    )
    .computed(),
    Attribute::input(
        "internet_charge_type",
        "InternetChargeType",
        Kind::String,
        OnChange::Replace,
        "`PayByTraffic` or `PayByBandwidth`. A change replaces the package.",
    )
    .computed(),
    Attribute::input(
        "zone",
        "Zone",
        Kind::String,
        OnChange::Replace,
        "Zone of the addresses; the service picks one by default. A change replaces the package.",
    )
    .computed(),
    Attribute::input(
        "convert_to_shared",
        "",
        Kind::Bool,
        OnChange::Update,
        "Whether to turn the package into shared bandwidth, for good: its addresses become EIPs \
             of the gateway, its price stays. Default: `false`.",
    )
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "force",
        "Force",
        Kind::Bool,
        OnChange::Record,
        "Whether the package is deleted although entries use its addresses. Default: `false`. \
             Kept in the state only.",
    )
    .unreadable(),
    Attribute::stable("id", "BandwidthPackageId", Kind::String, "Id, `bwp-…`."),
    Attribute::stable(
        "region_id",
        "RegionId",
        Kind::String,
        "Region that it is in, such as `cn-hangzhou`.",
    ),
    Attribute::stable(
        "public_ip_addresses",
        "",
        Kind::Strings,
        "Its public addresses in a lasting order: an address keeps its index as long as those \
             before it stay; new ones come last, by number.",
    ),
    Attribute::stable(
        "common_bandwidth_package_id",
        "",
        Kind::String,
        "Id of the shared bandwidth that it became, `cbwp-…`; null before.",
    ),
    Attribute::stable("creation_time", "CreationTime", Kind::String, "When it was made, UTC."),
    Attribute::stable(
        "instance_charge_type",
        "InstanceChargeType",
        Kind::String,
        "How it is paid; only `PostPaid`.",
    ),
    Attribute::volatile("status", "Status", Kind::String, "`Available` when at rest."),
    Attribute::volatile(
        "business_status",
        "BusinessStatus",
        Kind::String,
        "`Normal`, `FinancialLocked` or `SecurityLocked`.",
    ),
    Attribute::volatile(
        "public_ips",
        "PublicIpAddresses",
        Kind::Objects(PUBLIC_IPS),
        "Its public addresses with their ids and use, in the order of `public_ip_addresses`.",
    ),
];

/// What an answer tells of one, for the data source.
pub(in crate::resources) const ROW: &[Attribute] =
    &schema::readable::<{ schema::count_readable(ATTRIBUTES) }>(ATTRIBUTES);

pub(in crate::resources) static SCHEMA: Schema = Schema {
    kind: "bandwidth_package",
    doc: "A NAT bandwidth package: bandwidth and public addresses for a gateway. Only accounts that \
          had one before 2017-11-03 can use packages.",
    version: 1,
    blocks: &[],
    attributes: ATTRIBUTES,
};

pub(super) static RULES: [Rule; 4] = [
    Rule::Quota {
        code: "bandwidth-packages-quota",
        name: "bandwidth_packages_per_gateway",
        scope: &["nat_gateway_id"],
        limit: 4,
        what: "bandwidth packages of one gateway",
    },
    Rule::Limit {
        code: "bandwidth-package-addresses-quota",
        name: "ips_per_bandwidth_package",
        attribute: "ip_count",
        limit: 50,
        what: "public addresses in one bandwidth package",
    },
    // An address that the plan removes from a package (in its prior `public_ip_addresses`, not in the
    // planned ones; or all of them when it is deleted without `force`) is the `external_ip` of no
    // DNAT entry and in the `snat_ip` of no SNAT entry, as planned, unmanaged ones included. Entries
    // that the plan moves off the address or deletes come first in the order, and do not violate it.
    Rule::World {
        code: "address-in-use",
        what: "an address that entries use cannot be removed from its package",
    },
    // A package keeps at least one address: `ip_count` of 0 is refused by `validate`; what is left to
    // the planner is that `public_ip_addresses` after all removals is not empty. (A package whose last
    // address shall go is deleted instead.)
    Rule::World { code: "last-address", what: "a bandwidth package keeps at least one address" },
];
