//! The data sources: lists of the service with every documented filter. A data source's inputs are
//! the filters, its results a list of objects and their ids.

use std::collections::BTreeMap;

use super::schema::{Attribute, Kind, OnChange, Schema, name};
use super::{Fault, LiveRow, Object, ReadScope, answer, spelling};
use super::{bandwidth_package, forward_entry, nat_gateway, snat_entry};
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::value::{Equality, Value, equals};

/// All data sources.
pub(super) static SCHEMAS: [&Schema; 6] = [
    &NAT_GATEWAYS,
    &FORWARD_ENTRIES,
    &SNAT_ENTRIES,
    &BANDWIDTH_PACKAGES,
    &ENHANCED_NAT_ZONES,
    &CONVERT_STATUS,
];

const fn filter(name: &'static str, wire: &'static str, doc: &'static str) -> Attribute {
    Attribute::input(name, wire, Kind::String, OnChange::Record, doc)
}

const fn results(name: &'static str, fields: &'static [Attribute], doc: &'static str) -> Attribute {
    Attribute::volatile(name, "", Kind::Objects(fields), doc)
}

const IDS: Attribute = Attribute::volatile(
    "ids",
    "",
    Kind::Strings,
    "Ids of what was found, in the order of their text.",
);

static NAT_GATEWAYS: Schema = Schema {
    kind: "nat_gateways",
    doc: "The NAT gateways of the region that pass all filters.",
    version: 1,
    blocks: &[],
    attributes: &[
        filter("nat_gateway_id", "NatGatewayId", "Only the gateway with this id."),
        filter("vpc_id", "VpcId", "Only gateways of this VPC."),
        filter("name", "Name", "Only gateways of this name."),
        filter(
            "instance_charge_type",
            "InstanceChargeType",
            "Only gateways paid so: `PostPaid` or `PrePaid`.",
        ),
        filter(
            "spec",
            "Spec",
            "Only gateways of this size: `Small`, `Middle`, `Large`, `XLarge.1`.",
        ),
        filter("nat_type", "NatType", "Only gateways of this type: `Normal` or `Enhanced`."),
        filter("resource_group_id", "ResourceGroupId", "Only gateways of this resource group."),
        IDS,
        results("nat_gateways", nat_gateway::ROW, "The gateways, by id."),
    ],
};

static FORWARD_ENTRIES: Schema = Schema {
    kind: "forward_entries",
    doc: "The entries of a DNAT table that pass all filters.",
    version: 1,
    blocks: &[],
    attributes: &[
        filter("forward_table_id", "ForwardTableId", "Id of the DNAT table.").required(),
        filter("forward_entry_id", "ForwardEntryId", "Only the entry with this id."),
        filter("external_ip", "ExternalIp", "Only entries of this public address."),
        filter("external_port", "ExternalPort", "Only entries of this public port."),
        filter("internal_ip", "InternalIp", "Only entries to this private address."),
        filter("internal_port", "InternalPort", "Only entries to this private port."),
        filter(
            "ip_protocol",
            "IpProtocol",
            "Only entries of this protocol: `tcp`, `udp` or `any`.",
        ),
        filter("forward_entry_name", "ForwardEntryName", "Only entries of this name."),
        IDS,
        results("forward_entries", forward_entry::ROW, "The entries, by id."),
    ],
};

static SNAT_ENTRIES: Schema = Schema {
    kind: "snat_entries",
    doc: "The entries of an SNAT table that pass all filters.",
    version: 1,
    blocks: &[],
    attributes: &[
        filter("snat_table_id", "SnatTableId", "Id of the SNAT table.").required(),
        filter("snat_entry_id", "SnatEntryId", "Only the entry with this id."),
        filter("source_vswitch_id", "SourceVSwitchId", "Only the entry of this vSwitch."),
        filter("source_cidr", "SourceCIDR", "Only entries of this network, in CIDR notation."),
        filter("snat_ip", "SnatIp", "Only entries whose pool has this public address."),
        filter("snat_entry_name", "SnatEntryName", "Only entries of this name."),
        IDS,
        results("snat_entries", snat_entry::ROW, "The entries, by id."),
    ],
};

static BANDWIDTH_PACKAGES: Schema = Schema {
    kind: "bandwidth_packages",
    doc: "The NAT bandwidth packages of the region that pass all filters.",
    version: 1,
    blocks: &[],
    attributes: &[
        filter("bandwidth_package_id", "BandwidthPackageId", "Only the package with this id."),
        filter("nat_gateway_id", "NatGatewayId", "Only packages of this gateway."),
        IDS,
        results("bandwidth_packages", bandwidth_package::ROW, "The packages, by id."),
    ],
};

const ZONE: &[Attribute] = &[
    Attribute::volatile("id", "ZoneId", Kind::String, "Id of the zone."),
    Attribute::volatile("local_name", "LocalName", Kind::String, "Name of the zone."),
];

static ENHANCED_NAT_ZONES: Schema = Schema {
    kind: "enhanced_nat_zones",
    doc: "The zones of the region that offer Enhanced gateways.",
    version: 1,
    blocks: &[],
    attributes: &[IDS, results("zones", ZONE, "The zones, by id.")],
};

const STEP: &[Attribute] = &[
    Attribute::volatile(
        "step_name",
        "StepName",
        Kind::String,
        "`init`, `check`, `configure`, `activate`, `conf_delete`, `rollback`, `end_success` or \
         `end_fail`.",
    ),
    Attribute::volatile(
        "step_status",
        "StepStatus",
        Kind::String,
        "`processing`, `successful` or `failed`.",
    ),
    Attribute::volatile("step_start_time", "StepStartTime", Kind::String, "When it began, UTC."),
];

pub(super) static CONVERT_STATUS: Schema = Schema {
    kind: "nat_gateway_convert_status",
    doc: "The steps of a gateway's conversion to Enhanced.",
    version: 1,
    blocks: &[],
    attributes: &[
        filter("nat_gateway_id", "NatGatewayId", "Id of the gateway.").required(),
        Attribute::volatile("dst_nat_type", "DstNatType", Kind::String, "Type that it is to have."),
        Attribute::volatile(
            "convert_steps",
            "ConvertSteps",
            Kind::Objects(STEP),
            "The steps in their order; none for a gateway that was never converted.",
        ),
    ],
};

/// Reads a row of `ListEnhancedNatGatewayAvailableZones`.
pub(super) fn zone_row(json: &serde_json::Value) -> Object {
    answer::object(ZONE, json)
}

/// Returns the action behind a data source.
pub fn action(kind: &str) -> Option<Action> {
    Some(match kind {
        "nat_gateways" => Action::DescribeNatGateways,
        "forward_entries" => Action::DescribeForwardTableEntries,
        "snat_entries" => Action::DescribeSnatTableEntries,
        "bandwidth_packages" => Action::DescribeBandwidthPackages,
        "enhanced_nat_zones" => Action::ListEnhancedNatGatewayAvailableZones,
        "nat_gateway_convert_status" => Action::GetNatGatewayConvertStatus,
        _ => return None,
    })
}

/// Brings filters into the configuration's spelling.
pub fn normalise(filters: &mut Object) {
    spelling::respell(filters, "spec", spelling::spec);
    spelling::respell(filters, "external_ip", spelling::address);
    spelling::respell(filters, "internal_ip", spelling::address);
    spelling::respell(filters, "snat_ip", spelling::address);
    spelling::respell(filters, "external_port", spelling::port);
    spelling::respell(filters, "internal_port", spelling::port);
    spelling::respell(filters, "ip_protocol", spelling::protocol);
    spelling::respell(filters, "source_cidr", spelling::network);
}

/// Checks the filters of a data source; unknown ones are passed over.
pub fn validate(schema: &Schema, filters: &Object) -> Vec<Fault> {
    let mut checks = super::fault::Checks::of(filters);
    for attribute in schema.attributes.iter().filter(|a| a.is_input()) {
        match attribute.name {
            "external_ip" | "internal_ip" | "snat_ip" => checks.address(attribute.name),
            "external_port" | "internal_port" => checks.port(attribute.name),
            "ip_protocol" => checks.protocol(),
            "spec" => checks.spec(),
            "nat_type" => checks.one_of("nat_type", &["Normal", "Enhanced"]),
            "instance_charge_type" => {
                checks.one_of("instance_charge_type", &["PostPaid", "PrePaid"]);
            }
            "source_cidr" => checks.network("source_cidr"),
            _ => {}
        }
    }
    checks.faults
}

/// Returns the parameters of a data source's action, from known filters.
pub fn parameters(schema: &Schema, filters: &Object) -> BTreeMap<String, String> {
    schema
        .attributes
        .iter()
        .filter(|attribute| attribute.is_input())
        .filter_map(|attribute| {
            let text = filters.text(attribute.name)?;
            let sent = match attribute.name {
                "ip_protocol" => spelling::wire_protocol(text),
                _ => text.to_owned(),
            };
            Some((attribute.wire.to_owned(), sent))
        })
        .collect()
}

/// Returns the list read of a data source.
pub fn list_call(kind: &str, region: &str, parameters: &BTreeMap<String, String>) -> Option<Call> {
    let call = Call { action: action(kind)?, parameters: parameters.clone() };
    Some(call.with("RegionId", region))
}

/// Returns the list behind a data source, and whether it is wanted whole; none where that cannot be
/// said.
pub fn list_of(
    kind: &str,
    region: &str,
    parameters: &BTreeMap<String, String>,
) -> Option<(ReadScope, bool)> {
    let region = region.to_owned();
    let table = |name: &str| parameters.get(name).cloned();
    let (scope, parent) = match kind {
        "nat_gateways" => (ReadScope::Gateways { region }, None),
        "bandwidth_packages" => (ReadScope::BandwidthPackages { region }, None),
        "enhanced_nat_zones" => (ReadScope::EnhancedZones { region }, None),
        "forward_entries" => {
            let table = table("ForwardTableId")?;
            (ReadScope::ForwardEntries { region, table }, Some("ForwardTableId"))
        }
        "snat_entries" => {
            let table = table("SnatTableId")?;
            (ReadScope::SnatEntries { region, table }, Some("SnatTableId"))
        }
        _ => return None,
    };
    let whole = parameters.keys().all(|name| Some(name.as_str()) == parent);
    Some((scope, whole))
}

/// Tells whether the rows of a whole list say all that the filters are about.
pub fn tells(
    schema: &Schema,
    parameters: &BTreeMap<String, String>,
    rows: &BTreeMap<String, Object>,
) -> bool {
    let filters = schema.attributes.iter().filter(|a| parameters.contains_key(a.wire));
    let mut filters = filters.filter(|a| a.name != "forward_table_id" && a.name != "snat_table_id");
    filters.all(|filter| rows.iter().all(|(id, row)| row.get(compared(filter.name, id)).is_some()))
}

/// Returns the attribute of a row that a filter is about.
fn compared<'a>(filter: &'a str, id: &str) -> &'a str {
    match filter {
        "nat_gateway_id" if id.starts_with("ngw") => "id",
        "bandwidth_package_id" | "forward_entry_id" | "snat_entry_id" => "id",
        other => other,
    }
}

/// Makes a data source's object from the filters that were sent and the rows that were read. Rows
/// that do not pass a filter are dropped: the 2019 edition ignores most filters.
pub fn object(
    schema: &Schema,
    parameters: &BTreeMap<String, String>,
    rows: Vec<LiveRow>,
) -> Object {
    let mut filters: Object = schema
        .attributes
        .iter()
        .filter(|attribute| attribute.is_input())
        .filter_map(|a| Some((name(a.name), Value::text(parameters.get(a.wire)?))))
        .collect();
    normalise(&mut filters);
    if schema.kind == CONVERT_STATUS.kind {
        let found = rows.into_iter().next().map(|row| row.object).unwrap_or_default();
        let mut object = found.over(&filters);
        object.remove("id");
        return object;
    }
    let rows: Vec<LiveRow> = rows.into_iter().filter(|row| passes(&filters, row)).collect();
    let ids = answer::string_list(rows.iter().map(|row| row.id.as_str()));
    let mut object = filters;
    object.set(name("ids"), ids);
    for attribute in schema.attributes {
        let Kind::Objects(fields) = attribute.kind else { continue };
        let list = rows.iter().map(|row| with_fields(fields, &row.object));
        object.set(name(attribute.name), answer::object_list(attribute.kind, list));
    }
    object
}

/// Tells whether a row passes the filters, as far as it tells of what they are about.
fn passes(filters: &Object, row: &LiveRow) -> bool {
    filters.iter().all(|(filter, wanted)| match row.object.get(compared(filter, &row.id)) {
        None => true,
        Some(value) => match value.as_elements() {
            Some(elements) => elements.iter().any(|e| equals(e, wanted) == Equality::Same),
            None => equals(value, wanted) == Equality::Same,
        },
    })
}

/// Returns a row with exactly the given fields, null where it has none.
fn with_fields(fields: &[Attribute], row: &Object) -> Value {
    let value = |field: &Attribute| row.get(field.name).cloned().unwrap_or_else(Value::null);
    Value::object(fields.iter().map(|field| (name(field.name), value(field))).collect())
}
