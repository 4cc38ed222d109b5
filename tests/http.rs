//! Kea over HTTP and TLS: what is sent, what is kept, and what every fault comes to.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // helpers of tests

mod common;

use std::time::{Duration, Instant};

use common::pair::wait_for;
use common::web::{Authority, Play, Seen, WebServer, closes_after, done};
use scopesync::backend::exchange::Limits;
use scopesync::backend::kea::command::Channel;
use scopesync::backend::kea::http::Http;
use scopesync::backend::kea::transport::{Transport, Via};
use scopesync::backend::web::{Address, Identity, Login, Pin, Trust, Web};
use scopesync::engine::port::Control;
use scopesync::engine::{Error, ErrorKind};
use scopesync::secret::{Inline, Secret};
use serde_json::{Value, json};

fn web(url: &str) -> Web {
    Web { address: Address::parse(url).unwrap(), login: None, trust: Trust::System, identity: None }
}

fn limits() -> Limits {
    let patience = Duration::from_millis(700);
    Limits { connect: Duration::from_secs(5), read: patience, write: patience, answer: 100_000 }
}

fn channel(web: Web) -> Channel {
    Channel::new("kea-1".into(), Http::new(web, limits()))
}

fn with_login(url: &str) -> Web {
    let login = Login::new("scott", Secret::Inline(Inline::new("s3cret")));
    Web { login: Some(login), ..web(url) }
}

async fn ask(channel: &Channel) -> Result<Value, Error> {
    channel.ask("status-get", None, &Control::free()).await?.given()
}

async fn tell(channel: &Channel) -> Result<Value, Error> {
    channel.tell("config-write", None::<&Value>).await?.given()
}

/// Fails unless the error says this, with a hint, and names the server; `said` and `hint` are parts.
#[track_caller]
fn says(error: &Error, kind: ErrorKind, said: &str, hint: &str) {
    let hinted = error.hint.as_deref().unwrap_or("no hint");
    assert!(error.kind == kind && error.what.contains(said) && hinted.contains(hint), "{error:#?}");
    assert_eq!(error.server.as_ref().map(|server| server.as_str()), Some("kea-1"));
    let all = format!("{error:?} {error}");
    assert!(!all.contains("s3cret") && !all.contains('\u{1b}'), "{all}");
}

#[tokio::test]
async fn a_request_is_what_kea_wants() {
    let server = WebServer::plain(|_| done(json!([1])));
    let url = server.url();
    let channel = channel(with_login(&format!("{url}/kea/one")));
    let arguments = json!({ "comment": "Zürich" });
    channel.ask("config-get", Some(&arguments), &Control::free()).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /kea/one HTTP/1.1\n"), "{}", seen.head);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("host"), Some(url.strip_prefix("http://").unwrap()));
    assert_eq!(seen.header("authorization"), Some("Basic c2NvdHQ6czNjcmV0"));
    assert_eq!(seen.body, json!({ "command": "config-get", "service": ["dhcp4"], "arguments": arguments }));
    assert_eq!(channel.transport().place(), format!("{url}/kea/one"));
    assert!(!format!("{channel:?}").contains("s3cret"));
}

#[tokio::test]
async fn who_answers_is_found_out_once() {
    let answering = |seen: &Seen, own: &'static [&'static str]| match seen.body.get("service") {
        None => done(json!(own)),
        Some(_) => done(json!(["dhcp-disable"])),
    };
    for (own, via) in [(&["build-report", "dhcp-disable"][..], Via::Direct), (&["build-report"][..], Via::Agent)] {
        let server = WebServer::plain(move |seen| answering(seen, own));
        let channel = channel(web(&server.url()));
        assert_eq!(channel.transport().via(), None);
        assert_eq!(channel.via(&Control::free()).await, Ok(via));
        assert_eq!(channel.via(&Control::free()).await, Ok(via));
        assert_eq!(server.commands(), ["list-commands"]);
        assert_eq!(channel.transport().place().contains("(control agent)"), via == Via::Agent);
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_a_closed_one_replaced() {
    let server = WebServer::plain(|_| done(json!([])));
    let one = channel(web(&server.url()));
    for _ in 0..5 {
        ask(&one).await.unwrap();
        tell(&one).await.unwrap();
    }
    assert_eq!(server.connections(), 1);

    // one that the server closes after each answer, with and without a word of it
    for word in ["", "Connection: close\r\n"] {
        let answer =
            format!("HTTP/1.1 200 OK\r\n{word}Content-Length: 33\r\n\r\n[{{\"result\": 0, \"arguments\": [1]}}]");
        let server = WebServer::plain(move |_| Play::Bytes(answer.clone().into_bytes()));
        let closing = channel(web(&server.url()));
        for at in 1..=5 {
            tell(&closing).await.unwrap();
            wait_for("the end of the connection", Duration::from_secs(10), || server.closed() == at);
        }
        assert_eq!((server.seen().len(), server.connections()), (5, 5), "nothing was sent twice");
    }
}

#[tokio::test]
async fn only_a_read_is_tried_again_where_a_kept_connection_dies() {
    // the second request of each connection is taken and never answered
    let second_dies = |requests: &'static std::sync::Mutex<Vec<usize>>| {
        WebServer::plain(move |seen| {
            let mut requests = requests.lock().unwrap();
            requests.push(seen.connection);
            match requests.iter().filter(|connection| **connection == seen.connection).count() {
                1 => done(json!([])),
                _ => Play::HangUp,
            }
        })
    };
    static READS: std::sync::Mutex<Vec<usize>> = std::sync::Mutex::new(Vec::new());
    let server = second_dies(&READS);
    let reading = channel(web(&server.url()));
    ask(&reading).await.unwrap();
    ask(&reading).await.unwrap();
    assert_eq!((server.seen().len(), server.connections()), (3, 2));

    static WRITES: std::sync::Mutex<Vec<usize>> = std::sync::Mutex::new(Vec::new());
    let server = second_dies(&WRITES);
    let writing = channel(web(&server.url()));
    tell(&writing).await.unwrap();
    let error = tell(&writing).await.unwrap_err();
    says(
        &error,
        ErrorKind::Unreachable,
        "closed the connection without an answer (config-write)",
        "see the server's log",
    );
    assert!(error.in_doubt);
    assert_eq!((server.seen().len(), server.connections()), (2, 1), "a write is never sent again");
}

#[tokio::test]
async fn every_status_says_what_to_do() {
    const PAGE: &str = "<html><body>\u{1b}[2JWelcome</body></html>";
    let kea = |status: u16, text: &str| json!({ "result": status, "text": text }).to_string();
    let realm = "WWW-Authenticate: Basic realm=\"kea \u{202e}pair\"\r\n";
    let realm_of_proxy = "WWW-Authenticate: Basic realm=\"kea pair\"\r\n";
    let moved = "Location: https://elsewhere.example/\r\n";
    use ErrorKind::{Garbled, Refused, Unreachable};
    // status, header, body; kind, what and hint; whether a write is then in doubt
    let cases = [
        (401, realm, kea(401, "Unauthorized"), Refused, "does not take user \"scott\"", "where its password", false),
        (401, realm_of_proxy, PAGE.into(), Refused, "(realm kea pair)", "look at user", false),
        (403, "", kea(403, "Forbidden by rule"), Refused, "(403: Forbidden by rule)", "allows this user", false),
        (400, "", kea(400, "Bad Request"), Garbled, "(400: Bad Request)", "is it the port of", false),
        (404, "", PAGE.into(), Garbled, "knows nothing of Kea's commands (404)", "host, port and path", false),
        (413, "", PAGE.into(), Refused, "takes no request of this size (413)", "raise its limit", false),
        (307, moved, String::new(), Garbled, "redirects (307) to https://elsewhere.example/", "never followed", false),
        (500, "", PAGE.into(), Garbled, "failed (500)", "see the log", true),
        (502, "", PAGE.into(), Unreachable, "a proxy at", "does Kea run behind it", true),
        (504, "", PAGE.into(), Unreachable, "did not reach Kea (504)", "wait long enough", true),
        (200, "", PAGE.into(), Garbled, "gives a web page", "is it the port of", true),
        (200, "", String::new(), Garbled, "gives an empty answer", "is it the port of", true),
        (200, "", "[]".into(), Garbled, "no answer of Kea", "is it the port of", true),
        (200, "", "[{\"result\": 0, \"te".into(), Garbled, "ends in the middle", "its log may say more", true),
        (200, "", "[{\"result\": 0}, {\"result\": 0}]".into(), Garbled, "is not what Kea's protocol says", "", true),
        (200, "", "[{\"a\": \u{7}}]".into(), Garbled, "is not what Kea's protocol says", "", true),
    ];
    for (status, headers, body, kind, said, hint, in_doubt) in cases {
        let server = WebServer::plain(move |_| Play::Status(status, headers, body.clone()));
        let channel = channel(with_login(&server.url()));
        let read = ask(&channel).await.unwrap_err();
        says(&read, kind, said, hint);
        assert!(!read.in_doubt);
        let write = tell(&channel).await.unwrap_err();
        says(&write, kind, said, hint);
        assert_eq!(write.in_doubt, in_doubt, "{write:?}");
        assert_eq!(server.seen().len(), 2, "nothing is sent again after {status}");
    }
    let server = WebServer::plain(move |_| Play::Status(401, realm_of_proxy, String::new()));
    let error = ask(&channel(web(&server.url()))).await.unwrap_err();
    says(&error, Refused, "demands a user and a password (realm kea pair)", "give user, and password_env");
}

#[tokio::test]
async fn broken_answers_end_in_time_and_within_the_limit() {
    use ErrorKind::{Garbled, TimedOut, TooLarge, Unreachable};
    let http = |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}").into_bytes();
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    let cases = [
        (Play::HangUp, Unreachable, "closed the connection without an answer"),
        (Play::Silent, TimedOut, "no answer within 700ms"),
        (Play::Drip, TimedOut, "bytes came"),
        (Play::Endless, TooLarge, "larger than the limit of 100000 bytes"),
        (Play::Bytes(http("Content-Length: 900000000\r\n", "[ ")), Garbled, "broke off after 2 bytes"),
        (Play::Bytes(http("Content-Length: 50\r\n", "[{\"result\": 0}")), Garbled, "broke off after 14 bytes"),
        (Play::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Garbled, "does not speak HTTP"),
        (Play::Bytes(b"HTTP/1.1 2".to_vec()), Garbled, "broke off after 0 bytes"),
        (Play::Bytes(http(&many, "")), TooLarge, "the header of the answer"),
        (Play::Bytes(http(&long, "")), TooLarge, "the header of the answer"),
    ];
    for (play, kind, said) in cases {
        let server = WebServer::plain(move |_| play.clone());
        let channel = channel(web(&server.url()));
        let begun = Instant::now();
        says(&ask(&channel).await.unwrap_err(), kind, said, "");
        let write = tell(&channel).await.unwrap_err();
        says(&write, kind, said, "");
        assert!(write.in_doubt, "{write:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{said}: {:?}", begun.elapsed());
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn only_a_request_that_went_out_in_full_is_in_doubt() {
    // nobody there
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = channel(web(&format!("http://127.0.0.1:{free}")));
    let error = tell(&nobody).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "nobody listens at http://127.0.0.1", "does the server run");
    assert!(!error.in_doubt);
    let nameless = tell(&channel(web("http://no-such-host.invalid:8000"))).await.unwrap_err();
    says(&nameless, ErrorKind::Unreachable, "no-such-host.invalid has no address", "is the name in url right");
    let socket = tell(&channel(web("http+unix:///nonexistent/proxy.sock"))).await.unwrap_err();
    says(&socket, ErrorKind::Unreachable, "there is no socket at /nonexistent/proxy.sock", "does the proxy run");
    assert!(!nameless.in_doubt && !socket.in_doubt);

    // taken in part, then cut: as of a configuration that is larger than what fits on the way
    let large = json!({ "Dhcp4": "x".repeat(12_000_000) });
    let cut = channel(web(&format!("http://127.0.0.1:{}", closes_after(1000))));
    let error = cut.tell("config-set", Some(&large)).await.unwrap_err();
    assert!(error.kind == ErrorKind::Unreachable && !error.in_doubt, "{error:?}");
    // the same of a server that takes nothing more
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = channel(web(&format!("http://{}", full.local_addr().unwrap())));
    let error = deaf.tell("config-set", Some(&large)).await.unwrap_err();
    assert!(error.kind == ErrorKind::TimedOut && !error.in_doubt, "{error:?}");
    // and of one that took it all
    let error = tell(&deaf).await.unwrap_err();
    assert!(error.kind == ErrorKind::TimedOut && error.in_doubt, "{error:?}");
}

#[tokio::test]
async fn an_agent_s_failures_are_not_its_server_s() {
    let forward = |reason: &str| {
        let text =
            format!("unable to forward command to the dhcp4 service: {reason}. The server is likely to be offline");
        json!({ "result": 1, "text": text })
    };
    use ErrorKind::{TimedOut, Unreachable};
    for (reason, kind, said, hint, in_doubt) in [
        (
            "Connection refused",
            Unreachable,
            "kea-dhcp4 behind it does not (Connection refused)",
            "start kea-dhcp4",
            false,
        ),
        ("No such file or directory", Unreachable, "behind it does not", "names another socket", false),
        ("Operation canceled", TimedOut, "did not answer within 60s", "cannot go through an agent", true),
        ("End of file", Unreachable, "lost its connection to kea-dhcp4: End of file", "it may have stopped", true),
    ] {
        let answer = forward(reason);
        let server = WebServer::plain(move |_| Play::Answer(answer.clone()));
        let channel = channel(web(&server.url()));
        let read = ask(&channel).await.unwrap_err();
        says(&read, kind, said, hint);
        let write = tell(&channel).await.unwrap_err();
        says(&write, kind, said, hint);
        assert_eq!(write.in_doubt, in_doubt, "{write:?}");
        assert_eq!(channel.transport().via(), Some(Via::Agent));
    }
    // an agent that would still wait when we no longer do
    let server = WebServer::plain(|seen| match seen.body.get("service") {
        None => done(json!(["build-report"])),
        Some(_) => Play::Silent,
    });
    let channel = channel(web(&server.url()));
    channel.via(&Control::free()).await.unwrap();
    let error = ask(&channel).await.unwrap_err();
    says(&error, TimedOut, "no answer within 700ms", "the control agent waits up to 60s for its server");
}

fn trusting(server: &WebServer, trust: Trust) -> Channel {
    channel(Web { trust, ..web(&server.url()) })
}

#[tokio::test]
async fn a_certificate_is_taken_for_the_right_reason_only() {
    let (ours, other) = (Authority::new(), Authority::new());
    let fine = |_: &Seen| done(json!([]));
    let good = ours.issue("127.0.0.1");
    let server = WebServer::tls(ours.server(&good), fine);
    let ca = |authority: &Authority| Trust::Authority(authority.pem.clone());
    let pin = Trust::Pin(Pin::parse(&good.pin()).unwrap());
    for trust in [ca(&ours), pin.clone(), Trust::Anything] {
        let channel = trusting(&server, trust);
        ask(&channel).await.unwrap();
        ask(&channel).await.unwrap();
    }
    assert_eq!(server.connections(), 3, "connections are kept");
    let error = ask(&trusting(&server, ca(&other))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "from an authority that is not trusted", "in tls_ca; or, if this is");
    assert!(error.what.contains(&good.pin()), "{error}");
    // an authority that was made anew has the same name and another key
    let (before, after) = (Authority::named("kea"), Authority::named("kea"));
    let renewed = WebServer::tls(after.server(&after.issue("127.0.0.1")), fine);
    let error = ask(&trusting(&renewed, ca(&before))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "from an authority that is not trusted", "in tls_ca");

    let expired = ours.issue_until("127.0.0.1", 2020);
    let expired_server = WebServer::tls(ours.server(&expired), fine);
    let error = ask(&trusting(&expired_server, ca(&ours))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "expired on 2020-01-01", "renew it on the server");
    ask(&trusting(&expired_server, Trust::Pin(Pin::parse(&expired.pin()).unwrap()))).await.unwrap();
    let error = ask(&trusting(&expired_server, pin)).await.unwrap_err();
    let shown = format!("shows the certificate {}, and tls_pin is {}", expired.pin(), good.pin());
    says(&error, ErrorKind::Unreachable, &shown, "write the new one as tls_pin");

    let elsewhere = WebServer::tls(ours.server(&ours.issue("kea-9.example")), fine);
    let error = tell(&trusting(&elsewhere, ca(&ours))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "is for another name: it has", "write the name that it has in url");
    assert!(error.what.contains("kea-9.example") && !error.in_doubt, "{error}");
    ask(&trusting(&elsewhere, Trust::Anything)).await.unwrap();

    let own = WebServer::tls(ours.server(ours.own()), fine);
    let error = ask(&trusting(&own, ca(&ours))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "that of an authority, not of a server", "write it as tls_pin");

    let missing = ask(&trusting(&server, Trust::Authority("/nonexistent/ca.pem".into()))).await.unwrap_err();
    says(&missing, ErrorKind::Local, "/nonexistent/ca.pem cannot be read", "tls_ca in the configuration");
    let key_as_ca = ask(&trusting(&server, Trust::Authority(good.key.clone()))).await.unwrap_err();
    says(&key_as_ca, ErrorKind::Local, "there is no certificate in", "BEGIN CERTIFICATE");
}

#[tokio::test]
async fn a_server_may_demand_a_certificate() {
    let (ours, other) = (Authority::new(), Authority::new());
    let shown = ours.issue("127.0.0.1");
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = WebServer::tls(ours.demanding_server(&shown, version), |_| done(json!([])));
        let showing = |identity: Option<(&std::path::Path, &std::path::Path)>| {
            let identity =
                identity.map(|(certificate, key)| Identity { certificate: certificate.into(), key: key.into() });
            channel(Web { trust: Trust::Authority(ours.pem.clone()), identity, ..web(&server.url()) })
        };
        let client = ours.issue("client");
        ask(&showing(Some((&client.certificate, &client.key)))).await.unwrap();
        let error = tell(&showing(None)).await.unwrap_err();
        says(&error, ErrorKind::Unreachable, "demands a client certificate", "give one in tls_cert and tls_key");
        assert!(!error.in_doubt, "{version:?}: a refused handshake carries nothing out");
        let stranger = other.issue("client");
        let error = tell(&showing(Some((&stranger.certificate, &stranger.key)))).await.unwrap_err();
        says(&error, ErrorKind::Unreachable, "does not take the client certificate", "trust-anchor");
        assert!(!error.in_doubt);
        let error = ask(&showing(Some((&client.certificate, &stranger.key)))).await.unwrap_err();
        says(&error, ErrorKind::Local, "cannot be used with the key", "must be the private key of tls_cert");
        let error = ask(&showing(Some((&client.certificate, &client.certificate)))).await.unwrap_err();
        says(&error, ErrorKind::Local, "no private key that can be read", "not encrypted");
    }
}

#[tokio::test]
async fn the_wrong_scheme_is_recognised() {
    let ours = Authority::new();
    let tls = WebServer::tls(ours.server(&ours.issue("127.0.0.1")), |_| done(json!([])));
    let error = ask(&channel(web(&tls.url().replace("https", "http")))).await.unwrap_err();
    says(&error, ErrorKind::Unreachable, "speaks TLS", "write https:// in url");
    let plain = WebServer::plain(|_| done(json!([])));
    for trust in [Trust::Anything, Trust::Authority(ours.pem.clone())] {
        let secure = Web { trust, ..web(&plain.url().replace("http", "https")) };
        let error = tell(&channel(secure)).await.unwrap_err();
        assert!(!error.in_doubt);
        assert!(error.hint.as_deref().unwrap_or_default().contains("write http:// in url"), "{error:?}");
    }
}

#[tokio::test]
async fn a_password_is_got_when_it_is_needed_and_again_after_it_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let server = WebServer::plain(|seen| match seen.header("authorization") {
        // scott:new
        Some("Basic c2NvdHQ6bmV3") => done(json!([])),
        _ => Play::Status(401, "", String::new()),
    });
    let login = Login::new("scott", Secret::File(file.clone()));
    let channel = channel(Web { login: Some(login), ..web(&server.url()) });
    let error = tell(&channel).await.unwrap_err();
    says(&error, ErrorKind::Local, "cannot be opened", "password_file");
    assert!(!error.in_doubt && server.connections() == 0);
    std::fs::write(&file, "old\n").unwrap();
    says(&ask(&channel).await.unwrap_err(), ErrorKind::Refused, "does not take user", "");
    std::fs::write(&file, "new\n").unwrap();
    ask(&channel).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    ask(&channel).await.unwrap();
}

#[tokio::test]
async fn a_proxy_s_socket_carries_http_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let server = WebServer::plain(|_| done(json!([])));
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let port = server.port;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let channel = channel(web(&format!("http+unix://{}", path.display())));
    ask(&channel).await.unwrap();
    tell(&channel).await.unwrap();
    assert_eq!((server.connections(), server.seen()[0].header("host")), (1, Some("localhost")));
    let Transport::Http(_) = channel.transport() else { panic!("not HTTP") };
}
