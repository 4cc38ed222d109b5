//! Things that go wrong between the program and a server.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Another way to the same server, which no comparison of paths reveals.
pub fn other_way(to: &Path, at: &Path) {
    let listener = UnixListener::bind(at).expect("a socket");
    let to = to.to_owned();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Ok(mut server) = UnixStream::connect(&to) else { return };
            let (mut from_client, mut to_server) =
                (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut server, &mut client);
                client.shutdown(std::net::Shutdown::Both)
            });
        }
    });
}
