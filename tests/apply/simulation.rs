//! Everything at once, drawn from a seed: faults, lag, deaths, another configuration each time.

use natform::api::catalogue::Edition;
use natform::emulator::{Settings, Timings, faults};

use crate::bench::Bench;
use crate::configurations::{NOTHING, shop};
use crate::faults::{effects, one_in_five};

/// Draws numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // The constants of Knuth's MMIX.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

fn text(dice: &mut Dice) -> String {
    let mut ports = Vec::new();
    for port in [80, 443, 22, 8080] {
        if dice.below(3) > 0 {
            ports.push((port, port + 1 + u32::try_from(dice.below(2)).unwrap()));
        }
    }
    let addresses = 2 + u32::try_from(dice.below(2)).unwrap();
    shop(&ports, dice.pick(&[5, 10, 20]), addresses)
}

fn simulate(seed: u64) {
    let mut dice = Dice(seed);
    let mut rules: Vec<faults::Rule> = Vec::new();
    for _ in 0..dice.below(3) {
        let mut rule = one_in_five(dice.pick(&effects()), Some(true), seed);
        rule.matcher.probability = Some(0.1);
        rules.push(rule);
    }
    let timings = Timings { read_lag_ms: dice.pick(&[0, 0, 500, 1500]), ..Timings::default() };
    let edition = dice.pick(&Edition::ALL);
    let bench = Bench::new(Settings { edition, timings, faults: rules, ..Settings::default() });
    for round in 0..4 {
        let text = if round == 3 { NOTHING.to_owned() } else { text(&mut dice) };
        for _ in 0..dice.below(3) {
            bench.die_at(1 + dice.below(30), dice.below(2) == 0);
            bench.apply(&text);
        }
        bench.die_at(usize::MAX, false);
        bench.converge(&text);
        bench.assert_converged(&text);
    }
}

#[test]
fn seeds_leave_no_trace() {
    (0..30).for_each(simulate);
}

#[test]
#[ignore = "takes long: a thousand seeds"]
fn a_thousand_seeds_leave_no_trace() {
    (0..1000).for_each(|seed| {
        let result = std::panic::catch_unwind(|| simulate(seed));
        assert!(result.is_ok(), "seed {seed}");
    });
}
