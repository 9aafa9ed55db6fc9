//! Answers of the service, and accessors that accept either edition's shapes: nested wrappers
//! (`NatGateways.NatGateway[]`), flat lists, names that start in lower case, numbers and booleans
//! as texts, and what an XML answer turns into.

use serde_json::{Map, Value};

use super::catalogue::Action;

/// What the service answered to a call that it accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer as an object; an XML answer in the same shape.
    pub body: Value,
    /// The service's request id, or empty.
    pub request_id: String,
    /// HTTP status.
    pub status: u16,
}

impl Answer {
    /// Returns a text of the answer's top level.
    pub fn text(&self, name: &str) -> Option<String> {
        get_str(&self.body, name)
    }

    /// Returns a whole number of the answer's top level, such as `TotalCount`.
    pub fn integer(&self, name: &str) -> Option<i64> {
        get_int(&self.body, name)
    }

    /// Returns the rows that the action answers with; none for an action without rows.
    pub fn rows(&self, action: Action) -> Vec<&Value> {
        action.rows().and_then(|rows| list(&self.body, rows.list, rows.row)).unwrap_or_default()
    }
}

/// Returns a field of an object. The name's case does not matter, but an exact match wins. A null
/// counts as absent, so that `None` always means that the answer does not say.
pub fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
        .filter(|value| !value.is_null())
}

/// Returns a field as a text; numbers and booleans are written out.
pub fn get_str(object: &Value, name: &str) -> Option<String> {
    scalar(field(object, name)?)
}

/// Returns a field as a whole number, be it written as a number or as a text.
pub fn get_int(object: &Value, name: &str) -> Option<i64> {
    match field(object, name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns a field as a boolean, be it written as one, as a text in any case, or as 0 or 1.
pub fn get_bool(object: &Value, name: &str) -> Option<bool> {
    let value = field(object, name)?;
    if let Value::Bool(value) = value {
        return Some(*value);
    }
    match scalar(value)?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Returns the members of a list, whichever way the answer writes it: `plural` may hold them in an
/// array, in an array or alone under `singular` (or under the only other name there is, which
/// editions spell differently), or be a single member itself. Empty texts are empty lists, as in
/// `<NatGateways/>`. `None` means that the answer does not say.
pub fn list<'a>(object: &'a Value, plural: &str, singular: &str) -> Option<Vec<&'a Value>> {
    let value = field(object, plural)?;
    let Value::Object(wrapper) = value else { return Some(members(value)) };
    if wrapper.is_empty() {
        return Some(Vec::new());
    }
    if wrapper.keys().any(|key| key.eq_ignore_ascii_case(singular)) {
        return Some(field(value, singular).map(members).unwrap_or_default());
    }
    match only_member(wrapper) {
        Some(inner @ (Value::Array(_) | Value::Object(_))) => Some(members(inner)),
        _ => Some(vec![value]),
    }
}

/// Returns the members of a list of texts; see [`list`].
pub fn texts(object: &Value, plural: &str, singular: &str) -> Option<Vec<String>> {
    Some(list(object, plural, singular)?.into_iter().filter_map(scalar).collect())
}

fn members(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(members) => members.iter().collect(),
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        other => vec![other],
    }
}

fn only_member(object: &Map<String, Value>) -> Option<&Value> {
    if object.len() == 1 { object.values().next() } else { None }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Checks that an accepted answer holds what its action promises: the id of what it made, or the
/// list that was asked for. Otherwise an answer of something else could pass for a success, or for
/// a list without rows.
pub(super) fn check_complete(action: Action, body: &Value) -> Result<(), String> {
    if let Some(id) = action.makes()
        && get_str(body, id).is_none_or(|text| text.trim().is_empty())
    {
        return Err(format!("the answer lacks `{id}`"));
    }
    let Some(rows) = action.rows() else { return Ok(()) };
    match list(body, rows.list, rows.row) {
        Some(members) if members.iter().all(|row| row.is_object()) => Ok(()),
        Some(_) => Err(format!("`{}` in the answer is not a list of objects", rows.list)),
        None if get_int(body, "TotalCount") == Some(0) => Ok(()),
        None => Err(format!("the answer lacks `{}`", rows.list)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_read_in_every_shape() {
        let row = json!({"Id": "a", "Status": "Available"});
        for shape in [
            json!({"Things": {"Thing": [row]}}),
            json!({"Things": [row]}),
            json!({"things": {"thing": [row]}}),
            json!({"Things": {"Thing": row}}),
            json!({"Things": row}),
            json!({"Things": {"Misspelt": [row]}}),
            json!({"Things": {"Misspelt": row}}),
        ] {
            assert_eq!(list(&shape, "Things", "Thing"), Some(vec![&row]), "{shape}");
        }
        for shape in [
            json!({"Things": {"Thing": []}}),
            json!({"Things": []}),
            json!({"Things": {}}),
            json!({"Things": ""}),
            json!({"Things": {"Thing": null}}),
            json!({"Things": {"Thing": ""}}),
        ] {
            assert_eq!(list(&shape, "Things", "Thing"), Some(vec![]), "{shape}");
        }
        assert_eq!(list(&json!({"Things": null}), "Things", "Thing"), None);
        assert_eq!(list(&json!({}), "Things", "Thing"), None);
        assert_eq!(list(&json!("text"), "Things", "Thing"), None);
    }

    #[test]
    fn lists_of_texts_are_read_in_every_shape() {
        for shape in [
            json!({"SnatTableIds": {"SnatTableId": ["stb-1"]}}),
            json!({"snatTableIds": ["stb-1"]}),
            json!({"snatTableIds": "stb-1"}),
            json!({"SnatTableIds": {"SnatTableId": "stb-1"}}),
        ] {
            let ids = texts(&shape, "SnatTableIds", "SnatTableId");
            assert_eq!(ids, Some(vec!["stb-1".to_owned()]), "{shape}");
        }
    }

    #[test]
    fn scalars_are_read_from_texts_numbers_and_booleans() {
        let object = json!({
            "natGatewayId": "ngw-1", "IpCount": "2", "Bandwidth": 5, "Flag": "True", "Off": false,
            "One": 1, "Null": null, "List": [1], "Part": 1.5, "VSwitchId": "exact", "VswitchId": "x",
        });
        assert_eq!(get_str(&object, "NatGatewayId").as_deref(), Some("ngw-1"));
        assert_eq!(get_str(&object, "Bandwidth").as_deref(), Some("5"));
        assert_eq!(get_str(&object, "VSwitchId").as_deref(), Some("exact"));
        assert_eq!(get_int(&object, "IpCount"), Some(2));
        assert_eq!(get_int(&object, "Bandwidth"), Some(5));
        assert_eq!(get_bool(&object, "Flag"), Some(true));
        assert_eq!(get_bool(&object, "Off"), Some(false));
        assert_eq!(get_bool(&object, "One"), Some(true));
        for name in ["Null", "List", "Missing"] {
            assert_eq!(get_str(&object, name), None, "{name}");
            assert_eq!(get_bool(&object, name), None, "{name}");
        }
        for name in ["Part", "natGatewayId", "List"] {
            assert_eq!(get_int(&object, name), None, "{name}");
        }
    }

    #[test]
    fn incomplete_answers_are_told_from_empty_ones() {
        let gateways = Action::DescribeNatGateways;
        for body in [
            json!({"TotalCount": 0}),
            json!({"NatGateways": {"NatGateway": []}}),
            json!({"NatGateways": ""}),
            json!({"natGateways": [{"natGatewayId": "ngw-1"}]}),
        ] {
            assert_eq!(check_complete(gateways, &body), Ok(()), "{body}");
        }
        for body in [
            json!({}),
            json!({"TotalCount": 3}),
            json!({"NatGateways": "down"}),
            json!({"NatGateways": ["ngw-1"]}),
            json!({"NatGateways": 7}),
        ] {
            assert!(check_complete(gateways, &body).is_err(), "{body}");
        }
        let create = Action::CreateSnatEntry;
        assert_eq!(check_complete(create, &json!({"snatEntryId": "snat-1"})), Ok(()));
        assert!(check_complete(create, &json!({"SnatEntryId": " "})).is_err());
        assert!(check_complete(create, &json!({"RequestId": "r"})).is_err());
        assert_eq!(check_complete(Action::DeleteSnatEntry, &json!({})), Ok(()));
    }
}
