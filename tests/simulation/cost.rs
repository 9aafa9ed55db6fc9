//! What journaling costs: the wall time of making a thousand entries where the service takes none.

use std::time::Instant;

use natform::plan::PlanMode;

use crate::life::{Asked, Death, Ended};
use crate::model::Model;
use crate::mutation::Mutation;
use crate::render::render;
use crate::seed::{Manners, instant_house};

const TABLES: usize = 10;
const ENTRIES: usize = 100;

/// Measures, and prints.
pub(crate) fn measure() -> bool {
    let ways = [
        ("no journal, no fsync", Mutation::NoJournal, false),
        ("journal, no fsync", Mutation::None, false),
        ("journal, fsync", Mutation::None, true),
    ];
    let mut good = true;
    for (name, mutation, durable) in ways {
        let mut times: Vec<u128> = (0..3).map(|_| took(mutation, durable)).collect();
        times.sort_unstable();
        good &= times[0] > 0;
        println!(
            "{} entries in {TABLES} tables, {name}: {} ms (of three: {times:?})",
            TABLES * ENTRIES,
            times[1]
        );
    }
    good
}

/// Returns the milliseconds that it takes; 0 when it fails.
#[expect(clippy::disallowed_methods, reason = "it is wall time that is measured")]
fn took(mutation: Mutation, durable: bool) -> u128 {
    let house = instant_house(Manners { mutation, durable, verbose: false, hard: false });
    let gateways = Model::tables(TABLES, 0);
    let filled = Model::tables(TABLES, ENTRIES);
    for (model, last) in [(gateways, false), (filled, true)] {
        let text = render(&model);
        let asked = Asked { text: &text, mode: PlanMode::Normal, resolutions: &[] };
        let begun = Instant::now();
        let ended = house.live(&asked, Death::None);
        let Ended::Applied(outcome) = ended else { return 0 };
        if !outcome.is_success() {
            println!("{:#?}", outcome.diagnostics);
            return 0;
        }
        if last {
            return begun.elapsed().as_millis().max(1);
        }
    }
    0
}
