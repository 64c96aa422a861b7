//! FastCGI authorizers: a small one in this process says who may, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use anyhow::Result;
use httpd_tests::{
    conversation::{basic, converse},
    differential::serve,
    site::Site,
};

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

type Variables = BTreeMap<String, String>;

/// Listens on a port of its own until it is dropped.
struct Authorizer {
    port: u16,
    asked: Arc<Mutex<Vec<Variables>>>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Authorizer {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let leave = Arc::new(AtomicBool::new(false));
        let (list, flag) = (Arc::clone(&asked), Arc::clone(&leave));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                // What a server breaks off shows in its answer.
                let _ = stream.and_then(|stream| answer(stream, &list));
            }
        });
        Ok(Self {
            port,
            asked,
            leave,
            thread: Some(thread),
        })
    }

    /// What it has been asked since the last time.
    fn asked(&self) -> String {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for variables in asked.drain(..) {
            for (name, value) in variables {
                let known = match name.as_str() {
                    // Ports and banners are each server's own.
                    "REMOTE_PORT" | "SERVER_SOFTWARE" | "SERVER_SIGNATURE" | "SERVER_PORT" => "...",
                    _ => &value,
                };
                let _ = writeln!(text, "{name}={known}");
            }
            text += "\n";
        }
        text
    }
}

impl Drop for Authorizer {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One request: reads its variables and says yes or no.
fn answer(mut stream: TcpStream, asked: &Mutex<Vec<Variables>>) -> io::Result<()> {
    let mut encoded = Vec::new();
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let mut content = vec![0; length + usize::from(head[6])];
        stream.read_exact(&mut content)?;
        match head[1] {
            BEGIN_REQUEST => {}
            PARAMS if length == 0 => break,
            PARAMS => encoded.extend_from_slice(&content[..length]),
            _ => return Ok(()),
        }
    }
    let variables = decode(&encoded);
    let verdict = verdict(&variables);
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(variables);
    let mut reply = Vec::new();
    let mut record = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap_or(0).to_be_bytes();
        reply.extend_from_slice(&[1, kind, 0, 1, length[0], length[1], 0, 0]);
        reply.extend_from_slice(content);
    };
    record(STDERR, b"asked\n");
    // In two records, as it may come.
    let (one, two) = verdict.as_bytes().split_at(verdict.len().min(5));
    record(STDOUT, one);
    record(STDOUT, two);
    record(STDOUT, b"");
    record(END_REQUEST, &[0; 8]);
    stream.write_all(&reply)
}

fn decode(mut rest: &[u8]) -> Variables {
    let mut variables = Variables::new();
    let length = |rest: &mut &[u8]| -> Option<usize> {
        let first = *rest.first()?;
        let size = if first < 0x80 { 1 } else { 4 };
        let (bytes, after) = rest.split_at_checked(size)?;
        *rest = after;
        let number = bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte));
        Some(number & 0x7fff_ffff)
    };
    while let (Some(name), Some(value)) = (length(&mut rest), length(&mut rest)) {
        let Some((pair, after)) = rest.split_at_checked(name + value) else {
            break;
        };
        let (name, value) = pair.split_at(name);
        variables.insert(
            String::from_utf8_lossy(name).into_owned(),
            String::from_utf8_lossy(value).into_owned(),
        );
        rest = after;
    }
    variables
}

/// The authorizer's policy, by the user's name; the query may ask for an answer of another form.
fn verdict(variables: &Variables) -> String {
    let get = |name: &str| variables.get(name).map_or("", String::as_str);
    let odd = match get("QUERY_STRING") {
        "nostatus" => Some("Content-Type: text/plain\r\n\r\n"),
        "empty" => Some(""),
        "redirect" => Some(
            "Status: 302 Found\r\nLocation: http://test.example/login\r\nX-More: 1\r\n\r\nbody\n",
        ),
        "error" => {
            Some("Status: 503 Busy\r\nRetry-After: 9\r\nContent-Type: text/plain\r\n\r\nbusy\n")
        }
        "bad" => Some("no header at all\r\n\r\n"),
        "lf" => Some("Status: 200 OK\nVariable-lower_case: x\nX-Ignored: 1\n\nignored body\n"),
        _ => None,
    };
    if let Some(odd) = odd {
        return odd.to_owned();
    }
    let user = get("REMOTE_USER");
    let yes = match get("FCGI_APACHE_ROLE") {
        "AUTHENTICATOR" => user == get("REMOTE_PASSWD"),
        "AUTHORIZER" => user == "alice",
        _ => user == "alice" && get("REMOTE_PASSWD") == "alice",
    };
    if yes {
        "Status: 200 OK\r\nVariable-CARD: c1\r\nVariable-USER: from-authorizer\r\n\r\n".to_owned()
    } else {
        "Status: 401 Unauthorized\r\nVariable-CARD: none\r\n\r\n".to_owned()
    }
}

#[test]
fn authorizers() -> Result<()> {
    let authorizer = Authorizer::start()?;
    let basic_auth = "AuthType Basic\nAuthName garden\n";
    let list = [
        (
            "authn",
            format!("{basic_auth}AuthBasicProvider Who\nRequire valid-user"),
        ),
        (
            "authnuser",
            format!("{basic_auth}AuthBasicProvider Who\nRequire user alice"),
        ),
        (
            "lax",
            format!(
                "{basic_auth}AuthBasicProvider Who file\nAuthBasicAuthoritative Off\nRequire valid-user"
            ),
        ),
        (
            "authz",
            format!("{basic_auth}AuthBasicProvider Who\nRequire May"),
        ),
        (
            "both",
            format!("{basic_auth}AuthBasicProvider WhoMay\nRequire WhoMay"),
        ),
        (
            "not",
            format!(
                "{basic_auth}AuthBasicProvider Who\n<RequireAll>\nRequire valid-user\nRequire not May\n</RequireAll>"
            ),
        ),
        ("authzonly", "Require May".to_owned()),
        (
            "check",
            format!("{basic_auth}AuthnzFcgiCheckAuthnProvider Who\nRequire valid-user"),
        ),
        (
            "checkuser",
            format!(
                "{basic_auth}AuthnzFcgiCheckAuthnProvider Who Authoritative Off RequireBasicAuth Off UserExpr \"%{{reqenv:USER}}\"\nRequire valid-user"
            ),
        ),
        (
            "checkbasic",
            format!(
                "{basic_auth}AuthnzFcgiCheckAuthnProvider Who Authoritative On RequireBasicAuth On UserExpr \"%{{reqenv:USER}}\"\nRequire valid-user"
            ),
        ),
        (
            "checkdefault",
            format!(
                "{basic_auth}AuthnzFcgiCheckAuthnProvider Who DefaultUser guest\nRequire valid-user"
            ),
        ),
        (
            "checknone",
            format!(
                "{basic_auth}AuthBasicProvider Who\nAuthnzFcgiCheckAuthnProvider None\nRequire valid-user"
            ),
        ),
        (
            "down",
            format!("{basic_auth}AuthBasicProvider Down\nRequire valid-user"),
        ),
        (
            "downauthz",
            format!("{basic_auth}AuthBasicProvider Who\nRequire DownMay"),
        ),
    ];
    let site = Site::new()?;
    site.file("conf/passwords", "")?;
    let at = format!("fcgi://127.0.0.1:{}/", authorizer.port);
    let mut text = format!(
        "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n\
         AuthnzFcgiDefineProvider authn Who {at}\nAuthnzFcgiDefineProvider authz May {at}\n\
         AuthnzFcgiDefineProvider authnz WhoMay {at}\nAuthnzFcgiDefineProvider authn Down fcgi://127.0.0.1:9/\n\
         AuthnzFcgiDefineProvider authz DownMay fcgi://127.0.0.1:9/\n\
         Header always set X-User \"expr=%{{REMOTE_USER}}\" \"expr=-n %{{REMOTE_USER}}\"\n"
    );
    for name in ["CARD", "USER", "lower_case"] {
        let _ = writeln!(
            text,
            "Header always set X-{name} \"expr=%{{reqenv:{name}}}\" \"expr=-n reqenv('{name}')\""
        );
    }
    for (path, lines) in &list {
        site.file(&format!("{path}/index.html"), format!("{path}\n"))?;
        let _ = write!(text, "<Location /{path}>\n{lines}\n</Location>\n");
    }
    converse(
        "authnz_fcgi",
        &serve(
            &site,
            "dir mime headers env authn_core authn_file auth_basic authz_user authnz_fcgi",
            &text,
        ),
        &[],
        |_| Ok(()),
        |visitor| {
            for (path, _) in &list {
                let path = format!("/{path}/index.html");
                visitor.get(&path);
                for (user, password) in [
                    ("alice", "alice"),
                    ("alice", "x"),
                    ("bob", "bob"),
                    ("bob", ""),
                ] {
                    let login = basic(user, password);
                    visitor.send(
                        "GET",
                        &path,
                        &[("Authorization", &login), ("X-More", "more")],
                        "",
                    );
                }
                let asked = authorizer.asked();
                visitor.note("the authorizer was asked", &asked);
            }
            for path in ["/authn", "/authz", "/check", "/checkuser", "/authzonly"] {
                for query in ["nostatus", "empty", "redirect", "error", "bad", "lf"] {
                    let path = format!("{path}/index.html?{query}");
                    visitor.get(&path);
                    let login = basic("alice", "alice");
                    visitor.send("GET", &path, &[("Authorization", &login)], "");
                }
            }
            let login = basic("alice", "alice");
            let long = "x".repeat(7000);
            authorizer.asked();
            visitor.send(
                "POST",
                "/both/?q=1",
                &[("Authorization", &login), ("X-Long", &long)],
                "body",
            );
            let asked = authorizer.asked();
            visitor.note("the authorizer was asked", &asked);
            Ok(())
        },
    )
}
