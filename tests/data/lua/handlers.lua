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

-- Shows what each function answers, or that it fails.
local function try(r, calls)
    r.content_type = "text/plain"
    for number, call in ipairs(calls) do
        local fine, answer = pcall(call)
        r:puts(number, ": ", fine and tostring(answer) or "error", "\n")
    end
    return apache2.OK
end

function tools(r)
    return try(r, {
        function() return r:md5("abc") end,
        function() return r:sha1("abc") end,
        function() return r:base64_encode("abc<>") end,
        function() return r:base64_decode("YWJj") end,
        function() return r:escape("a b/c?d&e") end,
        function() return r:unescape("a%20b%2Fc") end,
        function() return r:escape_html("<a&\"'>") end,
        function() return #r:htpassword("x", 2) end,
        function() return r:regex("foo bar", [[(\w+) (\w+)]])[2] end,
        function() return r:regex("foo", "x") end,
        function() return r:regex("FOO", "foo", 0x01)[0] end,
        function() return r:expr("%{REQUEST_METHOD} == 'GET'") end,
        function() return r:expr("%{QUERY_STRING} == 'none'") end,
        function() return r:expr("(((") end,
        function() return r:strcmp_match("file.txt", "*.txt") end,
        function() return r:os_escape_path("a b:c", true) end,
        function() return r:escape_logitem("a\nb") end,
        function() return r:ivm_get("counter") end,
        function() return r:ivm_set("counter", 1) end,
        function() return r:ivm_get("counter") end,
        function() return r:date_parse_rfc("Sun, 06 Nov 1994 08:49:37 GMT") end,
        function() return r:is_initial_req() end,
        function() return r:some_auth_required() end,
        function() return r:custom_response(404, "none") end,
        function() return r:allowoverrides() end,
        function() return r:auth_name() end,
        function() return r:get_basic_auth_pw() end,
        function() return r:set_keepalive() end,
        function() return r:make_etag(false) end,
        function() return r:send_interim_response(false) end,
        function() return r:get_server_name() end,
        function() return r:get_server_name_for_url() end,
        function() return r:construct_url("/x?y") == nil end,
        function() return r:set_document_root(r.document_root) end,
        function() return r:set_context_info("/p", "/d") end,
        function() return r.context_prefix .. r.context_document_root end,
        function() return r:requestbody() end,
        function() return r:context_prefix() end,
        function() return r.no_such_field end,
    })
end

function files(r)
    local path = r.document_root .. "/data.txt"
    return try(r, {
        function() return r:stat(path).size end,
        function() return r:stat(path).filetype end,
        function() return r:stat(path).mtime end,
        function() return r:stat(path .. ".none") end,
        function()
            local names = {}
            for _, name in ipairs(r:get_direntries(r.document_root .. "/listed")) do names[#names + 1] = name end
            table.sort(names)
            return table.concat(names, ",")
        end,
        function() return r:get_direntries(path) end,
        function() return r:mkdir(path) end,
        function() return r:rmdir(path .. ".none") end,
        function() return r:touch(path .. ".none") end,
        function() return r:sendfile(path) end,
        function() return r:sendfile(path .. ".none") end,
    })
end

function cookies(r)
    return try(r, {
        function() return r:getcookie("a") end,
        function() return r:getcookie("none") end,
        function() return r:setcookie({ key = "lua", value = "a b;c", path = "/", domain = "test.example", secure = true, httponly = true }) end,
        function() return r:setcookie("old", "style", true, 0) end,
    })
end

function server(r)
    return try(r, {
        function() return #r:module_info("mod_dir.c").commands end,
        function() return r:module_info("mod_dir.c").module_index ~= nil end,
        function() return r:module_info("mod_none.c") end,
        function() return #r:loaded_modules() > 5 end,
        function() return r:exists_config_define("DEFINED") end,
        function() return r:exists_config_define("NOT") end,
        function() return r:state_query(0) end,
        function() return r:state_query(2) end,
        function() return r:terminate() end,
        function() return r.server_info == nil end,
        function() return r:runtime_dir_relative("x"):match("[^/]*/x$") end,
        function() return r:scoreboard_process(0).pid > 0 end,
        function() return r:scoreboard_worker(0, 0).status ~= nil end,
        function() return r:started() == nil end,
        function() return r:add_version_component("Own/1") end,
        function() return r:addoutputfilter("DEFLATE") end,
        function() return r:addoutputfilter("NONE") end,
        function() return r:proxyreq() end,
        function() return r:activeconfig() == nil end,
    })
end

function redirect(r)
    r.headers_out["Location"] = "http://other.example/"
    return 302
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
