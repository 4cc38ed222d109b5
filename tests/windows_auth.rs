//! Proof of who we are and sealed bodies, against WinRM look-alikes that use another implementation of both.

#![cfg(feature = "windows")]

mod common;

use std::time::{Duration, Instant};

use common::pair::Side;
use common::windows::{WindowsCall, WindowsOptions, WindowsPair};
use scopesync::backend::exchange::{Broken, Effect, Limits};
use scopesync::backend::web::{Address, Login, Trust, Web};
use scopesync::backend::windows::access::{Access, Scheme};
use scopesync::backend::windows::pool::Pool;
use scopesync::backend::windows::wire::{Answer, Wire};
use scopesync::engine::port::Verdict;
use scopesync::secret::{Inline, Secret};

fn access(pair: &WindowsPair, scheme: Scheme) -> Access {
    let server = pair.server(Side::A);
    let login = Login::new(pair.user(), Secret::Inline(Inline::new(pair.password())));
    let trust = pair.ca_cert().map_or(Trust::System, |path| Trust::Authority(path.to_owned()));
    let url = server.url.replace("127.0.0.1", "localhost");
    let address = Address::parse(&url).expect("an address");
    Access { scheme, ..Access::new(Web { address, login: Some(login), trust, identity: None }) }
}

fn identify() -> String {
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header/><s:Body>\
     <i:Identify xmlns:i=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\"/></s:Body></s:Envelope>"
        .to_owned()
}

async fn ask(pool: &Pool) -> Result<Answer, Broken> {
    pool.exchange(&identify(), Effect::Reads).await
}

#[track_caller]
fn is_identity(answer: &Result<Answer, Broken>) {
    let answer = answer.as_ref().map_err(|broken| broken.error.with_hint()).expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("IdentifyResponse"), "{}", answer.text);
    assert!(answer.date.is_some(), "no date");
}

fn connections(calls: &[WindowsCall]) -> usize {
    let mut names: Vec<&str> = calls.iter().map(|call| call.conn.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

fn sealed(calls: &[WindowsCall]) -> usize {
    calls.iter().filter(|call| call.encrypted && call.status == Some(200)).count()
}

/// The requests as soon as these are among them: each is noted after its answer.
#[track_caller]
fn noted(pair: &WindowsPair, wanted: impl Fn(&[WindowsCall]) -> bool) -> Vec<WindowsCall> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let calls = pair.calls(Side::A);
        if wanted(&calls) {
            return calls;
        }
        assert!(Instant::now() < deadline, "{calls:?}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ntlm_and_spnego_seal_over_http() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    for (scheme, words) in [(Scheme::Ntlm, "NTLM"), (Scheme::Negotiate, "Negotiate (NTLM)")] {
        let pool = Pool::new(access(&pair, scheme), Limits::default());
        for _ in 0..3 {
            is_identity(&ask(&pool).await);
        }
        assert!(pool.scheme_used().is_some_and(|used| used.starts_with(words)), "{:?}", pool.scheme_used());
        let [tls, authentication] = pool.security(None);
        assert_eq!(
            (tls.verdict, authentication.verdict),
            (Verdict::Ok, Verdict::Warning),
            "{tls:?} {authentication:?}"
        );
    }
    let calls = noted(&pair, |calls| sealed(calls) == 6);
    assert_eq!(connections(&calls), 2);
}
