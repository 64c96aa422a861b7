//! Who may: basic authentication, `Require` in its forms and combinations.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn access_and_authentication() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "open", "basic", "group", "ip", "any", "none", "env", "method", "ht",
    ] {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    // alice: secret, bob: hidden (htpasswd's -s form)
    let passwords = site.file(
        "conf/passwords",
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n",
    )?;
    site.file(
        "ht/.htaccess",
        format!(
            "AuthType Basic\nAuthName ht\nAuthUserFile {}\nRequire user bob\n",
            passwords.display()
        ),
    )?;
    let configuration = serve(
        &site,
        "dir mime authn_core authn_file auth_basic authz_host authz_user env setenvif",
        &r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
SetEnvIf User-Agent "Friend" friendly
<Directory "@SITE@/ht">
AllowOverride AuthConfig
</Directory>
<Location /basic>
AuthType Basic
AuthName "Members only"
AuthUserFile "@PASSWORDS@"
Require valid-user
</Location>
<Location /group>
AuthType Basic
AuthName "Alice's"
AuthUserFile "@PASSWORDS@"
Require user alice
</Location>
<Location /ip>
Require ip 10.0.0.0/8
</Location>
<Location /any>
AuthType Basic
AuthName any
AuthUserFile "@PASSWORDS@"
<RequireAny>
Require ip 127.0.0.1
Require valid-user
</RequireAny>
</Location>
<Location /none>
<RequireAll>
Require all granted
<RequireNone>
Require method POST
Require expr %{QUERY_STRING} == "no"
</RequireNone>
</RequireAll>
</Location>
<Location /env>
Require env friendly
</Location>
<Location /method>
Require method GET HEAD
</Location>
"#
        .replace("@PASSWORDS@", &passwords.display().to_string()),
    );
    let alice = ("Authorization", "Basic YWxpY2U6c2VjcmV0");
    let bob = ("Authorization", "Basic Ym9iOmhpZGRlbg==");
    let wrong = ("Authorization", "Basic YWxpY2U6d3Jvbmc=");
    let mut cases = Vec::new();
    for path in [
        "/open/", "/basic/", "/group/", "/ip/", "/any/", "/none/", "/env/", "/method/", "/ht/",
    ] {
        cases.push(Case::get(path));
        for authorization in [alice, bob, wrong] {
            cases.push(Case::get_with(path, &[authorization]));
        }
    }
    for authorization in [
        "Basic",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Bearer x",
        "basic YWxpY2U6c2VjcmV0",
    ] {
        cases.push(Case::get_with(
            "/basic/",
            &[("Authorization", authorization)],
        ));
    }
    cases.push(Case::get_with("/env/", &[("User-Agent", "A Friend")]));
    cases.push(Case::get("/none/?no"));
    cases.push(Case::with("POST", "/none/", &[], "x"));
    cases.push(Case::with("OPTIONS", "/method/", &[], ""));
    cases.push(Case::get("/ht/.htaccess"));
    compare(
        "authn_core authn_file auth_basic authz_core authz_host authz_user setenvif",
        &configuration,
        &cases,
    )
}
