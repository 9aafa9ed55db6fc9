//! `forward_entry`: an entry of a gateway's DNAT table.

use super::call::{self, Parameters};
use super::fault::Checks;
use super::listing::{self, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Hold, Impact, Lane, Object, ResourceType, Rule, Settled, Step, Wanted,
    answer, spelling,
};
use crate::api::catalogue::{Action, Edition};
use crate::value::Value;

/// The resource type.
#[derive(Debug)]
pub struct ForwardEntry;

/// The fields that tell entries of a table apart; all of them go with every modify.
const MATCH: [(&str, &str); 5] = [
    ("ExternalIp", "external_ip"),
    ("ExternalPort", "external_port"),
    ("InternalIp", "internal_ip"),
    ("InternalPort", "internal_port"),
    ("IpProtocol", "ip_protocol"),
];

const ATTRIBUTES: &[Attribute] = &[
        Attribute::input(
            "forward_table_id",
            "ForwardTableId",
            Kind::String,
            OnChange::Replace,
            "Id of the DNAT table, `nat_gateway.….forward_table_id`. A change replaces the entry.",
        )
        .required(),
        Attribute::input(
            "external_ip",
            "ExternalIp",
            Kind::String,
            OnChange::Update,
            "Public IPv4 address, one of the gateway: of its bandwidth packages or bound to it. An \
             address serves DNAT or SNAT, not both.",
        )
        .required(),
        Attribute::input(
            "external_port",
            "ExternalPort",
            Kind::String,
            OnChange::Update,
            "Public port, 1 to 65535, or `any` with the protocol `any`. Together with `external_ip` and `ip_protocol` it is \
             unique in the table.",
        )
        .required(),
        Attribute::input(
            "internal_ip",
            "InternalIp",
            Kind::String,
            OnChange::Update,
            "Private IPv4 address inside the VPC, of an instance without a public address of its \
             own.",
        )
        .required(),
        Attribute::input(
            "internal_port",
            "InternalPort",
            Kind::String,
            OnChange::Update,
            "Private port, 1 to 65535, or `any` with the protocol `any`. Together with `internal_ip` and `ip_protocol` it is \
             unique in the table.",
        )
        .required(),
        Attribute::input(
            "ip_protocol",
            "IpProtocol",
            Kind::String,
            OnChange::Update,
            "Protocol: `tcp`, `udp` or `any`, in any case of letters.",
        )
        .required(),
        Attribute::input(
            "forward_entry_name",
            "ForwardEntryName",
            Kind::String,
            OnChange::Replace,
            "Name, 2 to 128 characters, starting with a letter or Chinese character. Edition \
             2020-09-25 cannot rename an entry: a change replaces it, which interrupts its traffic.",
        )
        .computed(),
        Attribute::input(
            "port_break",
            "PortBreak",
            Kind::Bool,
            OnChange::Replace,
            "Whether ports above 1024 are allowed where the address also serves SNAT; default \
             `false`. It cannot be read back, so it is compared with the state alone; a change \
             replaces the entry.",
        )
        .unreadable()
        .only_in(Edition::V2020_09_25),
        Attribute::stable("id", "ForwardEntryId", Kind::String, "Id, `fwd-…`."),
        Attribute::volatile(
            "status",
            "Status",
            Kind::String,
            "`Available`, `Pending` (being created or changed) or `Deleting`.",
        ),
];

/// What an answer tells of one, for the data source.
pub(super) const ROW: &[Attribute] =
    &schema::readable::<{ schema::count_readable(ATTRIBUTES) }>(ATTRIBUTES);

pub(super) static SCHEMA: Schema = Schema {
    kind: "forward_entry",
    doc: "An entry of a gateway's DNAT table: what reaches a public address and port goes to a \
          private address and port.",
    version: 1,
    blocks: &[],
    attributes: ATTRIBUTES,
};

static RULES: [Rule; 6] = [
    Rule::Unique {
        code: "duplicate-dnat-external-key",
        scope: &["forward_table_id"],
        fields: &["external_ip", "external_port", "ip_protocol"],
        what: "external address, port and protocol",
    },
    Rule::Unique {
        code: "duplicate-dnat-internal-key",
        scope: &["forward_table_id"],
        fields: &["ip_protocol", "internal_ip", "internal_port"],
        what: "protocol, internal address and port",
    },
    Rule::Quota {
        code: "dnat-entries-quota",
        name: "forward_entries_per_table",
        scope: &["forward_table_id"],
        limit: 100,
        what: "DNAT entries in one table",
    },
    // Let A be the addresses that an entry of a gateway's DNAT table has as `external_ip` and S those
    // in the pools (`snat_ip`) of the same gateway's SNAT table, both as planned, with entries that
    // the plan does not manage but the lists hold. An address in A and S violates the rule, unless
    // the gateway's live `ip_lists` say `snat_entry_enabled` of it; then a DNAT port above 1024 on it
    // needs `port_break`. Undecided while tables or addresses are unknown.
    Rule::World {
        code: "address-in-dnat-and-snat",
        what: "a public address serves DNAT or SNAT of its gateway, not both, unless the service \
               allows it for that address",
    },
    // `external_ip` (and each of `snat_ip`, by the rule of `snat_entry`) is among the planned
    // `public_ip_addresses` of the packages of the table's gateway or the live `ip_lists` of the
    // gateway. Undecided while the gateway or one of its packages is not known in full, or the
    // gateway's lists were not read.
    Rule::World {
        code: "external-address-not-of-gateway",
        what: "a DNAT entry's external address belongs to the table's gateway",
    },
    // `internal_ip` lies inside the CIDR block of the gateway's VPC. No action of the service reads
    // that block, so this is undecided but for what may be inferred: an address that is not private
    // (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) may still be inside a VPC with a block of its own.
    Rule::World {
        code: "internal-address-outside-vpc",
        what: "a DNAT entry's internal address is inside the VPC",
    },
];

fn scope(region: &str, object: &Object) -> Option<ReadScope> {
    let table = object.text("forward_table_id")?.to_owned();
    Some(ReadScope::ForwardEntries { region: region.to_owned(), table })
}

fn lane(object: &Object, hold: Hold) -> Lane {
    let scope = call::lane_name(object, "forward_table_id");
    Lane { gateway: None, whole_gateway: false, scope, hold }
}

fn create(region: &str, planned: &Object) -> Step {
    let mut parameters = Parameters::of(planned);
    for (wire, attribute) in [
        ("ExternalIp", "external_ip"),
        ("ExternalPort", "external_port"),
        ("ForwardTableId", "forward_table_id"),
        ("InternalIp", "internal_ip"),
        ("InternalPort", "internal_port"),
    ] {
        parameters = parameters.attribute(wire, attribute);
    }
    Step {
        action: Action::CreateForwardEntry,
        parameters: parameters
            .spelt("IpProtocol", "ip_protocol", spelling::wire_protocol)
            .attribute("ForwardEntryName", "forward_entry_name")
            .flag("PortBreak", "port_break")
            .list(),
        lane: lane(planned, Hold::EXCLUSIVE),
        wanted: Wanted::Present { scope: scope(region, planned), id: None, values: Object::new() },
        impacts: Vec::new(),
        makes: call::names(&["id", "status", "forward_entry_name"]),
    }
}

fn modify(region: &str, prior: &Object, planned: &Object) -> Option<Step> {
    let attributes = MATCH.map(|(_, attribute)| attribute);
    let changed: Vec<&str> =
        attributes.into_iter().filter(|a| call::changes(prior, planned, a)).collect();
    if changed.is_empty() {
        return None;
    }
    let mut parameters = Parameters::of(planned)
        .text("ForwardEntryId", "id", prior.text("id").unwrap_or_default())
        .attribute("ForwardTableId", "forward_table_id");
    for (wire, attribute) in MATCH {
        parameters = match attribute {
            "ip_protocol" => parameters.spelt(wire, attribute, spelling::wire_protocol),
            _ => parameters.attribute(wire, attribute),
        };
    }
    Some(Step {
        action: Action::ModifyForwardEntry,
        parameters: parameters.list(),
        lane: lane(prior, Hold::EXCLUSIVE),
        wanted: Wanted::Present {
            scope: scope(region, prior),
            id: prior.text("id").map(str::to_owned),
            values: call::pick(planned, &attributes),
        },
        impacts: vec![Impact::InterruptsTraffic],
        makes: call::names(&changed),
    })
}

fn delete(region: &str, prior: &Object) -> Step {
    Step {
        action: Action::DeleteForwardEntry,
        parameters: Parameters::of(prior)
            .attribute("ForwardEntryId", "id")
            .attribute("ForwardTableId", "forward_table_id")
            .list(),
        lane: lane(prior, Hold::WAITS),
        wanted: Wanted::Gone {
            scope: scope(region, prior),
            id: prior.text("id").map(str::to_owned),
        },
        impacts: vec![Impact::InterruptsTraffic],
        makes: Vec::new(),
    }
}

impl ResourceType for ForwardEntry {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn rules(&self) -> &'static [Rule] {
        &RULES
    }

    fn validate(&self, object: &Object) -> Vec<Fault> {
        let mut checks = Checks::of(object);
        checks.id("forward_table_id", "ftb");
        checks.address("external_ip");
        checks.address("internal_ip");
        checks.port("external_port");
        checks.port("internal_port");
        checks.protocol();
        for attribute in ["external_port", "internal_port"] {
            let any = object.text(attribute).and_then(spelling::port).is_some_and(|p| p == "any");
            let protocol = object.text("ip_protocol").and_then(spelling::protocol);
            if any && protocol.is_some_and(|protocol| protocol != "any") {
                checks.add(
                    "conflicting-attributes",
                    attribute,
                    format!("`{attribute}` can be `any` only with the protocol `any`"),
                    "set `ip_protocol = \"any\"` to forward everything, or give a port",
                );
            }
        }
        checks.name("forward_entry_name", false);
        checks.faults
    }

    fn defaults(&self, object: &mut Object) {
        super::default_flag(object, "port_break");
    }

    fn normalise(&self, object: &mut Object) {
        spelling::respell(object, "external_ip", spelling::address);
        spelling::respell(object, "internal_ip", spelling::address);
        spelling::respell(object, "external_port", spelling::port);
        spelling::respell(object, "internal_port", spelling::port);
        spelling::respell(object, "ip_protocol", spelling::protocol);
    }

    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope> {
        scope(region, recorded).into_iter().collect()
    }

    fn live(&self, recorded: &Object, listings: &Listings) -> Live {
        let (Some(table), Some(id)) = (recorded.text("forward_table_id"), recorded.text("id"))
        else {
            return Live::Unread;
        };
        let list = |region, table| ReadScope::ForwardEntries { region, table };
        listing::find_entry(listings, table, id, list).over(recorded)
    }

    fn natural_key(&self, object: &Object) -> Option<String> {
        super::key_of(object, &["forward_table_id", "external_ip", "external_port", "ip_protocol"])
    }

    fn compile(&self, change: &ChangeRequest<'_>) -> Vec<Step> {
        match (change.prior, change.planned) {
            (None, Some(planned)) => vec![create(change.region, planned)],
            (Some(prior), Some(planned)) => {
                modify(change.region, prior, planned).into_iter().collect()
            }
            (Some(prior), None) => vec![delete(change.region, prior)],
            (None, None) => Vec::new(),
        }
    }

    fn settled(&self, wanted: &Wanted, live: &Live) -> Settled {
        call::settled(&super::normalised(self, wanted), live)
    }

    fn import_id(&self, object: &Object) -> Option<String> {
        Some(format!("{}:{}", object.text("forward_table_id")?, object.text("id")?))
    }

    fn parse_import_id(&self, id: &str) -> Result<Object, String> {
        super::table_and_entry(id, ("forward_table_id", "ftb"), "fwd")
    }

    fn created(&self, action: Action, answer: &serde_json::Value) -> Object {
        if action != Action::CreateForwardEntry {
            return Object::new();
        }
        let id = answer::member_text(answer, "ForwardEntryId");
        id.map(|id| (schema::name("id"), Value::from(id.as_str()))).into_iter().collect()
    }
}
