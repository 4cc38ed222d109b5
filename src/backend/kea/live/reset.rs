//! `ha-reset`: the server leaves whatever failover state it is in and looks for its partner.

use serde_json::json;

use super::LiveServer;
use crate::backend::kea::command::provider;
use crate::engine::approval::Approved;
use crate::engine::port::Control;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

const COMMAND: &str = "ha-reset";

/// Whether the server has the command.
pub(super) async fn is_possible(server: &LiveServer, ctl: &Control) -> Result<()> {
    let known = server.known(ctl).await?;
    if known.commands.has(COMMAND) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Unsupported, format!("the server lacks {COMMAND}"));
    Err(server.on(error.hint(format!("{}: restart both servers instead", provider(COMMAND)))))
}

/// Sends it for one relationship. A server with several takes it for the first one unless it
/// is told which; Kea before 2.6 has one, and no name to tell.
pub(super) async fn send(server: &LiveServer, this_server: &Foreign, _ok: &Approved) -> Result<()> {
    if server.policy().read_only {
        return Err(server.on(Error::new(ErrorKind::Safety, "the server is read-only")));
    }
    let known = server.known(&Control::free()).await?;
    if !known.memberships.iter().any(|membership| membership.this_server == *this_server) {
        let what = format!("the server is not {this_server} in any relationship");
        return Err(server.on(Error::new(ErrorKind::Moved, what)));
    }
    let name = (known.memberships.len() > 1).then(|| json!({ "server-name": this_server }));
    let answer = server.channel().tell(COMMAND, name.as_ref()).await?;
    match answer.failure() {
        None => Ok(()),
        Some(error) => Err(server.on(error)),
    }
}
