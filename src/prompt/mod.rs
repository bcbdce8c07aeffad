//! The terminal and its questions.

pub mod terminal;
