use super::*;

const GATEWAYS: &str = r#"
    resource "nat_gateway" "g" {
      for_each    = { a = 1, b = 2 }
      vpc_id      = "v"
      name = "about ${each.key}"
    }
    resource "nat_gateway" "counted" {
      count  = 2
      vpc_id = "v"
    }
    locals {
      ids     = { for k, g in nat_gateway.g : k => g.id }
      deep    = { for k, id in local.ids : k => { id = id, key = k } }
      some    = { for k, g in nat_gateway.g : k => g.id if k != "b" }
      wholes  = { for key, g in nat_gateway.g : (key) => g }
      renamed = { for k, g in nat_gateway.g : "${k}-new" => g.id }
      numbers = { for i, g in nat_gateway.counted : i => g.id }
    }
"#;

/// Evaluates `name` of a block over both keys, and tells what its instance `a` needs.
fn needs(each: &str, name: &str) -> (String, String) {
    let text = format!(
        "{GATEWAYS}\nresource \"nat_gateway\" \"h\" {{\n  for_each = {each}\n  vpc_id = \"v\"\n  \
         name = {name}\n}}\n"
    );
    let mut case = Case::new(&text);
    let own = "nat_gateway.h[\"a\"]";
    case.set("nat_gateway.g[\"a\"]", &[("id", "ngw-a".into()), ("vpc_id", "vpc-a".into())]);
    let known = case.instance(own);
    let line = known.lines().find(|line| line.starts_with("name = "));
    let found = line.unwrap_or(&known).trim_start_matches("name = ").to_owned();
    (found, case.needs(own).trim_end().replace('\n', "; "))
}

#[test]
fn an_element_of_a_whole_block_needs_its_twin_alone() {
    let same = |each, name| {
        let (found, needs) = needs(each, name);
        assert_eq!(found, "\"ngw-a\"", "{each} {name}");
        assert_eq!(needs, "nat_gateway.g[\"a\"] {id}", "{each} {name}");
    };
    same("nat_gateway.g", "each.value.id");
    same("{ for k, g in nat_gateway.g : k => g.id }", "each.value");
    same("{ for k, g in nat_gateway.g : k => g }", "each.value.id");
    same("{ for k, g in nat_gateway.g : k => { id = g.id } if k != \"b\" }", "each.value.id");
    same("{ a = 1, b = 2 }", "local.ids[each.key]");
    same("{ a = 1, b = 2 }", "local.ids.a");
    same("{ a = 1, b = 2 }", "local.deep[each.key].id");
    same("{ a = 1, b = 2 }", "local.wholes[each.key].id");
    same("local.deep", "each.value.id");
    same("local.wholes", "each.value.id");
}

#[test]
fn what_has_other_keys_is_evaluated_whole() {
    let (found, whole) = needs("{ a = 1 }", "local.renamed[\"${each.key}-new\"]");
    assert_eq!(found, "\"ngw-a\"");
    assert!(whole.contains("all of nat_gateway.g"), "{whole}");
    let (found, whole) = needs("{ a = 1 }", "local.numbers[\"1\"]");
    assert_eq!(found, "<nat_gateway.counted[1].id: string>");
    assert!(whole.contains("all of nat_gateway.counted"), "{whole}");
}

#[test]
fn an_element_that_is_not_there_is_reported_as_ever() {
    for (map, key) in [("some", "b"), ("ids", "c")] {
        let block = format!("resource \"nat_gateway\" \"h\" {{ vpc_id = local.{map}[\"{key}\"] }}");
        let found = Case::new(&format!("{GATEWAYS}\n{block}\n")).instance("nat_gateway.h");
        assert!(found.contains(&format!("object has no element `{key}`")), "{found}");
    }
}

#[test]
fn modules_over_modules_need_their_twins_alone() {
    let module = "variable \"about\" { default = \"none\" }\n\
        resource \"nat_gateway\" \"g\" {\n  vpc_id = \"v\"\n  name = var.about\n}\n\
        output \"id\" { value = nat_gateway.g.id }\n";
    let root = r#"
        module "first" {
          source   = "./m"
          for_each = { a = 1, b = 2 }
        }
        module "second" {
          source   = "./m"
          for_each = module.first
          about    = each.value.id
        }
        module "third" {
          source   = "./m"
          for_each = { for k, m in module.first : k => m.id }
          about    = "of ${each.value}"
        }
        "#;
    let case = Case::with(&[("cfg/main.nat.hcl", root), ("cfg/m/main.nat.hcl", module)], &[]);
    for name in ["second", "third"] {
        let needs = case.needs(&format!("module.{name}[\"a\"].nat_gateway.g"));
        assert_eq!(needs, "module.first[\"a\"].nat_gateway.g {id}\n");
    }
}

#[test]
fn a_change_in_one_of_many_modules_is_seen() {
    let module = "variable \"key\" {}\n\
        resource \"nat_gateway\" \"g\" { vpc_id = \"v\" }\n\
        output \"name\" { value = \"${var.key}-${nat_gateway.g.id}\" }\n";
    let root = r#"
        module "m" {
          source = "./m"
          count  = 40
          key    = "k"
        }
        output "all" { value = join(" ", [for m in module.m : m.name if m.name != ""]) }
        "#;
    let mut case = Case::with(&[("cfg/main.nat.hcl", root), ("cfg/m/main.nat.hcl", module)], &[]);
    let set = |case: &mut Case, at: usize, id: &str| {
        case.set(&format!("module.m[{at}].nat_gateway.g"), &[("id", id.into())]);
    };
    for at in 0..40 {
        set(&mut case, at, "old");
    }
    assert_eq!(case.outputs().matches("k-old").count(), 40);
    set(&mut case, 39, "new");
    let found = case.outputs();
    assert_eq!((found.matches("k-old").count(), found.matches("k-new").count()), (39, 1));
}
