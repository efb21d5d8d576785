"""python3-libcloud: log in by API key, and by password.

Arguments: the server's URL; the user's name, API key and password; its tenant's name.
"""

import sys

from libcloud.common.openstack_identity import OpenStackIdentity_2_0_Connection
from libcloud.common.types import InvalidCredsError

url, name, api_key, password, tenant = sys.argv[1:]


def connection(key, **scope):
    return OpenStackIdentity_2_0_Connection(auth_url=url, user_id=name, key=key, timeout=10, **scope)


tokens = set()
for auth_type, key, scope in (
    ("api_key", api_key, {}),
    ("api_key", api_key, {"tenant_name": tenant}),
    ("password", password, {"tenant_name": tenant}),
):
    connected = connection(key, **scope).authenticate(auth_type=auth_type)
    assert connected.is_token_valid() and connected.auth_user_info["name"] == name
    assert connected.urls[0]["type"] == "identity", connected.urls
    tokens.add(connected.auth_token)
assert len(tokens) == 3, "each login has a token of its own"

for auth_type in ("api_key", "password"):
    try:
        connection("wrong").authenticate(auth_type=auth_type)
    except InvalidCredsError:
        continue
    raise AssertionError(f"a wrong secret was taken ({auth_type})")
print("libcloud: logged in by API key and by password")
