//! Server, proxy and store do what tests with them rely on.

use std::fs;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::site::content;
use super::http::{Client, Request};
use super::proxy::Proxy;
use super::proxy::faults::{Fault, error, seed};
use super::server::Server;
use super::store::{PAGE, Store};

/// A proxy before the server that all share, a bucket, and the same bucket through the proxy.
fn behind_a_proxy() -> (Proxy, Store, Store) {
    let direct = Server::shared().bucket();
    let proxy = Proxy::start(direct.address());
    let through = Store::at(proxy.address(), direct.bucket());
    (proxy, direct, through)
}

#[test]
fn a_server_ends_with_what_holds_it() {
    let server = Server::start();
    server.bucket().put("key", b"content");
    let address = server.address();
    assert!(address.ip().is_loopback());
    let failed = std::panic::catch_unwind(move || {
        let _held = server;
        std::panic::resume_unwind(Box::new("a test that fails"));
    });
    assert!(failed.is_err());
    assert!(TcpStream::connect(address).is_err(), "it still listens");
}

#[test]
fn one_of_many_conditional_writes_wins() {
    let (proxy, direct, through) = behind_a_proxy();
    for number in 0..20 {
        let key = format!("_delta_log/{number:020}.json");
        let ends = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for writer in 0..32 {
                let (ends, key, through) = (&ends, &key, &through);
                scope.spawn(move || {
                    let own = Store::at(through.address(), through.bucket());
                    let text = writer.to_string();
                    let only = [("If-None-Match", "*")];
                    let answer = own.send("PUT", key, &only, text.as_bytes());
                    let status = answer.expect("an answer").status;
                    ends.lock().expect("no panic").push((status, text));
                });
            }
        });
        let ends = ends.into_inner().expect("no panic");
        let won: Vec<&String> = ends
            .iter()
            .filter(|end| end.0 == 200)
            .map(|end| &end.1)
            .collect();
        assert!(
            ends.iter().all(|(status, _)| [200, 412].contains(status)),
            "{ends:?}"
        );
        assert_eq!(won.len(), 1, "{ends:?}");
        assert_eq!(direct.get(&key), won[0].as_bytes());
    }
    let record = proxy.record();
    assert_eq!(record.requests("PUT"), 20 * 32);
    assert_eq!((record.answers(200), record.answers(412)), (20, 20 * 31));
}

/// A server that takes its time, and tells how many requests it has had at once.
fn slow_server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (now, seen) = (Arc::new(now), most.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (now, seen) = (now.clone(), seen.clone());
            std::thread::spawn(move || {
                let mut from = BufReader::new(&stream);
                while let Ok(Some(_)) = Request::read(&mut from) {
                    seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    now.fetch_sub(1, Ordering::SeqCst);
                    let answer = error(503).bytes();
                    (&stream).write_all(&answer).expect("an answer");
                }
            });
        }
    });
    (address, most)
}

/// The server of all other tests is too quick to be seen between its look and its write.
#[test]
fn writes_of_one_key_come_one_after_the_other() {
    let (address, most) = slow_server();
    let proxy = Proxy::start(address);
    let eight = |method: &str, key_of: &(dyn Fn(usize) -> String + Sync)| {
        most.store(0, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let store = Store::at(proxy.address(), "bucket");
                scope.spawn(move || store.send(method, &key_of(writer), &[], b"").expect("one"));
            }
        });
        most.load(Ordering::SeqCst)
    };
    assert_eq!(eight("PUT", &|_| "key".to_owned()), 1);
    assert_eq!(eight("DELETE", &|_| "key".to_owned()), 1);
    assert!(eight("PUT", &|writer| writer.to_string()) > 1);
    assert!(eight("GET", &|_| "key".to_owned()) > 1);
}

#[test]
fn faults_are_what_they_say() {
    let (proxy, direct, through) = behind_a_proxy();
    let mut met = 0;
    for fault in Fault::ALL {
        let key = format!("{fault:?}");
        let met_by = |method: &'static str| {
            proxy.calm();
            // The second one of those that are meant.
            proxy.at(2, fault, move |request| request.method == method);
        };
        met_by("PUT");
        through.put("other", b"first");
        let put = through.send("PUT", &key, &[], b"written");
        match fault {
            Fault::LostRequest | Fault::LostResponse => assert!(put.is_err(), "{put:?}"),
            Fault::ErrorBefore(status) | Fault::ErrorAfter(status) => {
                let put = put.expect("an answer");
                assert_eq!(put.status, status);
                assert!(String::from_utf8_lossy(&put.body).contains("<Error><Code>"));
            }
            Fault::SlowBody | Fault::CutBody | Fault::StaleListing => {
                assert_eq!(put.expect("an answer").status, 200);
            }
        }
        let is_done = !matches!(fault, Fault::LostRequest | Fault::ErrorBefore(_));
        assert_eq!(direct.list(&key) == [key.as_str()], is_done, "{fault:?}");
        met += usize::from(proxy.record().injected(fault) == 1);
        // The third one is done whatever happened to the second.
        through.put(&key, b"written");
        assert_eq!(through.get(&key), b"written");
    }
    assert_eq!(met, 7, "all that writes can meet");
}

#[test]
fn answers_are_cut_and_slow() {
    let (proxy, direct, through) = behind_a_proxy();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    direct.put("key", &bytes);
    proxy.at(1, Fault::CutBody, |request| request.method == "GET");
    let error = through
        .send("GET", "key", &[], b"")
        .expect_err("half of it");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(through.get("key"), bytes);
    proxy.calm();
    proxy.at(1, Fault::SlowBody, |request| request.method == "GET");
    let started = Instant::now();
    assert_eq!(through.get("key"), bytes);
    assert!(started.elapsed() > Duration::from_millis(150));
    let head = through.send("HEAD", "key", &[], b"").expect("an answer");
    assert_eq!(head.headers.get("content-length"), Some("100000"));
    let record = proxy.record();
    for fault in [Fault::CutBody, Fault::SlowBody] {
        assert_eq!(record.injected(fault), 1);
    }
}

#[test]
fn a_list_is_as_it_was() {
    let (proxy, _, through) = behind_a_proxy();
    let is_stale = || proxy.at(1, Fault::StaleListing, Request::is_list);
    through.put("log/1=1", b"");
    // No list has been asked for: what was written last is missing.
    is_stale();
    assert_eq!(through.list("log/"), [""; 0]);
    assert_eq!(through.list("log/"), ["log/1=1"]);
    through.put("log/2", b"");
    through.delete("log/1=1");
    proxy.calm();
    is_stale();
    assert_eq!(through.list("log/"), ["log/1=1"]);
    assert_eq!(through.list("log/"), ["log/2"]);
    // Nothing has ever been there.
    proxy.calm();
    is_stale();
    assert_eq!(through.list("elsewhere/"), [""; 0]);
    assert_eq!(proxy.record().injected(Fault::StaleListing), 2);
}

#[test]
fn a_hook_comes_before_the_request() {
    let (proxy, direct, through) = behind_a_proxy();
    direct.put("key", b"old content");
    let mut is_first = true;
    proxy.before(move |request| {
        if request.headers.get("range").is_some() && std::mem::take(&mut is_first) {
            direct.put("key", b"new content");
        }
        None
    });
    assert_eq!(through.get("key"), b"old content");
    let part = through.send("GET", "key", &[("Range", "bytes=0-2")], b"");
    let part = part.expect("an answer");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"new"[..]));
}

#[test]
fn a_seed_replays_faults() {
    let (proxy, direct, through) = behind_a_proxy();
    direct.put("key", b"content");
    let chances = Fault::ALL.map(|fault| (fault, 0.05));
    let play = |seed| {
        proxy.inject(seed, &chances);
        let ends = (0..60).map(|_| {
            let answer = through.send("GET", "key", &[], b"");
            answer.map(|answer| answer.status).unwrap_or_default()
        });
        ends.collect::<Vec<u16>>()
    };
    let first = play(seed());
    proxy.calm();
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
    assert!(
        [first, play(3)]
            .concat()
            .iter()
            .any(|status| *status != 200)
    );
    println!("{}", proxy.record().tally());
}

#[test]
fn requests_without_a_signature_are_counted() {
    let (proxy, _, through) = behind_a_proxy();
    through.put("key", b"content");
    let target = format!("/{}/key?versionId=1", through.bucket());
    let request = Request::new("GET", &target, &[("Authorization", "Basic YTpi")], b"");
    let answer = Client::new(proxy.address()).send(&request);
    assert_ne!(answer.expect("an answer").status, 200);
    let record = proxy.record();
    assert_eq!(record.unsigned(), 1);
    let seen: Vec<(&str, bool)> = record
        .seen()
        .iter()
        .map(|one| (one.line.as_str(), one.is_signed))
        .collect();
    let put = format!("PUT /{}/key", through.bucket());
    assert_eq!(
        seen,
        [(put.as_str(), true), (&format!("GET {target}"), false)]
    );
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let (_proxy, direct, through) = behind_a_proxy();
    let folder = TempDir::new().expect("a temporary directory");
    let names = [
        "a",
        "_log/00 1.json",
        "day=2026-03-02/x%3Dy&é.parquet",
        "z/+",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let path = folder.path().join("from").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, vec![number as u8; number * 1_000]).expect("a file");
    }
    // More than one answer holds.
    for number in 0..=PAGE {
        let name = format!("many-{number}");
        fs::write(folder.path().join("from").join(name), b"").expect("a file");
    }
    direct.put("outside", b"");
    direct.upload(&folder.path().join("from"), "a prefix/");
    through.download("a prefix/", &folder.path().join("to"));
    let to = content(&folder.path().join("to"));
    assert_eq!(to.len(), names.len() + PAGE + 1);
    assert_eq!(to, content(&folder.path().join("from")));
    direct.delete("a prefix/a");
    assert_eq!(direct.list("a prefix/a"), [""; 0]);
}
