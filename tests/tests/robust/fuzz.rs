//! Mutated requests and configurations against the whole server, the same ones in each run: nothing
//! makes it crash or hang. The parsers by themselves are fuzzed in `server/src/fuzz.rs`.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::Client,
    differential::serve,
    host::{Host, Kind, PREAMBLE, Place, fill, printed, run},
    site::Site,
};

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// Changes a few bytes, or takes some from another text.
    fn mutate(&mut self, seeds: &[&str]) -> Vec<u8> {
        const ODD: &[u8] = b"\0\r\n\t /.%:;,-<>\"'\\{}()!&|=~0f\x7f\x80\xff";
        let mut bytes = seeds[self.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(5) {
                0 => bytes.insert(at, ODD[self.below(ODD.len())]),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 if at < bytes.len() => {
                    bytes.remove(at);
                }
                3 => {
                    let other = seeds[self.below(seeds.len())].as_bytes();
                    let from = self.below(other.len());
                    let part = other[from..].iter().take(40).copied();
                    bytes.splice(at..at, part.collect::<Vec<_>>());
                }
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
        bytes
    }
}

#[test]
fn mutated_requests_harm_nobody() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "a page\n".repeat(30))?;
    site.file(
        "page.shtml",
        "<!--#if expr=\"$QUERY_STRING = /a(b)/\" -->$1<!--#endif -->\n",
    )?;
    let configuration = serve(
        &site,
        "include rewrite alias mime negotiation deflate filter headers",
        "AddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\nTypesConfig /etc/mime.types\n\
         <Directory \"@SITE@\">\nOptions +Includes +MultiViews\n</Directory>\n\
         RewriteEngine on\nRewriteRule ^/r/(.*)/(.*)$ /$2/$1 [R,QSA]\n\
         <If \"%{REQUEST_URI} =~ m#^/e/(.+)# && %{req:X-A} in {'a','b'}\">\n\
         Header set X-Matched \"expr=%{tolower:%{req:Host}} $1\"\n</If>\n\
         AddOutputFilterByType DEFLATE text/plain\nTimeout 5\n",
    );
    let seeds = [
        "GET /page.html HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4,10-,-5\r\nIf-Range: \"x\"\r\n\r\n",
        "GET /page.shtml?ab HTTP/1.1\r\nHost: a:80\r\nConnection: keep-alive\r\nX: y\r\n z\r\n\r\n",
        "POST /page.html HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        "GET /r/a%2fb/%2e%2e/c?d=e HTTP/1.0\r\nAccept-Language: en;q=0.5, de\r\nAccept: */*;q=0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HEAD http://b.example:99/e/x HTTP/1.1\r\nHost: a\r\nX-A: a\r\nAccept-Encoding: gzip;q=1\r\n\r\n",
        "GET //a/./b/../../page.html HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\nIf-None-Match: W/\"a\", *\r\n\r\n",
    ];
    let host = Host::start(Kind::under_test(), &configuration)?;
    let children = host.children();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..2500 {
        let request = numbers.mutate(&seeds);
        let mut client = Client::connect(host.port())?;
        client.send(&request)?;
        // The server may have refused and reset it already.
        let _ = client.finish();
        let ended = client.receive_rest();
        ensure!(
            !ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
            "round {round} hangs: {}",
            request.escape_ascii()
        );
        ensure!(
            host.children().iter().any(|child| children.contains(child))
                && !host.messages().contains("exit signal"),
            "round {round}: {}\n{}",
            request.escape_ascii(),
            host.messages()
        );
    }
    Ok(())
}

#[test]
fn mutated_configurations_are_read_or_refused() -> Result<()> {
    let seeds = [
        "<VirtualHost 127.0.0.1:8080 [::1]:*>\nServerName a\nServerAlias b *.c\n</VirtualHost>\n",
        "<Directory ~ \"^/srv/(?<x>.*)$\">\nRequire expr %{REQUEST_URI} =~ /a(b)/\nAllowOverride AuthConfig\n</Directory>\n",
        "<If \"%{HTTP_HOST} == 'a' && (-n %{QUERY_STRING} || !(1 -lt 2))\">\nSetHandler none\n</If>\n",
        "Define name value\n<IfDefine !name>\nInclude conf/*.nothing\n</IfDefine>\nErrorDocument 404 \"${name} \\\n more\"\n",
        "<Location \"/a\">\n<Limit GET POST>\nRequire all denied\n</Limit>\nOptions +Indexes -ExecCGI\n</Location>\n",
        "LogFormat \"%h %>{x}i %!200,304{Referer}i %{%Y}t\" c\nCustomLog logs/x c env=!y\nListen 1234\nLimitRequestBody 10\n",
        "Mutex file:run default\nTimeout 10\nKeepAlive On\nRLimitCPU 1 max\nServerTokens Prod\nLogLevel info core:trace8\n",
    ];
    let place = Place::new()?;
    let file = place.path().join("conf/fuzz.conf");
    let preamble = fill(
        &format!("LoadModule authz_core_module @MODULES@/mod_authz_core.so\n{PREAMBLE}"),
        place.path(),
        &[],
    );
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..60 {
        let text = [preamble.as_bytes(), &numbers.mutate(&seeds)].concat();
        fs::write(&file, &text)?;
        let output = run(Command::new(Kind::under_test().program())
            .arg("-t")
            .arg("-d")
            .arg(place.path())
            .arg("-f")
            .arg(&file))?;
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "round {round}: {}\n{}\n{}",
            output.status,
            text.escape_ascii(),
            printed(&output)
        );
    }
    Ok(())
}
