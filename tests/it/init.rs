//! Tests `init` in many layouts of repositories: stackref can load the config that it writes, and
//! `check` uses it.

use crate::register::Session;
use crate::support::{
    Output, cases, check, copy, folder, git, is_installed, project, run, with_git, write,
};
use stackref::project::config;
use std::path::Path;
use tempfile::TempDir;

fn init(folder: &Path) -> Output {
    run(&["init"], folder, b"")
}

/// Returns the config that `init` wrote. Panics if it is not valid.
fn written_config(folder: &Path) -> String {
    let file = folder.join("stackref.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    if let Err(failures) = config::load(&file, "stackref.toml") {
        panic!("{failures:?}\n{text}");
    }
    text
}

fn stack(secret: &str) -> String {
    format!(
        "stack_name: s\nzenml_version: 0.94.6\ncomponents:\n  alerter:\n    name: a\n    b: '{{{{{secret}.k}}}}'\n"
    )
}

#[test]
fn check_uses_the_config_that_init_wrote() {
    let mut repositories: Vec<_> = cases("check")
        .into_iter()
        .map(|case| case.join("input"))
        .collect();
    repositories.push(project().join("fixtures/demo"));
    let mut count = 0;
    for repository in repositories {
        let [first, second] = [(); 2].map(|()| {
            let folder = TempDir::new().unwrap();
            copy(&repository, folder.path());
            let _ = std::fs::remove_file(folder.path().join("stackref.toml"));
            folder
        });
        let output = init(first.path());
        assert_eq!(
            (output.stdout.as_str(), output.code),
            ("", 0),
            "{}: {}",
            repository.display(),
            output.stderr
        );
        let text = written_config(first.path());
        assert_eq!(init(second.path()), output, "{}", repository.display());
        assert_eq!(
            written_config(second.path()),
            text,
            "{}",
            repository.display()
        );
        for value in ["hunter2", "sesame"] {
            assert!(!text.contains(value), "{}", repository.display());
        }
        let after = check(first.path(), &["--trust"]);
        // `init` does not correct inventories with errors. If no inventory has the name of a stack,
        // the user has to add a `[[stacks]]` entry.
        let has_known_error = after.stderr_text().contains("cannot use the inventory")
            || output.stderr.contains("add a `[[stacks]]` entry");
        assert!(
            after.code <= 1 || has_known_error,
            "{}: {}\n{text}",
            repository.display(),
            after.stderr
        );
        assert_eq!(init(first.path()).code, 2);
        assert_eq!(written_config(first.path()), text);
        count += 1;
    }
    assert!(count > 60);
}

/// Each stack references a secret that only the inventory of its name contains. Therefore, a check
/// without findings proves that every stack uses the right inventory.
#[test]
fn stacks_and_inventories_with_special_names_are_paired() {
    let special_names = [
        "a",
        "b c",
        "ü",
        "q\"uote",
        "[x]",
        "{y,z}",
        "st*r",
        "wh?t",
        "!not",
        "back\\slash",
        "new\nline",
        "#hash",
        "a'b",
    ];
    let repository = TempDir::new().unwrap();
    for (at, name) in special_names.iter().enumerate() {
        let inventory = format!("secret{at}: [k]\n");
        write(
            repository.path(),
            &format!("secrets/{name}.yaml"),
            inventory.as_bytes(),
        );
        write(
            repository.path(),
            &format!("stacks/{name}.yaml"),
            stack(&format!("secret{at}")).as_bytes(),
        );
        write(
            repository.path(),
            &format!("by/{name}/any.yaml"),
            stack(&format!("secret{at}")).as_bytes(),
        );
        write(
            repository.path(),
            &format!("{name}.stack.yaml"),
            stack(&format!("secret{at}")).as_bytes(),
        );
    }
    write(
        repository.path(),
        "nested/team/secrets/team.yaml",
        b"nested: [k]\n",
    );
    write(
        repository.path(),
        "nested/team/stacks/prod.yaml",
        stack("nested").as_bytes(),
    );
    write(repository.path(), "secrets/team.yaml", b"other: [k]\n");
    write(
        repository.path(),
        "team/prod.yaml",
        stack("other").as_bytes(),
    );
    write(repository.path(), "secrets.yaml", b"shared: [k]\n");
    write(
        repository.path(),
        "elsewhere/unlike.yaml",
        stack("shared").as_bytes(),
    );
    let output = init(repository.path());
    assert_eq!(output.code, 0, "{}", output.stderr);
    let text = written_config(repository.path());
    let output = check(repository.path(), &["--format", "short"]);
    assert_eq!(
        (output.stdout.as_str(), output.code),
        ("", 0),
        "{}\n{text}",
        output.stderr
    );
    let files = 3 * special_names.len() + 3;
    assert!(
        output
            .stderr
            .contains(&format!("checked {files} files, {files} references")),
        "{}",
        output.stderr
    );
}

/// The stack of each environment references a secret that only its own inventory contains.
#[test]
fn each_environment_uses_the_inventory_of_its_folder() {
    let layouts = [
        ("ENV/stack.yaml", "ENV/secrets.yaml"),
        ("ENV/stacks/main.yaml", "ENV/secrets.inventory.yaml"),
        ("ENV/main.stack.yaml", "ENV/inventory.yaml"),
        ("ENV/stack.yaml", "ENV/secrets/main.yaml"),
        ("ENV/stack.yaml", "ENV/ENV.secrets.yaml"),
        (
            "environments/ENV/stack.yaml",
            "environments/ENV/secrets.toml",
        ),
        ("stacks/ENV/stack.yaml", "secrets/ENV.yaml"),
        ("stacks/ENV/stack.yaml", "inventories/ENV.yaml"),
        ("stacks/ENV/stack.yaml", "infra/ENV/secrets.yaml"),
        ("stacks/ENV.yaml", "envs/ENV/secrets.yaml"),
        ("stacks/ENV.yaml", "ENV/secrets.yaml"),
        ("ENV/stack.yaml", "secrets.ENV.yaml"),
        ("ENV/stack.yaml", "inventory-ENV.json"),
        ("teams/a/ENV/stack.yaml", "teams/a/ENV/secrets.yaml"),
    ];
    for (stack_path, inventory_path) in layouts {
        let repository = folder(&[(".git/HEAD", "")]);
        for environment in ["dev", "staging", "prod"] {
            let secret = format!("{environment}_secret");
            let inventory = match inventory_path.rsplit('.').next().unwrap() {
                "toml" => format!("{secret} = [\"k\"]\n"),
                _ => format!("{{\"{secret}\": [\"k\"]}}\n"),
            };
            write(
                repository.path(),
                &stack_path.replace("ENV", environment),
                stack(&secret).as_bytes(),
            );
            write(
                repository.path(),
                &inventory_path.replace("ENV", environment),
                inventory.as_bytes(),
            );
        }
        let output = init(repository.path());
        assert_eq!(output.code, 0, "{inventory_path}: {}", output.stderr);
        assert!(
            !output.stderr.contains("no inventory"),
            "{inventory_path}: {}",
            output.stderr
        );
        let text = written_config(repository.path());
        for environment in ["dev", "staging", "prod"] {
            let table = format!("[environment.{environment}]\ninventory = [");
            let route = format!("environment = [\"{environment}\"]");
            assert!(text.contains(&table) && text.contains(&route), "{text}");
        }
        let output = check(repository.path(), &["--format", "short"]);
        assert_eq!(
            (output.stdout.as_str(), output.code),
            ("", 0),
            "{stack_path}: {}\n{text}",
            output.stderr
        );
        assert!(
            output
                .stderr
                .contains("checked 3 files, 3 references: 0 errors"),
            "{}",
            output.stderr
        );
    }
}

/// Each inventory contains the secret of its environments only. A check without findings proves that
/// each file belongs to the right environments.
#[test]
fn files_belong_to_the_environment_of_their_name() {
    let cases = [
        ("train.yaml", "dev staging prod"),
        ("stacks/train.yaml", "dev staging prod"),
        ("stacks/prod/train.yaml", "prod"),
        ("stacks/prod/dev/train.yaml", "dev"),
        ("stacks/PROD/train.yaml", "prod"),
        ("stacks/production/train.yaml", "prod"),
        ("stacks/stage/eu/train.yaml", "staging"),
        ("prod.stack.yaml", "prod"),
        ("stacks/train.prod.yaml", "prod"),
        ("stacks/train-dev.stack.yaml", "dev"),
        ("stacks/train_development.yaml", "dev"),
        ("stacks/[x]/dev/train.yaml", "dev"),
        ("stacks/product/train.yaml", "dev staging prod"),
        ("stacks/prod-eu.yaml", "dev staging prod"),
        ("prod-eu/train.yaml", "dev staging prod"),
        ("qa/train.yaml", "dev staging prod"),
        ("dev/prod/staging.yaml", "staging"),
    ];
    let repository = folder(&[(".git/HEAD", "")]);
    let mut inventories = ["dev", "staging", "prod"].map(|name| (name, String::new()));
    for (at, (path, environments)) in cases.iter().enumerate() {
        write(
            repository.path(),
            path,
            stack(&format!("secret{at}")).as_bytes(),
        );
        for (name, inventory) in &mut inventories {
            if environments
                .split(' ')
                .any(|environment| environment == *name)
            {
                inventory.push_str(&format!("secret{at}: [k]\n"));
            }
        }
    }
    for (name, inventory) in &inventories {
        write(
            repository.path(),
            &format!("secrets/{name}.yaml"),
            inventory.as_bytes(),
        );
    }
    let output = init(repository.path());
    assert!(
        output
            .stderr
            .contains("found 3 environments: dev, staging, prod\n"),
        "{}",
        output.stderr
    );
    let text = written_config(repository.path());
    let output = check(repository.path(), &["--format", "short"]);
    assert_eq!((output.stdout.as_str(), output.code), ("", 0), "{text}");
    // Without the entries, files of one environment are looked up in all, which reports them.
    let (before, _) = text.split_once("[[stacks]]").unwrap();
    write(repository.path(), "stackref.toml", before.as_bytes());
    let output = check(repository.path(), &["--format", "short"]);
    let is_of_one = |(_, environments): &&(&str, &str)| !environments.contains(' ');
    assert_eq!(
        output.stdout.lines().count(),
        cases.iter().filter(is_of_one).count(),
        "{}",
        output.stdout
    );
}

/// Without two inventories with usual names in one folder, the config has no environments.
#[test]
fn other_names_are_not_environments() {
    for paths in [
        ["secrets/a.yaml", "secrets/b.yaml", "c.yaml"],
        ["secrets/dev.yaml", "secrets/prod-eu.yaml", "c.yaml"],
        ["secrets/dev.yaml", "secrets/development.yaml", "c.yaml"],
        ["x/secrets/dev.yaml", "y/secrets/prod.yaml", "x/y/c.yaml"],
        ["secrets/dev.yaml", "secrets.yaml", "c.yaml"],
    ] {
        let repository = folder(&[
            (".git/HEAD", ""),
            (paths[0], "s: [k]\n"),
            (paths[1], "s: [k]\n"),
            (paths[2], &stack("s")),
            ("x/any.yaml", &stack("s")),
            ("y/any.yaml", &stack("s")),
        ]);
        init(repository.path());
        let text = written_config(repository.path());
        assert!(!text.contains("environment."), "{paths:?}\n{text}");
        assert_eq!(text.matches("[inventory.").count(), 2, "{paths:?}\n{text}");
    }
}

/// An uncommented line of `variables` is valid, and `check` accepts the config.
#[test]
fn variables_are_an_example_if_there_is_one() {
    for (script, variable) in [
        ("{{${ENV}_db.k}}", Some("ENV")),
        ("{{$STAGE.k}}", Some("STAGE")),
        ("{{${A}_${A}.k}}", Some("A")),
        ("{{${A}_${B}.k}}", None),
        ("{{$(x).k}}", None),
        ("{{db.k}}", None),
    ] {
        let command =
            format!("zenml alerter register a --flavor=slack --slack_token=\"{script}\"\n");
        let repository = folder(&[
            (".git/HEAD", ""),
            ("secrets/dev.yaml", "db: [k]\n"),
            ("secrets/prod.yaml", "db: [k]\n"),
            ("a.sh", &command),
        ]);
        init(repository.path());
        let text = written_config(repository.path());
        let expected = variable.map(|name| format!("# variables = {{ {name} = \"prod\" }}\n"));
        match expected {
            Some(line) => {
                assert!(text.contains(&line), "{script}\n{text}");
                let text = text.replace("# variables = ", "variables = ");
                write(repository.path(), "stackref.toml", text.as_bytes());
                written_config(repository.path());
            }
            None => assert!(!text.contains("# variables"), "{script}\n{text}"),
        }
    }
}

#[test]
fn config_with_too_few_inventories_is_reported() {
    let without_inventory = folder(&[("dev/stack.yaml", &stack("s"))]);
    for words in [["init", "--dry-run"], ["init", "--no-hook"]] {
        let output = run(&words, without_inventory.path(), b"");
        assert!(
            output
                .stderr_text()
                .contains("warning: the config has `level = \"none\"`"),
            "{output:?}"
        );
    }
    let with_one = folder(&[
        ("dev/s.yaml", &stack("s")),
        ("prod/s.yaml", &stack("s")),
        ("dev/secrets.yaml", "s: [k]\n"),
    ]);
    let output = init(with_one.path());
    assert!(
        output
            .stderr_text()
            .contains("note: `prod/s.yaml` also uses the inventory `dev`"),
        "{output:?}"
    );
    assert!(!output.stderr.contains("warning: the config"), "{output:?}");
    // `inventory.yaml` of another tool is neither used nor reported.
    let ansible = "all:\n  hosts:\n    web: {ansible_host: h}\n";
    let ansible_repository = folder(&[
        ("dev/stack.yaml", &stack("s")),
        ("dev/inventory.yaml", ansible),
    ]);
    let output = init(ansible_repository.path());
    assert!(
        output.stderr.contains("found no inventory\n") && !output.stderr.contains("not used as"),
        "{output:?}"
    );
}

#[test]
fn tag_that_does_not_exist_is_written_with_a_warning() {
    for words in [["init", "--yes"].as_slice(), &["init"]] {
        let repository = folder(&[("dev/stack.yaml", &stack("s"))]);
        let output = run(words, repository.path(), b"");
        assert!(
            output
                .stderr_text()
                .contains("warning: the tag v0.1.0 does not exist yet"),
            "{output:?}"
        );
        let hooks = std::fs::read_to_string(repository.path().join(".pre-commit-config.yaml"))
            .unwrap_or_default();
        let lines: Vec<&str> = hooks
            .lines()
            .chain(output.stderr.lines())
            .filter(|line| line.contains("rev:"))
            .collect();
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line.contains("does not exist yet")),
            "{lines:?}"
        );
    }
}

#[test]
fn config_is_written_to_the_root_and_an_existing_one_is_not_replaced() {
    let repository = folder(&[
        (".git/HEAD", ""),
        ("a/b/x.stack.yaml", &stack("s")),
        ("a/secrets/x.yaml", "s: [k]"),
    ]);
    let inner = repository.path().join("a/b");
    let output = init(&inner);
    assert!(
        output.code == 0 && output.stderr.contains("wrote `../../stackref.toml`"),
        "{}",
        output.stderr
    );
    assert!(written_config(repository.path()).contains("path = \"a/secrets/x.yaml\""));
    assert_eq!(check(repository.path(), &[]).code, 0);
    assert_eq!(init(&inner).code, 2);
    let link = TempDir::new().unwrap();
    std::os::unix::fs::symlink(
        "/nonexistent/stackref.toml",
        link.path().join("stackref.toml"),
    )
    .unwrap();
    assert_eq!(init(link.path()).code, 2);
}

#[test]
fn unusual_files_among_inventories_are_skipped() {
    if !is_installed("mkfifo") {
        return;
    }
    let repository = folder(&[("x.stack.yaml", &stack("s")), ("secrets/x.yaml", "s: [k]")]);
    let secrets = repository.path().join("secrets");
    let pipe = std::process::Command::new("mkfifo")
        .arg(secrets.join("pipe.yaml"))
        .status()
        .unwrap();
    assert!(pipe.success());
    std::os::unix::fs::symlink(&secrets, secrets.join("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", secrets.join("zero.yaml")).unwrap();
    write(&secrets, "bytes.yaml", &[0xff, 0xfe, 0x00]);
    write(&secrets, "a/b/c/d/e.yaml", b"too: [deep]");
    write(
        &secrets,
        "bomb.yaml",
        "a: &a [x]\nb: &b [*a, *a]\nc: {<<: *b}\n".as_bytes(),
    );
    write(&secrets, "number.yaml", b"s:\n  k: 0123\n");
    write(repository.path(), ".pre-commit-config.yaml", &[0xff, 0xfe]);
    write(repository.path(), ".sops.yaml", b"creation_rules: []");
    write(
        repository.path(),
        "deploy/enc.yaml",
        b"t: {k: 'ENC[x]'}\nsops: {mac: 'ENC[y]'}\n",
    );
    let output = init(repository.path());
    assert_eq!(output.code, 0, "{}", output.stderr);
    let text = written_config(repository.path());
    assert!(
        text.contains("kind = \"sops\"\npath = \"deploy/enc.yaml\""),
        "{text}"
    );
    assert!(
        !text.contains("pipe") && !text.contains("zero") && !text.contains("bytes"),
        "{text}"
    );
    assert_eq!(check(repository.path(), &[]).code, 0);
    let second = run(&["init", "--yes"], repository.path(), b"");
    assert_eq!(second.code, 2);
}

#[test]
fn no_config_is_written_if_the_repository_cannot_be_searched() {
    if !is_installed("mkfifo") {
        return;
    }
    let repository = folder(&[("x.stack.yaml", &stack("s"))]);
    let pipe = std::process::Command::new("mkfifo")
        .arg(repository.path().join(".gitignore"))
        .status()
        .unwrap();
    assert!(pipe.success());
    let output = init(repository.path());
    assert!(
        output.code == 2 && output.stderr_text().contains("cannot search"),
        "{}",
        output.stderr
    );
    assert!(!repository.path().join("stackref.toml").exists());
}

/// Variables and files of ZenML are reported by their names, and their values are not printed.
#[test]
fn environment_provides_names_and_no_values() {
    let repository = folder(&[("x.stack.yaml", &stack("s"))]);
    let home = folder(&[(
        ".config/zenml/local_stores/1/secrets.yaml",
        "s: {k: hunter2}",
    )]);
    let home = format!("HOME={}", home.path().display());
    let words = [
        "ZENML_STORE_URL=https://hunter2.example.com",
        "AWS_PROFILE=hunter2",
        &home,
        "init",
        "--dry-run",
    ];
    let output = run(&words, repository.path(), b"");
    assert_eq!(output.code, 0);
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(
        output.stdout.contains("# [inventory.zenml]")
            && output.stdout.contains("# [inventory.aws]"),
        "{all}"
    );
    assert!(
        output.stderr.contains("local_stores/1/secrets.yaml"),
        "{all}"
    );
    assert!(!output.stdout.contains("local_stores"), "{all}");
}

#[test]
fn hook_is_offered_at_a_terminal() {
    let hook = |folder: &Path| std::fs::read_to_string(folder.join(".pre-commit-config.yaml"));
    for (answer, code, is_written) in [
        ("y\n", 0, true),
        ("\n", 0, false),
        ("no\n", 0, false),
        ("\u{3}", 130, false),
    ] {
        let repository = folder(&[("x.stack.yaml", &stack("s")), ("secrets/x.yaml", "s: [k]")]);
        let mut session = Session::start(repository.path(), &["init"], 100);
        session.answer(
            "Create `.pre-commit-config.yaml` with the hook? [y/N] ",
            answer,
        );
        let (terminal, exit_code) = session.end();
        assert_eq!(exit_code, code, "{terminal}");
        assert_eq!(hook(repository.path()).is_ok(), is_written, "{terminal}");
        written_config(repository.path());
    }
    let before = "repos:\n- repo: local\n  hooks: []\n";
    let repository = folder(&[(".pre-commit-config.yaml", before)]);
    let mut session = Session::start(repository.path(), &["init"], 100);
    session.answer("Add the hook to `.pre-commit-config.yaml`? [y/N] ", "yes\n");
    assert_eq!(session.end().1, 0);
    assert!(
        hook(repository.path())
            .unwrap()
            .starts_with(&format!("{before}- repo: https://"))
    );
    for args in [["init", "--no-hook"], ["init", "--dry-run"]] {
        let (terminal, code) = Session::start(TempDir::new().unwrap().path(), &args, 100).end();
        assert!(code == 0 && !terminal.contains("[y/N]"), "{terminal}");
    }
}

#[test]
fn values_that_git_tracks_are_reported() {
    let Some(path) = with_git() else { return };
    let repository = folder(&[
        ("secrets/x.yaml", "s: {k: v}"),
        ("secrets/y.yaml", "s: {k: v}"),
        ("secrets/z.yaml", "s: [k]"),
    ]);
    git(repository.path(), &["init", "--quiet"]);
    git(
        repository.path(),
        &["add", "secrets/x.yaml", "secrets/z.yaml"],
    );
    let output = run(&[&path, "init"], repository.path(), b"");
    let is_reported = |name: &str| {
        output
            .stderr
            .contains(&format!("warning: `secrets/{name}.yaml` contains values"))
    };
    assert!(
        is_reported("x") && !is_reported("y") && !is_reported("z"),
        "{}",
        output.stderr
    );
}

/// Invisible characters are escaped, so that the config and the terminal show them.
#[test]
fn invisible_characters_in_names_are_escaped() {
    let invisible_names = [
        "ev\u{202e}il",
        "in\u{200b}vis",
        "tag\u{e0041}x",
        "bell\u{7}",
        "line\u{2028}",
    ];
    let repository = TempDir::new().unwrap();
    for name in invisible_names {
        write(
            repository.path(),
            &format!("{name}/secrets/prod.yaml"),
            format!("only-{}: [k]\n", &name[..2]).as_bytes(),
        );
        write(
            repository.path(),
            &format!("{name}/prod.yaml"),
            stack(&format!("only-{}", &name[..2])).as_bytes(),
        );
    }
    let preview = run(&["init", "--dry-run"], repository.path(), b"");
    let output = init(repository.path());
    let text = written_config(repository.path());
    for shown in [&preview.stdout, &preview.stderr, &output.stderr, &text] {
        let is_invisible = |c: char| c != '\n' && stackref::text::escape::is_unsafe(c);
        assert!(!shown.contains(is_invisible), "{shown:?}");
    }
    assert!(text.contains("ev\\U0000202Eil/prod.yaml"), "{text}");
    let after = check(repository.path(), &[]);
    assert_eq!(after.code, 0, "a stack uses the wrong inventory: {after:?}");
}
