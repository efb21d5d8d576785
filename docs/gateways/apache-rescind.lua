-- Asks Rescind's forward-auth about a request. Anything but a clear answer is a 503: nobody gets in on a failure.
local http = require("socket.http")

local CHECK = "http://127.0.0.1:8080/check/p/orders"
local TIMEOUT_SECONDS = 1
-- Every header in which Rescind describes a caller: X-Auth-Source and so on.
local IDENTITY = { "Source", "Subject", "Client", "Tenant", "Scope", "Jti", "Exp", "Act" }
local KEPT = { close = true, ["keep-alive"] = true, upgrade = true }

local function ask(authorization)
  http.TIMEOUT = TIMEOUT_SECONDS
  -- Sends only the credential. Apache joins two credentials into one text, which is not valid.
  local _, status, headers = http.request({ url = CHECK, method = "HEAD", redirect = false,
    headers = { authorization = authorization } })
  return status, headers
end

-- Many services read X_Auth_Subject as X-Auth-Subject: names with anything but letters, digits and hyphens are dropped.
-- A caller's "Connection: X-Auth-Act" would make the proxy remove what Rescind said.
local function clean(r)
  for name in pairs(r:headers_in_table()) do
    if name:find("[^%w-]") then r.headers_in[name] = nil end
  end
  local kept = {}
  for option in (r.headers_in["Connection"] or ""):lower():gmatch("[^%s,]+") do
    if KEPT[option] then kept[#kept + 1] = option end
  end
  r.headers_in["Connection"] = #kept > 0 and table.concat(kept, ", ") or nil
end

function rescind(r)
  clean(r)
  local asked, status, headers = pcall(ask, r.headers_in["Authorization"])
  if asked and status == 200 then
    -- Replaced in every request, so a caller's own header of that name never gets through.
    for _, name in ipairs(IDENTITY) do
      r.headers_in["X-Auth-" .. name] = headers["x-auth-" .. name:lower()] or ""
    end
    return apache2.OK
  end
  if asked and (status == 401 or status == 403) then
    r.err_headers_out["WWW-Authenticate"] = headers["www-authenticate"] or "Bearer"
    return status
  end
  r.err_headers_out["Retry-After"] = "1"
  return 503
end
