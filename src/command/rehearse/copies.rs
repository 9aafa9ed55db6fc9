//! Copies of the services that a plan touches, made from lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Rehearsal;
use crate::command::failure::Failure;
use crate::command::planning;
use crate::command::providers::Providers;
use crate::diagnostic::Diagnostic;
use crate::emulator::world::network::Region;
use crate::emulator::{Emulator, Settings, Timings};
use crate::environment::Timestamp;
use crate::plan::Plan;
use crate::refresh::Reader;
use crate::rehearsal::assumption::{Assumption, Assumptions};
use crate::rehearsal::mirror::{self, Mirror};
use crate::rehearsal::watch::Watcher;
use crate::rehearsal::{Player, Stage, Watch};
use crate::resources::{self, Listing, Listings, ReadScope};
use crate::state::{Service, Snapshot};

/// How long a request and its answer take together.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// Seed of the ids that a copy gives out.
const SEED: u64 = 0x7265_6865_6172_7365;

/// The copies of the services, and who watches them.
pub(super) struct Copies {
    pub(super) stage: Stage,
    pub(super) emulators: Vec<Arc<Emulator>>,
    pub(super) watchers: Vec<Arc<Watcher>>,
    pub(super) assumptions: Assumptions,
}

impl Copies {
    /// Returns when the rehearsal began.
    pub(super) fn begin(&self) -> Timestamp {
        self.watchers.first().map(|watcher| watcher.begin()).unwrap_or_default()
    }
}

impl Rehearsal<'_> {
    /// Makes copies of what is live in the services that a plan touches.
    pub(super) fn copies(
        &self,
        plan: &Plan,
        snapshot: &Snapshot,
        providers: &Providers,
        mut lists: BTreeMap<String, Listings>,
    ) -> Result<Copies, Failure> {
        check_regions(plan)?;
        let reader = planning::reader(self.session, self.prepared, providers)?;
        // The gateways tell which tables there are.
        for _ in 0..2 {
            let mut wanted = mirror::scopes(plan, &lists);
            recorded(snapshot, &mut wanted);
            for (provider, scopes) in wanted {
                let known = lists.entry(provider.clone()).or_default();
                let missing: Vec<ReadScope> = scopes
                    .into_iter()
                    .filter(|scope| !matches!(known.get(scope), Some(Listing::Rows(_))))
                    .collect();
                known.extend(reader.lists(&provider, &missing));
            }
        }
        let now = self.session.environment.clock.now();
        let mut stage = Stage::new(now, SEED);
        let mut groups: BTreeMap<(Service, String), Vec<&str>> = BTreeMap::new();
        for (alias, provider) in providers {
            let key = (provider.service.clone(), provider.client.access_key_id().to_owned());
            groups.entry(key).or_default().push(alias);
        }
        let mut copies = (Vec::new(), Vec::new());
        let mut assumptions = Assumptions::default();
        assumptions.general(Assumption::Timings);
        assumptions.general(Assumption::Undisturbed);
        let breaks = breaks(snapshot);
        for (seed, aliases) in (SEED..).zip(groups.values()) {
            let Some(first) = aliases.first().and_then(|alias| providers.get(*alias)) else {
                continue;
            };
            let mut quotas = BTreeMap::new();
            for provider in aliases.iter().filter_map(|alias| providers.get(*alias)) {
                quotas.extend(provider.quotas.clone());
            }
            let mut mirror = Mirror::new(now, &quotas, breaks.clone());
            aliases
                .iter()
                .filter_map(|alias| lists.get(*alias))
                .for_each(|lists| mirror.add(lists));
            let mut mirrored = mirror.finish();
            let settings = Settings {
                edition: first.edition,
                timings: Timings::documented(),
                seed: Some(seed),
                start: Some(std::mem::take(&mut mirrored.dump)),
                recorded_calls: 0,
                ..Settings::default()
            };
            let emulator = stage.emulator(settings)?;
            let watcher = emulator.with_world(|world, now| Watcher::new(world, now, &mirrored));
            let watcher = Arc::new(watcher.map_err(|error| {
                Diagnostic::error("rehearsal", format!("the copy cannot be used: {error}"))
            })?);
            for alias in aliases {
                let Some(provider) = providers.get(*alias) else { continue };
                let player = Player {
                    region: provider.region.clone(),
                    parallelism: usize::from(self.planning.service.parallelism),
                    max_requests_per_second: provider.client.max_requests_per_second(),
                    round_trip: ROUND_TRIP,
                };
                let watch: Arc<dyn Watch> = Arc::<Watcher>::clone(&watcher);
                let redactor = provider.client.redactor().clone();
                stage.lead_watched(alias, &emulator, &player, redactor, Some(watch));
            }
            assumptions.extend(mirrored.assumptions);
            copies.0.push(emulator);
            copies.1.push(watcher);
        }
        Ok(Copies { stage, emulators: copies.0, watchers: copies.1, assumptions })
    }
}

/// Adds the lists in which recorded objects are, and those of unfinished operations: the plan after the
/// apply reads them, and recovery looks there.
fn recorded(snapshot: &Snapshot, wanted: &mut BTreeMap<String, BTreeSet<ReadScope>>) {
    for instance in snapshot.instances.values() {
        let Some(kind) = resources::lookup(instance.address.kind()) else { continue };
        let scopes = kind.scopes(&instance.region, &instance.object);
        wanted.entry(instance.provider.to_string()).or_default().extend(scopes);
    }
    for entry in &snapshot.open {
        let scopes = wanted.entry(entry.provider.to_string()).or_default();
        let region = || entry.region.clone();
        scopes.insert(ReadScope::Gateways { region: region() });
        scopes.insert(ReadScope::BandwidthPackages { region: region() });
        let table = |name: &str| entry.parameters.get(name).cloned();
        let forward = table("ForwardTableId");
        scopes.extend(forward.map(|table| ReadScope::ForwardEntries { region: region(), table }));
        let snat = table("SnatTableId");
        scopes.extend(snat.map(|table| ReadScope::SnatEntries { region: region(), table }));
    }
}

/// Refuses a plan for a region that the copy does not have.
fn check_regions(plan: &Plan) -> Result<(), Failure> {
    let changes = plan.operations.iter().filter_map(|o| plan.changes.get(o.change));
    let unknown = changes.map(|change| &*change.region).find(|r| Region::find(r).is_none());
    let Some(region) = unknown else { return Ok(()) };
    Err(Failure::of(
        Diagnostic::error("region", format!("nothing can be rehearsed in the region `{region}`"))
            .detail("The service built in, on which a rehearsal plays, does not know that region.")
            .help("check its name; `natform plan` shows what would change all the same"),
    ))
}

/// Returns the ids of DNAT entries that the state knows to break ports.
fn breaks(snapshot: &Snapshot) -> BTreeSet<String> {
    let instances = snapshot.instances.values();
    let breaks = instances.filter(|instance| instance.object.flag("port_break"));
    breaks.map(|instance| instance.id.clone()).collect()
}
