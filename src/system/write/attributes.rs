//! Copies the owner, group, mode, access control list and extended attributes of a file to its
//! replacement.

use crate::diagnostics::error::io_message;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

/// The permissions that the replacement gets.
#[derive(Clone, Copy)]
pub enum FilePermissions {
    /// The mode and the access control list of the file that it replaces. A new file gets the default
    /// mode.
    Preserve,
    /// This mode. The access control list is kept only if the mode gives other users any rights.
    Mode(u32),
}

/// The bits of a mode that are permissions.
const PERMISSION_BITS: u32 = 0o777;

/// The permissions of the group and of other users.
const OTHERS_MASK: u32 = 0o077;

/// Gives a new file the attributes of the old one and these permissions. So far only the owner can
/// read the new file.
///
/// # Errors
/// Fails if an attribute cannot be kept. The old file must not be replaced then.
pub fn apply_attributes(old: &File, new: &File, access: FilePermissions) -> io::Result<()> {
    let before = old.metadata()?;
    keep_owner(&before, new)?;
    copy_attributes(old, new)?;
    let (wanted, is_listed) = match access {
        FilePermissions::Preserve => (before.mode() & PERMISSION_BITS, true),
        FilePermissions::Mode(mode) => (mode, mode & OTHERS_MASK != 0),
    };
    // The list first, since setting it changes the mode: the group's bits become its mask.
    let list = if is_listed { access_list(old)? } else { None };
    set_access_list(new, list.as_deref())
        .map_err(|error| cannot_keep("access control list", &error))?;
    let set = new.metadata()?.mode() & PERMISSION_BITS;
    if set != wanted {
        new.set_permissions(Permissions::from_mode(wanted))
            .map_err(|error| cannot_keep("mode", &error))?;
    }
    // Some file systems accept a mode but do not store it.
    if new.metadata()?.mode() & PERMISSION_BITS & !wanted & !before.mode() != 0 {
        return Err(io::Error::other(
            "more users could read the file than before",
        ));
    }
    Ok(())
}

/// Sets the owner and the group. Only root can change them freely.
fn keep_owner(before: &Metadata, new: &File) -> io::Result<()> {
    let now = new.metadata()?;
    let owner = (now.uid() != before.uid()).then_some(before.uid());
    let group = (now.gid() != before.gid()).then_some(before.gid());
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    let attribute = if owner.is_some() { "owner" } else { "group" };
    fchown(new, owner, group).map_err(|error| cannot_keep(attribute, &error))
}

fn cannot_keep(attribute: &str, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot keep its {attribute}: {}", io_message(error)),
    )
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod extended {
    use super::cannot_keep;
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
    use rustix::io::Errno;
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;

    /// The attribute with the access control list. It exists only if the list contains more than
    /// the mode.
    const ACCESS_LIST: &CStr = c"system.posix_acl_access";

    /// Attributes that the system derives from the contents of the file.
    const DERIVED_ATTRIBUTES: [&[u8]; 2] = [b"security.ima", b"security.evm"];

    /// The size of the first buffer for an attribute. It is enough for nearly all attributes and is
    /// doubled if it is too small.
    const INITIAL_BUFFER_BYTES: usize = 1024;

    /// Copies every extended attribute that differs, except for the access control list.
    ///
    /// # Errors
    /// Fails for the first attribute that cannot be copied. Attributes outside the `user` and
    /// `system` namespaces are skipped if the system refuses them.
    pub fn copy_attributes(old: &File, new: &File) -> io::Result<()> {
        let names = match read_growing(|buffer| flistxattr(old, buffer)) {
            Err(error) if is_missing_attribute(error) => return Ok(()),
            names => names?,
        };
        for name in names.split_inclusive(|&byte| byte == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else {
                continue;
            };
            if name == ACCESS_LIST || DERIVED_ATTRIBUTES.contains(&name.to_bytes()) {
                continue;
            }
            let Some(value) = attribute(old, name)? else {
                continue;
            };
            if attribute(new, name).is_ok_and(|now| now.as_ref() == Some(&value)) {
                continue;
            }
            let is_required = [&b"user."[..], b"system."]
                .iter()
                .any(|space| name.to_bytes().starts_with(space));
            match fsetxattr(new, name, &value, XattrFlags::empty()) {
                Err(error) if is_required || !is_refused(error) => {
                    let attribute = format!("attribute `{}`", name.to_string_lossy());
                    return Err(cannot_keep(&attribute, &error.into()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the access control list of a file, or `None` if it has none.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn access_list(file: &File) -> io::Result<Option<Vec<u8>>> {
        attribute(file, ACCESS_LIST)
    }

    /// Sets or removes the access control list.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn set_access_list(file: &File, list: Option<&[u8]>) -> io::Result<()> {
        match list {
            Some(list) => Ok(fsetxattr(file, ACCESS_LIST, list, XattrFlags::empty())?),
            // A new file gets one if its folder has a default list.
            None => match fremovexattr(file, ACCESS_LIST) {
                Err(error) if !is_missing_attribute(error) => Err(error.into()),
                _ => Ok(()),
            },
        }
    }

    fn attribute(file: &File, name: &CStr) -> io::Result<Option<Vec<u8>>> {
        match read_growing(|buffer| fgetxattr(file, name, buffer)) {
            Err(error) if is_missing_attribute(error) => Ok(None),
            value => Ok(Some(value?)),
        }
    }

    /// Repeats a call with a larger buffer until the buffer is large enough.
    fn read_growing(
        mut call: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
    ) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; INITIAL_BUFFER_BYTES];
        loop {
            match call(&mut buffer) {
                Err(Errno::RANGE) => buffer.resize(buffer.len() * 2, 0),
                Err(error) => return Err(error),
                Ok(len) => {
                    buffer.truncate(len);
                    return Ok(buffer);
                }
            }
        }
    }

    /// Returns whether an error means that the attribute does not exist or is not supported here.
    fn is_missing_attribute(error: Errno) -> bool {
        #[cfg(target_vendor = "apple")]
        let missing = Errno::NOATTR;
        #[cfg(not(target_vendor = "apple"))]
        let missing = Errno::NODATA;
        error == missing || is_refused(error) && error != Errno::PERM && error != Errno::ACCESS
    }

    /// Returns whether an error means that the process or the file system cannot set the attribute.
    fn is_refused(error: Errno) -> bool {
        [
            Errno::PERM,
            Errno::ACCESS,
            Errno::NOTSUP,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
        ]
        .contains(&error)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod extended {
    use std::fs::File;
    use std::io;

    /// Copies nothing on this system.
    ///
    /// # Errors
    /// Never fails.
    pub fn copy_attributes(_: &File, _: &File) -> io::Result<()> {
        Ok(())
    }

    /// Returns no list on this system.
    ///
    /// # Errors
    /// Never fails.
    pub fn access_list(_: &File) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// Does nothing on this system.
    ///
    /// # Errors
    /// Never fails.
    pub fn set_access_list(_: &File, _: Option<&[u8]>) -> io::Result<()> {
        Ok(())
    }
}

use extended::{access_list, copy_attributes, set_access_list};
