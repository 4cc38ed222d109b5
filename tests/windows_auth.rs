//! Proof of who we are and sealed bodies, against WinRM look-alikes that use another implementation of both.

#![cfg(feature = "windows")]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::kdc::Kdc;
use common::pair::Side;
use common::web::{Authority, Play, Seen, WebServer};
use common::windows::{WindowsCall, WindowsOptions, WindowsPair};
use scopesync::backend::exchange::{Broken, Effect, Limits};
use scopesync::backend::web::{Address, Login, Trust, Web};
use scopesync::backend::windows::access::{Access, Scheme};
use scopesync::backend::windows::pool::Pool;
use scopesync::backend::windows::wire::{Answer, Wire};
use scopesync::engine::ErrorKind;
use scopesync::engine::port::Verdict;
use scopesync::secret::{Inline, Secret};

/// A wrong password, which has to appear in no error and no formatted value.
const CANARY: &str = "c4n4ry-pa55word";

const IDENTIFY: &str = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header/><s:Body>\
    <i:Identify xmlns:i=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\"/></s:Body></s:Envelope>";

fn access(url: &str, user: &str, password: &str, trust: Trust, scheme: Scheme) -> Access {
    let login = Some(Login::new(user, Secret::Inline(Inline::new(password))));
    let address = Address::parse(url).expect("an address");
    Access { scheme, ..Access::new(Web { address, login, trust, identity: None }) }
}

/// The way to the pair's first server, by its own account.
fn to(pair: &WindowsPair, scheme: Scheme) -> Access {
    let trust = pair.ca_cert().map_or(Trust::System, |path| Trust::Authority(path.to_owned()));
    access(&pair.server(Side::A).url, pair.user(), pair.password(), trust, scheme)
}

fn pool(access: Access) -> Pool {
    Pool::new(access, Limits::default())
}

async fn ask(pool: &Pool) -> Result<Answer, Broken> {
    pool.exchange(IDENTIFY, Effect::Reads).await
}

#[track_caller]
fn is_identity(answer: Result<Answer, Broken>) {
    let answer = answer.map_err(|broken| broken.error.with_hint()).expect("an answer");
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
        let pool = pool(to(&pair, scheme));
        assert_eq!(pool.scheme_used(), None);
        for _ in 0..3 {
            is_identity(ask(&pool).await);
        }
        assert!(pool.scheme_used().is_some_and(|used| used.starts_with(words)), "{:?}", pool.scheme_used());
        let [tls, authentication] = pool.security();
        assert_eq!(
            (tls.verdict, authentication.verdict),
            (Verdict::Ok, Verdict::Warning),
            "{tls:?} {authentication:?}"
        );
        assert!(authentication.found.contains(words), "{authentication:?}");
        let hint = authentication.hint.unwrap_or_default();
        // a domain's account that Kerberos could have proved
        assert_eq!(hint.contains("write auth = \"ntlm\""), scheme == Scheme::Negotiate, "{hint}");
    }
    let calls = noted(&pair, |calls| sealed(calls) == 6);
    assert_eq!(connections(&calls), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_side_by_side_over_a_few_connections() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let pool = pool(Access { connections: 3, ..to(&pair, Scheme::Ntlm) });
    let all = futures_util::future::join_all((0..40).map(|_| ask(&pool))).await;
    all.into_iter().for_each(is_identity);
    let calls = noted(&pair, |calls| sealed(calls) == 40);
    assert!((2..=3).contains(&connections(&calls)), "{} connections", connections(&calls));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_schemes_are_bound_to_its_channel() {
    let options = WindowsOptions { tls: true, auth: "negotiate,basic", ..WindowsOptions::default() };
    let options = options.more(&["--cbt=strict", "--user=CONTOSO\\alice:Secret1", "--user=scott:Secret2"]);
    let Some(pair) = WindowsPair::up(options) else { return };
    for scheme in [Scheme::Ntlm, Scheme::Negotiate, Scheme::Basic] {
        let pool = pool(to(&pair, scheme));
        is_identity(ask(&pool).await);
        assert_eq!(pool.security()[0].verdict, Verdict::Ok);
    }
    // what stands for the machine elsewhere is no part of a name of Basic
    let local = |scheme, password| {
        let login = Some(Login::new(".\\scott", Secret::Inline(Inline::new(password))));
        let Access { web, .. } = to(&pair, scheme);
        pool(Access { web: Web { login, ..web }, ..to(&pair, scheme) })
    };
    is_identity(ask(&local(Scheme::Basic, "Secret2")).await);
    let wrong = ask(&local(Scheme::Basic, CANARY)).await.err().expect("a refusal").error;
    assert!(wrong.what.starts_with(r#"the user or the password is refused (user ".\scott""#), "{wrong:?}");
    assert!(wrong.hint.as_deref().is_some_and(|hint| hint.contains("no account of a domain")), "{wrong:?}");
    // nor does it bar other ways to the same account
    let again = ask(&local(Scheme::Negotiate, CANARY)).await.err().expect("a refusal").error;
    assert!(again.what.contains("by Negotiate (NTLM)"), "{again:?}");
    let negotiated = local(Scheme::Negotiate, "Secret2");
    is_identity(ask(&negotiated).await);
    assert!(!negotiated.security()[1].found.contains("Kerberos"), "an account that it knows nothing of");
    // nobody answers for tickets there
    let alone = pool(Access { kdc: Some("127.0.0.1:1".to_owned()), ..to(&pair, Scheme::Negotiate) });
    is_identity(ask(&alone).await);
    let told = alone.security()[1].clone();
    assert!(told.found.contains("Kerberos was not used: the key distribution centre"), "{told:?}");
    let unbound = pool(Access { channel_bindings: false, ..to(&pair, Scheme::Ntlm) });
    let broken = ask(&unbound).await.err().expect("a refusal");
    assert_eq!((broken.error.kind, broken.sent), (ErrorKind::Refused, false), "{broken:?}");
    assert!(broken.error.what.contains("offers Negotiate, Basic"), "{broken:?}");
    assert_eq!(sealed(&pair.calls(Side::A)), 0, "TLS is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once() {
    let Some(pair) = WindowsPair::up(WindowsOptions { auth: "negotiate", ..WindowsOptions::default() }) else { return };
    // says no with a token, as one does that ends SPNEGO
    let ending = relay(pair.port(Side::A), |answer| {
        let text = String::from_utf8_lossy(answer);
        *answer = text.replace("Authenticate: Negotiate\r\n", "Authenticate: Negotiate oQcwBaADCgEC\r\n").into();
    });
    let (own, ending) = (pair.server(Side::A).url.clone(), format!("http://localhost:{ending}/wsman"));
    for (number, (scheme, url)) in
        [(Scheme::Ntlm, &own), (Scheme::Negotiate, &own), (Scheme::Ntlm, &ending), (Scheme::Negotiate, &ending)]
            .into_iter()
            .enumerate()
    {
        let before = pair.calls(Side::A).iter().filter(|call| call.refused.is_some()).count();
        let wrong = access(url, pair.user(), &format!("{CANARY}{number}"), Trust::System, scheme);
        let shown = format!("{wrong:?}");
        // another way with the same account and password does not try it either
        let pools = [pool(wrong.clone()), pool(wrong)];
        for pool in [&pools[0], &pools[0], &pools[1]] {
            for answer in futures_util::future::join_all((0..6).map(|_| ask(pool))).await {
                let broken = answer.err().expect("a refusal");
                assert_eq!((broken.error.kind, broken.sent), (ErrorKind::Refused, false), "{broken:?}");
                let said =
                    r#"the user or the password is refused (user "CONTOSO\alice", password from the configuration"#;
                assert!(broken.error.what.starts_with(said), "{broken:?}");
                assert!(!format!("{broken:?}{}{shown}", broken.error.with_hint()).contains(CANARY));
            }
        }
        let refused = |calls: &[WindowsCall]| calls.iter().filter(|call| call.refused.is_some()).count() - before;
        assert_eq!(refused(&noted(&pair, |calls| refused(calls) > 0)), 1, "{scheme:?} {url}");
    }
    let offered = pool(to(&pair, Scheme::Kerberos));
    assert!(ask(&offered).await.err().is_some_and(|broken| broken.error.what.contains("no Kerberos")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_waited_for_once() {
    let authority = Authority::new();
    let server = WebServer::tls(authority.server(&authority.issue("localhost")), |_| Play::Silent);
    let url = format!("https://localhost:{}/wsman", server.port);
    let trust = Trust::Authority(authority.own().certificate.clone());
    let limits = Limits { read: Duration::from_secs(2), ..Limits::default() };
    let pool = Pool::new(access(&url, "silent", CANARY, trust, Scheme::Basic), limits);
    for answer in futures_util::future::join_all((0..4).map(|_| ask(&pool))).await {
        let broken = answer.err().expect("no answer");
        assert_eq!((broken.error.kind, broken.sent), (ErrorKind::TimedOut, false), "{broken:?}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn credssp_hands_the_password_over_inside_tls() {
    let options = WindowsOptions { tls: true, auth: "credssp", ..WindowsOptions::default() };
    let Some(pair) = WindowsPair::up(options) else { return };
    let trusted = pool(to(&pair, Scheme::CredSsp));
    is_identity(ask(&trusted).await);
    is_identity(ask(&trusted).await);
    assert_eq!(trusted.scheme_used().as_deref(), Some("CredSSP (NTLM)"));
    let calls = noted(&pair, |calls| calls.iter().filter(|call| call.auth.is_some()).count() >= 3);
    assert!(calls.iter().all(|call| call.auth.as_deref().is_none_or(|auth| auth.starts_with("credssp/"))), "{calls:?}");

    let right = to(&pair, Scheme::CredSsp);
    let login = Some(Login::new(pair.user(), Secret::Inline(Inline::new(CANARY))));
    let wrong = pool(Access { web: Web { login, ..right.web.clone() }, ..right });
    for _ in 0..2 {
        let words = ask(&wrong).await.err().expect("a refusal").error.with_hint();
        assert!(words.contains("is not tried again") && !words.contains(CANARY), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unsafe_or_too_large_is_not_sent() {
    let nowhere = |scheme| access("http://localhost:9/wsman", "alice", CANARY, Trust::System, scheme);
    for scheme in [Scheme::Basic, Scheme::CredSsp] {
        let clear = ask(&pool(nowhere(scheme))).await.err().expect("a refusal");
        assert_eq!((clear.error.kind, clear.sent), (ErrorKind::Safety, false), "{clear:?}");
    }
    let small = pool(Access { max_envelope: 100, ..nowhere(Scheme::Ntlm) });
    let large = ask(&small).await.err().expect("a refusal");
    assert_eq!((large.error.kind, large.sent), (ErrorKind::TooLarge, false), "{large:?}");
    let closed = ask(&pool(nowhere(Scheme::Ntlm))).await.err().expect("nobody");
    assert!(closed.error.with_hint().contains("does WinRM run there"), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_is_replaced() {
    let options = WindowsOptions { quirks: vec!["utf16"], ..WindowsOptions::default() };
    let Some(pair) = WindowsPair::up(options.more(&["--idle=0.3"])) else { return };
    let pool = pool(to(&pair, Scheme::Negotiate));
    is_identity(ask(&pool).await);
    // the server closes it as idle
    let closed = Instant::now() + Duration::from_secs(5);
    while connections(&pair.calls(Side::A)) < 3 {
        assert!(Instant::now() < closed, "never closed");
        tokio::time::sleep(Duration::from_millis(350)).await;
        is_identity(pool.exchange(IDENTIFY, Effect::Writes).await);
    }
    pair.stop(Side::A);
    let broken = ask(&pool).await.err().expect("nobody there");
    assert_eq!((broken.error.kind, broken.sent), (ErrorKind::Unreachable, false), "{broken:?}");
    pair.start(Side::A);
    is_identity(ask(&pool).await);
}

/// Hands bytes on to a port and changes answers on the way back.
fn relay(port: u16, change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> u16 {
    fn answer(stream: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            bytes.extend(byte);
        }
        let head = String::from_utf8_lossy(&bytes).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok([bytes, body].concat())
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("an address").port();
    let change = Arc::new(change);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
            let (mut from, mut to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            std::thread::spawn(move || io::copy(&mut from, &mut to));
            let change = change.clone();
            std::thread::spawn(move || {
                while let Ok(mut bytes) = answer(&mut server) {
                    change(&mut bytes);
                    if client.write_all(&bytes).is_err() {
                        break;
                    }
                }
            });
        }
    });
    own
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_changed_or_is_not_sealed_is_refused() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let port = pair.port(Side::A);
    let changed = relay(port, |answer| {
        // the last byte of what is encrypted
        let end = answer.len().saturating_sub(b"--Encrypted Boundary--\r\n".len() + 1);
        if answer.windows(12).any(|bytes| bytes == b"octet-stream") {
            answer[end] ^= 1;
        }
    });
    let empty = relay(port, |answer| {
        if answer.windows(12).any(|bytes| bytes == b"octet-stream") {
            *answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec();
        }
    });
    let unsealed = relay(port, |answer| {
        if answer.windows(12).any(|bytes| bytes == b"octet-stream") {
            let kind = "Content-Type: application/soap+xml;charset=UTF-8";
            *answer =
                format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {}\r\n\r\n{IDENTIFY}", IDENTIFY.len()).into();
        }
    });
    let forgetting = relay(port, |answer| {
        if answer.windows(12).any(|bytes| bytes == b"octet-stream") {
            *answer = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_vec();
        }
    });
    for (port, kind, said) in [
        (changed, ErrorKind::Garbled, "changed on its way"),
        (empty, ErrorKind::Refused, "answers what was sealed with nothing (HTTP 500)"),
        (unsealed, ErrorKind::Safety, "not sealed"),
        (forgetting, ErrorKind::Refused, "the server offers nothing, and auth = \"negotiate\" needs Negotiate"),
    ] {
        let url = format!("http://localhost:{port}/wsman");
        let pool = pool(access(&url, pair.user(), pair.password(), Trust::System, Scheme::Negotiate));
        for effect in [Effect::Writes, Effect::Reads] {
            let broken = pool.exchange(IDENTIFY, effect).await.err().expect("a refusal");
            assert_eq!((broken.error.kind, broken.sent), (kind, true), "{broken:?}");
            assert!(broken.error.what.contains(said), "{broken:?}");
        }
    }
}

/// A server that takes any login of Basic, and answers envelopes so.
fn answering(play: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> (Authority, WebServer) {
    let authority = Authority::new();
    let server = WebServer::tls(authority.server(&authority.issue("localhost")), move |seen| {
        match seen.header("content-length") {
            Some("0") => Play::Status(200, "", String::new()),
            _ => play(seen),
        }
    });
    (authority, server)
}

fn basic(authority: &Authority, server: &WebServer) -> Pool {
    let url = format!("https://localhost:{}/wsman", server.port);
    let trust = Trust::Authority(authority.own().certificate.clone());
    pool(access(&url, "alice", CANARY, trust, Scheme::Basic))
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_without_soap_are_explained() {
    let offers = "WWW-Authenticate: Negotiate, Kerberos\r\nWWW-Authenticate: Basic realm=\"WSMAN\"\r\n";
    for (status, headers, sent, said) in [
        (500, "", true, "AllowUnencrypted=false"),
        (404, "", false, "not for this address or path"),
        (413, "", false, "MaxEnvelopeSizekb"),
        (503, "", true, "is the service WinRM started"),
        (401, offers, false, "the server offers Negotiate, Kerberos, Basic"),
        (200, "", true, "has no body"),
    ] {
        let (authority, server) = answering(move |_| Play::Status(status, headers, String::new()));
        let broken = ask(&basic(&authority, &server)).await.err().expect("no answer");
        let words = broken.error.with_hint();
        assert!(broken.sent == sent && words.contains(said) && !words.contains(CANARY), "{status}: {broken:?}");
    }
    let page = "<!DOCTYPE html><html><body>Bad gateway</body></html>";
    for (status, body, said) in [
        (500, page, "the server answers HTTP 500 and no SOAP"),
        (500, "no", "the server answers HTTP 500 and no SOAP"),
        (202, "accepted", "the answer (HTTP 202) is no SOAP"),
        (200, page, "the answer (HTTP 200) is no SOAP"),
    ] {
        let (authority, server) = answering(move |_| Play::Status(status, "", body.to_owned()));
        let error = ask(&basic(&authority, &server)).await.err().expect("no answer").error;
        assert!(error.what == said && !error.with_hint().contains("AllowUnencrypted"), "{status} {body}: {error:?}");
    }
    let (authority, server) = answering(|_| Play::Status(500, "", "<s:Envelope/>".to_owned()));
    let fault = ask(&basic(&authority, &server)).await.expect("a fault is an answer");
    assert_eq!((fault.status, fault.text.as_str()), (500, "<s:Envelope/>"));
}

#[tokio::test]
async fn reads_are_sent_again_and_writes_never() {
    for (effect, times) in [(Effect::Reads, 2), (Effect::Writes, 1)] {
        let (authority, server) = answering(|_| Play::HangUp);
        let pool = basic(&authority, &server);
        let broken = pool.exchange(IDENTIFY, effect).await.err().expect("no answer");
        assert!(broken.sent, "{broken:?}");
        let envelopes = server.seen().iter().filter(|seen| seen.header("content-length") != Some("0")).count();
        assert_eq!(envelopes, times, "{effect:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_before_the_server_would() {
    let (authority, server) = answering(|_| Play::Status(200, "", IDENTIFY.to_owned()));
    let pool = basic(&authority, &server);
    assert!(ask(&pool).await.is_ok());
    assert_eq!((server.connections(), server.closed()), (1, 0));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(91)).await;
    tokio::time::resume();
    let deadline = Instant::now() + Duration::from_secs(5);
    while server.closed() == 0 {
        assert!(Instant::now() < deadline, "still open");
        tokio::task::yield_now().await;
    }
    assert!(ask(&pool).await.is_ok());
    assert_eq!(server.connections(), 2);
}

/// A pair that takes tickets of this centre.
fn kerberised(kdc: &Kdc, tls: bool) -> Option<WindowsPair> {
    let (more, environment) = kdc.for_servers();
    let options = WindowsOptions { auth: "negotiate,kerberos", tls, more, environment, ..WindowsOptions::default() };
    // the same account for NTLM
    WindowsPair::up(options.more(&[&format!("--user={}:{}", kdc.user(), kdc.password())]))
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_had_and_used() {
    let Some(kdc) = Kdc::up() else { return };
    let user = kdc.user();
    let realm =
        |form: &str| form.replace("USER", user.rsplit('\\').next().unwrap_or_default()).replace("REALM", kdc.realm());
    for tls in [false, true] {
        let Some(pair) = kerberised(&kdc, tls) else { return };
        let with = |scheme, user: &str, centre: &str| {
            let plain = to(&pair, scheme);
            let login = Some(Login::new(user, Secret::Inline(Inline::new(kdc.password()))));
            Access { web: Web { login, ..plain.web }, kdc: Some(centre.to_owned()), ..plain }
        };
        for (scheme, words) in [(Scheme::Kerberos, "Kerberos"), (Scheme::Negotiate, "Negotiate (Kerberos)")] {
            for user in [realm("USER@REALM"), realm("USER@REALM").to_lowercase(), realm("REALM\\USER")] {
                let pool = pool(with(scheme, &user, kdc.address()));
                is_identity(ask(&pool).await);
                is_identity(ask(&pool).await);
                assert_eq!(pool.scheme_used().as_deref(), Some(words), "{user}");
            }
        }
        // for each of six: a leg, and two envelopes
        let calls = noted(&pair, |calls| calls.len() == 18);
        assert_eq!(sealed(&calls), if tls { 0 } else { 12 });
        let alone = pool(with(Scheme::Kerberos, &user, "127.0.0.1:1"));
        let broken = ask(&alone).await.err().expect("no centre");
        assert!(broken.error.what.contains("key distribution centre 127.0.0.1:1 cannot be asked"), "{broken:?}");
        assert_eq!(pair.calls(Side::A).len(), 18, "Kerberos never falls to NTLM");
        let either = pool(with(Scheme::Negotiate, &user, "127.0.0.1:1"));
        is_identity(ask(&either).await);
        let [_, told] = either.security();
        assert!(told.found.starts_with("Negotiate (NTLM)"), "{told:?}");
        assert!(told.found.contains("Kerberos was not used: the key distribution centre 127.0.0.1:1"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_is_asked_once_with_a_wrong_password() {
    let Some(kdc) = Kdc::up() else { return };
    let Some(pair) = kerberised(&kdc, false) else { return };
    for scheme in [Scheme::Kerberos, Scheme::Negotiate] {
        let wrong = access(&pair.server(Side::A).url, &kdc.user(), CANARY, Trust::System, scheme);
        let pool = pool(Access { kdc: Some(kdc.address().to_owned()), ..wrong });
        for answer in futures_util::future::join_all((0..3).map(|_| ask(&pool))).await {
            let words = answer.err().expect("a refusal").error.with_hint();
            assert!(words.contains("is not tried again") && !words.contains(CANARY), "{words}");
        }
    }
    assert!(pair.calls(Side::A).is_empty(), "the server was not asked");
}

/// The system's Kerberos takes its settings from variables, which a test cannot set for itself: it
/// runs itself once more with them.
#[cfg(all(feature = "gss", unix))]
#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_the_cache_do_without_a_password() {
    if let Ok(url) = std::env::var("SCOPESYNC_TEST_TICKETS") {
        for (scheme, words) in [(Scheme::Kerberos, "Kerberos"), (Scheme::Negotiate, "Negotiate (Kerberos)")] {
            let with = access(&url, "", "", Trust::System, scheme);
            let pool = pool(Access { web: Web { login: None, ..with.web }, ..with });
            is_identity(ask(&pool).await);
            is_identity(ask(&pool).await);
            assert_eq!(pool.scheme_used().as_deref(), Some(words));
            assert!(pool.security()[1].found.contains("by the tickets of this account"));
        }
        return;
    }
    let Some(kdc) = Kdc::up() else { return };
    let Some(pair) = kerberised(&kdc, false) else { return };
    let cache = format!("FILE:{}", pair.dir().join("tickets").display());
    let with = |command: &mut std::process::Command| {
        command.env("KRB5_CONFIG", kdc.krb5_conf()).env("KRB5CCNAME", &cache).stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("a program");
        let _ = writeln!(child.stdin.take().expect("a pipe"), "{}", kdc.password());
        assert!(child.wait().expect("its end").success(), "{command:?}");
    };
    with(std::process::Command::new("kinit").arg(kdc.user().rsplit('\\').next().unwrap_or_default()));
    let own = std::env::current_exe().expect("this program");
    with(
        std::process::Command::new(own)
            .args(["--exact", "tickets_of_the_cache_do_without_a_password"])
            .env("SCOPESYNC_TEST_TICKETS", &pair.server(Side::A).url),
    );
    assert_eq!(sealed(&noted(&pair, |calls| sealed(calls) == 4)), 4);
}
