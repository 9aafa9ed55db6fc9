//! `bandwidth_package`: shared bandwidth with public addresses for a gateway.
//!
//! A package can be turned into shared bandwidth (`convert_to_shared`), once and for all. It is then
//! no package any more: its addresses are EIPs of the gateway and found in the gateway's `ip_lists`,
//! the package list lacks it, and no action of this service changes or deletes it. Its address in
//! the state stays, so that what refers to its addresses stays as it is.

use std::collections::BTreeSet;

use super::call::{self, Parameters};
use super::fault::Checks;
use super::listing::{self, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Hold, Impact, Lane, Object, ResourceType, Rule, Settled, Step, Wanted,
    answer, public_addresses,
};
use crate::api::catalogue::Action;
use crate::value::{Type, Value};

/// The resource type.
#[derive(Debug)]
pub struct BandwidthPackage;

/// At most so many addresses go with one `RemoveBandwidthPackageIps`.
const REMOVED_AT_ONCE: usize = 20;

const NO_WAY_BACK: &str = "shared bandwidth does not become a bandwidth package again: keep \
    `convert_to_shared = true`, or remove the block (which only forgets it) and add another";
const SHARED_NOW: &str = "the package was converted to shared bandwidth, which natform does not \
    manage: put the old value back, and change the shared bandwidth where it is managed";

const PUBLIC_IPS: &[Attribute] = &[
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
    ),
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
pub(super) const ROW: &[Attribute] =
    &schema::readable::<{ schema::count_readable(ATTRIBUTES) }>(ATTRIBUTES);

pub(super) static SCHEMA: Schema = Schema {
    kind: "bandwidth_package",
    doc: "A NAT bandwidth package: bandwidth and public addresses for a gateway. Only accounts that \
          had one before 2017-11-03 can use packages.",
    version: 1,
    blocks: &[],
    attributes: ATTRIBUTES,
};

static RULES: [Rule; 4] = [
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

fn scope(region: &str) -> ReadScope {
    ReadScope::BandwidthPackages { region: region.to_owned() }
}

/// Tells whether a recorded package is known to have become shared bandwidth.
fn is_shared(object: &Object) -> bool {
    object.flag("convert_to_shared") && object.get("common_bandwidth_package_id").is_some()
}

/// Returns the addresses that something uses, as the service said when it was last read.
pub fn in_use(object: &Object) -> BTreeSet<String> {
    let list = object.get("public_ips").and_then(Value::as_elements).unwrap_or_default();
    let text = |ip: &Value, name: &str| ip.get(name).and_then(Value::as_str).map(str::to_owned);
    list.iter()
        .filter(|ip| text(ip, "using_status").is_some_and(|status| status.starts_with("Used")))
        .filter_map(|ip| text(ip, "ip_address"))
        .collect()
}

fn create(region: &str, planned: &Object) -> Vec<Step> {
    let mut parameters = Parameters::of(planned);
    for attribute in ["bandwidth", "ip_count", "nat_gateway_id", "description", "isp"] {
        parameters = parameters.attribute(wire(attribute), attribute);
    }
    for attribute in ["internet_charge_type", "name", "zone"] {
        parameters = parameters.attribute(wire(attribute), attribute);
    }
    let chosen = SCHEMA.attributes.iter().filter(|a| a.computed && !planned.has(a.name));
    let create = Step {
        action: Action::CreateBandwidthPackage,
        parameters: parameters.list(),
        lane: Lane {
            gateway: call::lane_name(planned, "nat_gateway_id"),
            whole_gateway: false,
            scope: None,
            hold: Hold::NONE,
        },
        wanted: Wanted::Present {
            scope: Some(scope(region)),
            id: None,
            values: call::pick(planned, &["ip_count"]),
        },
        impacts: vec![Impact::ChangesBilling],
        makes: chosen.map(|a| schema::name(a.name)).collect(),
    };
    let mut steps = vec![create];
    if planned.flag("convert_to_shared") {
        steps.push(convert(region, planned, None));
    }
    steps
}

fn wire(attribute: &str) -> &'static str {
    SCHEMA.attribute(attribute).map_or("", |attribute| attribute.wire)
}

fn lane(object: &Object) -> Lane {
    Lane {
        gateway: call::lane_name(object, "nat_gateway_id"),
        whole_gateway: false,
        scope: call::lane_name(object, "id"),
        hold: Hold::EXCLUSIVE,
    }
}

/// The conversion to shared bandwidth; `id` is none for a package that is created just before.
fn convert(region: &str, object: &Object, id: Option<&str>) -> Step {
    let parameters = Parameters::of(object);
    let parameters = match id {
        Some(id) => parameters.text("BandwidthPackageId", "id", id).list(),
        None => vec![super::Parameter {
            name: "BandwidthPackageId".to_owned(),
            value: Value::unknown(Type::String),
            attribute: schema::name("id"),
        }],
    };
    Step {
        action: Action::ConvertBandwidthPackage,
        parameters,
        lane: lane(object),
        wanted: Wanted::Present {
            scope: Some(scope(region)),
            id: id.map(str::to_owned),
            values: call::pick(object, &["convert_to_shared"]),
        },
        impacts: vec![Impact::CannotBeUndone],
        makes: call::names(&["common_bandwidth_package_id", "convert_to_shared"]),
    }
}

struct Update<'a> {
    region: &'a str,
    prior: &'a Object,
    planned: &'a Object,
    id: &'a str,
    steps: Vec<Step>,
}

impl<'a> Update<'a> {
    fn start(&self) -> Parameters<'a> {
        Parameters::of(self.planned)
    }

    fn push(
        &mut self,
        action: Action,
        parameters: Parameters<'_>,
        values: Object,
        impacts: &[Impact],
        makes: &[&str],
    ) {
        self.steps.push(Step {
            action,
            parameters: parameters.list(),
            lane: lane(self.prior),
            wanted: Wanted::Present {
                scope: Some(scope(self.region)),
                id: Some(self.id.to_owned()),
                values,
            },
            impacts: impacts.to_vec(),
            makes: call::names(makes),
        });
    }

    fn texts(&mut self) {
        let changed: Vec<&str> = ["description", "name"]
            .into_iter()
            .filter(|attribute| call::changes(self.prior, self.planned, attribute))
            .collect();
        if changed.is_empty() {
            return;
        }
        let start = self.start().text("BandwidthPackageId", "id", self.id);
        let parameters = changed.iter().fold(start, |list, name| list.attribute(wire(name), name));
        let values = call::pick(self.planned, &changed);
        self.push(Action::ModifyBandwidthPackageAttribute, parameters, values, &[], &changed);
    }

    fn bandwidth(&mut self) {
        if !call::changes(self.prior, self.planned, "bandwidth") {
            return;
        }
        let parameters = self.start().attribute("Bandwidth", "bandwidth").text(
            "BandwidthPackageId",
            "id",
            self.id,
        );
        let values = call::pick(self.planned, &["bandwidth"]);
        let impacts = [Impact::ChangesBilling];
        self.push(Action::ModifyBandwidthPackageSpec, parameters, values, &impacts, &["bandwidth"]);
    }

    fn addresses(&mut self) {
        let makes = ["ip_count", "public_ip_addresses", "public_ips"];
        let before = self.prior.texts("public_ip_addresses").unwrap_or_default();
        let held = i64::try_from(before.len()).unwrap_or(i64::MAX);
        let count = self.prior.integer("ip_count").unwrap_or(held);
        // An unknown count is refused by `check`: the plan could not say which addresses go.
        let Some(wanted) = self.planned.integer("ip_count") else { return };
        if wanted > count {
            let parameters = self
                .start()
                .text("IpCount", "ip_count", &(wanted - count).to_string())
                .text("BandwidthPackageId", "id", self.id);
            let values = call::pick(self.planned, &["ip_count"]);
            let impacts = [Impact::ChangesBilling];
            self.push(Action::AddBandwidthPackageIps, parameters, values, &impacts, &makes);
        }
        if wanted >= count {
            return;
        }
        let mut kept = self.planned.texts("public_ip_addresses").unwrap_or_default();
        if kept.len() != usize::try_from(wanted).unwrap_or_default() {
            // The planner did not choose: do as `foresee` does.
            let size = usize::try_from(wanted).unwrap_or_default();
            kept = public_addresses::shrink(&before, &in_use(self.prior), size).kept;
        }
        let removed: Vec<&String> = before.iter().filter(|a| !kept.contains(a)).rev().collect();
        let mut left = before.clone();
        for batch in removed.chunks(REMOVED_AT_ONCE) {
            let mut parameters = self.start().text("BandwidthPackageId", "id", self.id);
            for (index, address) in batch.iter().enumerate() {
                let name = format!("RemovedIpAddresses.{}", index + 1);
                parameters = parameters.text(&name, "public_ip_addresses", address);
            }
            left.retain(|address| !batch.contains(&address));
            let list = answer::string_list(left.iter().map(String::as_str));
            let values = [(schema::name("public_ip_addresses"), list)].into_iter().collect();
            let impacts = [Impact::ChangesBilling, Impact::ReleasesAddress];
            self.push(Action::RemoveBandwidthPackageIps, parameters, values, &impacts, &makes);
        }
    }
}

fn updates(region: &str, prior: &Object, planned: &Object) -> Vec<Step> {
    let id = prior.text("id").unwrap_or_default();
    if prior.flag("convert_to_shared") {
        return Vec::new();
    }
    let mut update = Update { region, prior, planned, id, steps: Vec::new() };
    update.texts();
    update.bandwidth();
    update.addresses();
    if planned.flag("convert_to_shared") {
        update.steps.push(convert(region, planned, Some(id)));
    }
    update.steps
}

fn delete(region: &str, prior: &Object) -> Step {
    Step {
        action: Action::DeleteBandwidthPackage,
        parameters: Parameters::of(prior)
            .attribute("BandwidthPackageId", "id")
            .flag("Force", "force")
            .list(),
        lane: lane(prior),
        wanted: Wanted::Gone {
            scope: Some(scope(region)),
            id: prior.text("id").map(str::to_owned),
        },
        impacts: vec![Impact::ChangesBilling, Impact::ReleasesAddress],
        makes: Vec::new(),
    }
}

/// Returns the gateway's bound addresses among those of a package, as objects of `public_ips`; none
/// when the gateway was not read or is gone.
fn bound(recorded: &Object, listings: &Listings) -> Option<Vec<Value>> {
    let gateway = recorded.text("nat_gateway_id")?;
    let Live::Found(gateway) = listing::find_gateway(listings, gateway) else { return None };
    let addresses = recorded.texts("public_ip_addresses")?;
    let lists = gateway.get("ip_lists").and_then(Value::as_elements).unwrap_or_default();
    let of = |address: &String| {
        lists.iter().find(|ip| ip.get("ip_address").and_then(Value::as_str) == Some(address))
    };
    Some(addresses.iter().filter_map(of).map(as_public_ip).collect())
}

fn as_public_ip(bound: &Value) -> Value {
    Value::object(
        PUBLIC_IPS
            .iter()
            .map(|field| {
                let value = bound.get(field.name).cloned().unwrap_or_else(Value::null);
                (schema::name(field.name), value)
            })
            .collect(),
    )
}

/// What is live of a package that its complete list lacks: shared bandwidth, or nothing.
fn converted(recorded: &Object, listings: &Listings) -> Live {
    let addresses = recorded.texts("public_ip_addresses").unwrap_or_default();
    let bound = bound(recorded, listings);
    let all_bound = bound.as_ref().is_some_and(|bound| bound.len() == addresses.len());
    if !is_shared(recorded) && (addresses.is_empty() || !all_bound) {
        return Live::Absent;
    }
    let mut object = recorded.clone();
    object.set(schema::name("convert_to_shared"), Value::from(true));
    object.set(schema::name("status"), Value::null());
    if let (Some(bound), Type::List(element)) = (bound, Kind::Objects(PUBLIC_IPS).ty()) {
        let list = Value::list((*element).clone(), bound);
        object.set(schema::name("public_ips"), list);
    }
    Live::Found(object)
}

/// Brings the addresses of a row into natform's order.
fn reorder(object: &mut Object, recorded: &Object) {
    let listed = object.texts("public_ip_addresses").unwrap_or_default();
    let order = public_addresses::ordered(
        &recorded.texts("public_ip_addresses").unwrap_or_default(),
        &listed,
    );
    let place = |ip: &Value| {
        let address = ip.get("ip_address").and_then(Value::as_str);
        order.iter().position(|a| Some(a.as_str()) == address).unwrap_or(usize::MAX)
    };
    let ips = object.get("public_ips").and_then(Value::as_elements).map(<[Value]>::to_vec);
    if let (Some(mut ips), Type::List(element)) = (ips, Kind::Objects(PUBLIC_IPS).ty()) {
        ips.sort_by_key(place);
        object.set(schema::name("public_ips"), Value::list((*element).clone(), ips));
        let list = answer::string_list(order.iter().map(String::as_str));
        object.set(schema::name("public_ip_addresses"), list);
    }
}

impl ResourceType for BandwidthPackage {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn rules(&self) -> &'static [Rule] {
        &RULES
    }

    fn validate(&self, object: &Object) -> Vec<Fault> {
        let mut checks = Checks::of(object);
        checks.id("nat_gateway_id", "ngw");
        checks.range("bandwidth", 5, Some(1000), " (Mbit/s)");
        checks.range("ip_count", 1, None, "; a package keeps at least one address");
        checks.name("name", true);
        checks.description();
        checks.one_of("isp", &["BGP"]);
        checks.one_of("internet_charge_type", &["PayByTraffic", "PayByBandwidth"]);
        checks.faults
    }

    fn check(&self, _: &str, prior: Option<&Object>, planned: &Object) -> Vec<Fault> {
        let unknown = planned.get("ip_count").is_some_and(Value::is_unknown);
        if prior.is_none() || !unknown {
            return Vec::new();
        }
        vec![Fault::new(
            "unknown-count",
            "ip_count",
            "`ip_count` of an existing package must be known when it is planned",
            "otherwise the plan could not say which addresses are given up; use a variable or a \
             literal, or apply what it depends on first (`-target`)",
        )]
    }

    fn defaults(&self, object: &mut Object) {
        super::default_flag(object, "convert_to_shared");
        super::default_flag(object, "force");
    }

    fn normalise(&self, _: &mut Object) {}

    fn on_change(&self, attribute: &Attribute, prior: &Object, _: &Object) -> OnChange {
        match attribute.name {
            "convert_to_shared" if prior.flag("convert_to_shared") => OnChange::Refuse(NO_WAY_BACK),
            "nat_gateway_id" | "force" | "convert_to_shared" => attribute.on_change,
            _ if prior.flag("convert_to_shared") => OnChange::Refuse(SHARED_NOW),
            _ => attribute.on_change,
        }
    }

    fn foresee(
        &self,
        origin: &str,
        prior: Option<&Object>,
        planned: &mut Object,
        used: &BTreeSet<String>,
    ) -> Vec<String> {
        let mut remarks = Vec::new();
        let name = "public_ip_addresses";
        let unknown = |ty, name: &str| Value::unknown_from(ty, format!("{origin}.{name}"));
        let before = prior.and_then(|prior| prior.texts(name)).unwrap_or_default();
        if planned.flag("convert_to_shared") && !prior.is_some_and(|p| p.flag("convert_to_shared"))
        {
            let name = "common_bandwidth_package_id";
            planned.set(schema::name(name), unknown(Type::String, name));
        }
        let same = prior.is_some_and(|prior| !call::changes(prior, planned, "ip_count"));
        let list = match planned.integer("ip_count").map(usize::try_from) {
            _ if same => return remarks,
            Some(Ok(count)) if count < before.len() => {
                let shrink = public_addresses::shrink(&before, used, count);
                remarks = shrink_remarks(&shrink);
                answer::string_list(shrink.kept.iter().map(String::as_str))
            }
            Some(Ok(count)) => {
                let new = (before.len()..count)
                    .map(|index| unknown(Type::String, &format!("{name}[{index}]")));
                let known = before.iter().map(|address| Value::text(address));
                Value::list(Type::String, known.chain(new))
            }
            _ => unknown(Kind::Strings.ty(), name),
        };
        planned.set(schema::name(name), list);
        remarks
    }

    fn forgotten(&self, object: &Object) -> Option<String> {
        if !object.flag("convert_to_shared") {
            return None;
        }
        let shared = object.text("common_bandwidth_package_id");
        let shared =
            shared.map_or_else(|| "its shared bandwidth".to_owned(), |id| format!("`{id}`"));
        let addresses = object.texts("public_ip_addresses").unwrap_or_default();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        Some(format!(
            "the package was converted to shared bandwidth, which natform does not manage: it is \
             forgotten, while {shared} and its addresses ({}) stay and are billed until you release \
             them",
            addresses.join(", ")
        ))
    }

    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope> {
        let mut scopes = vec![scope(region)];
        if recorded.flag("convert_to_shared") {
            scopes.push(ReadScope::Gateways { region: region.to_owned() });
        }
        scopes
    }

    fn live(&self, recorded: &Object, listings: &Listings) -> Live {
        let Some(id) = recorded.text("id") else { return Live::Unread };
        match listing::find_package(listings, id) {
            Live::Found(mut object) => {
                reorder(&mut object, recorded);
                let mut object = object.over(recorded);
                // While it is listed it is a package, whatever was planned for it.
                object.set(schema::name("convert_to_shared"), Value::from(false));
                Live::Found(object)
            }
            Live::Absent => converted(recorded, listings),
            Live::Unread => Live::Unread,
        }
    }

    fn natural_key(&self, object: &Object) -> Option<String> {
        let name = match object.get("name") {
            Some(value) => value.as_str()?,
            None => "",
        };
        let name = if object.text("id") == Some(name) { "" } else { name };
        Some(format!("{}|{name}", object.text("nat_gateway_id")?))
    }

    fn compile(&self, change: &ChangeRequest<'_>) -> Vec<Step> {
        match (change.prior, change.planned) {
            (None, Some(planned)) => create(change.region, planned),
            (Some(prior), Some(planned)) => updates(change.region, prior, planned),
            (Some(prior), None) if self.forgotten(prior).is_some() => Vec::new(),
            (Some(prior), None) => vec![delete(change.region, prior)],
            (None, None) => Vec::new(),
        }
    }

    fn observed(&self, wanted: &Wanted, recorded: &Object, listings: &Listings) -> Live {
        let recorded = super::with_wanted_id(wanted, recorded);
        let converts =
            matches!(wanted, Wanted::Present { values, .. } if values.flag("convert_to_shared"));
        let Some(id) = recorded.text("id").filter(|_| converts) else {
            return self.live(&recorded, listings);
        };
        match listing::find_package(listings, id) {
            Live::Absent => {
                let mut object = recorded.clone();
                object.set(schema::name("convert_to_shared"), Value::from(true));
                object.set(schema::name("status"), Value::null());
                Live::Found(object)
            }
            Live::Found(_) | Live::Unread => self.live(&recorded, listings),
        }
    }

    fn settled(&self, wanted: &Wanted, live: &Live) -> Settled {
        let settled = call::settled(wanted, live);
        let (Wanted::Present { values, .. }, Settled::Ready(object)) = (wanted, &settled) else {
            return settled;
        };
        // The count may be raised before the new addresses are listed.
        let count = object.integer("ip_count").and_then(|count| usize::try_from(count).ok());
        let listed = object.texts("public_ip_addresses").unwrap_or_default().len();
        match count {
            Some(count) if values.has("ip_count") && listed < count => {
                Settled::Busy(format!("{listed} of its {count} addresses are listed"))
            }
            _ => settled,
        }
    }

    fn import_id(&self, object: &Object) -> Option<String> {
        object.text("id").map(str::to_owned)
    }

    fn parse_import_id(&self, id: &str) -> Result<Object, String> {
        super::bare_id(id, "bwp")
    }

    fn created(&self, action: Action, answer: &serde_json::Value) -> Object {
        let (wire, attribute) = match action {
            Action::CreateBandwidthPackage => ("BandwidthPackageId", "id"),
            Action::ConvertBandwidthPackage => ("ConvertInstanceId", "common_bandwidth_package_id"),
            _ => return Object::new(),
        };
        let id = answer::member_text(answer, wire);
        id.map(|id| (schema::name(attribute), Value::from(id.as_str()))).into_iter().collect()
    }
}

fn shrink_remarks(shrink: &public_addresses::Shrink) -> Vec<String> {
    let released = shrink.removed.iter().map(|address| {
        if shrink.in_use.contains(address) {
            format!("`{address}` is released; the entries that use it must leave it first")
        } else {
            format!("`{address}` is released; nothing uses it")
        }
    });
    let shifted = shrink.shifted.iter().map(|(address, before, after)| {
        format!(
            "`{address}` moves from `public_ip_addresses[{before}]` to \
             `public_ip_addresses[{after}]`"
        )
    });
    released.chain(shifted).collect()
}

/// Reads a row of `DescribeBandwidthPackages`.
pub(super) fn row(json: &serde_json::Value) -> Object {
    let mut object = answer::object(SCHEMA.attributes, json);
    if let Some(zone) = answer::member_text(json, "ZoneId") {
        object.set(schema::name("zone"), Value::from(zone.as_str()));
    }
    let ips = object.get("public_ips").and_then(Value::as_elements).unwrap_or_default();
    let addresses: Vec<String> = ips
        .iter()
        .filter_map(|ip| ip.get("ip_address").and_then(Value::as_str).map(str::to_owned))
        .collect();
    if object.has("public_ips") {
        let order = answer::address_list(addresses);
        let list = answer::string_list(order.iter().map(String::as_str));
        object.set(schema::name("public_ip_addresses"), list);
        reorder(&mut object, &Object::new());
    }
    object
}
