//! How long a plan will probably take: its operations run through the scheduler of an apply in virtual
//! time, with the times that earlier runs learned, or else those that the documentation names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::lessons::{TIME, lane_lesson, lane_name, time_name};
use super::scheduler::Scheduler;
use crate::api::catalogue::Action;
use crate::environment::Timestamp;
use crate::plan::document::{Forecast, Interruption, Times};
use crate::plan::{Change, Operation, Plan, Purpose};
use crate::resources::{Impact, Object};
use crate::value::{SENSITIVE, Value};

/// What the answer to a call is assumed to take, in milliseconds.
const ANSWER: u64 = 100;

/// For how long a conversion interrupts in all, in milliseconds: the reference says once or twice for
/// about a second.
const CONVERSION: u64 = 2_000;

/// Returns for how many milliseconds an action is under way after its answer. The reference names
/// 1 to 3 minutes for a gateway's creation and up to 5 for a conversion; what it calls asynchronous
/// without a figure is taken as 30 s for a gateway and 5 s for an entry, all else as done at once.
pub(super) const fn documented(action: Action) -> u64 {
    match action {
        Action::CreateNatGateway => 120_000,
        Action::UpdateNatGatewayNatType => 300_000,
        Action::ModifyNatGatewaySpec | Action::DeleteNatGateway => 30_000,
        Action::CreateForwardEntry
        | Action::ModifyForwardEntry
        | Action::DeleteForwardEntry
        | Action::CreateSnatEntry
        | Action::ModifySnatEntry
        | Action::DeleteSnatEntry => 5_000,
        _ => 0,
    }
}

/// Returns what a state learned with the documented times in the place of learned ones: what a run
/// knows that waits for a service which takes as long as the documentation says.
pub fn as_documented(lessons: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let lesson = |(name, value): (&String, &String)| {
        let action = name.strip_prefix(TIME).and_then(|rest| rest.split(' ').next());
        let time = action.and_then(Action::from_name).map(|action| documented(action).to_string());
        (name.clone(), time.unwrap_or_else(|| value.clone()))
    };
    lessons.iter().map(lesson).collect()
}

/// Foresees the course of a plan with `parallelism` requests in flight. `lessons` are those of the
/// state, read at `now`. There is none for a plan without operations.
pub fn forecast(
    plan: &Plan,
    lessons: &BTreeMap<String, String>,
    now: Timestamp,
    parallelism: usize,
) -> Option<Forecast> {
    let mut known = Known { lessons, learned: BTreeMap::new() };
    let times: Vec<(u64, bool)> =
        plan.operations.iter().map(|operation| known.time(plan, operation)).collect();
    let learned = times.iter().filter(|(_, learned)| *learned).count();
    let scheduler = Scheduler::new(&plan.operations, &plan.groups, |operation| {
        let service = &plan.changes.get(operation.change)?.service;
        lane_lesson(lessons.get(&lane_name(service, operation.address.kind()))?, now)
    });
    let course = Course::run(scheduler, &times, parallelism.max(1));
    let end = course.ends.iter().copied().max()?;
    Some(Forecast {
        seconds: seconds(end),
        times: match learned {
            0 => Times::Documented,
            all if all == times.len() => Times::Learned,
            _ => Times::Mixed,
        },
        critical_path: course.critical_path(end),
        interruptions: interruptions(plan, &course),
    })
}

/// The times of actions, looked up once each.
struct Known<'a> {
    lessons: &'a BTreeMap<String, String>,
    learned: BTreeMap<(&'a crate::state::Service, Action), Option<u64>>,
}

impl<'a> Known<'a> {
    /// Returns the milliseconds that an operation is under way after its answer, and whether they
    /// were learned.
    fn time(&mut self, plan: &'a Plan, operation: &Operation) -> (u64, bool) {
        let action = operation.action;
        let learned = plan.changes.get(operation.change).and_then(|change| {
            let lessons = self.lessons;
            let find = || lessons.get(&time_name(&change.service, action))?.parse().ok();
            *self.learned.entry((&change.service, action)).or_insert_with(find)
        });
        learned.map_or((documented(action), false), |time| (time, true))
    }
}

/// When the operations of a plan begin and settle, in milliseconds.
struct Course {
    begins: Vec<u64>,
    ends: Vec<u64>,
    /// The operation whose answer or end let an operation begin.
    because: Vec<Option<usize>>,
}

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Answered,
    Settled,
}

impl Course {
    fn run(mut scheduler: Scheduler, times: &[(u64, bool)], parallelism: usize) -> Self {
        let count = times.len();
        let mut course =
            Self { begins: vec![0; count], ends: vec![0; count], because: vec![None; count] };
        let mut coming = BinaryHeap::new();
        let mut in_flight = 0;
        let begin = |scheduler: &mut Scheduler,
                     course: &mut Self,
                     coming: &mut BinaryHeap<_>,
                     in_flight: &mut usize,
                     (at, because): (u64, Option<usize>)| {
            for index in scheduler.start_ready(parallelism.saturating_sub(*in_flight)) {
                *in_flight += 1;
                course.begins[index] = at;
                course.because[index] = because;
                coming.push(Reverse((at + ANSWER, Stage::Answered, index)));
            }
        };
        begin(&mut scheduler, &mut course, &mut coming, &mut in_flight, (0, None));
        while let Some(Reverse((at, stage, index))) = coming.pop() {
            match stage {
                Stage::Answered => {
                    in_flight -= 1;
                    scheduler.answered(index);
                    coming.push(Reverse((at + times[index].0, Stage::Settled, index)));
                }
                Stage::Settled => {
                    course.ends[index] = at;
                    scheduler.settled(index);
                }
            }
            begin(&mut scheduler, &mut course, &mut coming, &mut in_flight, (at, Some(index)));
        }
        course
    }

    /// Returns the chain of operations that leads to the end.
    fn critical_path(&self, end: u64) -> Vec<usize> {
        let mut path = Vec::new();
        let mut next = self.ends.iter().position(|at| *at == end);
        while let Some(index) = next {
            path.push(index);
            next = self.because[index];
        }
        path.reverse();
        path
    }
}

/// Traffic as people know it, and all the names under which it may be found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// As people are shown it; what is sensitive of it is masked.
    pub shown: String,
    /// Its names: `203.0.113.7:443/tcp`, a network, the id of a vSwitch.
    pub keys: Vec<String>,
}

/// Traffic that stops with an operation.
struct Loss<'a> {
    change: &'a Change,
    action: Action,
    traffic: Traffic,
    at: u64,
}

/// Returns which traffic stops, and until when: until something in the plan serves it again.
fn interruptions(plan: &Plan, course: &Course) -> Vec<Interruption> {
    let mut losses = Vec::new();
    let mut gains: BTreeMap<(&str, String), Vec<u64>> = BTreeMap::new();
    for (index, operation) in plan.operations.iter().enumerate() {
        let Some(change) = plan.changes.get(operation.change) else { continue };
        let interrupts = change.impacts.contains(&Impact::InterruptsTraffic);
        if interrupts && let Some(traffic) = stopped(change, operation) {
            let (action, at) = (operation.action, course.begins[index]);
            losses.push(Loss { change, action, traffic, at });
        }
    }
    if losses.is_empty() {
        return Vec::new();
    }
    for (operation, end) in plan.operations.iter().zip(&course.ends) {
        let Some(change) = plan.changes.get(operation.change) else { continue };
        for key in served(change, operation).into_iter().flat_map(|traffic| traffic.keys) {
            gains.entry((&*change.region, key)).or_default().push(*end);
        }
    }
    losses.sort_by(|a, b| (a.at, &a.traffic.shown).cmp(&(b.at, &b.traffic.shown)));
    let until = |loss: &Loss<'_>| {
        if loss.action == Action::UpdateNatGatewayNatType {
            return Some(loss.at + CONVERSION);
        }
        let keys = loss.traffic.keys.iter();
        let gains = keys.filter_map(|key| gains.get(&(&*loss.change.region, key.clone())));
        gains.flatten().copied().filter(|at| *at > loss.at).min()
    };
    let interruption = |loss: &Loss<'_>| Interruption {
        address: loss.change.address.to_string(),
        traffic: loss.traffic.shown.clone(),
        begins: seconds(loss.at),
        seconds: until(loss).map(|at| seconds(at - loss.at)),
    };
    losses.iter().map(interruption).collect()
}

/// Returns the traffic that an operation stops.
fn stopped(change: &Change, operation: &Operation) -> Option<Traffic> {
    let before = change.before.as_ref()?;
    match (change.address.kind(), operation.action) {
        (_, Action::DeleteForwardEntry | Action::ModifyForwardEntry) => inbound(before),
        (_, Action::DeleteSnatEntry | Action::ModifySnatEntry) => outbound(before),
        ("nat_gateway", Action::UpdateNatGatewayNatType | Action::DeleteNatGateway)
        | ("bandwidth_package", Action::DeleteBandwidthPackage) => Some(whole(change)),
        _ => None,
    }
}

/// Returns the traffic that flows once an operation has settled.
fn served(change: &Change, operation: &Operation) -> Option<Traffic> {
    if operation.purpose == Purpose::Delete {
        return None;
    }
    let after = change.after.as_ref()?;
    match operation.action {
        Action::CreateForwardEntry | Action::ModifyForwardEntry => inbound(after),
        Action::CreateSnatEntry | Action::ModifySnatEntry => outbound(after),
        _ => None,
    }
}

/// Returns the traffic that an entry serves, of either table.
pub fn traffic(entry: &Object) -> Option<Traffic> {
    inbound(entry).or_else(|| outbound(entry))
}

fn whole(change: &Change) -> Traffic {
    let shown = change.address.to_string();
    Traffic { keys: vec![shown.clone()], shown }
}

fn inbound(entry: &Object) -> Option<Traffic> {
    let of = |text: fn(&Object, &str) -> Option<String>| {
        let (address, port) = (text(entry, "external_ip")?, text(entry, "external_port")?);
        Some(format!("{address}:{port}/{}", text(entry, "ip_protocol")?))
    };
    let key = of(|entry, name| entry.text(name).map(str::to_owned))?;
    Some(Traffic { keys: vec![key], shown: of(masked)? })
}

/// Returns an attribute's text as it may be shown.
fn masked(entry: &Object, name: &str) -> Option<String> {
    let text = entry.text(name)?;
    let secret = entry.get(name).is_some_and(Value::deep_sensitive);
    Some(if secret { SENSITIVE.to_owned() } else { text.to_owned() })
}

/// The source of an entry that is yet to be made is known as configuration names it: as a vSwitch or
/// as a network. One that is there has both.
fn outbound(entry: &Object) -> Option<Traffic> {
    let sources = ["source_cidr", "source_vswitch_id"].into_iter();
    let sources = sources.filter(|name| entry.text(name).is_some_and(|text| !text.is_empty()));
    let sources: Vec<&str> = sources.collect();
    let keys = sources.iter().filter_map(|name| entry.text(name)).map(str::to_owned).collect();
    Some(Traffic { shown: format!("{} outbound", masked(entry, sources.first()?)?), keys })
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::settings::Timings;
    use crate::resources::{Hold, Lane, Wanted};
    use crate::state::Service;

    fn operation(change: usize, action: Action, purpose: Purpose, after: Vec<usize>) -> Operation {
        Operation {
            address: "forward_entry.a".parse().unwrap(),
            deposed: None,
            change,
            purpose,
            step: (0, 1),
            action,
            parameters: Vec::new(),
            lane: Lane {
                gateway: Some("ngw-1".into()),
                whole_gateway: false,
                scope: Some("ftb-1".into()),
                hold: Hold::EXCLUSIVE,
            },
            wanted: Wanted::Answered,
            makes: Vec::new().into(),
            after,
            groups: Vec::new(),
            timeout: 60,
        }
    }

    fn entry(port: &str) -> Object {
        let attributes =
            [("external_ip", "1.1.1.1"), ("external_port", port), ("ip_protocol", "tcp")];
        attributes.map(|(name, text)| (name.into(), Value::text(text))).into_iter().collect()
    }

    fn change(name: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let address = format!("forward_entry.{name}");
        let mut change =
            super::super::tests::change(&address, crate::plan::ChangeKind::Update, None);
        change.before = before.map(entry);
        change.after = after.map(entry);
        if before.is_some() {
            change.impacts = vec![Impact::InterruptsTraffic];
        }
        change
    }

    /// One entry leaves port 80 for 81, the next takes it, a third is deleted.
    fn handover() -> Plan {
        Plan {
            changes: vec![
                change("a", Some("80"), Some("81")),
                change("b", None, Some("80")),
                change("c", Some("90"), None),
            ],
            operations: vec![
                operation(0, Action::ModifyForwardEntry, Purpose::Update, vec![]),
                operation(1, Action::CreateForwardEntry, Purpose::Create, vec![0]),
                operation(2, Action::DeleteForwardEntry, Purpose::Delete, vec![1]),
            ],
            ..Plan::default()
        }
    }

    fn foresee(plan: &Plan, lessons: &BTreeMap<String, String>) -> Forecast {
        forecast(plan, lessons, Timestamp(0), 10).unwrap()
    }

    #[track_caller]
    fn takes(found: &Forecast, seconds: f64) {
        assert!((found.seconds - seconds).abs() < 1e-6, "{}", found.seconds);
    }

    #[test]
    fn a_chain_takes_the_sum_and_an_address_is_back_when_the_next_entry_has_it() {
        let found = foresee(&handover(), &BTreeMap::new());
        takes(&found, 15.3);
        assert_eq!(found.times, Times::Documented);
        assert_eq!(found.critical_path, [0, 1, 2]);
        let told: Vec<_> =
            found.interruptions.iter().map(|i| (i.traffic.as_str(), i.begins, i.seconds)).collect();
        assert_eq!(told, [("1.1.1.1:80/tcp", 0.0, Some(10.2)), ("1.1.1.1:90/tcp", 10.2, None)]);
    }

    #[test]
    fn what_earlier_runs_learned_goes_before_the_documentation() {
        let service = Service::Embedded("w".into());
        let mut lessons =
            BTreeMap::from([(time_name(&service, Action::ModifyForwardEntry), "900".to_owned())]);
        let found = foresee(&handover(), &lessons);
        takes(&found, 11.2);
        assert_eq!(found.times, Times::Mixed);
        for action in [Action::CreateForwardEntry, Action::DeleteForwardEntry] {
            lessons.insert(time_name(&service, action), "900".to_owned());
        }
        let found = foresee(&handover(), &lessons);
        takes(&found, 3.0);
        assert_eq!(found.times, Times::Learned);
    }

    #[test]
    fn learned_times_become_documented_ones() {
        let service = Service::Embedded("w".into());
        let name = time_name(&service, Action::ModifyForwardEntry);
        let lessons = [(name.clone(), "900".into()), ("lane x".into(), "y 1".into())].into();
        let told = as_documented(&lessons);
        assert_eq!((told[&name].as_str(), told["lane x"].as_str()), ("5000", "y 1"));
    }

    #[test]
    fn what_is_sensitive_of_traffic_is_masked() {
        let mut secret = entry("8443");
        secret.set("external_port", Value::text("8443").with_sensitive(true));
        let found = traffic(&secret).unwrap();
        assert_eq!(found.shown, "1.1.1.1:(sensitive value)/tcp");
        assert_eq!(found.keys, ["1.1.1.1:8443/tcp"]);
    }

    #[test]
    fn lanes_and_requests_in_flight_make_operations_wait() {
        let mut plan = handover();
        for operation in &mut plan.operations {
            operation.after.clear();
        }
        takes(&foresee(&plan, &BTreeMap::new()), 15.3);
        for (number, operation) in plan.operations.iter_mut().enumerate() {
            operation.lane.scope = Some(format!("ftb-{number}").into());
        }
        takes(&foresee(&plan, &BTreeMap::new()), 5.1);
        let one = forecast(&plan, &BTreeMap::new(), Timestamp(0), 1).unwrap();
        // Only the answers are waited for.
        takes(&one, 5.3);
        assert_eq!(forecast(&Plan::default(), &BTreeMap::new(), Timestamp(0), 1), None);
    }

    #[test]
    fn documented_times_are_those_of_the_emulator() {
        let timings = Timings::documented();
        for (action, time) in [
            (Action::CreateNatGateway, timings.gateway_create_ms),
            (Action::ModifyNatGatewaySpec, timings.gateway_modify_ms),
            (Action::UpdateNatGatewayNatType, timings.gateway_convert_ms),
            (Action::DeleteNatGateway, timings.gateway_delete_ms),
            (Action::CreateForwardEntry, timings.forward_entry_create_ms),
            (Action::ModifyForwardEntry, timings.forward_entry_modify_ms),
            (Action::DeleteForwardEntry, timings.forward_entry_delete_ms),
            (Action::CreateSnatEntry, timings.snat_entry_create_ms),
            (Action::ModifySnatEntry, timings.snat_entry_modify_ms),
            (Action::DeleteSnatEntry, timings.snat_entry_delete_ms),
            (Action::CreateBandwidthPackage, timings.bandwidth_package_ms),
        ] {
            assert_eq!(Some(documented(action)), time, "{action:?}");
        }
    }
}
