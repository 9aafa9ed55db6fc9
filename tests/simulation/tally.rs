//! Counts of what seeds met, so that nothing that they are said to test goes untested.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

/// What a thousand seeds must have met, each at least once.
const EXPECTED: [&str; 41] = [
    "action: AddBandwidthPackageIps",
    "action: ConvertBandwidthPackage",
    "action: CreateBandwidthPackage",
    "action: CreateForwardEntry",
    "action: CreateNatGateway",
    "action: CreateSnatEntry",
    "action: DeleteBandwidthPackage",
    "action: DeleteForwardEntry",
    "action: DeleteNatGateway",
    "action: DeleteSnatEntry",
    "action: ModifyBandwidthPackageAttribute",
    "action: ModifyBandwidthPackageSpec",
    "action: ModifyForwardEntry",
    "action: ModifyNatGatewayAttribute",
    "action: ModifyNatGatewaySpec",
    "action: ModifySnatEntry",
    "action: RemoveBandwidthPackageIps",
    "action: UpdateNatGatewayNatType",
    "death: between awaits",
    "death: between awaits, in recovery",
    "death: between statements",
    "death: with a call in flight",
    "end: interrupted once",
    "end: interrupted twice",
    "fault: answer is garbage",
    "fault: answer lost",
    "fault: busy",
    "fault: connection refused",
    "fault: delivered twice",
    "fault: error after the effect",
    "fault: error before the effect",
    "fault: never answered",
    "fault: request lost",
    "fault: stale read",
    "fault: throttled",
    "fault: token in process",
    "outsider: late copy",
    "outsider: console",
    "recovery: adopted",
    "recovery: resent",
    "world: 200 objects",
];

impl Tally {
    pub(crate) fn add(&mut self, name: impl Into<String>) {
        *self.0.entry(name.into()).or_default() += 1;
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Returns what was never met.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        EXPECTED.into_iter().filter(|name| self.count(name) == 0).collect()
    }
}
