//! Looking: what lists say of an object, and what became of a call that got no definite answer.

use std::time::Duration;

use crate::api::error::Class;
use crate::environment::Timestamp;
use crate::plan::Purpose;
use crate::refresh::is_refused;
use crate::resources::conversion::{Conversion, conversion};
use crate::resources::reads::PAGE_SIZE;
use crate::resources::{Listing, Listings, Live, Object, Settled, Wanted, spelling};
use crate::state::Phase;

use super::answers::is_crowded_out;
use super::candidates::{among, unlike};
use super::engine::{Engine, Timer};
use super::event::{ApplyEvent, Recovery};
use super::interrupt::Stage as Interrupted;
use super::settle::Settling;
use super::task::{Stage, Task, Why};

/// How long to wait before a list that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(2);
/// So long after an accepted call, an object that rests shows what the call did.
const OVERTAKEN: Duration = Duration::from_secs(60);

/// Judges an object that a list lacks.
///
/// What this run made may be missing for a while. Gone is what a complete list lacks twice past the
/// lag, or whose parent is gone; for an accepted delete once is enough, unless the list has several
/// pages and this run may have made something meanwhile (`grown`), which shifts what they show.
pub(super) fn absent(
    task: &Task,
    list: Option<&Listing>,
    grown: bool,
    settling: &mut Settling,
    index: usize,
    (now, lag): (Timestamp, Duration),
) -> Settled {
    if matches!(list, Some(Listing::ParentGone)) {
        return Settled::Gone;
    }
    let deleting = task.purpose() == Purpose::Delete;
    let certain = match list {
        Some(Listing::Rows(rows)) => !grown || (rows.len() as u64) < PAGE_SIZE,
        // It was asked for by its id.
        Some(Listing::Part { .. }) => true,
        _ => false,
    };
    if deleting && certain {
        return Settled::Gone;
    }
    if !deleting && now < task.answered.after(lag) {
        return Settled::Busy(String::from("it is not listed yet"));
    }
    let Some(waiter) = settling.get_mut(index) else { return Settled::Gone };
    waiter.absent += 1;
    if waiter.absent >= 2 {
        return Settled::Gone;
    }
    Settled::Busy(String::from("it is not listed any more"))
}

/// Says why nothing could be read.
pub(super) fn unread(listings: &Listings) -> String {
    let failed = listings.iter().find_map(|(scope, listing)| match listing {
        Listing::Failed(why) => Some(format!("{scope} cannot be read: {why}")),
        _ => None,
    });
    failed.unwrap_or_else(|| String::from("it could not be read"))
}

/// Returns the object where an accepted call of an earlier run will not be seen to have had its
/// effect any more: long after it the object rests, and is otherwise. Others changed it since, so it
/// is recorded as it is and the plan decides.
pub(super) fn overtaken(task: &Task, live: &Live, now: Timestamp) -> Option<Object> {
    let Live::Found(object) = live else { return None };
    let rests = !matches!(conversion(object), Conversion::Running(_));
    let late = now >= task.entry.updated_at.after(OVERTAKEN);
    let Wanted::Present { scope, id, .. } = &task.wanted else { return None };
    if task.operation.is_some() || !rests || !late {
        return None;
    }
    let plain = Wanted::Present { scope: scope.clone(), id: id.clone(), values: Object::new() };
    match task.kind.settled(&plain, live) {
        Settled::Ready(object) => Some(object),
        _ => None,
    }
}

/// Returns the event of a conversion that reached another step.
pub(super) fn conversion_step(task: &mut Task, live: &Live) -> Option<ApplyEvent> {
    let Live::Found(object) = live else { return None };
    let step = match conversion(object) {
        Conversion::None => return None,
        Conversion::Running(step) | Conversion::Failed(step) => step,
        Conversion::Succeeded => String::from("end_success"),
    };
    if task.conversion == step {
        return None;
    }
    task.conversion.clone_from(&step);
    Some(ApplyEvent::ConversionStep { operation: task.name.clone(), step })
}

impl Engine<'_> {
    /// Reads the lists that tell what became of a task's call.
    pub(super) fn read_for_look(&mut self, index: usize) {
        let Some(task) = self.tasks.get(&index) else { return };
        let mut scopes = match &task.wanted {
            _ if task.entry.creates => task.scopes(),
            wanted => task.kind.settling(wanted),
        };
        if scopes.is_empty() {
            scopes = task.scopes();
        }
        // The first look asks for the object alone; what is missing is confirmed by the whole list.
        let alone = !task.entry.creates && task.looks == 0;
        let id = alone.then(|| task.id().to_owned()).filter(|id| !id.is_empty());
        self.read_for_task(index, task.entry.provider.to_string(), scopes, id);
    }

    /// Returns whether the service does not accept the credentials; then nothing more is begun.
    pub(super) fn see_refused(&mut self, listings: &Listings) -> bool {
        let refused =
            |listing: &Listing| matches!(listing, Listing::Failed(why) if is_refused(why));
        let refused = listings.values().any(refused);
        self.shut_out |= refused;
        refused
    }

    /// Handles lists that were read to find out what became of a task's call.
    pub(super) fn looked(&mut self, index: usize, listings: &Listings) {
        let now = self.now();
        let lag = self.context.settings.lag;
        let Some(task) = self.tasks.get_mut(&index) else { return };
        let Stage::Looking(why) = task.stage else { return };
        if listings.values().any(|listing| matches!(listing, Listing::Failed(_))) {
            task.waiting = unread(listings);
            let late = now >= task.deadline;
            if self.see_refused(listings) || late {
                return self.leave_open(index);
            }
            return self.set_timer(now.after(AGAIN), Timer::Look, index);
        }
        if task.entry.creates && self.has_twin_in_flight(index) {
            return self.set_timer(now.after(AGAIN), Timer::Look, index);
        }
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.looks += 1;
        let first = task.looks == 1;
        let gone = listings.values().any(|listing| matches!(listing, Listing::ParentGone));
        if task.entry.creates {
            let (candidates, alike) = self.candidates(index, listings);
            if (candidates.is_empty() || !alike) && first && !gone {
                return self.set_timer(now.after(lag), Timer::Look, index);
            }
            return self.decide_create(index, why, (&candidates, alike));
        }
        let live = task.kind.observed(&task.wanted, &task.recorded, listings);
        if matches!(live, Live::Absent) && first && !gone {
            return self.set_timer(now.after(lag), Timer::Look, index);
        }
        // A delete's calls before the last one change the object.
        let ends = task.name.is_last() || !matches!(live, Live::Found(_));
        match task.purpose() {
            Purpose::Delete if ends => self.decide_delete(index, why, &live),
            _ => self.decide_update(index, why, &live),
        }
    }

    /// Returns the objects that a create may have made, by id; and whether they are as it asked for.
    fn candidates(&self, index: usize, listings: &Listings) -> (Vec<(String, Object)>, bool) {
        let Some(task) = self.tasks.get(&index) else { return (Vec::new(), true) };
        let found = among(&task.entry, task.kind, listings, &|id| self.is_owned(id));
        let alike =
            |object: &Object| unlike(&task.entry, task.kind, &task.recorded, object).is_empty();
        let (alike, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, object)| alike(object));
        if alike.is_empty() { (others, false) } else { (alike, true) }
    }

    fn decide_create(
        &mut self,
        index: usize,
        why: Why,
        (candidates, alike): (&[(String, Object)], bool),
    ) {
        let rivals = self.rivals(index);
        let Some(task) = self.tasks.get(&index) else { return };
        match candidates {
            // Nobody changes what was made only just: it is somebody else's.
            _ if !alike && why != Why::Recovery => self.nothing_made(index, why),
            [] if task.entry.natural_key.is_none() && task.unsure => {
                self.get_stuck(index, &[]);
            }
            [] => self.nothing_made(index, why),
            // As many rows of one natural key as objects, or more: any of them is as good.
            [(id, object), ..] if alike && candidates.len() <= 1 + rivals => {
                let request_id = task.entry.request_id.clone();
                let mut created = object.clone();
                created.set("id", crate::value::Value::from(id.as_str()));
                self.note_recovery(index, Recovery::Adopted, "the object that it made was found");
                self.accepted(index, &created, request_id);
            }
            several => {
                let told = |(id, object): &(String, Object)| {
                    if alike { id.clone() } else { format!("{id} ({})", differing(task, object)) }
                };
                let several: Vec<String> = several.iter().map(told).collect();
                self.get_stuck(index, &several);
            }
        }
    }

    /// Returns whether another create of the same natural key may get its answer yet: what is found
    /// until then may be its object.
    fn has_twin_in_flight(&self, index: usize) -> bool {
        let Some(task) = self.tasks.get(&index) else { return false };
        self.tasks.iter().any(|(other, twin)| {
            *other != index
                && (twin.stage == Stage::Sending || (twin.stage == Stage::Pausing && twin.unsure))
                && twin.entry.creates
                && twin.entry.natural_key.is_some()
                && twin.entry.natural_key == task.entry.natural_key
                && twin.kind.schema().kind == task.kind.schema().kind
                && twin.entry.provider == task.entry.provider
        })
    }

    /// Returns how many other creates of the same call look for their objects, too.
    fn rivals(&self, index: usize) -> usize {
        let Some(task) = self.tasks.get(&index) else { return 0 };
        self.tasks
            .iter()
            .filter(|(other, rival)| {
                **other != index
                    && matches!(rival.stage, Stage::Looking(_))
                    && rival.entry.natural_key == task.entry.natural_key
                    && rival.entry.digest == task.entry.digest
                    && rival.entry.provider == task.entry.provider
                    && rival.entry.service == task.entry.service
            })
            .count()
    }

    fn nothing_made(&mut self, index: usize, why: Why) {
        match why {
            // It certainly had no effect, so it may be sent again.
            Why::Unsure | Why::Busy if !self.is_late(index) => self.send_again(index),
            Why::Unsure | Why::Busy if self.seen_stage > Interrupted::Running => {
                self.leave_out(index);
            }
            Why::Recovery => self.abandon(index, "nothing was made by it"),
            Why::Interrupted => self.leave_out(index),
            Why::Unsure | Why::Busy | Why::Refused | Why::TimedOut => {
                self.reject(index, Phase::Abandoned);
            }
        }
    }

    fn decide_delete(&mut self, index: usize, why: Why, live: &Live) {
        let Live::Found(object) = live else {
            self.note_recovery(index, Recovery::Done, "the object is gone");
            return self.settled_gone(index);
        };
        if object.text("status").is_some_and(spelling::is_deleting) {
            self.note_recovery(index, Recovery::Settled, "the object is being deleted");
            return self.accepted(index, &Object::new(), String::new());
        }
        match why {
            Why::Busy | Why::Unsure if !self.is_late(index) => self.send_again(index),
            Why::Recovery => self.abandon(index, "the object is still there"),
            Why::Interrupted => self.leave_out(index),
            _ => self.reject(index, Phase::Abandoned),
        }
    }

    fn decide_update(&mut self, index: usize, why: Why, live: &Live) {
        let Some(task) = self.tasks.get_mut(&index) else { return };
        let Live::Found(found) = live else {
            if why == Why::Recovery {
                return self.abandon(index, "the object is gone");
            }
            task.waiting = String::from("the object is gone");
            return self.reject(index, Phase::Abandoned);
        };
        let has_values =
            matches!(&task.wanted, Wanted::Present { values, .. } if !values.is_empty());
        let changing = found.text("status").is_some_and(|status| !spelling::is_available(status));
        match task.kind.settled(&task.wanted, live) {
            Settled::Ready(object) if has_values => {
                self.note_recovery(index, Recovery::Done, "the object is as it was to become");
                self.settled_ready(index, &object);
            }
            _ if changing && !matches!(why, Why::Busy | Why::Unsure) => {
                self.note_recovery(index, Recovery::Settled, "the object is changing");
                self.accepted(index, &Object::new(), String::new());
            }
            _ => match why {
                Why::Busy | Why::Unsure if !self.is_late(index) => self.send_again(index),
                Why::Recovery => self.abandon(index, "the object is as it was"),
                Why::Interrupted => self.leave_out(index),
                _ => self.reject(index, Phase::Abandoned),
            },
        }
    }

    /// Returns whether a task may not be sent again.
    fn is_late(&self, index: usize) -> bool {
        let now = self.now();
        let over = |task: &Task| now >= task.deadline && !is_crowded_out(task, self.progress, now);
        self.context.interrupt.stage() > Interrupted::Running
            || self.tasks.get(&index).is_none_or(over)
    }

    /// Sends a call again after it was found to have had no effect.
    fn send_again(&mut self, index: usize) {
        let Some(task) = self.tasks.get_mut(&index) else { return };
        task.looked = true;
        if let Some(error) = task.last_error.clone() {
            return self.pause(index, &error);
        }
        task.stage = Stage::Pausing;
        let now = self.now();
        self.set_timer(now, Timer::Send, index);
    }

    /// Ends a task whose call had an effect that cannot be told from others'.
    fn get_stuck(&mut self, index: usize, ids: &[String]) {
        let why = if ids.is_empty() {
            String::from("nothing tells its object from others")
        } else {
            let any = if ids.len() == 1 { "" } else { "any of " };
            format!("it may have made {any}{}", ids.join(", "))
        };
        self.stick(index, &why);
    }

    /// Returns whether the last refusal of a task was about time alone.
    pub(super) fn was_busy(&self, index: usize) -> bool {
        self.tasks
            .get(&index)
            .and_then(|task| task.last_error.as_ref())
            .is_some_and(|error| matches!(error.class, Class::Busy | Class::Throttled))
    }
}

/// Says in what an object is not as a create asked for, without values that may be sensitive.
fn differing(task: &Task, live: &Object) -> String {
    let unlike = unlike(&task.entry, task.kind, &task.recorded, live).into_iter();
    let names: Vec<String> = unlike.map(|(name, ..)| format!("`{name}`")).collect();
    format!("whose {} is not as asked for", names.join(" and "))
}
