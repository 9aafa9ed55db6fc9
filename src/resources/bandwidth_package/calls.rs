//! The calls that make, change, convert and delete a package.

use super::super::call::{self, Parameters};
use super::super::{Hold, Impact, Lane, Object, Parameter, ReadScope, Step, Wanted};
use super::super::{answer, public_addresses, schema};
use super::{SCHEMA, in_use};
use crate::api::catalogue::Action;
use crate::value::{Type, Value};

/// At most so many addresses go with one `RemoveBandwidthPackageIps`.
const REMOVED_AT_ONCE: usize = 20;

pub(super) fn scope(region: &str) -> ReadScope {
    ReadScope::BandwidthPackages { region: region.to_owned() }
}

pub(super) fn create(region: &str, planned: &Object) -> Vec<Step> {
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
        None => vec![Parameter {
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
        impacts: vec![Impact::ChangesBilling, Impact::CannotBeUndone],
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

pub(super) fn updates(region: &str, prior: &Object, planned: &Object) -> Vec<Step> {
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

pub(super) fn delete(region: &str, prior: &Object) -> Step {
    let mut impacts = vec![Impact::ChangesBilling, Impact::ReleasesAddress];
    if prior.flag("force") && !in_use(prior).is_empty() {
        // The entries that use it go with it.
        impacts.push(Impact::InterruptsTraffic);
    }
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
        impacts,
        makes: Vec::new(),
    }
}
