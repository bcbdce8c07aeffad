//! The operating system: paths, bounded reads, all-or-nothing writes, threads, programs, signals.

pub mod paths;
pub mod files;
pub mod environment;
pub mod programs;
pub mod parallel;
pub mod jobs;
pub mod process;
pub mod write;
