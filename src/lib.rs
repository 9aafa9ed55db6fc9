//! natform plans and applies Alibaba Cloud NAT gateways as code. ARCHITECTURE.md is the map.

pub mod address;
pub mod api;
pub mod apply;
pub mod bench;
pub mod command;
pub mod configuration;
pub mod diagnostic;
pub mod drift;
pub mod emulator;
pub mod environment;
pub mod language;
pub mod plan;
pub mod refresh;
pub mod rehearsal;
pub mod report;
pub mod resources;
pub mod state;
pub mod syntax;
pub mod value;
