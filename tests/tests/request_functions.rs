//! Functions that need a request answer as Apache's do: expressions (parsed, evaluated, and what is
//! said about malformed ones), cookies, bodies that are XML, forms.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare},
    host::Place,
    modules::{compile, source},
    site::Site,
};

const FIELDS: &[(&str, &str)] = &[
    ("User-Agent", "tester/1.0"),
    ("X-Test", "value"),
    ("Cookie", "a=b"),
    ("Accept", "*/*"),
];

#[test]
fn functions_of_requests_answer_as_apaches_do() -> Result<()> {
    let place = Place::new()?;
    let module = compile(&source("mod_request_cases.c"), place.path())?;
    let site = Site::new()?;
    let configuration = format!(
        "LoadModule request_cases_module {}\nListen 127.0.0.1:@PORT@\nDocumentRoot \"{}\"\n\
         UseCanonicalName On\nLimitXMLRequestBody 2000\n\
         <Location /cases>\nSetHandler request-cases\n</Location>\n\
         <Location /denied>\nRequire all denied\n</Location>\n",
        module.display(),
        site.path().display(),
    );
    let post = |query: &str, kind, body: &str| {
        let mut case = Case::with(
            "POST",
            &format!("/cases?{query}"),
            &[("Content-Type", kind)],
            body,
        );
        case.name = format!("{query} {:.60}", body);
        case
    };
    let mut cases = vec![
        Case::get_with("/cases/expr?expr", FIELDS),
        Case::get_with("/cases?cookies", FIELDS),
        Case::get("/cases?xml"),
        Case::get("/cases?form"),
        Case::raw(
            "XML in chunks",
            "POST /cases?xml HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n4\r\n<a><\r\n7\r\nb/></a>\r\n0\r\n\r\n",
        ),
    ];
    let long = "x".repeat(3000);
    for body in [
        "<a/>",
        "<?xml version=\"1.0\"?><D:a xmlns:D=\"DAV:\" xml:lang=\"de\"><D:b x=\"1\">t&amp;u</D:b></D:a>",
        "<a>",
        "no xml",
        "<a></b>",
        "<a xmlns:x=\"y\"><z:b/></a>",
        &format!("<a>{long}</a>"),
    ] {
        cases.push(post("xml", "text/xml", body));
    }
    let form = "application/x-www-form-urlencoded";
    let (value, name) = (
        format!("a={}", "x".repeat(9000)),
        format!("{}=1", "x".repeat(9000)),
    );
    for body in [
        "a=1&b=2",
        "a",
        "a=",
        "=b",
        "a=1&&b",
        "a+b=c%20d%26",
        "a=1&",
        "a=1&a=2",
        "a=%00",
        "a=b=c",
        "&",
        "a;b=c",
        "n=%e4",
        &value,
        &name,
    ] {
        for query in ["form", "form1", "form2"] {
            cases.push(post(query, form, body));
        }
    }
    cases.push(post("form", "text/plain", "a=b"));
    cases.push(post("form", &format!("{form}; charset=x"), "a=b"));
    compare("core", &configuration, &cases)
}
