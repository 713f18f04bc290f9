//! A Python interpreter that has another reader of Delta tables.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What `DELIVERY_KPI_PYTHON` names, else what `tests/setup-python.sh` makes, once.
pub fn interpreter() -> &'static str {
    static INTERPRETER: OnceLock<String> = OnceLock::new();
    INTERPRETER.get_or_init(|| {
        if let Ok(named) = std::env::var("DELIVERY_KPI_PYTHON") {
            return named;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup-python.sh");
        let output = Command::new("bash")
            .arg(&script)
            .stderr(Stdio::inherit())
            .output()
            .expect("bash starts");
        assert!(output.status.success(), "{} failed", script.display());
        let path = String::from_utf8(output.stdout).expect("a path");
        path.trim().to_owned()
    })
}
