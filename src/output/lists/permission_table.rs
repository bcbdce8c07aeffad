//! The permissions that `inventory --probe` finds: a table with the reasons below it, or JSON.

use crate::diagnostics::error::Failure;
use crate::lint::secret_list::{Permission, Probe};
use crate::output::json_types::{JsonFailure, VERSION, json_failures};
use crate::output::json_writer::write_pretty;
use crate::output::style::{ADDED, ERROR, HEADING, NAME, OutputStyle};
use crate::text::escape::escape_control;
use anstyle::Style;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct JsonProbes<'r> {
    version: u32,
    inventories: Vec<JsonProbe<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonProbe<'r> {
    name: &'r str,
    #[serde(flatten)]
    permissions: BTreeMap<&'static str, JsonPermission<'r>>,
}

impl<'r> From<&'r Probe> for JsonProbe<'r> {
    fn from(probe: &'r Probe) -> Self {
        let permissions = probe
            .permissions
            .iter()
            .map(|(operation, permission)| (*operation, permission.into()));
        Self {
            name: &probe.name,
            permissions: permissions.collect(),
        }
    }
}

#[derive(Serialize)]
struct JsonPermission<'r> {
    /// Absent if the operation was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    may: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
}

impl<'r> From<&'r Permission> for JsonPermission<'r> {
    fn from(permission: &'r Permission) -> Self {
        let may = match permission {
            Permission::Yes => Some(true),
            Permission::No(_) => Some(false),
            Permission::Untried(_) => None,
        };
        Self {
            may,
            reason: permission.reason(),
        }
    }
}

/// Writes the permissions in each inventory, as JSON or for people.
pub fn write_probes(
    probes: &[Probe],
    as_json: bool,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    if as_json {
        let failures: Vec<Failure> = probes
            .iter()
            .filter_map(|probe| probe.failure.clone())
            .collect();
        let inventories = probes.iter().map(JsonProbe::from).collect();
        return write_pretty(
            &JsonProbes {
                version: VERSION,
                inventories,
                failures: json_failures(&failures),
            },
            out,
        );
    }
    write_permissions(probes, style, out)?;
    probes
        .iter()
        .try_for_each(|probe| write_reasons(probe, out))
}

fn write_permissions(probes: &[Probe], style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let names = probes
        .iter()
        .map(|probe| escape_control(&probe.name).chars().count());
    let width = names.chain(["INVENTORY".len()]).max().unwrap_or_default();
    writeln!(
        out,
        "{}",
        style.paint(
            HEADING,
            format!("{:width$}  LIST  KEYS  VALUES  WRITE", "INVENTORY")
        )
    )?;
    for probe in probes {
        let name = style.paint(NAME, format!("{:width$}", escape_control(&probe.name)));
        write!(out, "{name}")?;
        // The last column needs no blanks after it.
        for ((_, permission), width) in probe.permissions.iter().zip([4, 4, 6, 0]) {
            let cell = format!("{:width$}", permission.as_str());
            write!(out, "  {}", style.paint(permission_style(permission), cell))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes why operations are not permitted or were not tried.
///
/// If the inventory cannot be listed, the other operations were not tried for that reason. It is
/// not repeated for them.
fn write_reasons(probe: &Probe, out: &mut dyn Write) -> io::Result<()> {
    let is_listed = matches!(probe.permissions, [(_, Permission::Yes), ..]);
    for (operation, permission) in &probe.permissions {
        let is_shown = is_listed || *operation == "list" || matches!(permission, Permission::No(_));
        if let Some(reason) = permission.reason().filter(|_| is_shown) {
            writeln!(
                out,
                "{}: {operation}: {}",
                escape_control(&probe.name),
                escape_control(reason)
            )?;
        }
    }
    Ok(())
}

fn permission_style(permission: &Permission) -> Style {
    match permission {
        Permission::Yes => ADDED,
        Permission::No(_) => ERROR,
        Permission::Untried(_) => Style::new(),
    }
}
