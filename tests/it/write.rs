//! Files written whole: what was there meanwhile is not lost, modes are kept, and a place that takes no file is told.

use crate::support::folder;
use stackref::error::Failure;
use stackref::write::{Content, NewText, Place, check_folder, check_replaceable, staging_name, update, write_all};
use std::fs::{File, Permissions, metadata, read_to_string, set_permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

fn mode(path: &Path) -> u32 {
    metadata(path).unwrap().permissions().mode() & 0o7777
}

fn text(bytes: &[u8], more: &str) -> NewText {
    NewText { text: Zeroizing::new(String::from_utf8_lossy(bytes).into_owned() + more), private: false }
}

fn said<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.expect_err("it cannot be written").to_string()
}

#[test]
fn what_somebody_writes_meanwhile_is_read_again() {
    let meanwhile: [fn(&Path); 2] = [
        |path| std::fs::write(path, "b").unwrap(),
        // Another file of the same name, with the same bytes: whoever made it may still be writing.
        |path| {
            std::fs::write(path.with_extension("new"), "a").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for (change, expected) in meanwhile.into_iter().zip(["b!", "a!"]) {
        let folder = folder(&[("f", "a")]);
        let path = folder.path().join("f");
        let mut asked = 0;
        update(&path, "f", &mut |bytes, _| {
            asked += 1;
            if asked == 1 {
                change(&path);
            }
            Ok(Some(text(&bytes, "!")))
        })
        .unwrap();
        assert_eq!((asked, read_to_string(&path).unwrap().as_str()), (2, expected));
    }
}

#[test]
fn a_file_keeps_its_mode_unless_it_becomes_private() {
    let folder = folder(&[("f", "a")]);
    let path = folder.path().join("f");
    for before in [0o640, 0o604, 0o600] {
        set_permissions(&path, Permissions::from_mode(before)).unwrap();
        update(&path, "f", &mut |bytes, _| Ok(Some(text(&bytes, "")))).unwrap();
        assert_eq!(mode(&path), before);
    }
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    update(&path, "f", &mut |bytes, _| Ok(Some(NewText { private: true, ..text(&bytes, "b") }))).unwrap();
    assert_eq!((mode(&path), read_to_string(&path).unwrap().as_str()), (0o600, "ab"));
    update(&path, "f", &mut |_, _| Ok(None)).unwrap();
    assert_eq!(read_to_string(&path).unwrap(), "ab");
    // Its owner, too, as far as this process may say so: root may, and leaves a file to whoever has it.
    let is_given = chown(&path, Some(1), Some(1)).is_ok();
    update(&path, "f", &mut |bytes, _| Ok(Some(NewText { private: true, ..text(&bytes, "c") }))).unwrap();
    assert_eq!(metadata(&path).unwrap().uid() == 1, is_given);
}

#[test]
fn one_file_is_replaced_whole_and_keeps_its_mode() {
    let folder = folder(&[("f", "a"), ("mine", "a"), ("usual", "")]);
    let at = |name: &str| folder.path().join(name);
    set_permissions(at("mine"), Permissions::from_mode(0o600)).unwrap();
    for (name, bits) in [("f", mode(&at("usual"))), ("mine", 0o600), ("new", mode(&at("usual")))] {
        Place::of(&at(name), name).unwrap().replace("b").unwrap();
        assert_eq!((mode(&at(name)), read_to_string(at(name)).unwrap().as_str()), (bits, "b"));
    }
    assert!(said(Place::of(&folder.path().join("no/f"), "no/f")).contains("cannot write `no/f`"));
}

#[test]
fn a_place_that_takes_no_file_is_told_before() {
    let folder = folder(&[("file", "x"), ("shut/f", "x"), ("f", "x")]);
    let at = |name: &str| folder.path().join(name);
    assert!(check_folder(folder.path(), "new").is_ok() && check_replaceable(&at("f"), "f").is_ok());
    assert!(said(check_folder(&at("file"), "file/new")).contains("the folder of `file/new`"));
    assert!(said(check_replaceable(&at("none"), "none")).contains("cannot write to `none`"));
    set_permissions(at("f"), Permissions::from_mode(0o444)).unwrap();
    assert!(said(check_replaceable(&at("f"), "f")).contains("it is read-only"));
    set_permissions(at("shut"), Permissions::from_mode(0o555)).unwrap();
    assert!(said(check_folder(&at("shut"), "shut/new")).contains("it is read-only"));
    assert!(said(check_replaceable(&at("shut/f"), "shut/f")).contains("the folder of `shut/f`: it is read-only"));
    set_permissions(at("shut"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "what was tried is gone");
}

#[test]
fn what_cannot_be_made_is_named_and_progress_is_told_file_by_file() {
    let folder = folder(&[("file", "x")]);
    let content = |path: &str| Content { path: PathBuf::from(path), text: "t", replaces: true };
    let mut seen = Vec::new();
    write_all(&folder.path().join("out"), &[content("a"), content("b/c")], 0o640, &mut |count| seen.push(count))
        .unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!((mode(&folder.path().join("out/b/c")), mode(&folder.path().join("out/b"))), (0o640, 0o700));
    let into_a_file = write_all(&folder.path().join("file/out"), &[content("a")], 0o600, &mut |_| {});
    assert!(said(into_a_file).contains("file/out`: "));
    // A folder takes the place of no file: known before the first one is renamed.
    crate::support::write(folder.path(), "out/z/x", b"");
    let onto_a_folder = write_all(&folder.path().join("out"), &[content("c"), content("z")], 0o600, &mut |_| {});
    assert!(said(onto_a_folder).contains("out/z`: ") && !folder.path().join("out/c").exists());
    // What is not to be replaced stays; what cannot be named is no such thing.
    let fresh = |path: &str| Content { replaces: false, ..content(path) };
    let kept = write_all(&folder.path().join("out"), &[fresh("a"), fresh("d")], 0o600, &mut |_| {}).unwrap();
    assert_eq!(kept, [Path::new("a")]);
    let unnameable = write_all(&folder.path().join("out"), &[fresh(&"x".repeat(300))], 0o600, &mut |_| {});
    assert!(said(unnameable).contains("cannot write"));
    std::os::unix::fs::symlink("b", folder.path().join("out/link")).unwrap();
    let through_a_link = write_all(&folder.path().join("out"), &[content("link/a")], 0o600, &mut |_| {});
    assert!(said(through_a_link).contains("out/link` is a symbolic link"));
    let through_a_file = write_all(&folder.path().join("out"), &[content("a/a")], 0o600, &mut |_| {});
    assert!(!said(through_a_file).contains("symbolic link"));
    let names = std::fs::read_dir(folder.path().join("out")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".stackref-")).collect();
    assert!(left.is_empty(), "{left:?}");
    let outside = write_all(&folder.path().join("out"), &[content("../a")], 0o600, &mut |_| {});
    assert!(said(outside).contains("`..` would lie outside the folder"));
}

#[test]
fn only_what_no_process_owns_is_removed() {
    let [own, first, dead, dead_folder] =
        [std::process::id(), 1, 999_999_999, 999_999_998].map(|process| staging_name(process, 900));
    let elsewhere = ".stackref-999999999-0-1.tmp";
    let names = [&own, &first, elsewhere, ".stackref-x-x.tmp", ".stackref-999999999-x.txt", "999999999-x.tmp"];
    let files: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    let folder = folder(&files);
    crate::support::write(folder.path(), &dead, b"x");
    crate::support::write(folder.path(), &format!("{dead_folder}/kept"), b"x");
    check_folder(folder.path(), "f").unwrap();
    assert!(names.iter().all(|name| folder.path().join(name).exists()));
    assert!(!folder.path().join(dead).exists());
    assert!(folder.path().join(dead_folder).join("kept").exists());
    // Whose process is another container's or machine's cannot be asked for: its age has to tell.
    let old = SystemTime::now() - Duration::from_secs(2 * 3600);
    File::options().write(true).open(folder.path().join(elsewhere)).unwrap().set_modified(old).unwrap();
    check_folder(folder.path(), "f").unwrap();
    assert!(!folder.path().join(elsewhere).exists() && folder.path().join(own).exists());
}
