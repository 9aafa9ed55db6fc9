//! `-target`: which instances a plan includes.

use std::collections::{BTreeMap, BTreeSet};

use super::moves::Recorded;
use super::planner::PlanInput;
use super::topology::{self, Token};
use super::{PlanMode, origins};
use crate::address::{Address, ResourceAddress, Target};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::state::InstanceKey;
use crate::value::{Data, Value};

/// Targets as texts in stored options.
pub(super) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::address::Target;

    pub(crate) fn serialize<S: Serializer>(targets: &[Target], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(targets.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Target>, D::Error> {
        let texts: Vec<String> = Vec::deserialize(d)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

/// What a plan includes.
pub(crate) struct Scope {
    targets: Vec<Target>,
    /// Blocks that the targets need.
    needed: BTreeSet<ResourceAddress>,
    /// Instances that cannot stay when the targets are destroyed.
    dependents: BTreeSet<Address>,
}

impl Scope {
    /// Finds what the targets include: also all that they need, or, when they are destroyed, all that
    /// stands on them.
    pub(crate) fn new(
        input: &PlanInput<'_>,
        order: &[ResourceAddress],
        recorded: &BTreeMap<InstanceKey, Recorded<'_>>,
    ) -> Self {
        let targets = input.options.targets.clone();
        let mut scope = Self { targets, needed: BTreeSet::new(), dependents: BTreeSet::new() };
        if scope.targets.is_empty() {
            return scope;
        }
        if input.options.mode == PlanMode::Destroy {
            scope.dependents = dependents(&scope.targets, recorded);
            return scope;
        }
        let mut open: Vec<ResourceAddress> =
            order.iter().filter(|resource| scope.names(resource)).cloned().collect();
        while let Some(resource) = open.pop() {
            for dependency in input.program.dependencies(&resource) {
                if scope.needed.insert(dependency.clone()) {
                    open.push(dependency);
                }
            }
        }
        scope
    }

    /// Returns whether a target names the block, or an instance of it.
    fn names(&self, resource: &ResourceAddress) -> bool {
        self.targets.iter().any(|target| match target {
            Target::Instance(address) => address.resource == *resource,
            other => other.contains(&resource.instance(None)),
        })
    }

    /// Returns whether the plan includes an instance.
    pub(crate) fn includes(&self, address: &Address) -> bool {
        self.targets.is_empty()
            || self.needed.contains(&address.resource)
            || self.dependents.contains(address)
            || self.targets.iter().any(|target| target.contains(address))
    }

    /// Returns whether the plan includes some instance of a block.
    pub(crate) fn includes_some(&self, resource: &ResourceAddress) -> bool {
        self.targets.is_empty() || self.needed.contains(resource) || self.names(resource)
    }

    /// Returns whether applying the plan decides the unknown parts of a value.
    pub(crate) fn decides(&self, value: &Value) -> bool {
        let mut decided = true;
        value.walk(&mut |_, part| {
            if let Data::Unknown(unknown) = part.data() {
                let of = unknown.origin.as_deref();
                let address = of.and_then(|o| origins::split(o, |a| Some(a.clone())));
                decided &= address.is_some_and(|(address, _)| self.includes(&address));
            }
            true
        });
        decided
    }

    /// Says that the plan is partial, and which targets name nothing.
    pub(crate) fn warnings(
        &self,
        input: &PlanInput<'_>,
        recorded: &BTreeMap<InstanceKey, Recorded<'_>>,
    ) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if self.targets.is_empty() {
            return diagnostics;
        }
        diagnostics.push(
            Diagnostic::warning("partial-plan", "`-target` leaves parts of the configuration out")
                .detail(
                    "The plan includes only the targets and what they need (or, when destroying, \
                     what stands on them).",
                )
                .help("use it to recover from mistakes, and plan without it afterwards"),
        );
        let blocks = input.program.order().unwrap_or_default();
        for target in &self.targets {
            let alone = Self {
                targets: vec![target.clone()],
                needed: BTreeSet::new(),
                dependents: BTreeSet::new(),
            };
            let found = blocks.iter().any(|block| alone.names(block))
                || recorded.keys().any(|(address, _)| target.contains(address));
            if !found {
                diagnostics.push(
                    Diagnostic::warning("no-such-target", format!("`{target}` names nothing"))
                        .detail("Neither the configuration nor the state has such an instance."),
                );
            }
        }
        diagnostics
    }
}

/// Returns the recorded instances that stand on targets, directly or not.
fn dependents(
    targets: &[Target],
    recorded: &BTreeMap<InstanceKey, Recorded<'_>>,
) -> BTreeSet<Address> {
    let mut supporters: BTreeMap<Token, &Address> = BTreeMap::new();
    for ((address, _), item) in recorded {
        for token in topology::supports(address.kind(), &item.instance.object) {
            supporters.insert(token, address);
        }
    }
    let mut included: BTreeSet<Address> = recorded
        .keys()
        .map(|(address, _)| address)
        .filter(|address| targets.iter().any(|target| target.contains(address)))
        .cloned()
        .collect();
    loop {
        let blocks: BTreeSet<&ResourceAddress> = included.iter().map(|a| &a.resource).collect();
        let found: Vec<Address> = recorded
            .iter()
            .filter(|((address, _), _)| !included.contains(address))
            .filter(|((address, _), item)| {
                let parent = topology::parent(address.kind(), &item.instance.object);
                let parent = parent.and_then(|token| supporters.get(&token).copied());
                if parent.is_some_and(|parent| included.contains(parent)) {
                    return true;
                }
                // A dependency on the block of its parent means that parent, which stays.
                let other = |resource: &&ResourceAddress| {
                    parent.is_none_or(|parent| parent.resource != **resource)
                };
                item.instance.dependencies.iter().filter(other).any(|r| r.covers_any(&blocks))
            })
            .map(|((address, _), _)| address.clone())
            .collect();
        if found.is_empty() {
            return included;
        }
        included.extend(found);
    }
}
