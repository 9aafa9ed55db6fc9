//! The way of a request through the world: decoding, faults, authentication, tokens, the action.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::api::catalogue::Edition;
use crate::api::catalogue::{Action, VERSION};
use crate::api::http::{HttpRequest, HttpResponse};
use crate::emulator::answer::{self, Format};
use crate::emulator::authentication::{authenticate, without_secrets};
use crate::emulator::errors::{Refusal, Unlisted, missing_message};
use crate::emulator::errors_2019::{self, in_edition_2019};
use crate::emulator::faults::{DropWhen, Effect, FaultError, Throttle};
use crate::emulator::outcome::{Delivery, Outcome, Record};
use crate::emulator::request::Arrival;
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::model::Token;
use crate::emulator::world::network::Region;
use crate::environment::Timestamp;

/// A success: the id of the request that brought it, its fields, and whether it is an earlier one.
struct Success {
    request_id: String,
    body: Map<String, Value>,
    replayed: bool,
}

impl World {
    /// Answers a request that comes when the clock shows `now`.
    pub fn handle(&mut self, now: Timestamp, request: &HttpRequest) -> Outcome {
        self.requests += 1;
        self.ripen(self.time_at(now));
        self.settle_lag();
        let arrival = Arrival::of(request);
        let edition = self.settings.edition;
        let format = arrival.format(request, edition);
        let name = arrival.action_name(request).unwrap_or("").to_owned();
        let action = Action::from_name(&name).filter(|a| a.exists_in(edition));
        let request_id = self.uuid(&[
            &self.requests.to_be_bytes(),
            &now.0.to_be_bytes(),
            request.target.as_bytes(),
            request.header("x-acs-signature-nonce").unwrap_or("").as_bytes(),
            &request.body,
        ]);
        let (parameters, unknown_parameters) = match action {
            Some(action) => arrival.business(action, edition),
            None => (without_secrets(&arrival.parameters), Vec::new()),
        };
        let fault = self.faults.decide(&name, action.is_none_or(Action::mutates), &parameters);
        let (fault, effect) = fault.map_or((None, Effect::default()), |(n, e)| (Some(n), e));
        let before =
            effect.throttle.as_ref().map(throttled).or_else(|| {
                effect.error.as_ref().filter(|e| !e.processed).map(|e| faulty(action, e))
            });
        let dropped = effect.drop == Some(DropWhen::Before);
        let mut answer = match before {
            Some(refusal) => Err(refusal),
            None if dropped => Err(unavailable()),
            None => self.answer(now, request, &arrival, action, &parameters, &request_id),
        };
        if let Some(error) = effect.error.as_ref().filter(|e| e.processed) {
            answer = Err(faulty(action, error));
        }
        if edition == Edition::V2019_07_19 {
            answer = answer.map_err(|refusal| in_edition_2019(action, refusal));
        }
        let record = Record {
            number: self.requests,
            at: now,
            method: request.method.clone(),
            action: name,
            parameters,
            unknown_parameters,
            status: answer.as_ref().map_or_else(|r| r.status, |_| 200),
            code: answer.as_ref().err().map(|r| r.code.to_string()),
            request_id: answer.as_ref().map_or(&request_id, |s| &s.request_id).clone(),
            replayed: answer.as_ref().is_ok_and(|s| s.replayed),
            fault,
            lost: false,
            answer: String::new(),
        };
        let response = write(answer, &record.action, format, &request_id, &arrival.host);
        deliver(response, &effect, record)
    }

    /// Authenticates and carries out a request.
    fn answer(
        &mut self,
        now: Timestamp,
        request: &HttpRequest,
        arrival: &Arrival,
        action: Option<Action>,
        parameters: &BTreeMap<String, String>,
        request_id: &str,
    ) -> Result<Success, Refusal> {
        check_shape(request, arrival)?;
        let action = action.ok_or_else(|| {
            Refusal::new(
                404,
                "InvalidAction.NotFound",
                "Specified api is not found, please check your url and method.",
            )
        })?;
        if let Some(wait) = self.faults.take(now, action.name()) {
            return Err(throttled(&Throttle { retry_after_ms: Some(wait), ..Throttle::default() }));
        }
        let settings = self.settings.clone();
        let account = authenticate(&settings.accounts, &mut self.nonces, now, request, arrival)?;
        if account.denied_actions.contains(action.name()) {
            return Err(Refusal::unlisted(Unlisted::NotAuthorized));
        }
        let call = self.call(action, parameters)?;
        if let Some(Token { request_id, answer: body, .. }) = self.replay(&call)? {
            return Ok(Success { request_id, body, replayed: true });
        }
        let body = match self.act(&call)? {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        self.remember(&call, request_id, &body);
        Ok(Success { request_id: request_id.to_owned(), body, replayed: false })
    }

    /// Checks what all actions have in common: mandatory parameters and the region.
    fn call(&self, action: Action, parameters: &BTreeMap<String, String>) -> Result<Call, Refusal> {
        let edition = self.settings.edition;
        let absent = action
            .parameters()
            .iter()
            .filter(|p| p.required_in(edition) && !p.name.contains(".N"))
            .filter(|p| !(action == Action::UpdateNatGatewayNatType && p.name == "VSwitchId"))
            .find(|p| !parameters.contains_key(p.name));
        if let Some(absent) = absent {
            return Err(Refusal::missing(Some(action), absent.name));
        }
        let region = parameters
            .get("RegionId")
            .and_then(|id| Region::find(id))
            .ok_or_else(|| Refusal::listed(action, "InvalidRegionId.NotFound"))?;
        Ok(Call { action, edition, now: self.time, region, parameters: parameters.clone() })
    }

    fn act(&mut self, call: &Call) -> Result<Value, Refusal> {
        match call.action {
            Action::CreateNatGateway => self.create_gateway(call),
            Action::ModifyNatGatewayAttribute => self.modify_gateway_attribute(call),
            Action::ListEnhancedNatGatewayAvailableZones => Ok(self.list_enhanced_zones(call)),
            Action::UpdateNatGatewayNatType => self.update_nat_type(call),
            Action::GetNatGatewayConvertStatus => self.convert_status(call),
            Action::ModifyNatGatewaySpec => self.modify_gateway_spec(call),
            Action::DescribeNatGateways => self.describe_gateways(call),
            Action::DeleteNatGateway => self.delete_gateway(call),
            Action::CreateForwardEntry => self.create_forward_entry(call),
            Action::ModifyForwardEntry => self.modify_forward_entry(call),
            Action::DescribeForwardTableEntries => self.describe_forward_entries(call),
            Action::DeleteForwardEntry => self.delete_forward_entry(call),
            Action::CreateSnatEntry => self.create_snat_entry(call),
            Action::ModifySnatEntry => self.modify_snat_entry(call),
            Action::DescribeSnatTableEntries => self.describe_snat_entries(call),
            Action::DeleteSnatEntry => self.delete_snat_entry(call),
            Action::CreateBandwidthPackage => self.create_package(call),
            Action::DescribeBandwidthPackages => self.describe_packages(call),
            Action::ModifyBandwidthPackageAttribute => self.modify_package_attribute(call),
            Action::ModifyBandwidthPackageSpec => self.modify_package_spec(call),
            Action::AddBandwidthPackageIps => self.add_package_ips(call),
            Action::RemoveBandwidthPackageIps => self.remove_package_ips(call),
            Action::DeleteBandwidthPackage => self.delete_package(call),
            Action::ConvertBandwidthPackage => self.convert_package(call),
        }
    }
}

/// Checks method, path, version and that an action is named.
fn check_shape(request: &HttpRequest, arrival: &Arrival) -> Result<(), Refusal> {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        return Err(Refusal::new(
            405,
            "UnsupportedHTTPMethod",
            "This http method is not supported.",
        ));
    }
    let named = arrival.action_name(request).is_some();
    if !named || !matches!(arrival.path.as_str(), "" | "/") {
        return Err(if named {
            Refusal::new(
                404,
                "InvalidAction.NotFound",
                "Specified api is not found, please check your url and method.",
            )
        } else {
            Refusal::new(400, "MissingParameter", missing_message("Action"))
        });
    }
    match arrival.version(request) {
        Some(VERSION) => Ok(()),
        Some(_) => {
            Err(Refusal::new(400, "InvalidVersion", "Specified parameter Version is not valid."))
        }
        None => Err(Refusal::new(400, "MissingParameter", missing_message("Version"))),
    }
}

fn throttled(throttle: &Throttle) -> Refusal {
    let code = throttle.code.clone().unwrap_or_else(|| "Throttling.User".to_owned());
    let status = throttle.http.filter(|s| valid_status(*s)).unwrap_or(400);
    let mut refusal = Refusal::new(status, code, "Request was denied due to user flow control.");
    refusal.retry_after_ms = throttle.retry_after_ms;
    refusal
}

fn valid_status(status: u16) -> bool {
    (200..=599).contains(&status)
}

fn unavailable() -> Refusal {
    Refusal::new(
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
    )
}

/// Returns the error that a fault wants, filled up from what goes with its code or status.
fn faulty(action: Option<Action>, error: &FaultError) -> Refusal {
    let known = match (&error.code, error.http) {
        (Some(code), _) => {
            let listed = action.map(|a| Refusal::listed(a, code));
            let unlisted = Unlisted::ALL.into_iter().map(Refusal::unlisted);
            let older = || action.and_then(|action| errors_2019::listed(action, code));
            let known = listed.filter(|r| r.message != r.code).or_else(older);
            known.or_else(|| unlisted.into_iter().find(|r| r.code == *code)).unwrap_or_else(|| {
                Refusal::new(
                    400,
                    code.clone(),
                    "The request is refused by a fault of the emulator.",
                )
            })
        }
        (None, Some(503)) => unavailable(),
        (None, _) => Refusal::listed(Action::CreateForwardEntry, "InternalServerError"),
    };
    Refusal {
        status: error.http.filter(|s| valid_status(*s)).unwrap_or(known.status),
        message: error.message.clone().map_or(known.message, Into::into),
        ..known
    }
}

fn write(
    answer: Result<Success, Refusal>,
    action: &str,
    format: Format,
    request_id: &str,
    host: &str,
) -> HttpResponse {
    match answer {
        Ok(mut success) => {
            // The reference's two samples of this answer spell its field differently.
            if let (Format::Xml, Some(id)) =
                (format, success.body.get("ConvertInstanceId").cloned())
            {
                success.body.clear();
                success.body.insert("ConvertInstanceid".to_owned(), id);
            }
            // The live service misspells this action and answers it with a flat list.
            if let ("ListEnhanhcedNatGatewayAvailableZones", Some(zones)) =
                (action, success.body.get("Zones").map(|z| z["Zone"].clone()))
            {
                success.body.insert("Zones".to_owned(), zones);
            }
            answer::success(format, action, &success.request_id, success.body)
        }
        Err(refusal) => {
            let host = if host.is_empty() { "vpc.aliyuncs.com" } else { host };
            answer::error(format, &refusal, request_id, host)
        }
    }
}

/// Says how an answer is delivered under the effect of a fault.
fn deliver(mut response: HttpResponse, effect: &Effect, mut record: Record) -> Outcome {
    if effect.garbage {
        response.body = b"\x00\xff<{\"garbage\" \xc3\x28 ]>".to_vec();
    }
    let delivery = match (effect.drop, effect.truncate) {
        (Some(_), _) => Delivery::Nothing,
        (None, Some(bytes)) => Delivery::Truncated(bytes),
        (None, None) if effect.stall => Delivery::Stalled,
        (None, None) => Delivery::Whole,
    };
    record.lost = effect.garbage || delivery != Delivery::Whole;
    Outcome {
        response,
        delivery,
        delay: Duration::from_millis(effect.delay_ms.unwrap_or(0)),
        record: Some(record),
    }
}
