use super::super::*;
use super::{number, value};

fn map_of(ty: Type) -> Type {
    Type::map(ty)
}

fn object_type(fields: &[(&str, Type, bool)]) -> Type {
    Type::Object(Arc::new(
        fields
            .iter()
            .map(|(name, ty, optional)| {
                (Name::from(*name), Field { ty: ty.clone(), optional: *optional })
            })
            .collect(),
    ))
}

#[test]
fn primitives_convert_as_terraform_does() {
    let ok = |v: Value, ty: Type| convert(&v, &ty).unwrap();
    assert_eq!(ok("5".into(), Type::Number), 5_i64.into());
    assert_eq!(ok(Value::from(number("0.50")), Type::String), "0.5".into());
    assert_eq!(ok(true.into(), Type::String), "true".into());
    assert_eq!(ok("1".into(), Type::Bool), true.into());
    assert_eq!(ok("false".into(), Type::Bool), false.into());
    assert_eq!(ok(Value::null(), Type::Number), Value::null());
    for (v, ty, message) in [
        (Value::from("x"), Type::Number, "a number is required"),
        (true.into(), Type::Number, "a number is required"),
        (1_i64.into(), Type::Bool, "a bool is required"),
        (
            "True".into(),
            Type::Bool,
            "a bool is required; to convert from string, use lowercase \"true\"",
        ),
        (value("[1]"), Type::String, "string required, but have tuple"),
        ("a".into(), Type::list(Type::Any), "list of any single type required, but have string"),
    ] {
        assert_eq!(convert(&v, &ty).unwrap_err().to_string(), message);
    }
}

#[test]
fn collections_convert_by_element() {
    let list = convert(&value(r#"[1, "2", true]"#), &Type::list(Type::String)).unwrap();
    assert_eq!(list, Value::list(Type::String, ["1", "2", "true"].map(Value::from)));
    let set = convert(&list, &Type::set(Type::Any)).unwrap();
    assert_eq!(set.type_of(), Type::set(Type::String));
    let back = convert(&set, &Type::list(Type::Any)).unwrap();
    assert_eq!(back.type_of(), Type::list(Type::String));
    let any = convert(&value(r#"[1, "2"]"#), &Type::list(Type::Any)).unwrap();
    assert_eq!(any, Value::list(Type::String, ["1", "2"].map(Value::from)));
    let map = convert(&value(r#"{"a": 1, "b": "x"}"#), &map_of(Type::Any)).unwrap();
    assert_eq!(map.type_of(), map_of(Type::String));
    assert_eq!(
        convert(&value("[]"), &Type::list(Type::Any)).unwrap().type_of(),
        Type::list(Type::Any)
    );
    let error = convert(&value("[1, []]"), &Type::list(Type::Any)).unwrap_err();
    assert_eq!(error.to_string(), "all list elements must have the same type");
    let nested =
        convert(&value(r#"{"a": {"b": ["x"]}}"#), &map_of(map_of(Type::list(Type::Number))));
    assert_eq!(nested.unwrap_err().to_string(), r#"["a"]["b"][0]: a number is required"#);
    assert!(convert(&set, &Type::tuple([Type::String])).is_err());
}

#[test]
fn objects_drop_extra_attributes_and_fill_optional_ones() {
    let ty = object_type(&[("a", Type::String, false), ("b", Type::Number, true)]);
    let converted = convert(&value(r#"{"a": 1, "z": 2}"#), &ty).unwrap();
    assert_eq!(converted, value(r#"{"a": "1", "b": null}"#));
    let error = convert(&value(r#"{"b": 1}"#), &ty).unwrap_err();
    assert_eq!(error.to_string(), "attribute \"a\" is required");
    let error = convert(&value(r#"{"a": "x", "b": "y"}"#), &ty).unwrap_err();
    assert_eq!(error.to_string(), "b: a number is required");
    let map = Value::map(Type::String, [(Name::from("a"), Value::from("q"))].into());
    assert_eq!(convert(&map, &ty).unwrap(), value(r#"{"a": "q", "b": null}"#));
}

#[test]
fn defaults_fill_what_is_left_out_or_null() {
    let inner = Defaults {
        values: [(Name::from("port"), Value::from(443_i64))].into(),
        children: BTreeMap::new(),
    };
    let elements = Defaults { values: BTreeMap::new(), children: [(Name::from(""), inner)].into() };
    let defaults = Defaults {
        values: [(Name::from("name"), Value::from("x"))].into(),
        children: [(Name::from("rules"), elements)].into(),
    };
    let ty = object_type(&[
        ("name", Type::String, true),
        ("rules", Type::list(object_type(&[("port", Type::Number, true)])), true),
    ]);
    let given = value(r#"{"name": null, "rules": [{}, {"port": "80"}]}"#);
    let converted = convert(&defaults.apply(&given), &ty).unwrap();
    assert_eq!(
        to_json(&converted).unwrap(),
        serde_json::json!({"name": "x", "rules": [{"port": 443}, {"port": 80}]})
    );
    assert_eq!(defaults.apply(&Value::null()), Value::null());
}

#[test]
fn marks_and_origins_survive_conversion() {
    let secret = Value::tuple([Value::from(1_i64).with_sensitive(true), 2_i64.into()]);
    let list = convert(&secret, &Type::list(Type::String)).unwrap();
    assert!(!list.is_sensitive() && list.as_elements().unwrap()[0].is_sensitive());
    assert!(convert(&list, &Type::set(Type::String)).unwrap().is_sensitive());
    let whole = secret.with_sensitive(true);
    assert!(convert(&whole, &Type::list(Type::Any)).unwrap().is_sensitive());
    let unknown = Value::unknown_from(Type::String, "a.b");
    let list = |ty| Value::unknown_from(Type::list(ty), "a.b");
    assert_eq!(convert(&list(Type::Number), &Type::list(Type::String)), Ok(list(Type::String)));
    // What may fail later is not the same value yet.
    assert_eq!(convert(&unknown, &Type::Number), Ok(Value::unknown(Type::Number)));
    assert_eq!(
        convert(&list(Type::String), &Type::set(Type::Bool)),
        Ok(Value::unknown(Type::set(Type::Bool)))
    );
    assert!(convert(&Value::unknown(Type::list(Type::Bool)), &Type::Number).is_err());
    let any =
        convert(&Value::unknown(Type::tuple([Type::Number, Type::String])), &Type::list(Type::Any));
    assert_eq!(any.unwrap(), Value::unknown(Type::list(Type::String)));
}

#[test]
fn types_unify_quietly() {
    let object = |fields: &[(&str, Type)]| Type::object(fields.iter().cloned());
    let a = object(&[("a", Type::Number)]);
    for (types, expected) in [
        (vec![Type::Number, Type::String], Some(Type::String)),
        (vec![Type::Number, Type::Bool], None),
        (vec![Type::Number, Type::Bool, Type::String], Some(Type::String)),
        (vec![a.clone(), object(&[("b", Type::String)])], Some(map_of(Type::String))),
        (vec![a.clone(), object(&[("a", Type::String)])], Some(object(&[("a", Type::String)]))),
        (vec![a.clone(), map_of(Type::Number)], Some(map_of(Type::Number))),
        (vec![Type::tuple([Type::Number]), Type::tuple([])], Some(Type::list(Type::Number))),
        (
            vec![Type::tuple([Type::Number]), Type::list(Type::String)],
            Some(Type::list(Type::String)),
        ),
        (vec![Type::set(Type::Number), Type::list(Type::Number)], Some(Type::list(Type::Number))),
        (vec![Type::Any, Type::Number], Some(Type::Number)),
        (vec![a, Type::tuple([])], None),
        (vec![Type::Number, Type::list(Type::Number)], None),
        (vec![], Some(Type::Any)),
    ] {
        assert_eq!(unify(&types), expected, "{types:?}");
    }
}

#[test]
fn types_are_written_as_in_configurations() {
    let ty = object_type(&[("a", Type::String, false), ("b c", Type::list(Type::Number), true)]);
    assert_eq!(map_of(ty).to_string(), r#"map(object({a=string,"b c"=optional(list(number))}))"#);
    assert_eq!(Type::tuple([Type::Any, Type::Bool]).to_string(), "tuple([any,bool])");
    assert_eq!(Type::set(Type::Any).friendly_name(), "set of any single type");
}
