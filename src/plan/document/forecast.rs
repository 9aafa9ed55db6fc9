//! The public model of what carrying out a plan will probably be like.

use serde::{Deserialize, Serialize};

/// How long a plan will probably take, and whose traffic it stops for how long. Times are reckoned
/// from the first call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Seconds until the last call has settled.
    pub seconds: f64,
    /// Where the times of the actions come from.
    pub times: Times,
    /// Numbers of the operations of which each waits for the one before it, and the last of which
    /// settles last.
    pub critical_path: Vec<usize>,
    /// Traffic that stops, in the order in which it does.
    pub interruptions: Vec<Interruption>,
}

/// Where the times of a forecast come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// The service's documentation, and assumptions where it is silent.
    Documented,
    /// Earlier runs.
    Learned,
    /// Earlier runs where they had such calls, the documentation elsewhere.
    Mixed,
}

/// Traffic that stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interruption {
    /// The instance whose change stops it.
    pub address: String,
    /// Which traffic: `203.0.113.7:443/tcp`, `192.168.1.0/24 outbound`, or the address of a gateway
    /// or package all of whose traffic stops.
    pub traffic: String,
    /// When it stops, in seconds.
    pub begins: f64,
    /// For how many seconds; absent where nothing in the plan lets it flow again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}
