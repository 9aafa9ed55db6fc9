use insta::assert_snapshot;

use super::*;
use crate::configuration::variables as collect;
use crate::value::{Value, display};

/// Where values come from.
#[derive(Default)]
struct Sources<'a> {
    declared: &'a str,
    files: &'a [(&'a str, &'a str)],
    environment: &'a [(&'a str, &'a str)],
    options: &'a [&'a str],
}

impl Sources<'_> {
    /// Writes values, what is missing and what is said.
    fn collect(&self) -> String {
        let (variables, text) = self.run();
        let values = variables.values.iter().map(|(n, v)| {
            format!(
                "{n} = {}
",
                one_line(v)
            )
        });
        let missing = variables.missing.iter().map(|n| {
            format!(
                "missing {n}
"
            )
        });
        values.chain(missing).chain([text]).collect::<Vec<_>>().concat()
    }

    fn run(&self) -> (Variables, String) {
        let mut files = vec![("cfg/main.nat.hcl", self.declared)];
        files.extend(self.files);
        let mut environment = environment(&files);
        environment.working_directory = PathBuf::from("cfg");
        environment.variables =
            Arc::new(self.environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
        let (mut configuration, diagnostics) =
            load_with(&environment, Path::new("cfg"), &catalogue());
        assert!(diagnostics.is_empty(), "{}", write(&diagnostics, &configuration.sources));
        let options: Vec<VariableOption> = self
            .options
            .iter()
            .map(|option| match option.strip_prefix('@') {
                Some(path) => VariableOption::File(path.into()),
                None => VariableOption::Var((*option).into()),
            })
            .collect();
        let (variables, diagnostics) = collect(&mut configuration, &environment, &options);
        let text = write(&diagnostics, &configuration.sources);
        (variables, text)
    }
}

fn one_line(value: &Value) -> String {
    display(value).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn later_sources_win() {
    let all = Sources {
        declared: "variable \"a\" {}",
        files: &[
            ("cfg/natform.natvars", "a = \"file\""),
            ("cfg/natform.natvars.json", "{ \"a\": \"json\" }"),
            ("cfg/b.auto.natvars", "a = \"b\""),
            ("cfg/c.auto.natvars.json", "{ \"a\": \"c\" }"),
            ("cfg/d.auto.natvars", "a = \"d\""),
            ("cfg/given.natvars", "a = \"given\""),
        ],
        environment: &[("NATFORM_VAR_a", "environment")],
        options: &["a=first", "@given.natvars", "a=last"],
    };
    let with = |files: usize, options: usize| {
        Sources {
            files: &all.files[..files],
            options: &all.options[..options],
            ..Sources { ..all }
        }
        .collect()
    };
    assert_eq!(with(0, 0), "a = \"environment\"\n");
    assert_eq!(with(1, 0), "a = \"file\"\n");
    assert_eq!(with(2, 0), "a = \"json\"\n");
    assert_eq!(with(3, 0), "a = \"b\"\n");
    assert_eq!(with(4, 0), "a = \"c\"\n");
    assert_eq!(with(5, 0), "a = \"d\"\n");
    assert_eq!(with(6, 1), "a = \"first\"\n");
    assert_eq!(with(6, 2), "a = \"given\"\n");
    assert_eq!(with(6, 3), "a = \"last\"\n");
}

#[test]
fn texts_and_expressions_are_told_apart_by_the_type() {
    let sources = Sources {
        declared: r#"
            variable "untyped" {}
            variable "text" { type = string }
            variable "number" { type = number }
            variable "list" { type = list(string) }
            variable "any" { type = any }
            variable "object" { type = object({ port = number, protocol = optional(string, "tcp") }) }
            variable "truth" { type = bool }
        "#,
        environment: &[("NATFORM_VAR_list", "[\"a\", 5]"), ("NATFORM_VAR_text", "")],
        options: &[
            "untyped=[1]",
            "number= 80",
            "any={ a = [1] }",
            "object={ port = \"80\" }",
            "truth=true",
        ],
        ..Sources::default()
    };
    assert_snapshot!(sources.collect(), @r#"
    any = { "a" = [ 1, ] }
    list = tolist([ "a", "5", ])
    object = { "port" = 80 "protocol" = "tcp" }
    text = ""
    truth = true
    untyped = "[1]"
    error[invalid-variable] value of `var.number` does not fit its type
      see main.nat.hcl:4 `variable "number"` its type is `number`
      at <-var number>:1 ` 80`
      why: A number is required.
"#);
}

#[test]
fn defaults_and_null_follow_the_declaration() {
    let sources = Sources {
        declared: r#"
            variable "default" { default = 5 }
            variable "null_given" { default = 5 }
            variable "not_null" {
              default  = 5
              nullable = false
            }
            variable "refused" { nullable = false }
            variable "z_missing" {}
            variable "a_missing" { type = list(string) }
            variable "secret" {
              default   = "s"
              sensitive = true
            }
        "#,
        files: &[("cfg/natform.natvars", "null_given = null\nnot_null = null\nrefused = null\n")],
        ..Sources::default()
    };
    assert_snapshot!(sources.collect(), @r#"
    default = 5
    not_null = 5
    null_given = null
    secret = (sensitive value)
    missing a_missing
    missing z_missing
    error[invalid-variable] value of `var.refused` is null
      see main.nat.hcl:8 `variable "refused"` declared here
      at natform.natvars:3 `null`
      why: The variable has `nullable = false`.
"#);
}

#[test]
fn undeclared_names_are_warned_of_in_files_and_refused_as_options() {
    let sources = Sources {
        declared: "variable \"region\" { default = \"\" }",
        files: &[("cfg/natform.natvars", "regoin = 1\na = 1\nb = 2\nc = 3\nd = 4\n")],
        environment: &[("NATFORM_VAR_regoin", "x")],
        options: &["regoin=x", "other=x", "nothing"],
    };
    assert_snapshot!(sources.collect(), @r#"
    region = ""
    warning[undeclared-variable] `cfg/natform.natvars` gives values to 2 more undeclared variables
      help: remove them; values for several configurations may stand in the environment
    warning[undeclared-variable] there is no variable `regoin` in the root module
      at natform.natvars:1 `regoin`
      help: did you mean `region`?
    warning[undeclared-variable] there is no variable `a` in the root module
      at natform.natvars:2 `a`
      help: declare it (`variable "a" { … }`) or remove the value
    warning[undeclared-variable] there is no variable `b` in the root module
      at natform.natvars:3 `b`
      help: declare it (`variable "b" { … }`) or remove the value
    error[undeclared-variable] there is no variable `regoin` in the root module
      why: It is given with `-var`.
      help: did you mean `region`?
    error[undeclared-variable] there is no variable `other` in the root module
      why: It is given with `-var`.
      help: declare it (`variable "other" { … }`) or remove the value
    error[invalid-option] `-var nothing` gives no value
      help: write `-var 'nothing=…'`
"#);
}

#[test]
fn mistakes_point_at_their_source() {
    let sources = Sources {
        declared: r#"
            variable "port" { type = number }
            variable "ports" { type = list(number) }
            variable "names" { type = list(string) }
            variable "env" { type = map(number) }
        "#,
        files: &[
            ("cfg/natform.natvars", "ports = [1, \"two\"]\nvariable \"x\" {}\nblock {}\n"),
            ("cfg/x.auto.natvars.json", "{\n  \"port\": \"many\"\n}"),
            ("cfg/y.auto.natvars.json", "{ \"port\": }"),
            ("cfg/z.auto.natvars.json", "[1]"),
        ],
        environment: &[("NATFORM_VAR_env", "{ a = \"x\" }")],
        options: &["names=[a, b]", "@absent.natvars"],
    };
    assert_snapshot!(sources.collect(), @r#"
    error[unreadable] cannot read `absent.natvars`
      why: The system says: entity not found.
    error[invalid-variable] value of `var.env` does not fit its type
      see main.nat.hcl:5 `variable "env"` its type is `map(number)`
      at <NATFORM_VAR_env>:1 `{ a = "x" }`
      why: ["a"]: a number is required.
    error[invalid-variable] value of `var.ports` does not fit its type
      see main.nat.hcl:3 `variable "ports"` its type is `list(number)`
      at natform.natvars:1 `[1, "two"]`
      why: [1]: a number is required.
    error[unknown-block] a file of variables holds no blocks
      at natform.natvars:2 `variable "x"`
      help: declare variables in a `.nat.hcl` file; here, write `name = value`
    error[invalid-variable] value of `var.port` does not fit its type
      see main.nat.hcl:2 `variable "port"` its type is `number`
      at x.auto.natvars.json:2 `"port"`
      why: A number is required.
    error[syntax] file is not valid JSON
      at y.auto.natvars.json:1 `}`
      why: A JSON value is required.
    error[syntax] file holds no JSON object
      at z.auto.natvars.json:1 `[1]`
      help: write `{ "name": value }`
    error[not-constant] this must be a constant value
      at <-var names>:1 `a`
      why: It is read before anything is evaluated, so there is nothing to refer to.
      help: a text stands in quotes: `"a"`
    error[not-constant] this must be a constant value
      at <-var names>:1 `b`
      why: It is read before anything is evaluated, so there is nothing to refer to.
      help: a text stands in quotes: `"b"`
"#);
}

#[test]
fn sensitive_values_stay_out_of_messages() {
    let sources = Sources {
        declared: r#"
            variable "a" {
              type      = number
              sensitive = true
            }
            variable "b" {
              type      = list(number)
              sensitive = true
            }
            variable "c" {
              type      = number
              sensitive = true
            }
            variable "d" {
              type      = list(map(number))
              sensitive = true
            }
        "#,
        files: &[("cfg/natform.natvars", "c = \"s3cret\"")],
        environment: &[("NATFORM_VAR_a", "s3cret")],
        options: &["b=[s3cret", "d=[{s3cret = []}]"],
    };
    let text = sources.collect();
    assert!(!text.contains("s3cret"), "{text}");
    assert_snapshot!(text, @r#"
    error[invalid-variable] value in `<-var b>` cannot be read
      why: It must be an expression of the type `list(number)`.
    error[invalid-variable] value of `var.a` does not fit its type
      see main.nat.hcl:2 `variable "a"` its type is `number`
      why: A number is required. It is given in `<NATFORM_VAR_a>:1`.
    error[invalid-variable] value of `var.c` does not fit its type
      see main.nat.hcl:10 `variable "c"` its type is `number`
      why: A number is required. It is given in `cfg/natform.natvars:1`.
    error[invalid-variable] value of `var.d` does not fit its type
      see main.nat.hcl:14 `variable "d"` its type is `list(map(number))`
      why: Which part of it is withheld because it is sensitive. It is given in `<-var d>:1`.
"#);
}

#[test]
fn answers_from_the_terminal_are_read_like_options() {
    let (mut configuration, _) =
        load_files(&[("cfg/main.nat.hcl", "variable \"n\" { type = number }\nvariable \"t\" {}")]);
    let (mut variables, _) = collect(&mut configuration, &environment(&[]), &[]);
    assert_eq!(variables.missing.len(), 2);
    let refused = variables.answer(&mut configuration, "n", "many").unwrap_err();
    assert_snapshot!(write(&refused, &configuration.sources), @r#"
    error[invalid-variable] value of `var.n` does not fit its type
      see main.nat.hcl:1 `variable "n"` its type is `number`
      at <input for n>:1 `many`
      why: A number is required.
"#);
    variables.answer(&mut configuration, "n", "80").unwrap();
    variables.answer(&mut configuration, "t", "[1").unwrap();
    assert!(variables.missing.is_empty());
    assert_eq!(display(&variables.values["n"]), "80");
    assert_snapshot!(
        write(&no_value(&configuration, "t").into(), &configuration.sources),
        @r#"
    error[missing-variable] there is no value for `var.t`
      at main.nat.hcl:2 `variable "t"`
      help: give it with `-var 't=…'`, in `natform.natvars` or as `NATFORM_VAR_t`; or declare a default
"#
    );
}

#[test]
fn a_file_that_cannot_be_understood_may_hold_what_is_missing() {
    let deep = format!("b = {}1{}\n", "(".repeat(1000), ")".repeat(1000));
    for (name, text) in [("cfg/natform.natvars", &*deep), ("cfg/natform.natvars.json", "{\"b\":")] {
        let (variables, text) =
            Sources { declared: "variable \"b\" {}", files: &[(name, text)], ..Sources::default() }
                .run();
        assert!(variables.missing.is_empty());
        assert_eq!(text.matches("error[").count(), 1, "{text}");
    }
}
