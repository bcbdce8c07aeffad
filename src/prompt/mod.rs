//! The terminal: reads a user's answers without showing them. The questions are in `commands`.

pub mod keyboard;
mod line_editor;
pub mod terminal;
mod terminal_modes;
