//! What excludes what: the lanes of a gateway, with the operations that wait for a place in them.
//!
//! A lane of the service's documented matrix is a table or a package (a *scope*) below a gateway (a
//! *group*). An operation on the gateway itself excludes everything of it. A scope or group in which
//! the service answered busy is *serial*: strictly one operation at a time, each settled before the
//! next.

use std::collections::BTreeSet;

use crate::resources::Hold;

/// Where an operation stands in the queue: the longest remaining path first, then the plan's order.
pub(super) type Rank = (std::cmp::Reverse<u64>, usize);

/// Where an operation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of its group.
    pub(super) group: usize,
    /// Index of its scope within the group.
    pub(super) scope: usize,
    /// Whether it excludes everything else of the group.
    pub(super) whole: bool,
    /// How it uses the scope.
    pub(super) hold: Hold,
    /// Whether an operation that goes one by one in the scope waits for it.
    pub(super) feeds: bool,
}

/// So many operations that go one by one in a scope are at most to be ready, or soon to be, for it never
/// to stand idle; whatever makes more of them ready can wait.
const ENOUGH: usize = 12;
/// Once there were so many, more are made ready only when not more than this are left: then several
/// at once, which keeps the scope from others only once, and one read sees all of them.
const FEW: usize = 2;

/// The lanes of one gateway, or of what belongs to none.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Ready operations on the gateway itself.
    whole: BTreeSet<Rank>,
    scopes: Vec<Scope>,
    unsettled: usize,
    unsettled_whole: usize,
    serial: bool,
}

/// One table or package.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Ready operations by how they use the scope.
    queues: [BTreeSet<Rank>; 5],
    unsettled: usize,
    /// Unsettled operations that make the scope busy.
    unsettled_busy: usize,
    /// Calls in flight that are refused in a busy scope.
    unanswered_quiet: usize,
    /// Unsettled operations for which others wait that go one by one here.
    unsettled_feeding: usize,
    /// Whether enough go one by one that are ready, or soon to be.
    stocked: bool,
    /// How many are enough.
    enough: usize,
    /// How often operations that go one by one ran out while more were soon to be ready: each time
    /// they are to be made ready sooner.
    ran_out: u32,
    serial: bool,
}

/// Index of the queue of operations that neither wait nor make others wait.
const FREE: usize = 0;
/// Index of the queue of operations that wait and do not make others wait (deletes).
const WAITS: usize = 1;
/// Index of the queue of operations that wait and make others wait (most creates).
const ONE_BY_ONE: usize = 3;
/// Index of the queue of those that wait and do not make others wait, but for one that goes one by one.
const FEEDS: usize = 4;

const fn queue(place: Place) -> usize {
    match (place.hold.needs_quiet, place.hold.makes_busy) {
        (false, false) => FREE,
        (true, false) if place.feeds => FEEDS,
        (true, false) => WAITS,
        (false, true) => 2,
        (true, true) => ONE_BY_ONE,
    }
}

impl Scope {
    fn admits(&self, queue: usize) -> bool {
        if self.serial {
            return self.unsettled == 0;
        }
        let needs_quiet = [WAITS, ONE_BY_ONE, FEEDS].contains(&queue);
        let makes_busy = queue == 2 || queue == ONE_BY_ONE;
        (!needs_quiet || self.unsettled_busy == 0) && (!makes_busy || self.unanswered_quiet == 0)
    }

    /// Returns how much more urgent an operation is than its own path, for what waits behind it.
    fn behind(&self, place: Place) -> u64 {
        if self.serial {
            return self
                .queues
                .iter()
                .map(|queue| queue.len() as u64)
                .sum::<u64>()
                .saturating_sub(1);
        }
        // What makes more ready begins after the others: one request of theirs keeps a lane going, and
        // several of these only free their own. Once begun they follow each other, so that one read sees
        // all of them, and where nothing is ready all are as urgent as the first.
        if queue(place) != FEEDS || self.unsettled_feeding == 0 {
            return 0;
        }
        let alike = if self.runs_dry() { self.unsettled_feeding } else { 0 };
        (ENOUGH + alike) as u64
    }

    /// Finds out again whether there is enough to do; `comes` where something just became ready.
    fn take_stock(&mut self, comes: bool) {
        let few = (FEW << self.ran_out.min(2)).min(ENOUGH - 1);
        let fed = self.fed();
        // What just became ready is not kept waiting for more.
        let enough = if comes { FEW } else { self.enough };
        self.stocked = fed >= enough || (self.stocked && fed > few);
        if fed >= self.enough {
            self.enough = ENOUGH;
        }
    }

    /// Returns whether no more operations that go one by one are ready, while some soon will be.
    fn runs_dry(&self) -> bool {
        self.queues[ONE_BY_ONE].is_empty() && self.unsettled_feeding > 0
    }

    /// Returns how many operations that go one by one are ready or soon to be.
    fn fed(&self) -> usize {
        self.queues[ONE_BY_ONE].len() + self.unsettled_feeding
    }

    /// Returns whether an operation waits until the scope is quiet.
    fn is_awaited(&self) -> bool {
        let waits = [WAITS, ONE_BY_ONE, FEEDS].iter().any(|queue| !self.queues[*queue].is_empty());
        waits
            || self.unsettled_feeding > 0
            || (self.serial && self.queues.iter().any(|queue| !queue.is_empty()))
    }

    /// Returns the operation to start next. What waits for its turn holds back what ranks below it,
    /// so that a stream of others cannot keep it waiting for ever.
    fn next(&self) -> Option<Rank> {
        let head = |queue: usize| self.queues[queue].first().copied();
        let free = head(FREE).filter(|_| self.admits(FREE));
        // A delete occupies the scope only until it is answered, so it goes before all others, unless
        // there is enough to do and these take longer.
        let others = self.queues[ONE_BY_ONE].len() as u64;
        let outlasts = |delete: Rank| move |first: Rank| first.0.0 + others > delete.0.0;
        let longer = |delete: Rank| {
            let first = head(ONE_BY_ONE).filter(|_| self.admits(ONE_BY_ONE));
            self.fed() >= ENOUGH && first.is_some_and(outlasts(delete))
        };
        // What makes more ready than there is need for is not begun yet.
        let needless = |delete: Rank| self.stocked && head(ONE_BY_ONE).is_none_or(outlasts(delete));
        let feeding = head(FEEDS).filter(|delete| !needless(*delete));
        let deletes = head(WAITS).filter(|delete| !longer(*delete)).into_iter().chain(feeding);
        let delete = deletes.min();
        if let Some(delete) = delete.filter(|_| self.admits(WAITS)) {
            return Some(free.map_or(delete, |free| free.min(delete)));
        }
        let deletes_wait = head(WAITS).is_some_and(longer);
        let queues = (WAITS..=FEEDS).filter(|q| match *q {
            WAITS => !deletes_wait,
            FEEDS => feeding.is_some(),
            _ => true,
        });
        let first = queues.filter_map(|q| Some((head(q)?, q))).min();
        let waiting = first.filter(|(_, q)| self.admits(*q)).map(|(rank, _)| rank);
        waiting.into_iter().chain(free).min()
    }
}

impl Group {
    /// Adds a scope to the group of that number and returns its index. The first stocks differ, so that
    /// not all tables make new ones at the same time.
    pub(super) fn add_scope(&mut self, number: usize) -> usize {
        let enough = ENOUGH - number % (ENOUGH - FEW);
        self.scopes.push(Scope { enough, ..Scope::default() });
        self.scopes.len() - 1
    }

    /// Makes the whole group serial, or one of its scopes.
    pub(super) fn make_serial(&mut self, scope: Option<usize>) {
        match scope {
            Some(scope) => self.scopes[scope].serial = true,
            None => self.serial = true,
        }
    }

    /// Returns whether another operation than the asking one is unsettled in its lane.
    pub(super) fn is_shared(&self, place: Place, widened: bool) -> bool {
        if widened || place.whole {
            self.unsettled > 1
        } else {
            self.scopes[place.scope].unsettled > 1 || self.unsettled_whole > 0
        }
    }

    /// Queues an operation that is ready.
    pub(super) fn queue(&mut self, place: Place, rank: Rank) {
        self.queue_of(place).insert(rank);
        if queue(place) == ONE_BY_ONE && !place.whole {
            self.scopes[place.scope].take_stock(true);
        }
    }

    fn queue_of(&mut self, place: Place) -> &mut BTreeSet<Rank> {
        if place.whole {
            &mut self.whole
        } else {
            &mut self.scopes[place.scope].queues[queue(place)]
        }
    }

    /// Returns the operation to start next, if one may start.
    pub(super) fn next(&self) -> Option<Rank> {
        if self.unsettled_whole > 0 || (self.serial && self.unsettled > 0) {
            return None;
        }
        let whole = self.whole.first().copied();
        let below = self.scopes.iter().filter_map(Scope::next).min();
        match (whole, below) {
            (Some(whole), Some(below)) if below < whole => Some(below),
            // It waits until the gateway is quiet, and holds back what ranks below it.
            (Some(whole), _) => (self.unsettled == 0).then_some(whole),
            (None, below) => below,
        }
    }

    /// Returns how many operations wait in the lane of one that may start for it to be over.
    pub(super) fn behind(&self, place: Place) -> u64 {
        if place.whole { 0 } else { self.scopes[place.scope].behind(place) }
    }

    /// Returns whether an operation waits in the lane for an unsettled one to be over.
    pub(super) fn is_awaited(&self, place: Place) -> bool {
        if place.whole || self.serial || !self.whole.is_empty() {
            return true;
        }
        let scope = &self.scopes[place.scope];
        (place.hold.makes_busy || scope.serial) && scope.is_awaited()
    }

    /// Returns how many operations are under way for which others wait that go one by one.
    pub(super) fn feeding(&self, place: Place) -> usize {
        self.scopes[place.scope].unsettled_feeding
    }

    /// Returns the operation that goes next where a new one would have to go one by one behind others.
    pub(super) fn ahead(&self, place: Place) -> Option<Rank> {
        let scope = &self.scopes[place.scope];
        let behind = !place.whole && !self.serial && !scope.serial;
        let one_by_one = behind && queue(place) == ONE_BY_ONE;
        scope.queues[ONE_BY_ONE].first().copied().filter(|_| one_by_one)
    }

    /// Returns whether nothing that goes one by one is ready, while something soon will be.
    pub(super) fn runs_dry(&self, place: Place) -> bool {
        !place.whole && self.scopes[place.scope].runs_dry()
    }

    /// Takes an operation from its queue.
    pub(super) fn withdraw(&mut self, place: Place, rank: Rank) {
        self.queue_of(place).remove(&rank);
        self.scopes[place.scope].take_stock(false);
    }

    /// Takes an operation from its queue and into its lane.
    pub(super) fn start(&mut self, place: Place, rank: Rank) {
        self.queue_of(place).remove(&rank);
        self.unsettled += 1;
        if place.whole {
            self.unsettled_whole += 1;
            return;
        }
        let scope = &mut self.scopes[place.scope];
        scope.unsettled += 1;
        scope.unsettled_busy += usize::from(place.hold.makes_busy);
        scope.unanswered_quiet += usize::from(place.hold.needs_quiet);
        scope.unsettled_feeding += usize::from(place.feeds);
        scope.take_stock(false);
    }

    /// Notes that the call of an operation was answered.
    pub(super) fn answered(&mut self, place: Place) {
        if !place.whole {
            let scope = &mut self.scopes[place.scope];
            scope.unanswered_quiet -= usize::from(place.hold.needs_quiet);
        }
    }

    /// Takes an operation out of its lane; it must have been answered.
    pub(super) fn leave(&mut self, place: Place) {
        self.unsettled -= 1;
        if place.whole {
            self.unsettled_whole -= 1;
            return;
        }
        let scope = &mut self.scopes[place.scope];
        scope.unsettled -= 1;
        scope.unsettled_busy -= usize::from(place.hold.makes_busy);
        scope.unsettled_feeding -= usize::from(place.feeds);
        if queue(place) == ONE_BY_ONE && scope.runs_dry() {
            scope.ran_out += 1;
        }
        scope.take_stock(false);
    }
}
