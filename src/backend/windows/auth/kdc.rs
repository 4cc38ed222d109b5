//! The way to a key distribution centre: TCP, each message behind its length in four bytes (RFC 4120,
//! 7.2.2).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The port of Kerberos.
pub(super) const PORT: u16 = 88;
/// Bytes of the longest answer: tickets of users in many groups have some ten thousand.
const LONGEST: usize = 256 * 1024;

/// Asks the centre at this place. Message and answer both begin with their length.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn ask(host: &str, port: u16, message: &[u8], patience: Duration) -> Result<Vec<u8>, String> {
    let place = format!("the key distribution centre {host}:{port}");
    let answer = timeout(patience, exchange(host, port, message)).await;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("{place} cannot be asked: {error}")),
        Err(_) => Err(format!("{place} does not answer within {patience:?}")),
    }
}

async fn exchange(host: &str, port: u16, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(message).await?;
    let length = stream.read_u32().await?;
    let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= LONGEST);
    let bytes = bytes.ok_or_else(|| std::io::Error::other("what it says is no answer of Kerberos"))?;
    let mut answer = vec![0; 4 + bytes];
    let (head, body) = answer.split_at_mut(4);
    head.copy_from_slice(&length.to_be_bytes());
    stream.read_exact(body).await?;
    Ok(answer)
}
