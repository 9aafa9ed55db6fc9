//! `natform emulator` as a process of its own, and its control.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::Failed;
use crate::dice::Dice;

/// A server of the emulator, ended with it.
pub(crate) struct Service {
    child: Child,
    port: u16,
    directory: PathBuf,
    edition: &'static str,
}

impl Service {
    /// Starts one whose timings, lag and edition are drawn.
    pub(crate) fn start(directory: &Path, dice: &mut Dice) -> Result<Self, Failed> {
        let mut timings = serde_json::Map::new();
        for name in [
            "gateway_create_ms",
            "gateway_modify_ms",
            "gateway_delete_ms",
            "forward_entry_create_ms",
            "forward_entry_modify_ms",
            "forward_entry_delete_ms",
            "snat_entry_create_ms",
            "snat_entry_modify_ms",
            "snat_entry_delete_ms",
            "bandwidth_package_ms",
        ] {
            timings.insert(name.to_owned(), json!(dice.below(3) * dice.below(20)));
        }
        if dice.one_in(4) {
            timings.insert(String::from("read_lag_ms"), json!(dice.between(50, 400)));
        }
        std::fs::create_dir_all(directory)?;
        std::fs::write(directory.join("timings.json"), Value::Object(timings).to_string())?;
        let edition = if dice.one_in(4) { "2019-07-19" } else { "2020-09-25" };
        let (child, port) = spawn(directory, edition, 0)?;
        Ok(Self { child, port, directory: directory.to_owned(), edition })
    }

    /// Kills it and starts it again in the same place with what it wrote.
    pub(crate) fn restart(&mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(&self.directory, self.edition, self.port)?.0;
        Ok(())
    }

    /// Returns how many gateways the VPC may have.
    pub(crate) fn most_gateways(&self) -> u64 {
        if self.edition.starts_with("2019") { 1 } else { 3 }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets a share of the calls fail in ways that may pass.
    pub(crate) fn harass(&self, dice: &mut Dice) -> Result<(), Failed> {
        let effects = [
            json!({"drop": "before"}),
            json!({"drop": "after"}),
            json!({"error": {"http": 503, "code": "ServiceUnavailable", "processed": true}}),
            json!({"error": {"http": 500, "code": "InternalError"}}),
            json!({"throttle": {"retry_after_ms": 20}}),
            json!({"delay_ms": 60}),
        ];
        let mut rules = Vec::new();
        for effect in effects {
            if dice.one_in(2) {
                let matcher =
                    json!({"mutating": true, "probability": 0.05, "seed": dice.below(1 << 30)});
                rules.push(json!({"match": matcher, "effect": effect}));
            }
        }
        self.request("PUT", "faults", &json!({ "faults": rules }).to_string()).map(drop)
    }

    /// Lets all calls pass.
    pub(crate) fn calm(&self) -> Result<(), Failed> {
        self.request("DELETE", "faults", "").map(drop)
    }

    /// Returns how many calls of the service came so far; 0 while it cannot be asked.
    pub(crate) fn calls(&self) -> u64 {
        let Ok(answer) = self.request("GET", "calls?limit=1", "") else { return 0 };
        answer["calls"].as_array().and_then(|c| c.last()?["number"].as_u64()).unwrap_or(0)
    }

    /// Returns what was created more than once: an object's name or key with the number of times.
    pub(crate) fn doubles(&self) -> Result<Vec<String>, Failed> {
        let answer = self.request("GET", "calls?limit=10000", "")?;
        let mut made: BTreeMap<String, u32> = BTreeMap::new();
        for call in answer["calls"].as_array().into_iter().flatten() {
            let keys: &[&str] = match call["action"].as_str().unwrap_or_default() {
                "CreateNatGateway" | "CreateBandwidthPackage" => &["Name"],
                "CreateForwardEntry" => &["ForwardTableId", "ExternalPort"],
                "CreateSnatEntry" => &["SnatTableId", "SourceCIDR"],
                _ => continue,
            };
            if !call["code"].is_null() || call["replayed"] == true {
                continue;
            }
            let key: Vec<&str> =
                keys.iter().map(|k| call["parameters"][k].as_str().unwrap_or("?")).collect();
            *made.entry(format!("{} {}", call["action"], key.join(" "))).or_default() += 1;
        }
        let doubles = made.into_iter().filter(|(_, times)| *times > 1);
        Ok(doubles.map(|(key, times)| format!("{key}: {times} times")).collect())
    }

    /// Returns the ids of all objects by kind: gateways, packages, DNAT entries, SNAT entries.
    pub(crate) fn ids(&self) -> Result<[Vec<String>; 4], Failed> {
        let world = self.request("GET", "world", "")?;
        Ok(["gateways", "bandwidth_packages", "forward_entries", "snat_entries"].map(|kind| {
            let objects = world[kind].as_array().into_iter().flatten();
            objects.filter_map(|o| Some(o["id"].as_str()?.to_owned())).collect()
        }))
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Result<Value, Failed> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let length = body.len();
        write!(
            stream,
            "{method} /_natform/{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(Failed(format!("{method} {path}: {answer}")));
        }
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &Path, edition: &str, port: u16) -> Result<(Child, u16), Failed> {
    let listen = format!("127.0.0.1:{port}");
    let mut child = Command::new(crate::binary())
        .args(["emulator", "-data", "world.db", "-timing", "timings.json"])
        .args(["-listen", &listen, "-edition", edition])
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
    port.map(|port| (child, port)).ok_or_else(|| Failed(format!("the emulator said `{line}`")))
}
