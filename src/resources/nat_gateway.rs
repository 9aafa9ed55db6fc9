//! `nat_gateway`: a gateway with its DNAT and SNAT tables.

use std::collections::BTreeSet;

use super::call::{self, Parameters};
use super::conversion::{self, Conversion, conversion};
use super::fault::Checks;
use super::listing::{self, Listing, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Impact, Lane, Object, ResourceType, Rule, Settled, Step, Wanted, answer,
    spelling,
};
use crate::api::catalogue::Action;
use crate::value::Value;

/// The resource type.
#[derive(Debug)]
pub struct NatGateway;

const PREPAID_ADVICE: &str = "the service neither shows nor changes this after the gateway was \
    made: put the old value back, or add it to `lifecycle.ignore_changes`; renewals are made in the \
    billing console";

const PRIVATE_INFO: &[Attribute] = &[
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
    .computed(),
    Attribute::input(
        "pricing_cycle",
        "PricingCycle",
        Kind::String,
        OnChange::Refuse(PREPAID_ADVICE),
        "Unit of `duration`: `Month` or `Year`. Required with `PrePaid`. It cannot be read back.",
    )
    .unreadable(),
    Attribute::input(
        "duration",
        "Duration",
        Kind::Integer,
        OnChange::Refuse(PREPAID_ADVICE),
        "Length of the subscription: 1 to 9 months or 1 to 3 years. Required with `PrePaid`. It \
             cannot be read back.",
    )
    .unreadable(),
    Attribute::input(
        "auto_pay",
        "AutoPay",
        Kind::Bool,
        OnChange::Refuse(PREPAID_ADVICE),
        "Whether the order of a subscription is paid at once. Required with `PrePaid`, and then \
             `true`. It cannot be read back.",
    )
    .unreadable(),
    Attribute::input(
        "vswitch_id",
        "VSwitchId",
        Kind::String,
        OnChange::Replace,
        "Id of the vSwitch in which an Enhanced gateway gets its private address. Required with \
             `Enhanced`. A change replaces the gateway, but for its conversion to `Enhanced`.",
    )
    .computed(),
    Attribute::input(
        "nat_type",
        "NatType",
        Kind::String,
        OnChange::Update,
        "`Normal` or `Enhanced`; the default is the region's. `Normal` is converted to \
             `Enhanced` in place, with one or two interruptions of about a second; the way back \
             replaces the gateway.",
    )
    .computed(),
    Attribute::input(
        "internet_charge_type",
        "InternetChargeType",
        Kind::String,
        OnChange::Replace,
        "`PayBySpec` (by size, the default) or `PayByLcu` (by usage; Enhanced only). A change \
             replaces the gateway.",
    )
    .computed(),
    Attribute::input(
        "force",
        "Force",
        Kind::Bool,
        OnChange::Record,
        "Whether deleting the gateway also deletes its entries and bandwidth packages, unbinds \
             its addresses and removes routes to it. Default: `false`. Kept in the state only.",
    )
    .unreadable(),
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
        "nat_gateway_private_info",
        "NatGatewayPrivateInfo",
        Kind::Struct(PRIVATE_INFO),
        "Private side of an Enhanced gateway; its fields are null with `Normal`.",
    ),
];

/// What an answer tells of one, for the data source.
pub(super) const ROW: &[Attribute] =
    &schema::readable::<{ schema::count_readable(ATTRIBUTES) }>(ATTRIBUTES);

pub(super) static SCHEMA: Schema = Schema {
    kind: "nat_gateway",
    doc: "A NAT gateway of a VPC, with one DNAT and one SNAT table.",
    version: 1,
    blocks: &[],
    attributes: ATTRIBUTES,
};

static RULES: [Rule; 4] = [
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

const PREPAID: [&str; 3] = ["pricing_cycle", "duration", "auto_pay"];

fn scope(region: &str) -> ReadScope {
    ReadScope::Gateways { region: region.to_owned() }
}

/// Tells whether a change converts the gateway. One whose type no answer tells is Normal: the edition
/// that lacks the field has no other.
fn is_conversion(prior: &Object, planned: &Object) -> bool {
    let wanted = planned.get("nat_type");
    prior.text("nat_type") != Some("Enhanced")
        && wanted.is_some_and(|v| v.is_unknown() || v.as_str() == Some("Enhanced"))
}

fn create(region: &str, planned: &Object) -> Step {
    let mut parameters = Parameters::of(planned);
    for attribute in SCHEMA.attributes.iter().filter(|a| a.is_input() && a.name != "force") {
        parameters = parameters.attribute(attribute.wire, attribute.name);
    }
    let chosen = SCHEMA.attributes.iter().filter(|a| a.computed && !planned.has(a.name));
    Step {
        action: Action::CreateNatGateway,
        parameters: parameters.list(),
        lane: Lane::free(),
        wanted: Wanted::Present { scope: Some(scope(region)), id: None, values: Object::new() },
        impacts: vec![Impact::ChangesBilling],
        makes: chosen.map(|a| schema::name(a.name)).collect(),
    }
}

fn updates(region: &str, prior: &Object, planned: &Object) -> Vec<Step> {
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

fn delete(region: &str, prior: &Object) -> Step {
    let mut impacts = vec![Impact::InterruptsTraffic, Impact::ChangesBilling];
    if prior.flag("force") {
        impacts.push(Impact::ReleasesAddress);
    }
    Step {
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
    }
}

/// Subscriptions: what goes with `PrePaid`, and only with it.
fn check_prepaid(checks: &mut Checks<'_>) {
    let object = checks.object;
    checks.one_of("pricing_cycle", &["Month", "Year"]);
    let months = object.text("pricing_cycle") != Some("Year");
    let (longest, unit) = if months { (9, " (months)") } else { (3, " (years)") };
    checks.range("duration", 1, Some(longest), unit);
    match object.text("instance_charge_type") {
        Some("PrePaid") => {}
        None if object.get("instance_charge_type").is_some() || object.has("id") => {}
        _ => {
            for attribute in PREPAID.into_iter().filter(|a| object.get(a).is_some()) {
                let message = format!("`{attribute}` has a meaning with `PrePaid` only");
                let help = "set `instance_charge_type = \"PrePaid\"`, or remove it";
                checks.faults.push(
                    Fault::new("attribute-without-effect", attribute, message, help).as_warning(),
                );
            }
        }
    }
    if object.get("auto_pay").and_then(Value::as_bool) == Some(false)
        && object.text("instance_charge_type") == Some("PrePaid")
    {
        checks.add(
            "unpaid-order",
            "auto_pay",
            "`auto_pay` cannot be `false`: the gateway would exist only once somebody paid the order",
            "set `auto_pay = true`; or make the order in the console, and import the gateway once it \
             is paid",
        );
    }
}

impl ResourceType for NatGateway {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn rules(&self) -> &'static [Rule] {
        &RULES
    }

    fn validate(&self, object: &Object) -> Vec<Fault> {
        let mut checks = Checks::of(object);
        checks.id("vpc_id", "vpc");
        checks.id("vswitch_id", "vsw");
        checks.name("name", true);
        checks.description();
        checks.spec();
        checks.one_of("instance_charge_type", &["PostPaid", "PrePaid"]);
        checks.one_of("nat_type", &["Normal", "Enhanced"]);
        checks.one_of("internet_charge_type", &["PayBySpec", "PayByLcu"]);
        check_prepaid(&mut checks);
        let by_usage = object.text("internet_charge_type") == Some("PayByLcu");
        if by_usage && object.text("nat_type") == Some("Normal") {
            checks.add(
                "conflicting-attributes",
                "internet_charge_type",
                "a Normal gateway cannot be billed by usage",
                "set `nat_type = \"Enhanced\"`, or `internet_charge_type = \"PayBySpec\"`",
            );
        }
        checks.faults
    }

    fn check(&self, region: &str, prior: Option<&Object>, planned: &Object) -> Vec<Fault> {
        let mut checks = Checks::of(planned);
        let nat_type = match planned.get("nat_type") {
            None if prior.is_none() => Some(conversion::default_nat_type(region)),
            value => value.and_then(Value::as_str),
        };
        if prior.is_none() && planned.text("instance_charge_type") == Some("PrePaid") {
            for attribute in PREPAID.into_iter().filter(|a| planned.get(a).is_none()) {
                let message = format!("`{attribute}` is required with `PrePaid`");
                let help = "a subscription needs `pricing_cycle`, `duration` and `auto_pay = true`";
                checks.add("missing-attribute", attribute, message, help);
            }
        }
        let converts = prior.is_some_and(|prior| is_conversion(prior, planned));
        let makes = prior.is_none() && nat_type == Some("Enhanced");
        if (makes || converts) && planned.get("vswitch_id").is_none() {
            checks.add(
                "missing-attribute",
                "vswitch_id",
                "an Enhanced gateway needs `vswitch_id`",
                "name a vSwitch of the VPC in a zone that offers Enhanced gateways (data source \
                 `enhanced_nat_zones`)",
            );
        }
        if converts && !conversion::CONVERSION_REGIONS.contains(&region) {
            let message = format!("gateways cannot be converted to Enhanced in `{region}`");
            let regions = super::fault::listed(&conversion::CONVERSION_REGIONS);
            let help = format!("this is possible in {regions}; elsewhere, make a new gateway");
            checks.add("conversion-region", "nat_type", message, help);
        }
        let by_usage = planned.text("internet_charge_type") == Some("PayByLcu");
        if prior.is_none() && by_usage && !conversion::LCU_REGIONS.contains(&region) {
            let message = format!("billing by usage is not documented for `{region}`");
            let regions = super::fault::listed(&conversion::LCU_REGIONS);
            let help =
                format!("edition 2020-09-25 offers it in {regions}; the service may refuse it");
            let fault = Fault::new("billing-region", "internet_charge_type", message, help);
            checks.faults.push(fault.as_warning());
        }
        checks.faults
    }

    fn defaults(&self, object: &mut Object) {
        super::default_flag(object, "force");
    }

    fn normalise(&self, object: &mut Object) {
        spelling::respell(object, "spec", spelling::spec);
    }

    fn on_change(&self, attribute: &Attribute, prior: &Object, planned: &Object) -> OnChange {
        let types = (prior.text("nat_type"), planned.text("nat_type"));
        match attribute.name {
            "nat_type" => match types {
                (Some("Enhanced"), _) => OnChange::OneWay,
                _ => OnChange::Update,
            },
            "vswitch_id" if is_conversion(prior, planned) => OnChange::Update,
            // A Normal gateway has no vSwitch; it is kept for a conversion to come.
            "vswitch_id" if types.0 != Some("Enhanced") => OnChange::Record,
            _ => attribute.on_change,
        }
    }

    fn foresee(
        &self,
        origin: &str,
        prior: Option<&Object>,
        planned: &mut Object,
        _: &BTreeSet<String>,
    ) -> Vec<String> {
        if prior.is_some_and(|prior| is_conversion(prior, planned)) {
            let name = "nat_gateway_private_info";
            let origin = format!("{origin}.{name}");
            let ty = Kind::Struct(PRIVATE_INFO).ty();
            planned.set(schema::name(name), Value::unknown_from(ty, origin));
        }
        Vec::new()
    }

    fn scopes(&self, region: &str, _: &Object) -> Vec<ReadScope> {
        vec![scope(region)]
    }

    fn live(&self, recorded: &Object, listings: &Listings) -> Live {
        let Some(id) = recorded.text("id") else { return Live::Unread };
        listing::find_gateway(listings, id).over(recorded)
    }

    fn natural_key(&self, object: &Object) -> Option<String> {
        let name = match object.get("name") {
            Some(value) => value.as_str()?,
            None => "",
        };
        // A gateway without a name of its own has its id as name.
        let name = if object.text("id") == Some(name) { "" } else { name };
        Some(format!("{}|{name}", object.text("vpc_id")?))
    }

    fn compile(&self, change: &ChangeRequest<'_>) -> Vec<Step> {
        match (change.prior, change.planned) {
            (None, Some(planned)) => vec![create(change.region, planned)],
            (Some(prior), Some(planned)) => updates(change.region, prior, planned),
            (Some(prior), None) => vec![delete(change.region, prior)],
            (None, None) => Vec::new(),
        }
    }

    fn settling(&self, wanted: &Wanted) -> Vec<ReadScope> {
        let mut scopes = super::wanted_scope(wanted);
        if let Wanted::Present { scope: Some(scope), id: Some(gateway), values } = wanted
            && values.has("nat_type")
        {
            let (region, gateway) = (scope.region().to_owned(), gateway.clone());
            scopes.push(ReadScope::ConvertStatus { region, gateway });
        }
        scopes
    }

    fn observed(&self, wanted: &Wanted, recorded: &Object, listings: &Listings) -> Live {
        let live = self.live(&super::with_wanted_id(wanted, recorded), listings);
        let Live::Found(mut object) = live else { return live };
        let steps = self.settling(wanted).iter().rev().find_map(|scope| match scope {
            ReadScope::ConvertStatus { .. } => match listings.get(scope)? {
                Listing::Rows(rows) => rows.values().next()?.get("convert_steps").cloned(),
                Listing::ParentGone | Listing::Failed(_) => None,
            },
            _ => None,
        });
        if let Some(steps) = steps {
            object.set("convert_steps", steps);
        }
        Live::Found(object)
    }

    fn settled(&self, wanted: &Wanted, live: &Live) -> Settled {
        let wanted = &super::normalised(self, wanted);
        let (Wanted::Present { values, .. }, Live::Found(object)) = (wanted, live) else {
            return call::settled(wanted, live);
        };
        if !values.has("nat_type") {
            return call::settled(wanted, live);
        }
        let mut object = object.clone();
        let progress = conversion(&object);
        object.remove("convert_steps");
        let settled = call::settled(wanted, &Live::Found(object.clone()));
        let idle = object.text("status").is_none_or(|status| status == "Available");
        match (progress, settled) {
            (Conversion::Running(step), _) => {
                Settled::Busy(format!("its conversion is at step `{step}`"))
            }
            (Conversion::Failed(step), Settled::Busy(_)) if idle => Settled::Failed(format!(
                "the conversion to Enhanced failed at step `{step}` and was rolled back"
            )),
            (_, settled) => settled,
        }
    }

    fn import_id(&self, object: &Object) -> Option<String> {
        object.text("id").map(str::to_owned)
    }

    fn parse_import_id(&self, id: &str) -> Result<Object, String> {
        super::bare_id(id, "ngw")
    }

    fn created(&self, action: Action, answer: &serde_json::Value) -> Object {
        let mut object = Object::new();
        if action != Action::CreateNatGateway {
            return object;
        }
        if let Some(id) = answer::member_text(answer, "NatGatewayId") {
            object.set(schema::name("id"), Value::from(id.as_str()));
        }
        for (wire, name) in [
            ("ForwardTableIds", "forward_table_ids"),
            ("SnatTableIds", "snat_table_ids"),
            ("BandwidthPackageIds", "bandwidth_package_ids"),
        ] {
            let ids = answer::member(answer, wire).map(answer::texts).unwrap_or_default();
            if !ids.is_empty() {
                let list = answer::string_list(ids.iter().map(String::as_str));
                object.set(schema::name(name), list);
            }
        }
        first_tables(&mut object);
        object
    }
}

/// Sets the single table ids from the lists.
fn first_tables(object: &mut Object) {
    for (list, single) in
        [("forward_table_ids", "forward_table_id"), ("snat_table_ids", "snat_table_id")]
    {
        let first = object.texts(list).and_then(|ids| ids.into_iter().next());
        if let Some(id) = first {
            object.set(schema::name(single), Value::from(id.as_str()));
        }
    }
}

/// Reads a row of `DescribeNatGateways`.
pub(super) fn row(json: &serde_json::Value) -> Object {
    let mut object = answer::object(SCHEMA.attributes, json);
    first_tables(&mut object);
    let info = object.get("nat_gateway_private_info");
    let vswitch = info.and_then(|info| info.get("vswitch_id")).filter(|v| !v.is_null()).cloned();
    if let Some(vswitch) = vswitch {
        object.set(schema::name("vswitch_id"), vswitch);
    }
    NatGateway.normalise(&mut object);
    object
}
