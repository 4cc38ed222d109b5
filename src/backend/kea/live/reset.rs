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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::backend::kea::fake::Fake;
    use crate::backend::kea::live::Policy;
    use crate::backend::kea::socket::{Limits, Socket};
    use crate::engine::approval::{Questions, Switches};
    use crate::engine::port::Server as _;

    fn approved() -> Approved {
        let switches = Switches { force: true, ..Switches::default() };
        let questions = Questions::new("digest", vec!["pair".into()], "op", switches, BTreeSet::new());
        questions.into_approved().remove(0)
    }

    /// A server with these own names, that answers a reset with this.
    fn kea(names: &'static [&'static str], has_command: bool, answer: Option<Value>) -> Fake {
        Fake::script(move |request| match request["command"].as_str()? {
            "list-commands" => {
                let mut commands = vec!["config-get", "list-commands"];
                commands.extend(has_command.then_some(COMMAND));
                Some(json!({ "result": 0, "arguments": commands }))
            }
            "config-get" => {
                let peers = |name: &str| {
                    json!([{ "name": name, "url": "http://a/", "role": "primary" },
                    { "name": format!("of {name}"), "url": "http://b/", "role": "standby" }])
                };
                let relationship =
                    |name: &&str| json!({ "mode": "hot-standby", "this-server-name": name, "peers": peers(name) });
                let all: Vec<Value> = names.iter().map(relationship).collect();
                let hooks = json!([{ "library": "ha.so", "parameters": { "high-availability": all } }]);
                Some(json!({ "result": 0, "arguments": { "Dhcp4": { "hooks-libraries": hooks } } }))
            }
            _ => answer.clone(),
        })
    }

    fn server(fake: &Fake, read_only: bool) -> LiveServer {
        let policy = Policy { read_only, save: true, ..Policy::default() };
        LiveServer::new("kea-1".into(), Socket::new(fake.path(), Limits::default()), policy)
    }

    fn resets(fake: &Fake) -> Vec<Value> {
        fake.requests().into_iter().filter(|request| request["command"] == COMMAND).collect()
    }

    #[tokio::test]
    async fn a_server_with_several_relationships_is_told_which_one() {
        let done = || Some(json!({ "result": 0, "text": "HA state machine reset." }));
        let hub = kea(&["hub-b", "hub-c"], true, done());
        server(&hub, false).reset(&"hub-c".into(), &approved()).await.unwrap();
        assert_eq!(resets(&hub), [json!({ "command": COMMAND, "arguments": { "server-name": "hub-c" } })]);
        let one = kea(&["a"], true, done());
        server(&one, false).reset(&"a".into(), &approved()).await.unwrap();
        assert_eq!(resets(&one), [json!({ "command": COMMAND })]);
        let error = server(&one, false).reset(&"hub-c".into(), &approved()).await.unwrap_err();
        assert_eq!((error.kind, resets(&one).len()), (ErrorKind::Moved, 1));
    }

    #[tokio::test]
    async fn a_refusal_is_certain_and_a_lost_answer_is_not() {
        let refusing = kea(&["a"], true, Some(json!({ "result": 1, "text": "not \u{1b}[1mnow" })));
        let error = server(&refusing, false).reset(&"a".into(), &approved()).await.unwrap_err();
        assert_eq!((error.kind, error.in_doubt), (ErrorKind::Refused, false));
        assert_eq!(error.to_string(), "kea-1: ha-reset was refused: not \\u{1b}[1mnow");
        let silent = kea(&["a"], true, None);
        let error = server(&silent, false).reset(&"a".into(), &approved()).await.unwrap_err();
        assert!(error.in_doubt && resets(&silent).len() == 1, "{error}");
    }

    #[tokio::test]
    async fn who_may_not_or_cannot_be_reset_gets_no_request() {
        let fake = kea(&["a"], true, None);
        let error = server(&fake, true).reset(&"a".into(), &approved()).await.unwrap_err();
        assert_eq!((error.kind, fake.requests().len()), (ErrorKind::Safety, 0));
        assert!(server(&fake, false).can_reset(&Control::free()).await.is_ok());
        let old = kea(&["a"], false, None);
        let error = server(&old, false).can_reset(&Control::free()).await.unwrap_err();
        assert_eq!(error.to_string(), "kea-1: the server lacks ha-reset");
        assert!(error.hint.unwrap().contains("restart both servers"));
    }
}
