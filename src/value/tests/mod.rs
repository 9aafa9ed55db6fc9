//! Vectors and properties of numbers, values, conversion and their forms.

mod conversion;
mod forms;

use proptest::prelude::*;

use super::*;

pub(super) fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

pub(super) fn value(json: &str) -> Value {
    from_json(json).unwrap()
}

#[test]
fn a_value_is_small() {
    assert!(size_of::<Value>() <= 40, "{}", size_of::<Value>());
}

#[test]
fn decimal_fractions_add_up() {
    let sum = number("0.1").add(&number("0.2")).unwrap();
    assert_eq!(sum, number("0.3"));
    assert_eq!(sum.to_string(), "0.3");
}

/// Vectors from an arbitrary-precision float library set to 512 bits, ties to even.
#[test]
fn arithmetic_agrees_with_512_bit_floats() {
    let text = |result: Result<Number, NumberError>| {
        result.map_or_else(|_| String::from("error"), |n| n.to_string())
    };
    for line in include_str!("numbers.tsv").lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let (a, b) = (number(cells[0]), number(cells[1]));
        let order = a.cmp(&b) as i8;
        let results = [
            a.to_string(),
            text(a.add(&b)),
            text(a.subtract(&b)),
            text(a.multiply(&b)),
            text(a.divide(&b)),
            text(a.remainder(&b)),
            order.to_string(),
        ];
        assert_eq!(results.as_slice(), &cells[2..], "{} and {}", cells[0], cells[1]);
    }
}

#[test]
fn numbers_print_the_shortest_decimal() {
    let third = Number::ONE.divide(&number("3")).unwrap();
    assert_eq!(third.to_string(), format!("0.{}5", "3".repeat(154)));
    assert_eq!(number("9223372036854775808").to_string(), "9223372036854775808");
    assert_eq!(number("1e100").to_string(), format!("1{}", "0".repeat(100)));
    assert_eq!(number("-0").to_string(), "-0");
    assert_eq!(number("1.50").to_string(), "1.5");
    let float = Number::from_f64(1.844_674_407_370_955_2e19).unwrap();
    assert_eq!(float.to_string(), "18446744073709550000");
    assert_eq!(float, number("18446744073709551616"));
    assert_eq!(float.lossless_text(), "18446744073709551616");
}

#[test]
fn numbers_are_read_as_floats_are() {
    for (text, same) in [
        ("1p3", "8"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1", "1"),
        ("007", "7"),
        ("1E2", "100"),
        ("1e-2", "0.01"),
        ("-1.5p-1", "-0.75"),
    ] {
        assert_eq!(number(text).to_string(), same, "{text}");
    }
    for text in ["inf", "Inf", "+inf"] {
        assert_eq!(number(text).to_string(), "+Inf");
    }
    for text in ["", ".", "-", "e5", "1e", "1e+", "0x10", "1_000", " 1", "1 ", "--1", "nan", "INF"]
    {
        assert_eq!(Number::parse(text), Err(NumberError::Syntax), "{text}");
    }
    for text in ["1e999999999999999999999", "1e-999999999", "1p9999999", "1e30000"] {
        assert_eq!(Number::parse(text), Err(NumberError::Range), "{text}");
    }
    assert_eq!(Number::parse(&"1".repeat(100_000)), Err(NumberError::Range));
    assert_eq!(number("0e99999999999").to_string(), "0");
}

#[test]
fn division_by_zero_has_a_sign_or_no_result() {
    let (one, zero) = (Number::ONE, Number::ZERO);
    assert_eq!(one.divide(&zero).unwrap().to_string(), "+Inf");
    assert_eq!(one.negate().divide(&zero).unwrap().to_string(), "-Inf");
    assert_eq!(zero.divide(&zero), Err(NumberError::Division));
    let infinity = Number::infinity(false);
    assert_eq!(infinity.subtract(&infinity), Err(NumberError::OpposingInfinities));
    assert_eq!(infinity.multiply(&zero), Err(NumberError::ZeroTimesInfinity));
    assert_eq!(number("5").remainder(&zero).unwrap().to_string(), "5");
}

#[test]
fn repeated_squaring_stays_bounded() {
    let mut n = number("1.0000001e20");
    for _ in 0..64 {
        n = n.multiply(&n).unwrap();
    }
    assert!(n.is_infinite());
    let mut n = number("0.3");
    for _ in 0..64 {
        n = n.multiply(&n).unwrap();
    }
    assert!(n.is_zero());
}

#[test]
fn parts_of_numbers() {
    assert_eq!(number("-1.5").floor(), number("-2"));
    assert_eq!(number("-1.5").ceiling(), number("-1"));
    assert_eq!(number("1.5").ceiling(), number("2"));
    assert_eq!(number("7").floor(), number("7"));
    assert_eq!(Number::infinity(true).floor(), Number::infinity(true));
    assert!(number("1e20").is_integer() && !number("0.5").is_integer());
    assert_eq!(number("1e3").to_i64(), Some(1000));
    assert_eq!(number("-9223372036854775808").to_i64(), Some(i64::MIN));
    assert_eq!(number("9223372036854775808").to_i64(), None);
    assert_eq!(number("18446744073709551615").to_u64(), Some(u64::MAX));
    assert_eq!(number("-1").to_u64(), None);
    assert_eq!(number("0.5").to_i64(), None);
    assert!((number("0.1").to_f64() - 0.1).abs() < f64::EPSILON);
    assert_eq!(Number::from(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(number("-9223372036854775808").negate().to_string(), "9223372036854775808");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_text_of_a_number_reads_back(digits in "-?[0-9]{1,60}(\\.[0-9]{1,200})?(e-?[0-9]{1,3})?") {
        let n = number(&digits);
        prop_assert_eq!(&number(&n.to_string()), &n);
        prop_assert_eq!(&number(&n.lossless_text()), &n);
    }

    #[test]
    fn floats_come_back(float in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
        let n = Number::from_f64(float).unwrap();
        prop_assert!(n.to_f64().to_bits() == float.to_bits());
    }

    #[test]
    fn order_is_total(a in "-?[0-9]{1,30}(\\.[0-9]{1,30})?", b in "-?[0-9]{1,30}(\\.[0-9]{1,30})?") {
        let (a, b) = (number(&a), number(&b));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        let difference = a.subtract(&b).unwrap();
        prop_assert_eq!(a.cmp(&b), difference.cmp(&Number::ZERO));
    }
}

#[test]
fn elements_are_had_by_index_and_key() {
    let object = value(r#"{"a": [10, 20], "b": {"c": true}}"#);
    let a = object.index(&Value::from("a")).unwrap();
    assert_eq!(a.index(&Value::from(1_i64)).unwrap(), Value::from(20_i64));
    assert_eq!(a.index(&Value::from("0")).unwrap(), Value::from(10_i64));
    assert!(matches!(a.index(&Value::from(2_i64)), Err(IndexError::Missing(_))));
    assert!(matches!(a.index(&Value::from(-1_i64)), Err(IndexError::Missing(_))));
    assert!(matches!(a.index(&Value::from(number("0.5"))), Err(IndexError::WrongKey(_))));
    assert!(matches!(a.index(&Value::from("x")), Err(IndexError::WrongKey(_))));
    assert!(matches!(object.index(&Value::from("z")), Err(IndexError::Missing(_))));
    assert_eq!(Value::from(true).index(&Value::from("z")), Err(IndexError::NotIndexable));
    assert_eq!(Value::null().index(&Value::from("z")), Err(IndexError::NotIndexable));
    let secret = object.clone().with_sensitive(true);
    assert!(secret.index(&Value::from("a")).unwrap().is_sensitive());
    let unknown = Value::unknown_from(Type::object([("id", Type::String)]), "x.y");
    let id = unknown.index(&Value::from("id")).unwrap();
    assert_eq!(id, Value::unknown_from(Type::String, "x.y.id"));
    assert!(unknown.index(&Value::from("nope")).is_err());
}

#[test]
fn sets_are_sorted_and_distinct() {
    let set = Value::set(Type::String, ["b", "a", "b", "B"].map(Value::from));
    let texts: Vec<_> = set.as_elements().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(texts, ["B", "a", "b"]);
    let numbers = ["10", "9", "1e1", "-1"].map(|n| Value::from(number(n)));
    assert_eq!(Value::set(Type::Number, numbers).to_string(), "toset([\n  -1,\n  9,\n  10,\n])");
    let unknowns = [Value::unknown(Type::String), Value::unknown(Type::String)];
    assert_eq!(Value::set(Type::String, unknowns).as_elements().unwrap().len(), 2);
    let one = Value::unknown_from(Type::String, "a.b");
    assert_eq!(Value::set(Type::String, [one.clone(), one]).as_elements().unwrap().len(), 1);
    let marked = Value::set(Type::String, [Value::from("a").with_sensitive(true)]);
    assert!(marked.is_sensitive() && !marked.as_elements().unwrap()[0].is_sensitive());
}

#[test]
fn equality_is_three_valued() {
    use Equality::{Different, Same, Undecided};
    let unknown = |ty| Value::unknown(ty);
    let id = Value::unknown_from(Type::String, "gateway.id");
    let other = Value::unknown_from(Type::String, "gateway.name");
    let list =
        |elements: &[i64]| Value::list(Type::Number, elements.iter().copied().map(Value::from));
    for (a, b, expected) in [
        (Value::from(1_i64), Value::from("1"), Different),
        (value("[1]"), list(&[1]), Different),
        (list(&[1]), list(&[1]), Same),
        (list(&[]), Value::list(Type::String, []), Different),
        (Value::null(), Value::null(), Same),
        (Value::null(), Value::from(1_i64), Different),
        (Value::null(), unknown(Type::Number), Undecided),
        (Value::from(1_i64), unknown(Type::Number), Undecided),
        (Value::from(1_i64), unknown(Type::String), Different),
        (Value::from(1_i64), unknown(Type::Any), Undecided),
        (id.clone(), id.clone(), Same),
        (id.clone(), other.clone(), Undecided),
        (unknown(Type::String), unknown(Type::String), Undecided),
        (
            Value::tuple([id.clone(), 1_i64.into()]),
            Value::tuple([id.clone(), 2_i64.into()]),
            Different,
        ),
        (Value::tuple([id.clone()]), Value::tuple([id.clone()]), Same),
        (Value::tuple([id.clone()]), Value::tuple([other]), Undecided),
        (value(r#"{"a":1}"#), value(r#"{"a":1,"b":null}"#), Different),
        (value(r#"{"a":1}"#).with_sensitive(true), value(r#"{"a":1.0}"#), Same),
    ] {
        assert_eq!(equals(&a, &b), expected, "{a} == {b}");
        assert_eq!(equals(&b, &a), expected, "{b} == {a}");
    }
    let secret = Value::tuple([Value::from(1_i64).with_sensitive(true)]);
    assert!(equals_value(&secret, &value("[1]")).is_sensitive());
    let with_unknown = Value::set(Type::String, [id, Value::from("a")]);
    let strings = |texts: &[&str]| Value::set(Type::String, texts.iter().copied().map(Value::from));
    assert_eq!(equals(&with_unknown, &strings(&["a", "b"])), Undecided);
    assert_eq!(equals(&with_unknown, &strings(&["c", "b"])), Different);
}

#[test]
fn paths_lead_to_parts() {
    let object = value(r#"{"a": [{"b": 1}], "c d": {"e": 2}}"#);
    let mut seen = Vec::new();
    object.walk(&mut |path, _| {
        seen.push(path.to_string());
        true
    });
    assert_eq!(seen, ["", "a", "a[0]", "a[0].b", r#"["c d"]"#, r#"["c d"].e"#]);
    let path = Path(vec![Step::Attribute("a".into()), Step::Index(0), Step::Attribute("b".into())]);
    assert_eq!(object.at(&path), Some(&Value::from(1_i64)));
    let marked = object.with_sensitive_paths(std::slice::from_ref(&path));
    assert!(marked.deep_sensitive() && !object.deep_sensitive());
    assert_eq!(marked.sensitive_paths(), [path]);
    assert_eq!(marked.unmark_deep(), object);
    let map = Value::map(Type::Number, [(Name::from("k.v"), Value::from(1_i64))].into());
    assert_eq!(map.children()[0].0, Step::Key("k.v".into()));
    assert!(Path::root().covers(&Path(vec![Step::Index(1)])));
}

#[test]
fn unknown_parts_are_found_and_dropped() {
    let unknown = Value::unknown(Type::String);
    let object = Value::object_of([("a", Value::tuple([unknown])), ("b", Value::from("x"))]);
    assert!(object.deep_unknown() && !object.is_wholly_known());
    assert_eq!(object.unknown_paths()[0].to_string(), "a[0]");
    assert_eq!(object.unknown_as_null(), value(r#"{"a":[null],"b":"x"}"#));
}
