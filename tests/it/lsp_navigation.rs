//! Navigation in the language server.
