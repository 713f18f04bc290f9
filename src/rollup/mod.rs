//! Transitions to counts: change per delivery and hour, then cumulative values. Integers only.
//!
//! Partial results of any threads or workers add up to the same whole in any order.

mod counts;
mod effects;
mod kpis;
mod parents;
mod partial;
mod parts;
mod series;
mod steps;

pub use counts::{Change, Counter, Shown};
pub use kpis::{DeliveryKpis, Given, HourKpis, Kpis, Violation, add_up, finish};
pub use parents::{Families, ParentKpis};
pub use partial::{Facts, Partial, Teller};
pub use parts::{Parts, Totals, Values, add, change, counters, shown, values};
pub use series::{
    ByPart, Hours, Part, PartKpis, Series, check_parts, finish_parts, gather, part_of,
};
pub use steps::{Place, Steps};
