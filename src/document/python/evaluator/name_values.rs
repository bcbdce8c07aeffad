//! Looks up names.
//!
//! Within one scope, the last assignments before a use count. In other scopes, all assignments of
//! a name count, since a function may run at any time. A constant must have the same value in all
//! assignments.

use super::super::python_module::{
    Binding, BlockId, Bound, Expr, PythonModule, Scope, ScopeId, ScopeKind,
};
use super::super::python_values::{ExprRef, ImportPath, ScopeRef, Value};
use super::{Evaluator, MAX_DEPTH, merge};
use std::rc::Rc;

/// The most assignments to one name that are compared.
const MAX_BINDINGS: usize = 32;

impl Evaluator<'_> {
    /// Returns the value of a name where an expression uses it.
    pub(super) fn name_value(&mut self, module_index: usize, expr: &Expr, name: &str) -> Value {
        let Some(module) = self.module(module_index) else {
            return Value::Unknown;
        };
        let at = Self::scope_of(module_index, expr);
        let Some((scope, is_local)) = find_scope(&module, at.scope, name) else {
            return self.star_import(module_index, name);
        };
        let names = module.scope(scope).map(|scope| &scope.names);
        let Some(bindings) = names.and_then(|names| names.get(name)) else {
            return Value::Unknown;
        };
        let use_site = is_local.then_some((expr.span.start, expr.block));
        self.bindings_value(module_index, bindings, use_site)
    }

    /// Returns the value of a name at the top level of a module; `None` if it is not bound.
    pub(super) fn module_member(&mut self, module_index: usize, name: &str) -> Option<Value> {
        let module = self.module(module_index)?;
        let bindings = module.scope(ScopeId::MODULE)?.names.get(name)?;
        Some(self.bindings_value(module_index, bindings, None))
    }

    /// Returns the value of a name of a class or of its instances.
    pub(super) fn class_member(&mut self, class: ScopeRef, name: &str, is_instance: bool) -> Value {
        let module = self.module(class.module);
        let scope = module.as_ref().and_then(|module| module.scope(class.scope));
        let Some(Scope {
            kind: ScopeKind::Class { bases, attributes },
            names,
            ..
        }) = scope
        else {
            return Value::Unknown;
        };
        let assigned = attributes.get(name).filter(|_| is_instance);
        let own = names.get(name);
        if assigned.is_some() || own.is_some() {
            let mut values = Vec::new();
            for bindings in [own, assigned].into_iter().flatten() {
                values.push(self.bindings_value(class.module, bindings, None));
            }
            // An attribute of an instance may be assigned anywhere.
            return match merge(&values) {
                Value::Text(_) | Value::Variable(_) | Value::Collection(_)
                    if assigned.is_some() =>
                {
                    Value::Unknown
                }
                value => value,
            };
        }
        if self.depth >= MAX_DEPTH {
            return Value::Unknown;
        }
        self.depth += 1;
        let mut found = Value::Unknown;
        for &expr in bases.iter().take(MAX_BINDINGS) {
            let base = ExprRef {
                module: class.module,
                expr,
            };
            if let Value::Class(base) = self.value(base)
                && matches!(found, Value::Unknown)
            {
                found = self.class_member(base, name, is_instance);
            }
        }
        self.depth -= 1;
        found
    }

    /// Returns the value that bindings give to a name. `use_site` is the use in the same scope.
    fn bindings_value(
        &mut self,
        module_index: usize,
        bindings: &[Binding],
        use_site: Option<(usize, BlockId)>,
    ) -> Value {
        let Some(module) = self.module(module_index) else {
            return Value::Unknown;
        };
        let reaching = use_site
            .map(|(at, block)| reaching_bindings(&module, bindings, at, block))
            .filter(|reaching| !reaching.is_empty())
            .unwrap_or_else(|| bindings.iter().collect());
        if reaching.len() > MAX_BINDINGS {
            return Value::Unknown;
        }
        let values: Vec<Value> = reaching
            .iter()
            .map(|binding| self.bound_value(module_index, &binding.value))
            .collect();
        let value = merge(&values);
        if matches!(
            value,
            Value::Text(_) | Value::Variable(_) | Value::Collection(_)
        ) {
            return self.constant_value(module_index, bindings, value);
        }
        value
    }

    /// Returns a constant if all bindings have its value.
    fn constant_value(&mut self, module: usize, bindings: &[Binding], value: Value) -> Value {
        if bindings.len() > MAX_BINDINGS {
            return Value::Unknown;
        }
        for binding in bindings {
            if binding.is_remote || !self.bound_value(module, &binding.value).is_same(&value) {
                return Value::Unknown;
            }
        }
        value
    }

    fn bound_value(&mut self, module: usize, bound: &Bound) -> Value {
        let inner = |expr| ExprRef { module, expr };
        match bound {
            Bound::Value(value, annotation) => {
                let value = value.map_or(Value::Unknown, |value| self.value(inner(value)));
                match annotation {
                    Some(annotation)
                        if matches!(
                            value,
                            Value::Unknown | Value::Variable(_) | Value::Literal
                        ) =>
                    {
                        match self.annotated_value(inner(*annotation)) {
                            Value::Unknown => value,
                            annotated => annotated,
                        }
                    }
                    _ => value,
                }
            }
            Bound::Parameter {
                annotation,
                default,
            } => {
                let annotation = annotation.map(|expr| self.annotated_value(inner(expr)));
                match annotation.filter(|value| !matches!(value, Value::Unknown)) {
                    Some(annotated) => annotated,
                    None => match default.map(|expr| self.value(inner(expr))) {
                        Some(Value::ZenmlClient) => Value::ZenmlClient,
                        _ => Value::Unknown,
                    },
                }
            }
            Bound::Item(value, index) => self.item_value(inner(*value), *index),
            Bound::Import {
                level,
                module: path,
                name,
            } => {
                let path = ImportPath::new(*level, path.as_str());
                match name {
                    Some(name) => self.import_member(module, &path, name),
                    None => Value::Import(Rc::new(path)),
                }
            }
            Bound::Receiver(scope) => Value::Instance(ScopeRef {
                module,
                scope: *scope,
            }),
            Bound::Function(scope) => Value::Function(ScopeRef {
                module,
                scope: *scope,
            }),
            Bound::Class(scope) => Value::Class(ScopeRef {
                module,
                scope: *scope,
            }),
            Bound::Unknown => Value::Unknown,
        }
    }
}

/// Returns the scope that has a name, and whether its statements run in order with those of the
/// scope of the use.
fn find_scope(module: &PythonModule, from: ScopeId, name: &str) -> Option<(ScopeId, bool)> {
    let mut current = from;
    let mut is_local = true;
    let mut is_first = true;
    loop {
        let scope = module.scope(current)?;
        let is_class = matches!(scope.kind, ScopeKind::Class { .. });
        if scope.names.contains_key(name) && (is_first || !is_class) {
            return Some((current, is_local));
        }
        is_local &= matches!(scope.kind, ScopeKind::Inline);
        is_first = false;
        current = match scope.outer_names.get(name) {
            Some(outer) => *outer,
            None => scope.parent?,
        };
    }
}

/// Returns the bindings that a use may see, the last first. It ends with one that the use always
/// sees.
fn reaching_bindings<'b>(
    module: &PythonModule,
    bindings: &'b [Binding],
    at: usize,
    block: BlockId,
) -> Vec<&'b Binding> {
    let end = bindings.partition_point(|binding| binding.at <= at);
    let mut reaching = Vec::new();
    for binding in bindings.get(..end).unwrap_or_default().iter().rev() {
        reaching.push(binding);
        if module.is_within(block, binding.block) || reaching.len() > MAX_BINDINGS {
            break;
        }
    }
    reaching
}

#[cfg(test)]
mod tests {
    use super::super::super::fact_checks::client_facts;

    #[test]
    fn a_name_is_read_through_a_constant() {
        for (constants, name) in [
            ("N = 'a'", "N"),
            ("N: str = 'a'", "N"),
            ("N: Final[str] = 'a'", "N"),
            ("N: Final = 'a'", "N"),
            ("M = N = 'a'", "N"),
            ("M = 'a'\nN = M", "N"),
            ("N, M = 'a', 'b'", "N"),
            ("(M, (N, K)) = ('b', ('a', 'c'))", "M"),
            ("[M, N] = ['b', 'a']", "N"),
            ("N = ('a')", "N"),
            ("if x:\n  N = 'a'\nelse:\n  N = 'a'", "N"),
            ("class Names:\n  DB = 'a'", "Names.DB"),
            ("class Names:\n  DB: ClassVar[str] = 'a'", "Names.DB"),
            (
                "class Names:\n  class Inner:\n    DB = 'a'",
                "Names.Inner.DB",
            ),
            (
                "class Base:\n  DB = 'a'\nclass Names(Base): pass",
                "Names.DB",
            ),
            ("class Names(str, Enum):\n  DB = 'a'", "Names.DB.value"),
            ("class Names(StrEnum):\n  DB = 'a'", "Names.DB"),
            ("class Names(Enum):\n  DB = 'a'", "Names['DB'].value"),
            ("S = {'db': 'a', 'x': y}", "S['db']"),
            ("S = {'db': {'dev': 'a'}}", "S['db']['dev']"),
            ("K = 'db'\nS = {K: 'a'}", "S[K]"),
            ("x = 1\nN = 'a'\ny = 2", "N"),
        ] {
            let code = format!("{constants}\ndef f():\n  Client().get_secret({name})");
            let expected = if name == "M" { "use =b" } else { "use =a" };
            assert_eq!(client_facts(&code), [expected], "{code}");
        }
    }

    #[test]
    fn a_constant_points_to_its_literal() {
        for (code, expected) in [
            ("N = 'a'\nClient().get_secret(N)", "=a"),
            ("N = 'a'\nM = N\nClient().get_secret(M)", "=a"),
            ("N = 'a' 'b'\nClient().get_secret(N)", "ab"),
            ("N = 'a' + 'b'\nClient().get_secret(N)", "ab"),
            ("Client().get_secret('a')", "a"),
        ] {
            assert_eq!(client_facts(code), [format!("use {expected}")], "{code}");
        }
    }

    #[test]
    fn a_constant_with_several_values_is_dynamic() {
        for code in [
            "N = 'a'\nN = 'b'\nClient().get_secret(N)",
            "if x:\n  N = 'a'\nelse:\n  N = 'b'\nClient().get_secret(N)",
            "N = 'a'\nif x:\n  N = y\nClient().get_secret(N)",
            "N = 'a'\ndef f():\n  global N\n  N = 'b'\nClient().get_secret(N)",
            "N = 'a'\ndef f():\n  global N\n  N = 'a'\nClient().get_secret(N)",
            "N = 'a'\nN += 'b'\nClient().get_secret(N)",
            "def f():\n  N = 'a'\n  def g():\n    nonlocal N\n    N = 'b'\n  g()\n  Client().get_secret(N)",
            "for N in ['a']:\n  Client().get_secret(N)",
            "[Client().get_secret(N) for N in ['a']]",
            "N = 'a'\n[Client().get_secret(N) for N in y]",
            "N = 'a'\nf(lambda N: Client().get_secret(N))",
            "N = 'a'\ndef f(N): Client().get_secret(N)",
            "N = 'a'\ndef f(N='b'): Client().get_secret(N)",
            "N = 'a'\ndef f(*N): Client().get_secret(N)",
            "def f(N='a'): Client().get_secret(N)",
            "N = 'a'\nwith x as N: Client().get_secret(N)",
            "N = 'a'\ndel N\nClient().get_secret(N)",
            "N, *M = 'a', 'b'\nClient().get_secret(N)",
            "N = N\nClient().get_secret(N)",
            "N = M\nM = N\nClient().get_secret(N)",
            "match x:\n  case N:\n    Client().get_secret(N)",
            "N = 'a'\nmatch x:\n  case {'b': [N, *_]}:\n    Client().get_secret(N)",
            "N = None\nN = 'a'\nClient().get_secret(N)",
            "N: str\nClient().get_secret(N)",
            "try:\n  pass\nexcept E as N:\n  Client().get_secret(N)",
            "class A:\n  N = 'a'\n  def f(self): Client().get_secret(N)",
            "def f():\n  N = 'a'\ndef g(): Client().get_secret(N)",
        ] {
            assert_eq!(client_facts(code), ["use ‹N›"], "{code}");
        }
    }

    #[test]
    fn an_attribute_or_item_with_several_values_is_dynamic() {
        for (code, expected) in [
            (
                "class A:\n  N = 'a'\n  N = 'b'\nClient().get_secret(A.N)",
                "A.N",
            ),
            (
                "S = {'a': 'b'}\nS['a'] = 'c'\nClient().get_secret(S['a'])",
                "S['a']",
            ),
            (
                "S = {'a': 'b'}\nS.update(a='c')\nClient().get_secret(S['a'])",
                "S['a']",
            ),
            (
                "class A:\n  N = 'a'\n  @classmethod\n  def f(cls): cls.N = 'b'\nClient().get_secret(A.N)",
                "A.N",
            ),
            (
                "class A:\n  N = 'a'\n  def f(self): Client().get_secret(self.N)\nclass B(A):\n  N = 'b'",
                "self.N",
            ),
            (
                "class A:\n  N = 'a'\nA.N = 'b'\nClient().get_secret(A.N)",
                "A.N",
            ),
            (
                "class A:\n  N = 'a'\na = A()\na.N = 'b'\nClient().get_secret(a.N)",
                "a.N",
            ),
            ("S = {**x, 'a': 'b'}\nClient().get_secret(S['a'])", "S['a']"),
            (
                "class A:\n  N = 'a'\n  def __init__(self):\n    self.N = x\n\
                 \x20 def f(self):\n    Client().get_secret(self.N)",
                "self.N",
            ),
        ] {
            assert_eq!(client_facts(code), [format!("use ‹{expected}›")], "{code}");
        }
    }

    #[test]
    fn names_of_classes_are_read_through_their_instances() {
        for code in [
            "class A:\n  DB = 'a'\n  def f(self): Client().get_secret(self.DB)",
            "class A:\n  DB = 'a'\n  @classmethod\n  def f(cls): Client().get_secret(cls.DB)",
            "class B:\n  DB = 'a'\nclass A(B):\n  def f(this): Client().get_secret(this.DB)",
            "class A:\n  DB = 'a'\nx = A()\nClient().get_secret(x.DB)",
            "class A:\n  DB = 'a'\ndef f(x: A): Client().get_secret(x.DB)",
            "class A:\n  DB = 'a'\n  x = Client().get_secret(DB)",
        ] {
            assert_eq!(client_facts(code), ["use =a"], "{code}");
        }
        let code = "class A:\n  DB = 'a'\n  @staticmethod\n  def f(x): Client().get_secret(x.DB)";
        assert_eq!(client_facts(code), ["use ‹x.DB›"]);
    }

    #[test]
    fn keys_belong_to_the_last_secret_of_a_variable() {
        for (code, expected) in [
            (
                "s = c.get_secret('a')\ns.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "s = c.get_secret('a')\nf(s.secret_values.get('k'), s.values['l'])",
                vec!["use a k l"],
            ),
            (
                "v = c.get_secret('a').secret_values\nv['k']\nv.get('l', 1)",
                vec!["use a k l?"],
            ),
            ("v = c.get_secret('a').secret_values\nf(**v)", vec!["use a"]),
            (
                "v = c.get_secret('a').secret_values\nfor k in v: v[k]",
                vec!["use a ‹k›"],
            ),
            (
                "s = c.get_secret('a')\ns = x\ns.secret_values['k']",
                vec!["use a"],
            ),
            (
                "s = c.get_secret('a')\ns.secret_values['k']\n\
                 s = c.get_secret('b')\ns.secret_values['l']",
                vec!["use a k", "use b l"],
            ),
            (
                "if x:\n  s = c.get_secret('a')\n  s.secret_values['k']\nelse:\n\
                 \x20 s = c.get_secret('b')\n  s.secret_values['l']\ns.secret_values['m']",
                vec!["use a k", "use b l"],
            ),
            (
                "s = None\nif x:\n  s = c.get_secret('a')\nif s:\n  s.secret_values['k']",
                vec!["use a k"],
            ),
        ] {
            let code = format!("c = Client()\n{code}");
            assert_eq!(client_facts(&code), expected, "{code}");
        }
    }

    #[test]
    fn keys_belong_to_a_secret_that_surely_is_the_value() {
        for (code, expected) in [
            (
                "try:\n  s = c.get_secret('a')\nexcept KeyError:\n  raise\ns.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "try:\n  s = c.get_secret('a')\nexcept KeyError:\n\
                 \x20 s = c.get_secret('b')\ns.secret_values['k']",
                vec!["use a", "use b"],
            ),
            (
                "if (s := c.get_secret('a')):\n  s.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "s = c.get_secret('a')\ndef f(): s.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "s = c.get_secret('a')\n[s.secret_values[k] for k in ['x']]",
                vec!["use a ‹k›"],
            ),
            (
                "K = 'k'\ns = c.get_secret('a')\ns.secret_values[K]",
                vec!["use a =k"],
            ),
            (
                "s = c.get_secret('a')\ns.secret_values['k'] = 1",
                vec!["use a"],
            ),
            (
                "def f():\n  s = c.get_secret('a')\ndef g():\n  s.secret_values['k']",
                vec!["use a"],
            ),
            (
                "with c.get_secret('a') as s: s.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "class A:\n  def f(self):\n    self.s = c.get_secret('a')\n\
                 \x20 def g(self):\n    self.s.secret_values['k']",
                vec!["use a k"],
            ),
            (
                "s, t = c.get_secret('a'), c.get_secret('b')\nt.secret_values['k']",
                vec!["use a", "use b k"],
            ),
            (
                "s = await c.get_secret('a')\ns.secret_values['k']",
                vec!["use a k"],
            ),
            ("s.secret_values['k']", vec![]),
        ] {
            let code = format!("c = Client()\n{code}");
            assert_eq!(client_facts(&code), expected, "{code}");
        }
    }
}
