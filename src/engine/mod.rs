//! Runs the stages in parallel: reading over files and row groups, folding over partitions of
//! messages. All rows of one message meet in one partition.

mod fold;
mod partition;
mod progress;
mod read;
mod units;

pub use fold::fold;
pub use partition::{Run, partitions_for};
pub use progress::{Progress, Silent, Stage};
pub use read::{FileRead, Reading, open_all, read};

/// A pool of so many threads; all parallel work of a run goes through one.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("delivery-kpi-{number}"))
        .build()
}
