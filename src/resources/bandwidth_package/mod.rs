//! `bandwidth_package`: shared bandwidth with public addresses for a gateway.
//!
//! A package can be turned into shared bandwidth (`convert_to_shared`), once and for all. It is then
//! no package any more: its addresses are EIPs of the gateway and found in the gateway's `ip_lists`,
//! the package list lacks it, and no action of this service changes or deletes it. Its address in
//! the state stays, so that what refers to its addresses stays as it is.

mod attributes;
mod calls;
mod live;

use std::collections::BTreeSet;

use self::attributes::RULES;
pub(super) use self::attributes::{ROW, SCHEMA};
use self::calls::{create, delete, scope, updates};
pub use self::live::in_use;
pub(super) use self::live::row;
use self::live::{converted, reorder};
use super::call;
use super::fault::Checks;
use super::listing::{self, Listings, Live, ReadScope};
use super::schema::{self, Attribute, Kind, OnChange, Schema};
use super::{
    ChangeRequest, Fault, Object, ResourceType, Rule, Settled, Step, Wanted, answer,
    public_addresses,
};
use crate::api::catalogue::Action;
use crate::value::{Type, Value};

/// The resource type.
#[derive(Debug)]
pub struct BandwidthPackage;

const NO_WAY_BACK: &str = "shared bandwidth does not become a bandwidth package again: keep \
    `convert_to_shared = true`, or remove the block (which only forgets it) and add another";
const SHARED_NOW: &str = "the package was converted to shared bandwidth, which natform does not \
    manage: put the old value back, and change the shared bandwidth where it is managed";

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
        checks.description_begins_with_letter();
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
        let shared = "common_bandwidth_package_id";
        let converts = planned.get("convert_to_shared").and_then(Value::as_bool);
        match (prior.is_some_and(|prior| prior.flag("convert_to_shared")), converts) {
            (false, Some(true)) => {
                planned.set(schema::name(shared), unknown(Type::String, shared));
            }
            (false, Some(false)) if prior.is_none() => {
                planned.set(schema::name(shared), Value::null());
            }
            _ => {}
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
