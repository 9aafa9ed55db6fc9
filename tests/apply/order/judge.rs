//! What the service says of a configuration: it is made in an empty world, call by call and without
//! natform's planner, and what is refused is what is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::Ipv4Net;
use natform::api::call::Call;
use natform::api::catalogue::Action;
use natform::api::client::{Client, ClientSettings};
use natform::api::credentials::Credentials;
use natform::api::endpoint::Endpoint;
use natform::api::log::NoLog;
use natform::api::sleep::VirtualSleep;
use natform::emulator::world::conditions::Quotas;
use natform::emulator::world::model::{NetworkStatus, VSwitch, Vpc};
use natform::emulator::{Dump, Emulator, InProcess, Settings, Timings};
use natform::environment::{Environment, ManualClock, MemoryFiles, SeededIds, Timestamp};

use super::model::{Config, Dnat, Ip, Snat, Source, VPCS, place_of};
use super::render::{block_of, vpc, vswitch};

/// The world to begin with: VPCs with two vSwitches each, and these limits.
pub(super) fn world(quotas: &Quotas) -> Dump {
    let mut dump = Dump::starting();
    (dump.vpcs, dump.vswitches) = (Vec::new(), Vec::new());
    dump.conditions.quotas = quotas.clone();
    for number in 0..=VPCS {
        let region = if number == VPCS { "cn-qingdao" } else { "cn-hangzhou" };
        dump.vpcs.push(Vpc::new(&vpc(number), region, "192.168.0.0/16".parse().unwrap()));
        for (letter, third) in [('a', 1), ('b', 2)] {
            let cidr: Ipv4Net = format!("192.168.{third}.0/24").parse().unwrap();
            dump.vswitches.push(VSwitch {
                id: vswitch(number, letter),
                vpc: vpc(number),
                zone: format!("{region}-{letter}"),
                cidr,
                status: NetworkStatus::default(),
                has_ha_vip: false,
            });
        }
    }
    dump
}

/// An entry of the first gateway that nobody manages.
#[derive(Debug, Clone)]
pub(super) enum Foreign {
    Dnat(Dnat),
    Snat(Snat),
}

/// What the service refused: the block, the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) block: String,
    pub(super) code: String,
    /// Index among the entries of its kind.
    pub(super) index: Option<usize>,
}

struct Made<'a> {
    client: Client,
    runtime: tokio::runtime::Runtime,
    emulator: Arc<Emulator>,
    config: &'a Config,
    /// Id and tables of the gateways.
    gateways: BTreeMap<usize, (String, String, String)>,
    ips: BTreeMap<Ip, String>,
    refused: Vec<Refused>,
}

/// Returns what the service refuses of a configuration beside what others have there.
pub(super) fn judge(
    config: &Config,
    eips: usize,
    foreign: &[Foreign],
    quotas: &Quotas,
) -> Vec<Refused> {
    let clock = ManualClock::at(Timestamp(1_700_000_000_000));
    let settings = Settings {
        start: Some(world(quotas)),
        timings: Timings::instant(),
        seed: Some(1),
        ..Settings::default()
    };
    let emulator = Arc::new(Emulator::open(settings, Arc::new(clock.clone())).unwrap());
    let environment = Environment {
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::new(1)),
        files: Arc::new(MemoryFiles(BTreeMap::new())),
        variables: Arc::default(),
        working_directory: "/work".into(),
    };
    let client = Client::new(
        ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), "cn-hangzhou"),
        Arc::new(InProcess::new(Arc::clone(&emulator))),
        &environment,
        Arc::new(VirtualSleep::new(clock)),
        Arc::new(NoLog),
    );
    let mut made = Made {
        client,
        runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        emulator,
        config,
        gateways: BTreeMap::new(),
        ips: BTreeMap::new(),
        refused: Vec::new(),
    };
    made.make(eips, foreign);
    made.refused
}

type Parameters = Vec<(&'static str, String)>;

/// Returns the parameters of an entry, with addresses by `ip`.
pub(super) fn dnat_parameters(entry: &Dnat, table: &str, ip: &str) -> Parameters {
    let (outer, inner) = entry.ports();
    vec![
        ("ForwardTableId", table.to_owned()),
        ("ExternalIp", ip.to_owned()),
        ("ExternalPort", outer),
        ("InternalIp", format!("192.168.1.{}", entry.inside.0)),
        ("InternalPort", inner),
        ("IpProtocol", entry.protocol.to_uppercase()),
    ]
}

pub(super) fn snat_parameters(entry: &Snat, vpc: usize, table: &str, pool: &str) -> Parameters {
    vec![
        ("SnatTableId", table.to_owned()),
        ("SnatIp", pool.to_owned()),
        match entry.source {
            Source::Cidr(cidr) => ("SourceCIDR", cidr.to_owned()),
            Source::VSwitch(letter) => ("SourceVSwitchId", vswitch(vpc, letter)),
        },
    ]
}

impl Made<'_> {
    fn call(
        &self,
        gateway: usize,
        action: Action,
        parameters: &[(&str, String)],
    ) -> Result<serde_json::Value, String> {
        let call = Call::new(action).with("RegionId", place_of(gateway).1);
        let call = parameters.iter().fold(call, |call, (name, value)| call.with(name, &**value));
        let answer = self.runtime.block_on(self.client.send(&call));
        answer.map(|answer| answer.body).map_err(|error| error.code)
    }

    fn refuse(&mut self, block: String, index: Option<usize>, code: String) {
        self.refused.push(Refused { block, code, index });
    }

    fn make(&mut self, eips: usize, foreign: &[Foreign]) {
        let config = self.config;
        for (index, gateway) in config.gateways.iter().enumerate() {
            let mut parameters = vec![
                ("VpcId", vpc(gateway.vpc)),
                ("NatType", if gateway.enhanced { "Enhanced" } else { "Normal" }.to_owned()),
            ];
            if gateway.enhanced {
                parameters.push(("VSwitchId", vswitch(gateway.vpc, gateway.vswitch)));
            }
            match self.call(gateway.key, Action::CreateNatGateway, &parameters) {
                Err(code) => {
                    self.refuse(format!("nat_gateway.g{}", gateway.key), Some(index), code);
                }
                Ok(body) => {
                    let text =
                        |path: &str| body.pointer(path).unwrap().as_str().unwrap().to_owned();
                    let ids = (
                        text("/NatGatewayId"),
                        text("/ForwardTableIds/ForwardTableId/0"),
                        text("/SnatTableIds/SnatTableId/0"),
                    );
                    self.gateways.insert(gateway.key, ids);
                }
            }
        }
        if let Some((id, ..)) = self.gateways.get(&0).cloned() {
            let bound = self
                .emulator
                .with_world(|world, _| world.bind_eips(&id, u32::try_from(eips).unwrap(), None));
            for (number, eip) in bound.unwrap().into_iter().enumerate() {
                self.ips.insert(Ip::Eip(number), eip.address.to_string());
            }
        }
        self.packages();
        for foreign in foreign {
            let done = match foreign {
                Foreign::Dnat(entry) => self.dnat(entry),
                Foreign::Snat(entry) => self.snat(entry),
            };
            assert!(matches!(done, Some(Ok(()))), "{foreign:?}: {done:?}");
        }
        for (index, entry) in config.dnat.iter().enumerate() {
            if let Some(Err(code)) = self.dnat(entry) {
                self.refuse(block_of(entry), Some(index), code);
            }
        }
        for (index, entry) in config.snat.iter().enumerate() {
            if let Some(Err(code)) = self.snat(entry) {
                self.refuse(format!("snat_entry.s{}", entry.key), Some(index), code);
            }
        }
    }

    fn packages(&mut self) {
        // What becomes shared bandwidth gives its place back, so it comes before the others.
        let mut packages: Vec<_> = self.config.packages.iter().enumerate().collect();
        packages.sort_by_key(|(_, package)| !package.shared);
        for (index, package) in packages {
            let Some((gateway, ..)) = self.gateways.get(&package.gateway).cloned() else {
                continue;
            };
            let parameters = [
                ("NatGatewayId", gateway),
                ("Bandwidth", package.bandwidth.to_string()),
                ("IpCount", package.ips.to_string()),
            ];
            match self.call(package.gateway, Action::CreateBandwidthPackage, &parameters) {
                Err(code) => {
                    self.refuse(format!("bandwidth_package.p{}", package.key), Some(index), code);
                }
                Ok(body) => {
                    let id = body["BandwidthPackageId"].as_str().unwrap().to_owned();
                    let dump = self.emulator.with_world(|world, _| world.dump()).unwrap();
                    let made = dump.bandwidth_packages.iter().find(|p| p.id == id).unwrap();
                    for (number, ip) in made.ips.iter().enumerate() {
                        self.ips.insert(Ip::Package(package.key, number), ip.address.to_string());
                    }
                    if package.shared {
                        let parameters = [("BandwidthPackageId", id)];
                        let action = Action::ConvertBandwidthPackage;
                        self.call(package.gateway, action, &parameters).unwrap();
                    }
                }
            }
        }
    }

    /// Makes an entry; none when what it stands on was refused.
    fn dnat(&self, entry: &Dnat) -> Option<Result<(), String>> {
        let (_, table, _) = self.gateways.get(&entry.gateway)?;
        let parameters = dnat_parameters(entry, table, self.ips.get(&entry.ip)?);
        Some(self.call(entry.gateway, Action::CreateForwardEntry, &parameters).map(drop))
    }

    fn snat(&self, entry: &Snat) -> Option<Result<(), String>> {
        let (_, _, table) = self.gateways.get(&entry.gateway)?;
        let pool: Option<Vec<&str>> =
            entry.pool.iter().map(|ip| self.ips.get(ip).map(String::as_str)).collect();
        let vpc = self.config.gateways.iter().find(|g| g.key == entry.gateway)?.vpc;
        let parameters = snat_parameters(entry, vpc, table, &pool?.join(","));
        Some(self.call(entry.gateway, Action::CreateSnatEntry, &parameters).map(drop))
    }
}
