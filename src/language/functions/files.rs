//! Files and paths: `file`, `fileset`, `abspath` and so on.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;

use super::{Call, Failure, FunctionContext, FunctionError, Outcome, TEXT_LIMIT, glob};
use crate::value::{Type, Value};

/// Expands `~` and makes a path start from the base directory.
fn resolve(path: &str, context: &FunctionContext<'_>) -> Result<PathBuf, Failure> {
    let expanded = expand(path, context)?;
    Ok(context.base.join(clean(&expanded)))
}

fn expand(path: &str, context: &FunctionContext<'_>) -> Result<String, Failure> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(Failure::at(0, "cannot expand user-specific home dir"));
    }
    let home = context.home.ok_or_else(|| Failure::at(0, "the home directory is not known"))?;
    Ok(clean(&format!("{}{rest}", home.to_string_lossy())))
}

/// Removes `.`, `..`, double and final slashes from a path without looking at the disk.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None if rooted => {}
                Some(&"..") | None => parts.push(".."),
                Some(_) => {
                    parts.pop();
                }
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => String::from("."),
        (false, false) => joined,
    }
}

fn read(path: &str, context: &FunctionContext<'_>) -> Result<Vec<u8>, Failure> {
    let full = resolve(path, context)?;
    if context.files.is_directory(&full) {
        let message = format!("failed to read file: {path:?} is a directory");
        return Err(Failure::at(0, message).quoting());
    }
    let bytes = context.files.read(&full).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!(
                "no file exists at {path:?}; this function works only with files that are there \
                 before the plan, not with those that a resource makes"
            ),
            _ => format!("failed to read file {path:?}: {error}"),
        };
        Failure::at(0, message).quoting()
    })?;
    if bytes.len() > TEXT_LIMIT {
        let message = format!("{path:?} is longer than {} MiB", TEXT_LIMIT >> 20);
        return Err(Failure::at(0, message).quoting());
    }
    Ok(bytes)
}

fn read_utf8(path: &str, context: &FunctionContext<'_>) -> Result<String, Failure> {
    String::from_utf8(read(path, context)?).map_err(|_| {
        let message = format!(
            "contents of {path:?} are not valid UTF-8; use `filebase64` for the contents in Base64, \
             or functions such as `filesha256` for a hash"
        );
        Failure::at(0, message).quoting()
    })
}

/// Reads a text file for functions outside of this folder (`templatefile`), as `file` does.
pub fn read_text(path: &str, context: &FunctionContext<'_>) -> Result<String, FunctionError> {
    read_utf8(path, context)
        .map_err(|failure| FunctionError { argument: failure.argument, message: failure.message })
}

/// Returns the bytes of the file that an argument names.
pub(super) fn read_argument(call: &Call<'_>) -> Result<Vec<u8>, Failure> {
    read(call.text(0), call.context)
}

pub(super) fn file(call: &Call<'_>) -> Outcome {
    Ok(Value::text(&read_utf8(call.text(0), call.context)?))
}

pub(super) fn filebase64(call: &Call<'_>) -> Outcome {
    let bytes = read_argument(call)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes).into())
}

pub(super) fn fileexists(call: &Call<'_>) -> Outcome {
    let path = resolve(call.text(0), call.context)?;
    if call.context.files.is_directory(&path) {
        let message = format!("{:?} is a directory, not a file", call.text(0));
        return Err(Failure::at(0, message).quoting());
    }
    Ok(call.context.files.exists(&path).into())
}

pub(super) fn fileset(call: &Call<'_>) -> Outcome {
    let directory = resolve(call.text(0), call.context)?;
    let pattern = clean(call.text(1));
    if pattern.starts_with("..") || pattern.starts_with('/') {
        return Err(Failure::at(1, "the pattern must not lead out of the directory"));
    }
    let found = glob::find(call.context.files, &directory, &pattern)?;
    Ok(Value::set(Type::String, found.iter().map(|path| Value::text(path))))
}

pub(super) fn abspath(call: &Call<'_>) -> Outcome {
    let joined = call.context.base.join(Path::new(call.text(0)));
    Ok(Value::text(&clean(&joined.to_string_lossy())))
}

pub(super) fn pathexpand(call: &Call<'_>) -> Outcome {
    Ok(Value::text(&expand(call.text(0), call.context)?))
}

pub(super) fn basename(call: &Call<'_>) -> Outcome {
    let path = call.text(0);
    let trimmed = path.trim_end_matches('/');
    Ok(Value::from(match (path.is_empty(), trimmed.rsplit('/').next()) {
        (true, _) => ".",
        (false, None | Some("")) => "/",
        (false, Some(name)) => name,
    }))
}

pub(super) fn dirname(call: &Call<'_>) -> Outcome {
    let path = call.text(0);
    let directory = path.rfind('/').map_or("", |at| &path[..=at]);
    Ok(Value::from(clean(directory)))
}
