//! The text of `[environment.NAME]` and `[[stacks]]` in a new config.

use super::Survey;
use super::config_text::quote_all;
use super::pairing::ProposedRoute;
use crate::project::config::RouteTarget;

const NO_ROUTE: &str = "\
# The inventories of each stack. No stack has the name of an inventory, so list them here.
# [[stacks]]
# files = [\"stacks/prod/**\"]
# inventory = [\"prod\"]

";

const ROUTES: &str = "\
# The inventories of each stack. The first entry that matches a file applies.
";

const ENVIRONMENTS: &str = "\
# Environments: stackref looks up each reference in every environment, and reports keys that exist in one but not in
# another. `check --environment NAME` selects one. `stackref matrix` compares their secrets and keys.
";

const STACK_ENVIRONMENTS: &str = "\
# Stack files have the names of environments. Once each of these has an inventory, stackref can compare them:
";

const NO_ENVIRONMENT_ROUTE: &str = "\
# All files belong to all environments. To select those of some files:
";

const ENVIRONMENT_ROUTES: &str = "\
# The environments of files. The first entry that matches a file applies. Other files belong to all environments.
";

const MIXED_ROUTES: &str = "\
# The environments of files. The first entry that matches a file applies. Files of an entry with `inventory` belong to no
# environment, and files without an entry to all.
";

impl Survey {
    /// Returns the tables of the environments. If only stack files have such names, the tables are
    /// comments.
    pub(super) fn environment_tables(&self) -> String {
        if self.environments.is_empty() {
            return self.environment_sample();
        }
        let mut out = String::from(ENVIRONMENTS);
        let name = self.variable.as_deref().unwrap_or("ENV");
        out.push_str(&format!(
            "# With `variables = {{ {name} = \"prod\" }}` in an environment, `{{{{${{{name}}}_db.password}}}}` means `prod_db.password` there.\n"
        ));
        for environment in &self.environments {
            let name = environment.name;
            out.push_str(&format!(
                "[environment.{name}]\ninventory = [{}]\n",
                quote_all(&environment.inventories)
            ));
            if let Some(variable) = &self.variable {
                out.push_str(&format!("# variables = {{ {variable} = \"{name}\" }}\n"));
            }
            out.push('\n');
        }
        out
    }

    /// Returns an example of environments with the names that stack files have.
    fn environment_sample(&self) -> String {
        if self.stack_environments.is_empty() || !self.routes.is_empty() {
            return String::new();
        }
        let tables = self.stack_environments.iter();
        let tables =
            tables.map(|name| format!("# [environment.{name}]\n# inventory = [\"{name}\"]\n"));
        format!("{STACK_ENVIRONMENTS}{}\n", tables.collect::<String>())
    }

    /// Returns the entries of `[[stacks]]`, or an example.
    pub(super) fn route_tables(&self) -> String {
        let is_other = |route: &ProposedRoute| matches!(route.target, RouteTarget::Inventories(_));
        let comment = match (self.routes.as_slice(), self.environments.last()) {
            ([], Some(last)) => {
                let name = last.name;
                return format!(
                    "{NO_ENVIRONMENT_ROUTE}# [[stacks]]\n# files = [\"stacks/{name}/**\"]\n# environment = [\"{name}\"]\n\n"
                );
            }
            ([], None) if self.inventories.len() > 1 => return NO_ROUTE.to_owned(),
            ([], None) => return String::new(),
            (_, None) => ROUTES,
            (routes, Some(_)) if routes.iter().any(is_other) => MIXED_ROUTES,
            (_, Some(_)) => ENVIRONMENT_ROUTES,
        };
        let tables = self.routes.iter().map(route_table);
        format!("{comment}{}", tables.collect::<String>())
    }
}

fn route_table(route: &ProposedRoute) -> String {
    let (key, names) = match &route.target {
        RouteTarget::Inventories(names) => ("inventory", names),
        RouteTarget::Environments(names) => ("environment", names),
    };
    format!(
        "[[stacks]]\nfiles = [{}]\n{key} = [{}]\n\n",
        quote_all(&route.files),
        quote_all(names)
    )
}
