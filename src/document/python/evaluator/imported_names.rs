//! Resolves names that a module imports. Only the module that is read loads others.

use super::super::module_builder::parse_module;
use super::super::python_values::{ImportPath, Value};
use super::{Evaluator, MAIN};
use std::rc::Rc;

/// Libraries that never contain constants of the repository.
const LIBRARIES: [&str; 6] = ["zenml", "os", "typing", "enum", "pathlib", "__future__"];

impl Evaluator<'_> {
    /// Returns the value of a name in an imported module. `importer` is the module with the import.
    pub(super) fn import_member(
        &mut self,
        importer: usize,
        path: &ImportPath,
        name: &str,
    ) -> Value {
        if let Some(module) = self.load(importer, path)
            && let Some(value) = self.module_member(module, name)
        {
            return value;
        }
        Value::Import(Rc::new(path.member(name)))
    }

    /// Returns the value of a name that only `from … import *` can bind.
    pub(super) fn star_import(&mut self, importer: usize, name: &str) -> Value {
        if importer != MAIN {
            return Value::Unknown;
        }
        let Some(module) = self.module(importer) else {
            return Value::Unknown;
        };
        for path in &module.star_imports {
            if let Some(loaded) = self.load(importer, path)
                && let Some(value) = self.module_member(loaded, name)
            {
                return value;
            }
            if path.is_zenml() {
                return Value::Import(Rc::new(path.member(name)));
            }
        }
        Value::Unknown
    }

    /// Returns an imported module, which is parsed at the first call.
    fn load(&mut self, importer: usize, path: &ImportPath) -> Option<usize> {
        let library = path.library();
        if importer != MAIN || library.is_some_and(|library| LIBRARIES.contains(&library)) {
            return None;
        }
        if path.level == 0 && path.path.is_empty() {
            return None;
        }
        let key = (path.level, path.path.clone());
        if let Some(loaded) = self.imports.get(&key) {
            return *loaded;
        }
        let source = self.main().and_then(|main| {
            let importer = main.source.absolute_path();
            self.loader.load(importer, path.level, &path.path)
        });
        let loaded = source.map(|source| {
            let whole = 0..source.text().len();
            self.add_module(parse_module(&source, &[whole]))
        });
        self.imports.insert(key, loaded);
        loaded
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::super::fact_checks::{PRELUDE, TestModules, facts_with};

    #[test]
    fn a_constant_is_read_through_one_import() {
        let modules = TestModules::new(&[
            (
                "constants",
                "A = 'a'\nB = A\nC = f'{A}'\nclass N(Enum):\n  DB = 'a'\nL = ['a']\nD = {'k': 'a'}",
            ),
            (".constants", "A = 'a'"),
            ("..config.names", "A = 'a'"),
            ("pkg", "X = 1"),
            ("pkg.constants", "A = 'a'"),
            (".", "A = 'a'"),
            (
                "clients",
                "from zenml.client import Client\nc = Client()\ndef make(): return Client()",
            ),
        ]);
        for (import, name) in [
            ("from constants import A", "A"),
            ("from constants import A as Z", "Z"),
            ("from constants import (\n  X,\n  A,\n)", "A"),
            ("from constants import B", "B"),
            ("from constants import C", "C"),
            ("from constants import N", "N.DB.value"),
            ("from constants import D", "D['k']"),
            ("from constants import *", "A"),
            ("from .constants import A", "A"),
            ("from ..config.names import A", "A"),
            ("from ..config import names", "names.A"),
            ("from . import constants", "constants.A"),
            ("from . import A", "A"),
            ("from pkg import constants as c", "c.A"),
            ("import pkg.constants", "pkg.constants.A"),
            ("import pkg.constants as c", "c.A"),
            ("import constants", "constants.A"),
            ("import constants", "constants.N.DB"),
            (
                "try:\n  from constants import A\nexcept ImportError:\n  from .constants import A",
                "A",
            ),
        ] {
            let code = format!("{PRELUDE}{import}\ndef f(): Client().get_secret({name})");
            let found = facts_with(&code, &modules);
            let expected = if name == "C" { "use a" } else { "use =a" };
            assert_eq!(found, [expected], "{code}");
        }
        let code = format!("{PRELUDE}from constants import L\nx.configure(secrets=L)");
        assert_eq!(facts_with(&code, &modules), ["list =a"]);
        for code in [
            "from clients import c\nc.get_secret('a')",
            "import clients\nclients.make().get_secret('a')",
        ] {
            let code = format!("{PRELUDE}{code}");
            assert_eq!(facts_with(&code, &modules), ["use a"], "{code}");
        }
    }

    #[test]
    fn other_imports_are_dynamic() {
        let modules = TestModules::new(&[
            (
                "constants",
                "from other import A\nimport other\nB = other.A\nC = 'a'\nC = 'b'\n\
                 from constants import D",
            ),
            ("other", "A = 'a'"),
            (
                "cycle",
                "from main import A\nB = B\nfrom cycle import C\nC = C",
            ),
        ]);
        for (import, name) in [
            ("from constants import A", "A"),
            ("from constants import B", "B"),
            ("from constants import C", "C"),
            ("from constants import D", "D"),
            ("from constants import E", "E"),
            ("from missing import A", "A"),
            ("import missing", "missing.A"),
            ("from cycle import A", "A"),
            ("from cycle import B", "B"),
            ("from cycle import C", "C"),
            ("from missing import *", "A"),
            ("from os import A", "A"),
        ] {
            let code = format!("{PRELUDE}{import}\nClient().get_secret({name})");
            let found = facts_with(&code, &modules);
            assert_eq!(found, [format!("use ‹{name}›")], "{code}");
        }
    }

    #[test]
    fn a_module_is_loaded_once_if_it_is_needed() {
        let modules = TestModules::new(&[("constants", "A = 'a'\nB = 'b'"), ("unused", "")]);
        let code = format!(
            "{PRELUDE}import unused, constants\nfrom constants import A, B\n\
             Client().get_secret(A)\nClient().get_secret(B)\nClient().get_secret(constants.A)"
        );
        assert_eq!(facts_with(&code, &modules), ["use =a", "use =b", "use =a"]);
        assert_eq!(*modules.loaded.lock().unwrap(), ["constants"]);
    }
}
