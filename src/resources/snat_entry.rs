//! `snat_entry`: an entry of a gateway's SNAT table.

use super::call::{self, Parameters};
use super::fault::Checks;
use super::listing::{self, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Hold, Impact, Lane, Object, ResourceType, Rule, Settled, Step, Wanted,
    answer, spelling,
};
use crate::api::catalogue::Action;
use crate::value::Value;

/// The resource type.
#[derive(Debug)]
pub struct SnatEntry;

const ATTRIBUTES: &[Attribute] = &[
        Attribute::input(
            "snat_table_id",
            "SnatTableId",
            Kind::String,
            OnChange::Replace,
            "Id of the SNAT table, `nat_gateway.….snat_table_id`. A change replaces the entry.",
        )
        .required(),
        Attribute::input(
            "snat_ip",
            "SnatIp",
            Kind::StringSet,
            OnChange::Update,
            "Pool of public IPv4 addresses of the gateway, without order; several belong to one \
             bandwidth package or shared bandwidth. A text is taken for one address, or for several \
             separated by commas.",
        )
        .required(),
        Attribute::input(
            "source_vswitch_id",
            "SourceVSwitchId",
            Kind::String,
            OnChange::Replace,
            "Id of the vSwitch whose instances use the pool. Either this or `source_cidr`; a vSwitch \
             is in one entry only. A change replaces the entry.",
        )
        .computed(),
        Attribute::input(
            "source_cidr",
            "SourceCIDR",
            Kind::String,
            OnChange::Replace,
            "Network in CIDR notation whose addresses use the pool: of a vSwitch \
             (`192.168.1.0/24`) or of one instance (`192.168.1.1/32`). Either this or \
             `source_vswitch_id`, and the service fills in the other. A change replaces the entry.",
        )
        .computed(),
        Attribute::input(
            "snat_entry_name",
            "SnatEntryName",
            Kind::String,
            OnChange::Update,
            "Name, 2 to 128 characters, starting with a letter or Chinese character.",
        )
        .computed(),
        Attribute::stable("id", "SnatEntryId", Kind::String, "Id, `snat-…`."),
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
    kind: "snat_entry",
    doc: "An entry of a gateway's SNAT table: what a vSwitch or a network sends to the internet \
          leaves from one of a pool of public addresses.",
    version: 1,
    blocks: &[],
    attributes: ATTRIBUTES,
};

static RULES: [Rule; 6] = [
    Rule::Unique {
        code: "duplicate-snat-source",
        scope: &["snat_table_id"],
        fields: &["source_vswitch_id"],
        what: "source vSwitch",
    },
    Rule::Unique {
        code: "duplicate-snat-source",
        scope: &["snat_table_id"],
        fields: &["source_cidr"],
        what: "source network",
    },
    // A vSwitch's network is known once an entry for it was read: the service fills it in.
    Rule::Disjoint {
        code: "overlapping-snat-sources",
        scope: &["snat_table_id"],
        field: "source_cidr",
        what: "source network",
    },
    // All addresses of one entry's `snat_ip` are in the planned `public_ip_addresses` of one
    // `bandwidth_package`. Violated when two of them are in two known packages; undecided when one of
    // them is in none (it may be an address bound from outside) or unknown. A converted package
    // counts as one: its addresses stay together in the shared bandwidth.
    Rule::World {
        code: "snat-pool-of-several-packages",
        what: "all addresses of an SNAT pool belong to one bandwidth package or shared bandwidth",
    },
    // As `external-address-not-of-gateway`, for each address of `snat_ip` and the gateway that owns
    // the SNAT table.
    Rule::World {
        code: "snat-address-not-of-gateway",
        what: "the addresses of an SNAT entry belong to the table's gateway",
    },
    // `source_vswitch_id` names a vSwitch of the gateway's VPC. Undecided but where the same vSwitch
    // is known as that of an Enhanced gateway of another VPC.
    Rule::World {
        code: "vswitch-outside-vpc",
        what: "an SNAT entry's vSwitch is in the gateway's VPC",
    },
];

fn scope(region: &str, object: &Object) -> Option<ReadScope> {
    let table = object.text("snat_table_id")?.to_owned();
    Some(ReadScope::SnatEntries { region: region.to_owned(), table })
}

fn lane(object: &Object, hold: Hold) -> Lane {
    let scope = call::lane_name(object, "snat_table_id");
    Lane { gateway: None, whole_gateway: false, scope, hold }
}

fn create(region: &str, planned: &Object) -> Step {
    Step {
        action: Action::CreateSnatEntry,
        parameters: Parameters::of(planned)
            .attribute("SnatIp", "snat_ip")
            .attribute("SnatTableId", "snat_table_id")
            .attribute("SourceVSwitchId", "source_vswitch_id")
            .attribute("SourceCIDR", "source_cidr")
            .attribute("SnatEntryName", "snat_entry_name")
            .list(),
        lane: lane(planned, Hold::BLOCKS),
        wanted: Wanted::Present { scope: scope(region, planned), id: None, values: Object::new() },
        impacts: Vec::new(),
        makes: call::names(&[
            "id",
            "status",
            "source_vswitch_id",
            "source_cidr",
            "snat_entry_name",
        ]),
    }
}

fn modify(region: &str, prior: &Object, planned: &Object) -> Option<Step> {
    let pool = call::changes(prior, planned, "snat_ip");
    let name = call::changes(prior, planned, "snat_entry_name");
    let mut changed = Vec::new();
    changed.extend(pool.then_some("snat_ip"));
    changed.extend(name.then_some("snat_entry_name"));
    if changed.is_empty() {
        return None;
    }
    let mut parameters = Parameters::of(planned)
        .text("SnatEntryId", "id", prior.text("id").unwrap_or_default())
        .attribute("SnatTableId", "snat_table_id")
        .attribute("SnatIp", "snat_ip");
    if name {
        parameters = parameters.attribute("SnatEntryName", "snat_entry_name");
    }
    Some(Step {
        action: Action::ModifySnatEntry,
        parameters: parameters.list(),
        lane: lane(prior, Hold::EXCLUSIVE),
        wanted: Wanted::Present {
            scope: scope(region, prior),
            id: prior.text("id").map(str::to_owned),
            values: call::pick(planned, &changed),
        },
        impacts: if loses_addresses(prior, planned) {
            vec![Impact::InterruptsTraffic]
        } else {
            Vec::new()
        },
        makes: call::names(&changed),
    })
}

/// Tells whether addresses may leave the pool: connections that use them break.
fn loses_addresses(prior: &Object, planned: &Object) -> bool {
    let before = prior.texts("snat_ip").unwrap_or_default();
    match planned.texts("snat_ip") {
        Some(after) => before.iter().any(|address| !after.contains(address)),
        None => true,
    }
}

fn delete(region: &str, prior: &Object) -> Step {
    Step {
        action: Action::DeleteSnatEntry,
        parameters: Parameters::of(prior)
            .attribute("SnatEntryId", "id")
            .attribute("SnatTableId", "snat_table_id")
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

impl ResourceType for SnatEntry {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn rules(&self) -> &'static [Rule] {
        &RULES
    }

    fn validate(&self, object: &Object) -> Vec<Fault> {
        let mut checks = Checks::of(object);
        checks.id("snat_table_id", "stb");
        checks.id("source_vswitch_id", "vsw");
        if let Some(elements) = object.get("snat_ip").and_then(Value::as_elements) {
            for text in elements.iter().filter_map(Value::as_str) {
                checks.address_text("snat_ip", text);
            }
            if elements.is_empty() {
                let help = "give at least one public address of the gateway";
                checks.add("empty-pool", "snat_ip", "`snat_ip` has no address", help);
            }
        }
        checks.network("source_cidr");
        // The service fills in the other one: only configuration must not have both.
        if !object.has("id")
            && object.get("source_vswitch_id").and(object.get("source_cidr")).is_some()
        {
            checks.add(
                "conflicting-attributes",
                "source_cidr",
                "`source_cidr` and `source_vswitch_id` exclude each other",
                "keep the one that says what the entry is for",
            );
        }
        checks.name("snat_entry_name", false);
        checks.faults
    }

    fn check(&self, _: &str, prior: Option<&Object>, planned: &Object) -> Vec<Fault> {
        let source = planned.get("source_vswitch_id").or(planned.get("source_cidr"));
        if prior.is_some() || source.is_some() {
            return Vec::new();
        }
        vec![Fault::new(
            "missing-source",
            "source_vswitch_id",
            "an SNAT entry needs `source_vswitch_id` or `source_cidr`",
            "say whose traffic it is for: a vSwitch by its id, or a network",
        )]
    }

    fn defaults(&self, _: &mut Object) {}

    fn normalise(&self, object: &mut Object) {
        spelling::respell_set(object, "snat_ip", spelling::address);
        spelling::respell(object, "source_cidr", spelling::network);
    }

    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope> {
        scope(region, recorded).into_iter().collect()
    }

    fn live(&self, recorded: &Object, listings: &Listings) -> Live {
        let (Some(table), Some(id)) = (recorded.text("snat_table_id"), recorded.text("id")) else {
            return Live::Unread;
        };
        let list = |region, table| ReadScope::SnatEntries { region, table };
        listing::find_entry(listings, table, id, list).over(recorded)
    }

    fn natural_key(&self, object: &Object) -> Option<String> {
        self.natural_keys(object).into_iter().next()
    }

    fn natural_keys(&self, object: &Object) -> Vec<String> {
        ["source_vswitch_id", "source_cidr"]
            .iter()
            .filter_map(|source| super::key_of(object, &["snat_table_id", source]))
            .collect()
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
        Some(format!("{}:{}", object.text("snat_table_id")?, object.text("id")?))
    }

    fn parse_import_id(&self, id: &str) -> Result<Object, String> {
        super::table_and_entry(id, ("snat_table_id", "stb"), "snat")
    }

    fn created(&self, action: Action, answer: &serde_json::Value) -> Object {
        if action != Action::CreateSnatEntry {
            return Object::new();
        }
        let id = answer::member_text(answer, "SnatEntryId");
        id.map(|id| (schema::name("id"), Value::from(id.as_str()))).into_iter().collect()
    }
}
