//! The programs that run another program, which is in their arguments.

/// A program that runs the program in its arguments, for example `sudo` or `poetry run`.
pub(super) struct Runner {
    /// The names of the program.
    pub names: &'static [&'static str],
    /// The words that may precede a subcommand: `docker compose run`.
    pub groups: &'static [&'static str],
    /// The subcommands that run a program. Empty if the program has no subcommands.
    pub subcommands: &'static [&'static str],
    /// Whether any words may precede a subcommand, for example the tests of `find`.
    pub skips_words: bool,
    /// The number of arguments before the command, for example an image.
    pub arguments: usize,
    /// Whether `--` separates the command from the arguments, if there is one.
    pub needs_separator: bool,
    /// Whether `-m MODULE` runs a Python module.
    pub runs_modules: bool,
    /// The options before the command.
    pub options: RunnerOptions,
}

/// The options of a runner. An option with `=` contains its value.
pub(super) enum RunnerOptions {
    /// These options take the next word as their value.
    WithValue(&'static [&'static str]),
    /// All options except these take the next word. Short ones can be combined: `-it`.
    Flags {
        short: &'static str,
        long: &'static [&'static str],
    },
}

impl Runner {
    /// Returns whether an option takes the next word as its value.
    pub fn takes_value(&self, option: &str) -> bool {
        let is_long = option.starts_with("--");
        match &self.options {
            RunnerOptions::WithValue(names) => names.contains(&option),
            RunnerOptions::Flags { long, .. } if is_long => {
                !option.contains('=') && !long.contains(&option)
            }
            RunnerOptions::Flags { short, .. } => {
                // `-eA=b` contains its value, and the value of `-ite` is the next word.
                let letters = option.trim_start_matches('-');
                letters.find(|c| !short.contains(c)) == Some(letters.len().saturating_sub(1))
            }
        }
    }
}

/// A runner without subcommands and arguments.
const fn wrapper(names: &'static [&'static str], with_value: &'static [&'static str]) -> Runner {
    Runner {
        names,
        groups: &[],
        subcommands: &[],
        skips_words: false,
        arguments: 0,
        needs_separator: false,
        runs_modules: false,
        options: RunnerOptions::WithValue(with_value),
    }
}

/// A runner of Python environments with the subcommand `run`.
const fn environment(
    names: &'static [&'static str],
    with_value: &'static [&'static str],
) -> Runner {
    Runner {
        subcommands: &["run"],
        runs_modules: true,
        ..wrapper(names, with_value)
    }
}

const CONTAINER_FLAGS: RunnerOptions = RunnerOptions::Flags {
    short: "dDitPTqV",
    long: &[
        "--all-resources",
        "--build",
        "--compatibility",
        "--debug",
        "--detach",
        "--dry-run",
        "--init",
        "--interactive",
        "--no-deps",
        "--no-healthcheck",
        "--no-TTY",
        "--no-tty",
        "--oom-kill-disable",
        "--privileged",
        "--publish-all",
        "--quiet",
        "--quiet-pull",
        "--read-only",
        "--remove-orphans",
        "--rm",
        "--service-ports",
        "--sig-proxy",
        "--tls",
        "--tlsverify",
        "--tty",
        "--use-aliases",
        "--verbose",
    ],
};

const UV_VALUES: &[&str] = &[
    "-p",
    "--python",
    "-w",
    "--with",
    "--with-editable",
    "--with-requirements",
    "--from",
    "--project",
    "--directory",
    "--package",
    "--env-file",
    "--extra",
    "--no-extra",
    "--group",
    "--no-group",
    "--only-group",
    "--index",
    "--index-url",
    "--default-index",
    "--extra-index-url",
    "--find-links",
    "-f",
    "-P",
    "--upgrade-package",
    "--config-file",
    "--cache-dir",
    "--color",
];

/// The runners that stackref knows.
pub(super) const RUNNERS: &[Runner] = &[
    wrapper(
        &["sudo", "doas"],
        &[
            "-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D",
            "--chdir", "-R", "--chroot", "-T", "-U", "-r", "-t",
        ],
    ),
    wrapper(&["env"], &["-u", "--unset", "-C", "--chdir"]),
    wrapper(&["exec"], &["-a"]),
    wrapper(&["time", "gtime"], &["-f", "--format", "-o", "--output"]),
    wrapper(&["nice"], &["-n", "--adjustment"]),
    wrapper(&["ionice"], &["-c", "-n", "-p"]),
    wrapper(&["stdbuf"], &["-i", "-o", "-e"]),
    wrapper(
        &[
            "nohup",
            "setsid",
            "chronic",
            "unbuffer",
            "caffeinate",
            "winpty",
            "stdoutisatty",
        ],
        &[],
    ),
    // `command -v` only looks up a program.
    wrapper(&["command"], &["-v", "-V"]),
    wrapper(
        &["xargs", "gxargs"],
        &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-a",
            "-E",
            "-s",
            "--max-args",
            "--max-procs",
            "--max-lines",
            "--delimiter",
            "--arg-file",
            "--replace",
        ],
    ),
    Runner {
        arguments: 1,
        ..wrapper(
            &["timeout", "gtimeout"],
            &["-k", "-s", "--kill-after", "--signal"],
        )
    },
    Runner {
        arguments: 1,
        ..wrapper(
            &["flock"],
            &["-w", "--timeout", "-E", "--conflict-exit-code"],
        )
    },
    Runner {
        arguments: 1,
        ..wrapper(&["chroot"], &[])
    },
    Runner {
        subcommands: &["-exec", "-execdir", "-ok", "-okdir"],
        skips_words: true,
        ..wrapper(&["find", "gfind"], &[])
    },
    wrapper(
        &["parallel"],
        &[
            "-j",
            "--jobs",
            "-a",
            "--arg-file",
            "-I",
            "-n",
            "--max-args",
            "-N",
            "-d",
            "--delimiter",
            "--colsep",
            "-C",
            "--delay",
            "--timeout",
            "--retries",
            "--joblog",
            "--tagstring",
            "--results",
            "-S",
            "--sshlogin",
        ],
    ),
    Runner {
        groups: &["tool"],
        ..environment(&["uv"], UV_VALUES)
    },
    Runner {
        runs_modules: true,
        ..wrapper(&["uvx"], UV_VALUES)
    },
    environment(
        &["poetry", "pdm", "rye", "pipenv"],
        &["-C", "--directory", "-P", "--project", "-p"],
    ),
    environment(
        &["pipx"],
        &["--spec", "--python", "--pip-args", "--index-url", "-i"],
    ),
    environment(
        &["hatch"],
        &[
            "-e",
            "--env",
            "-p",
            "--project",
            "--data-dir",
            "--cache-dir",
            "--config",
        ],
    ),
    environment(
        &["pixi"],
        &["-e", "--environment", "--manifest-path", "--color"],
    ),
    environment(
        &["conda", "mamba", "micromamba"],
        &[
            "-n", "--name", "-p", "--prefix", "--cwd", "-r", "-e", "--env", "-a", "--attach",
        ],
    ),
    environment(
        &["coverage"],
        &["--rcfile", "--source", "--include", "--omit", "--data-file"],
    ),
    environment(
        &["dotenv", "op", "doppler", "infisical"],
        &[
            "-f",
            "--file",
            "-p",
            "--project",
            "-c",
            "--config",
            "-t",
            "--token",
            "--env",
            "--account",
            "--path",
        ],
    ),
    Runner {
        subcommands: &["exec"],
        arguments: 1,
        ..wrapper(
            &["aws-vault", "direnv", "chamber"],
            &["-d", "--duration", "--region"],
        )
    },
    Runner {
        groups: &["compose", "container"],
        subcommands: &["run", "exec"],
        arguments: 1,
        options: CONTAINER_FLAGS,
        ..wrapper(&["docker", "podman", "nerdctl"], &[])
    },
    Runner {
        subcommands: &["run", "exec"],
        arguments: 1,
        options: CONTAINER_FLAGS,
        ..wrapper(&["docker-compose", "podman-compose"], &[])
    },
    Runner {
        subcommands: &["exec", "run"],
        arguments: 1,
        needs_separator: true,
        ..wrapper(
            &["kubectl", "oc", "k", "microk8s.kubectl"],
            &[
                "-n",
                "--namespace",
                "-c",
                "--container",
                "--context",
                "--kubeconfig",
                "-f",
                "--filename",
                "--cluster",
                "--user",
                "--image",
                "--pod-running-timeout",
            ],
        )
    },
];
