//! Reads the uses of ZenML's secrets in Python. No code is run.
//!
//! 1. `statement_scanner` selects the statements that may matter.
//! 2. `module_builder` parses them, and keeps expressions and names as a `PythonModule`.
//! 3. `evaluator` determines the values of expressions, through constants and imports.
//! 4. `secret_calls` finds the calls of ZenML's API, and returns them as facts.

mod argument_values;
mod evaluator;
#[cfg(test)]
mod fact_checks;
mod logical_lines;
mod module_builder;
mod notebook_module;
mod python_facts;
mod python_module;
mod python_values;
mod secret_calls;
mod statement_scanner;
mod string_literals;

pub(crate) use notebook_module::{PythonCell, read_cells};
pub(crate) use python_facts::{CodeArgument, KeyAccess, PythonCode, PythonFact};

use crate::text::source::SourceFile;
use evaluator::Evaluator;
use module_builder::parse_module;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The modules that a file may import from its repository.
pub(crate) trait PythonModules {
    /// Returns the source of a module as the file at `importer` imports it. The level is the number
    /// of dots: `from ..config.names import X` has level 2 and the module `config.names`. The
    /// module may be a folder with `__init__.py`.
    fn load(&self, importer: &Path, level: usize, module: &str) -> Option<Arc<SourceFile>>;
}

/// Reads a Python file.
pub(crate) fn read(source: &Arc<SourceFile>, modules: &dyn PythonModules) -> PythonCode {
    let whole = 0..source.text().len();
    read_parts(source, &[whole], modules)
}

/// Reads the parts of a text as one module.
fn read_parts(
    source: &Arc<SourceFile>,
    parts: &[Range<usize>],
    modules: &dyn PythonModules,
) -> PythonCode {
    if memchr::memmem::find(source.text().as_bytes(), b"zenml").is_none() {
        return PythonCode::without_zenml();
    }
    let module = parse_module(source, parts);
    if !module.imports("zenml") {
        return PythonCode::without_zenml();
    }
    let is_complete = module.is_complete;
    let evaluator = Evaluator::new(module, modules);
    PythonCode {
        is_complete,
        facts: secret_calls::find_facts(evaluator),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::fact_checks::{PRELUDE, TestModules, client_facts, facts};
    use super::*;

    #[test]
    fn files_without_an_import_of_zenml_have_no_facts() {
        for code in [
            "",
            "# zenml",
            "client.get_secret('a')",
            "import zenmlx\nclient.get_secret('a')",
            "from .zenml import Client\nClient().get_secret('a')",
            "x = 'import zenml'\nclient.get_secret('a')",
            "'\'\'\nfrom zenml.client import Client\nClient().get_secret('a')\n\'\'\'",
        ] {
            assert!(facts(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn the_client_is_found_through_every_import() {
        for code in [
            "from zenml.client import Client\nClient().get_secret('a')",
            "from zenml.client import Client as C\nC().get_secret('a')",
            "from zenml.client import (\n    X,\n    Client as C,\n)\nC().get_secret('a')",
            "from zenml import client\nclient.Client().get_secret('a')",
            "import zenml\nzenml.client.Client().get_secret('a')",
            "import zenml as z\nz.client.Client().get_secret('a')",
            "import zenml.client\nzenml.client.Client().get_secret('a')",
            "import zenml.client, os\nzenml.client.Client().get_secret('a')",
            "import zenml.client as c\nc.Client().get_secret('a')",
            "def f():\n    from zenml.client import Client\n    Client().get_secret('a')",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zenml.client import Client\n\
             def f(c: 'Client'):\n    c.get_secret('a')",
            "try:\n    from zenml.client import Client\nexcept ImportError:\n    Client = None\n\
             Client().get_secret('a')",
            "try:\n  import foo\nexcept ImportError:\n  from zenml.client import Client\n\
             Client().get_secret('a')",
            "\u{feff}from zenml.client import Client\r\nClient().get_secret('a')\r\n",
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nfrom zenml . client import Client\n\
             Client ( ) . get_secret ( 'a' )",
            "from zenml.client \\\n    import Client\nClient() \\\n    .get_secret('a')",
        ] {
            assert_eq!(facts(code), ["use a"], "{code}");
        }
    }

    #[test]
    fn calls_are_found_everywhere() {
        for code in [
            "print(Client().get_secret('a'))",
            "f(x=[g(Client().get_secret('a'))])",
            "f = lambda x: Client().get_secret('a')",
            "def f(x=Client().get_secret('a')): pass",
            "@f(Client().get_secret('a'))\ndef g(): pass",
            "class A:\n    x = Client().get_secret('a')",
            "class A:\n    async def f(self):\n        await g(Client().get_secret('a'))",
            "x = [Client().get_secret('a') for y in z]",
            "x = {y: Client().get_secret('a') for y in z}",
            "x = [y for y in Client().get_secret('a') if y]",
            "match x:\n    case {'b': c} if c:\n        Client().get_secret('a')",
            "match Client().get_secret('a'):\n    case _: pass",
            "for x in Client().get_secret('a'): pass",
            "while Client().get_secret('a'): pass\nelse: pass",
            "with f(Client().get_secret('a')) as x, y: pass",
            "try:\n  pass\nexcept E as e:\n  raise F(Client().get_secret('a')) from e",
            "try:\n  pass\nexcept* E:\n  pass\nfinally:\n  Client().get_secret('a')",
            "return Client().get_secret('a')",
            "assert Client().get_secret('a'), x",
            "x = f'{Client().get_secret('a')}'",
            "x = f'{y:{Client().get_secret(\"a\")}}'",
            "x = y if Client().get_secret('a') else z",
            "x = not Client().get_secret('a') and y or z",
            "x = a < Client().get_secret('a')",
            "x[Client().get_secret('a')] = 1",
            "x.y(Client().get_secret('a')).z = 1",
            "del x[Client().get_secret('a')]",
            "if x:\n  pass\nelif Client().get_secret('a'):\n  pass",
            "print Client().get_secret('a')",
            "print >>f, Client().get_secret('a')",
            "yield Client().get_secret('a')",
            "x = (yield Client().get_secret('a'))",
            "x: Client().get_secret('a') = 1",
            "f(*Client().get_secret('a'), **x)",
            "if x:\n\tClient().get_secret('a')\n\x0cy = 1",
            "type X = int\ndef f[T](x: T) -> T: return Client().get_secret('a')",
        ] {
            assert_eq!(client_facts(code), ["use a"], "{code}");
        }
    }

    #[test]
    fn an_error_costs_only_its_own_statement() {
        for code in [
            "def f(:\n    x = (1,\nClient().get_secret('a')",
            "x = (1,\ndef f(): Client().get_secret('a')",
            "x = = 1\nClient().get_secret('a')",
            "x = 'y\nClient().get_secret('a')",
            "<<<<<<< HEAD\n=======\n>>>>>>> x\nClient().get_secret('a')",
            "{% if x %}\nClient().get_secret('a')\n{% endif %}",
            "\0\0\nClient().get_secret('a')",
            "class A:\n  def f(self:\n    pass\nClient().get_secret('a')",
            "  x = 1\n y = 2\nClient().get_secret('a')",
            "Client().get_secret('a')\nx = (",
            "Client().get_secret('a')\n\'\'\'",
            "x = $y\nClient().get_secret('a')",
            "try:\n  x\nClient().get_secret('a')",
            "Client().get_secret('a').",
        ] {
            assert_eq!(client_facts(code), ["use a"], "{code}");
        }
    }

    #[test]
    fn a_file_that_is_not_read_to_its_end_is_not_complete() {
        let nested = |depth: usize| format!("x = {}1{}", "[".repeat(depth), "]".repeat(depth));
        for (code, is_complete) in [
            (String::new(), true),
            ("x = (".to_owned(), true),
            (nested(150), true),
            (nested(300), false),
            (format!("secret = [{}]", "1,".repeat(1 << 17)), false),
            ("secret )\n".repeat(1 << 17), false),
        ] {
            let text = format!("import zenml\n{code}\nz.zenml_client.get_secret('a')");
            let source = Arc::new(SourceFile::new("main.py", text));
            let read = read(&source, &TestModules::default());
            assert_eq!(read.is_complete, is_complete, "{code:.20}");
            let has_rest = code.len() < 1 << 20;
            assert_eq!(read.facts.len(), usize::from(has_rest), "{code:.20}");
        }
    }

    #[test]
    fn deep_nesting_needs_little_stack() {
        let indented = |line: &str, depth: usize| -> String {
            let lines = (0..depth).map(|at| " ".repeat(at) + line + "\n");
            lines.collect()
        };
        let around = |open: &str, close: &str| {
            format!("secret = {}1{}", open.repeat(5000), close.repeat(5000))
        };
        for code in [
            indented("if secret:", 400),
            indented("def secret():", 400),
            indented("class secret:", 400),
            indented("with secret as x:", 90),
            indented("match secret:", 90),
            around("[", "]"),
            around("{1: ", "}"),
            around("f(", ")"),
            around("FooConfig(x=", ")"),
            around("Client(", ").get_secret('a').secret_values['b']"),
            around("lambda: ", ""),
            around("[x for x in ", "]"),
            around("not ", ""),
            around("x if y else ", ""),
            around("(x := ", ")"),
            around("x = ", ""),
            around("1 or ", ""),
            around("", " or 1"),
            around("", "[0]"),
            around("", ".x"),
            around("", " + 'x'"),
            around("", " % 'x'"),
            around("f'{", "}'"),
            format!("{}x = 1 # secret", "(".repeat(5000)),
            format!("match secret:\n  case {}x: pass", "[".repeat(5000)),
        ] {
            let code = format!("{PRELUDE}{code}");
            let thread = std::thread::Builder::new().stack_size(1 << 20);
            let run = thread.spawn(move || facts(&code).len()).unwrap();
            assert!(run.join().is_ok());
        }
    }

    #[test]
    fn no_truncation_or_change_of_a_file_panics() {
        let code = format!(
            "{PRELUDE}import os\nfrom zenml import step\nfrom a import B\nclass N(str, Enum):\n    D = 'é{{{{'\n\
             @step(secrets=['a', N.D.value, *B], settings=DockerSettings(environment={{'k': f'x{{N.D}}y'}}))\n\
             def f(self, c: 'Client' = None):\n    if (s := c.get_secret('a' + os.getenv('X', \"b\"))):\n\
             \x20       return s.secret_values['k\\u00e9'], [x for x in s.secret_values.get('%s' % y, 1)]\n\
             Client().create_secret(name=r'\\n', values={{'k': 'hunter2', **B}})\n"
        );
        assert_eq!(facts(&code).len(), 4, "{:?}", facts(&code));
        for end in (0..code.len()).filter(|end| code.is_char_boundary(*end)) {
            facts(&code[..end]);
            facts(&format!("{PRELUDE}{}", &code[end..]));
        }
        let mut seed = 1_u32;
        for _ in 0..200 {
            let mut bytes = code.clone().into_bytes();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = PRELUDE.len() + (seed >> 8) as usize % (bytes.len() - PRELUDE.len());
                let other = b"\0()[]{}'\"\\\n\t %f:=,.@#";
                bytes[at] = other[(seed >> 3) as usize % other.len()];
            }
            facts(&String::from_utf8_lossy(&bytes));
        }
    }
}
