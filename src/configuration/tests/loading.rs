use insta::assert_snapshot;

use super::*;

#[test]
fn all_files_of_a_directory_are_one_module_whatever_their_order() {
    let (configuration, diagnostics) = load_files(&[
        ("cfg/b.nat.hcl", "locals { b = local.a }"),
        ("cfg/a.nat.hcl", "locals { a = local.b2 }"),
        ("cfg/c.nat.hcl", "locals { b2 = 1 }"),
        ("cfg/.hidden.nat.hcl", "nonsense"),
        ("cfg/#edited.nat.hcl", "nonsense"),
        ("cfg/notes.txt", "nonsense"),
    ]);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(configuration.root.locals.len(), 3);
    let kept: Vec<_> = configuration.files.keys().map(|p| p.display().to_string()).collect();
    assert_eq!(kept, ["a.nat.hcl", "b.nat.hcl", "c.nat.hcl"]);
    let shown: Vec<_> = configuration.sources.iter().map(|(_, f)| f.name.to_string()).collect();
    assert_eq!(shown, ["cfg/a.nat.hcl", "cfg/b.nat.hcl", "cfg/c.nat.hcl"]);
}

#[test]
fn the_kept_files_load_again_the_same_way() {
    let files = [
        ("cfg/main.nat.hcl", "module \"m\" { source = \"../shared/m\" }"),
        ("shared/m/main.nat.hcl", "output \"o\" { value = 1 }"),
    ];
    let (first, diagnostics) = load_files(&files);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let kept = first.files.iter().map(|(p, t)| (p.clone(), t.as_bytes().to_vec())).collect();
    let environment = Environment { files: Arc::new(MemoryFiles(kept)), ..Environment::real() };
    let (second, diagnostics) = load_with(&environment, Path::new(""), &catalogue());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(second.files, first.files);
    assert!(second.root.calls["m"].module.outputs.contains_key("o"));
}

#[test]
fn a_missing_or_empty_directory_comes_with_advice() {
    let say = |files: &[(&str, &str)], directory: &str| {
        let (configuration, diagnostics) =
            load_with(&environment(files), Path::new(directory), &catalogue());
        write(&diagnostics, &configuration.sources)
    };
    assert_snapshot!(say(&[("cfg/main.nat.hcl", "")], "other"), @r#"
    error[no-such-directory] the directory `other` does not exist
      help: check the spelling; paths of modules start from the file that calls them
"#);
    assert_snapshot!(say(&[("cfg/main.nat.hcl", "")], "cfg/main.nat.hcl"), @r#"
    error[no-such-directory] `cfg/main.nat.hcl` is a file
      why: A configuration is a directory; all its files belong to it.
      help: name the directory that holds the file
"#);
    assert_snapshot!(say(&[("cfg/readme.md", "")], "cfg"), @r#"
    error[no-configuration] there is no configuration in `cfg`
      why: natform reads the files whose names end in `.nat.hcl`.
      help: run it where the configuration is, or with `-C DIR`; to begin, write a `main.nat.hcl` as the quickstart in the README shows
"#);
    assert_snapshot!(say(&[("cfg/main.tf", "")], "./cfg"), @r#"
    error[no-configuration] there is no configuration in `cfg`
      why: natform reads the files whose names end in `.nat.hcl`.
      help: `main.tf` is not read: give it a name such as `main.nat.hcl`; natform's resource types are listed in the manual
"#);
}

#[test]
fn unreadable_texts_are_named_with_their_line() {
    let mut files = std::collections::BTreeMap::new();
    files.insert(PathBuf::from("cfg/main.nat.hcl"), b"locals {\n  a = \"\xff\"\n}".to_vec());
    files.insert(PathBuf::from("cfg/other.nat.hcl"), b"output \"o\" { value = var.a }".to_vec());
    let environment = Environment { files: Arc::new(MemoryFiles(files)), ..Environment::real() };
    let (configuration, diagnostics) = load_with(&environment, Path::new("cfg"), &catalogue());
    // What another file refers to may stand in the one that could not be read.
    assert_snapshot!(write(&diagnostics, &configuration.sources), @r#"
    error[not-utf8] `cfg/main.nat.hcl` is not UTF-8
      why: Line 2 has a byte that no UTF-8 text has.
      help: save the file as UTF-8
"#);
}

#[test]
fn real_directories_load() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("main.nat.hcl"), "locals { a = 1 }").unwrap();
    let (configuration, diagnostics) =
        load_with(&Environment::real(), directory.path(), &catalogue());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert!(configuration.root.locals.contains_key("a"));
    let (_, diagnostics) =
        load_with(&Environment::real(), &directory.path().join("none"), &catalogue());
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["no-such-directory"]);
}

#[test]
fn modules_are_read_from_disk_only_and_must_not_call_themselves() {
    assert_snapshot!(said_of(&[
        ("cfg/main.nat.hcl", r#"
            module "a" { source = "./a" }
            module "b" { source = "registry.example.com/b" }
            module "c" { source = "./c" }
            module "d" { source = var.x }
            module "e" {}
            output "o" { value = [module.a.x, module.b.x, module.c.x, module.d.x, module.e.x] }
        "#),
        ("cfg/a/main.nat.hcl", "module \"back\" { source = \"../\" }\noutput \"x\" { value = 1 }"),
    ]), @r#"
    error[invalid-source] `registry.example.com/b` is not a path to a module
      at main.nat.hcl:3 `"registry.example.com/b"`
      why: natform reads modules from disk only and fetches nothing.
      help: write a path that starts with `./` or `../`
    error[no-such-directory] the directory `cfg/c` does not exist
      at main.nat.hcl:4 `"./c"`
      help: check the spelling; paths of modules start from the file that calls them
    error[not-constant] `source` must be a plain text
      at main.nat.hcl:5 `var.x`
      why: It is read before anything is evaluated.
      help: write `source = "…"` without references
    error[missing-argument] `module` block lacks the argument `source`
      at main.nat.hcl:6 `module "e"`
      help: add `source = …`
    error[module-cycle] module calls itself
      at a/main.nat.hcl:1 `"../"`
      why: The way of the calls is `cfg` → `cfg/a` → `cfg`.
"#);
}

#[test]
fn a_module_that_is_called_twice_is_read_and_reported_once() {
    let text = said_of(&[
        (
            "cfg/main.nat.hcl",
            "module \"a\" { source = \"./m\" }\nmodule \"b\" { source = \"./m/\" }",
        ),
        ("cfg/m/main.nat.hcl", "output \"o\" { value = local.none }"),
    ]);
    assert_snapshot!(text, @r#"
    error[undeclared] there is no local value `none` in the module `m`
      at m/main.nat.hcl:1 `none`
      help: declare it: `locals { none = … }`
"#);
}

#[test]
fn calls_give_modules_what_they_require() {
    assert_snapshot!(said_of(&[
        ("cfg/main.nat.hcl", r#"
            module "a" {
              source = "./m"
              prot   = 1
              nested { }
            }
            output "o" { value = [module.a.outt, module.aa.x, module.a[0].out] }
        "#),
        ("cfg/m/main.nat.hcl", r#"
            variable "port" {}
            variable "zone" {}
            variable "name" { default = "x" }
            output "out" { value = var.port }
        "#),
    ]), @r#"
    error[missing-argument] `module "a"` lacks `zone`
      at main.nat.hcl:2 `module "a"`
      see m/main.nat.hcl:3 `variable "zone"` declared here without a default
      help: add `zone = …`
    error[unknown-argument] the module `a` has no variable `prot`
      at main.nat.hcl:4 `prot`
      help: did you mean `port`?
      fix: `prot` → `port`
    error[unknown-block] `module` has no block `nested`
      at main.nat.hcl:5 `nested`
      help: values of the module's variables are arguments: write `nested = …`
    error[undeclared] the module `a` has no output `outt`
      at main.nat.hcl:7 `outt`
      help: did you mean `out`?
      fix: `outt` → `out`
    error[undeclared] there is no module `aa` in the root module
      at main.nat.hcl:7 `aa`
      help: did you mean `a`?
      fix: `aa` → `a`
    error[invalid-key] `module.a` has one instance without a key
      at main.nat.hcl:7 `0`
      see main.nat.hcl:2 `module "a"` it has neither `count` nor `for_each`
      help: remove the index
"#);
}

#[test]
fn providers_reach_modules_by_their_aliases() {
    assert_snapshot!(said_of(&[
        ("cfg/main.nat.hcl", r#"
            provider "alicloud" { alias = "other" }
            module "good" {
              source    = "./m"
              providers = { alicloud = alicloud.other, alicloud.inner = alicloud.other }
            }
            module "none" { source = "./m" }
            module "wrong" {
              source    = "./m"
              providers = { alicloud.inner = alicloud.othr }
            }
            resource "nat_gateway" "g" {
              vpc_id   = "v"
              provider = alicloud.absent
            }
        "#),
        ("cfg/m/main.nat.hcl", r#"
            resource "nat_gateway" "g" {
              vpc_id   = "v"
              provider = alicloud.inner
            }
        "#),
    ]), @r#"
    error[undeclared] there is no provider `alicloud.othr` here
      at main.nat.hcl:10 `alicloud.othr`
      help: did you mean `alicloud.other`?
    error[undeclared] there is no provider `alicloud.absent` here
      at main.nat.hcl:14 `alicloud.absent`
      help: declare it: `provider "alicloud" { alias = "absent" … }`
    error[undeclared] there is no provider `alicloud.inner` here
      at m/main.nat.hcl:4 `alicloud.inner`
      see main.nat.hcl:7 `module "none"` the module is called here
      help: pass it: `providers = { alicloud.inner = alicloud.… }`
"#);
}
