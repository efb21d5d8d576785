-- Asks Rescind's forward-auth about a request. Anything but a clear answer is a 503: nobody gets in on a failure.
local CHECK = "http://127.0.0.1:8080/check/p/orders"
local TIMEOUT_MS = 1000
-- Every header in which Rescind describes a caller: X-Auth-Source and so on.
local IDENTITY = { "source", "subject", "client", "tenant", "scope", "jti", "exp", "act" }

core.register_action("rescind", { "http-req" }, function(txn)
  txn:set_var("txn.rescind_status", "503")
  local given = txn.http:req_get_headers()["authorization"]
  local headers = {}
  -- Sends all credentials and nothing else: if there are two, Rescind refuses them; this script must not choose.
  if given ~= nil then
    headers["authorization"] = {}
    for at = 0, #given do headers["authorization"][at + 1] = given[at] end
  end
  local answer = core.httpclient():head({ url = CHECK, headers = headers, timeout = TIMEOUT_MS })
  if answer == nil or answer.status == nil then return end
  local function header(name)
    local values = answer.headers and answer.headers[name]
    return values and values[0]
  end
  if answer.status == 200 or answer.status == 401 or answer.status == 403 then
    txn:set_var("txn.rescind_status", tostring(answer.status))
  end
  txn:set_var("txn.rescind_authenticate", header("www-authenticate") or "Bearer")
  for _, name in ipairs(IDENTITY) do txn:set_var("txn.rescind_" .. name, header("x-auth-" .. name) or "") end
end)
