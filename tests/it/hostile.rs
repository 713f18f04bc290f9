//! Any bytes in place of a Parquet file: its rows, or one named file that is left out; never the end of the
//! process, and never an effect on other files.

mod forge;
mod kinds;
mod links;
mod mutations;
mod watched;
