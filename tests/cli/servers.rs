//! Servers for the binary to talk to: the emulator as another process, and ones that are none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::Workspace;

/// `natform emulator` in a process of its own, ended with it.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    /// Starts one on a free port.
    pub(crate) fn start(workspace: &Workspace, flags: &[&str]) -> Self {
        let mut arguments = vec!["emulator", "-listen", "127.0.0.1:0"];
        arguments.extend(flags);
        if !flags.contains(&"-timing") {
            arguments.extend(["-timing", "instant"]);
        }
        let mut child = workspace.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, url }
    }

    /// Sends a request to the emulator itself and returns the body of the answer.
    pub(crate) fn control(&self, method: &str, name: &str, body: &str) -> String {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let request = format!(
            "{method} /_natform/{name} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        body.to_owned()
    }

    /// Waits until so many calls of an action have come.
    pub(crate) fn wait_for_calls(&self, action: &str, count: u64) {
        loop {
            let calls: serde_json::Value =
                serde_json::from_str(&self.control("GET", "calls", "")).unwrap();
            let came = calls["counts"][action]["calls"].as_u64().unwrap_or(0);
            if came >= count {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server that is not the service does with every request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with these bytes.
    Answer(Vec<u8>),
    /// Sends without end.
    Endless,
    /// Never answers.
    Silent,
}

/// Starts such a server and returns its URL; it ends with the test's process.
pub(crate) fn stranger(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let manner = manner.clone();
            std::thread::spawn(move || serve(stream, &manner));
        }
    });
    url
}

/// Returns an answer with a status line, headers and a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Manner {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    Manner::Answer(text.into_bytes())
}

fn serve(mut stream: TcpStream, manner: &Manner) {
    let mut buffer = vec![0; 65_536];
    let _ = stream.read(&mut buffer);
    match manner {
        Manner::Answer(bytes) => {
            let _ = stream.write_all(bytes);
        }
        Manner::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&buffer).is_ok() {}
        }
        Manner::Silent => std::thread::sleep(Duration::from_secs(60)),
    }
}
