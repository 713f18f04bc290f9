//! Any bytes in place of a file of the sending log: its rows or an error, within time and memory.
#![no_main]
#![allow(dead_code, unused_imports, reason = "only a part of the program is here")]

#[path = "../../src/extracts/mod.rs"]
mod extracts;
#[path = "../../src/model/mod.rs"]
mod model;
#[path = "../../src/stores/mod.rs"]
mod stores;

use extracts::{Extract, Links, Mapping, list, open};
use libfuzzer_sys::fuzz_target;
use model::DeliveryId;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use stores::Access;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

fn read(folder: &TempDir, bytes: &[u8]) {
    std::fs::write(folder.path().join("part.parquet"), bytes).expect("a file");
    let mapping = Mapping::default();
    let listing = list(folder.path(), Links::Inside, &Access::default()).expect("a listing");
    let Ok(file) = open(Extract::SendingLog, &listing.files[0], &mapping) else {
        return;
    };
    let row_groups: Vec<usize> = (0..file.row_groups()).collect();
    for row_group in &row_groups {
        let _ = file.log_ids(*row_group, &mapping);
        // A batch that cannot be had ends the file.
        if file
            .read(*row_group, &file.projection(&mapping, true), |_| Ok(()))
            .is_err()
        {
            return;
        }
    }
    let some = BTreeSet::from([DeliveryId::Number(1), DeliveryId::Text("1".into())]);
    for (row_group, pages) in file.pages(&row_groups, &mapping, &some).iter().enumerate() {
        let _ = file.may_hold_some(row_group, &mapping, &some);
        let _ = file.read_pages(row_group, pages.as_ref(), &file.keys(&mapping), |_| Ok(()));
    }
}

fuzz_target!(|bytes: &[u8]| {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| {
            // The fuzzer would take a panic that becomes an error for a crash.
            std::panic::set_hook(Box::new(|_| ()));
            let memory = std::path::Path::new("/dev/shm");
            let place = match memory.is_dir() {
                true => TempDir::new_in(memory),
                false => TempDir::new(),
            };
            place.expect("a folder")
        });
        read(folder, bytes);
    });
});
