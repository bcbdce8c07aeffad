//! Reads the options of pipelines and steps, and the settings of components.

use super::super::argument_values::ArgumentReader;
use super::super::python_facts::{CodeArgument, PythonFact};
use super::super::python_module::ArgumentKind;
use super::super::python_values::{ExprRef, Value};
use super::{Call, SecretCalls, main_ref};

/// The methods of pipelines and steps that take the options of a run config.
const OPTION_METHODS: [&str; 2] = ["with_options", "configure"];

/// The methods of a client that attach secrets, and the keyword of their names.
const ATTACHING_METHODS: [(&str, &str); 4] = [
    ("create_stack", "secrets"),
    ("create_stack_component", "secrets"),
    ("update_stack", "add_secrets"),
    ("update_stack_component", "add_secrets"),
];

/// The decorators and classes of ZenML that take names of secrets.
const OPTION_CALLEES: [&str; 4] = [
    "step",
    "pipeline",
    "PipelineRunConfiguration",
    "StepConfigurationUpdate",
];

/// The methods that take the path of a run config.
const RUN_METHODS: [&str; 9] = [
    "with_options",
    "configure",
    "run",
    "build",
    "deploy",
    "create_run_template",
    "create_snapshot",
    "trigger_pipeline",
    "replay_pipeline_run",
];

impl SecretCalls<'_> {
    /// Reads `secrets=` and `config_path=`.
    pub(super) fn read_options(&mut self, call: &Call<'_>) {
        if let Some(secrets) = self.listed_secrets(call) {
            let names = ArgumentReader::new(&mut self.evaluator).texts(secrets);
            if !names.is_empty() {
                self.facts.push(PythonFact::SecretList {
                    call: self.module.span(call.expr),
                    names,
                });
            }
        }
        if let Some(path) = self.config_path(call)
            && !matches!(self.evaluator.value(path), Value::Literal)
        {
            let path = self.evaluator.code_text(path);
            self.facts.push(PythonFact::RunConfigPath { path });
        }
    }

    /// Returns the argument with a list of names of secrets.
    fn listed_secrets(&mut self, call: &Call<'_>) -> Option<ExprRef> {
        let Some(object) = call.object else {
            let secrets = call.keyword("secrets")?;
            return self.is_option_callee(call).then_some(secrets);
        };
        if OPTION_METHODS.contains(&call.name) {
            return call.keyword("secrets");
        }
        let attaching = ATTACHING_METHODS
            .iter()
            .find(|(name, _)| *name == call.name);
        if let Some((_, keyword)) = attaching {
            let secrets = call.keyword(keyword)?;
            return self.evaluator.is_client(object).then_some(secrets);
        }
        let secrets = call.keyword("secrets")?;
        self.is_option_callee(call).then_some(secrets)
    }

    /// Returns the argument with the path of a run config.
    fn config_path(&mut self, call: &Call<'_>) -> Option<ExprRef> {
        call.object?;
        if RUN_METHODS.contains(&call.name) {
            return call.keyword("config_path");
        }
        if call.name != "from_yaml" {
            return None;
        }
        match self.evaluator.value(call.function) {
            Value::Import(path)
                if path.is_zenml() && path.path.ends_with("RunConfiguration.from_yaml") =>
            {
                call.argument("path", 0)
            }
            _ => None,
        }
    }

    /// Returns whether a call is one of ZenML's decorators or configurations.
    fn is_option_callee(&mut self, call: &Call<'_>) -> bool {
        match self.evaluator.value(call.function) {
            Value::Import(path) => path.is_zenml() && OPTION_CALLEES.contains(&path.name()),
            _ => false,
        }
    }

    /// Reads a call that registers a component or creates its settings.
    pub(super) fn read_configuration(&mut self, call: &Call<'_>) {
        let class = match self.evaluator.value(call.function) {
            Value::Import(path) if call.object.is_none() => path.name().to_owned(),
            _ => call.name.to_owned(),
        };
        let is_class = class.starts_with(char::is_uppercase)
            && (class.ends_with("Settings") || class.ends_with("Config"));
        if call.arguments.is_empty() || !(is_class || class.starts_with("register_")) {
            return;
        }
        let mut reader = ArgumentReader::new(&mut self.evaluator);
        let mut arguments = Vec::new();
        for argument in call.arguments {
            let value = main_ref(argument.value);
            match &argument.kind {
                ArgumentKind::Positional => arguments.push(CodeArgument {
                    name: None,
                    value: reader.value(value),
                }),
                ArgumentKind::Keyword(name, span) => arguments.push(CodeArgument {
                    name: Some((name.clone(), *span)),
                    value: reader.value(value),
                }),
                ArgumentKind::Unpacked => {}
            }
        }
        self.facts.push(PythonFact::Configuration {
            call: self.module.span(call.expr),
            class,
            arguments,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fact_checks::facts;

    #[test]
    fn lists_of_secrets_are_read() {
        for (code, expected) in [
            ("@step(secrets=['a', 'b'])\ndef f(): pass", vec!["list a b"]),
            (
                "@pipeline(secrets=('a',), enable_cache=False)\ndef f(): pass",
                vec!["list a"],
            ),
            ("f.with_options(secrets=['a'])()", vec!["list a"]),
            ("zenml_client.create_stack(secrets=['a'])", vec!["list a"]),
            (
                "zenml_client.update_stack(add_secrets=['a'])",
                vec!["list a"],
            ),
            ("zenml_client.update_stack(secrets=['a'])", vec![]),
            ("x.create_stack(secrets=['a'])", vec![]),
            (
                "zenml_client.update_stack_component('a', 'b', add_secrets=['c'])",
                vec!["component a - b -", "list c"],
            ),
            (
                "from zenml.config import PipelineRunConfiguration as P\nP(secrets=['a'])",
                vec!["list a"],
            ),
            ("f().configure(secrets=['a'])", vec!["list a"]),
            ("@step(secrets=[])\ndef f(): pass", vec![]),
            ("@step(secrets=None)\ndef f(): pass", vec![]),
            ("@step\ndef f(secrets=['a']): pass", vec![]),
            ("other.step(secrets=['a'])", vec![]),
            ("f(secrets=['a'])", vec![]),
        ] {
            let code = format!("from zenml import step, pipeline\n{code}");
            assert_eq!(facts(&code), expected, "{code}");
        }
    }

    #[test]
    fn lists_of_secrets_are_read_through_constants() {
        for (code, expected) in [
            (
                "S = ['a', 'b']\n@step(secrets=S)\ndef f(): pass",
                vec!["list =a =b"],
            ),
            (
                "S = ['a']\n@step(secrets=S + ['b'])\ndef f(): pass",
                vec!["list =a b"],
            ),
            (
                "S = ['a']\nT = S + ['b']\n@step(secrets=T)\ndef f(): pass",
                vec!["list =a =b"],
            ),
            (
                "S = ['a']\n@step(secrets=[*S, 'b'])\ndef f(): pass",
                vec!["list =a b"],
            ),
            (
                "N = 'a'\n@step(secrets=[N, x, f'{N}b'])\ndef f(): pass",
                vec!["list =a ‹x› ab"],
            ),
            ("@step(secrets=x)\ndef f(): pass", vec!["list ‹x›"]),
            (
                "@step(secrets=[x for x in y])\ndef f(): pass",
                vec!["list ‹[x for x in y]›"],
            ),
            (
                "@step(secrets=[*x, 'a'])\ndef f(): pass",
                vec!["list ‹x› a"],
            ),
            (
                "@step(secrets=['3fa85f64-5717-4562-b3fc-2c963f66afa6'])\ndef f(): pass",
                vec!["list 3fa85f64-5717-4562-b3fc-2c963f66afa6"],
            ),
        ] {
            let code = format!("from zenml import step, pipeline\n{code}");
            assert_eq!(facts(&code), expected, "{code}");
        }
    }

    #[test]
    fn decorators_are_recognized_by_their_import() {
        for code in [
            "import zenml\n@zenml.step(secrets=['a'])\ndef f(): pass",
            "import zenml as z\n@z.pipeline(secrets=['a'])\ndef f(): pass",
            "from zenml.steps import step as s\n@s(secrets=['a'])\ndef f(): pass",
            "from zenml import *\n@step(secrets=['a'])\ndef f(): pass",
        ] {
            assert_eq!(facts(code), ["list a"], "{code}");
        }
        let code = "import zenml\nfrom dagster import step\n@step(secrets=['a'])\ndef f(): pass";
        assert!(facts(code).is_empty());
    }

    #[test]
    fn configurations_are_read() {
        for (code, expected) in [
            (
                "FooSettings(token='{{s.k}}', n=1)",
                vec!["FooSettings(token='{{s.k}}', n=1)"],
            ),
            (
                "DockerSettings(environment={'TOKEN': 'hunter2', 'X': {'y': ['z']}})",
                vec!["DockerSettings(environment={TOKEN: 'hunter2', X: {y: ['z']}})"],
            ),
            (
                "x.FooConfig(a=f(BarConfig(b='c')))",
                vec!["FooConfig(a=?)", "BarConfig(b='c')"],
            ),
            (
                "register_secret_thing('a', b='c')",
                vec!["register_secret_thing('a', b='c')"],
            ),
            ("x.register_y(**z, b='c')", vec!["register_y(b='c')"]),
            ("DS(a='b')", vec!["DockerSettings(a='b')"]),
            ("FooSettings()", vec![]),
            ("settings(a='b')", vec![]),
            ("config(a='b')", vec![]),
            ("FooSettingsX(a='b')", vec![]),
            (
                "E = {'a': 'b'}\nFooSettings(environment=E)",
                vec!["FooSettings(environment={=a: '=b'})"],
            ),
        ] {
            let code = format!("from zenml.config import DockerSettings as DS\n{code}");
            assert_eq!(facts(&code), expected, "{code}");
        }
    }

    #[test]
    fn paths_of_run_configs_are_read() {
        for (code, expected) in [
            (
                "f.with_options(config_path='a.yaml')()",
                vec!["config a.yaml"],
            ),
            ("f.configure(config_path=x)", vec!["config ‹x›"]),
            ("f.run(config_path=P + 'a.yaml')", vec!["config p/a.yaml"]),
            ("f.with_options(config_path=None)", vec![]),
            (
                "f.build(config_path=os.path.join(os.path.dirname(__file__), 'a', 'b.yaml'))",
                vec!["config ‹os.path.dirname(__file__)›/a/b.yaml"],
            ),
            ("f.run(config_path=join(x, P))", vec!["config ‹x›/p/"]),
            ("f.run(config_path=join(P, 'a'))", vec!["config p/a"]),
            (
                "f.run(config_path=Path(x) / 'a' / P)",
                vec!["config ‹Path(x)›/a/p/"],
            ),
            ("f.run(config_path=x / y)", vec!["config ‹x / y›"]),
            (
                "zenml.config.PipelineRunConfiguration.from_yaml('a.yaml')",
                vec!["config a.yaml"],
            ),
            ("X.from_yaml('a.yaml')", vec![]),
            ("hydra.main(config_path='a')", vec![]),
            ("main(config_path='a')", vec![]),
        ] {
            let code =
                format!("import zenml.config, os\nfrom os.path import join\nP = 'p/'\n{code}");
            assert_eq!(facts(&code), expected, "{code}");
        }
    }
}
