//! Runs the stages in parallel: reading over files and row groups, folding over partitions of
//! messages. All rows of one message meet in one partition.

mod block;
mod compact;
mod course;
mod deliveries;
mod find;
mod fold;
mod groups;
mod index;
mod messages;
mod packed;
mod partition;
mod people;
mod progress;
mod read;
mod recipients;
mod refold;
mod rests;
mod run;
mod sheaf;
mod shelf;
mod slab;
mod units;
mod volume;
mod watch;

pub use compact::merge;
pub use deliveries::DeliverySet;
pub use find::{Found, Search, find, texts};
pub use fold::{Account, Behind, fold};
pub use partition::Partitions;
pub use people::{Asked, People, PersonCounts};
pub use progress::{Progress, Silent, Stage};
pub use read::{FileRead, Keeping, Reading, Waiting, open_all, read};
pub use refold::{Changed, Judged, Refolded, Standing, deliveries_of, refold};
pub use rests::{RowKey, rests};
pub use sheaf::Sheaf;
pub use shelf::{Room, Shelf, Shelved, SpillError};
pub use slab::Slab;
pub use volume::{Volume, Volumes};
pub use watch::{Wake, Watched};

use std::sync::atomic::{AtomicUsize, Ordering};

/// The threads that read and fold.
pub use rayon::{ThreadPool as Pool, ThreadPoolBuildError as PoolError};

/// A pool of so many threads.
pub fn pool(threads: usize) -> Result<Pool, PoolError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("delivery-kpi-{number}"))
        .build()
}

/// Has the workers do the work for all numbers; the results come in their order.
pub fn map<T: Send>(pool: &Pool, numbers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let add = |done: &mut Vec<(usize, T)>, number| done.push((number, work(number)));
    let done = share(pool, numbers, Vec::new, add, |done| done);
    let mut done: Vec<(usize, T)> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Has the workers take up one number after another, whoever is free; gives what each made of its
/// start in the end.
fn share<S, T: Send>(
    pool: &Pool,
    numbers: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) + Sync,
    finish: impl Fn(S) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    pool.broadcast(|_| {
        let mut state = start();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers {
                return finish(state);
            }
            work(&mut state, number);
        }
    })
}
