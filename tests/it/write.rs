//! Writing files: concurrent changes are kept, modes are kept, failed batches are rolled back, and
//! targets that cannot be written are reported first.

use crate::support::folder;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use stackref::diagnostics::error::Failure;
use stackref::system::write::{
    ExistingFile, FilePermissions, NewFile, NewText, OutputFile, check_folder, check_replaceable,
    staging_name, update, write_all,
};
use std::fs::{File, Permissions, metadata, read_to_string, set_permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn mode(path: &Path) -> u32 {
    metadata(path).unwrap().permissions().mode() & 0o7777
}

fn text(bytes: &[u8], more: &str) -> NewText {
    NewText {
        text: String::from_utf8_lossy(bytes).into_owned() + more,
        private: false,
    }
}

fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.expect_err("the file cannot be written").to_string()
}

#[test]
fn concurrent_change_is_read_before_writing() {
    let changes: [fn(&Path); 2] = [
        |path| std::fs::write(path, "b").unwrap(),
        // Another file with the same name and bytes. Its writer may not have finished.
        |path| {
            std::fs::write(path.with_extension("new"), "a").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for (change, expected) in changes.into_iter().zip(["b!", "a!"]) {
        let folder = folder(&[("f", "a")]);
        let path = folder.path().join("f");
        let mut calls = 0;
        update(&path, "f", &mut |bytes, _| {
            calls += 1;
            if calls == 1 {
                change(&path);
            }
            Ok(Some(text(&bytes, "!")))
        })
        .unwrap();
        assert_eq!(
            (calls, read_to_string(&path).unwrap().as_str()),
            (2, expected)
        );
    }
}

#[test]
fn file_keeps_its_mode_unless_it_becomes_private() {
    let folder = folder(&[("f", "a")]);
    let path = folder.path().join("f");
    for before in [0o640, 0o604, 0o600] {
        set_permissions(&path, Permissions::from_mode(before)).unwrap();
        update(&path, "f", &mut |bytes, _| Ok(Some(text(&bytes, "")))).unwrap();
        assert_eq!(mode(&path), before);
    }
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    update(&path, "f", &mut |bytes, _| {
        Ok(Some(NewText {
            private: true,
            ..text(&bytes, "b")
        }))
    })
    .unwrap();
    assert_eq!(
        (mode(&path), read_to_string(&path).unwrap().as_str()),
        (0o600, "ab")
    );
    update(&path, "f", &mut |_, _| Ok(None)).unwrap();
    assert_eq!(read_to_string(&path).unwrap(), "ab");
    // The owner is kept as well if this process may change owners, as root may.
    let may_change_owner = chown(&path, Some(1), Some(1)).is_ok();
    update(&path, "f", &mut |bytes, _| {
        Ok(Some(NewText {
            private: true,
            ..text(&bytes, "c")
        }))
    })
    .unwrap();
    assert_eq!(metadata(&path).unwrap().uid() == 1, may_change_owner);
}

#[test]
fn output_file_is_replaced_and_keeps_its_mode() {
    let folder = folder(&[("f", "a"), ("mine", "a"), ("default", "")]);
    let at = |name: &str| folder.path().join(name);
    set_permissions(at("mine"), Permissions::from_mode(0o600)).unwrap();
    for (name, bits) in [
        ("f", mode(&at("default"))),
        ("mine", 0o600),
        ("new", mode(&at("default"))),
    ] {
        OutputFile::open(&at(name), name)
            .unwrap()
            .replace("b")
            .unwrap();
        assert_eq!(
            (mode(&at(name)), read_to_string(at(name)).unwrap().as_str()),
            (bits, "b")
        );
    }
    assert!(
        message(OutputFile::open(&folder.path().join("no/f"), "no/f"))
            .contains("cannot write `no/f`")
    );
}

#[test]
fn target_that_cannot_be_written_is_reported_before_writing() {
    let folder = folder(&[("file", "x"), ("shut/f", "x"), ("f", "x")]);
    let at = |name: &str| folder.path().join(name);
    assert!(check_folder(folder.path(), "new").is_ok() && check_replaceable(&at("f"), "f").is_ok());
    assert!(message(check_folder(&at("file"), "file/new")).contains("the folder of `file/new`"));
    assert!(message(check_replaceable(&at("none"), "none")).contains("cannot write to `none`"));
    set_permissions(at("f"), Permissions::from_mode(0o444)).unwrap();
    assert!(message(check_replaceable(&at("f"), "f")).contains("it is read-only"));
    set_permissions(at("shut"), Permissions::from_mode(0o555)).unwrap();
    assert!(message(check_folder(&at("shut"), "shut/new")).contains("it is read-only"));
    assert!(
        message(check_replaceable(&at("shut/f"), "shut/f"))
            .contains("the folder of `shut/f`: it is read-only")
    );
    set_permissions(at("shut"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        3,
        "the checks leave no files"
    );
}

#[test]
fn failed_output_is_named_and_progress_is_reported_for_each_file() {
    let folder = folder(&[("file", "x")]);
    let content = |path: &str| NewFile {
        path: PathBuf::from(path),
        text: "t",
        existing: ExistingFile::Replace,
    };
    let mut seen = Vec::new();
    write_all(
        &folder.path().join("out"),
        &[content("a"), content("b/c")],
        FilePermissions::Mode(0o640),
        &mut |count| seen.push(count),
    )
    .unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!(
        (
            mode(&folder.path().join("out/b/c")),
            mode(&folder.path().join("out/b"))
        ),
        (0o640, 0o700)
    );
    let into_a_file = write_all(
        &folder.path().join("file/out"),
        &[content("a")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(message(into_a_file).contains("file/out`: "));
    // A file does not replace a folder. This is noticed before the first rename.
    crate::support::write(folder.path(), "out/z/x", b"");
    let onto_a_folder = write_all(
        &folder.path().join("out"),
        &[content("c"), content("z")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(message(onto_a_folder).contains("out/z`: ") && !folder.path().join("out/c").exists());
    // An existing file is kept unless it is to be replaced. A name that is too long is an error.
    let fresh = |path: &str| NewFile {
        existing: ExistingFile::Keep,
        ..content(path)
    };
    let kept = write_all(
        &folder.path().join("out"),
        &[fresh("a"), fresh("d")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(kept, [Path::new("a")]);
    let unnameable = write_all(
        &folder.path().join("out"),
        &[fresh(&"x".repeat(300))],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(message(unnameable).contains("cannot write"));
    std::os::unix::fs::symlink("b", folder.path().join("out/link")).unwrap();
    let through_a_link = write_all(
        &folder.path().join("out"),
        &[content("link/a")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(message(through_a_link).contains("out/link` is a symbolic link"));
    let through_a_file = write_all(
        &folder.path().join("out"),
        &[content("a/a")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(!message(through_a_file).contains("symbolic link"));
    let names = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with(".stackref-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let outside = write_all(
        &folder.path().join("out"),
        &[content("../a")],
        FilePermissions::Mode(0o600),
        &mut |_| {},
    );
    assert!(message(outside).contains("`..` is outside the folder"));
}

#[test]
fn only_temporary_files_of_ended_processes_are_removed() {
    let [own, first, dead, dead_folder] =
        [std::process::id(), 1, 999_999_999, 999_999_998].map(|process| staging_name(process, 900));
    let other_host = ".stackref-999999999-0-1.tmp";
    let names = [
        &own,
        &first,
        other_host,
        ".stackref-x-x.tmp",
        ".stackref-999999999-x.txt",
        "999999999-x.tmp",
    ];
    let files: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    let folder = folder(&files);
    crate::support::write(folder.path(), &dead, b"x");
    crate::support::write(folder.path(), &format!("{dead_folder}/kept"), b"x");
    check_folder(folder.path(), "f").unwrap();
    assert!(names.iter().all(|name| folder.path().join(name).exists()));
    assert!(!folder.path().join(dead).exists());
    assert!(folder.path().join(dead_folder).join("kept").exists());
    // A process of another machine or container cannot be looked up, so the age of the file
    // decides.
    let old = SystemTime::now() - Duration::from_secs(2 * 3600);
    File::options()
        .write(true)
        .open(folder.path().join(other_host))
        .unwrap()
        .set_modified(old)
        .unwrap();
    check_folder(folder.path(), "f").unwrap();
    assert!(!folder.path().join(other_host).exists() && folder.path().join(own).exists());
}

#[test]
fn failed_batch_is_rolled_back() {
    let folder = folder(&[("out/a", "old a"), ("out/b", "old b"), ("out/d", "old d")]);
    let out = folder.path().join("out");
    let content = |path: &str| NewFile {
        path: PathBuf::from(path),
        text: "new",
        existing: ExistingFile::Replace,
    };
    let unchanged = |failure: Failure| {
        assert_eq!(
            failure.help_text().unwrap().to_string(),
            "no output was changed"
        );
        let texts = ["a", "d"].map(|name| read_to_string(out.join(name)).unwrap());
        assert_eq!(texts, ["old a", "old d"]);
        assert!(!out.join("new").exists(), "a created folder remains");
        let names = std::fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert!(
            names
                .map(|name| name.into_string().unwrap())
                .all(|name| ["a", "b", "d"].contains(&name.as_str()))
        );
    };
    // The system rejects this name only when the file is renamed.
    let files = [
        content("a"),
        content("new/c"),
        content(&"x".repeat(300)),
        content("d"),
    ];
    let failure = write_all(&out, &files, FilePermissions::Mode(0o600), &mut |_| {}).unwrap_err();
    assert!(failure.to_string().ends_with("name too long"), "{failure}");
    unchanged(failure);
    // The failure occurs after all files are staged and before the first one is replaced.
    let files = [content("a"), content("new/c"), content("b"), content("d")];
    let written = write_all(&out, &files, FilePermissions::Mode(0o600), &mut |staged| {
        if staged == files.len() {
            std::fs::remove_file(out.join("b")).unwrap();
            std::fs::create_dir(out.join("b")).unwrap();
        }
    });
    let failure = written.unwrap_err();
    assert!(
        failure.to_string().contains("out/b`: is a directory"),
        "{failure}"
    );
    unchanged(failure);
}

#[test]
fn file_that_cannot_be_replaced_is_reported_before_writing() {
    let folder = folder(&[("out/a", "old"), ("out/z", "old"), ("i.yaml", "")]);
    let at = |name: &str| folder.path().join(name);
    let chattr = |flag: &str, name: &str| {
        let run = std::process::Command::new("chattr")
            .arg(flag)
            .arg(at(name))
            .stderr(std::process::Stdio::null())
            .status();
        run.is_ok_and(|status| status.success())
    };
    for (on, off, reason) in [
        ("+i", "-i", "it is immutable"),
        ("+a", "-a", "it can only be appended to"),
    ] {
        if !chattr(on, "out/z") || !chattr(on, "i.yaml") {
            eprintln!("skipped: cannot set the attribute {on} here");
            return;
        }
        let files = ["a", "z"].map(|path| NewFile {
            path: PathBuf::from(path),
            text: "new",
            existing: ExistingFile::Replace,
        });
        let written = message(write_all(
            &at("out"),
            &files,
            FilePermissions::Mode(0o600),
            &mut |_| {},
        ));
        let replaceable = message(check_replaceable(&at("i.yaml"), "i.yaml"));
        let updated = message(update(&at("i.yaml"), "i.yaml", &mut |bytes, _| {
            Ok(Some(text(&bytes, "x")))
        }));
        let _ = (chattr(off, "out/z"), chattr(off, "i.yaml"));
        for message in [&written, &replaceable, &updated] {
            assert!(message.contains(reason), "{message}");
        }
        assert_eq!(crate::support::files_below(folder.path(), None).len(), 3);
        assert_eq!(read_to_string(at("out/a")).unwrap(), "old");
    }
}

/// Returns an access control list that lets user 1 read, and denies everything to the group.
fn access_list() -> Vec<u8> {
    let undefined_id = u32::MAX;
    let entries = [
        (1, 6, undefined_id),
        (2, 4, 1),
        (4, 0, undefined_id),
        (16, 4, undefined_id),
        (32, 0, undefined_id),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend(u16::to_le_bytes(tag));
        list.extend(u16::to_le_bytes(rights));
        list.extend(u32::to_le_bytes(id));
    }
    list
}

#[test]
fn replaced_file_keeps_its_access_control_list_and_attributes() {
    let folder = folder(&[("f", "a"), ("out/f", "a")]);
    let path = folder.path().join("f");
    let attribute = |path: &Path, name: &str| {
        let mut buffer = vec![0; 1024];
        getxattr(path, name, &mut buffer)
            .ok()
            .map(|len| buffer[..len].to_vec())
    };
    let set = |path: &Path, name: &str, value: &[u8]| match setxattr(
        path,
        name,
        value,
        XattrFlags::empty(),
    ) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("skipped: cannot set {name} here: {error}");
            false
        }
    };
    let list = access_list();
    let (acl, own) = ("system.posix_acl_access", "user.stackref");
    let long = vec![b'x'; 2000];
    if !set(&path, acl, &list) || !set(&path, own, &long) {
        return;
    }
    assert_eq!(mode(&path), 0o640);
    update(&path, "f", &mut |bytes, _| Ok(Some(text(&bytes, "b")))).unwrap();
    OutputFile::open(&path, "f").unwrap().replace("c").unwrap();
    assert_eq!(read_to_string(&path).unwrap(), "c");
    let mut buffer = vec![0; 4096];
    assert_eq!(
        (
            attribute(&path, acl),
            getxattr(&path, own, &mut buffer).unwrap(),
            mode(&path)
        ),
        (Some(list.clone()), 2000, 0o640)
    );
    // A file that becomes private loses its access control list and keeps its other attributes.
    update(&path, "f", &mut |bytes, _| {
        Ok(Some(NewText {
            private: true,
            ..text(&bytes, "d")
        }))
    })
    .unwrap();
    assert_eq!(
        (
            attribute(&path, acl),
            getxattr(&path, own, &mut buffer).unwrap(),
            mode(&path)
        ),
        (None, 2000, 0o600)
    );
    // A replaced file does not inherit the default list of its folder.
    if set(folder.path(), "system.posix_acl_default", &list) {
        set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        update(&path, "f", &mut |bytes, _| Ok(Some(text(&bytes, "e")))).unwrap();
        assert_eq!((attribute(&path, acl), mode(&path)), (None, 0o604));
    }
    // A rendered file has the mode of the flag, and keeps its list if that mode allows it.
    let out = folder.path().join("out/f");
    for (bits, listed) in [(0o640, true), (0o600, false)] {
        assert!(set(&out, acl, &list) && set(&out, own, b"x"));
        let files = [NewFile {
            path: PathBuf::from("f"),
            text: "new",
            existing: ExistingFile::Replace,
        }];
        write_all(
            &folder.path().join("out"),
            &files,
            FilePermissions::Mode(bits),
            &mut |_| {},
        )
        .unwrap();
        assert_eq!(
            (
                attribute(&out, acl).is_some(),
                attribute(&out, own).is_some(),
                mode(&out)
            ),
            (listed, true, bits)
        );
    }
}

#[test]
fn rename_preserves_the_mode_of_each_file() {
    let modes = [("setup.sh", 0o755), ("secrets.inventory.yaml", 0o600)];
    let folder = crate::support::folder(&[
        ("setup.sh", "zenml secret get db\n"),
        ("secrets.inventory.yaml", "db: {user: hunter2}\n"),
    ]);
    for (name, bits) in modes {
        std::fs::set_permissions(
            folder.path().join(name),
            std::fs::Permissions::from_mode(bits),
        )
        .unwrap();
    }
    let output = crate::support::run(&["rename", "db", "prod_db"], folder.path(), b"");
    assert_eq!(output.code, 0, "{output:?}");
    for (name, bits) in modes {
        let path = folder.path().join(name);
        assert_eq!(mode(&path), bits, "{name}");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("prod_db"), "{text}");
    }
}
