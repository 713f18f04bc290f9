//! Python interpreters with what some tests need.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// One with another reader of Delta tables and what runs the queries of README.md: what `DELIVERY_KPI_PYTHON` names, else what
/// `tests/setup-python.sh` makes, once.
pub fn interpreter() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER
        .get_or_init(|| std::env::var("DELIVERY_KPI_PYTHON").unwrap_or_else(|_| made("reader")))
}

/// One with the checkers of Kubernetes objects, Dockerfiles and shell scripts.
pub fn job_checkers() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER.get_or_init(|| made("jobs"))
}

/// One with Airflow.
pub fn airflow() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER.get_or_init(|| made("airflow"))
}

/// One with an S3 server.
pub fn s3() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER.get_or_init(|| made("s3"))
}

/// One that drives a browser.
pub fn browser() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER.get_or_init(|| made("browser"))
}

/// The interpreter of what `tests/python/NAME.txt` lists.
fn made(name: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup-python.sh");
    let output = Command::new("bash")
        .arg(&script)
        .arg(name)
        .stderr(Stdio::inherit())
        .output()
        .expect("bash starts");
    assert!(
        output.status.success(),
        "{} {name} failed",
        script.display()
    );
    let path = String::from_utf8(output.stdout).expect("a path");
    path.trim().to_owned()
}
