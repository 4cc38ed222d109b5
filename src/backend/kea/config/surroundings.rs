//! What stands above a subnet: global values, networks, option definitions.

/// What is needed to open the scopes of one server.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {}
