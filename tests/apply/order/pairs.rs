//! Random pairs of a world and a configuration.
//!
//! `PROPTEST_CASES=20000 cargo test --release --test apply -- order::pairs` runs more of them;
//! `ORDER_SEED=17` runs one, and tells what it is.

use std::collections::BTreeSet;
use std::time::Duration;

use natform::api::catalogue::Action;
use natform::diagnostic::{Diagnostics, Severity};
use natform::emulator::world::conditions::Quotas;
use natform::emulator::{Settings, Timings};
use natform::plan::{PlanMode, PlanOptions};

use super::dice::Dice;
use super::edit::Fixed;
use super::judge::{self, Foreign, Refused, judge};
use super::model::{Config, Dnat, Ip, Package, Place, Snat, Source, place_of};
use super::render::{Text, render};
use crate::bench::Bench;
use crate::latency::Latency;

/// Seeds that `cargo test` runs.
const FEW: u64 = 24;
/// After so many failures it ends.
const MOST_TOLD: usize = 10;

#[expect(clippy::disallowed_methods, reason = "who runs it asks for more seeds, or for one")]
#[test]
fn every_world_leads_to_every_configuration() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("ORDER_SEED") {
        return Pair::draw(seed, true).run();
    }
    let first = number("ORDER_FIRST").unwrap_or(0);
    let mut failures = Vec::new();
    for seed in first..first + number("PROPTEST_CASES").unwrap_or(FEW) {
        let run = std::panic::catch_unwind(|| Pair::draw(seed, false).run());
        if let Err(reason) = run {
            let text = reason.downcast_ref::<String>().cloned().unwrap_or_default();
            failures.push(format!("ORDER_SEED={seed}: {text}"));
        }
        if seed % 1000 == 999 {
            say(&format!("{} seeds, {} failures", seed + 1, failures.len()));
        }
        if failures.len() > MOST_TOLD {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[expect(clippy::print_stderr, reason = "many seeds are watched, and one is looked at")]
fn say(text: &str) {
    eprintln!("{text}");
}

struct Pair {
    dice: Dice,
    quotas: Quotas,
    eips: usize,
    foreign: bool,
    loud: bool,
}

impl Pair {
    fn draw(seed: u64, loud: bool) -> Self {
        let mut dice = Dice::new(seed);
        let quotas = Quotas {
            forward_entries_per_table: dice.pick(&[3, 5, 6, 8, 100]),
            packages_per_gateway: dice.pick(&[1, 2, 3, 4]),
            ips_per_package: dice.pick(&[3, 50]),
            ..Quotas::default()
        };
        let eips = if dice.below(3) == 0 { 2 } else { 0 };
        let foreign = dice.below(3) == 0;
        Self { dice, quotas, eips, foreign, loud }
    }

    fn tell(&self, what: &str, text: &str) {
        if self.loud {
            say(&format!("--- {what}\n{text}"));
        }
    }

    fn bench(&mut self) -> Bench {
        let mut ms = || Some(self.dice.between(0, 3) * 700 + 100);
        let timings = Timings {
            gateway_create_ms: ms(),
            gateway_modify_ms: ms(),
            gateway_delete_ms: ms(),
            gateway_convert_ms: ms(),
            forward_entry_create_ms: ms(),
            forward_entry_modify_ms: ms(),
            forward_entry_delete_ms: ms(),
            snat_entry_create_ms: ms(),
            snat_entry_modify_ms: ms(),
            snat_entry_delete_ms: ms(),
            ..Timings::default()
        };
        let start = Some(judge::world(&self.quotas));
        let mut bench =
            Bench::new(Settings { timings, start, seed: Some(1), ..Settings::default() });
        bench.regions.insert("north", "cn-qingdao");
        let quotas = [
            ("forward_entries_per_table", self.quotas.forward_entries_per_table),
            ("bandwidth_packages_per_gateway", self.quotas.packages_per_gateway),
            ("ips_per_bandwidth_package", self.quotas.ips_per_package),
        ];
        bench.quotas =
            quotas.into_iter().map(|(n, limit)| (n.into(), limit.try_into().unwrap())).collect();
        let most = self.dice.pick(&[0, 50, 900]);
        bench.latency = Some(Latency::new(bench.clock.clone(), self.dice.next(), most));
        bench.parallelism = self.dice.pick(&[1, 2, 4, 10, 50]);
        bench
    }

    fn run(mut self) {
        let fixed = Fixed { first: self.foreign || self.eips > 0, eips: self.eips };
        let mut before = Config::draw(&mut self.dice, self.eips);
        before.tidy();
        // Somebody else's entries need addresses that stay.
        if self.foreign && !before.packages.iter().any(|p| p.key == 0) {
            self.foreign = false;
        }
        let before = self.repaired(before, &[], None);
        let bench = self.bench();
        let eips = self.begin(&bench, &before);
        let text = render(&before, &eips);
        self.tell("before", &text.text);
        Self::apply(&bench, &text.text);
        let foreign = self.meddle(&bench, &before, &eips);
        let mut after = match self.dice.below(5) {
            0 if !fixed.first && !before.packages.iter().any(|p| p.shared) => {
                Config::draw(&mut self.dice, self.eips)
            }
            _ => before.clone(),
        };
        for _ in 0..=self.dice.below(8) {
            after.edit(&mut self.dice, fixed);
        }
        after.tidy();
        let refused = judge(&after, self.eips, &foreign, &self.quotas);
        if !refused.is_empty() {
            let text = render(&after, &eips);
            self.tell("wrong", &format!("{}\n{refused:#?}", text.text));
            Self::is_refused(&bench, &after, &text, &refused);
        }
        after = self.repaired(after, &foreign, Some(&before));
        let text = render(&after, &eips);
        self.tell("after", &text.text);
        let Some(text) = Self::accepted(&bench, &before, after, text, &eips) else { return };
        Self::apply(&bench, &text.1.text);
        Self::compare(&bench, &text.0, &eips, foreign.len());
        if foreign.is_empty() && self.eips == 0 && self.dice.below(4) == 0 {
            Self::destroy(&bench, &text.0);
        }
    }

    /// Takes away what the service refuses, and what cannot follow from what was before.
    fn repaired(&self, mut config: Config, foreign: &[Foreign], before: Option<&Config>) -> Config {
        if let Some(before) = before {
            let place = |config: &Config, place: Place| {
                let mut entries = config.dnat.iter().filter(|e| e.place == place);
                entries.next().map(|e| place_of(e.gateway))
            };
            let moved = |entry: &Dnat| {
                matches!(entry.place, Place::Block(_))
                    && place(before, entry.place).is_some_and(|p| p != place_of(entry.gateway))
            };
            config.dnat.retain(|entry| !moved(entry));
            let stays = |entry: &Snat| {
                let mut earlier = before.snat.iter().filter(|e| e.key == entry.key);
                earlier.all(|e| place_of(e.gateway) == place_of(entry.gateway))
            };
            config.snat.retain(stays);
            // What a vSwitch covers only the service knows, so whether the new one could be first.
            let is_network = |entry: &Snat| matches!(entry.source, Source::Cidr(_));
            let unclear = |entry: &Snat| {
                let mut earlier = before.snat.iter().filter(|e| e.key == entry.key);
                entry.create_first && earlier.any(|e| is_network(e) != is_network(entry))
            };
            config.snat.retain(|entry| !unclear(entry));
            config.tidy();
        }
        loop {
            let refused = judge(&config, self.eips, foreign, &self.quotas);
            let Some(first) = refused.first() else { return config };
            let index = first.index.unwrap();
            match first.block.split('.').next().unwrap() {
                "nat_gateway" => drop(config.gateways.remove(index)),
                "bandwidth_package" if config.packages[index].ips > 3 => {
                    config.packages[index].ips = 3;
                }
                "bandwidth_package" => drop(config.packages.remove(index)),
                "forward_entry" => drop(config.dnat.remove(index)),
                _ => drop(config.snat.remove(index)),
            }
            config.tidy();
        }
    }

    /// Makes the gateways, and binds addresses to the first.
    fn begin(&self, bench: &Bench, config: &Config) -> Vec<String> {
        if self.eips == 0 || config.gateways.first().is_none_or(|g| g.key != 0) {
            return vec!["198.51.100.1".to_owned(); self.eips];
        }
        let gateways = Config { gateways: config.gateways.clone(), ..Config::default() };
        Self::apply(bench, &render(&gateways, &[]).text);
        let snapshot = bench.snapshot();
        let id = &snapshot.instances[&("nat_gateway.g0".parse().unwrap(), None)].id;
        let bound = bench
            .emulator
            .with_world(|world, _| world.bind_eips(id, u32::try_from(self.eips).unwrap(), None));
        bound.unwrap().into_iter().map(|eip| eip.address.to_string()).collect()
    }

    fn apply(bench: &Bench, text: &str) {
        bench.emulator.forget_calls();
        let outcome = bench.apply(text).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}\n{:#?}", bench.refusals());
        assert_eq!(bench.refusals(), Vec::<String>::new(), "an order that is refused");
        bench.clock.advance(Duration::from_secs(20));
        let plan = bench.plan(&bench.program(text));
        let changes: Vec<_> =
            plan.changes.iter().filter(|c| c.kind != natform::plan::ChangeKind::NoOp).collect();
        assert!(!plan.has_changes() && changes.is_empty(), "{changes:#?}");
        assert!(plan.drift.is_empty(), "{:#?}", plan.drift);
    }

    /// Lets somebody make, change and delete entries of the first gateway.
    fn meddle(&mut self, bench: &Bench, config: &Config, eips: &[String]) -> Vec<Foreign> {
        let mut done = Vec::new();
        let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
        for entry in &dump.forward_entries {
            let port = (1 + self.dice.below(5)).to_string();
            let own: &[(&str, &str)] =
                &[("ForwardTableId", &entry.table), ("ForwardEntryId", &entry.id)];
            let region = if bench
                .try_outsider("cn-hangzhou", Action::DescribeForwardTableEntries, &own[..1])
                .is_ok()
            {
                "cn-hangzhou"
            } else {
                "cn-qingdao"
            };
            // Refusals are somebody else's.
            let _ = match self.dice.below(12) {
                0 => bench.try_outsider(region, Action::DeleteForwardEntry, own),
                1 => {
                    let more = [own[0], own[1], ("ExternalPort", &port)];
                    bench.try_outsider(region, Action::ModifyForwardEntry, &more)
                }
                2 => {
                    let more = [own[0], own[1], ("InternalPort", &port)];
                    bench.try_outsider(region, Action::ModifyForwardEntry, &more)
                }
                _ => continue,
            };
            bench.clock.advance(Duration::from_secs(10));
        }
        if !self.foreign {
            return done;
        }
        let Some(gateway) = dump
            .gateways
            .iter()
            .find(|g| g.region == "cn-hangzhou" && Self::is_first(bench, &g.id))
        else {
            return done;
        };
        let addresses = addresses(bench, eips);
        let text = |ip: &Ip| addresses.iter().find(|(i, _)| i == ip).map(|(_, text)| text.clone());
        for _ in 0..=self.dice.below(3) {
            let mut drawn = Config {
                packages: config.packages.iter().filter(|p| p.key == 0).cloned().collect(),
                gateways: config.gateways.iter().filter(|g| g.key == 0).cloned().collect(),
                ..Config::default()
            };
            drawn.add_dnat(&mut self.dice, self.eips);
            drawn.add_snat(&mut self.dice, self.eips);
            let vpc = drawn.gateways[0].vpc;
            if let (Some(entry), true) = (drawn.dnat.pop(), self.dice.below(3) > 0) {
                let Some(ip) = text(&entry.ip) else { continue };
                let own = judge::dnat_parameters(&entry, &gateway.forward_table, &ip);
                let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, &**v)).collect();
                if bench.try_outsider("cn-hangzhou", Action::CreateForwardEntry, &own).is_ok() {
                    done.push(Foreign::Dnat(entry));
                }
            } else if let Some(entry) = drawn.snat.pop() {
                let pool: Option<Vec<String>> = entry.pool.iter().map(text).collect();
                let Some(pool) = pool else { continue };
                let own = judge::snat_parameters(&entry, vpc, &gateway.snat_table, &pool.join(","));
                let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, &**v)).collect();
                if bench.try_outsider("cn-hangzhou", Action::CreateSnatEntry, &own).is_ok() {
                    done.push(Foreign::Snat(entry));
                }
            }
            bench.clock.advance(Duration::from_secs(10));
        }
        self.tell("foreign", &format!("{done:#?}"));
        done
    }

    fn is_first(bench: &Bench, id: &str) -> bool {
        let key = ("nat_gateway.g0".parse().unwrap(), None);
        bench.snapshot().instances.get(&key).is_some_and(|i| i.id == id)
    }

    /// The plan refuses a configuration that the service refuses, and names the lines.
    fn is_refused(bench: &Bench, config: &Config, text: &Text, refused: &[Refused]) {
        let program = bench.program(&text.text);
        let (_, diagnostics) = bench.attempt(&program);
        let lines = lines(&diagnostics, &program);
        // What cannot be where it is wished counts as it is, beside all others.
        let elsewhere = codes(&diagnostics).contains("region-changed");
        for refused in refused {
            if undecided(config, refused) || elsewhere {
                continue;
            }
            let block = &text.blocks[&refused.block];
            let named = is_told_with_others(refused, &diagnostics)
                || lines.iter().any(|line| block.contains(line) || in_crowd(refused, *line, text));
            assert!(named, "{refused:#?} is not named: {diagnostics:#?}");
        }
        names_lines(&diagnostics, text);
    }

    /// Returns the configuration that the plan accepts: the given one, unless something must not be
    /// deleted or created before another, and then the same without that. None where the plan is
    /// right to refuse it.
    fn accepted(
        bench: &Bench,
        before: &Config,
        after: Config,
        text: Text,
        eips: &[String],
    ) -> Option<(Config, Text)> {
        let program = bench.program(&text.text);
        let (_, diagnostics) = bench.attempt(&program);
        let codes = codes(&diagnostics);
        let hurdle = hurdle(before, &after);
        if let Some(hurdle) = hurdle {
            assert!(codes.contains(hurdle), "{hurdle}: {diagnostics:#?}");
            return None;
        }
        if codes.is_empty() {
            return Some((after, text));
        }
        names_lines(&diagnostics, &text);
        // What is shared at once needs a place while it is made, which those that stay may hold: from
        // nothing it is made before them.
        if codes.contains("bandwidth-packages-quota") && after.packages.iter().any(|p| p.shared) {
            return None;
        }
        // What became shared bandwidth stays bound to its gateway.
        let stays = |p: &Package| p.shared && !after.gateways.iter().any(|g| g.key == p.gateway);
        if codes.contains("gateway-not-empty") && before.packages.iter().any(stays) {
            return None;
        }
        let may = ["prevent-destroy", "cyclic-order", "cannot-create-first"];
        assert!(codes.iter().all(|code| may.contains(code)), "{diagnostics:#?}");
        let after = after.unprotected();
        // What is gone from the configuration is protected as it was recorded.
        let gone = |c: &Config| {
            let dnat = c.dnat.iter().filter(|e| e.protected).map(|e| (0, e.place, e.gateway));
            let snat = c.snat.iter().filter(|e| e.protected);
            let snat = snat.map(|e| (1, Place::Block(e.key), e.gateway));
            dnat.chain(snat).collect::<BTreeSet<_>>()
        };
        let there = |(kind, place, _): &(usize, Place, usize)| match kind {
            0 => after.dnat.iter().any(|e| e.place == *place),
            _ => after.snat.iter().any(|e| Place::Block(e.key) == *place),
        };
        if !gone(before).iter().all(there) {
            assert!(codes.contains("prevent-destroy"), "{diagnostics:#?}");
            return None;
        }
        let text = render(&after, eips);
        let (_, diagnostics) = bench.attempt(&bench.program(&text.text));
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        Some((after, text))
    }

    /// What is there is what is configured.
    fn compare(bench: &Bench, config: &Config, eips: &[String], foreign: usize) {
        let snapshot = bench.snapshot();
        let object = |address: &str| &snapshot.instances[&(address.parse().unwrap(), None)].object;
        let addresses = addresses(bench, eips);
        let text = |ip: &Ip| addresses.iter().find(|(i, _)| i == ip).unwrap().1.clone();
        let table = |gateway: usize, name: &str| {
            object(&format!("nat_gateway.g{gateway}")).text(name).unwrap().to_owned()
        };
        let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
        let mut found: Vec<_> = dump
            .forward_entries
            .iter()
            .map(|e| {
                let outside =
                    (e.table.clone(), e.external_ip.to_string(), e.external_port.to_lowercase());
                let inside = (e.internal_ip.to_string(), e.internal_port.to_lowercase());
                (outside, inside, e.protocol.to_lowercase())
            })
            .collect();
        for entry in &config.dnat {
            let (outer, inner) = entry.ports();
            let outside = (table(entry.gateway, "forward_table_id"), text(&entry.ip), outer);
            let inside = (format!("192.168.1.{}", entry.inside.0), inner);
            let wanted = (outside, inside, entry.protocol.to_owned());
            let at = found.iter().position(|e| *e == wanted);
            found.remove(at.unwrap_or_else(|| panic!("{entry:?} is not there: {found:#?}")));
        }
        let mut sources: Vec<_> = dump
            .snat_entries
            .iter()
            .map(|e| {
                let pool: BTreeSet<String> = e.ips.iter().map(ToString::to_string).collect();
                (e.table.clone(), pool)
            })
            .collect();
        for entry in &config.snat {
            let pool: BTreeSet<String> = entry.pool.iter().map(text).collect();
            let wanted = (table(entry.gateway, "snat_table_id"), pool);
            let at = sources.iter().position(|e| *e == wanted);
            sources.remove(at.unwrap_or_else(|| panic!("{entry:?} is not there: {sources:#?}")));
        }
        assert_eq!(found.len() + sources.len(), foreign);
        assert_eq!(dump.gateways.len(), config.gateways.len());
        for gateway in &config.gateways {
            let address = format!("nat_gateway.g{}", gateway.key);
            let nat_type = if gateway.enhanced { "Enhanced" } else { "Normal" };
            assert_eq!(object(&address).text("nat_type"), Some(nat_type));
            assert_eq!(object(&address).text("spec"), Some(gateway.spec));
        }
        let packages = config.packages.iter().filter(|p| !p.shared).count();
        assert_eq!(dump.bandwidth_packages.len(), packages);
    }

    fn destroy(bench: &Bench, config: &Config) {
        let protected = config.dnat.iter().any(|e| e.protected)
            || config.snat.iter().any(|e| e.protected)
            || config.packages.iter().any(|p| p.shared);
        if protected {
            return;
        }
        let program = bench.program(&render(config, &[]).text);
        bench.emulator.forget_calls();
        let options = PlanOptions { mode: PlanMode::Destroy, ..PlanOptions::default() };
        let (plan, diagnostics) = bench.attempt_with(&program, &options);
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        let outcome = bench.carry_out(&program, &plan, None).unwrap();
        assert!(outcome.is_success(), "{outcome:#?}");
        assert_eq!(bench.refusals(), Vec::<String>::new(), "an order that is refused");
        bench.clock.advance(Duration::from_secs(20));
        let dump = bench.emulator.with_world(|world, _| world.dump()).unwrap();
        assert!(dump.gateways.is_empty() && dump.bandwidth_packages.is_empty());
    }
}

/// Returns what the addresses of packages and those bound to the first gateway are by now.
fn addresses(bench: &Bench, eips: &[String]) -> Vec<(Ip, String)> {
    let mut all: Vec<_> =
        eips.iter().enumerate().map(|(number, eip)| (Ip::Eip(number), eip.clone())).collect();
    for instance in bench.snapshot().instances.values() {
        let name = instance.address.to_string();
        if let Some(key) = name.strip_prefix("bandwidth_package.p") {
            let key = key.parse().unwrap();
            let list = instance.object.texts("public_ip_addresses").unwrap();
            all.extend(list.into_iter().enumerate().map(|(i, text)| (Ip::Package(key, i), text)));
        }
    }
    all
}

fn codes(diagnostics: &Diagnostics) -> BTreeSet<&'static str> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| d.code).collect()
}

/// Returns the lines that errors name.
fn lines(diagnostics: &Diagnostics, program: &natform::plan::program::Program) -> Vec<usize> {
    let sources = &program.configuration().sources;
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let labels = errors.flat_map(|d| &d.labels);
    labels.filter_map(|label| Some(sources.position(label.span)?.0)).collect()
}

/// Of many that share an address, a message names some and counts the others.
fn is_told_with_others(refused: &Refused, diagnostics: &Diagnostics) -> bool {
    let both = ["Forbidden.IpUsedInForwardTable", "Forbidden.ExternalIp.UsedInSnatTable"];
    let tells = |summary: &str| summary.contains(&refused.block) || summary.contains(" more)");
    both.contains(&&*refused.code)
        && diagnostics.iter().any(|diagnostic| {
            diagnostic.code == "address-in-dnat-and-snat" && tells(&diagnostic.summary)
        })
}

/// Of many that share a place, a message names the lines of some.
fn in_crowd(refused: &Refused, line: usize, text: &Text) -> bool {
    let kinds = ["forward_entry", "bandwidth_package"];
    let of_crowd = |name: &str| kinds.iter().any(|kind| name.starts_with(kind));
    refused.code.contains("Quota")
        && text.blocks.iter().any(|(name, lines)| of_crowd(name) && lines.contains(&line))
}

/// Each error names lines, unless it is about what has none any more.
fn names_lines(diagnostics: &Diagnostics, text: &Text) {
    for diagnostic in diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let gone = diagnostic.address.as_ref().is_some_and(|address| {
            let block = address.split('[').next().unwrap_or_default();
            !text.blocks.contains_key(block)
        });
        assert!(gone || !diagnostic.labels.is_empty(), "it names no lines: {diagnostic:#?}");
    }
}

/// Whether a source collides with a vSwitch, whose network nothing tells.
fn undecided(config: &Config, refused: &Refused) -> bool {
    let (Some(index), true) = (refused.index, refused.block.starts_with("snat_entry")) else {
        return false;
    };
    let entry = &config.snat[index];
    let source = ["Forbidden.SourceVSwitchId.Duplicated", "OperationUnsupported.CidrConflict"];
    let same =
        config.snat.iter().enumerate().any(|(other, e)| {
            other != index && e.gateway == entry.gateway && e.source == entry.source
        });
    let switch = |e: &Snat| matches!(e.source, Source::VSwitch(_)) && e.gateway == entry.gateway;
    source.contains(&&*refused.code) && !same && config.snat.iter().any(switch)
}

/// Returns why one configuration cannot follow another although both can be.
fn hurdle(before: &Config, after: &Config) -> Option<&'static str> {
    for gateway in &after.gateways {
        let Some(earlier) = before.gateways.iter().find(|g| g.key == gateway.key) else {
            continue;
        };
        if earlier.vpc == gateway.vpc && !earlier.enhanced && gateway.enhanced {
            if place_of(gateway.key).0.is_empty() {
                return Some("conversion-region");
            }
            if after.packages.iter().any(|p| p.gateway == gateway.key && !p.shared) {
                return Some("gateway-with-packages-cannot-convert");
            }
        }
    }
    None
}
