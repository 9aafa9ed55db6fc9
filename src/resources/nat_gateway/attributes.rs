//! The attributes and rules of `nat_gateway`.

use super::super::Rule;
use super::super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::packages;
use crate::api::catalogue::Edition;

const PREPAID_ADVICE: &str = "the service neither shows nor changes this after the gateway was \
    made: put the old value back, or add it to `lifecycle.ignore_changes`; renewals are made in the \
    billing console";

pub(super) const PRIVATE_INFO: &[Attribute] = &[
    Attribute::volatile(
        "eni_instance_id",
        "EniInstanceId",
        Kind::String,
        "Id of the network interface.",
    ),
    Attribute::volatile("iz_no", "IzNo", Kind::String, "Zone of the gateway."),
    Attribute::volatile(
        "max_bandwidth",
        "MaxBandwidth",
        Kind::Integer,
        "Greatest bandwidth, Mbit/s.",
    ),
    Attribute::volatile(
        "private_ip_address",
        "PrivateIpAddress",
        Kind::String,
        "Private address in the vSwitch.",
    ),
    Attribute::volatile("vswitch_id", "VswitchId", Kind::String, "Id of the vSwitch."),
];

const IP_LISTS: &[Attribute] = &[
    Attribute::volatile("ip_address", "IpAddress", Kind::String, "Public address."),
    Attribute::volatile(
        "allocation_id",
        "AllocationId",
        Kind::String,
        "Id of the address, `eip-…`.",
    ),
    Attribute::volatile(
        "using_status",
        "UsingStatus",
        Kind::String,
        "`Idle`, `UsedByForwardTable`, `UsedBySnatTable` or `UsedByForwardSnatTable`.",
    ),
    Attribute::volatile(
        "snat_entry_enabled",
        "SnatEntryEnabled",
        Kind::Bool,
        "Whether the address may serve SNAT beside DNAT.",
    ),
];

const ATTRIBUTES: &[Attribute] = &[
    Attribute::input(
        "vpc_id",
        "VpcId",
        Kind::String,
        OnChange::Replace,
        "Id of the VPC. A Normal gateway takes the VPC's default route, so there is one of them a \
             VPC. A change replaces the gateway.",
    )
    .required(),
    Attribute::input(
        "name",
        "Name",
        Kind::String,
        OnChange::Update,
        "Name, 2 to 128 characters: letters, digits, `.`, `_`, `-`, starting with a letter or \
             Chinese character. Default: the gateway's id.",
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
        "spec",
        "Spec",
        Kind::String,
        OnChange::Update,
        "Size: `Small` (10,000 connections, 1,000 new ones a second), `Middle` (50,000; 5,000), \
             `Large` (200,000; 10,000) or `XLarge.1` (1,000,000; 50,000). Default: `Small`.",
    )
    .computed(),
    Attribute::input(
        "instance_charge_type",
        "InstanceChargeType",
        Kind::String,
        OnChange::Replace,
        "`PostPaid` (by use, the default) or `PrePaid` (subscription). A change replaces the \
             gateway.",
    )
    .computed()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "pricing_cycle",
        "PricingCycle",
        Kind::String,
        OnChange::Refuse(PREPAID_ADVICE),
        "Unit of `duration`: `Month` or `Year`. Required with `PrePaid`. It cannot be read back.",
    )
    .unreadable()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "duration",
        "Duration",
        Kind::Integer,
        OnChange::Refuse(PREPAID_ADVICE),
        "Length of the subscription: 1 to 9 months or 1 to 3 years. Required with `PrePaid`. It \
             cannot be read back.",
    )
    .unreadable()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "auto_pay",
        "AutoPay",
        Kind::Bool,
        OnChange::Refuse(PREPAID_ADVICE),
        "Whether the order of a subscription is paid at once. Required with `PrePaid`, and then \
             `true`. It cannot be read back.",
    )
    .unreadable()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "vswitch_id",
        "VSwitchId",
        Kind::String,
        OnChange::Replace,
        "Id of the vSwitch in which an Enhanced gateway gets its private address. Required with \
             `Enhanced`. A change replaces the gateway, but for its conversion to `Enhanced`.",
    )
    .computed()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "nat_type",
        "NatType",
        Kind::String,
        OnChange::Update,
        "`Normal` or `Enhanced`; the default is the region's. `Normal` is converted to \
             `Enhanced` in place, with one or two interruptions of about a second; the way back \
             replaces the gateway.",
    )
    .computed()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "internet_charge_type",
        "InternetChargeType",
        Kind::String,
        OnChange::Replace,
        "`PayBySpec` (by size, the default) or `PayByLcu` (by usage; Enhanced only). A change \
             replaces the gateway.",
    )
    .computed()
    .only_in(Edition::V2020_09_25),
    Attribute::input(
        "force",
        "Force",
        Kind::Bool,
        OnChange::Record,
        "Whether deleting the gateway also deletes its entries and bandwidth packages, unbinds \
             its addresses and removes routes to it. Default: `false`. Kept in the state only.",
    )
    .unreadable(),
    Attribute::input(
        packages::WISHED,
        "",
        Kind::Objects(packages::FIELDS),
        OnChange::Refuse(packages::CREATE_ONLY),
        "Blocks, up to 4: bandwidth packages that are made together with the gateway, in edition \
             2019-07-19 only. They cannot be changed afterwards; see `bandwidth_packages`.",
    )
    .unreadable()
    .clearable()
    .only_in(Edition::V2019_07_19),
    Attribute::stable("id", "NatGatewayId", Kind::String, "Id, `ngw-…`."),
    Attribute::stable(
        "region_id",
        "RegionId",
        Kind::String,
        "Region that it is in, such as `cn-hangzhou`.",
    ),
    Attribute::stable(
        "forward_table_id",
        "",
        Kind::String,
        "Id of the DNAT table, `ftb-…`; the first, where there are several.",
    ),
    Attribute::stable(
        "forward_table_ids",
        "ForwardTableIds",
        Kind::Strings,
        "Ids of the DNAT tables.",
    ),
    Attribute::stable(
        "snat_table_id",
        "",
        Kind::String,
        "Id of the SNAT table, `stb-…`; the first, where there are several.",
    ),
    Attribute::stable("snat_table_ids", "SnatTableIds", Kind::Strings, "Ids of the SNAT tables."),
    Attribute::stable("creation_time", "CreationTime", Kind::String, "When it was made, UTC."),
    Attribute::stable(
        "resource_group_id",
        "ResourceGroupId",
        Kind::String,
        "Id of the resource group, `rg-…`.",
    ),
    Attribute::volatile(
        "status",
        "Status",
        Kind::String,
        "`Available`, `Creating` (`Initiating` in the 2019 edition), `Modifying` (`Pending`), \
             `Converting` or `Deleting`.",
    ),
    Attribute::volatile(
        "business_status",
        "BusinessStatus",
        Kind::String,
        "`Normal`, `FinancialLocked` or `SecurityLocked`.",
    ),
    Attribute::volatile(
        "expired_time",
        "ExpiredTime",
        Kind::String,
        "When a subscription ends, UTC.",
    ),
    Attribute::volatile(
        "deletion_protection",
        "DeletionProtection",
        Kind::Bool,
        "Whether the service refuses to delete it.",
    ),
    Attribute::volatile(
        "ecs_metric_enabled",
        "EcsMetricEnabled",
        Kind::Bool,
        "Whether its traffic is monitored.",
    ),
    Attribute::volatile(
        "ip_lists",
        "IpLists",
        Kind::Objects(IP_LISTS),
        "Public addresses that are bound to it (EIPs).",
    ),
    Attribute::volatile(
        "bandwidth_package_ids",
        "BandwidthPackageIds",
        Kind::Strings,
        "Ids of its bandwidth packages; answered in the 2019 edition only.",
    ),
    Attribute::volatile(
        "bandwidth_packages",
        "",
        Kind::Objects(packages::SHOWN),
        "The packages that its `bandwidth_package` blocks made, in the order of the blocks, as they \
             are now.",
    )
    .unreadable(),
    Attribute::volatile(
        "nat_gateway_private_info",
        "NatGatewayPrivateInfo",
        Kind::Struct(PRIVATE_INFO),
        "Private side of an Enhanced gateway; its fields are null with `Normal`.",
    ),
];

/// What an answer tells of one, for the data source.
pub(in crate::resources) const ROW: &[Attribute] =
    &schema::readable::<{ schema::count_readable(ATTRIBUTES) }>(ATTRIBUTES);

pub(in crate::resources) static SCHEMA: Schema = Schema {
    kind: "nat_gateway",
    doc: "A NAT gateway of a VPC, with one DNAT and one SNAT table.",
    version: 1,
    blocks: &[(packages::WISHED, packages::FIELDS, packages::MOST)],
    attributes: ATTRIBUTES,
};

pub(super) static RULES: [Rule; 4] = [
    // Of the gateways with the same `vpc_id`, planned and live (also unmanaged ones), at most one has
    // `nat_type` `Normal`. A `nat_type` that is not configured is the region's
    // (`conversion::default_nat_type`). A gateway that the plan deletes or converts leaves its place
    // only once that is done: a replacement that creates first violates the rule.
    Rule::World {
        code: "second-normal-gateway",
        what: "a VPC holds one Normal gateway, which owns its default route",
    },
    // A gateway whose `nat_type` changes from `Normal` to `Enhanced` holds no bandwidth package when
    // the conversion begins: every live package with its `nat_gateway_id`, managed or not, is deleted
    // or converted (`convert_to_shared`) by this plan before.
    Rule::World {
        code: "gateway-with-packages-cannot-convert",
        what: "a gateway that holds bandwidth packages cannot be converted to Enhanced",
    },
    // A change of `nat_type` from `Normal` to `Enhanced` happens in one of
    // `conversion::CONVERSION_REGIONS`. (`check` reports it too: the planner may leave this one out.)
    Rule::World {
        code: "conversion-region",
        what: "a Normal gateway can be converted in some regions only",
    },
    // A gateway that is deleted without `force` has no entries and no packages left that the plan
    // does not delete before (unmanaged ones included), and no addresses in `ip_lists` (EIPs, also
    // those of converted packages).
    Rule::World {
        code: "gateway-not-empty",
        what: "a gateway is deleted without `force` only when it has no entries, no bandwidth \
               packages and no bound addresses",
    },
];
