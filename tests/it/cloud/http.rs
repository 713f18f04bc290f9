//! HTTP/1.1, as much of it as object stores and their clients speak: bodies of a known length, connections that
//! stay open.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn new(headers: &[(&str, &str)]) -> Headers {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Headers(headers.iter().map(owned).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter();
        let (_, value) = found.find(|(one, _)| one.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    pub fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self.0.push((name.to_owned(), value));
    }

    /// Up to the empty line.
    fn read(from: &mut impl BufRead) -> io::Result<Headers> {
        let mut headers = Vec::new();
        loop {
            let line = read_line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(Headers(headers));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn body(&self, from: &mut impl BufRead) -> io::Result<Vec<u8>> {
        if let Some(coding) = self.get("transfer-encoding") {
            return Err(invalid(coding));
        }
        let Some(text) = self.get("content-length") else {
            return Ok(Vec::new());
        };
        let length: usize = text.parse().map_err(|_| invalid(text))?;
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(body)
    }

    fn text(&self, first: &str) -> String {
        let mut text = format!("{first}\r\n");
        for (name, value) in &self.0 {
            text += &format!("{name}: {value}\r\n");
        }
        text + "\r\n"
    }
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, encoded as they came.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Headers::new(headers),
            body: body.to_owned(),
        }
    }

    /// The next one on a connection; none where it has ended.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Request>> {
        let Some(line) = read_line(from)? else {
            return Ok(None);
        };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1")) =
            (words.next(), words.next(), words.next())
        else {
            return Err(invalid(&line));
        };
        let headers = Headers::read(from)?;
        Ok(Some(Request {
            method: method.to_owned(),
            target: target.to_owned(),
            body: headers.body(from)?,
            headers,
        }))
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether it asks which objects there are.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=2")
    }

    pub fn is_signed(&self) -> bool {
        let header = self.headers.get("authorization");
        header.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 "))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(from: &mut impl BufRead, method: &str) -> io::Result<Answer> {
        let line = read_line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| invalid(&line))?;
        let headers = Headers::read(from)?;
        let has_none = method == "HEAD" || status == 204 || status == 304;
        let body = match has_none {
            true => Vec::new(),
            false => headers.body(from)?,
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// What comes before the body.
    pub fn head(&self) -> String {
        self.headers.text(&format!("HTTP/1.1 {} -", self.status))
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A line without its end; none at the end of what is there.
fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A connection to a server, opened with the first request and again after a failure.
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client {
            address,
            stream: None,
        }
    }

    /// One request as it is, and its answer. None is sent twice.
    pub fn send(&mut self, request: &Request) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.address)?),
        };
        let mut request = request.clone();
        if !request.body.is_empty() || request.method != "GET" {
            let length = request.body.len().to_string();
            request.headers.set("Content-Length", length);
        }
        if request.headers.get("host").is_none() {
            request.headers.set("Host", self.address.to_string());
        }
        let first = format!("{} {} HTTP/1.1", request.method, request.target);
        let head = request.headers.text(&first);
        stream
            .get_mut()
            .write_all(&[head.as_bytes(), &request.body].concat())?;
        let answer = Answer::read(&mut stream, &request.method)?;
        self.stream = Some(stream);
        Ok(answer)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
