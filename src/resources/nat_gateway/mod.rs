//! `nat_gateway`: a gateway with its DNAT and SNAT tables.

mod attributes;
mod calls;
mod packages;

use std::collections::BTreeSet;

use self::attributes::{PRIVATE_INFO, RULES};
pub(super) use self::attributes::{ROW, SCHEMA};
use self::calls::{create, delete, is_conversion, scope, updates};
pub use self::packages::{made_with, spare, wished};
use super::call;
use super::conversion::{self, Conversion, conversion};
use super::fault::Checks;
use super::listing::{self, Listing, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Object, ResourceType, Rule, Settled, Step, Wanted, answer, spelling,
};
use crate::api::catalogue::Action;
use crate::value::Value;

/// The resource type.
#[derive(Debug)]
pub struct NatGateway;

const PREPAID: [&str; 3] = ["pricing_cycle", "duration", "auto_pay"];

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
        packages::validate(object, &mut checks.faults);
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
        if prior.is_none() {
            packages::check_new(planned, &mut checks);
        }
        if prior.is_some_and(|prior| prior.text("description") != planned.text("description")) {
            checks.description_begins_with_letter();
        }
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
            // Without its blocks a gateway keeps the packages; only the record forgets the blocks.
            packages::WISHED if planned.get(packages::WISHED).is_none() => OnChange::Record,
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
        match prior {
            None => {
                packages::foresee(origin, planned);
                Vec::new()
            }
            Some(prior) => packages::remarks(prior, planned),
        }
    }

    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope> {
        let mut scopes = vec![scope(region)];
        if packages::are_read_with(recorded) {
            scopes.push(packages::scope(region));
        }
        scopes
    }

    fn live(&self, recorded: &Object, listings: &Listings) -> Live {
        let Some(id) = recorded.text("id") else { return Live::Unread };
        let live = listing::find_gateway(listings, id).over(recorded);
        let Live::Found(mut object) = live else { return live };
        packages::read(&mut object, recorded, listings, None);
        Live::Found(object)
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
            (Some(prior), None) => delete(change.region, prior),
            (None, None) => Vec::new(),
        }
    }

    fn settling(&self, wanted: &Wanted) -> Vec<ReadScope> {
        let mut scopes = super::wanted_scope(wanted);
        if let Wanted::Present { scope: Some(scope), values, .. } = wanted
            && packages::are_awaited(values)
        {
            scopes.push(packages::scope(scope.region()));
        }
        if let Wanted::Present { scope: Some(scope), id: Some(gateway), values } = wanted
            && values.has("nat_type")
        {
            let (region, gateway) = (scope.region().to_owned(), gateway.clone());
            scopes.push(ReadScope::ConvertStatus { region, gateway });
        }
        scopes
    }

    fn observed(&self, wanted: &Wanted, recorded: &Object, listings: &Listings) -> Live {
        let recorded = super::with_wanted_id(wanted, recorded);
        let live = self.live(&recorded, listings);
        let Live::Found(mut object) = live else { return live };
        if let Wanted::Present { values, .. } = wanted
            && packages::are_awaited(values)
        {
            let blocks = values.has(packages::WISHED).then_some(values);
            packages::read(&mut object, &recorded, listings, blocks);
            packages::note_left(&mut object, values, listings);
        }
        let steps = self.settling(wanted).iter().rev().find_map(|scope| match scope {
            ReadScope::ConvertStatus { .. } => match listings.get(scope)? {
                Listing::Rows(rows) => rows.values().next()?.get("convert_steps").cloned(),
                Listing::Part { .. } | Listing::ParentGone | Listing::Failed(_) => None,
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
            return packages::settled(wanted, live);
        }
        let mut object = object.clone();
        let progress = conversion(&object);
        object.remove("convert_steps");
        let settled = call::settled(wanted, &Live::Found(object.clone()));
        let idle = object.text("status").is_none_or(spelling::is_available);
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
            let ids = answer::member_texts(answer, wire).unwrap_or_default();
            if !ids.is_empty() {
                let list = answer::string_list(ids.iter().map(String::as_str));
                object.set(schema::name(name), list);
            }
            if name == "bandwidth_package_ids"
                && let Some(made) = packages::created(&ids)
            {
                object.set(schema::name("bandwidth_packages"), made);
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
