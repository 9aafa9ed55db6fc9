//! A small service in virtual time: gateways and DNAT entries, tokens, lag, faults.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::catalogue::{Action, Edition};
use crate::api::error::ApiError;
use crate::api::http::BoxFuture;
use crate::apply::interrupt::Interrupter;
use crate::apply::service::Service;
use crate::environment::{Clock, ManualClock, Timestamp};
use crate::refresh::{Reading, Sent};
use crate::resources::{Listing, Object, ReadScope};
use crate::value::Value;

/// What happens to one call instead of the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not arrive; the client does not know.
    Lost,
    /// Its answer does not arrive.
    Unanswered,
    /// 500 after the effect.
    Fails,
    /// It cannot be sent.
    NotSent,
    Throttled,
    /// Refused with this code, without effect.
    Refused(&'static str),
    /// The process dies: no answer ever comes. With the effect or without.
    Killed(bool),
}

#[derive(Debug, Clone)]
struct Thing {
    scope: ReadScope,
    /// The attributes with the times from which they hold.
    versions: Vec<(Timestamp, Object)>,
    ready_at: Timestamp,
    /// When a delete was accepted, and when it is gone.
    deleted: Option<(Timestamp, Timestamp)>,
}

impl Thing {
    fn busy(&self, now: Timestamp) -> bool {
        self.deleted.is_none() && now < self.ready_at
    }

    fn exists(&self, now: Timestamp) -> bool {
        self.deleted.is_none_or(|(_, gone)| now < gone)
    }

    fn row(&self, at: Timestamp) -> Option<Object> {
        let (_, object) = self.versions.iter().rev().find(|(from, _)| *from <= at)?;
        if !self.exists(at) {
            return None;
        }
        let mut object = object.clone();
        let status = match self.deleted {
            Some((from, _)) if from <= at => "Deleting",
            _ if at < self.ready_at => "Pending",
            _ => "Available",
        };
        object.set("status", Value::from(status));
        Some(object)
    }
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// How long a change takes.
    pub(super) takes: Duration,
    pub(super) lag: Duration,
    pub(super) edition: Edition,
    /// Faults by the number of the mutating call, from 0.
    pub(super) faults: BTreeMap<usize, Fault>,
    /// Whether deletes also keep a table busy, against the documents.
    pub(super) strict: bool,
    /// Nothing that is made ever becomes ready.
    pub(super) stuck: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            takes: Duration::from_secs(1),
            lag: Duration::ZERO,
            edition: Edition::V2020_09_25,
            faults: BTreeMap::new(),
            strict: false,
            stuck: false,
        }
    }
}

#[derive(Default)]
struct Inner {
    things: BTreeMap<String, Thing>,
    tokens: BTreeMap<String, (String, serde_json::Value)>,
    sent: Vec<(Timestamp, Call)>,
    reads: usize,
    made: usize,
}

pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) manner: Mutex<Manner>,
    pub(super) interrupter: Mutex<Option<Interrupter>>,
    inner: Mutex<Inner>,
}

type Refusal = (u16, &'static str, &'static str);

impl World {
    pub(super) fn new(manner: Manner) -> Self {
        Self {
            clock: ManualClock::at(Timestamp(1_000_000)),
            manner: Mutex::new(manner),
            interrupter: Mutex::new(None),
            inner: Mutex::new(Inner::default()),
        }
    }

    pub(super) fn manner(&self) -> Manner {
        self.manner.lock().unwrap().clone()
    }

    /// Returns the ids of all that exists, with their objects.
    pub(super) fn things(&self) -> BTreeMap<String, Object> {
        let now = self.clock.now();
        let inner = self.inner.lock().unwrap();
        inner.things.iter().filter_map(|(id, t)| Some((id.clone(), t.row(now)?))).collect()
    }

    pub(super) fn sent(&self) -> Vec<Call> {
        self.inner.lock().unwrap().sent.iter().map(|(_, call)| call.clone()).collect()
    }

    pub(super) fn actions(&self) -> Vec<Action> {
        self.sent().iter().map(|call| call.action).collect()
    }

    pub(super) fn reads(&self) -> usize {
        self.inner.lock().unwrap().reads
    }

    /// Deletes something behind natform's back.
    pub(super) fn vanish(&self, id: &str) {
        self.inner.lock().unwrap().things.remove(id);
    }

    /// Makes something behind natform's back and returns its id.
    pub(super) fn plant(&self, call: &Call) -> String {
        let mut inner = self.inner.lock().unwrap();
        let body = self.carry_out(&mut inner, call).unwrap();
        ["NatGatewayId", "ForwardEntryId"]
            .iter()
            .find_map(|n| body.get(n)?.as_str().map(str::to_owned))
            .unwrap()
    }

    fn carry_out(&self, inner: &mut Inner, call: &Call) -> Result<serde_json::Value, Refusal> {
        let now = self.clock.now();
        let manner = self.manner();
        let ready_at = if manner.stuck { Timestamp(i64::MAX) } else { now.after(manner.takes) };
        let text = |name: &str| call.parameter(name).unwrap_or_default().to_owned();
        let busy = (400, "IncorretForwardEntryStatus", "some entry status blocked this operation");
        let table = text("ForwardTableId");
        let blocked = |inner: &Inner, strict: bool| {
            inner.things.values().any(|t| {
                matches!(&t.scope, ReadScope::ForwardEntries { table: of, .. } if *of == table)
                    && t.exists(now)
                    && (t.busy(now) || (strict && t.deleted.is_some()))
            })
        };
        let entry = |id: &str| {
            let fields = [
                ("id", id.to_owned()),
                ("forward_table_id", text("ForwardTableId")),
                ("external_ip", text("ExternalIp")),
                ("external_port", text("ExternalPort")),
                ("internal_ip", text("InternalIp")),
                ("internal_port", text("InternalPort")),
                ("ip_protocol", text("IpProtocol").to_lowercase()),
            ];
            fields.into_iter().map(|(n, v)| (n.into(), Value::from(v.as_str()))).collect::<Object>()
        };
        match call.action {
            Action::CreateNatGateway => {
                inner.made += 1;
                let id = format!("ngw-{}", inner.made);
                let mut object: Object = [
                    ("id", id.clone()),
                    ("vpc_id", text("VpcId")),
                    ("name", text("Name")),
                    ("forward_table_id", format!("ftb-{}", inner.made)),
                ]
                .into_iter()
                .map(|(n, v)| (n.into(), Value::from(v.as_str())))
                .collect();
                object.set("spec", Value::from("Small"));
                let scope = ReadScope::Gateways { region: text("RegionId") };
                let versions = vec![(now, object)];
                inner.things.insert(id.clone(), Thing { scope, versions, ready_at, deleted: None });
                let tables = json!({"ForwardTableId": [format!("ftb-{}", inner.made)]});
                Ok(json!({"NatGatewayId": id, "ForwardTableIds": tables}))
            }
            Action::CreateForwardEntry => {
                if blocked(inner, manner.strict) {
                    return Err(busy);
                }
                let taken = inner.things.values().filter(|t| t.exists(now)).any(|t| {
                    t.row(now).is_some_and(|o| {
                        o.text("forward_table_id") == Some(&text("ForwardTableId"))
                            && o.text("external_port") == Some(&text("ExternalPort"))
                    })
                });
                if taken {
                    return Err((400, "InvalidExternalPort.Duplicate", "the port is taken"));
                }
                inner.made += 1;
                let id = format!("fwd-{}", inner.made);
                let scope = ReadScope::ForwardEntries { region: text("RegionId"), table };
                let versions = vec![(now, entry(&id))];
                inner.things.insert(id.clone(), Thing { scope, versions, ready_at, deleted: None });
                Ok(json!({"ForwardEntryId": id}))
            }
            Action::ModifyForwardEntry => {
                let id = text("ForwardEntryId");
                if blocked(inner, manner.strict) {
                    return Err(busy);
                }
                match inner.things.get_mut(&id).filter(|t| t.exists(now)) {
                    None => Err(busy),
                    Some(thing) => {
                        thing.versions.push((now, entry(&id)));
                        thing.ready_at = ready_at;
                        Ok(json!({}))
                    }
                }
            }
            Action::DeleteForwardEntry => {
                if blocked(inner, manner.strict) {
                    return Err(busy);
                }
                Self::delete(inner, &text("ForwardEntryId"), now, ready_at, busy)
            }
            Action::DeleteNatGateway => {
                let gone = (404, "InvalidNatGatewayId.NotFound", "not found");
                Self::delete(inner, &text("NatGatewayId"), now, ready_at, gone)
            }
            _ => Err((400, "UnsupportedOperation", "not in this world")),
        }
    }

    fn delete(
        inner: &mut Inner,
        id: &str,
        now: Timestamp,
        gone_at: Timestamp,
        missing: Refusal,
    ) -> Result<serde_json::Value, Refusal> {
        match inner.things.get_mut(id).filter(|t| t.exists(now)) {
            Some(thing) if thing.deleted.is_none() => {
                thing.deleted = Some((now, gone_at));
                Ok(json!({}))
            }
            _ => Err(missing),
        }
    }

    /// Carries out a call once for each token.
    fn handle(&self, inner: &mut Inner, call: &Call) -> Result<serde_json::Value, Refusal> {
        let token = call.token().filter(|_| call.action.takes_token(self.manner().edition));
        if let Some((digest, body)) = token.and_then(|token| inner.tokens.get(token)) {
            return if *digest == call.digest() {
                Ok(body.clone())
            } else {
                Err((400, "IdempotentParameterMismatch", "other parameters"))
            };
        }
        let body = self.carry_out(inner, call)?;
        if let Some(token) = token {
            inner.tokens.insert(token.to_owned(), (call.digest(), body.clone()));
        }
        Ok(body)
    }

    fn answer(&self, call: &Call) -> Option<Result<Answer, ApiError>> {
        let mut inner = self.inner.lock().unwrap();
        let number = inner.sent.len();
        inner.sent.push((self.clock.now(), call.clone()));
        let action = call.action;
        let manner = self.manner();
        let fault = manner.faults.get(&number).copied();
        let outcome = match fault {
            Some(Fault::Lost) => return Some(Err(ApiError::no_answer(action, "timed out"))),
            Some(Fault::NotSent) => return Some(Err(ApiError::not_sent(action, "no route"))),
            Some(Fault::Throttled) => Err((400, "Throttling.User", "slow down")),
            Some(Fault::Refused(code)) => {
                Err((if code == "OperationConflict" { 409 } else { 400 }, code, ""))
            }
            Some(Fault::Killed(false)) => return None,
            _ => self.handle(&mut inner, call),
        };
        match fault {
            Some(Fault::Killed(true)) => return None,
            Some(Fault::Unanswered) => {
                return Some(Err(ApiError::no_answer(action, "connection reset")));
            }
            Some(Fault::Fails) => {
                return Some(Err(ApiError::answered(action, 500, "InternalError", "", "r-500")));
            }
            _ => {}
        }
        let request_id = format!("r-{number}");
        Some(match outcome {
            Ok(body) => Ok(Answer { body, request_id, status: 200 }),
            Err((status, code, message)) => {
                Err(ApiError::answered(action, status, code, message, &request_id))
            }
        })
    }

    fn read(&self, scope: &ReadScope, id: Option<&str>) -> Reading {
        let mut inner = self.inner.lock().unwrap();
        inner.reads += 1;
        let lag = i64::try_from(self.manner().lag.as_millis()).unwrap();
        let at = Timestamp(self.clock.now().0 - lag);
        let rows = inner
            .things
            .iter()
            .filter(|(name, thing)| thing.scope == *scope && id.is_none_or(|id| id == **name))
            .filter_map(|(id, thing)| Some((id.clone(), thing.row(at)?)));
        Reading { listing: Listing::Rows(rows.collect()), sent: Sent::at(self.clock.now()) }
    }
}

impl Service for World {
    fn send<'a>(&'a self, _: &'a str, call: &'a Call) -> BoxFuture<'a, Result<Answer, ApiError>> {
        Box::pin(async move {
            if let Some(answer) = self.answer(call) {
                return answer;
            }
            if let Some(interrupter) = &*self.interrupter.lock().unwrap() {
                interrupter.raise();
                interrupter.raise();
            }
            std::future::pending().await
        })
    }

    fn list<'a>(&'a self, _: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Reading> {
        Box::pin(async move { self.read(scope, None) })
    }

    fn single<'a>(
        &'a self,
        _: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Reading> {
        Box::pin(async move { self.read(scope, Some(id)) })
    }

    fn takes_token(&self, _: &str, action: Action) -> bool {
        action.takes_token(self.manner().edition)
    }
}
