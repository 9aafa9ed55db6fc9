use proptest::prelude::*;

use super::super::*;
use super::{number, value};

#[test]
fn json_numbers_are_exact() {
    let text = r#"{"a":[1,-0.5,0.1,123456789012345678901234567890],"b":null,"c":"é\u2028<"}"#;
    let read = value(text);
    assert_eq!(
        write_json(&read).unwrap(),
        "{\"a\":[1,-0.5,0.1,123456789012345678901234567890],\"b\":null,\"c\":\"é\u{2028}<\"}"
    );
    assert!(write_json_escaped(&read).unwrap().ends_with(r#"é\u2028\u003c"}"#));
    assert_eq!(value("1e3"), 1000_i64.into());
    let rounded = Value::from(Number::ONE.divide(&number("3")).unwrap());
    assert_eq!(to_json(&rounded).unwrap(), serde_json::json!(1.0 / 3.0));
    assert_eq!(
        from_json_tree(&serde_json::json!([0.1, u64::MAX, "x"])),
        value("[0.1,18446744073709551615,\"x\"]")
    );
}

#[test]
fn json_strings_are_normalised_and_unescaped() {
    assert_eq!(value("\"e\u{301}\"").as_str(), Some("é"));
    assert_eq!(value(r#""\ud83d\ude00 \ud800 \/\b""#).as_str(), Some("😀 \u{fffd} /\u{8}"));
    assert_eq!(value(r#"{"a":1,"a":2}"#), value(r#"{"a":2}"#));
}

#[test]
fn broken_json_says_where() {
    for (text, message) in [
        ("", "unexpected end of JSON at line 1, column 1"),
        ("[1,\n 2", "unexpected end of JSON at line 2, column 3"),
        ("[1 2]", "`,` or `]` is required at line 1, column 4"),
        ("{a:1}", "a name in double quotes is required at line 1, column 2"),
        ("[01]", "`,` or `]` is required at line 1, column 3"),
        ("1.", "a digit is required at line 1, column 3"),
        ("nul", "a JSON value is required at line 1, column 1"),
        ("1 x", "extra characters after the JSON value at line 1, column 3"),
        ("\"\\x\"", "unknown escape in a string at line 1, column 3"),
        ("\"\u{1}\"", "control character in a string at line 1, column 2"),
        ("\"é\\u00zz\"", "four hexadecimal digits are required at line 1, column 5"),
        ("1e999999", "the number is too large or too long at line 1, column 9"),
    ] {
        assert_eq!(from_json(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(from_json(&"[".repeat(100_000)).unwrap_err().message.contains("too deep"));
    let unknown = Value::object_of([("a", Value::tuple([Value::unknown(Type::Any)]))]);
    let error = write_json(&unknown).unwrap_err().to_string();
    assert_eq!(error, "`a[0]`: the value is not known before apply");
    assert!(write_json(&Value::from(Number::infinity(true))).is_err());
}

fn types() -> impl Strategy<Value = Type> {
    let leaf =
        prop_oneof![Just(Type::Any), Just(Type::Bool), Just(Type::Number), Just(Type::String)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::tuple),
            prop::collection::btree_map("[a-c]", (inner, any::<bool>()), 0..3).prop_map(|fields| {
                Type::Object(Arc::new(
                    fields
                        .into_iter()
                        .map(|(name, (ty, optional))| (name.into(), Field { ty, optional }))
                        .collect(),
                ))
            }),
        ]
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::null()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("NaN", |f| Number::from_f64(f).map(Value::from)),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?".prop_map(|n| Value::from(number(&n))),
        ".{0,6}".prop_map(|text| Value::text(&text)),
        (types(), prop::option::of("[a-z]{1,4}")).prop_map(|(ty, origin)| match origin {
            Some(origin) => Value::unknown_from(ty, origin),
            None => Value::unknown(ty),
        }),
    ];
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        let named = prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|m| {
            m.into_iter().map(|(k, v)| (Name::from(k), v)).collect::<BTreeMap<_, _>>()
        });
        prop_oneof![
            (types(), many.clone()).prop_map(|(ty, e)| Value::list(ty, e)),
            (types(), many.clone()).prop_map(|(ty, e)| Value::set(ty, e)),
            many.prop_map(Value::tuple),
            (types(), named.clone()).prop_map(|(ty, e)| Value::map(ty, e.into())),
            named.prop_map(|e| Value::object(e.into())),
        ]
    });
    (tree, any::<bool>()).prop_map(|(value, sensitive)| {
        let marked = sensitive || value.is_sensitive();
        value.with_sensitive(marked)
    })
}

#[test]
fn the_codec_keeps_what_is_never_null() {
    let id = Value::unknown_from(Type::String, "a.id").never_null();
    for (value, may_be_null) in [(id, false), (Value::unknown(Type::Bool), true)] {
        assert_eq!(value.may_be_null(), may_be_null);
        assert_eq!(decode(&encode(&value)).unwrap().may_be_null(), may_be_null);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_codec_loses_nothing(v in values()) {
        let encoded = encode(&v);
        prop_assert_eq!(&decode(&encoded).unwrap(), &v);
        let text = serde_json::to_string(&v).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &v);
    }

    #[test]
    fn converting_twice_changes_nothing_more(v in values(), ty in types()) {
        if let Ok(converted) = convert(&v, &ty) {
            prop_assert_eq!(&convert(&converted, &ty).unwrap(), &converted);
            prop_assert!(v.deep_sensitive() || !converted.deep_sensitive());
            prop_assert!(converted.is_sensitive() || !v.is_sensitive());
        }
        prop_assert!(!v.unmark_deep().deep_sensitive());
        prop_assert_eq!(v.cmp(&v.clone()), std::cmp::Ordering::Equal);
        prop_assert!(!display(&v).is_empty());
    }

    #[test]
    fn json_text_comes_back(v in values()) {
        if let Ok(text) = write_json(&v) {
            let read = from_json(&text).unwrap();
            prop_assert_eq!(write_json(&read).unwrap(), text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"\\\\a-f0-9eE+. -]{0,40}") {
        let _ = from_json(&text);
        let _ = Number::parse(&text);
    }
}

#[test]
fn deep_values_are_read_back() {
    let depth = 120;
    let deep = |innermost: Value, wrap: &dyn Fn(Value) -> Value| {
        (0..depth).fold(innermost, |inner, _| wrap(inner))
    };
    for value in [
        deep(Value::null(), &|inner| Value::object_of([("a", inner)])),
        deep(1_i64.into(), &|inner| Value::tuple([inner, "x\"".into()])),
        deep("a".into(), &|inner| Value::list(Type::Any, [inner]).with_sensitive(true)),
        deep("a".into(), &|inner| Value::map(Type::Any, [(Name::from("k"), inner)].into())),
    ] {
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(decode(&encode(&value)).unwrap(), value);
    }
}

#[test]
fn the_codec_refuses_what_it_did_not_write() {
    for text in [
        r#"{"lost": 1}"#,
        "{}",
        r#"{"number": "x"}"#,
        r#"{"list": ["string"]}"#,
        r#"{"list": ["strung", []]}"#,
        r#"{"object": {}, "sensitive": 1}"#,
        r#"{"unknown": {"origin": "a"}}"#,
        r#"{"nested": "["}"#,
        "0.5",
    ] {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        assert!(decode(&json).is_err(), "{text}");
    }
}

#[test]
fn the_display_is_that_of_a_console() {
    let secret = Value::from("s").with_sensitive(true);
    let shown = Value::object_of([
        ("a b", Value::from(1_i64)),
        ("c", Value::from("x\ny")),
        ("d", Value::list(Type::String, [Value::from("a\t\"\\\u{1b}")])),
        ("e", Value::set(Type::Any, [])),
        ("f", Value::null()),
        ("g", Value::object(BTreeMap::new().into())),
        ("h", Value::tuple([secret, Value::unknown(Type::Any), true.into()])),
        ("i", Value::map(Type::Number, [(Name::from("k"), Value::from(2_i64))].into())),
        ("j", Value::from("a\u{1b}[0m\nb")),
    ]);
    assert_eq!(
        shown.to_string(),
        r#"{
  "a b" = 1
  "c" = <<-EOT
  x
  y
  EOT
  "d" = tolist([
    "a\t\"\\\x1b",
  ])
  "e" = toset([])
  "f" = null
  "g" = {}
  "h" = [
    (sensitive value),
    (known after apply),
    true,
  ]
  "i" = tomap({
    "k" = 2
  })
  "j" = "a\x1b[0m\nb"
}"#
    );
    assert_eq!(display(&Value::from("a\nEOT\n")), "<<EOT_\na\nEOT\n\nEOT_");
}
