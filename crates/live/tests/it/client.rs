//! As much of HTTP as the tests need, so that each header is what a test says it is.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Response {
    pub status: u16,
    pub head: String,
    reader: BufReader<TcpStream>,
}

/// Sends a request with these lines of head (`Name: value`), and reads the response up to its body.
pub fn send(port: u16, method: &str, target: &str, head: &[&str], body: &str) -> Response {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for line in head {
        request.push_str(line);
        request.push_str("\r\n");
    }
    stream
        .write_all(format!("{request}\r\n{body}").as_bytes())
        .unwrap();
    let mut reader = BufReader::new(stream);
    let mut all = String::new();
    while !all.ends_with("\r\n\r\n") {
        assert!(
            reader.read_line(&mut all).unwrap() > 0,
            "the connection ended in the head: {all}"
        );
    }
    let status = all.split(' ').nth(1).unwrap().parse().unwrap();
    Response {
        status,
        head: all.to_lowercase(),
        reader,
    }
}

impl Response {
    /// The body to its end, without the sizes of its chunks if it has such.
    pub fn text(mut self) -> String {
        let mut all = String::new();
        if !self.head.contains("transfer-encoding: chunked") {
            self.reader.read_to_string(&mut all).unwrap();
            return all;
        }
        while let Some(chunk) = self.chunk() {
            all.push_str(&chunk);
        }
        all
    }

    /// The next chunk as it comes; none at the end, also where the connection just ends.
    pub fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16)
            .ok()
            .filter(|size| *size > 0)?;
        let mut bytes = vec![0; size + 2];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes.truncate(size);
        Some(String::from_utf8(bytes).unwrap())
    }
}
