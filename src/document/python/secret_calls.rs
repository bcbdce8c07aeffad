//! Finds the calls that use, create or configure secrets.

mod pipeline_options;

use super::argument_values::ArgumentReader;
use super::evaluator::{Evaluator, MAIN, SECRET_GETTERS, argument};
use super::python_facts::{KeyAccess, PythonFact};
use super::python_module::{Argument, ExprId, ExprKind, PythonModule};
use super::python_values::{ExprRef, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// The facts of a module.
pub(super) struct SecretCalls<'m> {
    module: Rc<PythonModule>,
    evaluator: Evaluator<'m>,
    keys: HashMap<ExprId, Vec<KeyAccess>>,
    facts: Vec<PythonFact>,
}

/// A call with its parts.
struct Call<'c> {
    expr: ExprId,
    /// The object of a method.
    object: Option<ExprRef>,
    function: ExprRef,
    /// The last part of the function's name.
    name: &'c str,
    arguments: &'c [Argument],
}

impl Call<'_> {
    /// Returns an argument by its keyword or its position.
    fn argument(&self, keyword: &str, position: usize) -> Option<ExprRef> {
        argument(self.arguments, keyword, position).map(main_ref)
    }

    /// Returns an argument by its keyword.
    fn keyword(&self, keyword: &str) -> Option<ExprRef> {
        self.argument(keyword, usize::MAX)
    }
}

fn main_ref(expr: ExprId) -> ExprRef {
    ExprRef { module: MAIN, expr }
}

/// Returns the facts of the module of an evaluator.
pub(super) fn find_facts(evaluator: Evaluator<'_>) -> Vec<PythonFact> {
    let Some(module) = evaluator.main() else {
        return Vec::new();
    };
    let mut calls = SecretCalls {
        module: Rc::clone(&module),
        evaluator,
        keys: HashMap::new(),
        facts: Vec::new(),
    };
    calls.find_keys();
    for &expr in &module.calls {
        calls.read_call(&module, expr);
    }
    calls.facts.sort_by_key(PythonFact::start);
    calls.facts
}

impl SecretCalls<'_> {
    /// Finds the keys that are read from the results of `get_secret`.
    fn find_keys(&mut self) {
        let module = Rc::clone(&self.module);
        for &expr in &module.subscripts {
            if let ExprKind::Subscript(object, Some(index)) = module.kind(expr) {
                self.add_key(*object, *index, false);
            }
        }
        for &expr in &module.calls {
            if let ExprKind::Call(function, arguments) = module.kind(expr)
                && let ExprKind::Attribute(object, method) = module.kind(*function)
                && method == "get"
                && let Some(key) = argument(arguments, "key", 0)
            {
                self.add_key(*object, key, argument(arguments, "default", 1).is_some());
            }
        }
        for keys in self.keys.values_mut() {
            keys.sort_by_key(|access| access.key.span);
        }
    }

    fn add_key(&mut self, values: ExprId, key: ExprId, has_default: bool) {
        if let Value::SecretValues(call) = self.evaluator.value(main_ref(values))
            && call.module == MAIN
        {
            let key = self.evaluator.code_text(main_ref(key));
            let keys = self.keys.entry(call.expr).or_default();
            keys.push(KeyAccess { key, has_default });
        }
    }

    fn read_call(&mut self, module: &PythonModule, expr: ExprId) {
        let ExprKind::Call(function, arguments) = module.kind(expr) else {
            return;
        };
        let (object, name) = match module.kind(*function) {
            ExprKind::Attribute(object, name) => (Some(main_ref(*object)), name),
            ExprKind::Name(name) => (None, name),
            _ => return,
        };
        let call = Call {
            expr,
            object,
            function: main_ref(*function),
            name,
            arguments,
        };
        if let Some(object) = call.object {
            self.read_method(&call, object);
        }
        self.read_options(&call);
        self.read_configuration(&call);
    }

    /// Reads a method of a client.
    fn read_method(&mut self, call: &Call<'_>, object: ExprRef) {
        match call.name {
            name if SECRET_GETTERS.contains(&name) => self.read_use(call, object),
            "create_secret" if self.evaluator.is_client(object) => {
                let name = call.argument("name", 0);
                self.push_declaration(call, name, call.argument("values", 1), false);
            }
            "update_secret" if self.evaluator.is_client(object) => {
                let name = call.argument("name_id_or_prefix", 0);
                let values = call.argument("add_or_update_values", 4);
                self.push_declaration(call, name, values, true);
            }
            "create_stack_component" | "update_stack_component"
                if self.evaluator.is_client(object) =>
            {
                self.push_component(call);
            }
            _ => {}
        }
    }

    fn read_use(&mut self, call: &Call<'_>, object: ExprRef) {
        let name = call.argument("name_id_or_prefix", 0);
        let name = name.or_else(|| call.argument("name", 0));
        if let Some(name) = name
            && self.evaluator.is_client(object)
        {
            let name = self.evaluator.code_text(name);
            let keys = self.keys.remove(&call.expr).unwrap_or_default();
            self.facts.push(PythonFact::SecretUse {
                call: self.module.span(call.expr),
                name,
                keys,
            });
        }
    }

    fn push_declaration(
        &mut self,
        call: &Call<'_>,
        name: Option<ExprRef>,
        values: Option<ExprRef>,
        is_update: bool,
    ) {
        let Some(name) = name else { return };
        let name = self.evaluator.code_text(name);
        let values = values.map(|values| ArgumentReader::new(&mut self.evaluator).value(values));
        self.facts.push(PythonFact::Declaration {
            call: self.module.span(call.expr),
            name,
            values,
            is_update,
        });
    }

    fn push_component(&mut self, call: &Call<'_>) {
        let (name, flavor, component_type) = if call.name.starts_with("create") {
            (
                call.argument("name", 0),
                call.argument("flavor", 1),
                call.argument("component_type", 2),
            )
        } else {
            (
                call.argument("name_id_or_prefix", 0),
                None,
                call.argument("component_type", 1),
            )
        };
        let component_type = component_type.and_then(|expr| self.component_type(expr));
        let configuration = call.argument("configuration", 3);
        let mut text = |expr: Option<ExprRef>| expr.map(|expr| self.evaluator.code_text(expr));
        let (name, flavor) = (text(name), text(flavor));
        let configuration =
            configuration.map(|expr| ArgumentReader::new(&mut self.evaluator).value(expr));
        self.facts.push(PythonFact::Component {
            call: self.module.span(call.expr),
            name,
            flavor,
            component_type,
            configuration,
        });
    }

    /// Returns the type of a component, from a text or from a member of `StackComponentType`.
    fn component_type(&mut self, expr: ExprRef) -> Option<String> {
        match self.evaluator.value(expr) {
            Value::Text(text) => text.code.fixed().map(str::to_owned),
            Value::Import(path) => {
                let path = path.path.strip_suffix(".value").unwrap_or(&path.path);
                let (class, member) = path.rsplit_once('.')?;
                let is_type = class.rsplit('.').next() == Some("StackComponentType");
                is_type.then(|| member.to_ascii_lowercase())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact_checks::client_facts;

    #[test]
    fn declarations_are_read() {
        for (arguments, expected) in [
            ("name='a', values={'k': 'hunter2'}", "a {k: 'hunter2'}"),
            ("'a', {'k': 'hunter2', 'l': 1}", "a {k: 'hunter2', l: 1}"),
            ("'a'", "a -"),
            ("name='a', values=x", "a ?"),
            ("name=x, values={}", "‹x› {}"),
            ("name='a', values={'k': x, **y}", "a {k: ?, …}"),
            ("name='a', values={k: v for k in x}", "a ?"),
            ("name='a', values={'k': os.environ['K']}", "a {k: ?}"),
            ("name='a', values={x: 'hunter2'}", "a {‹x›: 'hunter2'}"),
            ("name='a', values=V", "a {=k: '=hunter2'}"),
            (
                "name='a', values={**V, 'l': None}",
                "a {=k: '=hunter2', l: None}",
            ),
            ("name='a', values=dict(k='hunter2')", "a {k: 'hunter2'}"),
            ("name='a', values=dict(V, k=x)", "a ?"),
        ] {
            let code = format!("V = {{'k': 'hunter2'}}\nClient().create_secret({arguments})");
            assert_eq!(
                client_facts(&code),
                [format!("create {expected}")],
                "{code}"
            );
        }
        for (code, expected) in [
            (
                "Client().update_secret('a', add_or_update_values={'k': 'hunter2'})",
                "update a {k: 'hunter2'}",
            ),
            (
                "Client().update_secret(name_id_or_prefix='a')",
                "update a -",
            ),
        ] {
            assert_eq!(client_facts(code), [expected], "{code}");
        }
        for code in [
            "Client().create_secret(**x)",
            "Client().create_secret()",
            "import boto3\nboto3.client('x').create_secret(Name='a', name='b')",
        ] {
            assert!(client_facts(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn components_are_read() {
        for (call, expected) in [
            (
                "create_stack_component(name='a', flavor='s3', \
                 component_type=StackComponentType.ARTIFACT_STORE, configuration={'x': '{{s.k}}'})",
                "a s3 artifact_store {x: '{{s.k}}'}",
            ),
            (
                "create_stack_component('a', 's3', T.ARTIFACT_STORE, {'x': 1})",
                "a s3 artifact_store {x: 1}",
            ),
            (
                "create_stack_component('a', 's3', component_type='orchestrator', configuration=x)",
                "a s3 orchestrator ?",
            ),
            (
                "create_stack_component('a', 's3', zenml.enums.StackComponentType.ORCHESTRATOR, {})",
                "a s3 orchestrator {}",
            ),
            ("create_stack_component('a', x, y)", "a ‹x› - -"),
            (
                "update_stack_component('a', StackComponentType.ORCHESTRATOR, configuration={'x': '{{s.k}}'})",
                "a - orchestrator {x: '{{s.k}}'}",
            ),
        ] {
            let code = format!(
                "import zenml\nfrom zenml.enums import StackComponentType\n\
                 from zenml.enums import StackComponentType as T\nClient().{call}"
            );
            assert_eq!(
                client_facts(&code),
                [format!("component {expected}")],
                "{code}"
            );
        }
    }

    #[test]
    fn calls_without_a_name_have_no_facts() {
        for code in [
            "Client().get_secret()",
            "Client().get_secret(*x)",
            "Client().get_secret(**x)",
            "Client().get_secret(private=True)",
        ] {
            assert!(client_facts(code).is_empty(), "{code}");
        }
    }
}
