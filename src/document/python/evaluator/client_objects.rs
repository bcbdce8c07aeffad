//! Decides which objects are clients of ZenML.
//!
//! Many libraries have clients with a method `get_secret`. If the origin of an object is known, it
//! decides. Otherwise the name of the object decides: `zenml_client` is a client of ZenML, and
//! `client` is one in a file that imports no library with such clients.

use super::super::python_module::{ExprKind, PythonModule, TextPart};
use super::super::python_values::{ExprRef, ImportPath, Value};
use super::{Evaluator, MAX_DEPTH};

/// Libraries whose objects have a method `get_secret` or a similar one.
const SECRET_LIBRARIES: [&str; 21] = [
    "aioboto3",
    "aiobotocore",
    "airflow",
    "akeyless",
    "azure.keyvault",
    "bitwarden_sdk",
    "boto3",
    "botocore",
    "conjur",
    "conjur_api",
    "dagster",
    "databricks",
    "doppler_sdk",
    "google.cloud.secretmanager",
    "google.cloud.secretmanager_v1",
    "hvac",
    "infisical_client",
    "infisical_sdk",
    "kubernetes",
    "onepassword",
    "onepasswordconnectsdk",
];

/// Types that contain the type of a value.
const WRAPPER_TYPES: [&str; 6] = [
    "Optional",
    "Union",
    "Annotated",
    "Final",
    "ClassVar",
    "Awaitable",
];

impl Evaluator<'_> {
    /// Returns whether an expression is a client of ZenML.
    pub(in crate::document::python) fn is_client(&mut self, object: ExprRef) -> bool {
        match self.value(object) {
            Value::ZenmlClient => true,
            Value::Unknown | Value::Variable(_) | Value::Literal => self.has_name_of_client(object),
            // An object of another library. A relative import is one of the project.
            Value::Import(path) => path.level > 0 && self.has_name_of_client(object),
            _ => false,
        }
    }

    fn has_name_of_client(&self, object: ExprRef) -> bool {
        let Some(module) = self.module(object.module) else {
            return false;
        };
        let (ExprKind::Name(name) | ExprKind::Attribute(_, name)) = module.kind(object.expr) else {
            return false;
        };
        match name.trim_start_matches('_') {
            "zenml_client" | "zen_client" => true,
            "client" => !imports_secret_library(&module),
            _ => false,
        }
    }

    /// Returns whether the result of a call of an imported name is known not to be a client: it is
    /// an object of another library.
    pub(super) fn is_foreign_call(path: &ImportPath) -> bool {
        let is_class = path.name().starts_with(char::is_uppercase);
        !path.is_zenml() && path.level == 0 && (is_class || is_secret_library(path))
    }

    /// Returns the value that an annotation promises, if it is of use: a client, an instance of a
    /// class of the module, or an object of another library.
    pub(super) fn annotated_value(&mut self, annotation: ExprRef) -> Value {
        if self.depth >= MAX_DEPTH {
            return Value::Unknown;
        }
        self.depth += 1;
        let value = self.read_annotation(annotation);
        self.depth -= 1;
        value
    }

    fn read_annotation(&mut self, annotation: ExprRef) -> Value {
        let Some(module) = self.module(annotation.module) else {
            return Value::Unknown;
        };
        let inner = |expr| ExprRef { expr, ..annotation };
        match module.kind(annotation.expr) {
            ExprKind::Name(_) | ExprKind::Attribute(..) => {
                let class = self.value(annotation);
                self.instance_of(class)
            }
            ExprKind::Subscript(wrapper, Some(index)) => match module.kind(*wrapper) {
                ExprKind::Name(name) | ExprKind::Attribute(_, name)
                    if WRAPPER_TYPES.contains(&name.as_str()) =>
                {
                    self.annotated_value(inner(*index))
                }
                _ => Value::Unknown,
            },
            ExprKind::Either(left, right) => match self.annotated_value(inner(*left)) {
                Value::Unknown => self.annotated_value(inner(*right)),
                left => left,
            },
            ExprKind::Text(parts) => match parts.as_slice() {
                [TextPart::Decoded { text, .. }] => self.quoted_class(annotation, text),
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// Returns the value of an annotation in quotes, for example `"Client"`.
    fn quoted_class(&mut self, annotation: ExprRef, text: &str) -> Value {
        let Some(module) = self.module(annotation.module) else {
            return Value::Unknown;
        };
        let Some(expr) = module.expr(annotation.expr) else {
            return Value::Unknown;
        };
        let path = text.trim();
        let path = path
            .strip_prefix("Optional[")
            .and_then(|path| path.strip_suffix(']'))
            .or_else(|| path.split('|').next().map(str::trim_end))
            .unwrap_or(path);
        let mut names = path.split('.').take(MAX_DEPTH);
        let first = names.next().unwrap_or_default();
        let mut class = self.name_value(annotation.module, expr, first);
        for name in names {
            class = self.attribute_value(annotation.module, &class, name);
        }
        self.instance_of(class)
    }

    fn instance_of(&mut self, class: Value) -> Value {
        match class {
            Value::Import(path) if path.is_client_class() => Value::ZenmlClient,
            Value::Import(path) if is_class_of_other(&path) => Value::Foreign,
            Value::Class(class) => self.new_instance(class),
            _ => Value::Unknown,
        }
    }
}

/// Returns whether a path is a class of another library.
fn is_class_of_other(path: &ImportPath) -> bool {
    let is_typing = matches!(path.library(), Some("typing" | "typing_extensions"));
    let is_class = path.name().starts_with(char::is_uppercase);
    path.level == 0 && !path.is_zenml() && !is_typing && is_class
}

fn is_secret_library(path: &ImportPath) -> bool {
    let first = path.library();
    SECRET_LIBRARIES
        .iter()
        .any(|library| library.split('.').next() == first)
}

fn imports_secret_library(module: &PythonModule) -> bool {
    SECRET_LIBRARIES
        .iter()
        .any(|library| module.imports(library))
}

#[cfg(test)]
mod tests {
    use super::super::super::fact_checks::{client_facts, facts};

    #[test]
    fn clients_are_recognized_by_their_origin() {
        for code in [
            "c = Client()\nc.get_secret('a')",
            "c = Client()\ndef f(): c.get_secret('a')",
            "def f():\n  c = Client()\n  def g(): c.get_secret('a')",
            "c: Client = x()\nc.get_secret('a')",
            "c = None\ndef f():\n  global c\n  c = Client()\ndef g(): c.get_secret('a')",
            "def f(c: Client): c.get_secret('a')",
            "def f(c: 'Client'): c.get_secret('a')",
            "def f(c: Optional[Client] = None): c.get_secret('a')",
            "def f(c: typing.Optional['Client']): c.get_secret('a')",
            "def f(c: 'Optional[Client]'): c.get_secret('a')",
            "def f(c: Client | None): c.get_secret('a')",
            "def f(c: 'Client | None'): c.get_secret('a')",
            "def f(c: Annotated[Client, 1]): c.get_secret('a')",
            "def f(*, c=Client()): c.get_secret('a')",
            "def f(c=None):\n  c = c or Client()\n  c.get_secret('a')",
            "def f(c=None):\n  if c is None:\n    c = Client()\n  c.get_secret('a')",
            "(c := Client()).get_secret('a')",
            "if (c := Client()):\n  c.get_secret('a')",
            "with Client() as c: c.get_secret('a')",
            "c = Client() if x else None\nc.get_secret('a')",
            "c = d = Client()\nc.get_secret('a')",
            "class A:\n  def __init__(self):\n    self.c = Client()\n  def f(self): self.c.get_secret('a')",
            "class A:\n  c = Client()\n  def f(self): self.c.get_secret('a')",
            "class A:\n  c: Client\n  def f(self): self.c.get_secret('a')",
            "class A:\n  def __init__(self, x: Client):\n    self.c = x\n  def f(self): self.c.get_secret('a')",
            "class A:\n  c = Client()\nA.c.get_secret('a')",
            "class A(Client): pass\nA().get_secret('a')",
            "def make(): return Client()\nmake().get_secret('a')",
            "def make() -> Client: return x\nc = make()\nc.get_secret('a')",
            "c = (Client())\n(c).get_secret(name_id_or_prefix='a')",
            "C = Client\nC().get_secret('a')",
            "Client().get_secret_by_name_and_private_status(name='a', private=True)",
        ] {
            assert_eq!(client_facts(code), ["use a"], "{code}");
        }
    }

    #[test]
    fn the_name_decides_if_the_origin_is_unknown() {
        for code in [
            "def f(client): client.get_secret('a')",
            "def f(zenml_client): zenml_client.get_secret('a')",
            "from typing import Any\ndef f(client: Any): client.get_secret('a')",
            "def f(client: X): client.get_secret('a')",
            "client.get_secret('a')",
            "self._client.get_secret('a')",
            "x.client.get_secret('a')",
            "from .shared import client\nclient.get_secret('a')",
            "client = make()\nclient.get_secret('a')",
            "import boto3\ndef f(zenml_client): zenml_client.get_secret('a')",
            "import boto3\nclient = Client()\nclient.get_secret('a')",
        ] {
            assert_eq!(client_facts(code), ["use a"], "{code}");
        }
        for code in [
            "def f(x): x.get_secret('a')",
            "get_secret('a')",
            "secrets.get_secret('a')",
            "vault_client.get_secret('a')",
            "make().get_secret('a')",
            "Client.get_secret('a')",
            "import boto3\ndef f(client): client.get_secret('a')",
            "from myvault import client\nclient.get_secret('a')",
            "import kv\nkv.client.get_secret('a')",
            "from google.cloud import secretmanager\nself.client.get_secret('a')",
            "import hvac\ndef f(client): client.get_secret('a')",
        ] {
            assert!(client_facts(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn objects_of_other_libraries_are_not_clients() {
        for code in [
            "import boto3\nclient = boto3.client('secretsmanager')\nclient.get_secret('a')",
            "import boto3 as b\nclient = b.session.Session().client('x')\nclient.get_secret('a')",
            "from azure.keyvault.secrets import SecretClient\nclient = SecretClient(x)\nclient.get_secret('a')",
            "from azure.keyvault.secrets import SecretClient\ndef f(client: SecretClient): client.get_secret('a')",
            "def g():\n  from azure.keyvault.secrets import SecretClient\n  client = SecretClient(x)\n\
             \x20 client.get_secret('a')",
            "from kubernetes import client\nclient.get_secret('a')",
            "from kubernetes import client\nclient.CoreV1Api().get_secret('a')",
            "from infisical_sdk import InfisicalSDKClient\nclient = InfisicalSDKClient()\nclient.get_secret('a')",
            "from foo import FooClient\nclient = FooClient()\nclient.get_secret('a')",
            "from foo import Vault\ndef f(client: Vault): client.get_secret('a')",
            "from foo import Vault\nclass A:\n  client: Vault\n  def f(self): self.client.get_secret('a')",
            "from foo import FooClient\ndef f(client: FooClient): client.get_secret('a')",
            "class Fake:\n  def get_secret(self, x): pass\nclient = Fake()\nclient.get_secret('a')",
            "Client().zen_store.get_secret('a')",
            "client = Client().zen_store\nclient.get_secret('a')",
            "client = 'x'\nclient.get_secret('a')",
            "def get_secret(x): pass\nget_secret('a')",
            "from dagster import get_secret\nget_secret('a')",
        ] {
            assert!(client_facts(code).is_empty(), "{code}");
        }
        let code = "import zenml\nfrom foo.client import Client\nClient().get_secret('a')";
        assert!(facts(code).is_empty());
    }
}
