//! What tests of WebDAV share: a document tree that the server may write, and a visitor's words for
//! the methods.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;

use crate::{
    client::Answer,
    conversation::{Visitor, converse},
    differential::{Case, load},
    site::Site,
};

/// What the transcripts leave out: tokens of locks.
const HIDDEN: &[&str] = &["opaquelocktoken:"];

/// A server with `@STATE@/www` under WebDAV, and more lines.
pub fn serve(more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:@PORT@\nTypesConfig /etc/mime.types\nDocumentRoot \"@STATE@/www\"\n\
         DavLockDB \"@STATE@/locks/db\"\n\
         <Directory \"@STATE@/www\">\nRequire all granted\nDav On\n</Directory>\n{more}\n",
        load("mime dav dav_fs"),
    )
}

/// The documents that each server begins with.
///
/// # Errors
/// When the file system refuses.
pub fn tree(state: &Site) -> Result<()> {
    state.file("www/a.txt", "a text\n")?;
    state.file("www/page.html", "<p>page</p>\n")?;
    state.file("www/col/one.txt", "one\n")?;
    state.file("www/col/sub/two.txt", "two\n")?;
    state.file("www/o dd/\u{e9}&<.txt", "odd\n")?;
    fs::create_dir_all(state.path().join("www/empty"))?;
    fs::create_dir_all(state.path().join("locks"))?;
    open_to_all(state.path())
}

/// Lets the server's children write below a directory.
///
/// # Errors
/// When the file system refuses.
pub fn open_to_all(path: &Path) -> Result<()> {
    let mode = if path.is_dir() { 0o777 } else { 0o666 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

/// Lets a script talk to both servers, each with a `tree` of its own.
///
/// # Errors
/// As `converse`.
pub fn compare(
    modules: &str,
    configuration: &str,
    script: impl Fn(&mut Author<'_, '_>) -> Result<()>,
) -> Result<()> {
    converse(modules, configuration, HIDDEN, tree, |visitor| {
        script(&mut Author { visitor })
    })
}

/// A visitor who writes.
pub struct Author<'a, 'b> {
    /// Who talks and remembers.
    pub visitor: &'a mut Visitor<'b>,
}

impl Author<'_, '_> {
    /// A request.
    pub fn ask(&mut self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let mut case = Case::with(method, path, fields, body);
        if case.name.len() < 200 && !body.is_empty() {
            let beginning: String = body.chars().take(200).collect();
            case.name += &format!(" {beginning:?}");
        }
        self.visitor.exchange_edited(&case, |answer| {
            in_order(answer);
            without_passed_seconds(answer);
        })
    }

    /// PROPFIND of a depth with a body.
    pub fn find(&mut self, path: &str, depth: &str, body: &str) -> Answer {
        self.ask("PROPFIND", path, &[("Depth", depth)], body)
    }

    /// COPY or MOVE, to a path of the same server or a whole URI, with more fields.
    pub fn transfer(
        &mut self,
        method: &str,
        from: &str,
        to: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let whole = match to.starts_with('/') {
            true => format!("http://test.example{to}"),
            false => to.to_owned(),
        };
        let mut fields = vec![("Destination", whole.as_str())];
        fields.extend_from_slice(more);
        self.ask(method, from, &fields, "")
    }

    /// LOCK of a scope; answers the token.
    pub fn lock(&mut self, path: &str, scope: &str, fields: &[(&str, &str)]) -> String {
        let body = format!(
            "<?xml version=\"1.0\"?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:{scope}/>\
             </D:lockscope><D:locktype><D:write/></D:locktype>\
             <D:owner><D:href>http://me.example/</D:href></D:owner></D:lockinfo>"
        );
        let answer = self.ask("LOCK", path, fields, &body);
        let token = answer.field("Lock-Token").unwrap_or_default();
        token.trim_matches(['<', '>']).to_owned()
    }

    /// UNLOCK with a token.
    pub fn unlock(&mut self, path: &str, token: &str) -> Answer {
        self.ask("UNLOCK", path, &[("Lock-Token", &format!("<{token}>"))], "")
    }

    /// Writes down which files there are by now, and what is in them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn note_files(&mut self) -> Result<()> {
        let lines = files(&self.visitor.state().path().join("www"))?;
        self.visitor.note("files", &lines.join("\n"));
        Ok(())
    }
}

/// The files below a directory, by name, and what is in them.
///
/// # Errors
/// When they cannot be read.
pub fn files(directory: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    list(directory, "", &mut lines)?;
    lines.sort();
    Ok(lines)
}

fn list(directory: &Path, prefix: &str, lines: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            lines.push(format!("{name}/"));
            // What is in there are databases.
            if !name.ends_with("/.DAV") {
                list(&entry.path(), &name, lines)?;
            }
        } else {
            let content = fs::read(entry.path())?;
            lines.push(format!("{name}: {:?}", String::from_utf8_lossy(&content)));
        }
    }
    Ok(())
}

/// Rounds what is left of the timeouts of locks to tens of seconds.
fn without_passed_seconds(answer: &mut Answer) {
    const BEFORE: &str = "<D:timeout>Second-";
    let text = answer.text();
    if !text.contains(BEFORE) {
        return;
    }
    let mut parts = text.split(BEFORE);
    let mut rounded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let left: u64 = part[..digits].parse().unwrap_or(0);
        rounded += &format!("{BEFORE}{}{}", left.div_ceil(10) * 10, &part[digits..]);
    }
    answer
        .fields
        .retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
    answer.body = rounded.into_bytes();
}

/// Puts the responses within a multistatus, and their properties, in order: the former come as the
/// directory has them, the latter as a hash table or a database has them.
fn in_order(answer: &mut Answer) {
    if answer.status() != 207 {
        return;
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut parts = text.split("<D:response ");
    let head = parts.next().unwrap_or_default().to_owned();
    let (mut responses, mut end) = (Vec::new(), String::new());
    for part in parts {
        let (response, behind) = part.split_once("</D:response>").unwrap_or((part, ""));
        let mut lines: Vec<&str> = response.split_inclusive('\n').collect();
        lines[1..].sort_unstable();
        let mut spaces: Vec<&str> = lines[0].trim_end_matches(['>', '\n']).split(' ').collect();
        spaces.sort_unstable();
        let spaces = spaces.join(" ");
        lines[0] = &spaces;
        responses.push(format!("<D:response {}</D:response>\n", lines.concat()));
        end = behind.to_owned();
    }
    responses.sort();
    answer.body = (head + &responses.concat() + end.trim_start()).into_bytes();
}
