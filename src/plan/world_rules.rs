//! Rules over several resource types: which address serves what, what a gateway holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rules::{Item, Judge, list};
use super::topology::{self, Token};
use super::{Change, ChangeKind, keys, origins};
use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::resources::{Listing, Object, ReadScope};
use crate::value::Value;

/// Ports up to this one are shared by DNAT and SNAT on one address without `port_break`.
const LAST_LOW_PORT: u64 = 1024;

/// The packages of the planned world by the addresses that they provide.
struct Providers<'a> {
    known: BTreeMap<Arc<str>, Item<'a>>,
    managed: BTreeMap<&'a Address, Item<'a>>,
}

impl<'a> Providers<'a> {
    /// Returns the package of an address, known or still to come.
    fn of(&self, address: &Token) -> Option<Item<'a>> {
        match address {
            Token::Known(ip) => self.known.get(ip).copied(),
            Token::Origin(origin) => {
                let find = |address: &Address| self.managed.get(address).copied();
                let (package, attribute) = origins::split(origin, find)?;
                (attribute == topology::ADDRESSES).then_some(package)
            }
        }
    }
}

impl<'a> Judge<'a> {
    /// Checks the rule of that code. Rules that no reading can decide have no function.
    pub(super) fn world_rule(&mut self, kind: &str, code: &'static str) {
        match code {
            "second-normal-gateway" => self.second_normal_gateway(code),
            "gateway-with-packages-cannot-convert" => self.packages_of_converted(code),
            "gateway-not-empty" => self.gateway_not_empty(code),
            "address-in-use" => self.address_in_use(code),
            "last-address" => self.last_address(code),
            "address-in-dnat-and-snat" => self.dnat_and_snat(code),
            "external-address-not-of-gateway" | "snat-address-not-of-gateway" => {
                self.foreign_address(kind, code);
            }
            "snat-pool-of-several-packages" => self.pool_of_several_packages(code),
            "vswitch-outside-vpc" => self.vswitch_outside_vpc(code),
            _ => {}
        }
    }

    fn items(&self, kind: &'static str) -> Vec<Item<'a>> {
        self.planned(kind).collect()
    }

    /// Returns the gateways of the planned world by the ids that entries and packages name them by.
    fn gateways(&self) -> BTreeMap<Token, Item<'a>> {
        let mut gateways = BTreeMap::new();
        for item in self.items(topology::GATEWAY) {
            for token in topology::supports(topology::GATEWAY, item.object()) {
                gateways.insert(token, item);
            }
        }
        gateways
    }

    fn providers(&self) -> Providers<'a> {
        let mut providers = Providers { known: BTreeMap::new(), managed: BTreeMap::new() };
        for item in self.items(topology::PACKAGE) {
            for ip in topology::provided_addresses(topology::PACKAGE, item.object()) {
                providers.known.insert(ip, item);
            }
            if let Item::Managed(change, _) = item {
                providers.managed.insert(&change.address, item);
            }
        }
        providers
    }

    /// What is made in a table or gateway that the service says does not exist.
    pub(super) fn missing_parents(&mut self) {
        let mut found = Vec::new();
        for change in self.changes {
            let kind = change.address.kind();
            let Some((attribute, _)) = topology::parent_attribute(kind) else { continue };
            let Some(after) = &change.after else { continue };
            let item = Item::Managed(change, after);
            let Some(Token::Known(parent)) = topology::parent(kind, after) else { continue };
            if !item.is_touched(&[attribute]) || !self.is_missing(kind, &change.region, &parent) {
                continue;
            }
            let diagnostic = Diagnostic::error("no-such-parent", format!("there is no `{parent}`"))
                .address(&change.address)
                .detail(format!("`{}` is to be made in it.", change.address))
                .help("check the id, the region and the account");
            found.push(self.mark(diagnostic, &item, attribute, "does not exist"));
        }
        self.diagnostics.extend(found);
    }

    /// Returns whether every list that tells says that a table or gateway does not exist.
    fn is_missing(&self, kind: &str, region: &str, parent: &str) -> bool {
        let (region, table) = (region.to_owned(), parent.to_owned());
        let scope = match kind {
            topology::FORWARD => ReadScope::ForwardEntries { region, table },
            topology::SNAT => ReadScope::SnatEntries { region, table },
            _ => ReadScope::Gateways { region },
        };
        let mut told = self.lists.values().filter_map(|lists| lists.get(&scope)).peekable();
        told.peek().is_some()
            && told.all(|listing| match listing {
                Listing::ParentGone => true,
                Listing::Rows(rows) => kind == topology::PACKAGE && !rows.contains_key(parent),
                Listing::Part { asked, rows } => {
                    kind == topology::PACKAGE
                        && asked.contains(parent)
                        && !rows.contains_key(parent)
                }
                Listing::Failed(_) => false,
            })
    }

    fn second_normal_gateway(&mut self, code: &'static str) {
        let mut by_vpc: BTreeMap<Token, Vec<Item<'a>>> = BTreeMap::new();
        for item in self.items(topology::GATEWAY) {
            if let Some(vpc) =
                topology::default_route(topology::GATEWAY, item.object(), item.region())
            {
                by_vpc.entry(vpc).or_default().push(item);
            }
        }
        let mut found = Vec::new();
        for (vpc, group) in &by_vpc {
            let adds = |item: &&Item<'_>| item.is_touched(&["vpc_id", "nat_type"]);
            if group.len() < 2 || !group.iter().any(|item| adds(&item)) {
                continue;
            }
            let names: Vec<String> = group.iter().map(Item::name).collect();
            let mut diagnostic = Diagnostic::error(
                code,
                format!("VPC `{}` would hold {} Normal gateways", vpc.text(), group.len()),
            )
            .detail(format!(
                "A Normal gateway takes the VPC's default route, so that there is one of them a VPC. \
                 These would be in it: {}.",
                list(&names)
            ))
            .help("keep one, or make the others Enhanced (`nat_type = \"Enhanced\"`)");
            for item in group.iter().filter(adds).chain(group.iter().filter(|i| !adds(i))) {
                diagnostic = self.mark(diagnostic, item, "vpc_id", "a Normal gateway");
            }
            found.push(diagnostic);
        }
        self.diagnostics.extend(found);
    }

    /// Returns the packages that a gateway holds in the planned world; those that are shared bandwidth
    /// by then do not count.
    fn packages_of(&self, gateway: &Token) -> Vec<Item<'a>> {
        self.items(topology::PACKAGE)
            .into_iter()
            .filter(|item| {
                topology::parent(topology::PACKAGE, item.object()).as_ref() == Some(gateway)
                    && item.object().get("convert_to_shared").and_then(Value::as_bool) != Some(true)
            })
            .collect()
    }

    fn packages_of_converted(&mut self, code: &'static str) {
        let mut found = Vec::new();
        for item in self.items(topology::GATEWAY) {
            let Item::Managed(change, after) = item else { continue };
            let Some(before) = &change.before else { continue };
            let converts = change.kind == ChangeKind::Update
                && before.text("nat_type") != Some("Enhanced")
                && after.text("nat_type") == Some("Enhanced");
            let Some(id) = before.get("id").and_then(Token::of).filter(|_| converts) else {
                continue;
            };
            let packages = self.packages_of(&id);
            if packages.is_empty() {
                continue;
            }
            let names: Vec<String> = packages.iter().map(Item::name).collect();
            let message = format!(
                "`{}` cannot be converted to Enhanced while it holds bandwidth packages",
                change.address
            );
            let mut diagnostic = Diagnostic::error(code, message)
                .address(&change.address)
                .detail(format!("It would still hold {}.", list(&names)))
                .help(
                    "remove the packages, or set `convert_to_shared = true` on them; natform then does \
                     both in the right order",
                );
            diagnostic = self.mark(diagnostic, &item, "nat_type", "converts the gateway");
            for package in &packages {
                diagnostic = self.mark(diagnostic, package, "", "stands in the way");
            }
            found.push(diagnostic);
        }
        self.diagnostics.extend(found);
    }

    fn gateway_not_empty(&mut self, code: &'static str) {
        let mut found = Vec::new();
        let mut remarks = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            if let (Some(before), true) = (&change.before, deletes(change, topology::GATEWAY)) {
                let left = self.left_behind(before);
                if before.get("force").and_then(Value::as_bool) == Some(true) {
                    let taken = left.iter().map(|name| format!("takes along {name} (`force`)"));
                    remarks.extend(taken.map(|remark| (index, remark)));
                    continue;
                }
                if !left.is_empty() {
                    let message = format!(
                        "`{}` cannot be deleted: {} would be left in it",
                        change.address,
                        list(&left)
                    );
                    let diagnostic = Diagnostic::error(code, message)
                        .address(&change.address)
                        .detail(
                            "The service deletes a gateway only when it has no entries, no bandwidth \
                             packages and no bound addresses.",
                        )
                        .help(
                            "delete them first, or set `force = true` on the gateway and apply that \
                             once: deleting it then takes them along",
                        );
                    found.push(self.mark(diagnostic, &Item::Managed(change, before), "", ""));
                }
            }
        }
        self.diagnostics.extend(found);
        self.remarks.extend(remarks);
    }

    /// Returns what the deletion of a gateway meets: objects in it that the plan does not delete.
    pub(super) fn left_behind(&self, gateway: &Object) -> Vec<String> {
        let supports = topology::supports(topology::GATEWAY, gateway);
        // Packages that were made with the gateway are deleted with it.
        let own = crate::resources::nat_gateway::made_with(gateway);
        let mut left = Vec::new();
        for kind in [topology::FORWARD, topology::SNAT, topology::PACKAGE] {
            for item in self.items(kind) {
                // What is replaced has left by then.
                let object = match item {
                    Item::Managed(Change { kind: ChangeKind::Replace { .. }, .. }, _) => continue,
                    Item::Managed(change, after) => change.before.as_ref().unwrap_or(after),
                    Item::Unmanaged(unmanaged) if own.contains(&&*unmanaged.id) => continue,
                    Item::Unmanaged(unmanaged) => &unmanaged.object,
                };
                let parent = topology::parent(kind, object);
                if parent.is_some_and(|p| supports.contains(&p)) {
                    left.push(item.name());
                }
            }
        }
        let bound = gateway.get("ip_lists").and_then(Value::as_elements).unwrap_or_default();
        for ip in bound.iter().filter_map(|ip| ip.get("ip_address")?.as_str()) {
            left.push(format!("the bound address `{ip}`"));
        }
        left
    }

    /// Returns who uses which known address in the planned world.
    fn users(&self) -> BTreeMap<Arc<str>, Vec<(&'static str, Item<'a>)>> {
        let mut users: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
        for kind in [topology::FORWARD, topology::SNAT] {
            for item in self.items(kind) {
                for token in topology::used_addresses(kind, item.object()) {
                    if let Token::Known(ip) = token {
                        users.entry(ip).or_default().push((kind, item));
                    }
                }
            }
        }
        users
    }

    fn address_in_use(&mut self, code: &'static str) {
        let users = self.users();
        let mut found = Vec::new();
        for change in self.changes {
            let Some(before) = &change.before else { continue };
            let forced = before.get("force").and_then(Value::as_bool) == Some(true);
            let removed = match change.kind {
                ChangeKind::Update => removed_addresses(change),
                _ if deletes(change, topology::PACKAGE) && !forced => {
                    topology::provided_addresses(topology::PACKAGE, before)
                }
                _ => continue,
            };
            for ip in removed {
                let Some(users) = users.get(&ip) else { continue };
                let names: Vec<String> = users.iter().map(|(_, item)| item.name()).collect();
                let message = format!(
                    "`{}` gives up `{ip}`, which {} would still use",
                    change.address,
                    list(&names)
                );
                let mut diagnostic = Diagnostic::error(code, message)
                    .address(&change.address)
                    .detail("The service does not remove an address that an entry uses.")
                    .help("move the entries to another address, or keep this one");
                let package = Item::Managed(change, before);
                for (kind, item) in users {
                    let attribute =
                        if *kind == topology::FORWARD { "external_ip" } else { "snat_ip" };
                    diagnostic = self.mark(diagnostic, item, attribute, "uses it");
                }
                diagnostic = self.mark(diagnostic, &package, "ip_count", "gives it up");
                found.push(diagnostic);
            }
        }
        self.diagnostics.extend(found);
    }

    fn last_address(&mut self, code: &'static str) {
        let mut found = Vec::new();
        for item in self.items(topology::PACKAGE) {
            let addresses = item.object().get(topology::ADDRESSES).and_then(Value::as_elements);
            // A count that is no count at all is said to be wrong where the block is checked.
            let counts = item.object().integer("ip_count").is_none_or(|count| count >= 1);
            let empty = addresses.is_some_and(<[Value]>::is_empty);
            if item.is_touched(&["ip_count"]) && counts && empty {
                let message = format!("{} would have no address left", item.name());
                let diagnostic = Diagnostic::error(code, message)
                    .help("a package keeps at least one address; remove the block to delete it");
                found.push(self.mark(diagnostic, &item, "ip_count", ""));
            }
        }
        self.diagnostics.extend(found);
    }

    fn dnat_and_snat(&mut self, code: &'static str) {
        let gateways = self.gateways();
        let mut uses: BTreeMap<(Token, Token), [Vec<Item<'a>>; 2]> = BTreeMap::new();
        for (side, kind) in [topology::FORWARD, topology::SNAT].into_iter().enumerate() {
            for item in self.items(kind) {
                let table = topology::parent(kind, item.object());
                let gateway = table.and_then(|t| gateways.get(&t)).and_then(|g| id_of(g.object()));
                let Some(gateway) = gateway else { continue };
                for ip in topology::used_addresses(kind, item.object()) {
                    uses.entry((gateway.clone(), ip)).or_default()[side].push(item);
                }
            }
        }
        let mut found = Vec::new();
        for ((gateway, ip), [dnat, snat]) in &uses {
            let touched = dnat.iter().any(|i| i.is_touched(&["external_ip", "external_port"]))
                || snat.iter().any(|i| i.is_touched(&["snat_ip"]));
            if dnat.is_empty() || snat.is_empty() || !touched {
                continue;
            }
            let shared = gateways.get(gateway).and_then(|g| snat_enabled(g.object(), ip));
            let dnat: Vec<Item<'a>> = match shared {
                Some(true) => {
                    dnat.iter().copied().filter(|i| needs_port_break(i.object())).collect()
                }
                _ => dnat.clone(),
            };
            if !dnat.is_empty() {
                found.push(self.both_uses(code, ip, &dnat, snat, shared == Some(true)));
            }
        }
        self.diagnostics.extend(found);
    }

    fn both_uses(
        &self,
        code: &'static str,
        ip: &Token,
        dnat: &[Item<'_>],
        snat: &[Item<'_>],
        shared: bool,
    ) -> Diagnostic {
        let names = |items: &[Item<'_>]| list(&items.iter().map(Item::name).collect::<Vec<_>>());
        let mut diagnostic = Diagnostic::error(
            code,
            format!(
                "`{}` would serve both DNAT ({}) and SNAT ({})",
                ip.text(),
                names(dnat),
                names(snat)
            ),
        );
        diagnostic = if shared {
            diagnostic
                .detail(
                    "The service allows both on this address; ports above 1024 need `port_break`.",
                )
                .help("set `port_break = true` on these DNAT entries, or use a port up to 1024")
        } else {
            diagnostic
                .detail("A public address serves the DNAT table or the SNAT table, not both.")
                .help("use another address for one of them")
        };
        for item in dnat.iter().take(3) {
            diagnostic = self.mark(diagnostic, item, "external_ip", "DNAT");
        }
        for item in snat.iter().take(3) {
            diagnostic = self.mark(diagnostic, item, "snat_ip", "SNAT");
        }
        diagnostic
    }

    /// Returns the addresses that are bound to gateways.
    fn bound(&self) -> BTreeMap<Arc<str>, Item<'a>> {
        let mut all = BTreeMap::new();
        for item in self.items(topology::GATEWAY) {
            let live = match item {
                Item::Managed(change, _) => change.before.as_ref(),
                Item::Unmanaged(unmanaged) => Some(&unmanaged.object),
            };
            let ips = live.and_then(|live| live.get("ip_lists")).and_then(Value::as_elements);
            let ips = ips.unwrap_or_default().iter();
            let ips = ips.filter_map(|ip| ip.get("ip_address")?.as_str().map(Arc::from));
            all.extend(ips.map(|ip| (ip, item)));
        }
        all
    }

    /// Returns all addresses of a gateway, or none while they are not known in full.
    fn addresses_of(&self, gateway: &Item<'_>) -> Option<BTreeSet<Arc<str>>> {
        let Item::Managed(Change { before: Some(live), .. }, _) = gateway else {
            let Item::Unmanaged(unmanaged) = gateway else { return None };
            return self.addresses_in(&unmanaged.object, gateway.region());
        };
        self.addresses_in(live, gateway.region())
    }

    fn addresses_in(&self, gateway: &Object, region: &str) -> Option<BTreeSet<Arc<str>>> {
        let scope = ReadScope::BandwidthPackages { region: region.to_owned() };
        let read = |l: &crate::resources::Listings| matches!(l.get(&scope), Some(Listing::Rows(_)));
        if !self.lists.values().any(read) || !gateway.has("ip_lists") {
            return None;
        }
        let bound = gateway.get("ip_lists").and_then(Value::as_elements).unwrap_or_default();
        let mut addresses: BTreeSet<Arc<str>> =
            bound.iter().filter_map(|ip| ip.get("ip_address")?.as_str().map(Arc::from)).collect();
        let id = id_of(gateway)?;
        for item in self.items(topology::PACKAGE) {
            if topology::parent(topology::PACKAGE, item.object()).as_ref() != Some(&id) {
                continue;
            }
            let list = item.object().get(topology::ADDRESSES)?;
            if list.deep_unknown() {
                return None;
            }
            addresses.extend(topology::provided_addresses(topology::PACKAGE, item.object()));
        }
        Some(addresses)
    }

    fn foreign_address(&mut self, kind: &str, code: &'static str) {
        let (kind, attribute) = if kind == topology::FORWARD {
            (topology::FORWARD, "external_ip")
        } else {
            (topology::SNAT, "snat_ip")
        };
        let (gateways, providers, bound) = (self.gateways(), self.providers(), self.bound());
        let mut known: BTreeMap<Token, Option<BTreeSet<Arc<str>>>> = BTreeMap::new();
        // What has each address, a package or a gateway, and the id of that gateway.
        let mut owners: BTreeMap<Token, Option<(Item<'a>, Option<Token>)>> = BTreeMap::new();
        let mut found = Vec::new();
        for item in self.items(kind) {
            if !item.is_touched(&[attribute]) {
                continue;
            }
            let Some(table) = topology::parent(kind, item.object()) else { continue };
            let Some(gateway) = gateways.get(&table) else { continue };
            for token in topology::used_addresses(kind, item.object()) {
                let owner = owners.entry(token.clone()).or_insert_with(|| {
                    let Some(package) = providers.of(&token) else {
                        let gateway = bound.get(token.known()?)?;
                        return Some((*gateway, id_of(gateway.object())));
                    };
                    let gateway = topology::parent(topology::PACKAGE, package.object())?;
                    Some((package, id_of(gateways.get(&gateway)?.object())))
                });
                if let Some((package, owner)) = owner {
                    if *owner != id_of(gateway.object()) {
                        found.push(self.of_another(code, (&item, attribute), package, gateway));
                    }
                    continue;
                }
                let addresses =
                    known.entry(table.clone()).or_insert_with(|| self.addresses_of(gateway));
                let (Some(addresses), Token::Known(ip)) = (addresses, token) else { continue };
                if addresses.contains(&ip) {
                    continue;
                }
                let offered: Vec<String> = addresses.iter().map(|a| format!("`{a}`")).collect();
                let diagnostic = Diagnostic::error(
                    code,
                    format!("`{ip}` is no public address of {}", gateway.name()),
                )
                .help(match offered.len() {
                    0 => "the gateway has no address yet: add a `bandwidth_package`".to_owned(),
                    _ => format!("the gateway has {}", list(&offered)),
                });
                found.push(self.mark(diagnostic, &item, attribute, "not of this gateway"));
            }
        }
        self.diagnostics.extend(found);
    }

    /// Describes an entry on an address of another gateway, or of its package.
    fn of_another(
        &self,
        code: &'static str,
        (entry, attribute): (&Item<'_>, &str),
        owner: &Item<'_>,
        gateway: &Item<'_>,
    ) -> Diagnostic {
        let message = format!(
            "the address of {} is of {}, not of {}",
            entry.name(),
            owner.name(),
            gateway.name()
        );
        let diagnostic = Diagnostic::error(code, message)
            .help("use an address of the gateway whose table the entry is in");
        let diagnostic = self.mark(diagnostic, entry, attribute, "not of this gateway");
        self.mark(diagnostic, owner, "nat_gateway_id", "has the address")
    }

    fn pool_of_several_packages(&mut self, code: &'static str) {
        let (providers, bound) = (self.providers(), self.bound());
        let mut found = Vec::new();
        for item in self.items(topology::SNAT) {
            if !item.is_touched(&["snat_ip"]) {
                continue;
            }
            let mut packages: BTreeMap<String, Item<'_>> = BTreeMap::new();
            let mut others = Vec::new();
            for token in topology::used_addresses(topology::SNAT, item.object()) {
                match (providers.of(&token), token.known()) {
                    (Some(package), _) => {
                        packages.insert(package.name(), package);
                    }
                    (None, Some(ip)) if bound.contains_key(ip) => others.push(ip.to_string()),
                    _ => {}
                }
            }
            let mut all = packages.values();
            if let (Some(ip), true) =
                (others.first(), all.any(|p| keys::holds_place(topology::PACKAGE, p.object())))
            {
                let message = format!(
                    "the addresses of {} are of {} and bound to the gateway (`{ip}`)",
                    item.name(),
                    list(&packages.keys().cloned().collect::<Vec<_>>())
                );
                let diagnostic = Diagnostic::error(code, message)
                    .help("take all addresses of one pool from one package or shared bandwidth");
                found.push(self.mark(diagnostic, &item, "snat_ip", "of two kinds"));
            }
            if packages.len() > 1 {
                let names: Vec<String> = packages.keys().cloned().collect();
                let message = format!(
                    "the addresses of {} belong to several bandwidth packages: {}",
                    item.name(),
                    list(&names)
                );
                let diagnostic = Diagnostic::error(code, message).help(
                    "take all addresses of one pool from one package, and make one entry a package",
                );
                found.push(self.mark(diagnostic, &item, "snat_ip", "from several packages"));
            }
        }
        self.diagnostics.extend(found);
    }

    fn vswitch_outside_vpc(&mut self, code: &'static str) {
        let gateways = self.gateways();
        let mut vpc_of: BTreeMap<&str, (&str, Item<'a>)> = BTreeMap::new();
        for item in self.items(topology::GATEWAY) {
            let (vswitch, vpc) = (item.object().text("vswitch_id"), item.object().text("vpc_id"));
            let enhanced = item.object().text("nat_type") == Some("Enhanced");
            if let (Some(vswitch), Some(vpc)) = (vswitch.filter(|v| enhanced && !v.is_empty()), vpc)
            {
                vpc_of.insert(vswitch, (vpc, item));
            }
        }
        let mut found = Vec::new();
        for item in self.items(topology::SNAT) {
            if !item.is_touched(&["source_vswitch_id", "snat_table_id"]) {
                continue;
            }
            let source = item.object().text("source_vswitch_id");
            let table = topology::parent(topology::SNAT, item.object());
            let gateway = table.and_then(|t| gateways.get(&t));
            let vpc = gateway.and_then(|g| g.object().text("vpc_id"));
            let (Some(source), Some(vpc)) = (source, vpc) else { continue };
            if let Some((other, witness)) = vpc_of.get(source).filter(|(other, _)| *other != vpc) {
                let message =
                    format!("vSwitch `{source}` is in VPC `{other}`, the gateway is in `{vpc}`");
                let diagnostic = Diagnostic::error(code, message)
                    .detail(format!("{} has its private address in that vSwitch.", witness.name()))
                    .help("name a vSwitch of the gateway's VPC");
                found.push(self.mark(diagnostic, &item, "source_vswitch_id", "of another VPC"));
            }
        }
        self.diagnostics.extend(found);
    }
}

fn id_of(object: &Object) -> Option<Token> {
    Token::of(object.get("id")?)
}

fn deletes(change: &Change, kind: &str) -> bool {
    change.address.kind() == kind
        && matches!(change.kind, ChangeKind::Delete | ChangeKind::Replace { .. })
}

/// Returns the known addresses that an update removes from a package.
fn removed_addresses(change: &Change) -> Vec<Arc<str>> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return Vec::new() };
    let kind = change.address.kind();
    let kept = topology::provided_addresses(kind, after);
    let mut removed = topology::provided_addresses(kind, before);
    removed.retain(|ip| !kept.contains(ip));
    removed
}

/// Returns whether the service allows SNAT beside DNAT on an address that is bound to a gateway.
fn snat_enabled(gateway: &Object, ip: &Token) -> Option<bool> {
    let ip = ip.known()?;
    let bound = gateway.get("ip_lists").and_then(Value::as_elements)?;
    let entry =
        bound.iter().find(|b| b.get("ip_address").and_then(Value::as_str) == Some(&**ip))?;
    entry.get("snat_entry_enabled")?.as_bool()
}

fn needs_port_break(entry: &Object) -> bool {
    if entry.get("port_break").is_some_and(|v| v.is_unknown() || v.as_bool() == Some(true)) {
        return false;
    }
    let port = entry.get("external_port").and_then(Token::of);
    match port.as_ref().and_then(Token::known) {
        Some(port) if port.eq_ignore_ascii_case("any") => true,
        Some(port) => port.parse::<u64>().is_ok_and(|port| port > LAST_LOW_PORT),
        None => false,
    }
}
