//! Users in a directory: how they are searched for and bound, what they are required to be, what is
//! told of them, and the cache of the answers. The directory is slapd's.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    conversation::{basic, converse, filtered},
    daemon::Daemon,
    differential::serve,
    site::Site,
};

/// The directory: three people, one of them below another unit, and three groups, one in another.
const ENTRIES: &str = "\
dn: dc=test,dc=example
objectClass: dcObject
objectClass: organization
dc: test
o: Test

dn: ou=people,dc=test,dc=example
objectClass: organizationalUnit
ou: people

dn: ou=far,ou=people,dc=test,dc=example
objectClass: organizationalUnit
ou: far

dn: uid=alice,ou=people,dc=test,dc=example
objectClass: inetOrgPerson
uid: alice
cn: Alice A.
sn: A
mail: alice@test.example
mail: a@test.example
employeeType: gardener
telephoneNumber: 1
userPassword: secret

dn: uid=bob,ou=people,dc=test,dc=example
objectClass: inetOrgPerson
uid: bob
cn: Bob (B*)
sn: B
employeeType: cook
userPassword: hidden

dn: uid=carol,ou=far,ou=people,dc=test,dc=example
objectClass: inetOrgPerson
uid: carol
cn: Carol
sn: C
userPassword: three

dn: uid=twin,ou=people,dc=test,dc=example
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: T
userPassword: one

dn: uid=twin,ou=far,ou=people,dc=test,dc=example
objectClass: inetOrgPerson
uid: twin
cn: Other Twin
sn: T
userPassword: two

dn: cn=staff,dc=test,dc=example
objectClass: groupOfNames
cn: staff
member: uid=alice,ou=people,dc=test,dc=example
member: cn=inner,dc=test,dc=example

dn: cn=inner,dc=test,dc=example
objectClass: groupOfNames
cn: inner
member: uid=carol,ou=far,ou=people,dc=test,dc=example

dn: cn=unix,dc=test,dc=example
objectClass: posixGroup
cn: unix
gidNumber: 100
memberUid: bob
";

/// A directory of its own, filled and running.
fn directory() -> Result<(Site, Daemon)> {
    let place = Site::new()?;
    std::fs::create_dir(place.path().join("data"))?;
    let at = place.path().display();
    let mut text = String::new();
    for schema in ["core", "cosine", "inetorgperson", "nis"] {
        let _ = writeln!(text, "include /etc/ldap/schema/{schema}.schema");
    }
    let _ = write!(
        text,
        "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {at}/pid\nallow bind_v2\n\
         database mdb\nmaxsize 10485760\nsuffix dc=test,dc=example\ndirectory {at}/data\n\
         rootdn cn=root,dc=test,dc=example\nrootpw top\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to attrs=telephoneNumber by self read by dn=uid=bob,ou=people,dc=test,dc=example read by * none\n\
         access to * by * read\n"
    );
    let file = place.file("slapd.conf", text)?.display().to_string();
    filtered("/usr/sbin/slapadd", &["-f", &file], ENTRIES)?;
    let daemon = Daemon::start(
        "/usr/sbin/slapd",
        &["-f", &file, "-h", "ldap://127.0.0.1:@PORT@/", "-d", "0"],
    )?;
    Ok((place, daemon))
}

#[test]
fn users_in_a_directory() -> Result<()> {
    let (_place, daemon) = directory()?;
    let below = "/ou=people,dc=test,dc=example";
    let list = [
        (
            "user",
            format!("AuthLDAPURL URL{below}?uid?sub\nRequire valid-user"),
        ),
        (
            "one",
            format!("AuthLDAPURL URL{below}?uid?one\nRequire valid-user"),
        ),
        (
            "filter",
            format!("AuthLDAPURL URL{below}?uid?sub?(employeeType=cook)\nRequire valid-user"),
        ),
        (
            "byname",
            format!("AuthLDAPURL URL{below}?cn\nRequire valid-user"),
        ),
        (
            "attributes",
            format!(
                "AuthLDAPURL URL{below}?uid,mail,telephoneNumber\nAuthLDAPRemoteUserAttribute mail\nRequire valid-user"
            ),
        ),
        (
            "prefix",
            format!(
                "AuthLDAPURL URL{below}?uid,cn,employeeType\nAuthLDAPAuthorizePrefix WHO_\nRequire valid-user"
            ),
        ),
        (
            "dnuser",
            format!("AuthLDAPURL URL{below}?uid\nAuthLDAPRemoteUserIsDN On\nRequire valid-user"),
        ),
        (
            "bind",
            format!(
                "AuthLDAPURL URL{below}?uid,telephoneNumber\nAuthLDAPBindDN cn=root,dc=test,dc=example\nAuthLDAPBindPassword top\nRequire valid-user"
            ),
        ),
        (
            "bindexec",
            format!(
                "AuthLDAPURL URL{below}?uid,telephoneNumber\nAuthLDAPBindDN cn=root,dc=test,dc=example\nAuthLDAPBindPassword \"exec:/bin/echo top\"\nRequire valid-user"
            ),
        ),
        (
            "bindwrong",
            format!(
                "AuthLDAPURL URL{below}?uid\nAuthLDAPBindDN cn=root,dc=test,dc=example\nAuthLDAPBindPassword bottom\nRequire valid-user"
            ),
        ),
        (
            "initial",
            format!(
                "AuthLDAPURL URL{below}?uid\nAuthLDAPInitialBindAsUser On\nAuthLDAPInitialBindPattern (.+) uid=$1,ou=people,dc=test,dc=example\nAuthLDAPSearchAsUser On\nAuthLDAPCompareAsUser On\nRequire ldap-attribute telephoneNumber=1"
            ),
        ),
        (
            "named",
            format!("AuthLDAPURL URL{below}?uid\nRequire ldap-user alice \"carol\""),
        ),
        (
            "dn",
            format!(
                "AuthLDAPURL URL{below}?uid\nRequire ldap-dn uid=alice, ou=people, dc=test, dc=example"
            ),
        ),
        (
            "group",
            format!("AuthLDAPURL URL{below}?uid\nRequire ldap-group cn=staff,dc=test,dc=example"),
        ),
        (
            "nested",
            format!(
                "AuthLDAPURL URL{below}?uid\nAuthLDAPMaxSubGroupDepth 2\nAuthLDAPSubGroupAttribute member\nAuthLDAPSubGroupClass groupOfNames\nRequire ldap-group cn=staff,dc=test,dc=example"
            ),
        ),
        (
            "unix",
            format!(
                "AuthLDAPURL URL{below}?uid\nAuthLDAPGroupAttribute memberUid\nAuthLDAPGroupAttributeIsDN Off\nRequire ldap-group cn=unix,dc=test,dc=example"
            ),
        ),
        (
            "attribute",
            format!(
                "AuthLDAPURL URL{below}?uid\nRequire ldap-attribute employeeType=gardener mail=\"c@test.example\""
            ),
        ),
        (
            "ldapfilter",
            format!("AuthLDAPURL URL{below}?uid\nRequire ldap-filter |(employeeType=cook)(sn=C)"),
        ),
        (
            "search",
            format!(
                "AuthLDAPURL URL{below}?uid\nRequire ldap-search (&(objectClass=inetOrgPerson)(uid=%{{unescape:%{{QUERY_STRING}}}}))"
            ),
        ),
        (
            "expr",
            format!("AuthLDAPURL URL{below}?uid\nRequire ldap-user %{{QUERY_STRING}}"),
        ),
        (
            "nobase",
            "AuthLDAPURL URL/dc=nowhere?uid\nRequire valid-user".to_owned(),
        ),
        (
            "down",
            format!("AuthLDAPURL ldap://127.0.0.1:9{below}?uid\nRequire valid-user"),
        ),
        (
            "nocompare",
            format!(
                "AuthLDAPURL URL{below}?uid\nAuthLDAPCompareDNOnServer Off\nAuthLDAPBindAuthoritative Off\nRequire ldap-dn UID=alice,OU=people,DC=test,DC=example"
            ),
        ),
    ];
    let site = Site::new()?;
    let mut text = String::from(
        "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nLDAPRetries 0\nLDAPConnectionTimeout 5\n\
         Header always set X-User \"expr=%{REMOTE_USER}\" \"expr=-n %{REMOTE_USER}\"\n",
    );
    for name in [
        "AUTHENTICATE_MAIL",
        "AUTHENTICATE_TELEPHONENUMBER",
        "AUTHENTICATE_UID",
        "WHO_CN",
        "WHO_EMPLOYEETYPE",
        "AUTHORIZE_UID",
        "AUTHORIZE_EMPLOYEETYPE",
    ] {
        let _ = writeln!(
            text,
            "Header always set X-{name} \"expr=%{{reqenv:{name}}}\" \"expr=-n reqenv('{name}')\""
        );
    }
    for (path, lines) in &list {
        site.file(&format!("{path}/index.html"), format!("{path}\n"))?;
        let lines = lines.replace("URL/", &format!("ldap://127.0.0.1:{}/", daemon.port()));
        let lines = lines
            .replacen("AuthLDAPURL ", "AuthLDAPURL \"", 1)
            .replacen('\n', "\"\n", 1);
        let _ = write!(
            text,
            "<Location /{path}>\nAuthType Basic\nAuthName {path}\nAuthBasicProvider ldap\n{lines}\n</Location>\n"
        );
    }
    for cache in [
        "",
        "LDAPCacheEntries 0\nLDAPOpCacheEntries 0\n",
        "LDAPSharedCacheSize 0\nLDAPConnectionPoolTTL 0\n",
    ] {
        let configuration = serve(
            &site,
            "dir mime headers env authn_core auth_basic authz_user ldap authnz_ldap",
            &format!("{cache}{text}"),
        );
        let few = if cache.is_empty() { list.len() } else { 2 };
        converse(
            "authnz_ldap ldap",
            &configuration,
            &[],
            |_| Ok(()),
            |visitor| {
                visitor.note("with", cache);
                for (path, _) in &list[..few] {
                    visitor.get(&format!("/{path}/"));
                    for (user, password) in [
                        ("alice", "secret"),
                        ("alice", "wrong"),
                        ("alice", ""),
                        ("ALICE", "secret"),
                        ("bob", "hidden"),
                        ("Bob (B*)", "hidden"),
                        ("carol", "three"),
                        ("twin", "one"),
                        ("nobody", "x"),
                        ("a*", "secret"),
                        ("alice)(uid=*", "secret"),
                        ("alice", "secret"),
                    ] {
                        let login = basic(user, password);
                        visitor.send(
                            "GET",
                            &format!("/{path}/?alice"),
                            &[("Authorization", &login)],
                            "",
                        );
                    }
                }
                Ok(())
            },
        )?;
    }
    Ok(())
}
