//! The arguments of `lsp`.

use clap::Args;

/// Arguments of `lsp`.
#[derive(Debug, Args)]
pub struct LspArgs {
    /// Accepted for editors that add it to the command line
    #[arg(long, hide = true)]
    pub stdio: bool,
    /// Accepted for editors that add it to the command line
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    pub client_process: Option<i64>,
}
