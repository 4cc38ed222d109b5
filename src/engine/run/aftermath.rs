//! What a run leaves behind that no write of scopes changes.

use std::time::Duration;

use futures_util::future::join_all;

use crate::engine::fleet::Fleet;
use crate::engine::plan::PlannedRelationship;
use crate::engine::port::{Control, Server};
use crate::engine::reset::StillTerminated;
use crate::model::Condition;

/// For so long servers are asked after the operator has ended all else.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Asks both servers of a relationship that was terminated before the run whether it still is.
pub(super) async fn still_terminated(
    fleet: &Fleet,
    planned: &PlannedRelationship,
    ctl: &Control,
) -> Option<StillTerminated> {
    let trouble = planned.trouble.as_ref().filter(|trouble| trouble.condition == Condition::Terminated)?;
    let servers = planned.servers().filter_map(|name| fleet.server(name));
    let told = join_all(servers.map(|server| says_so(server.as_ref(), planned, ctl))).await;
    let servers: Vec<String> = told.into_iter().flatten().collect();
    (!servers.is_empty()).then(|| StillTerminated { servers, reset: trouble.reset.clone() })
}

/// The server's name, where it says that it is terminated. One that cannot be asked says nothing.
async fn says_so(server: &dyn Server, planned: &PlannedRelationship, ctl: &Control) -> Option<String> {
    let free = Control::free();
    let given_up = async {
        ctl.hard.cancelled().await;
        tokio::time::sleep(LAST_LOOK).await;
    };
    let health = tokio::select! {
        biased;
        health = server.health(&free) => health.ok()?,
        () = given_up => return None,
    };
    let members = &planned.trouble.as_ref()?.members;
    let mut told = health.memberships.iter().filter(|told| members.contains(&told.this_server));
    let state = told.find_map(|told| told.state.as_ref())?;
    (state.condition(&planned.mode) == Condition::Terminated).then(|| server.name().to_string())
}
