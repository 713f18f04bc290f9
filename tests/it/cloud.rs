//! Extracts and outputs in an object store: a real S3 server on this machine, and a proxy before it that injects
//! faults. What is injected, and how to replay it: `tests/README.md`.

mod contention;
mod extracts;
mod http;
mod outputs;
mod proxy;
mod runs;
mod server;
mod store;
mod tests;

/// Credentials that no output may hold. The server takes any.
pub const KEY_ID: &str = "AKIACANARYKEYID00000";
pub const SECRET: &str = "canary-secret-5fJ2qXw8LrT0vZb3NcYh7Kd";
pub const REGION: &str = "eu-central-1";

/// What a program needs in its environment to reach the store at `endpoint`, a server's or a proxy's.
fn environment(endpoint: &str) -> Vec<(&'static str, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_REGION", REGION),
        // Whatever this machine sends elsewhere through a proxy of its own.
        ("NO_PROXY", "127.0.0.1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}
