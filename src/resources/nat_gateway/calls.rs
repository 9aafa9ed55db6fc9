//! The calls that make, change and delete a gateway.

use super::super::call::{self, Parameters};
use super::super::{Attribute, Impact, Lane, Object, ReadScope, Step, Wanted, schema};
use super::{SCHEMA, packages};
use crate::api::catalogue::Action;

pub(super) fn scope(region: &str) -> ReadScope {
    ReadScope::Gateways { region: region.to_owned() }
}

/// Tells whether a change converts the gateway. One whose type no answer tells is Normal: the edition
/// that lacks the field has no other.
pub(super) fn is_conversion(prior: &Object, planned: &Object) -> bool {
    let wanted = planned.get("nat_type");
    prior.text("nat_type") != Some("Enhanced")
        && wanted.is_some_and(|v| v.is_unknown() || v.as_str() == Some("Enhanced"))
}

pub(super) fn create(region: &str, planned: &Object) -> Step {
    let mut parameters = Parameters::of(planned);
    let sent = |a: &&Attribute| a.is_input() && !["force", packages::WISHED].contains(&a.name);
    for attribute in SCHEMA.attributes.iter().filter(sent) {
        parameters = parameters.attribute(attribute.wire, attribute.name);
    }
    parameters = packages::parameters(parameters, planned);
    let chosen = SCHEMA.attributes.iter().filter(|a| a.computed && !planned.has(a.name));
    let mut impacts = vec![Impact::ChangesBilling];
    if planned.text("instance_charge_type") == Some("PrePaid") {
        // A subscription that was bought cannot be given back by any action.
        impacts.push(Impact::CannotBeUndone);
    }
    Step {
        action: Action::CreateNatGateway,
        parameters: parameters.list(),
        lane: Lane::free(),
        wanted: Wanted::Present {
            scope: Some(scope(region)),
            id: None,
            values: call::pick(planned, &[packages::WISHED]),
        },
        impacts,
        makes: chosen.map(|a| schema::name(a.name)).collect(),
    }
}

pub(super) fn updates(region: &str, prior: &Object, planned: &Object) -> Vec<Step> {
    let id = prior.text("id").unwrap_or_default();
    let step =
        |action, parameters: Parameters<'_>, wanted: &[&str], impacts, makes: &[&str]| Step {
            action,
            parameters: parameters.list(),
            lane: call::whole_gateway(call::lane_name(prior, "id")),
            wanted: Wanted::Present {
                scope: Some(scope(region)),
                id: Some(id.to_owned()),
                values: call::pick(planned, wanted),
            },
            impacts,
            makes: call::names(makes),
        };
    let start = || Parameters::of(planned).text("NatGatewayId", "id", id);
    let mut steps = Vec::new();
    let texts: Vec<(&str, &str)> = [("Name", "name"), ("Description", "description")]
        .into_iter()
        .filter(|(_, attribute)| call::changes(prior, planned, attribute))
        .collect();
    if !texts.is_empty() {
        let parameters =
            texts.iter().fold(start(), |list, (wire, name)| list.attribute(wire, name));
        let names: Vec<&str> = texts.iter().map(|(_, name)| *name).collect();
        steps.push(step(Action::ModifyNatGatewayAttribute, parameters, &names, vec![], &names));
    }
    if call::changes(prior, planned, "spec") {
        let parameters = start().attribute("Spec", "spec");
        let impacts = vec![Impact::ChangesBilling];
        steps.push(step(Action::ModifyNatGatewaySpec, parameters, &["spec"], impacts, &["spec"]));
    }
    if is_conversion(prior, planned) {
        let parameters =
            start().attribute("NatType", "nat_type").attribute("VSwitchId", "vswitch_id");
        let impacts = vec![Impact::InterruptsTraffic, Impact::CannotBeUndone];
        let makes = ["nat_type", "vswitch_id", "nat_gateway_private_info"];
        let action = Action::UpdateNatGatewayNatType;
        steps.push(step(action, parameters, &["nat_type"], impacts, &makes));
    }
    steps
}

pub(super) fn delete(region: &str, prior: &Object) -> Vec<Step> {
    let mut impacts = vec![Impact::InterruptsTraffic, Impact::ChangesBilling];
    if prior.flag("force") {
        impacts.push(Impact::ReleasesAddress);
    }
    let mut steps = packages::deletes(region, prior);
    steps.push(Step {
        action: Action::DeleteNatGateway,
        parameters: Parameters::of(prior)
            .attribute("NatGatewayId", "id")
            .flag("Force", "force")
            .list(),
        lane: call::whole_gateway(call::lane_name(prior, "id")),
        wanted: Wanted::Gone {
            scope: Some(scope(region)),
            id: prior.text("id").map(str::to_owned),
        },
        impacts,
        makes: Vec::new(),
    });
    steps
}
