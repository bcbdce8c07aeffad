//! What git is asked, by its own program: whether it ignores a file, and what it tracks. Without a repository it ignores
//! nothing and tracks nothing; where there is one and git does not answer, nothing is taken for granted.
//! Of the environment git gets what it needs, its own configs included: other programs' credentials are none of its business, nor is
//! the repository of a hook.

use crate::config::repository_root;
use crate::inventory::env::Environment;
use crate::paths;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// The variables that git needs: to be found and to run, to find its configs, and to know whose folders it may trust.
const HANDED_ON: [&str; 10] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LD_LIBRARY_PATH",
    "SUDO_UID",
    "XDG_CONFIG_HOME",
    "GIT_EXEC_PATH",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
];

/// Git, and the environment that it is run in.
pub struct Git {
    variables: Vec<(OsString, OsString)>,
}

impl Git {
    /// Git in what it needs of an environment.
    pub fn new(env: &dyn Environment) -> Self {
        let is_handed_on =
            |name: &str| HANDED_ON.contains(&name) || name.starts_with("LC_") || name.starts_with("GIT_CONFIG_");
        let names = env.names().into_iter().filter_map(|name| name.into_string().ok());
        let names = names.filter(|name| is_handed_on(name));
        Self { variables: names.filter_map(|name| Some((OsString::from(&name), env.get(&name)?))).collect() }
    }

    /// Whether git would leave a path out of its work tree; nothing where it lies in none. Links among its folders are followed.
    pub fn ignores(&self, path: &Path) -> Option<bool> {
        let path = paths::real(path.parent()?).join(path.file_name()?);
        let root = repository_root(path.parent()?)?;
        let status = self.git(&root).args(["check-ignore", "--quiet", "--"]).arg(path).status();
        Some(status.is_ok_and(|status| status.success()))
    }

    /// The first of some paths below a folder, which is one without links, that git would not leave out of its work tree.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it; or one of the paths leads through a link.
    pub fn first_not_ignored<'p>(&self, folder: &Path, paths: &'p [PathBuf]) -> Result<Option<&'p PathBuf>, String> {
        // A repository may lie within another; each folder is asked of its own.
        let mut roots: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
        let mut asked: BTreeMap<PathBuf, Vec<(&PathBuf, PathBuf)>> = BTreeMap::new();
        for path in paths {
            let target = folder.join(path);
            let parent = target.parent().unwrap_or(folder);
            let root = roots.entry(parent.to_path_buf()).or_insert_with(|| repository_root(parent));
            if let Some(root) = root.clone() {
                asked.entry(root).or_default().push((path, target));
            }
        }
        for (root, paths) in asked {
            let mut names: Vec<u8> = Vec::new();
            for (_, target) in &paths {
                names.extend_from_slice(target.as_os_str().as_bytes());
                names.push(0);
            }
            let output = asked_of(self.git(&root).args(["check-ignore", "-z", "--stdin"]), names);
            let output = output.map_err(|_| "git cannot be run".to_owned())?;
            // It ends with 1 where it ignores none.
            if !matches!(output.status.code(), Some(0 | 1)) {
                return Err(first_words(&output.stderr));
            }
            let ignored: BTreeSet<&[u8]> = output.stdout.split(|&byte| byte == 0).collect();
            if let Some((path, _)) =
                paths.into_iter().find(|(_, target)| !ignored.contains(target.as_os_str().as_bytes()))
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The files at or below a path that the next commit would take, whatever the ignore files say. A link is followed, and
    /// counts as what it leads to, too.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it.
    pub fn tracked(&self, at: &Path) -> Result<BTreeSet<PathBuf>, String> {
        let mut files = self.listed(at, &[])?;
        match at.canonicalize() {
            Ok(target) if target != at => files.extend(self.listed(&target, &[])?),
            _ => {}
        }
        Ok(files)
    }

    /// The files below a folder that the next commit would take although an ignore file, `.gitignore` or `.ignore`, names them.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it.
    pub fn tracked_but_ignored(&self, folder: &Path) -> Result<BTreeSet<PathBuf>, String> {
        let mut files = self.listed(folder, &["--cached", "--ignored", "--exclude-standard"])?;
        files.append(&mut self.listed(folder, &["--cached", "--ignored", "--exclude-per-directory=.ignore"])?);
        Ok(files)
    }

    fn listed(&self, at: &Path, which: &[&str]) -> Result<BTreeSet<PathBuf>, String> {
        let root = if at.is_dir() { repository_root(at) } else { at.parent().and_then(repository_root) };
        let Some(root) = root else { return Ok(BTreeSet::new()) };
        let mut list = self.git(&root);
        list.args(["ls-files", "-z", "--full-name"]).args(which).arg("--").arg(at);
        list.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = list.output().map_err(|_| "git cannot be run".to_owned())?;
        if !output.status.success() {
            return Err(first_words(&output.stderr));
        }
        let names = output.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| root.join(paths::of_bytes(name))).collect())
    }

    fn git(&self, root: &Path) -> Command {
        let mut git = Command::new("git");
        git.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        git.arg("-C").arg(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        git
    }
}

/// A path as git quotes it in its lists where it has other than plain characters (`"st\303\244ck.yaml"`), as it is.
pub fn unquoted(name: &[u8]) -> Option<Vec<u8>> {
    let mut rest = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'"' {
            return None;
        }
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let (&escape, behind) = rest.split_first()?;
        let plain = b"abtnvfr\"\\".iter().position(|&known| known == escape);
        if let Some(&meant) = plain.and_then(|at| b"\x07\x08\t\n\x0b\x0c\r\"\\".get(at)) {
            path.push(meant);
            rest = behind;
        } else {
            let (digits, behind) = rest.split_at_checked(3)?;
            let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.chars().all(|c| c.is_digit(8)))?;
            path.push(u8::from_str_radix(digits, 8).ok()?);
            rest = behind;
        }
    }
    Some(path)
}

/// What git answers, given something to read.
fn asked_of(git: &mut Command, input: Vec<u8>) -> io::Result<Output> {
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pipe = child.stdin.take();
    // On a thread of its own: git answers while it reads.
    let writer = thread::Builder::new().spawn(move || pipe.map(|mut pipe| pipe.write_all(&input)))?;
    let output = child.wait_with_output()?;
    let _ = writer.join();
    Ok(output)
}

/// Why git has no answer.
fn first_words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [&'static str]);

    impl Environment for Fixed {
        fn get(&self, name: &str) -> Option<OsString> {
            Some(format!("{name}'s").into())
        }

        fn names(&self) -> Vec<OsString> {
            self.0.iter().map(OsString::from).collect()
        }
    }

    #[test]
    fn paths_that_git_quotes_are_unquoted() {
        assert_eq!(unquoted(br#""st\303\244ck \"x\"\t.yaml""#).as_deref(), Some("stäck \"x\"\t.yaml".as_bytes()));
        for other in [&b"a.yaml"[..], b"\"", br#""a"b""#, br#""a\""#, br#""a\8""#, br#""\777""#, br#""\+12""#] {
            assert_eq!(unquoted(other), None, "{other:?}");
        }
    }

    #[test]
    fn git_is_given_no_credential_and_not_the_repository_of_a_hook() {
        let names = &["PATH", "VAULT_TOKEN", "GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT", "LC_ALL", "GIT_TOKEN"];
        let git = Git::new(&Fixed(names));
        let handed_on: Vec<_> = git.variables.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(handed_on, ["PATH", "GIT_CONFIG_COUNT", "LC_ALL"]);
    }
}
