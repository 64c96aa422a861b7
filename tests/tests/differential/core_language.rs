//! The language of configurations: variables, quoting and continued lines, conditions that are decided
//! when the file is read, included files, and the options of regular expressions.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

/// Pieces of configuration that leave marks with `@MARK@ value`; each piece has a page of its own,
/// whose answer shows the marks.
fn compare_pieces(site: &Site, modules: &str, pieces: &[&str]) -> Result<()> {
    let mut more = String::new();
    let mut cases = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let _ = writeln!(
            more,
            "{}",
            piece.replace("@MARK@", &format!("Header append X-Mark-{number}"),)
        );
    }
    // One answer shows all marks; a case for each keeps the report readable.
    let _ = write!(
        more,
        "AliasMatch ^/page/ \"@SITE@/doc.txt\"\nHeader unset Last-Modified\n"
    );
    for (number, piece) in pieces.iter().enumerate() {
        let mut unset = String::new();
        for other in 0..pieces.len() {
            if other != number {
                let _ = writeln!(unset, "Header unset X-Mark-{other}");
            }
        }
        let _ = write!(more, "<Location /page/{number}>\n{unset}</Location>\n");
        let mut case = Case::get(&format!("/page/{number}"));
        case.name = (*piece).to_owned();
        cases.push(case);
    }
    compare(
        "core",
        &serve(site, &format!("alias headers {modules}"), &more),
        &cases,
    )
}

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    Ok(site)
}

#[test]
fn variables() -> Result<()> {
    compare_pieces(
        &site()?,
        "",
        &[
            "Define A one\n@MARK@ ${A}",
            "Define B\n@MARK@ \"[${B}]\"",
            "Define C x\nDefine C y\n@MARK@ ${C}",
            "Define D x\nUnDefine D\n@MARK@ ${D}",
            "UnDefine NEVER\n@MARK@ ok",
            "@MARK@ ${UNDEFINED_NAME}",
            "@MARK@ \"a ${UNDEFINED_NAME} b\"",
            "Define E \"two words\"\n@MARK@ \"${E}\"",
            "Define F two\n@MARK@ ${F}${F}-${F}",
            "Define G name\nDefine name value\n@MARK@ ${${G}}",
            "@MARK@ ${map:${A}}",
            "@MARK@ ${map:x}${A}",
            "@MARK@ \"${no ${A} ${F}\"",
            "@MARK@ ${A}}${F}",
            "@MARK@ $A",
            "@MARK@ ${A",
            "@MARK@ \"$${A}\"",
            "@MARK@ ${}",
            "@MARK@ \"${A:x}\"",
            "@MARK@ \"${a}\"",
            "Define H Header\n${H} append X-Mark-17 seen",
            "Define I /page\n<Location ${I}>\n@MARK@ located\n</Location>",
            "Define J ${A}-${F}\n@MARK@ ${J}",
            "<IfDefine NOT_SET>\nDefine K inner\n</IfDefine>\n@MARK@ \"${K}\"",
            "<IfDefine A>\nDefine L inner\n</IfDefine>\n@MARK@ ${L}",
            "<VirtualHost 127.0.0.9:1>\nDefine M host\n</VirtualHost>\n@MARK@ ${M}",
            "Define N %{REQUEST_METHOD}\n@MARK@ \"expr=${N}\"",
            "@MARK@ \"${PATH_THAT_IS_NOT_SET}\"",
            "Define P ''\n@MARK@ \"[${P}]\"",
            "Define q.r-s_t 1\n@MARK@ ${q.r-s_t}",
        ],
    )
}

#[test]
fn lines_and_quotes() -> Result<()> {
    compare_pieces(
        &site()?,
        "",
        &[
            "@MARK@ plain",
            "   @MARK@    spaced   ",
            "\t@MARK@\ttabbed\t",
            "@MARK@ \"double quoted\"",
            "@MARK@ 'single quoted'",
            "@MARK@ \"it's\"",
            "@MARK@ 'say \"hi\"'",
            "@MARK@ \"say \\\"hi\\\"\"",
            "@MARK@ 'it\\'s'",
            "@MARK@ back\\slash",
            "@MARK@ \"back\\slash\"",
            "@MARK@ \"back\\\\slash\"",
            "@MARK@ \"end\\\\\"",
            "@MARK@ a\"b\"c",
            "@MARK@ \\\n continued",
            "@MARK@ \"continued \\\nin quotes\"",
            "@MARK@ joi\\\nned",
            "# @MARK@ comment\n@MARK@ behind",
            "# comment \\\n@MARK@ part of it\n@MARK@ after",
            "@MARK@ a#b",
            "@MARK@ \"# no comment\"",
            "@MARK@ x\n\n\n@MARK@ y",
            "@MARK@ caf\u{e9}",
            "hEaDeR append X-Mark-25 case",
            "<IFDEFINE NOT_SET>\n</ifdefine>\n@MARK@ ok",
            "<Location    /page   >\n@MARK@ blanks\n</Location>   ",
            "<Location \"/page\">\n@MARK@ quoted\n</Location>",
            "<Location '/page'>\n@MARK@ single\n</Location>",
            "  <Location /page>\n  @MARK@ indented\n  </Location>",
            "@MARK@ \"\\n\"",
            "@MARK@ \"tab\there\"",
        ],
    )
}

#[test]
fn conditions_on_what_there_is() -> Result<()> {
    let mut pieces: Vec<String> = [
        "<IfModule mod_headers.c>\n@MARK@ file\n</IfModule>",
        "<IfModule headers_module>\n@MARK@ identifier\n</IfModule>",
        "<IfSection !Proxy>\n@MARK@ noproxy\n</IfSection>",
        "<Directory /none>\n<IfModule no_such>\nNoSuch\n</IfModule>\n<IfDefine NOT>\nNoSuch\n</IfDefine>\n</Directory>\n@MARK@ section",
        "<IfModule !headers_module>\n@MARK@ no\n</IfModule>",
        "<IfModule !no_such_module>\n@MARK@ yes\n</IfModule>",
        "<IfModule no_such_module>\nNoSuchDirective\n</IfModule>\n@MARK@ skipped",
        "<IfModule core.c>\n@MARK@ core\n</IfModule>",
        "<IfModule http_core.c>\n@MARK@ http\n</IfModule>",
        "<IfModule mod_so.c>\n@MARK@ so\n</IfModule>",
        "<IfModule unixd_module>\n@MARK@ unixd\n</IfModule>",
        "<IfModule mpm_event_module>\n@MARK@ event\n</IfModule>",
        "<IfModule event.c>\n@MARK@ event\n</IfModule>",
        "<IfModule mod_mpm_event.c>\n@MARK@ event\n</IfModule>",
        "<IfModule mpm_prefork_module>\n@MARK@ prefork\n</IfModule>",
        "<IfModule prefork.c>\n@MARK@ prefork\n</IfModule>",
        "<IfModule MOD_HEADERS.C>\n@MARK@ case\n</IfModule>",
        "<IfModule log_config_module>\n<IfModule mod_logio.c>\n@MARK@ nested\n</IfModule>\n</IfModule>",
        "<IfDefine SET>\n@MARK@ no\n</IfDefine>\nDefine SET\n<IfDefine SET>\n@MARK@ yes\n</IfDefine>",
        "<IfDefine !SET>\n@MARK@ no\n</IfDefine>\nUnDefine SET\n<IfDefine !SET>\n@MARK@ unset\n</IfDefine>",
        "<IfDefine set>\n@MARK@ case\n</IfDefine>",
        "<IfDefine NOT>\n<IfDefine ALSO>\n</IfDefine>\n@MARK@ no\n</IfDefine>\n@MARK@ end",
        "<IfFile /etc/passwd>\n@MARK@ file\n</IfFile>",
        "<IfFile \"/etc\">\n@MARK@ directory\n</IfFile>",
        "<IfFile /no/such>\n@MARK@ no\n</IfFile>",
        "<IfFile !/no/such>\n@MARK@ not\n</IfFile>",
        "<IfFile conf/httpd.conf>\n@MARK@ relative\n</IfFile>",
        "<VirtualHost 127.0.0.9:1>\n<IfModule headers_module>\nDefine SEEN yes\n</IfModule>\n</VirtualHost>\n@MARK@ ${SEEN}",
        "<VirtualHost 127.0.0.9:1>\n<IfModule no_such_module>\nDefine UNSEEN yes\n</IfModule>\n</VirtualHost>\n@MARK@ ${UNSEEN}",
        "<Directory /x>\n<IfModule alias_module>\nDefine INDIR yes\n</IfModule>\n</Directory>\n@MARK@ ${INDIR}",
        "<IfDirective Header>\n@MARK@ known\n</IfDirective>",
        "<IfDirective header>\n@MARK@ case\n</IfDirective>",
        "<IfDirective NoSuch>\n@MARK@ no\n</IfDirective>",
        "<IfDirective !NoSuch>\n@MARK@ not\n</IfDirective>",
        "<IfDirective SSLEngine>\n@MARK@ ssl\n</IfDirective>",
        "<IfDirective <Directory>\n@MARK@ section\n</IfDirective>",
        "<IfSection Directory>\n@MARK@ section\n</IfSection>",
        "<IfSection <Directory>\n@MARK@ section\n</IfSection>",
        "<IfSection Header>\n@MARK@ directive\n</IfSection>",
        "<IfSection VirtualHost>\n@MARK@ host\n</IfSection>",
    ]
    .iter()
    .map(|&piece| piece.to_owned())
    .collect();
    for version in [
        "2.4.71",
        "= 2.4.71",
        "== 2.4.71",
        "> 2.4",
        "> 2.4.71",
        ">= 2.4",
        ">= 2.4.71",
        ">= 2.5",
        "< 2.4",
        "< 2.4.72",
        "<= 2.4.71",
        "<= 2.4.70",
        "< 3",
        "> 1",
        "= 2.4",
        "= /^2\\.4\\./",
        "~ ^2\\.4\\.[0-9]+$",
        "/^2.4/",
        "!= 2.4.71",
        "!> 2.4",
        "!~ ^2.5",
        ">= 2.4.100",
        "> 2",
        "= /x/",
        "~ ^2",
    ] {
        pieces.push(format!(
            "<IfVersion {version}>\n@MARK@ yes\n</IfVersion>\n@MARK@ end"
        ));
    }
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    compare_pieces(&site()?, "", &pieces)
}

#[test]
fn included_files() -> Result<()> {
    let site = site()?;
    let mark = |text: &str| format!("Header append X-Mark-${{NUMBER}} {text}\n");
    for name in [
        "10-a.conf",
        "20-b.conf",
        "15-c.conf",
        "x.txt",
        "sub/deep.conf",
        "sub/more/deepest.conf",
    ] {
        site.file(&format!("inc/{name}"), mark(name))?;
    }
    site.file("dirs/one/site.conf", mark("one"))?;
    site.file("dirs/two/site.conf", mark("two"))?;
    site.file("dirs/two/other.txt", "NoSuch\n")?;
    site.file(
        "nested.conf",
        mark("outer")
            + "Include \"@INC@/inc/10-a.conf\"\n"
                .replace("@INC@", &site.path().display().to_string())
                .as_str()
            + &mark("end"),
    )?;
    site.file("noeol.conf", mark("noeol").trim_end())?;
    site.file("empty.conf", "")?;
    site.file(
        "section.conf",
        format!("<Location /page>\n{}</Location>\n", mark("section")),
    )?;
    site.file("crlf.conf", mark("crlf").replace('\n', "\r\n"))?;
    site.file("define.conf", "Define INCLUDED yes\n")?;
    let pieces = [
        "Include \"@SITE@/inc/10-a.conf\"",
        "Include \"@SITE@/inc/*.conf\"",
        "Include @SITE@/inc/[12]*",
        "Include @SITE@/dirs/*/site.conf",
        "Include @SITE@/dirs/t*/*.conf",
        "Include @SITE@/inc/sub/",
        "IncludeOptional @SITE@/inc/none*.conf",
        "IncludeOptional @SITE@/none/none.conf",
        "IncludeOptional @SITE@/inc/20-b.conf",
        "IncludeOptional @SITE@/none/*/x.conf",
        "Include @SITE@/nested.conf",
        "Include @SITE@/noeol.conf\n@MARK@ next",
        "Include @SITE@/empty.conf\n@MARK@ empty",
        "Include @SITE@/section.conf",
        "<Location /page>\nInclude @SITE@/inc/15-c.conf\n@MARK@ behind\n</Location>",
        "Include @SITE@/crlf.conf",
        "Include @SITE@/define.conf\n@MARK@ ${INCLUDED}",
        "<IfDefine NOT>\nInclude @SITE@/no-such-file\n</IfDefine>\n@MARK@ skipped",
        "Include @SITE@/inc/../inc/10-a.conf",
        "<Location /page>\nIncludeOptional @SITE@/none/*.conf\n@MARK@ section\n</Location>",
    ];
    let numbered: Vec<String> = pieces
        .iter()
        .enumerate()
        .map(|(number, piece)| format!("Define NUMBER {number}\n{piece}"))
        .collect();
    let pieces: Vec<&str> = numbered.iter().map(String::as_str).collect();
    compare_pieces(&site, "", &pieces)
}

#[test]
fn options_of_regular_expressions() -> Result<()> {
    let section = |regex: &str, name: &str| {
        format!("<LocationMatch \"{regex}\">\nHeader append X-Matched {name}\n</LocationMatch>\n")
    };
    let site = site()?;
    let mut cases = Vec::new();
    for path in [
        "/doc.txt",
        "/DOC.TXT",
        "/a%0Ab",
        "/doc.txt%0A",
        "/x%0Ay/doc",
    ] {
        cases.push(Case::get(path));
    }
    for options in [
        "",
        "RegexDefaultOptions ICASE",
        "RegexDefaultOptions +ICASE",
        "RegexDefaultOptions none",
        "RegexDefaultOptions -DOTALL",
        "RegexDefaultOptions ICASE DOTALL",
        "RegexDefaultOptions DOTALL ICASE",
        "RegexDefaultOptions ICASE +DOTALL",
        "RegexDefaultOptions -DOTALL +ICASE",
        "RegexDefaultOptions +DOLLAR_ENDONLY",
        "RegexDefaultOptions -DOLLAR_ENDONLY",
        "RegexDefaultOptions none\nRegexDefaultOptions +ICASE",
    ] {
        let mut more = format!("{options}\nAliasMatch . \"@SITE@/doc.txt\"\n");
        for (regex, name) in [
            ("^/doc", "lower"),
            ("TXT$", "upper"),
            ("a.b", "dot"),
            ("txt$", "dollar"),
            ("/ d o c # comment", "extended"),
            ("(?i)DOC", "inline"),
            ("(?-i)DOC", "inline-off"),
            ("^y", "multiline"),
        ] {
            more += &section(regex, name);
        }
        compare("core", &serve(&site, "alias headers", &more), &cases)
            .map_err(|error| error.context(options))?;
    }
    Ok(())
}
