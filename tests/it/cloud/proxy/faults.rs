//! What can go wrong, and what decides when it does.

use super::super::super::run::number_from_environment;
use super::super::http::{Answer, Headers, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing is done; the connection is closed without an answer.
    LostRequest,
    /// It is done; the connection is closed without an answer.
    LostResponse,
    /// Nothing is done; the answer is this error.
    ErrorBefore(u16),
    /// It is done; the answer is this error.
    ErrorAfter(u16),
    /// The body of the answer comes in pieces.
    SlowBody,
    /// Half of the body of the answer comes, and the connection is closed.
    CutBody,
    /// A list of objects as it was some requests ago.
    StaleListing,
}

impl Fault {
    pub const ALL: [Fault; 10] = [
        Fault::LostRequest,
        Fault::LostResponse,
        Fault::ErrorBefore(500),
        Fault::ErrorBefore(503),
        Fault::ErrorBefore(429),
        Fault::ErrorAfter(500),
        Fault::ErrorAfter(503),
        Fault::SlowBody,
        Fault::CutBody,
        Fault::StaleListing,
    ];

    /// Whether this request can meet it.
    fn fits(self, request: &Request) -> bool {
        match self {
            Fault::SlowBody | Fault::CutBody => request.method == "GET",
            Fault::StaleListing => request.is_list(),
            _ => true,
        }
    }
}

/// The seed of `DELIVERY_KPI_SEED`, else a new one.
pub fn seed() -> u64 {
    number_from_environment("DELIVERY_KPI_SEED").unwrap_or_else(|| fastrand::u64(..))
}

pub type Hook = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// Which requests meet which faults.
#[derive(Default)]
pub struct Plan {
    hooks: Vec<Hook>,
    chances: Vec<(Fault, f64)>,
    random: fastrand::Rng,
}

impl Plan {
    pub fn before(&mut self, hook: Hook) {
        self.hooks.push(hook);
    }

    pub fn inject(&mut self, seed: u64, chances: &[(Fault, f64)]) {
        self.chances = chances.to_owned();
        self.random = fastrand::Rng::with_seed(seed);
    }

    pub fn choose(&mut self, request: &Request) -> Option<Fault> {
        // Every hook sees every request, and each request is one draw.
        let told = self.hooks.iter_mut().map(|hook| hook(request));
        let told = told.collect::<Vec<_>>().into_iter().flatten().next();
        let mut draw = self.random.f64();
        let mut chances = self.chances.iter();
        let by_chance = chances.find(|(fault, chance)| {
            if !fault.fits(request) {
                return false;
            }
            draw -= chance;
            draw < 0.0
        });
        told.or(by_chance.map(|(fault, _)| *fault))
    }
}

/// An error as S3 tells of it.
pub fn error(status: u16) -> Answer {
    let code = match status {
        403 => "AccessDenied",
        409 => "ConditionalRequestConflict",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "SlowDown",
        _ => panic!("there is no error for {status}"),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>An injected fault.</Message><RequestId>0</RequestId></Error>"
    );
    let length = body.len().to_string();
    Answer {
        status,
        headers: Headers::new(&[
            ("Content-Type", "application/xml"),
            ("Content-Length", &length),
        ]),
        body: body.into_bytes(),
    }
}
