//! Reads a document that is to be pushed and says all that is wrong with it, each at its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::export::FORMAT_VERSION;
use super::json_place::{Path, Step, locate};
use super::read::service_from_text;
use super::{Instance, InstanceKey, Service, Snapshot, Status, codec};
use crate::address::{Address, Mode, ResourceAddress};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span, did_you_mean};
use crate::resources::Object;
use crate::value::{self, Name};

#[cfg(test)]
mod tests;

/// How many mistakes are shown; a document of another kind has one at every step.
const SHOWN: usize = 20;

/// What is to be said against an object of the document.
#[derive(Debug, Clone)]
pub struct Objection {
    /// The place within the object, such as `attributes`, `spec`.
    pub within: Vec<Step>,
    /// What is wrong, without a full stop.
    pub why: String,
    /// How to mend it; may be empty.
    pub help: String,
}

/// Says what is wrong with an object that is well-formed: only those who know the resource types can.
pub type Judge<'a> = &'a dyn Fn(&Instance) -> Vec<Objection>;

/// Reads what `natform state pull` prints. `file` is the text's place in the source map.
pub fn parse_export(text: &str, file: FileId, judge: Judge<'_>) -> Result<Snapshot, Diagnostics> {
    let mut reader =
        Reader { text, file, path: Vec::new(), diagnostics: Diagnostics::new(), left_out: 0 };
    let snapshot = reader.document(judge);
    if reader.left_out > 0 {
        let summary = format!("the document has {} more mistakes", reader.left_out);
        reader.diagnostics.push(Diagnostic::error("state-document", summary).help(PULL));
    }
    match snapshot {
        Some(snapshot) if !reader.diagnostics.has_errors() => Ok(snapshot),
        _ => Err(reader.diagnostics),
    }
}

const PULL: &str = "give what `natform state pull` printed";

const FIELDS: &[&str] =
    &["format_version", "lineage", "serial", "redacted", "instances", "outputs"];

const INSTANCE_FIELDS: &[&str] = &[
    "address",
    "deposed",
    "id",
    "status",
    "provider",
    "region",
    "service",
    "schema_version",
    "create_before_destroy",
    "prevent_destroy",
    "dependencies",
    "attributes",
];

struct Reader<'a> {
    text: &'a str,
    file: FileId,
    /// Where the reader is.
    path: Vec<Step>,
    diagnostics: Diagnostics,
    left_out: usize,
}

impl Reader<'_> {
    fn document(&mut self, judge: Judge<'_>) -> Option<Snapshot> {
        let start = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let json: Json = match serde_json::from_str(start) {
            Ok(json) => json,
            Err(error) => {
                self.syntax(&error);
                return None;
            }
        };
        let Some(document) = json.as_object() else {
            self.wrong("the document is not a JSON object".into(), PULL);
            return None;
        };
        if !self.is_export(document) {
            return None;
        }
        self.known(document, FIELDS);
        let mut snapshot = Snapshot {
            lineage: self.required(document, "lineage", lineage).unwrap_or_default(),
            serial: self.required(document, "serial", serial).unwrap_or_default(),
            ..Snapshot::default()
        };
        self.inside(Step::Key("instances".into()), |reader| match document.get("instances") {
            Some(Json::Array(list)) => snapshot.instances = reader.instances(list, judge),
            _ => reader.wrong("it must be a list of objects".into(), PULL),
        });
        self.inside(Step::Key("outputs".into()), |reader| match document.get("outputs") {
            Some(Json::Object(outputs)) => {
                for (name, json) in outputs {
                    reader.inside(Step::Key(name.clone()), |reader| match value::decode(json) {
                        Ok(value) => {
                            snapshot.outputs.insert(Name::from(name.as_str()), value);
                        }
                        Err(error) => reader.wrong(format!("it is no value: {error}"), ""),
                    });
                }
            }
            _ => reader.wrong("it must be an object of values".into(), PULL),
        });
        if snapshot.lineage.is_empty() && (snapshot.serial > 0 || !snapshot.instances.is_empty()) {
            self.inside(Step::Key("lineage".into()), |reader| {
                reader.wrong("a state that records something has a lineage".into(), PULL);
            });
        }
        Some(snapshot)
    }

    /// Tells other documents that users have at hand from an export.
    fn is_export(&mut self, document: &Map<String, Json>) -> bool {
        if document.contains_key("terraform_version") {
            self.wrong(
                "this is a state of Terraform or OpenTofu, not of natform".into(),
                "write `import` blocks for the objects and run `natform apply`",
            );
            return false;
        }
        if document.contains_key("natform_version") {
            self.wrong("this is a document that natform shows, not an exported state".into(), PULL);
            return false;
        }
        let Some(version) = self.required(document, "format_version", text) else { return false };
        let numbers = |text: &str| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        };
        let own = numbers(FORMAT_VERSION).unwrap_or_default();
        let fits = numbers(&version).is_some_and(|(major, minor)| major == own.0 && minor <= own.1);
        if !fits {
            self.inside(Step::Key("format_version".into()), |reader| {
                reader.wrong(
                    format!("this natform reads version {FORMAT_VERSION}, not `{version}`"),
                    "push it with the natform that pulled it, or a newer one",
                );
            });
            return false;
        }
        let redacted = self.optional(document, "redacted", flag).unwrap_or_default();
        if redacted {
            self.inside(Step::Key("redacted".into()), |reader| {
                reader.wrong(
                    "sensitive values were left out of this document".into(),
                    "pull it again with `-show-sensitive`; pushing it would lose them",
                );
            });
        }
        !redacted
    }

    fn instances(&mut self, list: &[Json], judge: Judge<'_>) -> BTreeMap<InstanceKey, Instance> {
        let mut instances: BTreeMap<InstanceKey, Instance> = BTreeMap::new();
        let mut owners: BTreeMap<(String, Service, String, String), Address> = BTreeMap::new();
        for (index, json) in list.iter().enumerate() {
            self.inside(Step::Index(index), |reader| {
                let Some(instance) = reader.instance(json) else { return };
                for objection in judge(&instance) {
                    let depth = reader.path.len();
                    reader.path.extend(objection.within);
                    reader.wrong(objection.why, &objection.help);
                    reader.path.truncate(depth);
                }
                let owner = (
                    instance.address.kind().to_owned(),
                    instance.service.clone(),
                    instance.region.clone(),
                    instance.id.clone(),
                );
                if let Some(other) = owners.insert(owner, instance.address.clone()) {
                    let why = format!("`{}` is recorded at `{other}` already", instance.id);
                    reader.inside(Step::Key("id".into()), |reader| {
                        reader.wrong(why, "an object belongs to one address");
                    });
                }
                let address = instance.address.to_string();
                if instances.insert(instance.key(), instance).is_some() {
                    reader.inside(Step::Key("address".into()), |reader| {
                        reader.wrong(format!("`{address}` occurs twice"), "");
                    });
                }
            });
        }
        instances
    }

    fn instance(&mut self, json: &Json) -> Option<Instance> {
        let Some(fields) = json.as_object() else {
            self.wrong("it must be an object".into(), PULL);
            return None;
        };
        self.known(fields, INSTANCE_FIELDS);
        let address = self.required(fields, "address", address);
        let deposed = self.optional(fields, "deposed", filled);
        let id = self.required(fields, "id", filled);
        let status = self.required(fields, "status", status);
        let provider = self.required(fields, "provider", text);
        let region = self.required(fields, "region", filled);
        let service = self.required(fields, "service", service);
        let schema_version = self.required(fields, "schema_version", small);
        let create_before_destroy = self.optional(fields, "create_before_destroy", flag);
        let prevent_destroy = self.optional(fields, "prevent_destroy", flag);
        let dependencies = self.required(fields, "dependencies", |json| Ok(json.clone()));
        let dependencies = dependencies.and_then(|json| self.dependencies(&json));
        let attributes = self.required(fields, "attributes", |json| Ok(json.clone()));
        let attributes = attributes.and_then(|json| self.attributes(&json));
        Some(Instance {
            address: address?,
            deposed,
            id: id?,
            status: status?,
            object: attributes?,
            dependencies: dependencies?,
            provider: provider?.into(),
            region: region?,
            service: service?,
            schema_version: schema_version?,
            create_before_destroy: create_before_destroy.unwrap_or_default(),
            prevent_destroy: prevent_destroy.unwrap_or_default(),
        })
    }

    fn dependencies(&mut self, json: &Json) -> Option<Vec<ResourceAddress>> {
        self.inside(Step::Key("dependencies".into()), |reader| {
            let Some(list) = json.as_array() else {
                reader.wrong("it must be a list of addresses".into(), "");
                return None;
            };
            let mut addresses = Some(Vec::new());
            for (index, json) in list.iter().enumerate() {
                let parsed = text(json).and_then(|text| {
                    text.parse::<ResourceAddress>().map_err(|error| error.to_string())
                });
                match parsed {
                    Ok(address) => addresses.iter_mut().for_each(|a| a.push(address.clone())),
                    Err(why) => {
                        reader.inside(Step::Index(index), |reader| reader.wrong(why, ""));
                        addresses = None;
                    }
                }
            }
            addresses
        })
    }

    fn attributes(&mut self, json: &Json) -> Option<Object> {
        self.inside(Step::Key("attributes".into()), |reader| {
            let Some(entries) = json.as_object() else {
                reader.wrong("it must be an object of values".into(), "");
                return None;
            };
            let before = reader.count();
            for (name, json) in entries {
                if let Err(error) = value::decode(json) {
                    let why = format!("it is no value: {error}");
                    reader.inside(Step::Key(name.clone()), |reader| reader.wrong(why, ""));
                }
            }
            if reader.count() > before {
                return None;
            }
            codec::object_from_json(json).map_err(|why| reader.wrong(why, "")).ok()
        })
    }

    /// Reads a field that must be there.
    fn required<T>(
        &mut self,
        object: &Map<String, Json>,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, String>,
    ) -> Option<T> {
        if !object.contains_key(name) {
            self.wrong(format!("`{name}` is missing"), PULL);
        }
        self.optional(object, name, read)
    }

    /// Reads a field if it is there.
    fn optional<T>(
        &mut self,
        object: &Map<String, Json>,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, String>,
    ) -> Option<T> {
        let read = read(object.get(name)?);
        self.inside(Step::Key(name.to_owned()), |reader| {
            read.map_err(|why| reader.wrong(why, "")).ok()
        })
    }

    /// Refuses fields that are not known: what they say would be lost.
    fn known(&mut self, object: &Map<String, Json>, names: &[&str]) {
        for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
            let help = did_you_mean(name, names.iter().copied())
                .map_or_else(|| PULL.to_owned(), |near| format!("did you mean `{near}`?"));
            self.inside(Step::Key(name.clone()), |reader| {
                reader.wrong("there is no such field".into(), &help);
            });
        }
    }

    fn inside<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = work(self);
        self.path.pop();
        result
    }

    fn count(&self) -> usize {
        self.diagnostics.len() + self.left_out
    }

    /// Notes a mistake at the present place.
    fn wrong(&mut self, why: String, help: &str) {
        if self.diagnostics.len() >= SHOWN {
            self.left_out += 1;
            return;
        }
        let summary =
            if self.path.is_empty() { why } else { format!("`{}`: {why}", Path(&self.path)) };
        let bom = self.text.len() - self.text.trim_start_matches('\u{feff}').len();
        let range = locate(&self.text[bom..], &self.path);
        let mut diagnostic = Diagnostic::error("state-document", summary)
            .at(self.span(bom + range.start, bom + range.end));
        if !help.is_empty() {
            diagnostic = diagnostic.help(help);
        }
        self.diagnostics.push(diagnostic);
    }

    fn syntax(&mut self, error: &serde_json::Error) {
        let line = self.text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let start: usize = line.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let mut at = start.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let end = self.text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        let (summary, help) = if self.text.trim().is_empty() {
            ("the document is empty".to_owned(), PULL)
        } else {
            (format!("the document is not valid JSON: {error}"), PULL)
        };
        self.diagnostics
            .push(Diagnostic::error("state-document", summary).at(self.span(at, end)).help(help));
    }

    /// Returns a span of at most the first line of a range, so that no whole object is underlined.
    fn span(&self, start: usize, end: usize) -> Span {
        let end = self.text[start..end].find('\n').map_or(end, |line| start + line);
        let offset = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(end) }
    }
}

fn text(json: &Json) -> Result<String, String> {
    json.as_str().map(str::to_owned).ok_or_else(|| "it must be a text".to_owned())
}

fn filled(json: &Json) -> Result<String, String> {
    let text = text(json)?;
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text) }
}

fn flag(json: &Json) -> Result<bool, String> {
    json.as_bool().ok_or_else(|| "it must be `true` or `false`".to_owned())
}

fn small(json: &Json) -> Result<u32, String> {
    let number = json.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "it must be a whole number".to_owned())
}

fn serial(json: &Json) -> Result<u64, String> {
    let number = json.as_u64().filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| "it must be a whole number from 0 to 2^63-1".to_owned())
}

fn lineage(json: &Json) -> Result<String, String> {
    let text = text(json)?;
    let plain = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { Ok(text) } else { Err("it is no lineage, which is a UUID".to_owned()) }
}

fn address(json: &Json) -> Result<Address, String> {
    let address: Address =
        text(json)?.parse().map_err(|error: crate::address::ParseError| error.to_string())?;
    if address.resource.mode == Mode::Data {
        return Err("a state records no data sources".to_owned());
    }
    Ok(address)
}

fn status(json: &Json) -> Result<Status, String> {
    serde_json::from_value(json.clone())
        .map_err(|_| "it must be `ready`, `creating` or `tainted`".to_owned())
}

fn service(json: &Json) -> Result<Service, String> {
    service_from_text(&text(json)?)
        .map_err(|_| "it must be `real`, `embedded:ID` or `server:URL`".to_owned())
}
