-- Handlers that show what a script may ask of a request; the cases of lua.rs call them by name.
require 'string'

function hello(r)
    r.content_type = "text/plain"
    r:puts("Hello from Lua, ", r.method, "\n")
    return apache2.OK
end

function fields(r)
    r.content_type = "text/plain"
    for _, name in ipairs({"method", "uri", "unparsed_uri", "args", "path_info", "protocol", "hostname", "the_request", "handler", "filename",
                           "canonical_filename", "content_type", "content_encoding", "ap_auth_type", "user", "range", "assbackwards", "is_https",
                           "status", "proxyreq", "context_prefix", "document_root", "useragent_ip", "some_auth_required", "is_initial_req", "limit_req_body", "server_name"}) do
        local value = r[name]
        if type(value) == "function" then value = "(function)" end
        r:puts(name, "=", tostring(value), "\n")
    end
    return apache2.OK
end

function headers(r)
    r.headers_out["X-Lua"] = r.headers_in["X-In"] or "nothing"
    r.err_headers_out["X-Err"] = "err"
    r.subprocess_env["LUA"] = "set"
    r.notes["note"] = "noted"
    r:puts(tostring(r.subprocess_env["LUA"]), tostring(r.notes["note"]), tostring(r.subprocess_env["FROM_CONF"]))
    return apache2.OK
end

function arguments(r)
    local get, getm = r:parseargs()
    local names = {}
    for name in pairs(get) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do r:puts(name, "=", get[name], "#", #getm[name], "\n") end
    return apache2.OK
end

function body(r)
    local post, postm = r:parsebody()
    local names = {}
    for name in pairs(post) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do r:puts(name, "=", post[name], "\n") end
    return apache2.OK
end

function raw(r)
    local text = r:requestbody()
    r:puts("[", text or "none", "]")
    return apache2.OK
end

function codes(r)
    local status = tonumber(r.args)
    if r.path_info == "/set" then
        r.status = status
        r:puts("set")
        return apache2.OK
    end
    return status
end

function tools(r)
    r.content_type = "text/plain"
    r:puts(r:md5("abc"), "\n", r:sha1("abc"), "\n", r:base64_encode("abc<>"), "\n", r:base64_decode("YWJj"), "\n")
    r:puts(r:escape("a b/c?d&e"), "\n", r:unescape("a%20b%2Fc"), "\n", r:escape_html("<a&\"'>"), "\n", r:htpassword("x", 0, 5) ~= nil and "hash" or "none", "\n")
    r:puts(tostring(r:regex("foo bar", "(\\w+) (\\w+)")[2]), tostring(r:regex("foo", "x")), "\n")
    r:puts(tostring(r:expr("%{REQUEST_METHOD} == 'GET'")), tostring(r:expr("%{QUERY_STRING} == 'none'")), "\n")
    r:puts(tostring(r:strcmp_match("file.txt", "*.txt")), r:os_escape_path("a b:c", true), r:escape_logitem("a\nb"), "\n")
    r:puts(r:ivm_get("counter") or "new", "\n")
    r:ivm_set("counter", 1)
    r:puts(r:ivm_get("counter"), "\n")
    r:puts(r:date_parse_rfc("Sun, 06 Nov 1994 08:49:37 GMT"), "\n")
    r:puts(tostring(r:is_initial_req()), tostring(r:some_auth_required()), "\n")
    return apache2.OK
end

function files(r)
    local path = r.document_root .. "/data.txt"
    local info = r:stat(path)
    r:puts(info and info.size or "none", " ", info and info.filetype or "none", " ", tostring(r:stat(path .. ".none")), "\n")
    local names = {}
    for _, name in ipairs(r:get_direntries(r.document_root .. "/listed")) do names[#names + 1] = name end
    table.sort(names)
    r:puts(table.concat(names, ","), "\n")
    r:sendfile(path)
    r:sendfile(path .. ".none")
    return apache2.OK
end

function cookies(r)
    r:puts(tostring(r:getcookie("a")), tostring(r:getcookie("none")))
    r:setcookie({ key = "lua", value = "a b;c", path = "/", domain = "test.example", secure = true, httponly = true })
    return apache2.OK
end

function server(r)
    r.content_type = "text/plain"
    r:puts(r:mpm_query(4) ~= nil and "threads" or "none", "\n")
    r:puts(tostring(r:module_info("mod_dir.c") and #r:module_info("mod_dir.c").commands), tostring(r:module_info("mod_none.c")), "\n")
    r:puts(tostring(r:exists_config_define("DEFINED")), tostring(r:exists_config_define("NOT")), "\n")
    r:puts(tostring(r:get_server_name_for_url()), tostring(r.banner ~= nil), "\n")
    return apache2.OK
end

function config(r)
    for _, item in ipairs({}) do r:puts(item) end
    r:puts(tostring(r.add_version_component ~= nil))
    return apache2.OK
end

function redirect(r)
    r:internal_redirect("/data.txt") 
    return apache2.OK
end

function broken(r)
    local nothing = nil
    return nothing.field
end

function text(r)
    return "not a number"
end

function wide(r)
    r.content_type = "text/plain"
    for number = 1, 3000 do r:write("line ", number, "\n") end
    r:flush()
    r:puts("after")
    return apache2.OK
end

function logs(r)
    r:err("an error") r:warn("a warning") r:info("an info") r:debug("a debug") r:notice("a notice") r:crit("critical") r:alert("alert") r:emerg("emergency")
    return apache2.OK
end

function handle(r) return hello(r) end
