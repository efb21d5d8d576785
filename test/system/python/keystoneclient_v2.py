"""python3-keystoneclient, v2.0: log in by password, validate, revoke, and be told that it is gone.

Arguments: the server's URL; the operator's name, password and tenant; a user's name and password.
"""

import sys

from keystoneauth1 import session
from keystoneauth1.exceptions import http
from keystoneauth1.identity import v2
from keystoneclient.v2_0 import client as keystone

url, admin, admin_password, tenant, name, password = sys.argv[1:]


def login(username, secret, **scope):
    auth = v2.Password(f"{url}/v2.0", username=username, password=secret, **scope)
    return auth, session.Session(auth=auth)


def must_raise(error, act):
    try:
        act()
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


admin_auth, admin_session = login(admin, admin_password, tenant_name=tenant)
client = keystone.Client(session=admin_session)

for _ in range(2):
    user_auth, user_session = login(name, password)
    token = user_session.get_token()
    access = user_auth.get_access(user_session)
    assert access.username == name, access.username
    assert access.tenant_id, "the login has a tenant"

    assert client.tokens.validate(token).id == token
    assert client.tokens.get_token_data(token)["access"]["user"]["name"] == name
    assert client.tokens.validate_access_info(token).user_id == access.user_id

    client.tokens.delete(token)
    for act in (client.tokens.validate, client.tokens.get_token_data, client.tokens.delete):
        must_raise(http.NotFound, lambda act=act: act(token))

must_raise(http.Unauthorized, lambda: login(name, "wrong")[1].get_token())

# By an existing token the session sends it as it stands; a dead one cannot validate anything.
dead = keystone.Client(token=token, endpoint=f"{url}/v2.0", auth_url=f"{url}/v2.0")
must_raise(http.Unauthorized, lambda: dead.tokens.validate(admin_session.get_token()))
print("keystoneclient: validated, revoked, not found")
