//! `register` in a pseudo-terminal: typed input, hidden echo, Ctrl-C, Ctrl-Z, a narrow window, and
//! concurrent runs.

use crate::support::{coverage, folder, git, run, with_default_signals, with_git, write};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const STACK: (&str, &str) = (
    "prod.yaml",
    "stack_name: prod\ncomponents:\n  experiment_tracker:\n    flavor: mlflow\n    name: m\n    configuration:\n      \
     tracking_username: '{{mlflow.username}}'\n      tracking_password: '{{mlflow.password}}'\n  artifact_store:\n    \
     flavor: s3\n    name: s\n    configuration:\n      path: s3://bucket\n      key: '{{bucket.key}}'\n",
);

/// The time limit of each wait.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The program, or a shell, in a pseudo-terminal.
pub struct Session {
    child: Child,
    pty: Arc<Pty>,
    bytes: Receiver<Vec<u8>>,
    seen: String,
    /// The end of the text in `seen` that was last waited for.
    at: usize,
}

impl Session {
    pub fn start(folder: &Path, args: &[&str], columns: u16) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_stackref"))
                .args(args)
                .env_clear(),
            folder,
            columns,
        )
    }

    /// Starts a shell with job control and waits for its prompt. `$STACKREF` is the program.
    fn shell(folder: &Path) -> Self {
        let shell = Command::new("bash")
            .args(["--norc", "--noprofile", "-i"])
            .env_clear();
        let shell = shell
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("PS1", "PROMPT> ")
            .env("STACKREF", env!("CARGO_BIN_EXE_stackref"));
        let mut session = Self::spawn(shell.env("HISTFILE", "/dev/null"), folder, 200);
        session.wait("PROMPT> ");
        session
    }

    fn spawn(command: Command, folder: &Path, columns: u16) -> Self {
        with_default_signals();
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, columns)).unwrap();
        let command = command.current_dir(folder);
        // `register` runs git, which it finds on the PATH.
        let command = command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let child = command
            .envs(coverage())
            .env("HOME", folder)
            .spawn(pts)
            .unwrap();
        let pty = Arc::new(pty);
        let (sender, bytes) = channel();
        let reader = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut failed = 0;
            // The last output of a program may arrive after the first failed read.
            while failed < 3 {
                if let Ok(read @ 1..) = (&*reader).read(&mut buffer) {
                    failed = 0;
                    if sender.send(buffer[..read].to_vec()).is_err() {
                        break;
                    }
                } else {
                    failed += 1;
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Self {
            child,
            pty,
            bytes,
            seen: String::new(),
            at: 0,
        }
    }

    fn receive(&mut self, until: Instant) -> bool {
        match self
            .bytes
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(bytes) => self.seen.push_str(&String::from_utf8(bytes).unwrap()),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("no output after {:?}", self.seen),
        }
        true
    }

    /// Waits for a text after the one that was last waited for.
    pub fn wait(&mut self, text: &str) {
        let until = Instant::now() + TIMEOUT;
        loop {
            if let Some(found) = self.seen[self.at..].find(text) {
                self.at += found + text.len();
                return;
            }
            let is_open = self.receive(until);
            assert!(
                is_open,
                "the program ended without {text:?}: {:?} {}",
                self.child.try_wait(),
                self.seen
            );
        }
    }

    /// Returns the output so far.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    pub fn type_in(&mut self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
    }

    /// Waits for a prompt and types an answer.
    pub fn answer(&mut self, prompt: &str, text: &str) {
        self.wait(prompt);
        self.type_in(text);
    }

    /// Waits for the exit. Returns the output and the exit code.
    pub fn end(mut self) -> (String, i32) {
        let until = Instant::now() + TIMEOUT;
        while self.receive(until) {}
        let status = self.child.wait().unwrap();
        (
            self.seen,
            status.code().expect("the program exits without a signal"),
        )
    }
}

fn inventory(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("secrets.inventory.yaml")).unwrap()
}

#[test]
fn typed_value_is_stored_and_not_printed() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "# kept\nmlflow:\n  username: hunter1   # old\n",
        ),
        ("pem.txt", "hunter3\n\n"),
    ]);
    for columns in [80, 40] {
        write(
            folder.path(),
            "secrets.inventory.yaml",
            b"# kept\nmlflow:\n  username: hunter1   # old\n",
        );
        let mut session = Session::start(folder.path(), &["register", "--change"], columns);
        session.answer(
            "1 of 3, stack `prod`, used by prod.yaml:14\r\nValue for secret `bucket.key`: ",
            "\n",
        );
        session.answer(
            "read it from a file; press Ctrl-C to stop\r\nValue for secret `bucket.key`: ",
            "wrong\u{15}hunter2\u{7f}2\n",
        );
        session.answer("Value for secret `mlflow.password`: ", "@missing\n");
        session.answer(
            "cannot read the value from this file: no such file or directory; to type a value that begins with @, type @@\r\nValue for secret `mlflow.password`: ",
            "@~/pem.txt\n",
        );
        session.answer(
            "Value for secret `mlflow.username` (Leave empty to use existing value): ",
            "\n",
        );
        let (seen, code) = session.end();
        assert_eq!(code, 0, "{seen}");
        assert!(
            !seen.contains("hunter") && !seen.contains("wrong"),
            "{seen}"
        );
        assert!(seen.contains("`bucket.key`: ***\r\n"), "{seen}");
        assert_eq!(
            inventory(folder.path()),
            "# kept\nmlflow:\n  username: hunter1   # old\n  password: \"hunter3\\n\\n\"\nbucket:\n  key: \"hunter2\"\n"
        );
        let checked = run(&["check"], folder.path(), b"");
        assert_eq!(checked.code, 0, "{}", checked.stdout);
    }
}

#[test]
fn dry_run_lists_the_keys_that_register_asks_for() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: hunter1, password: hunter2}\n",
        ),
    ]);
    let bucket = "prod: bucket.key for `secrets.inventory.yaml`, used by prod.yaml:14\r\n";
    let mut session = Session::start(
        folder.path(),
        &["register", "--dry-run", "--color", "never"],
        80,
    );
    // The list is printed before its summary, even if both go to one terminal.
    session.wait(&format!("{bucket}1 key to ask for; nothing was stored\r\n"));
    assert_eq!(session.end().1, 0);
    let mut session = Session::start(
        folder.path(),
        &["register", "--dry-run", "--change", "--color", "never"],
        80,
    );
    session.wait(bucket);
    session.wait("mlflow.username for `secrets.inventory.yaml`, used by prod.yaml:7; exists\r\n");
    session.wait("3 keys to ask for (2 existing); nothing was stored\r\n");
    assert_eq!(session.end().1, 0);
    // `--skip-existing` is accepted for old scripts and changes nothing.
    for (words, keys) in [
        (["register"].as_slice(), 1),
        (&["register", "--skip-existing"], 0),
    ] {
        let mut session = Session::start(folder.path(), words, 80);
        if keys > 0 {
            session.answer(
                "1 of 1, stack `prod`, used by prod.yaml:14\r\nValue for secret `bucket.key`: ",
                "x\n",
            );
        }
        let (seen, code) = session.end();
        assert_eq!(
            (code, seen.matches("Value for").count()),
            (0, keys),
            "{seen}"
        );
    }
    let mut session = Session::start(folder.path(), &["register", "--change"], 80);
    session.answer(
        "1 of 3, stack `prod`, used by prod.yaml:14\r\nValue for secret `bucket.key` (Leave",
        "\n",
    );
    session.answer(
        "`mlflow.password` (Leave empty to use existing value): ",
        "hunter3\n",
    );
    session.answer(
        "`mlflow.username` (Leave empty to use existing value): ",
        "\n",
    );
    assert_eq!(session.end().1, 0);
    let expected = "mlflow: {username: hunter1, password: hunter3}\nbucket:\n  key: \"x\"\n";
    assert_eq!(inventory(folder.path()), expected);
    let both = run(
        &["register", "--change", "--skip-existing"],
        folder.path(),
        b"",
    );
    assert_eq!(both.code, 2, "{both:?}");
    // Prompts need a terminal.
    let without_terminal = run(&["register", "--change"], folder.path(), b"");
    assert!(
        without_terminal.code == 2 && without_terminal.stderr.contains("there is no terminal"),
        "{without_terminal:?}"
    );
}

#[test]
fn names_only_inventories_are_confirmed_one_by_one_with_their_files() {
    let folder = folder(&[
        (
            "stackref.toml",
            "[inventory.a]\nkind = 'file'\npath = 'secrets/a.yaml'\n[inventory.b]\nkind = 'file'\npath = 'secrets/b.yaml'\n[[stacks]]\nfiles = ['a.*']\ninventory = ['a']\n[[stacks]]\nfiles = ['b.*']\ninventory = ['b']\n",
        ),
        (
            "a.stack.yaml",
            "a: '{{s.k}}'\nb: '{{s.l}}'\nstack_name: s\n",
        ),
        ("b.stack.yaml", "a: '{{s.k}}'\nstack_name: s\n"),
        ("secrets/a.yaml", "t: [k]\n"),
        ("secrets/b.yaml", "s: []\nt: {k: hunter2}\n"),
    ]);
    let mut session = Session::start(folder.path(), &["register"], 200);
    session.answer(
        "`a` (secrets/a.yaml) stores names only. Add these 2 names to it? [y/N] ",
        "n\n",
    );
    session.answer(
        "`b` (secrets/b.yaml) stores only the names of these keys. Add this name to it? [y/N] ",
        "y\n",
    );
    let (seen, code) = session.end();
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("2 keys are still missing"), "{seen}");
    let text =
        |name: &str| std::fs::read_to_string(folder.path().join("secrets").join(name)).unwrap();
    assert_eq!(
        (text("a.yaml").as_str(), text("b.yaml").as_str()),
        ("t: [k]\n", "s: [k]\nt: {k: hunter2}\n")
    );
}

#[test]
fn ctrl_c_keeps_stored_answers_and_the_next_run_asks_for_the_rest() {
    let folder = folder(&[STACK, ("secrets.inventory.yaml", "")]);
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer("`bucket.key`: ", "hunter2\n");
    session.answer("`mlflow.password`: ", "hunt\u{3}");
    let (seen, code) = session.end();
    assert_eq!(code, 130, "{seen}");
    assert!(
        seen.contains("interrupted: 1 key answered and stored, 2 keys left"),
        "{seen}"
    );
    assert_eq!(inventory(folder.path()), "bucket:\n  key: \"hunter2\"\n");
    let mut session = Session::start(folder.path(), &["register-secrets", "prod"], 80);
    session.answer("1 of 2, ", "@@file\n");
    session.answer("`mlflow.username`: ", "x\n");
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("bucket")), (0, false), "{seen}");
    assert!(
        inventory(folder.path()).ends_with("mlflow:\n  password: \"@file\"\n  username: \"x\"\n")
    );
}

/// The signals that end a process by default, and that it can catch.
const TERMINATION_SIGNALS: [Signal; 10] = [
    Signal::INT,
    Signal::TERM,
    Signal::HUP,
    Signal::QUIT,
    Signal::ALARM,
    Signal::USR1,
    Signal::USR2,
    Signal::VTALARM,
    Signal::PROF,
    Signal::XCPU,
];

#[test]
fn signal_during_a_question_acts_like_ctrl_c_and_restores_the_terminal() {
    let folder = folder(&[STACK, ("secrets.inventory.yaml", "")]);
    for signal in TERMINATION_SIGNALS {
        let mut session = Session::start(folder.path(), &["register"], 80);
        session.wait("`bucket.key`: ");
        assert!(!is_echo_enabled(&session.pty));
        kill_process(Pid::from_child(&session.child), signal).unwrap();
        session.wait("interrupted: nothing was stored");
        let pty = Arc::clone(&session.pty);
        let (seen, code) = session.end();
        assert_eq!(code, 130, "{signal:?}: {seen}");
        assert!(is_echo_enabled(&pty), "{signal:?}: no echo");
    }
}

#[test]
fn signal_during_a_lookup_ends_the_run_and_restores_the_terminal() {
    let slow = "[inventory.slow]\nkind = \"command\"\nnames = [\"/bin/sleep\", \"20\"]\nkeys = [\"no\", \"{secret}\"]\nvalue = [\"no\", \"{secret}\", \"{key}\"]\n";
    let folder = folder(&[STACK, ("stackref.toml", slow)]);
    let wait_for_silence = || {
        let session = Session::start(folder.path(), &["register", "--trust"], 80);
        let until = Instant::now() + TIMEOUT;
        while is_echo_enabled(&session.pty) {
            assert!(Instant::now() < until, "the program did not disable echo");
            std::thread::sleep(Duration::from_millis(5));
        }
        session
    };
    let expect_end = |mut session: Session, expected: Signal| {
        // If the program waited for the store, it would exit with a code.
        let status = session.child.wait().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(expected.as_raw()), "{}", session.seen);
        assert!(is_echo_enabled(&session.pty), "{expected:?}: no echo");
    };
    for signal in TERMINATION_SIGNALS {
        let session = wait_for_silence();
        kill_process(Pid::from_child(&session.child), signal).unwrap();
        expect_end(session, signal);
    }
    let mut session = wait_for_silence();
    session.type_in("\u{3}");
    expect_end(session, Signal::INT);
}

fn is_echo_enabled(pty: &Pty) -> bool {
    rustix::termios::tcgetattr(pty)
        .unwrap()
        .local_modes
        .contains(rustix::termios::LocalModes::ECHO)
}

/// Waits until `/proc` reports that a process is stopped.
#[cfg(target_os = "linux")]
fn wait_until_stopped(id: Pid) {
    let until = Instant::now() + TIMEOUT;
    let path = format!("/proc/{id}/stat");
    while !std::fs::read_to_string(&path).unwrap().contains(") T ") {
        assert!(Instant::now() < until, "the process does not stop");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn input_stays_hidden_after_the_process_is_stopped_and_continued() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: a1, password: a2}\n",
        ),
    ]);
    for method in ["Ctrl-Z", "SIGTSTP", "SIGSTOP"] {
        write(
            folder.path(),
            "secrets.inventory.yaml",
            b"mlflow: {username: a1, password: a2}\n",
        );
        let mut session = Session::shell(folder.path());
        session.type_in("sh -c 'echo $$ > pid; exec $STACKREF register'\n");
        session.wait("`bucket.key`: ");
        let id = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        let id = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
        match method {
            "SIGTSTP" => kill_process(id, Signal::TSTP).unwrap(),
            "SIGSTOP" => kill_process(id, Signal::STOP).unwrap(),
            _ => session.type_in("hunt\u{1a}"),
        }
        wait_until_stopped(id);
        session.answer("PROMPT> ", "echo the-shell-$((1 + 1))\n");
        session.wait("\r\nthe-shell-2\r\n");
        // In the background, it reads no input.
        session.answer("PROMPT> ", "bg\n");
        session.wait("PROMPT> ");
        wait_until_stopped(id);
        session.type_in("echo the-shell-$((1 + 2))\n");
        session.wait("\r\nthe-shell-3\r\n");
        session.answer("PROMPT> ", "fg\n");
        session.wait("`bucket.key`: ");
        assert!(!is_echo_enabled(&session.pty), "{method}");
        session.type_in("hunter2\n");
        session.answer("PROMPT> ", "exit\n");
        let (seen, _) = session.end();
        assert!(!seen.contains("hunt"), "{method}: {seen}");
        let stored = inventory(folder.path());
        assert!(
            stored.contains("hunter2") && !stored.contains("hunthunter2"),
            "{method}: {stored}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn input_typed_while_the_process_is_stopped_is_not_an_answer() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: a1, password: a2}\n",
        ),
    ]);
    let mut session = Session::start(folder.path(), &["register"], 80);
    let id = Pid::from_child(&session.child);
    session.wait("`bucket.key`: ");
    for _ in 0..20 {
        kill_process(id, Signal::STOP).unwrap();
        wait_until_stopped(id);
        // A shell changes the modes in this way, without notifying the process.
        let mut modes = rustix::termios::tcgetattr(&session.pty).unwrap();
        modes.local_modes |=
            rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON;
        rustix::termios::tcsetattr(&session.pty, rustix::termios::OptionalActions::Now, &modes)
            .unwrap();
        session.type_in("shown\n");
        session.wait("shown\r\n");
        kill_process(id, Signal::CONT).unwrap();
        session.wait("`bucket.key`: ");
        assert!(!is_echo_enabled(&session.pty));
    }
    session.type_in("hunter2\n");
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("hunter2")), (0, false), "{seen}");
    assert!(inventory(folder.path()).contains("hunter2"));
    assert!(!inventory(folder.path()).contains("shown"));
}

#[test]
fn keys_of_a_whole_secret_are_stored_together() {
    let stack = "stack_name: s\ncomponents:\n  artifact_store:\n    flavor: s3\n    name: s\n    configuration:\n      \
                 path: s3://b\n      authentication_secret: whole\n";
    let folder = folder(&[("s.yaml", stack), ("secrets.inventory.yaml", "")]);
    let mut session = Session::start(folder.path(), &["register", "--format", "json"], 80);
    session.answer("Keys of secret `whole`, separated by spaces: ", "\n");
    session.wait("type the names of its keys, separated by spaces");
    session.answer("Keys of secret `whole`, separated by spaces: ", "k2 k1\n");
    session.answer("`whole.k1`: ", "hunter2\n");
    session.answer("`whole.k2`: ", "\u{3}");
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("hunter")), (130, false), "{seen}");
    assert!(
        seen.contains("interrupted: nothing was stored, 1 key left"),
        "{seen}"
    );
    assert!(seen.contains("\"missing\": [\r\n"), "{seen}");
    assert_eq!(
        inventory(folder.path()),
        "",
        "an incomplete secret is not stored, because its other keys would be unknown"
    );
}

#[test]
fn extra_input_lines_are_reported_and_do_not_reach_the_shell() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: a1, password: a2}\n",
        ),
    ]);
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer("`bucket.key`: ", "-----BEGIN\ntouch hunter2\n");
    session.wait("warning: discarded the lines after the last answer");
    let pty = Arc::clone(&session.pty);
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("touch")), (0, false), "{seen}");
    drop(pty);
}

#[test]
fn names_only_inventory_is_confirmed_once() {
    let folder = folder(&[
        STACK,
        ("secrets.inventory.yaml", "mlflow: [username] # kept\n"),
    ]);
    let mut session = Session::start(folder.path(), &["register", "--color", "never"], 80);
    session.answer(
        "prod: mlflow.password for `secrets.inventory.yaml`, used by prod.yaml:8\r\n`secrets.inventory.yaml` stores names only. Add these 2 names to it? [y/N] ",
        "n\n",
    );
    let (seen, code) = session.end();
    assert_eq!(code, 1, "{seen}");
    assert_eq!(inventory(folder.path()), "mlflow: [username] # kept\n");
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer("Add these 2 names to it? [y/N] ", "y\n");
    assert_eq!(session.end().1, 0);
    assert_eq!(
        inventory(folder.path()),
        "mlflow: [username, password] # kept\nbucket: [key]\n"
    );
}

#[test]
fn missing_inventory_is_created_private_and_ignored_by_git() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[STACK, (".gitignore", "target")]);
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer(
        "Create `secrets.inventory.yaml`, readable only by you and ignored by git? [y/N] ",
        "y\n",
    );
    session.answer("`bucket.key`: ", "\u{4}");
    assert_eq!(session.end().1, 130);
    assert_eq!(
        std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(),
        "target\n/secrets.inventory.yaml\n/.stackref-*.tmp\n"
    );
    let mode = folder
        .path()
        .join("secrets.inventory.yaml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn concurrent_sessions_lose_no_key() {
    let folder = folder(&[STACK, ("secrets.inventory.yaml", "other: {x: kept}\n")]);
    let mut first = Session::start(folder.path(), &["register"], 80);
    let mut second = Session::start(folder.path(), &["register"], 80);
    // Both have read the inventory before either writes to it.
    second.wait("`bucket.key`: ");
    first.answer("`bucket.key`: ", "first\n");
    first.wait("stored `bucket`");
    second.type_in("second\n");
    second.wait("note: `bucket.key` was added to `secrets.inventory.yaml` in the meantime; keeping the existing value");
    second.answer("`mlflow.password`: ", "p\n");
    first.answer("`mlflow.password`: ", "\u{3}");
    second.answer("`mlflow.username`: ", "u\n");
    assert_eq!((first.end().1, second.end().1), (130, 0));
    assert_eq!(
        inventory(folder.path()),
        "other: {x: kept}\nbucket:\n  key: \"first\"\nmlflow:\n  password: \"p\"\n  username: \"u\"\n"
    );
}

#[test]
fn line_longer_than_the_terminal_buffer_is_read_completely() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: a1, password: a2}\n",
        ),
    ]);
    let long = "x".repeat(20_000);
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer("`bucket.key`: ", &format!("{long}\n"));
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("xx")), (0, false));
    assert!(inventory(folder.path()).contains(&format!("key: \"{long}\"\n")));
}

#[test]
fn pasted_lines_do_not_answer_several_prompts() {
    let folder = folder(&[
        STACK,
        (
            "secrets.inventory.yaml",
            "mlflow: {username: a1, password: a2}\n",
        ),
    ]);
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.answer(
        "`bucket.key`: ",
        "\u{1b}[200~-----BEGIN\rabc\r-----END\r\u{1b}[201~\r",
    );
    session.wait("save it in a file");
    session.answer("`bucket.key`: ", "\u{1b}[200~hunter2\r\u{1b}[201~\r");
    let (seen, code) = session.end();
    assert_eq!(
        (code, seen.contains("BEGIN"), seen.contains("hunter2")),
        (0, false, false),
        "{seen}"
    );
    assert!(
        inventory(folder.path()).contains("key: \"hunter2\"")
            || inventory(folder.path()).contains("key: hunter2")
    );
}

#[test]
fn concurrent_runs_from_the_environment_lose_no_key() {
    let folder = folder(&[("secrets.inventory.toml", "[kept]\nx = 'y'\n")]);
    for at in 0..6 {
        write(
            folder.path(),
            &format!("s{at}.stack.yaml"),
            format!("a: '{{{{s{at}.k}}}}'\nb: '{{{{all.k{at}}}}}'\nzenml_version: 0.98.0\n")
                .as_bytes(),
        );
    }
    std::thread::scope(|scope| {
        for at in 0..6 {
            let path = folder.path();
            scope.spawn(move || {
                let (first, second) =
                    (format!("SR_S{at}__K=v{at}"), format!("SR_ALL__K{at}=w{at}"));
                // The stack is named by the stem of its file, with or without `.stack`.
                let stack = if at % 2 == 0 {
                    format!("s{at}.stack")
                } else {
                    format!("s{at}")
                };
                loop {
                    let output = run(
                        &[&first, &second, "register", &stack, "--from-env", "SR"],
                        path,
                        b"",
                    );
                    // On a slow disk, the other runs may take longer than the lock timeout.
                    if !output
                        .stderr
                        .contains("timed out waiting for another process")
                    {
                        assert_eq!(output.code, 0, "{}", output.stderr);
                        break;
                    }
                }
            });
        }
    });
    let text = std::fs::read_to_string(folder.path().join("secrets.inventory.toml")).unwrap();
    assert!(text.starts_with("[kept]\nx = 'y'\n"));
    let keys = text.lines().filter(|line| line.contains('"')).count();
    assert_eq!(keys, 12, "{text}");
}

#[test]
fn values_that_are_not_stored_are_reported_for_each_secret() {
    let folder = folder(&[
        (
            "a.stack.yaml",
            "a: '{{s.k}}'\nb: '{{u.k}}'\nstack_name: s\n",
        ),
        ("secrets.inventory.yaml", "s: []\nt: {k: \"v\"}\n"),
    ]);
    let output = run(
        &["register", "--from-file", "-"],
        folder.path(),
        b"s: {k: hunter2}\nu: {k: hunter3}\n",
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output
            .stderr
            .contains("stores only the names of the keys of `s`, so their values are not stored"),
        "{output:?}"
    );
    assert_eq!(
        inventory(folder.path()),
        "s: [k]\nt: {k: \"v\"}\nu:\n  k: \"hunter3\"\n"
    );
}

#[test]
fn inventory_that_git_does_not_ignore_is_not_created() {
    let Some(path) = with_git() else { return };
    let folder = folder(&[STACK, (".gitignore", "/secrets.inventory.yaml\n!*.yaml\n")]);
    git(folder.path(), &["init", "-q"]);
    let words = [
        &path,
        "N_MLFLOW__USERNAME=hunter2",
        "register",
        "--from-env",
        "N",
        "--yes",
    ];
    let output = run(&words, folder.path(), b"");
    assert!(
        output.code == 2 && output.stderr.contains("git does not ignore"),
        "{output:?}"
    );
    assert!(!folder.path().join("secrets.inventory.yaml").exists());
}

#[test]
fn values_are_not_stored_in_a_tracked_inventory() {
    let Some(path) = with_git() else { return };
    let folder = folder(&[
        STACK,
        ("secrets.inventory.yaml", "mlflow: {username: hunter2}\n"),
    ]);
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    let empty = run(&["register", "--from-env", "NONE"], folder.path(), b"");
    assert_eq!(empty.code, 2, "no value is given");
    let words = [
        &path,
        "SR_MLFLOW__PASSWORD=a1",
        "SR_BUCKET__KEY=a2",
        "register",
        "--from-env",
        "SR",
    ];
    let refused = run(&words, folder.path(), b"");
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("git tracks the inventory"),
        "{}",
        refused.stderr
    );
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.wait("git tracks the inventory");
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("Value for")), (2, false), "{seen}");
    assert_eq!(inventory(folder.path()), "mlflow: {username: hunter2}\n");
    let allowed = run(
        &[&words[..], &["--allow-tracked"]].concat(),
        folder.path(),
        b"",
    );
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
    // The same through a symbolic link.
    std::os::unix::fs::symlink("secrets.inventory.yaml", folder.path().join("link.yaml")).unwrap();
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"mlflow: {username: hunter2}\n",
    );
    let linked = run(
        &[&words[..], &["--inventory", "link.yaml"]].concat(),
        folder.path(),
        b"",
    );
    assert_eq!(linked.code, 2, "{}", linked.stderr);
    // Existing keys are not missing, even in a tracked inventory.
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"mlflow: {username: a1, password: a2}\nbucket: {key: a3}\n",
    );
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.wait("nothing is missing");
    assert_eq!(session.end().1, 0);
    // Names without values are safe to commit.
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"mlflow: [username]\n",
    );
    let names = run(&[&path, "register", "--yes"], folder.path(), b"");
    assert_eq!(names.code, 0, "{}", names.stderr);
}

#[test]
fn read_only_inventory_is_reported_before_the_first_prompt() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[
        STACK,
        ("secrets.inventory.yaml", "mlflow: {username: a1}\n"),
    ]);
    let path = folder.path().join("secrets.inventory.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let mut session = Session::start(folder.path(), &["register"], 80);
    session.wait("cannot write to `secrets.inventory.yaml`: it is read-only");
    let (seen, code) = session.end();
    assert_eq!((code, seen.contains("Value for")), (2, false), "{seen}");
}
