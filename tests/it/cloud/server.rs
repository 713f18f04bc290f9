//! The S3 server: a process of `tests/s3_server.py`, its objects in memory.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::python;
use super::store::Store;

/// Ends with what holds it, and with this process however that ends.
pub struct Server {
    process: Child,
    address: SocketAddr,
    buckets: AtomicUsize,
}

impl Server {
    /// Starts one on a free port of the loopback interface, and waits until it is ready.
    pub fn start() -> Server {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3_server.py");
        let mut process = Command::new(python::s3())
            .arg(script)
            // It ends when this does.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let stdout = process.stdout.take().expect("its output");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Dropped when it is not ready, and ended by that.
        let mut server = Server {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            buckets: AtomicUsize::new(0),
        };
        let port = read.ok().and_then(|_| line.trim().parse().ok());
        let port = port.unwrap_or_else(|| panic!("the server tells no port: {line:?}"));
        server.address.set_port(port);
        server
    }

    /// One for all tests that each have a bucket of their own.
    pub fn shared() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::start)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new bucket.
    pub fn bucket(&self) -> Store {
        let number = self.buckets.fetch_add(1, Ordering::Relaxed);
        Store::new(self.address, &format!("bucket-{number}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
