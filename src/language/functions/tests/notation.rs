//! A small notation for vectors: literals, calls and arithmetic, without references.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use super::super::{FunctionContext, call, lookup};
use crate::environment::{MemoryFiles, SeededIds, Timestamp};
use crate::value::{Name, Number, Type, Value};

static FILES: LazyLock<MemoryFiles> = LazyLock::new(|| {
    let files: [(&str, &[u8]); 10] = [
        ("/base/hello.txt", b"hello"),
        ("/base/bin.dat", b"\xff\xfe"),
        ("/base/d/a.txt", b""),
        ("/base/d/b.json", b""),
        ("/base/d/.hidden", b""),
        ("/base/d/e/c.txt", b""),
        ("/base/key.pem", include_bytes!("key.pem")),
        ("/base/key8.pem", include_bytes!("key8.pem")),
        ("/home/user/x", b"at home"),
        ("/base/decomposed.txt", "e\u{301}".as_bytes()),
    ];
    MemoryFiles(files.map(|(path, bytes)| (path.into(), bytes.to_vec())).into())
});

pub(super) fn context(ids: &SeededIds) -> FunctionContext<'_> {
    FunctionContext {
        files: &*FILES,
        base: Path::new("/base"),
        home: Some(Path::new("/home/user")),
        plan_time: Some(Timestamp(1_700_000_000_000)),
        applying: true,
        now: Timestamp(1_700_000_001_000),
        ids: Some(ids),
    }
}

/// Evaluates an expression.
pub(super) fn evaluate(expression: &str) -> Result<Value, String> {
    let mut reader = Reader { rest: expression };
    let value = reader.sum()?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("notation: {}", reader.rest)) }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest.strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut left = self.factor()?;
        loop {
            let operation: fn(&Number, &Number) -> _ = match () {
                () if self.take("+") => Number::add,
                () if self.take("/") => Number::divide,
                () if self.take("*") => Number::multiply,
                () => return Ok(left),
            };
            let right = self.factor()?;
            let (a, b) = (left.as_number().unwrap(), right.as_number().unwrap());
            left = Value::from(operation(a, b).map_err(|error| error.to_string())?);
        }
    }

    fn factor(&mut self) -> Result<Value, String> {
        self.space();
        match self.rest.chars().next() {
            Some('"') => Ok(Value::text(&self.string())),
            Some('[') => {
                self.take("[");
                Ok(Value::tuple(self.list("]")?))
            }
            Some('{') => self.object(),
            Some('-') => {
                self.take("-");
                let number = self.factor()?;
                Ok(Value::from(number.as_number().unwrap().negate()))
            }
            Some(c) if c.is_ascii_digit() => {
                let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
                let mut end = end.unwrap_or(self.rest.len());
                if self.rest[..end].ends_with('e') {
                    let more = self.rest[end + 1..].find(|c: char| !c.is_ascii_digit());
                    end = more.map_or(self.rest.len(), |more| end + 1 + more);
                }
                let (number, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(Value::from(Number::parse(number).map_err(|error| error.to_string())?))
            }
            _ => self.call(),
        }
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| c != '_' && c != ':' && !c.is_ascii_alphanumeric());
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word.to_owned()
    }

    fn call(&mut self) -> Result<Value, String> {
        let name = self.word();
        if !self.take("(") {
            return match &*name {
                "null" => Ok(Value::null()),
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                other => Err(format!("notation: {other}")),
            };
        }
        let arguments = self.list(")")?;
        if name == "unknown" {
            let ty = match arguments.first().and_then(Value::as_str) {
                Some("string") => Type::String,
                Some("number") => Type::Number,
                Some("bool") => Type::Bool,
                Some("list") => Type::list(Type::String),
                Some("set") => Type::set(Type::String),
                Some("map") => Type::map(Type::Number),
                Some("object") => Type::object([("a", Type::Number), ("b", Type::String)]),
                _ => Type::Any,
            };
            return Ok(Value::unknown(ty));
        }
        if name == "typeof" {
            return Ok(Value::from(arguments[0].type_of().to_string()));
        }
        let ids = SeededIds::new(7);
        let function = lookup(&name).ok_or_else(|| format!("no function {name}"))?;
        call(function, &arguments, &context(&ids)).map_err(|error| match error.argument {
            Some(index) => format!("[{index}] {error}"),
            None => error.to_string(),
        })
    }

    fn list(&mut self, end: &str) -> Result<Vec<Value>, String> {
        let mut elements = Vec::new();
        while !self.take(end) {
            elements.push(self.sum()?);
            if self.take("...") {
                let last = elements.pop().unwrap();
                elements.extend(last.as_elements().unwrap().iter().cloned());
            }
            self.take(",");
        }
        Ok(elements)
    }

    fn object(&mut self) -> Result<Value, String> {
        self.take("{");
        let mut attributes: BTreeMap<Name, Value> = BTreeMap::new();
        while !self.take("}") {
            self.space();
            let name = if self.rest.starts_with('"') { self.string() } else { self.word() };
            assert!(self.take("="), "notation: {}", self.rest);
            attributes.insert(name.into(), self.sum()?);
            self.take(",");
        }
        Ok(Value::object(attributes.into()))
    }

    fn string(&mut self) -> String {
        let mut out = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    break;
                }
                '\\' => match characters.next().unwrap().1 {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'u' => {
                        let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                        out.extend(char::from_u32(u32::from_str_radix(&digits, 16).unwrap()));
                    }
                    other => out.push(other),
                },
                '$' if self.rest[at..].starts_with("$${") => {
                    characters.next();
                    out.push('$');
                }
                c => out.push(c),
            }
        }
        out
    }
}
