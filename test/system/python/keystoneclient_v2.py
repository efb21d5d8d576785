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

# What an operator administers: tenants, users, roles, and what follows for their tokens.
web = client.tenants.create("web", description="d", enabled=True)
assert client.tenants.get(web.id).name == "web"
assert client.tenants.update(web.id, tenant_name="www").name == "www"
zoe = client.users.create("zoe", password="zoe-password-1", email="zoe@example.org", tenant_id=web.id)
assert client.users.get(zoe.id).name == "zoe"
assert "zoe" in [user.name for user in client.users.list()]
auditor = client.roles.create("auditor")
assert "auditor" in [role.name for role in client.roles.list()]
client.roles.add_user_role(zoe.id, auditor.id, web.id)
assert [role.id for role in client.roles.roles_for_user(zoe.id, web.id)] == [auditor.id]
assert [user.id for user in client.tenants.list_users(web.id)] == [zoe.id]
service = client.services.create("nova", "compute", description="d")
client.endpoints.create(region="R", service_id=service.id, publicurl="http://c.example.org/%(tenant_id)s")
assert client.endpoints.list()[0].publicurl == "http://c.example.org/%(tenant_id)s"


def zoe_token(secret="zoe-password-1"):
    auth, its_session = login("zoe", secret, tenant_name="www")
    token = its_session.get_token()
    access = auth.get_access(its_session)
    assert access.service_catalog.url_for(service_type="compute") == f"http://c.example.org/{web.id}"
    return token


def must_end(token, act):
    assert client.tokens.validate(token).id == token
    act()
    must_raise(http.NotFound, lambda: client.tokens.validate(token))


rescoped = v2.Token(f"{url}/v2.0", token=zoe_token(), tenant_id=web.id)
assert rescoped.get_access(session.Session(auth=rescoped)).tenant_id == web.id
must_end(zoe_token(), lambda: client.roles.remove_user_role(zoe.id, auditor.id, web.id) or client.tenants.update(web.id, enabled=False))
client.tenants.update(web.id, enabled=True)
must_end(zoe_token(), lambda: client.users.update_password(zoe.id, "zoe-password-2"))
must_end(zoe_token("zoe-password-2"), lambda: client.users.update_enabled(zoe.id, False))
client.users.update_enabled(zoe.id, True)
must_end(zoe_token("zoe-password-2"), lambda: client.users.delete(zoe.id))
client.roles.delete(auditor.id)
client.services.delete(service.id)
client.tenants.delete(web.id)
must_raise(http.NotFound, lambda: client.tenants.get(web.id))
assert client.extensions.list()
print("keystoneclient: validated, revoked, not found; administered")
