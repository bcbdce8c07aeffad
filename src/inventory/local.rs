//! Small files of this machine, such as those with a token or a value.

pub use crate::files::read;
