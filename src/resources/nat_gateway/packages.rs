//! Bandwidth packages that are made together with a gateway (edition 2019-07-19 only): the blocks
//! `bandwidth_package`, which are sent with the create and never again, and the read-only
//! `bandwidth_packages`, which show what became of them.
//!
//! A gateway that still has packages cannot be deleted: its delete begins with those that were made
//! with it.

use std::collections::BTreeSet;

use super::super::call::{self, Parameters};
use super::super::fault::Checks;
use super::super::listing::{self, Listing, Listings, Live, ReadScope};
use super::super::public_addresses;
use super::super::schema::{self, Attribute, Kind, OnChange};
use super::super::{Fault, Impact, Object, Parameter, Settled, Step, Wanted, answer};
use crate::api::catalogue::Action;
use crate::value::{Type, Value, same};

/// Name of the blocks, and of the input that they make up.
pub(super) const WISHED: &str = "bandwidth_package";
/// Name of the attribute that shows the packages.
const MADE: &str = "bandwidth_packages";
/// Stands in a wanted object for the id of a package that is to be gone, and in an observed one for
/// one that is not.
const LEFT: &str = "package_left";
/// The attribute of a package that lists its addresses.
const ADDRESSES: &str = "public_ip_addresses";
/// Packages that can be made together with a gateway.
pub(super) const MOST: usize = 4;

pub(super) const CREATE_ONLY: &str = "packages are made inline only together with their gateway: put \
    the old blocks back, or remove them all, which leaves the packages as they are; to change a \
    package, import it as a `bandwidth_package` resource, and for another one add such a resource";

/// Fields of a block.
pub(super) const FIELDS: &[Attribute] = &[
    Attribute::input(
        "bandwidth",
        "Bandwidth",
        Kind::Integer,
        OnChange::Refuse(CREATE_ONLY),
        "Bandwidth that its addresses share, 5 to 5000 Mbit/s.",
    )
    .required(),
    Attribute::input(
        "ip_count",
        "IpCount",
        Kind::Integer,
        OnChange::Refuse(CREATE_ONLY),
        "Number of public addresses, 1 to 50.",
    )
    .required(),
    Attribute::input(
        "isp",
        "ISP",
        Kind::String,
        OnChange::Refuse(CREATE_ONLY),
        "Kind of line; only `BGP`, the default.",
    ),
    Attribute::input(
        "zone",
        "Zone",
        Kind::String,
        OnChange::Refuse(CREATE_ONLY),
        "Zone of the addresses; the service picks one by default.",
    ),
];

/// Fields of a package as it is shown.
pub(super) const SHOWN: &[Attribute] = &[
    Attribute::volatile("id", "", Kind::String, "Id, `bwp-…`."),
    Attribute::volatile("bandwidth", "", Kind::Integer, "Bandwidth, Mbit/s."),
    Attribute::volatile("ip_count", "", Kind::Integer, "Number of public addresses."),
    Attribute::volatile("isp", "", Kind::String, "Kind of line."),
    Attribute::volatile("zone", "", Kind::String, "Zone of the addresses."),
    Attribute::volatile(
        ADDRESSES,
        "",
        Kind::Strings,
        "Its public addresses in a lasting order, as those of a `bandwidth_package` resource.",
    ),
];

fn elements<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_elements).unwrap_or_default()
}

fn id_of(package: &Value) -> Option<&str> {
    package.get("id").and_then(Value::as_str)
}

fn integer(package: &Value, name: &str) -> Option<i64> {
    package.get(name)?.as_number()?.to_i64()
}

/// Returns the ids of the packages that were made together with a gateway, in their order.
pub fn made_with(gateway: &Object) -> Vec<&str> {
    elements(gateway, MADE).iter().filter_map(id_of).collect()
}

/// Returns how many packages are to be made together with a gateway.
pub fn wished(gateway: &Object) -> usize {
    elements(gateway, WISHED).len()
}

/// Takes packages that are managed on their own out of a gateway, so that its delete spares them.
pub fn spare(gateway: &mut Object, managed: &BTreeSet<&str>) {
    let all = elements(gateway, MADE);
    let own: Vec<Value> =
        all.iter().filter(|p| id_of(p).is_none_or(|id| !managed.contains(id))).cloned().collect();
    if own.len() < all.len() {
        gateway.set(schema::name(MADE), list(own));
    }
}

fn list(packages: Vec<Value>) -> Value {
    answer::object_list(Kind::Objects(SHOWN), packages)
}

/// Checks the blocks that are known.
pub(super) fn validate(object: &Object, faults: &mut Vec<Fault>) {
    for (index, block) in elements(object, WISHED).iter().enumerate() {
        let Some(fields) = block.as_entries() else { continue };
        let fields: Object = fields.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        let mut checks = Checks::of(&fields);
        checks.range("bandwidth", 5, Some(5000), " (Mbit/s)");
        checks.range("ip_count", 1, Some(50), "");
        checks.one_of("isp", &["BGP"]);
        faults.extend(checks.faults.into_iter().map(|fault| Fault {
            message: format!("`{WISHED}` block {}: {}", index + 1, fault.message),
            attribute: format!("{WISHED}[{index}].{}", fault.attribute),
            ..fault
        }));
    }
}

/// Checks what only a create needs.
pub(super) fn check_new(planned: &Object, checks: &mut Checks<'_>) {
    if planned.get(WISHED).is_some_and(Value::is_unknown) {
        checks.add(
            "unknown-count",
            WISHED,
            format!("how many `{WISHED}` blocks there are must be known when it is planned"),
            "use values in `for_each` that are known before the apply, such as a variable, or apply \
             what they depend on first (`-target`)",
        );
    }
}

/// Adds the blocks to the parameters of a create.
pub(super) fn parameters<'a>(mut parameters: Parameters<'a>, planned: &Object) -> Parameters<'a> {
    for (index, block) in elements(planned, WISHED).iter().enumerate() {
        for field in FIELDS {
            let value = block.get(field.name).filter(|value| !value.is_null());
            if let Some(value) = value {
                let wire = format!("BandwidthPackage.{}.{}", index + 1, field.wire);
                parameters = parameters.value(&wire, WISHED, value);
            }
        }
    }
    parameters
}

/// Fills in what a plan knows of the packages that a create makes.
pub(super) fn foresee(origin: &str, planned: &mut Object) {
    let whole = || Value::unknown_from(Kind::Objects(SHOWN).ty(), format!("{origin}.{MADE}"));
    let made = match planned.get(WISHED) {
        None => Value::null(),
        Some(blocks) => match blocks.as_elements() {
            Some(blocks) => {
                let each = blocks.iter().enumerate();
                list(
                    each.map(|(i, block)| foreseen(&format!("{origin}.{MADE}[{i}]"), block))
                        .collect(),
                )
            }
            None => whole(),
        },
    };
    planned.set(schema::name(MADE), made);
}

fn foreseen(origin: &str, block: &Value) -> Value {
    let unknown = |ty: Type, name: &str| Value::unknown_from(ty, format!("{origin}.{name}"));
    let field = |field: &Attribute| match (block.get(field.name), integer(block, "ip_count")) {
        (Some(value), _) if !value.is_null() => value.clone(),
        (_, Some(count)) if field.name == ADDRESSES => Value::list(
            Type::String,
            (0..count.clamp(0, 50)).map(|i| unknown(Type::String, &format!("{ADDRESSES}[{i}]"))),
        ),
        _ => unknown(field.kind.ty(), field.name),
    };
    Value::object(SHOWN.iter().map(|f| (schema::name(f.name), field(f))).collect())
}

/// Says what becomes of the packages when the blocks go.
pub(super) fn remarks(prior: &Object, planned: &Object) -> Vec<String> {
    let made = made_with(prior);
    if made.is_empty() || prior.get(WISHED).is_none() || planned.get(WISHED).is_some() {
        return Vec::new();
    }
    vec![format!(
        "the blocks are forgotten, the packages stay ({}): `{MADE}` shows them, and they are deleted \
         with the gateway unless they are imported before",
        made.join(", ")
    )]
}

/// Returns what the answer to a create tells of the packages: their ids.
pub(super) fn created(ids: &[String]) -> Option<Value> {
    let one = |id: &String| {
        let field = |field: &Attribute| match field.name {
            "id" => Value::text(id),
            _ => Value::null(),
        };
        Value::object(SHOWN.iter().map(|f| (schema::name(f.name), field(f))).collect())
    };
    (!ids.is_empty()).then(|| list(ids.iter().map(one).collect()))
}

/// Returns whether a gateway is read together with the packages of its region.
pub(super) fn are_read_with(gateway: &Object) -> bool {
    !elements(gateway, MADE).is_empty()
}

/// Returns whether a step waits for packages, too.
pub(super) fn are_awaited(values: &Object) -> bool {
    values.has(WISHED) || values.has(LEFT)
}

pub(super) fn scope(region: &str) -> ReadScope {
    ReadScope::BandwidthPackages { region: region.to_owned() }
}

/// Shows the packages as they live. `blocks` are those of a gateway that was only just made, so that
/// all of its packages were made with it; they are brought into the order of the blocks then.
pub(super) fn read(
    gateway: &mut Object,
    recorded: &Object,
    listings: &Listings,
    blocks: Option<&Object>,
) {
    let before = elements(recorded, MADE);
    let mut ids: Vec<String> = before.iter().filter_map(id_of).map(str::to_owned).collect();
    if ids.is_empty() && blocks.is_some() {
        ids = all_of(gateway, listings);
    }
    if ids.is_empty() {
        return;
    }
    let old = |id: &str| before.iter().find(|package| id_of(package) == Some(id));
    let shown = ids.iter().filter_map(|id| match listing::find_package(listings, id) {
        Live::Found(live) => Some(as_shown(&live, old(id))),
        Live::Absent => None,
        Live::Unread => old(id).cloned(),
    });
    let mut shown: Vec<Value> = shown.collect();
    if let Some(blocks) = blocks {
        shown = in_order(shown, elements(blocks, WISHED));
    }
    gateway.set(schema::name(MADE), list(shown));
}

/// Brings packages into the order of the blocks that made them, which no answer tells: by what the
/// blocks ask for.
fn in_order(mut packages: Vec<Value>, blocks: &[Value]) -> Vec<Value> {
    let is_of = |package: &Value, block: &Value| {
        FIELDS.iter().all(|field| match block.get(field.name).filter(|v| !v.is_null()) {
            Some(asked) => package
                .get(field.name)
                .is_some_and(|has| has.is_null() || same(asked, has) != Some(false)),
            None => true,
        })
    };
    // Those that ask for most choose first.
    let asks = |block: &Value| {
        FIELDS.iter().filter(|f| block.get(f.name).is_some_and(|v| !v.is_null())).count()
    };
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(asks(&blocks[*index])));
    let mut placed: Vec<Option<Value>> = vec![None; blocks.len()];
    for index in order {
        let found = packages.iter().position(|package| is_of(package, &blocks[index]));
        placed[index] = found.map(|at| packages.remove(at));
    }
    placed.into_iter().flatten().chain(packages).collect()
}

/// Returns the ids of all packages of a gateway, in the order in which its own list has them.
fn all_of(gateway: &Object, listings: &Listings) -> Vec<String> {
    let Some(id) = gateway.text("id") else { return Vec::new() };
    let rows = listings.iter().filter_map(|(scope, listing)| match (scope, listing) {
        (ReadScope::BandwidthPackages { .. }, Listing::Rows(rows)) => Some(rows),
        _ => None,
    });
    let mut ids: Vec<String> = rows
        .flatten()
        .filter(|(_, package)| package.text("nat_gateway_id") == Some(id))
        .map(|(id, _)| id.clone())
        .collect();
    let order = gateway.texts("bandwidth_package_ids").unwrap_or_default();
    ids.sort_by_key(|id| order.iter().position(|known| known == id).unwrap_or(usize::MAX));
    ids
}

fn as_shown(live: &Object, before: Option<&Value>) -> Value {
    let known: Vec<String> = before
        .and_then(|package| package.get(ADDRESSES)?.as_elements())
        .unwrap_or_default()
        .iter()
        .filter_map(|address| address.as_str().map(str::to_owned))
        .collect();
    let listed = live.texts(ADDRESSES).unwrap_or_default();
    let order = public_addresses::ordered(&known, &listed);
    let field = |field: &Attribute| match field.name {
        ADDRESSES => answer::string_list(order.iter().map(String::as_str)),
        name => live.get(name).cloned().unwrap_or_else(Value::null),
    };
    Value::object(SHOWN.iter().map(|f| (schema::name(f.name), field(f))).collect())
}

/// Notes in an observed gateway a package that a step waits to see gone and that is still there, or
/// of which nobody knows.
pub(super) fn note_left(gateway: &mut Object, values: &Object, listings: &Listings) {
    if let Some(id) = values.text(LEFT) {
        match listing::find_package(listings, id) {
            Live::Absent => gateway.remove(LEFT),
            Live::Found(_) | Live::Unread => gateway.set(LEFT, Value::text(id)),
        }
    }
}

/// Judges a step that waits for packages by an observed gateway.
pub(super) fn settled(wanted: &Wanted, live: &Live) -> Settled {
    let (Wanted::Present { values, scope, id }, Live::Found(object)) = (wanted, live) else {
        return call::settled(wanted, live);
    };
    let mut object = object.clone();
    if let Some(left) = object.text(LEFT) {
        return Settled::Busy(format!("its bandwidth package `{left}` is still listed"));
    }
    object.remove(LEFT);
    let mut values = values.clone();
    let wished = elements(&values, WISHED).len();
    let made = elements(&object, MADE);
    if made.len() < wished {
        let there = made.len();
        return Settled::Busy(format!("{there} of its {wished} bandwidth packages are listed"));
    }
    let lacking = made.iter().take(wished).find(|package| {
        let listed = package.get(ADDRESSES).and_then(Value::as_elements).map_or(0, <[Value]>::len);
        let count = integer(package, "ip_count").and_then(|count| usize::try_from(count).ok());
        listed < count.unwrap_or(1)
    });
    if let Some(package) = lacking {
        let id = id_of(package).unwrap_or_default();
        return Settled::Busy(format!("the addresses of its package `{id}` are not listed yet"));
    }
    values.remove(WISHED);
    values.remove(LEFT);
    let wanted = Wanted::Present { scope: scope.clone(), id: id.clone(), values };
    call::settled(&wanted, &Live::Found(object))
}

/// Returns the calls that delete the packages before their gateway is deleted.
pub(super) fn deletes(region: &str, gateway: &Object) -> Vec<Step> {
    let step = |package: &str| Step {
        action: Action::DeleteBandwidthPackage,
        parameters: package_parameters(gateway, package),
        lane: call::whole_gateway(call::lane_name(gateway, "id")),
        // The gateway stays: it waits to be without the package.
        wanted: Wanted::Present {
            scope: Some(super::scope(region)),
            id: gateway.text("id").map(str::to_owned),
            values: [(LEFT.into(), Value::text(package))].into_iter().collect(),
        },
        impacts: vec![Impact::ChangesBilling, Impact::ReleasesAddress],
        makes: Vec::new(),
    };
    made_with(gateway).into_iter().map(step).collect()
}

fn package_parameters(gateway: &Object, package: &str) -> Vec<Parameter> {
    Parameters::of(gateway).text("BandwidthPackageId", MADE, package).flag("Force", "force").list()
}

#[cfg(test)]
mod tests {
    use super::super::super::all;
    use super::*;

    fn package(id: &str, bandwidth: i64, count: i64, zone: &str) -> Value {
        Value::object_of([
            ("id", Value::text(id)),
            ("bandwidth", Value::from(bandwidth)),
            ("ip_count", Value::from(count)),
            ("isp", Value::text("BGP")),
            ("zone", Value::text(zone)),
        ])
    }

    fn block(bandwidth: i64, count: i64, zone: Option<&str>) -> Value {
        Value::object_of([
            ("bandwidth", Value::from(bandwidth)),
            ("ip_count", Value::from(count)),
            ("isp", Value::null()),
            ("zone", zone.map_or_else(Value::null, Value::text)),
        ])
    }

    #[test]
    fn packages_come_in_the_order_of_their_blocks() {
        let packages = vec![
            package("c", 5, 1, "z-b"),
            package("a", 5, 1, "z-a"),
            package("d", 7, 1, "z-a"),
            package("b", 5, 2, "z-a"),
        ];
        let blocks = [block(5, 1, None), block(5, 2, None), block(5, 1, Some("z-a"))];
        let ordered = in_order(packages, &blocks);
        let ids: Vec<&str> = ordered.iter().filter_map(id_of).collect();
        assert_eq!(ids, ["c", "b", "a", "d"], "what asks for a zone chooses first");
    }

    #[test]
    fn a_block_of_a_schema_has_its_input() {
        for schema in all().map(crate::resources::ResourceType::schema) {
            for (name, fields, most) in schema.blocks {
                let attribute = schema.attribute(name).unwrap();
                assert_eq!(attribute.kind, Kind::Objects(fields));
                assert!(attribute.is_input() && !attribute.readable && *most > 0);
            }
        }
    }

    #[test]
    fn managed_packages_are_spared() {
        let mut gateway: Object =
            [(schema::name(MADE), list(vec![package("a", 5, 1, "z"), package("b", 5, 1, "z")]))]
                .into_iter()
                .collect();
        gateway.set("id", Value::text("ngw-1"));
        spare(&mut gateway, &BTreeSet::from(["a"]));
        assert_eq!(made_with(&gateway), ["b"]);
        let calls: Vec<Action> = deletes("r", &gateway).iter().map(|step| step.action).collect();
        assert_eq!(calls, [Action::DeleteBandwidthPackage]);
    }
}
