//! A Windows server that overwrites scopes of its partner with its own: `InvokeByScopeId` of
//! `PS_DhcpServerv4FailoverReplication`.

use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::cim::Dhcp;
use super::server::{WindowsServer, unless_cancelled};
use super::wsman::{Code, Failure};
use crate::engine::approval::Approved;
use crate::engine::port::{Control, Replicator};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, Membership, Peer, ScopeId};

/// What can be done where a server does not get through to its partner as us.
const WAYS_OUT: &str = "it has to prove there who we are (a second hop): NTLM and Basic cannot hand a login on, auth = \
                        \"credssp\" for it and Kerberos delegation can; else write replication = \"direct\" for its \
                        partner, or run Invoke-DhcpServerv4FailoverReplication on the server itself";

#[async_trait]
impl Replicator for WindowsServer {
    async fn reaches_partner(&self, membership: &Membership, ctl: &Control) -> Result<()> {
        let reached = unless_cancelled(reaches(self.dhcp(), membership), ctl).await;
        reached.flatten().map_err(|error| self.on(error))
    }

    async fn replicate(&self, membership: &Membership, scopes: &[ScopeId], _ok: &Approved) -> Result<Vec<Foreign>> {
        invoke(self.dhcp(), membership, scopes).await.map_err(|error| self.on(error))
    }
}

/// The server asks its partner for no more than its version, and does it as us.
async fn reaches(dhcp: &Dhcp, membership: &Membership) -> Result<()> {
    dhcp.beyond(&partner(membership)?.url).version().await.map(drop).map_err(explained)
}

async fn invoke(dhcp: &Dhcp, membership: &Membership, scopes: &[ScopeId]) -> Result<Vec<Foreign>> {
    leads_there(dhcp, membership, scopes).await?;
    let addresses: Vec<Ipv4Addr> = scopes.iter().map(|id| id.network).collect();
    dhcp.invoke_by_scope_id(true, &addresses).await.map_err(explained)
}

/// Scopes go to the partner of the relationship that they are in, whichever that is by now: only
/// the one of the plan may be overwritten.
pub(super) async fn leads_there(dhcp: &Dhcp, membership: &Membership, scopes: &[ScopeId]) -> Result<()> {
    let name = membership.key();
    let moved = |what: String| Error::new(ErrorKind::Moved, what).hint("look at the relationship and the plan again");
    let told = dhcp.failover().await?;
    let now = told.into_iter().find(|failover| failover.name == name);
    let now = now.ok_or_else(|| moved(format!("there is no relationship {name} any more")))?;
    let partner = partner(membership)?;
    if !now.partner_server.raw().eq_ignore_ascii_case(partner.url.raw()) {
        return Err(moved(format!("{name} leads to {} now, and not to {}", now.partner_server, partner.url)));
    }
    match scopes.iter().find(|id| !now.scope_id.contains(&id.network)) {
        Some(gone) => Err(moved(format!("it is no longer in {name}")).scope(*gone)),
        None => Ok(()),
    }
}

/// The partner; its `url` is the name by which the server itself goes there.
pub(super) fn partner(membership: &Membership) -> Result<&Peer> {
    membership.peers.iter().find(|peer| peer.name != membership.this_server).ok_or_else(|| {
        let what = format!("{} does not tell who the partner is", membership.key());
        Error::new(ErrorKind::Garbled, what).hint("Get-DhcpServerv4Failover shows it on the server")
    })
}

/// What stops a server on its way to its partner has many names, and two cures.
fn explained(failure: Failure) -> Error {
    if !failure.is_stopped_beyond() {
        return failure.into();
    }
    let is_unreachable = matches!(failure.code(), Some(Code::Dhcp(20_122..=20_124) | Code::Win32(1722 | 1753)));
    let error = Error::from(failure);
    match error.hint.clone().filter(|_| is_unreachable) {
        Some(hint) => {
            error.hint(format!("{hint} replication = \"direct\" for the partner needs no way between the two"))
        }
        None => error.hint(WAYS_OUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::exchange::Effect;
    use crate::backend::windows::relationship::memberships;
    use crate::backend::windows::wsman::fake::{Fake, answer, enveloped};

    const A: &str = "10.0.0.0";
    const B: &str = "10.0.1.0";
    const DONE: &str = "<O><cmdletOutput>10.0.0.0</cmdletOutput><ReturnValue>0</ReturnValue></O>";

    fn relationship(partner: &str, scopes: &[&str]) -> String {
        let scopes: String = scopes.iter().map(|scope| format!("<ScopeId>{scope}</ScopeId>")).collect();
        format!(
            "<O><cmdletOutput i:type='DhcpServerv4Failover_Type'><Name>a-b</Name><PartnerServer>{partner}</PartnerServer>\
             <PrimaryServerName>a</PrimaryServerName><SecondaryServerName>b.example.com</SecondaryServerName>\
             <ServerType>PrimaryServer</ServerType>{scopes}</cmdletOutput><ReturnValue>0</ReturnValue></O>"
        )
    }

    async fn membership() -> Membership {
        let told = Dhcp::new(Fake::of(&[&relationship("b", &[A, B])]).client(), None).failover().await.unwrap();
        memberships(&told, &["a".to_owned()]).remove(0)
    }

    fn ids() -> Vec<ScopeId> {
        [A, B].map(|scope| format!("{scope}/24").parse().unwrap()).to_vec()
    }

    #[tokio::test]
    async fn the_probe_asks_the_partner_by_the_name_that_the_server_itself_goes_by() {
        let version = "<O><cmdletOutput i:type='DhcpServerVersion_Type'><MajorVersion>10</MajorVersion>\
                       <MinorVersion>0</MinorVersion></cmdletOutput><ReturnValue>0</ReturnValue></O>";
        let fake = Fake::of(&[version]);
        reaches(&Dhcp::new(fake.client(), Some("elsewhere".to_owned())), &membership().await).await.unwrap();
        let (asked, effect) = fake.asked().remove(0);
        assert!(asked.contains("<m:ComputerName>b</m:ComputerName>") && effect == Effect::Reads, "{asked}");
    }

    #[tokio::test]
    async fn whoever_is_stopped_beyond_learns_the_ways_out() {
        let wmi = |id: &str| {
            let error = format!("<MSFT_WmiError><MessageID>{id}</MessageID><Message>m</Message></MSFT_WmiError>");
            Fake::answering([Ok(answer(
                500,
                &enveloped("", &format!("<s:Fault><s:Detail>{error}</s:Detail></s:Fault>")),
            ))])
        };
        for id in ["WIN32 5", "HRESULT 0x80070005", "DHCP 20121", "WIN32 1326", "HRESULT 0x8009030E", "WIN32 1825"] {
            let error = reaches(&Dhcp::new(wmi(id).client(), None), &membership().await).await.unwrap_err();
            let hint = error.hint.unwrap_or_default();
            let has_all = ["credssp", "Kerberos delegation", "replication = \"direct\"", "on the server itself"];
            assert!(has_all.iter().all(|way| hint.contains(way)), "{id}: {hint}");
        }
        for id in ["DHCP 20122", "DHCP 20123", "DHCP 20124", "WIN32 1722"] {
            let error = reaches(&Dhcp::new(wmi(id).client(), None), &membership().await).await.unwrap_err();
            let hint = error.hint.unwrap_or_default();
            assert!(
                hint.ends_with("replication = \"direct\" for the partner needs no way between the two"),
                "{id}: {hint}"
            );
        }
        let error = reaches(&Dhcp::new(wmi("DHCP 20010").client(), None), &membership().await).await.unwrap_err();
        assert!(!error.hint.unwrap_or_default().contains("direct"));
    }

    #[tokio::test]
    async fn scopes_go_to_the_partner_of_the_plan_alone() {
        for (now, why) in [
            (relationship("c", &[A, B]), "a-b leads to c now, and not to b"),
            (relationship("b", &[A]), "scope 10.0.1.0/24: it is no longer in a-b"),
            (relationship("b", &[A, B]).replace("a-b", "other"), "there is no relationship a-b any more"),
        ] {
            let fake = Fake::of(&[&now]);
            let error = invoke(&Dhcp::new(fake.client(), None), &membership().await, &ids()).await.unwrap_err();
            assert_eq!((error.kind, error.in_doubt, error.to_string()), (ErrorKind::Moved, false, why.to_owned()));
            assert_eq!(fake.asked().len(), 1, "nothing was sent");
        }
        let fake = Fake::of(&[&relationship("B", &[B, A]), DONE]);
        let told = invoke(&Dhcp::new(fake.client(), None), &membership().await, &ids()).await;
        assert_eq!(told, Ok(vec![A.into()]));
        let (asked, effect) = fake.asked().remove(1);
        let named = "<m:Force>true</m:Force><m:ScopeId>10.0.0.0</m:ScopeId><m:ScopeId>10.0.1.0</m:ScopeId></m:InvokeByScopeId_INPUT>";
        assert!(asked.ends_with(named) && effect == Effect::WritesMany(2), "{asked}");
    }

    #[tokio::test]
    async fn what_a_call_came_to_is_in_doubt_unless_nothing_was_begun() {
        for (told, kind, in_doubt) in [
            ("<O/>", ErrorKind::Garbled, true),
            ("<O><ReturnValue>20133</ReturnValue></O>", ErrorKind::Busy, true),
            ("<O><ReturnValue>1722</ReturnValue></O>", ErrorKind::Refused, true),
            ("<O><ReturnValue>20010</ReturnValue></O>", ErrorKind::Empty, true),
        ] {
            let fake = Fake::of(&[&relationship("b", &[A, B]), told]);
            let error = invoke(&Dhcp::new(fake.client(), None), &membership().await, &ids()).await.unwrap_err();
            assert_eq!((error.kind, error.in_doubt), (kind, in_doubt), "{told}: {error}");
        }
    }
}
