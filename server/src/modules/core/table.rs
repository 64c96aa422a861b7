//! The core's directives: names, where they may stand, what they take. `httpd-rs -L` shows it.

use httpd_sys::{
    self as sys, ACCESS_CONF, EXEC_ON_READ, OR_ALL, OR_AUTHCFG, OR_FILEINFO, OR_LIMIT, OR_OPTIONS,
    RSRC_CONF,
};

use super::{
    command::{Commands, END, command},
    directives::{
        conditions::{self, kind},
        content, limits, logging, overrides, protocol, sections, server,
    },
};

/// In server files anywhere, not in `.htaccess`.
const ANYWHERE: u32 = RSRC_CONF | ACCESS_CONF;
/// Decided while the file is read.
const WHILE_READING: u32 = OR_ALL | EXEC_ON_READ;

pub(super) static COMMANDS: Commands<99> = Commands([
    command!(c"<Directory", one RAW_ARGS sections::directory, RSRC_CONF, c"Settings for a directory and all below it"),
    command!(c"<Location", one RAW_ARGS sections::location, RSRC_CONF, c"Settings for the URLs below a path"),
    command!(c"<VirtualHost", one RAW_ARGS sections::virtual_host, RSRC_CONF, c"A virtual host: one or more addresses, and its settings"),
    command!(c"<Files", one RAW_ARGS sections::files, OR_ALL, c"Settings for files of a name or pattern"),
    command!(c"<Limit", one RAW_ARGS sections::limit, OR_LIMIT | OR_AUTHCFG, c"Settings for requests of some methods"),
    command!(c"<LimitExcept", one RAW_ARGS sections::limit, OR_LIMIT | OR_AUTHCFG, data sections::EXCEPT, c"Settings for requests of all methods but these"),
    command!(c"<IfModule", one RAW_ARGS conditions::conditional, WHILE_READING, data kind::MODULE, c"Directives to read if a module is there"),
    command!(c"<IfDefine", one RAW_ARGS conditions::conditional, WHILE_READING, data kind::DEFINE, c"Directives to read if a name is defined"),
    command!(c"<IfFile", one RAW_ARGS conditions::conditional, WHILE_READING, data kind::FILE, c"Directives to read if a file exists"),
    command!(c"<IfDirective", one RAW_ARGS conditions::conditional, WHILE_READING, data kind::DIRECTIVE, c"Directives to read if a directive is known"),
    command!(c"<IfSection", one RAW_ARGS conditions::conditional, WHILE_READING, data kind::SECTION, c"Directives to read if a section is known"),
    command!(c"<DirectoryMatch", one RAW_ARGS sections::directory, RSRC_CONF, data sections::MATCH, c"Settings for directories that match a regular expression"),
    command!(c"<LocationMatch", one RAW_ARGS sections::location, RSRC_CONF, data sections::MATCH, c"Settings for URLs that match a regular expression"),
    command!(c"<FilesMatch", one RAW_ARGS sections::files, OR_ALL, data sections::MATCH, c"Settings for files that match a regular expression"),
    command!(c"AddDefaultCharset", one TAKE1 content::add_default_charset, OR_FILEINFO, c"Charset for text responses that name none: a name, On or Off"),
    command!(c"AcceptPathInfo", one TAKE1 content::accept_path_info, OR_FILEINFO, c"Whether a URL may go on behind a file: On, Off or Default (the handler decides)"),
    command!(c"Define", two TAKE12 conditions::define, ANYWHERE | EXEC_ON_READ, data 0, c"Defines a name, and a value for ${name}"),
    command!(c"UnDefine", one TAKE1 conditions::undefine, ANYWHERE | EXEC_ON_READ, c"Forgets what Define defined"),
    command!(c"Error", one RAW_ARGS conditions::error, OR_ALL, c"Stops reading the configuration with a message"),
    command!(c"<If", one RAW_ARGS sections::if_section, OR_ALL, data sys::AP_CONDITION_IF as usize, c"Settings for requests for which an expression is true"),
    command!(c"<ElseIf", one RAW_ARGS sections::if_section, OR_ALL, data sys::AP_CONDITION_ELSEIF as usize, c"Settings for the requests left over for which an expression is true"),
    command!(c"<Else", one RAW_ARGS sections::if_section, OR_ALL, data sys::AP_CONDITION_ELSE as usize, c"Settings for the requests left over"),
    command!(c"AccessFileName", one RAW_ARGS overrides::access_file_name, RSRC_CONF, c"Names of the configuration files in directories; .htaccess unless set"),
    command!(c"DocumentRoot", one TAKE1 server::document_root, RSRC_CONF, c"The directory whose files are served"),
    command!(c"ErrorDocument", two TAKE2 content::error_document, OR_FILEINFO, data 0, c"What is sent with an error status: a message, a path or a URL"),
    command!(c"AllowOverride", one RAW_ARGS overrides::allow_override, ACCESS_CONF, c"Kinds of directives that .htaccess may use"),
    command!(c"AllowOverrideList", list TAKE_ARGV overrides::allow_override_list, ACCESS_CONF, data 0, c"Directives that .htaccess may use"),
    command!(c"Options", one RAW_ARGS overrides::options, OR_OPTIONS, c"What is allowed in a directory"),
    command!(c"DefaultType", one TAKE1 content::default_type, OR_FILEINFO, c"Has no effect any more; use ForceType or AddType"),
    command!(c"FileETag", one RAW_ARGS content::file_etag, OR_FILEINFO, c"What the ETag of a file is made of"),
    command!(c"EnableMMAP", one TAKE1 content::enable_mmap, OR_FILEINFO, c"Whether files may be read through memory mapping"),
    command!(c"EnableSendfile", one TAKE1 content::enable_sendfile, OR_FILEINFO, c"Whether the kernel may send files by itself"),
    command!(c"ReadBufferSize", one TAKE1 limits::read_buffer_size, ANYWHERE, c"Bytes that are read at once"),
    command!(c"FlushMaxThreshold", one TAKE1 limits::flush_max_threshold, RSRC_CONF, c"Bytes that may wait before they are sent"),
    command!(c"FlushMaxPipelined", one TAKE1 limits::flush_max_pipelined, RSRC_CONF, c"Pipelined responses that may wait before they are sent"),
    command!(c"Protocol", one TAKE1 protocol::protocol, RSRC_CONF, c"The protocol of this server's listeners"),
    command!(c"AcceptFilter", two TAKE2 protocol::accept_filter, RSRC_CONF, data 0, c"What the kernel waits for before it hands over a connection of a protocol"),
    command!(c"Port", one TAKE1 server::port, RSRC_CONF, c"Gone; use Listen"),
    command!(c"HostnameLookups", one TAKE1 server::hostname_lookups, ANYWHERE, c"Whether clients' addresses are looked up in the DNS: on, off or double"),
    command!(c"ServerAdmin", one TAKE1 server::server_admin, RSRC_CONF, c"The administrator's mail address or URL"),
    command!(c"ServerName", one TAKE1 server::server_name, RSRC_CONF, c"The server's own name, with scheme and port if they differ"),
    command!(c"ServerSignature", one TAKE1 server::server_signature, OR_ALL, c"Whether pages made by the server are signed: on, off or email"),
    command!(c"ServerRoot", one TAKE1 server::server_root, RSRC_CONF | EXEC_ON_READ, c"The directory that relative paths start from"),
    command!(c"DefaultRuntimeDir", one TAKE1 server::runtime_dir, RSRC_CONF | EXEC_ON_READ, c"The directory for files that only matter while the server runs"),
    command!(c"ErrorLog", one TAKE1 logging::error_log, RSRC_CONF, c"Where errors are logged: a file, a pipe or syslog"),
    command!(c"ErrorLogFormat", c_two TAKE12 crate::log::format::parse_error_log_format, RSRC_CONF, data 0, c"The form of lines in the error log"),
    command!(c"ServerAlias", one RAW_ARGS server::server_alias, RSRC_CONF, c"More names of a virtual host; may hold * and ?"),
    command!(c"ServerPath", one TAKE1 server::server_path, RSRC_CONF, c"A path by which old clients reach a virtual host"),
    command!(c"Timeout", one TAKE1 server::timeout, RSRC_CONF, c"Seconds to wait for the network"),
    command!(c"ContentDigest", flag FLAG content::content_digest, OR_OPTIONS, data 0, c"Whether files are sent with a Content-MD5"),
    command!(c"UseCanonicalName", one TAKE1 server::use_canonical_name, ANYWHERE, c"Where the server's name in URLs comes from: on, off or dns"),
    command!(c"UseCanonicalPhysicalPort", one TAKE1 server::use_canonical_port, ANYWHERE, c"Whether the connection's port is used in URLs"),
    command!(c"Include", one TAKE1 conditions::include, ANYWHERE | EXEC_ON_READ, c"Reads other files; a pattern must match one at least"),
    command!(c"IncludeOptional", one TAKE1 conditions::include, ANYWHERE | EXEC_ON_READ, data 1, c"Reads other files, if there are any"),
    command!(c"LogLevel", one ITERATE logging::log_level, ANYWHERE, c"How much is logged: [module:]level"),
    command!(c"NameVirtualHost", c TAKE1 sys::ap_set_name_virtual_host, RSRC_CONF, data 0, c"Has no effect any more"),
    command!(c"ServerTokens", one TAKE1 server::server_tokens, RSRC_CONF, c"How much the Server header tells: Prod, Major, Minor, Min, OS or Full"),
    command!(c"LimitRequestLine", one TAKE1 limits::request_line, RSRC_CONF, c"Longest request line, in bytes"),
    command!(c"LimitRequestFieldsize", one TAKE1 limits::request_field_size, RSRC_CONF, c"Longest header field of a request, in bytes"),
    command!(c"LimitRequestFields", one TAKE1 limits::request_fields, RSRC_CONF, c"Most header fields of a request; 0 is unlimited"),
    command!(c"LimitRequestBody", one TAKE1 limits::request_body, OR_ALL, c"Longest body of a request, in bytes; 0 is unlimited"),
    command!(c"LimitXMLRequestBody", one TAKE1 limits::xml_request_body, OR_ALL, c"Longest XML body of a request, in bytes; 0 is unlimited"),
    command!(c"Mutex", c RAW_ARGS sys::ap_set_mutex, RSRC_CONF, data 0, c"Mechanism, and the mutexes that use it"),
    command!(c"MaxRanges", one TAKE1 limits::max_ranges, ANYWHERE, c"Most ranges of a request before all of the file is sent"),
    command!(c"MaxRangeOverlaps", one TAKE1 limits::max_overlaps, ANYWHERE, c"Most overlapping ranges of a request before all of the file is sent"),
    command!(c"MaxRangeReversals", one TAKE1 limits::max_reversals, ANYWHERE, c"Most steps back in the ranges of a request before all of the file is sent"),
    command!(c"RLimitCPU", two TAKE12 limits::cpu, OR_ALL, data 0, c"Soft and hard limit of a script's processor time, in seconds"),
    command!(c"RLimitMEM", two TAKE12 limits::memory, OR_ALL, data 0, c"Soft and hard limit of a script's memory, in bytes"),
    command!(c"RLimitNPROC", two TAKE12 limits::processes, OR_ALL, data 0, c"Soft and hard limit of a user's processes"),
    command!(c"RegexDefaultOptions", one RAW_ARGS content::regex_default_options, RSRC_CONF, c"Options of every regular expression, with + or -"),
    command!(c"LimitInternalRecursion", two TAKE12 limits::internal_recursion, RSRC_CONF, data 0, c"Most internal redirects, and deepest sub-requests"),
    command!(c"CGIPassAuth", flag FLAG content::cgi_pass_auth, OR_AUTHCFG, data 0, c"Whether scripts see the Authorization header"),
    command!(c"CGIVar", two TAKE2 content::cgi_var, OR_FILEINFO, data 0, c"How a variable of scripts is made"),
    command!(c"QualifyRedirectURL", flag FLAG content::qualify_redirect_url, OR_FILEINFO, data 0, c"Whether REDIRECT_URL holds scheme and host"),
    command!(c"StrictHostCheck", flag FLAG protocol::strict_host_check, RSRC_CONF, data 0, c"Whether a request must name a configured host"),
    command!(c"ForceType", one TAKE1 content::force_type, OR_FILEINFO, c"The media type of all files here"),
    command!(c"SetHandler", one TAKE1 content::set_handler, OR_FILEINFO, c"The handler of all requests here: a name or an expression"),
    command!(c"SetOutputFilter", one TAKE1 content::set_output_filter, OR_FILEINFO, c"Filters for responses, separated by semicolons"),
    command!(c"SetInputFilter", one TAKE1 content::set_input_filter, OR_FILEINFO, c"Filters for bodies of requests, separated by semicolons"),
    command!(c"AllowEncodedSlashes", one TAKE1 content::allow_encoded_slashes, RSRC_CONF, c"Whether %2F is allowed in paths: On, Off or NoDecode"),
    command!(c"ScoreBoardFile", c TAKE1 sys::ap_set_scoreboard, RSRC_CONF, data 0, c"A file through which other programs see the scoreboard"),
    command!(c"ExtendedStatus", c_flag FLAG sys::ap_set_extended_status, RSRC_CONF, data 0, c"Whether each request is noted in the scoreboard"),
    command!(c"SeeRequestTail", c_flag FLAG sys::ap_set_reqtail, RSRC_CONF, data 0, c"Whether the scoreboard keeps the end of a long request line"),
    command!(c"PidFile", c TAKE1 sys::ap_mpm_set_pidfile, RSRC_CONF, data 0, c"The file that holds the server's process id"),
    command!(c"MaxRequestsPerChild", c TAKE1 sys::ap_mpm_set_max_requests, RSRC_CONF, data 0, c"The old name of MaxConnectionsPerChild"),
    command!(c"MaxConnectionsPerChild", c TAKE1 sys::ap_mpm_set_max_requests, RSRC_CONF, data 0, c"Connections after which a child is replaced; 0: never"),
    command!(c"CoreDumpDirectory", c TAKE1 sys::ap_mpm_set_coredumpdir, RSRC_CONF, data 0, c"Where a crashing child leaves its memory image"),
    command!(c"MaxMemFree", c TAKE1 sys::ap_mpm_set_max_mem_free, RSRC_CONF, data 0, c"KiB that a pool's allocator keeps for itself"),
    command!(c"ThreadStackSize", c TAKE1 sys::ap_mpm_set_thread_stacksize, RSRC_CONF, data 0, c"Stack of the threads that run handlers, in bytes"),
    command!(c"ModuleExecution", two TAKE2 limits::module_execution, RSRC_CONF, data 0, c"A module (mod_x.c) and where its calls run: auto (as measured), inline (on the reactor) or offload (on threads that may block)"),
    command!(c"ModuleCrashLimit", two TAKE12 server::module_crash_limit, RSRC_CONF, data 0, c"Crashes/seconds at which a module is disabled, or the server stops: 10/60 [disable|stop], or off"),
    command!(c"TraceEnable", one TAKE1 protocol::trace_enable, RSRC_CONF, c"Whether TRACE is answered: on, off or extended (with a body)"),
    command!(c"MergeTrailers", flag FLAG protocol::merge_trailers, RSRC_CONF, data 0, c"Whether trailers of a request become header fields"),
    command!(c"Protocols", one ITERATE protocol::protocols, RSRC_CONF, c"The protocols that clients may choose from"),
    command!(c"ProtocolsHonorOrder", one TAKE1 protocol::protocols_honor_order, RSRC_CONF, c"Whether the order of Protocols counts, or the client's"),
    command!(c"HttpProtocolOptions", one ITERATE protocol::http_protocol_options, RSRC_CONF, c"How strictly requests are checked"),
    command!(c"RegisterHttpMethod", one ITERATE protocol::register_method, RSRC_CONF, c"Methods beyond those of HTTP"),
    command!(c"MergeSlashes", flag FLAG protocol::merge_slashes, RSRC_CONF, data 0, c"Whether slashes in a row count as one"),
    END,
]);

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::CStr, process::Command};

    use super::*;

    /// Directives that Apache does not have.
    const OURS: [&str; 2] = ["ModuleCrashLimit", "ModuleExecution"];

    /// Name and contexts of each row, in the words of `-L`.
    fn rows() -> BTreeMap<String, String> {
        COMMANDS
            .0
            .iter()
            .take_while(|row| !row.name.is_null())
            .map(|row| {
                // SAFETY: names are static strings.
                let name = unsafe { CStr::from_ptr(row.name) };
                (
                    name.to_str().unwrap().to_owned(),
                    contexts(row.req_override as u32),
                )
            })
            .collect()
    }

    fn contexts(bits: u32) -> String {
        let htaccess = bits & OR_ALL;
        let outside = bits & (RSRC_CONF | OR_OPTIONS | OR_FILEINFO | sys::OR_INDEXES) != 0;
        let inside = bits & (ACCESS_CONF | OR_ALL) != 0;
        let place = match (outside, inside) {
            (true, true) => "anywhere",
            (true, false) => "only outside",
            _ => "only inside",
        };
        let also = if htaccess == 0 { "" } else { ", .htaccess" };
        format!("{place}{also}")
    }

    #[test]
    fn names_are_said_once() {
        let rows = rows();
        assert_eq!(rows.len(), COMMANDS.0.len() - 1);
        assert!(rows.keys().all(|name| !name.ends_with('>')));
    }

    /// Compares with the installed Apache; without one there is nothing to compare with.
    #[test]
    fn the_table_has_apaches_directives_in_apaches_contexts() {
        const APACHE: &str = "/usr/sbin/apache2";
        let dir = std::env::temp_dir().join(format!("httpd-rs-table-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("logs")).unwrap();
        let config = dir.join("a.conf");
        let root = dir.display();
        std::fs::write(
            &config,
            format!(
                "ServerRoot {root}\nDefaultRuntimeDir {root}\nServerName x\nListen 127.0.0.1:1\n\
                 LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
            ),
        )
        .unwrap();
        let Ok(output) = Command::new(APACHE)
            .arg("-f")
            .arg(&config)
            .arg("-L")
            .output()
        else {
            return;
        };
        std::fs::remove_dir_all(&dir).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let mut theirs = BTreeMap::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(name) = line.strip_suffix(" (core.c)") else {
                continue;
            };
            let allowed = lines
                .by_ref()
                .find(|line| line.contains("Allowed in"))
                .unwrap_or("");
            let place = ["anywhere", "only outside", "only inside"]
                .into_iter()
                .find(|place| allowed.contains(place))
                .unwrap_or("?");
            let also = if allowed.contains(".htaccess") {
                ", .htaccess"
            } else {
                ""
            };
            theirs.insert(name.to_owned(), format!("{place}{also}"));
        }
        assert!(theirs.len() > 80, "{APACHE} -L says: {text}");
        let ours = rows();
        let missing: Vec<_> = theirs
            .iter()
            .filter(|(name, _)| !ours.contains_key(*name))
            .collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
        for (name, context) in ours.iter().filter(|(name, _)| !OURS.contains(&&name[..])) {
            assert_eq!(theirs.get(name), Some(context), "{name}");
        }
    }
}
