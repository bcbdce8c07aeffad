//! What a kind of file contains: components, attributes and scalars that may refer to secrets.

pub mod prefilter;
pub mod stack_model;
pub mod scalar;
