//! From any world to any other, in any order that the plan allows: the service never refuses, and the
//! next plan is empty.

use proptest::prelude::*;

use super::*;

/// A configuration drawn at random.
#[derive(Debug, Clone)]
struct Drawn {
    vpc: u8,
    zone: u8,
    ips: usize,
    /// Addresses below this index serve DNAT, the others SNAT.
    split: usize,
    /// Whether a second package comes before the first in line.
    second: bool,
    /// For each entry: whether it is there, and on the second package; its port and inner port come
    /// from permutations, so that keys are unique and often change hands.
    entries: Vec<(bool, bool, usize)>,
    ports: Vec<u32>,
    inner: Vec<u32>,
    snats: Vec<bool>,
}

const ENTRIES: usize = 5;

fn drawn() -> impl Strategy<Value = Drawn> {
    let ports = Just((1..=5).collect::<Vec<u32>>()).prop_shuffle();
    let inner = Just((1..=5).collect::<Vec<u32>>()).prop_shuffle();
    (
        (1..=2_u8, 1..=2_u8, 2..=4_usize, 1..=3_usize, any::<bool>()),
        proptest::collection::vec((any::<bool>(), any::<bool>(), 0..4_usize), ENTRIES),
        ports,
        inner,
        proptest::collection::vec(any::<bool>(), 3),
    )
        .prop_map(|((vpc, zone, ips, split, second), entries, ports, inner, snats)| {
            let split = split.min(ips - 1);
            Drawn { vpc, zone, ips, split, second, entries, ports, inner, snats }
        })
}

impl Drawn {
    fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!(
            "resource \"nat_gateway\" \"g\" {{\n  vpc_id = \"vpc-{}\"\n}}\n\
             resource \"bandwidth_package\" \"p\" {{\n  nat_gateway_id = nat_gateway.g.id\n  \
             bandwidth = 5\n  ip_count = {}\n  zone = \"z-{}\"\n}}\n",
            self.vpc, self.ips, self.zone
        );
        if self.second {
            text.push_str(
                "resource \"bandwidth_package\" \"q\" {\n  nat_gateway_id = nat_gateway.g.id\n  \
                 bandwidth = 5\n  ip_count = 1\n}\n",
            );
        }
        for (index, (there, elsewhere, ip)) in self.entries.iter().enumerate() {
            if !there {
                continue;
            }
            let (port, inner) = (self.ports[index], self.inner[index]);
            let mut entry = entry(&format!("e{index}"), ip % self.split, port, inner);
            if *elsewhere && self.second {
                entry = entry.replace(
                    &format!("bandwidth_package.p.public_ip_addresses[{}]", ip % self.split),
                    "bandwidth_package.q.public_ip_addresses[0]",
                );
            }
            text.push_str(&entry);
        }
        for (index, _) in self.snats.iter().enumerate().filter(|(_, there)| **there) {
            let ip = self.split + index % (self.ips - self.split);
            let _ =
                write!(text, "{}", snat(&format!("s{index}"), ip, &format!("10.0.{index}.0/24")));
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_world_leads_to_every_other(a in drawn(), b in drawn(), seed in any::<u64>()) {
        let mut bench = Bench::applied(&a.text());
        let mut state = seed | 1;
        bench.write(&b.text()).apply_in(|_, ready| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ready[usize::try_from(state % 1_000_003).unwrap() % ready.len()]
        });
        let after = bench.plan();
        prop_assert_eq!(changes(&after), "");
        prop_assert!(after.drift.is_empty());
        bench.options.mode = PlanMode::Destroy;
        bench.apply_in(|round, ready| ready[round % ready.len()]);
        prop_assert!(bench.cloud.objects.is_empty());
    }

    #[test]
    fn plans_survive_storing(a in drawn(), b in drawn()) {
        let mut bench = Bench::applied(&a.text());
        let plan = bench.write(&b.text()).plan();
        let saved = saved::SavedPlan { plan, ..saved::SavedPlan::default() };
        let (bytes, digest) = saved::encode(&saved).unwrap();
        let loaded = saved::decode(&bytes).unwrap();
        prop_assert_eq!(&loaded.digest, &digest);
        let again = saved::encode(&loaded.saved).unwrap().0;
        prop_assert_eq!(bytes, again);
    }

    #[test]
    fn damaged_plan_files_never_panic(at in 0..4000_usize, byte in any::<u8>()) {
        let plan = Bench::new(GATEWAY).plan();
        let (mut bytes, _) = saved::encode(&saved::SavedPlan { plan, ..Default::default() }).unwrap();
        let at = at % bytes.len();
        if bytes[at] != byte {
            bytes[at] = byte;
            let _ = saved::decode(&bytes);
            bytes.truncate(at);
            prop_assert!(saved::decode(&bytes).is_err());
        }
    }
}
