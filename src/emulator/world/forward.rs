//! DNAT entries.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::api::catalogue::Action;
use crate::api::catalogue::Edition;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::index::{Ordered, Table};
use crate::emulator::world::model::{Change, ForwardEntry, Gateway, Vpc};

/// Ports above this one need `PortBreak` on an address that SNAT entries use too.
const LAST_PLAIN_PORT: u16 = 1024;

/// Addresses, ports and protocol of an entry.
struct Mapping {
    external_ip: Ipv4Addr,
    external_port: String,
    internal_ip: Ipv4Addr,
    internal_port: String,
    protocol: String,
    port_break: bool,
}

impl Mapping {
    fn of(entry: &ForwardEntry) -> Self {
        Self {
            external_ip: entry.external_ip,
            external_port: entry.external_port.clone(),
            internal_ip: entry.internal_ip,
            internal_port: entry.internal_port.clone(),
            protocol: entry.protocol.clone(),
            port_break: entry.port_break,
        }
    }

    fn on(self, entry: ForwardEntry) -> ForwardEntry {
        ForwardEntry {
            external_ip: self.external_ip,
            external_port: self.external_port,
            internal_ip: self.internal_ip,
            internal_port: self.internal_port,
            protocol: self.protocol,
            port_break: self.port_break,
            ..entry
        }
    }
}

impl World {
    /// `CreateForwardEntry`.
    pub(crate) fn create_forward_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.entry_name("ForwardEntryName")?.unwrap_or("").to_owned();
        let mapping = read_mapping(call, None)?;
        let table_id = call.required("ForwardTableId")?.to_owned();
        if self.conditions.forward_tables_without_gateway.contains(&table_id) {
            return Err(call.refuse("Invalid.natgwNotExist"));
        }
        let gateway = self.gateway_of_forward_table(call, &table_id)?;
        self.check_gateway_free(&gateway)?;
        self.check_mapping(call, &gateway, &mapping)?;
        let table = self.forward_table(&table_id);
        if !table.settling.is_empty() {
            return Err(call.refuse("IncorretForwardEntryStatus"));
        }
        if table.entries.len() >= self.conditions.quotas.forward_entries_per_table {
            return Err(Refusal::unlisted(Unlisted::ForwardEntryQuota));
        }
        let timing = self.settings.timings.forward_entry_create_ms;
        let entry = mapping.on(ForwardEntry {
            id: String::new(),
            sequence: 0,
            table: table_id,
            name,
            external_ip: Ipv4Addr::UNSPECIFIED,
            external_port: String::new(),
            internal_ip: Ipv4Addr::UNSPECIFIED,
            internal_port: String::new(),
            protocol: String::new(),
            port_break: false,
            pending: Some(self.pending(Change::Create, timing)),
        });
        check_keys(table, &entry)?;
        let id = self.new_id("fwd");
        let sequence = self.next_sequence();
        self.put(ForwardEntry { id: id.clone(), sequence, ..entry });
        Ok(json!({ "ForwardEntryId": id }))
    }

    /// `ModifyForwardEntry`.
    pub(crate) fn modify_forward_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let table_id = call.required("ForwardTableId")?.to_owned();
        let gateway = self.gateway_of_forward_table(call, &table_id)?;
        let id = call.required("ForwardEntryId")?;
        let entry = self
            .forward_entries
            .get(id)
            .filter(|e| e.table == table_id)
            .ok_or_else(|| call.refuse("InvalidForwardEntryId.NotFound"))?
            .clone();
        let mapping = read_mapping(call, Some(&entry))?;
        self.check_gateway_free(&gateway)?;
        let table = self.forward_table(&table_id);
        if !table.settling.is_empty() || entry.pending.is_some() {
            return Err(call.refuse("IncorretForwardEntryStatus"));
        }
        if table.entries.len() > self.conditions.quotas.forward_entries_per_table {
            return Err(call.refuse("QuotaExceeded"));
        }
        self.check_mapping(call, &gateway, &mapping)?;
        let timing = self.settings.timings.forward_entry_modify_ms;
        let pending = Some(self.pending(Change::Modify, timing));
        let changed = ForwardEntry { pending, ..mapping.on(entry) };
        check_keys(table, &changed)?;
        self.put(changed);
        Ok(Value::Object(Map::new()))
    }

    /// `DeleteForwardEntry`.
    pub(crate) fn delete_forward_entry(&mut self, call: &Call) -> Result<Value, Refusal> {
        let table_id = call.required("ForwardTableId")?.to_owned();
        let id = call.required("ForwardEntryId")?;
        let gateway = self.gateway_of_forward_table(call, &table_id)?;
        let gone_status = || Refusal::listed_nth(call.action, "IncorretForwardEntryStatus", 1);
        let entry = match self.forward_entries.get(id) {
            None if self.conditions.missing_entries_as_status => return Err(gone_status()),
            None => return Err(call.refuse("InvalidForwardEntryId.NotFound")),
            Some(entry) if entry.table != table_id => return Err(gone_status()),
            Some(entry) => entry.clone(),
        };
        self.check_gateway_free(&gateway)?;
        if !self.forward_table(&table_id).settling.is_empty() || entry.pending.is_some() {
            return Err(call.refuse("IncorretForwardEntryStatus"));
        }
        let timing = self.settings.timings.forward_entry_delete_ms;
        let pending = Some(self.pending(Change::Delete, timing));
        self.put(ForwardEntry { pending, ..entry });
        Ok(Value::Object(Map::new()))
    }

    /// `DescribeForwardTableEntries`.
    pub(crate) fn describe_forward_entries(&mut self, call: &Call) -> Result<Value, Refusal> {
        let table_id = call.required("ForwardTableId")?;
        self.gateway_of_forward_table(call, table_id)?;
        let table = self.forward_table(table_id);
        if self.conditions.lists_blocked_by_pending_entries && !table.settling.is_empty() {
            return Err(call.refuse("IncorretForwardEntryStatus"));
        }
        let one: Ordered;
        let keys = match call.text("ForwardEntryId") {
            Some(id) => {
                let entry = self.forward_entries.get(id).filter(|e| e.table == table_id);
                one = entry.map(|e| (e.sequence, e.id.clone())).into_iter().collect();
                &one
            }
            None => &table.entries,
        };
        let is = |name: &str, value: &str| call.text(name).is_none_or(|t| t == value);
        let like =
            |name: &str, value: &str| call.text(name).is_none_or(|t| t.eq_ignore_ascii_case(value));
        let address =
            |name: &str, value: Ipv4Addr| call.text(name).is_none_or(|t| t.parse() == Ok(value));
        let passes = |e: &ForwardEntry| {
            e.table == table_id
                && is("ForwardEntryId", &e.id)
                && address("ExternalIp", e.external_ip)
                && like("ExternalPort", &e.external_port)
                && address("InternalIp", e.internal_ip)
                && like("InternalPort", &e.internal_port)
                && like("IpProtocol", &e.protocol)
                && is("ForwardEntryName", &e.name)
        };
        let names = ("ForwardTableEntries", "ForwardTableEntry");
        self.list(call, Some(keys), names, passes, |e| row(call.edition, e))
    }

    fn forward_table(&self, id: &str) -> &Table {
        static NONE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.index.forward_tables.get(id).unwrap_or(&NONE)
    }

    /// Returns the gateway of a DNAT table of the call's region.
    fn gateway_of_forward_table(&self, call: &Call, table: &str) -> Result<Gateway, Refusal> {
        self.index
            .forward_tables
            .get(table)
            .and_then(|t| t.gateway.as_ref())
            .and_then(|id| self.gateways.get(id))
            .filter(|g| g.region == call.region.id)
            .cloned()
            .ok_or_else(|| call.refuse("InvalidForwardTableId.NotFound"))
    }

    /// Checks a mapping against the VPC, the gateway's addresses and its SNAT entries.
    fn check_mapping(
        &self,
        call: &Call,
        gateway: &Gateway,
        mapping: &Mapping,
    ) -> Result<(), Refusal> {
        let vpc: Option<&Vpc> = self.vpcs.get(&gateway.vpc);
        if vpc.is_some_and(|v| !v.cidr.contains(&mapping.internal_ip)) {
            let enhanced = gateway.nat_type == "Enhanced";
            return Err(call.refuse(if enhanced && call.action == Action::CreateForwardEntry {
                "Forbidden.InternalIpOutOfVpcCIDR"
            } else {
                "Forbidden.DestinationIpOutOfVpcCIDR"
            }));
        }
        if vpc.is_some_and(|v| v.instances_with_eip.contains(&mapping.internal_ip)) {
            return Err(call.refuse(match call.action {
                Action::CreateForwardEntry => "Forbindden",
                _ => "Forbidden.Already.Bounded",
            }));
        }
        if !self.index.owners.contains_key(&mapping.external_ip) {
            return Err(call.refuse("InvalidExternalIp.NotFound"));
        }
        if self.gateway_of_address(mapping.external_ip) != Some(&gateway.id) {
            return Err(call.refuse("InvalidIp.NotInNatgw"));
        }
        let in_snat = self.index.uses.get(&mapping.external_ip).is_some_and(|u| !u.snat.is_empty());
        let both = call.edition == Edition::V2020_09_25
            && self.address_serves_both(mapping.external_ip)
            && (mapping.port_break || !is_high(&mapping.external_port));
        if in_snat && !both {
            return Err(call.refuse("Forbidden.ExternalIp.UsedInSnatTable"));
        }
        Ok(())
    }
}

/// Reads the mapping that the call wants; what it leaves out stays as in `old`.
fn read_mapping(call: &Call, old: Option<&ForwardEntry>) -> Result<Mapping, Refusal> {
    let protocol = match (call.text("IpProtocol"), old) {
        (Some(text), _) => ["TCP", "UDP", "Any"]
            .into_iter()
            .find(|p| p.eq_ignore_ascii_case(text))
            .ok_or_else(|| call.refuse("InvalidProtocol.ValueNotSupported"))?
            .to_owned(),
        (None, Some(old)) => old.protocol.clone(),
        (None, None) => return Err(call.missing("IpProtocol")),
    };
    let address = |name: &str, code: &str, old: Option<Ipv4Addr>| {
        call.address(name, code)?.or(old).ok_or_else(|| call.missing(name))
    };
    let port = |name: &str, code: &str, old: Option<String>| match call.text(name) {
        Some(text) => port(text, &protocol).ok_or_else(|| call.refuse(code)),
        None => old.ok_or_else(|| call.missing(name)),
    };
    let before = old.map(Mapping::of);
    let before = before.as_ref();
    Ok(Mapping {
        external_ip: address(
            "ExternalIp",
            "InvalidExternalIp.Malformed",
            before.map(|b| b.external_ip),
        )?,
        internal_ip: address(
            "InternalIp",
            "InvalidInternalIp.Malformed",
            before.map(|b| b.internal_ip),
        )?,
        external_port: port(
            "ExternalPort",
            "InvalidExternalPort.Malformed",
            before.map(|b| b.external_port.clone()),
        )?,
        internal_port: port(
            "InternalPort",
            "InvalidInternalPort.Malformed",
            before.map(|b| b.internal_port.clone()),
        )?,
        port_break: match call.text("PortBreak") {
            Some(_) => call.flag("PortBreak")?,
            None => before.is_some_and(|b| b.port_break),
        },
        protocol,
    })
}

/// Returns whether an entry needs `PortBreak` to share its address with SNAT entries.
pub(crate) fn needs_port_break(entry: &ForwardEntry) -> bool {
    is_high(&entry.external_port) && !entry.port_break
}

fn is_high(port: &str) -> bool {
    port.parse::<u16>().map_or(true, |p| p > LAST_PLAIN_PORT)
}

/// Reads a port: 1 to 65535, or `any` with the protocol of that name.
fn port(text: &str, protocol: &str) -> Option<String> {
    if protocol == "Any" && text.eq_ignore_ascii_case("any") {
        return Some("Any".to_owned());
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u16>().ok().filter(|p| digits && *p > 0).map(|p| p.to_string())
}

fn check_keys(table: &Table, entry: &ForwardEntry) -> Result<(), Refusal> {
    if table.has_external(&entry.external_key(), &entry.id) {
        return Err(Refusal::unlisted(Unlisted::DuplicateExternalKey));
    }
    if table.has_internal(&entry.internal_key(), &entry.id) {
        return Err(Refusal::unlisted(Unlisted::DuplicateInternalKey));
    }
    Ok(())
}

fn row(edition: Edition, entry: &ForwardEntry) -> Value {
    let old = edition == Edition::V2019_07_19;
    let spelt = |text: &str| if old { text.to_lowercase() } else { text.to_owned() };
    let mut row = json!({
        "Status": entry_status(edition, entry.pending.map(|p| p.change)),
        "IpProtocol": spelt(&entry.protocol),
        "ForwardEntryId": entry.id,
        "ExternalIp": entry.external_ip.to_string(),
        "ForwardTableId": entry.table,
        "ExternalPort": spelt(&entry.external_port),
        "InternalPort": spelt(&entry.internal_port),
        "InternalIp": entry.internal_ip.to_string(),
    });
    if let (false, Some(row)) = (old, row.as_object_mut()) {
        row.insert("ForwardEntryName".to_owned(), json!(entry.name));
    }
    row
}

/// Returns the status of a DNAT or SNAT entry. Only the older edition tells a modification from a
/// creation.
pub(crate) fn entry_status(edition: Edition, change: Option<Change>) -> &'static str {
    match (change, edition) {
        (None, _) => "Available",
        (Some(Change::Modify), Edition::V2019_07_19) => "Modifying",
        (Some(Change::Create | Change::Modify), _) => "Pending",
        (Some(Change::Delete), _) => "Deleting",
    }
}
