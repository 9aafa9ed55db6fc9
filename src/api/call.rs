//! A call: an action with its parameters, as the journal records it and the client sends it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::Action;
use super::signature::{canonical_query, sha256_hex};

/// An action with its own parameters; what every request carries (version, signature, time) is
/// added when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// The action.
    pub action: Action,
    /// Its parameters by their names on the wire, with `RegionId` and `ClientToken`.
    pub parameters: BTreeMap<String, String>,
}

impl Call {
    /// Creates a call without parameters.
    pub fn new(action: Action) -> Self {
        Self { action, parameters: BTreeMap::new() }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a parameter if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets the members of a list as `name.1`, `name.2`, and so on.
    #[must_use]
    pub fn with_list(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.parameters.insert(format!("{name}.{}", index + 1), value.into());
        }
        self
    }

    /// Sets the `ClientToken`.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        self.with("ClientToken", token)
    }

    /// Returns a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Returns the `ClientToken`.
    pub fn token(&self) -> Option<&str> {
        self.parameter("ClientToken")
    }

    /// Returns what tells this request from others under the same token: SHA-256, in lower-case
    /// hexadecimal digits, over the action and its parameters without the token.
    pub fn digest(&self) -> String {
        let mut parameters = self.parameters.clone();
        parameters.remove("ClientToken");
        sha256_hex(format!("{}?{}", self.action.name(), canonical_query(&parameters)).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::new(Action::CreateSnatEntry).with("RegionId", "cn-hangzhou").with("SnatIp", "1.2.3.4")
    }

    #[test]
    fn digests_differ_by_parameters_and_not_by_token() {
        assert_eq!(call().digest(), call().with_token("a").digest());
        assert_eq!(call().digest().len(), 64);
        assert_ne!(call().digest(), call().with("SnatIp", "1.2.3.5").digest());
        assert_ne!(call().digest(), call().with("SnatEntryName", "").digest());
        assert_ne!(
            Call::new(Action::DescribeNatGateways).digest(),
            Call::new(Action::DescribeBandwidthPackages).digest()
        );
    }

    #[test]
    fn separators_within_values_do_not_make_digests_equal() {
        let one = Call::new(Action::CreateNatGateway).with("Name", "a&Spec=b");
        let two = Call::new(Action::CreateNatGateway).with("Name", "a").with("Spec", "b");
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn lists_are_numbered_from_one() {
        let call = Call::new(Action::RemoveBandwidthPackageIps)
            .with_list("RemovedIpAddresses", ["a", "b"])
            .with_some("ClientToken", None::<String>);
        assert_eq!(call.parameter("RemovedIpAddresses.1"), Some("a"));
        assert_eq!(call.parameter("RemovedIpAddresses.2"), Some("b"));
        assert_eq!(call.token(), None);
    }

    #[test]
    fn survives_serialisation() {
        let text = serde_json::to_string(&call()).unwrap();
        assert_eq!(serde_json::from_str::<Call>(&text).unwrap(), call());
    }
}
