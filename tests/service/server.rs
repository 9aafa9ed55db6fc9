//! A small HTTP server of the tests' own before an emulator's world.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use natform::api::catalogue::Action;
use natform::api::http::{HttpRequest, HttpResponse};
use natform::api::signature::{
    canonical_query, decode_pairs, percent_encode, sign, string_to_sign,
};
use natform::emulator::{Dump, Emulator, Record};
use natform::environment::{Clock, RealClock};

use crate::manner::{Manner, Names};

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// It is carried out and answered.
    Pass,
    /// It is answered with an error; with true, it is carried out before.
    Fail(u16, &'static str, bool),
    /// It is throttled and may come again after so many milliseconds.
    Throttle(u64),
    /// The connection is closed; with true, the call is carried out before.
    Drop(bool),
    /// The process is killed; with true, the call is carried out before.
    Kill(u32, bool),
}

/// Decides what happens to a call: gets its action, its parameters and its number among all calls
/// that change something (from 1; 0 for those that only read).
type Hook = Box<dyn FnMut(&str, &BTreeMap<String, String>, u64) -> Reaction + Send>;

struct Shared {
    emulator: Emulator,
    manner: Manner,
    names: Mutex<Names>,
    draws: AtomicU64,
    changes: AtomicU64,
    hook: Mutex<Option<Hook>>,
    /// What was found wrong with the world after a call.
    wrong: Mutex<Vec<String>>,
    gate: (Mutex<bool>, Condvar),
}

/// A server that runs until the test ends.
pub(crate) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Server {
    /// Starts one.
    pub(crate) fn start(manner: Manner) -> Self {
        let emulator = Emulator::open(manner.settings(), Arc::new(RealClock)).unwrap();
        emulator
            .with_world(|world, _| {
                let mut dump = world.dump();
                dump.conditions = manner.conditions.clone();
                world.load(dump);
            })
            .unwrap();
        let shared = Arc::new(Shared {
            emulator,
            names: Mutex::default(),
            draws: AtomicU64::new(manner.seed),
            manner,
            changes: AtomicU64::new(0),
            hook: Mutex::new(None),
            wrong: Mutex::default(),
            gate: (Mutex::new(true), Condvar::new()),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { shared, address }
    }

    /// Starts one that behaves as the reference says.
    pub(crate) fn plain() -> Self {
        Self::start(Manner::default())
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets what decides about calls.
    pub(crate) fn hook(
        &self,
        hook: impl FnMut(&str, &BTreeMap<String, String>, u64) -> Reaction + Send + 'static,
    ) {
        *self.shared.hook.lock().unwrap() = Some(Box::new(hook));
        self.shared.changes.store(0, Ordering::SeqCst);
    }

    /// Returns how many calls that change something have come since the last [`Server::hook`].
    pub(crate) fn came(&self) -> u64 {
        self.shared.changes.load(Ordering::SeqCst)
    }

    /// Lets all calls pass again.
    pub(crate) fn unhook(&self) {
        *self.shared.hook.lock().unwrap() = None;
    }

    /// Holds calls that change something back until they are let through.
    pub(crate) fn close_gate(&self) {
        *self.shared.gate.0.lock().unwrap() = false;
    }

    /// Lets calls through.
    pub(crate) fn open_gate(&self) {
        *self.shared.gate.0.lock().unwrap() = true;
        self.shared.gate.1.notify_all();
    }

    /// Returns the world.
    pub(crate) fn world(&self) -> Dump {
        self.shared.emulator.with_world(|world, _| world.dump()).unwrap()
    }

    /// Changes the world behind everybody's back.
    pub(crate) fn meddle(&self, change: impl FnOnce(&mut Dump)) {
        self.shared
            .emulator
            .with_world(|world, _| {
                let mut dump = world.dump();
                change(&mut dump);
                world.load(dump);
            })
            .unwrap();
    }

    /// Calls the service as somebody else; returns the answer.
    pub(crate) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> serde_json::Value {
        let number = self.shared.draws.fetch_add(1, Ordering::SeqCst);
        let now = RealClock.now().iso8601();
        let nonce = format!("somebody-else-{number}");
        let common = [
            ("Action", action),
            ("Version", "2016-04-28"),
            ("Format", "JSON"),
            ("AccessKeyId", "testid"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &now),
        ];
        let all = common.iter().chain(parameters);
        let parameters =
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = signed("GET", &parameters);
        let response = self.shared.emulator.handle(&request).response;
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response.status, 200, "{body}");
        body
    }

    /// Returns the successful calls of an action since the last [`Server::forget`].
    pub(crate) fn calls(&self, action: &str) -> Vec<Record> {
        let calls = self.shared.emulator.calls().into_iter();
        calls.filter(|call| call.action == action && call.code.is_none()).collect()
    }

    /// Returns the names of the successful calls that change something, in order.
    pub(crate) fn changes(&self) -> Vec<String> {
        let calls = self.shared.emulator.calls().into_iter();
        calls
            .filter(|call| call.code.is_none() && changes_something(&call.action))
            .map(|call| call.action)
            .collect()
    }

    /// Returns calls that the world refused, as action and code.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let calls = self.shared.emulator.calls().into_iter();
        calls.filter_map(|call| Some(format!("{} {}", call.action, call.code?))).collect()
    }

    /// Forgets calls.
    pub(crate) fn forget(&self) {
        self.shared.emulator.forget_calls();
    }

    /// Asserts that there never were two objects where one was wanted.
    #[track_caller]
    pub(crate) fn never_wrong(&self) {
        let wrong = self.shared.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Asserts that nothing is left.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        let world = self.world();
        assert!(world.gateways.is_empty(), "{:#?}", world.gateways);
        assert!(world.bandwidth_packages.is_empty(), "{:#?}", world.bandwidth_packages);
        assert!(world.forward_entries.is_empty(), "{:#?}", world.forward_entries);
        assert!(world.snat_entries.is_empty(), "{:#?}", world.snat_entries);
    }
}

fn changes_something(action: &str) -> bool {
    Action::from_name(action).is_some_and(Action::mutates)
}

/// Returns the names that two objects of the world have at a time.
fn doubles(world: &Dump) -> Vec<String> {
    let gateways = world.gateways.iter().map(|g| format!("gateway {}", g.name));
    let packages = world.bandwidth_packages.iter().map(|p| format!("package {}", p.name));
    let forward = world.forward_entries.iter().filter(|e| !e.name.is_empty());
    let forward = forward.map(|e| format!("forward entry {} {}", e.table, e.name));
    let mut seen = std::collections::BTreeSet::new();
    gateways.chain(packages).chain(forward).filter(|name| !seen.insert(name.clone())).collect()
}

fn serve(shared: &Shared, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(request) = receive(&mut reader) {
        let Some(response) = answer(shared, request) else { return };
        let mut head = format!("HTTP/1.1 {} X\r\n", response.status);
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", response.body.len()));
        let sent = writer.write_all(&[head.as_bytes(), &response.body].concat());
        if sent.is_err() {
            return;
        }
    }
}

fn receive(reader: &mut BufReader<TcpStream>) -> Option<HttpRequest> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(HttpRequest { method, target, headers, body })
}

fn draw(shared: &Shared) -> u64 {
    natform::emulator::faults::mix(shared.draws.fetch_add(1, Ordering::SeqCst))
}

/// Answers a request; none closes the connection.
fn answer(shared: &Shared, mut request: HttpRequest) -> Option<HttpResponse> {
    if request.target.starts_with("/_natform") {
        return Some(plain(404, "text/plain", "no such page"));
    }
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let given: BTreeMap<String, String> = decode_pairs(query).unwrap().into_iter().collect();
    let right = sign("testsecret", &string_to_sign(&request.method, &given));
    assert_eq!(given.get("Signature"), Some(&right), "the signature is not right");
    let mut parameters = given;
    if shared.manner.ids.is_some() {
        let names = shared.names.lock().unwrap();
        for value in parameters.values_mut() {
            *value = names.real(value);
        }
    }
    shared.manner.request(&mut parameters);
    parameters.remove("Signature");
    request.target = signed(&request.method, &parameters).target;

    let action = parameters.get("Action").cloned().unwrap_or_default();
    let changing = changes_something(&action);
    let number = if changing { shared.changes.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
    if changing {
        let open = shared.gate.0.lock().unwrap();
        drop(shared.gate.1.wait_while(open, |open| !*open).unwrap());
    }
    std::thread::sleep(shared.manner.slow);
    let reaction = match &mut *shared.hook.lock().unwrap() {
        Some(hook) => hook(&action, &parameters, number),
        None => by_chance(shared, &action),
    };
    match reaction {
        Reaction::Pass => Some(carry_out(shared, &request, changing)),
        Reaction::Fail(status, code, processed) => {
            if processed {
                carry_out(shared, &request, changing);
            }
            Some(failure(shared, status, code))
        }
        Reaction::Throttle(ms) => {
            let mut response = failure(shared, 400, "Throttling.User");
            response.headers.push(("x-acs-retry-after".to_owned(), ms.to_string()));
            Some(response)
        }
        Reaction::Kill(process, processed) => {
            if processed {
                carry_out(shared, &request, changing);
            }
            signal(process, "KILL");
            None
        }
        Reaction::Drop(processed) => {
            if processed {
                carry_out(shared, &request, changing);
            }
            None
        }
    }
}

fn signed(method: &str, parameters: &BTreeMap<String, String>) -> HttpRequest {
    let signature = percent_encode(&sign("testsecret", &string_to_sign(method, parameters)));
    HttpRequest {
        method: method.to_owned(),
        target: format!("/?{}&Signature={signature}", canonical_query(parameters)),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn carry_out(shared: &Shared, request: &HttpRequest, changing: bool) -> HttpResponse {
    let outcome = shared.emulator.handle(request);
    if changing {
        let world = shared.emulator.with_world(|world, _| world.dump()).unwrap();
        shared.wrong.lock().unwrap().extend(doubles(&world));
    }
    let mut response = outcome.response;
    shared.manner.answer(&mut response, &mut || draw(shared));
    if let Some(form) = shared.manner.ids {
        let text = String::from_utf8(response.body).unwrap();
        response.body = shared.names.lock().unwrap().show(form, &text).into_bytes();
    }
    response
}

fn by_chance(shared: &Shared, action: &str) -> Reaction {
    if shared.manner.failing == 0 || draw(shared) % 100 >= shared.manner.failing {
        return Reaction::Pass;
    }
    let busy = match action {
        "CreateForwardEntry" | "ModifyForwardEntry" | "DeleteForwardEntry" => {
            "IncorretForwardEntryStatus"
        }
        "ModifySnatEntry" | "DeleteSnatEntry" => "IncorretSnatEntryStatus",
        _ => "TaskConflict",
    };
    match draw(shared) % 8 {
        0 => Reaction::Fail(500, "InternalError", false),
        1 => Reaction::Fail(500, "InternalError", true),
        2 => Reaction::Drop(false),
        3 => Reaction::Drop(true),
        4 => Reaction::Throttle(200),
        5 => Reaction::Fail(409, "OperationConflict", false),
        6 => Reaction::Fail(503, "ServiceUnavailable", true),
        _ => Reaction::Fail(400, busy, false),
    }
}

fn failure(shared: &Shared, status: u16, code: &str) -> HttpResponse {
    let id = "4C467B38-3910-447D-87BC-AC049166F216";
    if shared.manner.xml {
        let body = format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{id}</RequestId>\
             <HostId>vpc.aliyuncs.com</HostId><Code>{code}</Code><Message>no</Message></Error>"
        );
        return plain(status, "text/xml", &body);
    }
    let body = serde_json::json!({
        "RequestId": id, "HostId": "vpc.aliyuncs.com", "Code": code, "Message": "no",
    });
    plain(status, "application/json", &body.to_string())
}

fn plain(status: u16, kind: &str, body: &str) -> HttpResponse {
    let headers = vec![("content-type".to_owned(), kind.to_owned())];
    HttpResponse { status, headers, body: body.as_bytes().to_vec() }
}

/// Waits until something is so, for a quarter of a minute at most.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come");
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let mut kill = std::process::Command::new("kill");
    kill.args([format!("-{name}"), process.to_string()]).status().unwrap();
}
