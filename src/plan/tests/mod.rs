//! Plans of real configurations against a small stand-in of the service that refuses what the service
//! refuses, whatever order the plan allows.

mod changes;
mod cloud;
mod documents;
mod keeping;
mod ordering;
mod properties;
mod rules;
mod selection;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::address::Address;
use crate::api::catalogue::Edition;
use crate::configuration::tests::{environment, write};
use crate::diagnostic::Diagnostics;
use crate::state::{Instance, Service, Snapshot, Status};
use cloud::Cloud;
use program::Program;

/// A module that a configuration may call as `./m`.
const MODULE: &str =
    "variable \"vpc\" {}\nresource \"nat_gateway\" \"g\" {\n  vpc_id = var.vpc\n}\n";

/// A configuration, a state and a service.
pub(super) struct Bench {
    pub(super) cloud: Cloud,
    pub(super) snapshot: Snapshot,
    pub(super) options: PlanOptions,
    pub(super) providers: BTreeMap<crate::value::Name, ProviderContext>,
    pub(super) directives: Directives,
    pub(super) text: String,
}

impl Bench {
    /// Starts with nothing recorded and an empty service.
    pub(super) fn new(text: &str) -> Self {
        let context = ProviderContext {
            service: Service::Embedded("w".into()),
            region: "cn-hangzhou".into(),
            edition: Edition::default(),
            quotas: BTreeMap::new(),
        };
        Self {
            cloud: Cloud::default(),
            snapshot: Snapshot::default(),
            options: PlanOptions::default(),
            providers: BTreeMap::from([("".into(), context)]),
            directives: Directives::default(),
            text: text.to_owned(),
        }
    }

    /// Starts with the configuration applied.
    pub(super) fn applied(text: &str) -> Self {
        let mut bench = Self::new(text);
        bench.apply();
        bench
    }

    /// Takes another configuration.
    pub(super) fn write(&mut self, text: &str) -> &mut Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(super) fn program(&self) -> Program {
        let files = [("cfg/main.nat.hcl", &*self.text), ("cfg/m/main.nat.hcl", MODULE)];
        let environment = environment(&files);
        let (configuration, found) = crate::configuration::load(&environment, Path::new("cfg"));
        assert!(!found.has_errors(), "{}", write(&found, &configuration.sources));
        let variables = configuration.root.variables.iter();
        let values = variables
            .filter_map(|(n, v)| Some((n.clone(), v.default.clone()?.with_sensitive(v.sensitive))))
            .collect();
        let (program, found) = Program::new(Arc::new(configuration), values, &environment);
        assert!(!found.has_errors(), "{}", write(&found, &program.configuration().sources));
        program
    }

    /// Plans, whatever comes of it.
    pub(super) fn attempt(&self) -> (Plan, Diagnostics, Program) {
        let program = self.program();
        let input = PlanInput {
            program: &program,
            snapshot: &self.snapshot,
            options: &self.options,
            providers: &self.providers,
            directives: &self.directives,
        };
        let (plan, diagnostics) = plan(input, &self.cloud);
        (plan, diagnostics, program)
    }

    /// Plans without errors.
    pub(super) fn plan(&self) -> Plan {
        let (plan, diagnostics, program) = self.attempt();
        let sources = &program.configuration().sources;
        assert!(!diagnostics.has_errors(), "{}", write(&diagnostics, sources));
        assert!(!plan.errored);
        plan
    }

    /// Returns what planning says.
    pub(super) fn said(&self) -> String {
        let (_, diagnostics, program) = self.attempt();
        write(&diagnostics, &program.configuration().sources)
    }

    /// Plans and carries the plan out in its order.
    pub(super) fn apply(&mut self) -> Plan {
        self.apply_in(|_, ready| ready[0])
    }

    /// Plans and carries the plan out; `choose` picks the next of the operations that are ready.
    pub(super) fn apply_in(&mut self, mut choose: impl FnMut(usize, &[usize]) -> usize) -> Plan {
        let (plan, diagnostics, program) = self.attempt();
        let sources = &program.configuration().sources;
        assert!(!diagnostics.has_errors(), "{}", write(&diagnostics, sources));
        let mut objects = program::ObjectMap::new();
        for change in &plan.changes {
            if let (None, Some(after)) = (&change.deposed, &change.after) {
                objects.set(&change.address, after.clone());
            }
        }
        for (address, object) in &plan.data {
            objects.set(address, object.clone());
        }
        let mut done = vec![false; plan.operations.len()];
        for round in 0..plan.operations.len() {
            let ready: Vec<usize> = (0..done.len())
                .filter(|i| {
                    let operation = &plan.operations[*i];
                    let groups = operation.groups.iter().flat_map(|g| &plan.groups[*g]);
                    !done[*i] && operation.after.iter().chain(groups).all(|a| done[*a])
                })
                .collect();
            let next = choose(round, &ready);
            self.cloud.carry_out(&plan, next, &program, &mut objects);
            done[next] = true;
        }
        self.record(&plan, &objects, &program);
        plan
    }

    /// Records what an apply leaves.
    fn record(&mut self, plan: &Plan, objects: &program::ObjectMap, program: &Program) {
        let called: std::collections::BTreeSet<&Address> =
            plan.operations.iter().map(|o| &o.address).collect();
        for change in &plan.changes {
            let key = (change.address.clone(), change.deposed.clone());
            if let Some(from) = &change.previous_address {
                self.snapshot.instances.remove(&((**from).clone(), None));
            }
            let kept = match change.kind {
                ChangeKind::Delete | ChangeKind::Forget => None,
                ChangeKind::Read => continue,
                ChangeKind::NoOp => change.after.clone(),
                ChangeKind::Update if !called.contains(&change.address) => change.after.clone(),
                _ => objects.get(&change.address).cloned(),
            };
            let Some(object) = kept else {
                self.snapshot.instances.remove(&key);
                continue;
            };
            let id = object.text("id").expect("every object has an id").to_owned();
            let object = self.cloud.reread(change.address.kind(), &id, &object, &self.region());
            let instance = Instance {
                address: change.address.clone(),
                deposed: None,
                id,
                status: Status::Ready,
                object,
                dependencies: change.dependencies.to_vec(),
                provider: change.provider.clone(),
                region: change.region.to_string(),
                service: change.service.clone(),
                schema_version: 1,
                create_before_destroy: change.create_before_destroy,
                prevent_destroy: change.prevent_destroy,
            };
            self.snapshot.instances.insert(key, instance);
        }
        let mut all = program::ObjectMap::new();
        for instance in self.snapshot.instances.values() {
            all.set(&instance.address, instance.object.clone());
        }
        for (address, object) in &plan.data {
            all.set(address, object.clone());
        }
        let (outputs, _) = program.outputs(&all);
        self.snapshot.outputs =
            if plan.mode == PlanMode::Destroy { BTreeMap::new() } else { outputs };
        self.snapshot.serial += 1;
        self.snapshot.lineage = "lineage".into();
    }

    fn region(&self) -> String {
        self.providers.values().next().unwrap().region.clone()
    }

    /// Returns the id of a recorded object.
    pub(super) fn id(&self, address: &str) -> String {
        self.instance(address).id.clone()
    }

    pub(super) fn instance(&self, address: &str) -> &Instance {
        &self.snapshot.instances[&(address.parse().unwrap(), None)]
    }

    pub(super) fn instance_mut(&mut self, address: &str) -> &mut Instance {
        self.snapshot.instances.get_mut(&(address.parse().unwrap(), None)).unwrap()
    }
}

/// Writes the changes that are none, one a line: `update forward_entry.a (reason)`.
pub(super) fn changes(plan: &Plan) -> String {
    let document = document::PlanDocument::new(
        plan,
        &Diagnostics::new(),
        &crate::diagnostic::SourceMap::default(),
        false,
    );
    let lines: Vec<String> = document
        .changes
        .iter()
        .filter(|c| c.actions != [document::ActionWord::NoOp] || c.previous_address.is_some())
        .map(|c| {
            let actions: Vec<String> = c
                .actions
                .iter()
                .map(|a| serde_json::to_value(a).unwrap().as_str().unwrap().to_owned())
                .collect();
            let reasons: Vec<&str> = c.reasons.iter().map(|r| r.code.as_str()).collect();
            let reasons = if reasons.is_empty() {
                String::new()
            } else {
                format!(" ({})", reasons.join(", "))
            };
            format!("{} {}{reasons}\n", actions.join("+"), c.address)
        })
        .collect();
    lines.concat()
}

/// Writes the operations, one a line: `3 ModifyForwardEntry forward_entry.a <- 1 2`.
pub(super) fn operations(plan: &Plan) -> String {
    let lines: Vec<String> = plan
        .operations
        .iter()
        .enumerate()
        .map(|(index, operation)| {
            let after: Vec<String> = operation.after.iter().map(|a| format!(" {a}")).collect();
            let after = after.concat();
            let after = if after.is_empty() { after } else { format!(" <-{after}") };
            format!("{index} {} {}{after}\n", operation.action.name(), operation.address)
        })
        .collect();
    lines.concat()
}

/// Finds the change of an instance.
pub(super) fn change<'p>(plan: &'p Plan, address: &str) -> &'p Change {
    let address: Address = address.parse().unwrap();
    plan.changes.iter().find(|c| c.address == address && c.deposed.is_none()).unwrap()
}

/// A gateway with a package of two addresses.
pub(super) const GATEWAY: &str = r#"
resource "nat_gateway" "g" {
  vpc_id = "vpc-1"
}
resource "bandwidth_package" "p" {
  nat_gateway_id = nat_gateway.g.id
  bandwidth      = 5
  ip_count       = 2
}
"#;

/// An entry of that gateway.
pub(super) fn entry(name: &str, ip: usize, port: u32, inside: u32) -> String {
    format!(
        r#"
resource "forward_entry" "{name}" {{
  forward_table_id = nat_gateway.g.forward_table_id
  external_ip      = bandwidth_package.p.public_ip_addresses[{ip}]
  external_port    = "{port}"
  internal_ip      = "192.168.1.10"
  internal_port    = "{inside}"
  ip_protocol      = "tcp"
}}
"#
    )
}

/// An SNAT entry of that gateway.
pub(super) fn snat(name: &str, ip: usize, cidr: &str) -> String {
    format!(
        r#"
resource "snat_entry" "{name}" {{
  snat_table_id = nat_gateway.g.snat_table_id
  snat_ip       = [bandwidth_package.p.public_ip_addresses[{ip}]]
  source_cidr   = "{cidr}"
}}
"#
    )
}
