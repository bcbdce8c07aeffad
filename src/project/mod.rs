//! The project that is checked: its repository, its configs, whether they are trusted, and its
//! files.

pub mod repository;
pub mod config;
pub mod configs;
pub mod git;
pub mod command_text;
pub mod requests;
pub mod trust_store;
pub mod discover;
