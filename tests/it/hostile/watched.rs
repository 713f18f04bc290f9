//! A process whose time and memory are watched.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a process ended, and what it took.
pub struct Watched {
    pub status: Option<i32>,
    pub stderr: String,
    pub took: Duration,
    /// The most memory that it had, in bytes, as it was last seen.
    pub peak: u64,
}

/// Runs a command to its end.
pub fn watched(command: &mut Command) -> Watched {
    let started = Instant::now();
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    let mut pipe = child.stderr.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("text");
        text
    });
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        peak = peak.max(high_water(&fs::read_to_string(&file).unwrap_or_default()));
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    Watched {
        status: status.code(),
        stderr: reader.join().expect("no panic"),
        took: started.elapsed(),
        peak,
    }
}

/// The most memory that this process had, in bytes.
pub fn own_peak() -> u64 {
    high_water(&fs::read_to_string("/proc/self/status").expect("Linux"))
}

fn high_water(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}
