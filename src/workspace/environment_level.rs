//! The level that the environment sets for all files.

use crate::diagnostics::error::Failure;
use crate::lint::settings::LevelChoice;
use crate::project::config::Level;
use crate::system::environment::Environment;
use crate::text::escape::escape_control;

/// The environment variable that sets the level. ZenML reads it, too.
const LEVEL_VARIABLE: &str = "ZENML_SECRET_VALIDATION_LEVEL";

/// Returns the level that the environment sets for all files. The default is the level of each
/// file's config.
///
/// # Errors
/// The environment variable has an invalid value.
pub(crate) fn environment_level(env: &dyn Environment) -> Result<LevelChoice<'static>, Failure> {
    let level = level_from_environment(env)?;
    Ok(level
        .map(|level| LevelChoice::with_origin(level, LEVEL_VARIABLE))
        .unwrap_or_default())
}

fn level_from_environment(env: &dyn Environment) -> Result<Option<Level>, Failure> {
    let Some(text) = env.get(LEVEL_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    match Level::parse(&text) {
        Some(level) => Ok(Some(level)),
        None => Err(Failure::usage(format!(
            "invalid value `{}` in {LEVEL_VARIABLE}",
            escape_control(&text)
        ))
        .with_help(format!("the levels are {}", Level::NAMES.join(", ")))),
    }
}
