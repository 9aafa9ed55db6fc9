//! Which calls the way from one stage of a shape to another needs, and which reads; from the shape
//! alone, whatever natform would plan.

use super::shape::Shape;
use crate::api::catalogue::Action;

/// Rows of a page.
const PAGE: u64 = 50;

/// An operation that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Its call.
    pub action: Action,
    /// The gateway at which it is done, as a number.
    pub gateway: u32,
    /// The operations that it waits for, which come before it.
    pub after: Vec<u32>,
}

/// A way from one stage to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Everything is made.
    Create,
    /// All entries are changed in place.
    Modify,
    /// All DNAT entries are deleted and made anew, with the same keys.
    Replace,
    /// All entries are deleted.
    Empty,
    /// All entries are made in tables that are there.
    Fill,
    /// Everything is made anew, with other gateways; of each object the old one goes first, as
    /// configuration asks for where it does not say otherwise.
    Rebuild,
    /// Everything is deleted.
    Destroy,
}

/// Returns the operations of a step, each after those that it waits for.
pub fn needs(shape: &Shape, step: Step) -> Vec<Need> {
    let mut list = List(Vec::new());
    for (gateway, (forwards, sources)) in (0_u32..).zip(shape.tables()) {
        list.step(step, gateway, (forwards, sources));
    }
    list.0
}

struct List(Vec<Need>);

impl List {
    fn add(&mut self, action: Action, gateway: u32, after: &[u32]) -> u32 {
        self.0.push(Need { action, gateway, after: after.to_vec() });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    fn step(&mut self, step: Step, gateway: u32, (forwards, sources): (u64, u64)) {
        match step {
            Step::Create => self.create(gateway, (forwards, sources), &[]),
            Step::Fill => self.fill(gateway, (forwards, sources), &[]),
            Step::Modify => {
                for _ in 0..forwards {
                    self.add(Action::ModifyForwardEntry, gateway, &[]);
                }
                for _ in 0..sources {
                    self.add(Action::ModifySnatEntry, gateway, &[]);
                }
            }
            Step::Replace => {
                for _ in 0..forwards {
                    let gone = self.add(Action::DeleteForwardEntry, gateway, &[]);
                    self.add(Action::CreateForwardEntry, gateway, &[gone]);
                }
            }
            Step::Empty => {
                self.empty(gateway, (forwards, sources));
            }
            Step::Rebuild => {
                let gone = self.destroy(gateway, (forwards, sources));
                self.create(gateway, (forwards, sources), &[gone]);
            }
            Step::Destroy => {
                self.destroy(gateway, (forwards, sources));
            }
        }
    }

    fn create(&mut self, gateway: u32, entries: (u64, u64), after: &[u32]) {
        let made = self.add(Action::CreateNatGateway, gateway, after);
        let addresses = self.add(Action::CreateBandwidthPackage, gateway, &[made]);
        self.fill(gateway, entries, &[addresses]);
    }

    fn destroy(&mut self, gateway: u32, entries: (u64, u64)) -> u32 {
        let entries = self.empty(gateway, entries);
        let free = self.add(Action::DeleteBandwidthPackage, gateway, &entries);
        self.add(Action::DeleteNatGateway, gateway, &[free])
    }

    fn fill(&mut self, gateway: u32, (forwards, sources): (u64, u64), after: &[u32]) {
        for _ in 0..forwards {
            self.add(Action::CreateForwardEntry, gateway, after);
        }
        for _ in 0..sources {
            self.add(Action::CreateSnatEntry, gateway, after);
        }
    }

    fn empty(&mut self, gateway: u32, (forwards, sources): (u64, u64)) -> Vec<u32> {
        let forwards =
            (0..forwards).map(|_| self.add(Action::DeleteForwardEntry, gateway, &[])).collect();
        let mut all: Vec<u32> = forwards;
        for _ in 0..sources {
            all.push(self.add(Action::DeleteSnatEntry, gateway, &[]));
        }
        all
    }
}

/// Returns how many calls it takes to read all of a shape: max(1, ⌈rows / 50⌉) for the list of gateways,
/// that of packages, and each table that has entries.
pub fn least_reads(shape: &Shape, entries: bool) -> u64 {
    let pages = |rows: u64| rows.div_ceil(PAGE).max(1);
    let tables = shape.tables().map(|(forwards, sources)| {
        [forwards, sources].into_iter().filter(|rows| *rows > 0).map(pages).sum::<u64>()
    });
    let of_tables: u64 = if entries { tables.sum() } else { 0 };
    2 * pages(shape.gateways) + of_tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(needs: &[Need], action: Action) -> u64 {
        needs.iter().filter(|need| need.action == action).count() as u64
    }

    #[test]
    fn each_object_needs_its_calls() {
        let shape = Shape::new(205, 98, 20).unwrap();
        let made = needs(&shape, Step::Create);
        assert_eq!(made.len() as u64, shape.instances());
        assert_eq!(count(&made, Action::CreateForwardEntry), shape.forwards);
        assert_eq!(count(&made, Action::CreateSnatEntry), shape.sources);
        assert_eq!(needs(&shape, Step::Destroy).len() as u64, shape.instances());
        assert_eq!(needs(&shape, Step::Replace).len() as u64, 2 * shape.forwards);
        assert_eq!(needs(&shape, Step::Rebuild).len() as u64, 2 * shape.instances());
        for step in [Step::Create, Step::Replace, Step::Rebuild, Step::Destroy] {
            for (index, need) in needs(&shape, step).iter().enumerate() {
                assert!(need.after.iter().all(|before| (*before as usize) < index));
            }
        }
    }

    #[test]
    fn reads_are_pages() {
        let shape = Shape::new(1000, 98, 0).unwrap();
        assert_eq!(least_reads(&shape, true), 1 + 1 + 10 * 2);
        assert_eq!(least_reads(&shape, false), 2);
        let shape = Shape::new(100_000, 98, 0).unwrap();
        assert_eq!(least_reads(&shape, true), 20 + 20 + 2000);
    }
}
