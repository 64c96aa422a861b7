-- Functions for hooks of every phase, for filters and for authorization.
function translate(r)
    if r.uri == "/translated" then
        r.filename = r.document_root .. "/data.txt"
        return apache2.OK
    end
    if r.uri:match("^/renamed/") then r.uri = r.uri:gsub("^/renamed/", "/listed/") end
    return apache2.DECLINED
end

function maps(r)
    if r.uri == "/forbidden" then return 403 end
    return apache2.DECLINED
end

function access(r)
    if r.headers_in["X-Deny"] then return 403 end
    return apache2.DECLINED
end

function types(r)
    if r.uri:match("%.odd$") then
        r.content_type = "text/x-odd"
        return apache2.OK
    end
    return apache2.DECLINED
end

function fixup(r)
    r.headers_out["X-Fixup"] = r.uri
    return apache2.DECLINED
end

function quick(r)
    if r.uri == "/quick" then
        r.content_type = "text/plain"
        r:puts("quick answer")
        return apache2.OK
    end
    return apache2.DECLINED
end

function log(r)
    r:notice("logged " .. r.uri .. " " .. r.status)
    return apache2.DECLINED
end

function authenticate(r)
    r.user = "lua-user"
    return apache2.OK
end

function may(r, need)
    r:puts("")
    if r.headers_in["X-Role"] == need then return apache2.AUTHZ_GRANTED end
    return apache2.AUTHZ_DENIED
end

function upper(r)
    if r.uri == "/filtered/declined.txt" then return apache2.DECLINED end
    coroutine.yield("[before]")
    while bucket ~= nil do
        coroutine.yield(string.upper(bucket))
    end
    coroutine.yield("[after]")
end

function shout(r)
    coroutine.yield()
    while bucket do
        coroutine.yield(string.upper(bucket))
    end
    coroutine.yield("!")
end
