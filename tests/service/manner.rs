//! How a server differs from ours: what is done to a request before the world sees it, and to its
//! answer before the client does.

use std::collections::BTreeMap;
use std::time::Duration;

use natform::api::catalogue::Edition;
use natform::api::http::HttpResponse;
use natform::emulator::world::conditions::Conditions;
use natform::emulator::{Settings, Timings};
use serde_json::{Map, Value, json};

/// The form of a server's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    Upper,
    Uuid,
    Number,
}

/// How a server behaves.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) edition: Edition,
    pub(crate) timings: Timings,
    pub(crate) read_lag_ms: u64,
    pub(crate) conditions: Conditions,
    /// Lists come in another order each time.
    pub(crate) shuffled: bool,
    /// Pages have at most so many rows.
    pub(crate) page: Option<u64>,
    pub(crate) ids: Option<Ids>,
    /// Numbers and booleans are texts, and texts of digits are numbers.
    pub(crate) scalars_swapped: bool,
    /// Names start in lower case.
    pub(crate) lower_camel: bool,
    /// Lists are flat.
    pub(crate) flat: bool,
    /// Objects have members that nobody has heard of.
    pub(crate) unknown_fields: bool,
    /// Members that are left out, at any depth.
    pub(crate) left_out: Vec<&'static str>,
    /// Other words for statuses.
    pub(crate) statuses: BTreeMap<&'static str, &'static str>,
    /// Answers are XML, whatever was asked for.
    pub(crate) xml: bool,
    /// Part of the calls that fail, in percent.
    pub(crate) failing: u64,
    /// Where chance begins.
    pub(crate) seed: u64,
    /// How long each answer takes.
    pub(crate) slow: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            edition: Edition::V2020_09_25,
            timings: Timings::instant(),
            read_lag_ms: 0,
            conditions: Conditions::default(),
            shuffled: false,
            page: None,
            ids: None,
            scalars_swapped: false,
            lower_camel: false,
            flat: false,
            unknown_fields: false,
            left_out: Vec::new(),
            statuses: BTreeMap::new(),
            xml: false,
            failing: 0,
            seed: 1,
            slow: Duration::ZERO,
        }
    }
}

impl Manner {
    /// Returns how the emulator behind the layer is set up.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            edition: self.edition,
            timings: Timings { read_lag_ms: self.read_lag_ms, ..self.timings },
            seed: Some(7),
            ..Settings::default()
        }
    }

    /// Alters the parameters of a request.
    pub(crate) fn request(&self, parameters: &mut BTreeMap<String, String>) {
        if let Some(most) = self.page
            && let Some(size) = parameters.get_mut("PageSize")
            && size.parse::<u64>().is_ok_and(|asked| asked > most)
        {
            *size = most.to_string();
        }
        if self.xml {
            parameters.insert("Format".to_owned(), "XML".to_owned());
        }
    }

    /// Alters an answer; `draw` gives numbers for the shuffling.
    pub(crate) fn answer(&self, response: &mut HttpResponse, draw: &mut dyn FnMut() -> u64) {
        response.headers.retain(|(name, _)| name == "content-type" || name == "x-acs-retry-after");
        if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) {
            self.alter(&mut body, draw);
            response.body = serde_json::to_vec(&body).unwrap();
        }
    }

    fn alter(&self, value: &mut Value, draw: &mut dyn FnMut() -> u64) {
        match value {
            Value::Object(members) => {
                for inner in members.values_mut() {
                    self.alter(inner, draw);
                }
                self.alter_members(members);
                let only = (members.len() == 1).then(|| members.values().next()).flatten();
                if self.flat
                    && let Some(list @ Value::Array(_)) = only
                {
                    *value = list.clone();
                }
            }
            Value::Array(rows) => {
                for row in rows.iter_mut() {
                    self.alter(row, draw);
                }
                if self.shuffled {
                    for last in (1..rows.len()).rev() {
                        let other = usize::try_from(draw()).unwrap_or(0) % (last + 1);
                        rows.swap(last, other);
                    }
                }
            }
            _ if !self.scalars_swapped => {}
            Value::Number(number) => *value = json!(number.to_string()),
            Value::Bool(truth) => *value = json!(truth.to_string()),
            Value::String(text) => {
                if let Ok(number) = text.parse::<u64>() {
                    *value = json!(number);
                }
            }
            Value::Null => {}
        }
    }

    fn alter_members(&self, members: &mut Map<String, Value>) {
        let status = members.get("Status").and_then(Value::as_str).map(str::to_owned);
        if let Some(other) = status.and_then(|status| self.statuses.get(status.as_str())) {
            members.insert("Status".to_owned(), json!(other));
        }
        members.retain(|name, _| !self.left_out.contains(&name.as_str()));
        if self.unknown_fields && !members.values().any(Value::is_array) {
            members.insert("Zzz".to_owned(), json!({ "More": [{ "Id": 1 }, { "Id": null }] }));
            members.insert("Tags".to_owned(), json!({ "Tag": [] }));
        }
        if self.lower_camel {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, value)| (name[..1].to_lowercase() + &name[1..], value))
                .collect();
        }
    }
}

/// The ids that a server shows for those of the world.
#[derive(Debug, Default)]
pub(crate) struct Names {
    shown: BTreeMap<String, String>,
    real: BTreeMap<String, String>,
}

impl Names {
    /// Returns a text with the world's ids as the server shows them.
    pub(crate) fn show(&mut self, form: Ids, text: &str) -> String {
        let pattern =
            regex::Regex::new(r"\b(?:cbwp|ngw|ftb|stb|fwd|snat|bwp|nateip|eip)-emu[0-9a-z]{13}\b");
        let shown = pattern.unwrap().replace_all(text, |found: &regex::Captures<'_>| {
            let real = found[0].to_owned();
            if let Some(shown) = self.shown.get(&real) {
                return shown.clone();
            }
            let number = self.shown.len() as u64 + 1;
            let shown = match form {
                Ids::Upper => real.to_uppercase(),
                Ids::Uuid => {
                    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, real.as_bytes()).to_string()
                }
                Ids::Number => (number.wrapping_mul(7_919) + 10_000_000).to_string(),
            };
            self.real.insert(shown.clone(), real.clone());
            self.shown.insert(real, shown.clone());
            shown
        });
        shown.into_owned()
    }

    /// Returns the world's id for one that the server has shown, or the text as it is.
    pub(crate) fn real(&self, text: &str) -> String {
        self.real.get(text).cloned().unwrap_or_else(|| text.to_owned())
    }
}
