//! What a configuration to measure holds: gateways in a VPC each, a bandwidth package in each of them,
//! and entries that use its addresses.

/// Instances of a gateway besides its entries: itself and its package.
const PARENTS: u64 = 2;
/// Entries that the service takes in one DNAT table.
const MOST_FORWARDS: u64 = 100;
/// Entries that the service takes in one SNAT table.
const MOST_SOURCES: u64 = 40;

/// A configuration's size and proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many gateways there are, with a package each.
    pub gateways: u64,
    /// How many DNAT entries each of them has, but the last one, which may have fewer.
    pub forwards_each: u64,
    /// How many SNAT entries each of them has, but the last one, which may have fewer.
    pub sources_each: u64,
    /// How many DNAT entries there are.
    pub forwards: u64,
    /// How many SNAT entries there are.
    pub sources: u64,
}

impl Shape {
    /// Creates one of so many instances, at least three, with `entries` entries a gateway of which
    /// `snat` in a hundred are SNAT entries; none where a table would not take them.
    pub fn new(instances: u64, entries: u64, snat: u64) -> Option<Self> {
        let split = |entries: u64| {
            let sources = entries * snat / 100;
            (entries - sources, sources)
        };
        let (forwards_each, sources_each) = split(entries);
        if entries == 0
            || snat > 100
            || forwards_each > MOST_FORWARDS
            || sources_each > MOST_SOURCES
            || instances <= PARENTS
        {
            return None;
        }
        let gateways = instances.div_ceil(PARENTS + entries);
        let rest = instances.saturating_sub(PARENTS * gateways);
        let full = (rest / entries).min(gateways);
        let (forwards, sources) = split(rest - full * entries);
        Some(Self {
            gateways,
            forwards_each,
            sources_each,
            forwards: full * forwards_each + forwards,
            sources: full * sources_each + sources,
        })
    }

    /// Returns how many instances there are.
    pub const fn instances(&self) -> u64 {
        PARENTS * self.gateways + self.entries()
    }

    /// Returns how many entries there are.
    pub const fn entries(&self) -> u64 {
        self.forwards + self.sources
    }

    /// Returns how many DNAT and SNAT entries each gateway has.
    pub fn tables(&self) -> impl Iterator<Item = (u64, u64)> + use<> {
        let (mut forwards, mut sources) = (self.forwards, self.sources);
        let (forwards_each, sources_each) = (self.forwards_each, self.sources_each);
        (0..self.gateways).map(move |_| {
            let table = (forwards.min(forwards_each), sources.min(sources_each));
            forwards -= table.0;
            sources -= table.1;
            table
        })
    }
}

/// What of a shape is configured, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stage {
    /// Whether the entries are.
    pub entries: bool,
    /// How many of the DNAT entries, from the first, lead to another port than at first; all SNAT
    /// entries have another name if it is all.
    pub moved: Moved,
    /// Whether the DNAT entries have another name, which only new ones can get.
    pub renamed: bool,
    /// Whether the gateways are in another VPC, where only new ones can be.
    pub elsewhere: bool,
}

/// How many entries are changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moved {
    /// None.
    #[default]
    None,
    /// The first DNAT entry.
    One,
    /// All.
    All,
}

impl Stage {
    /// Gateways and packages alone.
    pub const PARENTS: Self =
        Self { entries: false, moved: Moved::None, renamed: false, elsewhere: false };
    /// All of it.
    pub const WHOLE: Self = Self { entries: true, ..Self::PARENTS };
    /// All of it, with one entry changed.
    pub const ONE_MOVED: Self = Self { moved: Moved::One, ..Self::WHOLE };
    /// All of it, with all entries changed.
    pub const MOVED: Self = Self { moved: Moved::All, ..Self::WHOLE };
    /// The same with the DNAT entries made anew.
    pub const RENAMED: Self = Self { renamed: true, ..Self::MOVED };
    /// All of it, with other gateways and so with everything made anew.
    pub const ELSEWHERE: Self = Self { elsewhere: true, ..Self::WHOLE };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_the_size_that_was_asked_for() {
        for (instances, entries, snat) in
            [(3, 98, 0), (100, 98, 0), (101, 98, 0), (105, 98, 20), (1000, 98, 0), (997, 60, 50)]
        {
            let shape = Shape::new(instances, entries, snat).unwrap();
            let odd = instances.div_ceil(entries + 2) * 2 >= instances;
            assert!(odd || shape.instances() == instances, "{instances}: {shape:?}");
            let (forwards, sources) =
                shape.tables().fold((0, 0), |sum, table| (sum.0 + table.0, sum.1 + table.1));
            assert_eq!((forwards, sources), (shape.forwards, shape.sources));
        }
        let shape = Shape::new(100_000, 98, 0).unwrap();
        assert_eq!((shape.gateways, shape.forwards, shape.sources), (1000, 98_000, 0));
    }

    #[test]
    fn what_no_table_takes_is_refused() {
        for (instances, entries, snat) in
            [(1000, 101, 0), (1000, 0, 0), (1000, 98, 101), (1000, 98, 60), (2, 98, 0)]
        {
            assert_eq!(Shape::new(instances, entries, snat), None);
        }
    }
}
