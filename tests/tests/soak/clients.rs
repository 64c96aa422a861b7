//! Clients: visitors who ask for everything, a slow reader, and some that stall or go away.

use std::{
    io,
    sync::atomic::Ordering,
    thread::{self, Scope},
    time::{Duration, Instant},
};

use httpd_tests::client::{Answer, Client};

use crate::book::Book;

/// A page.
pub const SMALL: &str = "a small page\n";

/// A download that takes a while.
pub fn large() -> Vec<u8> {
    (0..6_000_000_u32).map(|at| (at >> 9) as u8).collect()
}

/// Numbers that are no two clients' the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as u32 % limit
    }
}

struct Request {
    head: String,
    body: Vec<u8>,
    status: u16,
    expected: Option<Vec<u8>>,
    is_head: bool,
}

fn request(chance: &mut Chance, number: u32, last: bool) -> Request {
    let body = || vec![b'b'; [1, 3000, 70_000][number as usize % 3]];
    let count = [0, 1000, 100_000][number as usize % 3];
    let (line, more, body, status, expected) = match chance.below(14) {
        0 => ("GET /missing HTTP/1.1", "", None, 404, None),
        1 => ("GET /secret/page.txt HTTP/1.1", "", None, 401, None),
        2 | 3 => (
            "GET /secret/page.txt HTTP/1.1",
            "Authorization: Basic YW5uOnJpZ2h0\r\n",
            None,
            200,
            Some(SMALL.into()),
        ),
        4 => (
            "POST /cgi/hello HTTP/1.1",
            "",
            Some(body()),
            200,
            Some([b"hello\n".to_vec(), body()].concat()),
        ),
        5 | 6 => ("POST /echo HTTP/1.1", "", Some(body()), 200, Some(body())),
        7 => ("POST /missing HTTP/1.1", "", Some(body()), 404, None),
        8 => ("HEAD /small.txt HTTP/1.1", "", None, 200, Some(Vec::new())),
        9 => ("GET /small.txt HTTP/1.0", "", None, 200, Some(SMALL.into())),
        10 => ("", "", None, 200, Some(vec![b'c'; count])),
        _ => ("GET /small.txt HTTP/1.1", "", None, 200, Some(SMALL.into())),
    };
    let line = match line {
        "" => format!("GET /count/{count} HTTP/1.1"),
        line => line.to_owned(),
    };
    let mut head = format!("{line}\r\nHost: test.example\r\nn: {number}\r\n{more}");
    if last {
        head += "Connection: close\r\n";
    } else if line.ends_with("1.0") {
        head += "Connection: keep-alive\r\n";
    }
    if let Some(body) = &body {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    Request {
        is_head: line.starts_with("HEAD"),
        head: head + "\r\n",
        body: body.unwrap_or_default(),
        status,
        expected,
    }
}

/// Starts all of them.
pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, port: u16, book: &'scope Book) {
    let turns: [fn(u16, &Book, &mut Chance); 10] = [
        visit,
        visit,
        visit,
        visit,
        visit,
        visit,
        read_slowly,
        stall,
        stall,
        go_away,
    ];
    for (number, turn) in turns.into_iter().enumerate() {
        scope.spawn(move || {
            let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ ((number as u64 + 1) << 32));
            while !book.is_over() {
                book.busy.fetch_add(1, Ordering::Relaxed);
                if !book.resting.load(Ordering::Relaxed) {
                    turn(port, book, &mut chance);
                }
                book.busy.fetch_sub(1, Ordering::Relaxed);
                thread::park_timeout(Duration::from_millis(5));
            }
        });
    }
}

fn connect(port: u16, book: &Book) -> Option<Client> {
    match Client::connect(port) {
        Ok(client) => Some(client),
        Err(error) => {
            // The sockets stay whatever happens to children.
            book.fail(format!("no connection: {error}"));
            None
        }
    }
}

/// Sends one request and receives the answer. A body may be refused before it was sent.
fn ask(client: &mut Client, request: &Request) -> io::Result<Answer> {
    client.send(&request.head)?;
    let sent = client.send(&request.body);
    client.receive(request.is_head).map_err(|error| match sent {
        Err(earlier) => earlier,
        Ok(()) => error,
    })
}

/// One connection with a few requests.
fn visit(port: u16, book: &Book, chance: &mut Chance) {
    let Some(mut client) = connect(port, book) else {
        return;
    };
    let (mut child, mut last_answer) = (None, Instant::now());
    let turns = [1, 2, 30][chance.below(3) as usize];
    for turn in 1..=turns {
        let number = book.number();
        let last = turn == turns && chance.below(2) == 0;
        let request = request(chance, number, last);
        let answer = match ask(&mut client, &request) {
            Ok(answer) => answer,
            Err(error) => {
                // A time-out is never excused.
                let waited = matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                );
                let what = format!("{:?} ({error})", request.head);
                if waited {
                    book.fail(format!("no answer: {what} of child {child:?}"));
                } else {
                    // The driver notes a crash before it can be seen, restarts at once as well.
                    book.broken(&what, child, last_answer, turn > 1);
                }
                return;
            }
        };
        let served_by = answer.field("X-Child").and_then(|pid| pid.parse().ok());
        child = served_by.or(child);
        last_answer = Instant::now();
        book.answered(number, answer.status(), child);
        let right = request
            .expected
            .as_ref()
            .is_none_or(|body| *body == answer.body);
        if answer.status() != request.status || !right {
            book.fail(format!(
                "wrong: {:?}: {} with {} bytes",
                request.head,
                answer.status_line,
                answer.body.len()
            ));
        }
        let kept = answer.field("Connection");
        let closes = kept.is_some_and(|word| word.eq_ignore_ascii_case("close"));
        if last || closes || book.is_over() || book.resting.load(Ordering::Relaxed) {
            return;
        }
        if request.head.contains("HTTP/1.0") && kept.is_none() {
            return;
        }
        if chance.below(20) == 0 {
            thread::park_timeout(Duration::from_millis(300));
        }
    }
}

/// A download that goes on while the server restarts.
fn read_slowly(port: u16, book: &Book, _chance: &mut Chance) {
    let Some(mut client) = connect(port, book) else {
        return;
    };
    let number = book.number();
    let since = Instant::now();
    let request = format!(
        "GET /large.bin HTTP/1.1\r\nHost: test.example\r\nn: {number}\r\nConnection: close\r\n\r\n"
    );
    let mut child = None;
    let receive = || {
        client.send(request)?;
        let answer = client.receive_head()?;
        child = answer.field("X-Child").and_then(|pid| pid.parse().ok());
        let mut body = Vec::new();
        loop {
            let part = client.receive_bytes(300_000)?;
            if part.is_empty() {
                return io::Result::Ok((answer.status(), body));
            }
            body.extend(part);
            thread::park_timeout(Duration::from_millis(100));
        }
    };
    match receive() {
        Ok((status, body)) if status == 200 && body == large() => {
            book.answered(number, status, child);
        }
        Ok((status, body)) => {
            let what = format!("a download: {status}, {} bytes", body.len());
            book.broken(&what, child, since, false);
        }
        Err(error) => book.broken(&format!("a download: {error}"), child, since, false),
    }
}

/// Half of something, until the server loses patience.
fn stall(port: u16, book: &Book, chance: &mut Chance) {
    let Some(mut client) = connect(port, book) else {
        return;
    };
    let number = book.number();
    let head = format!("POST /echo HTTP/1.1\r\nHost: test.example\r\nn: {number}\r\n");
    let text = match chance.below(4) {
        0 => head,
        1 => format!("{head}Content-Length: 1000\r\n\r\nsome"),
        2 => format!("{head}Transfer-Encoding: chunked\r\n\r\nff\r\nsome"),
        _ => {
            // A reader that stops for longer than `Timeout`.
            let _ = client.receive_little();
            let _ = client.send(format!(
                "GET /large.bin HTTP/1.1\r\nHost: a\r\nn: {number}\r\n\r\n"
            ));
            thread::park_timeout(Duration::from_secs(5));
            return;
        }
    };
    if client.send(text).is_ok()
        && let Err(error) = client.receive_rest()
        && matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    {
        book.fail("a client that sends half a request is kept for ever".to_owned());
    }
}

/// A connection that is reset in the middle.
fn go_away(port: u16, book: &Book, chance: &mut Chance) {
    let Some(mut client) = connect(port, book) else {
        return;
    };
    let number = book.number();
    let request = request(chance, number, false);
    let whole = [request.head.into_bytes(), request.body].concat();
    let part = match chance.below(3) {
        0 => chance.below(whole.len() as u32) as usize,
        _ => whole.len(),
    };
    if client.send(&whole[..part]).is_ok() && part == whole.len() && chance.below(2) == 0 {
        let _ = client.receive_bytes(1);
    }
    let _ = client.reset();
}
