//! Where unknown values come from: origins such as `nat_gateway.main.forward_table_id` or
//! `bandwidth_package.edge.public_ip_addresses[2]`.

use crate::address::Address;

/// Splits an origin into the instance and the attribute that it names; `exists` tells instances from
/// other texts.
pub(crate) fn split<T>(origin: &str, find: impl Fn(&Address) -> Option<T>) -> Option<(T, &str)> {
    origin.rmatch_indices('.').find_map(|(dot, _)| {
        let address: Address = origin[..dot].parse().ok()?;
        let found = find(&address)?;
        let rest = &origin[dot + 1..];
        Some((found, &rest[..rest.find(['.', '[']).unwrap_or(rest.len())]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_dots_and_elements_are_told_apart() {
        let find = |a: &Address| (a.kind() == "g").then(|| a.to_string());
        assert_eq!(split("g.a.id", find), Some(("g.a".to_owned(), "id")));
        assert_eq!(
            split("module.m[\"x.y\"].g.a[\"p.q\"].ips[2]", find),
            Some(("module.m[\"x.y\"].g.a[\"p.q\"]".to_owned(), "ips"))
        );
        assert_eq!(split("nothing", find), None);
    }
}
