//! What to do to the files of a table. Pure.

pub use crate::tables::PARENT_KPI_HOURLY;
use crate::tables::PART_TABLES;
use std::collections::BTreeSet;

/// One row for each delivery and hour in which a counter changed; partitioned by `date`.
pub const DELIVERY_KPI_HOURLY: &str = "delivery_kpi_hourly";
/// One row for each delivery.
pub const DELIVERY_KPI: &str = "delivery_kpi";
/// One row for each delivery and hour that had ended and changed after all; rows are added only.
pub const KPI_RESTATEMENT: &str = "kpi_restatement";
/// All data tables, in the order in which a run commits to them.
pub const DATA_TABLES: [&str; 7] = {
    let [reasons, links, domains] = PART_TABLES;
    [
        DELIVERY_KPI_HOURLY,
        DELIVERY_KPI,
        reasons,
        links,
        domains,
        PARENT_KPI_HOURLY,
        KPI_RESTATEMENT,
    ]
};
/// One row for each run; the commit point.
pub const KPI_RUN: &str = "kpi_run";

/// A data file of a table: its path, and its partition where there are any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataFile {
    /// Its path, which names it.
    pub path: String,
    /// Its partition.
    pub partition: Option<String>,
}

/// Which files a commit takes away and which old ones it brings back, besides the new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePlan {
    /// Files of the latest version that must go.
    pub remove: Vec<DataFile>,
    /// Files of the committed version that a run which died had removed, and that must come back.
    pub restore: Vec<DataFile>,
}

/// The files that a table must have are those of the version that `kpi_run` names, but for those that
/// are replaced; the plan leads there from the latest version, which may be that of a run
/// that died.
pub fn plan(
    committed: &[DataFile],
    latest: &[DataFile],
    is_replaced: impl Fn(&DataFile) -> bool,
) -> FilePlan {
    let stays = |file: &&DataFile| !is_replaced(file);
    let target: BTreeSet<&DataFile> = committed.iter().filter(stays).collect();
    let present: BTreeSet<&DataFile> = latest.iter().collect();
    FilePlan {
        remove: present
            .difference(&target)
            .map(|file| (*file).clone())
            .collect(),
        restore: target
            .difference(&present)
            .map(|file| (*file).clone())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<DataFile> {
        let file = |name: &&str| DataFile {
            path: (*name).to_owned(),
            partition: Some(name[..1].to_owned()),
        };
        names.iter().map(file).collect()
    }

    fn replaced(names: &[&str]) -> impl Fn(&DataFile) -> bool {
        move |file| names.contains(&file.partition.as_deref().unwrap_or_default())
    }

    #[test]
    fn only_replaced_partitions_lose_their_files() {
        let committed = files(&["a1", "b1", "b2"]);
        let plan = plan(&committed, &committed, replaced(&["b", "c"]));
        assert_eq!(plan.remove, files(&["b1", "b2"]));
        assert_eq!(plan.restore, []);
    }

    #[test]
    fn what_a_dead_run_did_is_undone() {
        let committed = files(&["a1", "b1", "c1"]);
        let latest = files(&["a2", "b1", "c2"]);
        let plan = plan(&committed, &latest, replaced(&["c"]));
        assert_eq!(plan.remove, files(&["a2", "c2"]));
        assert_eq!(plan.restore, files(&["a1"]));
    }
}
