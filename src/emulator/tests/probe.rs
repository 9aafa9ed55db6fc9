//! A small client for tests: signs requests and sends them to a world or an emulator.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::api::catalogue::Edition;
use crate::api::http::HttpRequest;
use crate::api::signature::{canonical_query, percent_encode, sign, string_to_sign};
use crate::emulator::outcome::Outcome;
use crate::emulator::settings::{Settings, Timings};
use crate::emulator::world::World;
use crate::environment::Timestamp;

pub(super) const START: Timestamp = Timestamp(1_790_000_000_000);

/// Returns a request that is signed in its parameters by the built-in account.
pub(super) fn signed(now: Timestamp, nonce: u64, parameters: &[(&str, &str)]) -> HttpRequest {
    signed_by(("testid", "testsecret"), now, nonce, parameters)
}

pub(super) fn signed_by(
    (id, secret): (&str, &str),
    now: Timestamp,
    nonce: u64,
    parameters: &[(&str, &str)],
) -> HttpRequest {
    let mut all: BTreeMap<String, String> = [
        ("AccessKeyId", id.to_owned()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        ("SignatureVersion", "1.0".to_owned()),
        ("SignatureNonce", format!("nonce-{nonce}")),
        ("Timestamp", now.iso8601()),
        ("Version", "2016-04-28".to_owned()),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect();
    all.extend(parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let signature = sign(secret, &string_to_sign("GET", &all));
    HttpRequest {
        method: "GET".to_owned(),
        target: format!("/?{}&Signature={}", canonical_query(&all), percent_encode(&signature)),
        headers: vec![("host".to_owned(), "vpc.aliyuncs.com".to_owned())],
        body: Vec::new(),
    }
}

/// A world with a clock that tests move.
pub(super) struct Probe {
    pub world: World,
    pub now: Timestamp,
    pub nonce: u64,
    pub region: &'static str,
}

/// An error as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Probe {
    pub(super) fn new(settings: Settings) -> Self {
        let settings = Settings { seed: Some(1), ..settings };
        let world = World::new(Arc::new(settings), START);
        Self { world, now: START, nonce: 0, region: "cn-hangzhou" }
    }

    /// A world in which everything is done at once.
    pub(super) fn instant() -> Self {
        Self::new(Settings { timings: Timings::instant(), ..Settings::default() })
    }

    /// A world of the older edition in which everything is done at once.
    pub(super) fn older() -> Self {
        let edition = Edition::V2019_07_19;
        Self::new(Settings { timings: Timings::instant(), edition, ..Settings::default() })
    }

    /// From now on, things take their time.
    pub(super) fn slow(&mut self) {
        let edition = self.world.settings.edition;
        self.world.settings = Arc::new(Settings { edition, ..Settings::default() });
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms);
    }

    pub(super) fn send(&mut self, request: &HttpRequest) -> Outcome {
        self.world.handle(self.now, request)
    }

    pub(super) fn outcome(&mut self, action: &str, parameters: &[(&str, &str)]) -> Outcome {
        self.nonce += 1;
        let mut all = vec![("Action", action)];
        if !parameters.iter().any(|(name, _)| *name == "RegionId") {
            all.push(("RegionId", self.region));
        }
        all.extend_from_slice(parameters);
        let request = signed(self.now, self.nonce, &all);
        self.send(&request)
    }

    pub(super) fn call(
        &mut self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Failed> {
        // The older edition would answer in XML.
        let mut parameters = parameters.to_vec();
        if self.world.settings.edition == Edition::V2019_07_19 {
            parameters.push(("Format", "JSON"));
        }
        let response = self.outcome(action, &parameters).response;
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        if response.status == 200 {
            return Ok(body);
        }
        Err(Failed {
            status: response.status,
            code: body["Code"].as_str().unwrap().to_owned(),
            message: body["Message"].as_str().unwrap().to_owned(),
        })
    }

    pub(super) fn ok(&mut self, action: &str, parameters: &[(&str, &str)]) -> Value {
        match self.call(action, parameters) {
            Ok(body) => body,
            Err(failed) => panic!("{action} {parameters:?}: {failed:?}"),
        }
    }

    /// Returns the code of the refusal.
    pub(super) fn refused(&mut self, action: &str, parameters: &[(&str, &str)]) -> String {
        match self.call(action, parameters) {
            Err(failed) => failed.code,
            Ok(body) => panic!("{action} {parameters:?} succeeded: {body}"),
        }
    }

    /// Makes a gateway with a package of two addresses.
    pub(super) fn gateway(&mut self) -> Made {
        let vpc = if self.region == "cn-qingdao" { "vpc-emulator-qingdao" } else { "vpc-emulator" };
        let gateway = self.ok("CreateNatGateway", &[("VpcId", vpc)]);
        // The older edition's own names and flat lists.
        let older = self.world.settings.edition == Edition::V2019_07_19;
        let table = |newer: &str, older: &str| match gateway.get(older) {
            Some(flat) => text(&flat[0]),
            None => text(&gateway[format!("{newer}s")][newer][0]),
        };
        let id = text(&gateway[if older { "natGatewayId" } else { "NatGatewayId" }]);
        self.settle();
        let package = self.ok(
            "CreateBandwidthPackage",
            &[("NatGatewayId", &id), ("Bandwidth", "5"), ("IpCount", "2")],
        );
        let package = text(&package["BandwidthPackageId"]);
        let ips = self.ips(&package);
        Made {
            forward_table: table("ForwardTableId", "forwardTableIds"),
            snat_table: table("SnatTableId", "snatTableIds"),
            id,
            package,
            ips,
        }
    }

    pub(super) fn settle(&mut self) {
        self.world.settle(self.now, None);
    }

    pub(super) fn ips(&mut self, package: &str) -> Vec<String> {
        let list = self.ok("DescribeBandwidthPackages", &[("BandwidthPackageId", package)]);
        let ips = &list["BandwidthPackages"]["BandwidthPackage"][0]["PublicIpAddresses"];
        ips["PublicIpAdresse"].as_array().unwrap().iter().map(|ip| text(&ip["IpAddress"])).collect()
    }

    pub(super) fn forward(
        &mut self,
        made: &Made,
        port: &str,
        internal: &str,
    ) -> Result<String, Failed> {
        let created = self.call("CreateForwardEntry", &forward_parameters(made, port, internal))?;
        Ok(text(&created["ForwardEntryId"]))
    }

    pub(super) fn snat(&mut self, made: &Made, ip: &str, vswitch: &str) -> Result<String, Failed> {
        let parameters = [
            ("SnatTableId", made.snat_table.as_str()),
            ("SnatIp", ip),
            ("SourceVSwitchId", vswitch),
        ];
        Ok(text(&self.call("CreateSnatEntry", &parameters)?["SnatEntryId"]))
    }

    pub(super) fn forward_entries(&mut self, made: &Made) -> Vec<Value> {
        let list = self.ok(
            "DescribeForwardTableEntries",
            &[("ForwardTableId", &made.forward_table), ("PageSize", "50")],
        );
        list["ForwardTableEntries"]["ForwardTableEntry"].as_array().unwrap().clone()
    }

    pub(super) fn gateway_row(&mut self, id: &str) -> Value {
        let list = self.ok("DescribeNatGateways", &[("NatGatewayId", id)]);
        list["NatGateways"]["NatGateway"][0].clone()
    }
}

pub(super) fn forward_parameters<'a>(
    made: &'a Made,
    port: &'a str,
    internal: &'a str,
) -> Vec<(&'static str, &'a str)> {
    vec![
        ("ForwardTableId", made.forward_table.as_str()),
        ("ExternalIp", made.ips[0].as_str()),
        ("ExternalPort", port),
        ("InternalIp", "192.168.1.10"),
        ("InternalPort", internal),
        ("IpProtocol", "tcp"),
    ]
}

/// A gateway with what belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub id: String,
    pub forward_table: String,
    pub snat_table: String,
    pub package: String,
    pub ips: Vec<String>,
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
