//! What connections have in common, as the report shows it.

use super::world::World;
use crate::report::model::{ConnectionReport, Incident};

/// All incidents.
pub(super) fn reports(_world: &World<'_>, _connections: &[ConnectionReport]) -> Vec<Incident> {
    Vec::new()
}
