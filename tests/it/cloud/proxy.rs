//! A proxy before the S3 server that injects faults. It also makes conditional writes atomic, which the server
//! does not: what changes an object is let through one at a time for each key.

pub mod faults;
mod record;

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::http::{Answer, Client, Request};
use faults::{Fault, Plan, error};
use record::Record;

/// A slow body comes in so many pieces, so far apart.
const PIECES: usize = 16;
const PAUSE: Duration = Duration::from_millis(12);

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What all connections have in common.
struct Shared {
    upstream: SocketAddr,
    plan: Mutex<Plan>,
    record: Mutex<Record>,
    /// What is held while an object is changed, by path.
    keys: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    is_over: AtomicBool,
}

/// A test that has failed while it held a lock has failed; nothing else has to.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// One before the server at this address, on a port of its own; without faults, as yet.
    pub fn start(upstream: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream,
            plan: Mutex::default(),
            record: Mutex::default(),
            keys: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let all = shared.clone();
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if all.is_over.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let one = all.clone();
                // A client that goes away is nothing to tell of.
                std::thread::spawn(move || drop(one.serve(&stream)));
            }
        });
        Proxy {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as it is configured.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on each request meets one of these faults with its probability, or none. The seed is told; with it,
    /// the n-th request meets the same.
    pub fn inject(&self, seed: u64, chances: &[(Fault, f64)]) {
        println!("DELIVERY_KPI_SEED={seed} replays these faults: {chances:?}");
        lock(&self.shared.plan).inject(seed, chances);
    }

    /// From now on this decides about each request, and chance where it says nothing. It is asked before anything
    /// is done, about one request at a time; what it asks of the store must not go through the proxy.
    pub fn before(&self, hook: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        lock(&self.shared.plan).before(Box::new(hook));
    }

    /// The n-th request from now on of those that are meant, from 1, meets this fault.
    pub fn at(&self, n: usize, fault: Fault, is_meant: impl Fn(&Request) -> bool + Send + 'static) {
        let mut met = 0;
        self.before(move |request| {
            met += usize::from(is_meant(request));
            (is_meant(request) && met == n).then_some(fault)
        });
    }

    /// No faults any more, and nothing that decides about them.
    pub fn calm(&self) {
        *lock(&self.shared.plan) = Plan::default();
    }

    /// What has come by.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.shared.record)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // The acceptor sees it when one more comes.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    /// One connection, for as long as it lasts.
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut from = BufReader::new(stream);
        let mut upstream = Client::new(self.upstream);
        while let Some(request) = Request::read(&mut from)? {
            lock(&self.record).see(&request);
            let fault = lock(&self.plan).choose(&request);
            if !self.handle(&mut upstream, &request, fault, stream)? {
                break;
            }
        }
        stream.shutdown(Shutdown::Both)
    }

    /// Whether the connection goes on.
    fn handle(
        &self,
        upstream: &mut Client,
        request: &Request,
        fault: Option<Fault>,
        to: &TcpStream,
    ) -> io::Result<bool> {
        let injected = |fault| lock(&self.record).inject(fault);
        match fault {
            Some(Fault::LostRequest) => {
                injected(Fault::LostRequest);
                return Ok(false);
            }
            Some(Fault::ErrorBefore(status)) => {
                injected(Fault::ErrorBefore(status));
                return write(to, request, &error(status));
            }
            _ => (),
        }
        let mut answer = self.forward(upstream, request)?;
        let stale = lock(&self.record).answered(request, &answer, fault);
        let has_body = answer.status / 100 == 2 && answer.body.len() > 1;
        match fault {
            Some(Fault::LostResponse) => {
                injected(Fault::LostResponse);
                return Ok(false);
            }
            Some(Fault::ErrorAfter(status)) => {
                injected(Fault::ErrorAfter(status));
                answer = error(status);
            }
            Some(Fault::CutBody) if has_body => {
                injected(Fault::CutBody);
                let half = answer.head().len() + answer.body.len() / 2;
                (&mut &*to).write_all(&answer.bytes()[..half])?;
                return Ok(false);
            }
            Some(Fault::SlowBody) if has_body => {
                injected(Fault::SlowBody);
                (&mut &*to).write_all(answer.head().as_bytes())?;
                for piece in answer.body.chunks(answer.body.len().div_ceil(PIECES)) {
                    std::thread::sleep(PAUSE);
                    (&mut &*to).write_all(piece)?;
                }
                return Ok(true);
            }
            Some(Fault::StaleListing) => {
                if let Some(body) = stale {
                    injected(Fault::StaleListing);
                    let length = body.len().to_string();
                    answer.headers.set("Content-Length", length);
                    answer.body = body;
                }
            }
            _ => (),
        }
        write(to, request, &answer)
    }

    /// What changes an object has its key to itself.
    fn forward(&self, upstream: &mut Client, request: &Request) -> io::Result<Answer> {
        if ["GET", "HEAD"].contains(&request.method.as_str()) {
            return upstream.send(request);
        }
        let path = request.path().to_owned();
        let key = lock(&self.keys).entry(path).or_default().clone();
        let _held = lock(&key);
        upstream.send(request)
    }
}

fn write(mut to: &TcpStream, request: &Request, answer: &Answer) -> io::Result<bool> {
    match request.method.as_str() {
        "HEAD" => to.write_all(answer.head().as_bytes())?,
        _ => to.write_all(&answer.bytes())?,
    }
    Ok(true)
}
