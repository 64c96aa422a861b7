//! Digest authentication as RFC 7616 has it: nonces, counters, staleness, what the response covers,
//! and where the directives are refused. Each server's own nonce is answered.

use anyhow::{Context, Result};
use httpd_tests::{
    client::Answer,
    conversation::{Visitor, converse, filtered},
    differential::{Case, compare, load, serve},
    refusal::refuse_alike,
    site::Site,
};

/// What is random: nonces, and what is computed from them.
const HIDDEN: &[&str] = &[
    "nonce=\"",
    "rspauth=\"",
    "opaque=\"",
    "cnonce=\"",
    "response=\"",
];

fn md5(text: &str) -> Result<String> {
    let printed = filtered("md5sum", &[], text)?;
    Ok(printed.split(' ').next().unwrap_or_default().to_owned())
}

/// What a client knows and says.
#[derive(Clone)]
struct Login {
    user: &'static str,
    password: &'static str,
    realm: &'static str,
    nonce: String,
    opaque: Option<String>,
    count: u32,
    cnonce: &'static str,
    quality: &'static str,
    method: &'static str,
    path: &'static str,
    /// The path in the field, when it is not that of the request.
    claimed: Option<&'static str>,
    algorithm: Option<&'static str>,
}

impl Login {
    /// Alice's, to the challenge in `answer`.
    fn to(answer: &Answer) -> Result<Self> {
        let challenge = answer.field("WWW-Authenticate").context("no challenge")?;
        Ok(Self {
            user: "alice",
            password: "secret",
            realm: "garden",
            nonce: parameter(challenge, " nonce").context("no nonce")?,
            opaque: parameter(challenge, "opaque"),
            count: 1,
            cnonce: "0a4f113b",
            quality: "auth",
            method: "GET",
            path: "/digest/",
            claimed: None,
            algorithm: Some("MD5"),
        })
    }

    fn hash(&self, method: &str) -> Result<String> {
        let uri = self.claimed.unwrap_or(self.path);
        let one = md5(&format!("{}:{}:{}", self.user, self.realm, self.password))?;
        let two = md5(&format!("{method}:{uri}"))?;
        let middle = match self.quality {
            "" => String::new(),
            quality => format!("{:08x}:{}:{quality}:", self.count, self.cnonce),
        };
        md5(&format!("{one}:{}:{middle}{two}", self.nonce))
    }

    fn field(&self) -> Result<String> {
        let mut field = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"",
            self.user,
            self.realm,
            self.nonce,
            self.claimed.unwrap_or(self.path),
            self.hash(self.method)?
        );
        if let Some(algorithm) = self.algorithm {
            field += &format!(", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.opaque {
            field += &format!(", opaque=\"{opaque}\"");
        }
        if !self.quality.is_empty() {
            field += &format!(
                ", qop={}, nc={:08x}, cnonce=\"{}\"",
                self.quality, self.count, self.cnonce
            );
        }
        Ok(field)
    }

    /// Logs in under a name for the report.
    fn send(&self, visitor: &mut Visitor<'_>, name: &str) -> Result<Answer> {
        let mut case = Case::with(
            self.method,
            self.path,
            &[("Authorization", &self.field()?)],
            "",
        );
        name.clone_into(&mut case.name);
        let answer = visitor.exchange(&case);
        if let Some(info) = answer.field("Authentication-Info") {
            let right = parameter(info, "rspauth") == Some(self.hash("")?);
            visitor.note("the server knows the password too", &right.to_string());
        }
        Ok(answer)
    }
}

fn parameter(field: &str, name: &str) -> Option<String> {
    let (_, rest) = field.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn site() -> Result<Site> {
    let site = Site::new()?;
    for directory in ["digest", "other", "group", "brief", "plain", "ht"] {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
        site.file(&format!("{directory}/a b.html"), "a b\n")?;
    }
    let mut users = String::new();
    for (user, realm, password) in [
        ("alice", "garden", "secret"),
        ("alice", "house", "other"),
        ("bob", "garden", "hidden"),
    ] {
        users += &format!(
            "{user}:{realm}:{}\n",
            md5(&format!("{user}:{realm}:{password}"))?
        );
    }
    site.file("conf/digest", users)?;
    site.file("conf/group", "gardeners: bob carol\n")?;
    site.file(
        "ht/.htaccess",
        "AuthType Digest\nAuthName garden\nAuthDigestProvider file\nRequire valid-user\n",
    )?;
    Ok(site)
}

const CONFIGURATION: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
<Directory "@SITE@">
AuthUserFile "@SITE@/conf/digest"
AuthGroupFile "@SITE@/conf/group"
</Directory>
Header always set X-User "expr=%{REMOTE_USER}" "expr=-n %{REMOTE_USER}"
<Location /digest>
AuthType Digest
AuthName garden
AuthDigestProvider file
AuthDigestDomain /digest/ /other/
Require valid-user
</Location>
<Location /other>
AuthType Digest
AuthName house
Require valid-user
</Location>
<Location /group>
AuthType Digest
AuthName garden
Require group gardeners
</Location>
<Location /brief>
AuthType Digest
AuthName garden
AuthDigestNonceLifetime 0
Require valid-user
</Location>
<Location /plain>
AuthType Digest
AuthName garden
AuthDigestQop auth
AuthDigestAlgorithm MD5
AuthDigestNonceLifetime -1
Require valid-user
</Location>
<Directory "@SITE@/ht">
AllowOverride AuthConfig
</Directory>
"#;

const MODULES: &str =
    "dir mime authn_core authn_file auth_digest authz_user authz_groupfile headers";

#[test]
fn digest_exchanges() -> Result<()> {
    let site = site()?;
    converse(
        "auth_digest authn_file authn_core authz_groupfile",
        &serve(&site, MODULES, CONFIGURATION),
        HIDDEN,
        |_| Ok(()),
        |visitor| {
            let login = Login::to(&visitor.get("/digest/"))?;
            login.send(visitor, "logs in")?;
            Login {
                count: 2,
                ..login.clone()
            }
            .send(visitor, "again, counted")?;
            Login {
                count: 1,
                ..login.clone()
            }
            .send(visitor, "the counter goes back")?;
            let wrong: &[(&str, Login)] = &[
                (
                    "wrong password",
                    Login {
                        password: "secreT",
                        ..login.clone()
                    },
                ),
                (
                    "nobody",
                    Login {
                        user: "nobody",
                        ..login.clone()
                    },
                ),
                (
                    "another user",
                    Login {
                        user: "bob",
                        password: "hidden",
                        ..login.clone()
                    },
                ),
                (
                    "wrong realm",
                    Login {
                        realm: "house",
                        password: "other",
                        ..login.clone()
                    },
                ),
                (
                    "unknown realm",
                    Login {
                        realm: "attic",
                        ..login.clone()
                    },
                ),
                (
                    "wrong uri",
                    Login {
                        claimed: Some("/other/"),
                        ..login.clone()
                    },
                ),
                (
                    "uri with host",
                    Login {
                        claimed: Some("http://test.example/digest/"),
                        ..login.clone()
                    },
                ),
                (
                    "uri with other host",
                    Login {
                        claimed: Some("http://x.example/digest/"),
                        ..login.clone()
                    },
                ),
                (
                    "query not in the uri",
                    Login {
                        path: "/digest/?q=1",
                        claimed: Some("/digest/"),
                        ..login.clone()
                    },
                ),
                (
                    "uri with query",
                    Login {
                        path: "/digest/?q=1",
                        ..login.clone()
                    },
                ),
                (
                    "escaped path",
                    Login {
                        path: "/digest/a%20b.html",
                        ..login.clone()
                    },
                ),
                (
                    "unescaped uri",
                    Login {
                        path: "/digest/a%20b.html",
                        claimed: Some("/digest/a b.html"),
                        ..login.clone()
                    },
                ),
                (
                    "dots in the uri",
                    Login {
                        path: "/digest/",
                        claimed: Some("/digest/x/../"),
                        ..login.clone()
                    },
                ),
                (
                    "no algorithm",
                    Login {
                        algorithm: None,
                        ..login.clone()
                    },
                ),
                (
                    "session algorithm",
                    Login {
                        algorithm: Some("MD5-sess"),
                        ..login.clone()
                    },
                ),
                (
                    "unknown algorithm",
                    Login {
                        algorithm: Some("SHA-256"),
                        ..login.clone()
                    },
                ),
                (
                    "integrity",
                    Login {
                        quality: "auth-int",
                        ..login.clone()
                    },
                ),
                (
                    "no quality",
                    Login {
                        quality: "",
                        ..login.clone()
                    },
                ),
                (
                    "no opaque",
                    Login {
                        opaque: None,
                        ..login.clone()
                    },
                ),
                (
                    "wrong opaque",
                    Login {
                        opaque: Some("0123".into()),
                        ..login.clone()
                    },
                ),
                (
                    "made up nonce",
                    Login {
                        nonce: "bm9uY2U=".into(),
                        ..login.clone()
                    },
                ),
                (
                    "changed nonce",
                    Login {
                        nonce: format!(
                            "{}{}",
                            if login.nonce.starts_with('z') {
                                "y"
                            } else {
                                "z"
                            },
                            &login.nonce[1..]
                        ),
                        ..login.clone()
                    },
                ),
                (
                    "cut nonce",
                    Login {
                        nonce: login.nonce[..20].into(),
                        ..login.clone()
                    },
                ),
                (
                    "HEAD",
                    Login {
                        method: "HEAD",
                        ..login.clone()
                    },
                ),
                (
                    "OPTIONS",
                    Login {
                        method: "OPTIONS",
                        ..login.clone()
                    },
                ),
                (
                    "nonce of another realm",
                    Login {
                        path: "/other/",
                        realm: "house",
                        password: "other",
                        ..login.clone()
                    },
                ),
            ];
            for (name, login) in wrong {
                login.send(visitor, name)?;
            }
            let house = visitor.get("/other/");
            let house = Login {
                path: "/other/",
                realm: "house",
                password: "other",
                ..Login::to(&house)?
            };
            house.send(visitor, "the other realm")?;
            let group = Login {
                path: "/group/",
                ..Login::to(&visitor.get("/group/"))?
            };
            group.send(visitor, "not in the group")?;
            Login {
                user: "bob",
                password: "hidden",
                ..group
            }
            .send(visitor, "in the group")?;
            let brief = Login {
                path: "/brief/",
                ..Login::to(&visitor.get("/brief/"))?
            };
            let answer = brief.send(visitor, "a nonce for one request")?;
            brief.send(visitor, "used again")?;
            if let Some(next) = answer.field("Authentication-Info")
                && let Some(nonce) = parameter(next, "nextnonce")
            {
                Login { nonce, ..brief }.send(visitor, "the next nonce")?;
            }
            let plain = Login {
                path: "/plain/",
                ..Login::to(&visitor.get("/plain/"))?
            };
            plain.send(visitor, "quality")?;
            Login {
                quality: "",
                ..plain
            }
            .send(visitor, "as in RFC 2069")?;
            let ht = Login {
                path: "/ht/",
                ..Login::to(&visitor.get("/ht/"))?
            };
            ht.send(visitor, "told in .htaccess")?;
            let ht = Login {
                path: "/ht/nothing",
                ..ht
            };
            ht.send(visitor, "a missing document")?;
            Ok(())
        },
    )
}

#[test]
fn malformed_authorization() -> Result<()> {
    let site = site()?;
    converse(
        "auth_digest",
        &serve(&site, MODULES, CONFIGURATION),
        HIDDEN,
        |_| Ok(()),
        |visitor| {
            for value in [
                "Digest",
                "digest",
                "Digest ",
                "Digest username",
                "Digest username=\"alice",
                "Digest username=alice, realm=garden, nonce=x, uri=/digest/, response=0",
                "Digest username=\"a\\\"b\", realm=\"garden\", nonce=\"x\", uri=\"/digest/\", response=\"0\"",
                "Digest username=\"\", realm=\"\", nonce=\"\", uri=\"\", response=\"\"",
                "Digest =,=,=",
                "Digest username=\"alice\", realm=\"garden\", uri=\"/digest/\", response=\"00000000000000000000000000000000\"",
                "Digest username=\"alice\", realm=\"garden\", nonce=\"x\", uri=\"/digest/\", response=\"0\", qop=auth, cnonce=\"x\"",
                "Digest username=\"alice\", realm=\"garden\", nonce=\"x\", uri=\"/digest/\", response=\"0\", qop=auth, nc=zzzzzzzz, cnonce=\"x\"",
                "Digest username=\"alice\", realm=\"garden\", nonce=\"x\", uri=\"%zz\", response=\"0\"",
                "Basic YWxpY2U6c2VjcmV0",
                "Bearer x",
            ] {
                visitor.send("GET", "/digest/", &[("Authorization", value)], "");
            }
            visitor.send(
                "GET",
                "http://test.example/digest/",
                &[("Proxy-Authorization", "Digest username=\"alice\"")],
                "",
            );
            Ok(())
        },
    )
}

#[test]
fn nothing_without_a_realm() -> Result<()> {
    let site = site()?;
    let configuration = serve(
        &site,
        MODULES,
        "TypesConfig /etc/mime.types\n<Location /digest>\nAuthType Digest\nAuthUserFile \"@SITE@/conf/digest\"\nRequire valid-user\n</Location>\n\
         <Location /plain>\nAuthType Digest\nAuthName x\nAuthUserFile \"@SITE@/none\"\nAuthDigestProvider file\nRequire valid-user\n</Location>\n\
         <Location /other>\nAuthType Nonsense\nAuthName x\nRequire valid-user\n</Location>\n\
         <Location /group>\nAuthType None\nRequire valid-user\n</Location>\n",
    );
    let cases = ["/digest/", "/other/", "/group/"];
    let mut cases: Vec<Case> = cases.into_iter().map(Case::get).collect();
    cases.push(Case::get_with(
        "/digest/",
        &[("Authorization", "Digest username=\"alice\"")],
    ));
    compare("auth_digest authn_core", &configuration, &cases)
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "auth_digest",
        &load("authz_core authn_core auth_digest"),
        &[
            "<Location />\nAuthDigestQop none\n</Location>",
            "<Location />\nAuthDigestQop auth-int\n</Location>",
            "<Location />\nAuthDigestAlgorithm MD5-sess\n</Location>",
            "<Location />\nAuthDigestAlgorithm SHA\n</Location>",
            "<Location />\nAuthDigestNonceLifetime soon\n</Location>",
            "<Location />\nAuthDigestNonceFormat x\n</Location>",
            "<Location />\nAuthDigestProvider nobody\n</Location>",
            "AuthDigestShmemSize 4",
            "AuthDigestShmemSize 1000000000000000",
            "AuthDigestShmemSize x",
            "<Location />\nAuthDigestShmemSize 64K\n</Location>",
            "AuthName x",
        ],
    )
}
