//! Requests as the emulator understands them: decoded from query, form body and headers.

use std::collections::BTreeMap;

use crate::api::catalogue::{Action, Edition};
use crate::api::http::HttpRequest;
use crate::api::signature::{ACS3, decode_pairs};
use crate::emulator::answer::Format;

/// A decoded request.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Path without query.
    pub path: String,
    /// Parameters of the query alone.
    pub query: BTreeMap<String, String>,
    /// Parameters of query and form body.
    pub parameters: BTreeMap<String, String>,
    /// Value of the `host` header, or empty.
    pub host: String,
    /// Whether it is signed in the header rather than in the parameters.
    pub header_signed: bool,
    /// Whether query and body could be decoded.
    pub decodable: bool,
}

impl Arrival {
    /// Decodes a request, as far as it can be.
    pub fn of(request: &HttpRequest) -> Self {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        // A fragment never belongs to a request; clients that send one mean the part before it.
        let query = query.split('#').next().unwrap_or("");
        let query_pairs = decode_pairs(query);
        let form = request.header("content-type").unwrap_or(FORM);
        let form_pairs = if form.trim_start().to_ascii_lowercase().starts_with(FORM) {
            std::str::from_utf8(&request.body).ok().and_then(decode_pairs)
        } else {
            Some(Vec::new())
        };
        let decodable = query_pairs.is_some() && form_pairs.is_some();
        let query: BTreeMap<_, _> = query_pairs.unwrap_or_default().into_iter().collect();
        let mut parameters = query.clone();
        parameters.extend(form_pairs.unwrap_or_default());
        let authorization = request.header("authorization").unwrap_or("");
        Self {
            path: path.to_owned(),
            query,
            parameters,
            host: request.header("host").unwrap_or("").to_owned(),
            header_signed: authorization.trim_start().starts_with(ACS3),
            decodable,
        }
    }

    /// Returns a parameter that is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|t| !t.is_empty())
    }

    /// Returns the action's name, from the parameters or the header.
    pub fn action_name<'a>(&'a self, request: &'a HttpRequest) -> Option<&'a str> {
        self.text("Action").or_else(|| request.header("x-acs-action").filter(|t| !t.is_empty()))
    }

    /// Returns the version, from the parameters or the header.
    pub fn version<'a>(&'a self, request: &'a HttpRequest) -> Option<&'a str> {
        self.text("Version").or_else(|| request.header("x-acs-version").filter(|t| !t.is_empty()))
    }

    /// Returns the format to answer in.
    pub fn format(&self, request: &HttpRequest, edition: Edition) -> Format {
        match self.text("Format") {
            Some(text) if text.eq_ignore_ascii_case("json") => Format::Json,
            Some(text) if text.eq_ignore_ascii_case("xml") => Format::Xml,
            // Clients that sign in the header name no format and read JSON, unless they say otherwise.
            _ if self.header_signed => {
                let accept = request.header("accept").unwrap_or("");
                if accept.contains("xml") && !accept.contains("json") {
                    Format::Xml
                } else {
                    Format::Json
                }
            }
            _ => match edition {
                Edition::V2019_07_19 => Format::Xml,
                Edition::V2020_09_25 => Format::Json,
            },
        }
    }

    /// Splits the parameters into those that the action takes in the edition, without empty ones, and
    /// the names of those that nobody knows.
    pub fn business(
        &self,
        action: Action,
        edition: Edition,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let mut known = BTreeMap::new();
        let mut unknown = Vec::new();
        for (name, value) in &self.parameters {
            if COMMON.contains(&name.as_str()) {
                continue;
            }
            // The older edition's table spells this one parameter otherwise than its own example.
            let name = match (action, name.as_str()) {
                (Action::ModifyBandwidthPackageSpec, "BandWidth") => "Bandwidth",
                (_, name) => name,
            };
            // Clients older than the edition still create packages together with a gateway.
            let legacy =
                action == Action::CreateNatGateway && name.starts_with("BandwidthPackage.");
            let taken = action.parameter(name).is_some_and(|p| legacy || p.exists_in(edition));
            if !taken {
                unknown.push(name.to_owned());
            } else if !value.is_empty() {
                known.insert(name.to_owned(), value.clone());
            }
        }
        (known, unknown)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters common to all actions.
const COMMON: [&str; 12] = [
    "Action",
    "Format",
    "Version",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Timestamp",
    "TimeStamp",
    "SecurityToken",
];
