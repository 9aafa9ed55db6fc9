//! The network between natform and the service: requests and answers take their time, get lost, come
//! twice. What is on its way arrives also when the process that sent it is dead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use natform::api::catalogue::Action;
use natform::api::http::{BoxFuture, HttpRequest, Transport, TransportError};
use natform::api::signature::{
    canonical_query, decode_pairs, percent_encode, sign, string_to_sign,
};
use natform::emulator::Delivery as Fate;
use natform::environment::Clock;
use natform::rehearsal::{Slot, Waiting};

use crate::sim::{Answer, Event, Sim};

/// Who a request is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// natform.
    Natform,
    /// The network, which delivers what natform sent once more.
    Copy,
    /// The network, long after.
    LateCopy,
    /// Somebody at the console.
    Console,
}

/// A request on its way.
pub(crate) struct Delivery {
    pub(crate) request: HttpRequest,
    pub(crate) action: Option<Action>,
    pub(crate) from: From,
    /// Where the answer goes; none when it is lost or nobody waits for it.
    answer: Option<Arc<Slot<Answer>>>,
}

const SECRET: &str = "testsecret";

/// Carries requests in virtual time.
pub(crate) struct Network(pub(crate) Arc<Sim>);

impl Transport for Network {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let slot = Slot::new();
            self.0.dispatch(request, &slot);
            Waiting(slot).await
        })
    }
}

/// Returns the parameters in a request's target.
fn parameters(request: &HttpRequest) -> BTreeMap<String, String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    decode_pairs(query).unwrap_or_default().into_iter().collect()
}

/// Returns a signed request of these parameters, with a nonce and time of its own.
fn signed(mut parameters: BTreeMap<String, String>, nonce: u64, time: String) -> HttpRequest {
    parameters.remove("Signature");
    parameters.insert("SignatureNonce".to_owned(), format!("{nonce:032x}"));
    parameters.insert("Timestamp".to_owned(), time);
    let signature = sign(SECRET, &string_to_sign("GET", &parameters));
    let query = canonical_query(&parameters);
    HttpRequest {
        method: "GET".to_owned(),
        target: format!("/?{query}&Signature={}", percent_encode(&signature)),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn no_answer(why: &str) -> Answer {
    Err(TransportError::NoAnswer { host: "emulator".to_owned(), why: why.to_owned() })
}

impl Sim {
    fn latency(&self) -> Duration {
        let most = self.manner.latency_ms;
        let ms = self.draw(|dice| match dice.below(20) {
            // The tail of a real network's latencies.
            0 => dice.between(0, 900.min(most * 20)),
            _ => dice.between(0, most),
        });
        Duration::from_millis(ms)
    }

    /// Decides what becomes of a request.
    fn dispatch(self: &Arc<Self>, request: HttpRequest, slot: &Arc<Slot<Answer>>) {
        let manner = self.manner;
        let parameters = parameters(&request);
        let action = parameters.get("Action").and_then(|name| Action::from_name(name));
        let mutates = action.is_some_and(Action::mutates);
        let latency = self.latency();
        let answer = |answer| Event::Answer(Arc::clone(slot), Box::new(answer));
        let silent = self.draw(|dice| dice.below(4) == 0);
        if self.draw(|dice| dice.chance(manner.refused)) {
            self.count("fault: connection refused");
            let why = "connection refused".to_owned();
            let error = TransportError::NotSent { host: "emulator".to_owned(), why };
            return self.later(latency, answer(Err(error)));
        }
        if self.draw(|dice| dice.chance(manner.request_lost)) {
            self.count("fault: request lost");
            if silent {
                return self.count("fault: never answered");
            }
            return self.later(latency, answer(no_answer("reset")));
        }
        let mut delivery =
            Delivery { request, action, from: From::Natform, answer: Some(Arc::clone(slot)) };
        if mutates && parameters.contains_key("ClientToken") {
            if self.draw(|dice| dice.chance(manner.twice)) {
                self.count("fault: delivered twice");
                let ms = self.draw(|dice| dice.between(0, 900));
                self.copy(&parameters, action, From::Copy, Duration::from_millis(ms));
            }
        } else if mutates && self.draw(|dice| dice.chance(manner.late_copies)) {
            self.count("outsider: late copy");
            let ms = self.draw(|dice| dice.between(1_000, 60_000));
            self.copy(&parameters, action, From::LateCopy, Duration::from_millis(ms));
        }
        if self.draw(|dice| dice.chance(manner.answer_lost)) {
            self.count("fault: answer lost");
            delivery.answer = None;
            if silent {
                self.count("fault: never answered");
            } else {
                let back = latency + self.latency();
                self.later(back, answer(no_answer("reset")));
            }
        }
        self.later(latency, Event::Arrive(Box::new(delivery)));
    }

    /// Delivers a request once more, `after` from now.
    fn copy(
        &self,
        parameters: &BTreeMap<String, String>,
        action: Option<Action>,
        from: From,
        after: Duration,
    ) {
        let nonce = self.draw(super::dice::Dice::next);
        let time = self.clock.now().iso8601();
        let request = signed(parameters.clone(), nonce, time);
        let delivery = Delivery { request, action, from, answer: None };
        self.later(after, Event::Arrive(Box::new(delivery)));
    }

    /// Has somebody at the console call an action after `after`.
    pub(crate) fn console(&self, action: Action, own: &[(&str, String)], after: Duration) {
        let mut parameters: BTreeMap<String, String> = [
            ("Action", action.name()),
            ("Version", natform::api::catalogue::VERSION),
            ("Format", "JSON"),
            ("AccessKeyId", "testid"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("RegionId", self.region),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        parameters.extend(own.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.count("outsider: console");
        self.copy(&parameters, Some(action), From::Console, after);
    }

    /// Lets the service answer a request.
    pub(crate) fn arrive(self: &Arc<Self>, delivery: Delivery) {
        let outcome = self.emulator.handle(&delivery.request);
        if let Some(record) = &outcome.record {
            if let Some(fault) = &record.fault {
                self.count(format!("fault: {fault}"));
            }
            self.note(|| {
                let shown: Vec<String> = record
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!(
                    "{:?} {} {} -> {} {} {}",
                    delivery.from,
                    record.action,
                    shown.join(" "),
                    record.status,
                    record.code.as_deref().unwrap_or(""),
                    record.fault.as_deref().unwrap_or("")
                )
            });
            if delivery.action.is_some_and(|action| !action.mutates())
                && self.clock.now().since(self.ledger.lock().unwrap().last_write) < self.read_lag
            {
                self.count("fault: stale read");
            }
            if delivery.action.is_some_and(Action::mutates) {
                self.took_effect(&delivery, record);
            }
        }
        let Some(slot) = delivery.answer else { return };
        let answer: Answer = match outcome.delivery {
            Fate::Whole => Ok(outcome.response),
            Fate::Nothing => no_answer("closed"),
            Fate::Truncated(_) => no_answer("cut off"),
            Fate::Stalled => return,
        };
        let back = self.latency() + outcome.delay;
        self.later(back, Event::Answer(slot, Box::new(answer)));
    }
}
