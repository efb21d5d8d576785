"""python3-keystoneclient, v3: log in every way, validate, revoke, be refused, and administer the directory.

Arguments: the server's URL; the operator's name and password; a user's id, name, password and project.
"""

import sys

from keystoneauth1 import session
from keystoneauth1.exceptions import http
from keystoneauth1.identity import v3
from keystoneclient.v3 import client as keystone

url, admin, admin_password, user_id, name, password, project = sys.argv[1:]
base = f"{url}/v3"


def must_raise(error, act):
    try:
        act()
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


def by(auth):
    mine = session.Session(auth=auth)
    return mine, keystone.Client(session=mine, endpoint_override=base)


def operator(**scope):
    return v3.Password(base, username=admin, password=admin_password, user_domain_id="default", **scope)


admin_session, client = by(operator())

# Every scope and method.
scopes = (
    dict(project_id=project),
    dict(project_name=project, project_domain_name="Default"),
    dict(unscoped=True),
    dict(),
)
for scope in scopes:
    auth = v3.Password(base, username=name, password=password, user_domain_name="Default", **scope)
    mine = session.Session(auth=auth)
    token = mine.get_token()
    access = auth.get_access(mine)
    assert (access.user_id, access.username) == (user_id, name), scope
    assert access.project_scoped is not bool(scope.get("unscoped")), scope
    assert bool(access.service_catalog.get_endpoints()) is not bool(scope.get("unscoped")), scope
    assert len(access.audit_id) > 10 and access.audit_chain_id is None

    assert client.tokens.validate(token).user_id == user_id
    assert client.tokens.get_token_data(token, include_catalog=False)["token"].get("catalog") is None
    rescoped = session.Session(auth=v3.Token(base, token, project_id=project))
    rescoped_access = rescoped.auth.get_access(rescoped)
    assert rescoped_access.audit_chain_id == access.audit_id
    assert rescoped_access.expires == access.expires

    client.tokens.revoke_token(token)
    for act in (client.tokens.validate, client.tokens.get_token_data, client.tokens.revoke_token):
        must_raise(http.NotFound, lambda act=act: act(token))
    assert client.tokens.validate(rescoped.get_token()).user_id == user_id, "one token is ended, no more"

must_raise(http.Unauthorized, lambda: by(v3.Password(base, user_id=user_id, password="wrong"))[0].get_token())
must_raise(http.Forbidden, client.tokens.get_revoked)
assert isinstance(client.events.list() if hasattr(client, "events") else [], list)

# A user of its own, from birth to death.
domain = client.domains.create("blue", description="The blue domain")
team = client.projects.create("team", domain)
role = client.roles.create("painter")
painter = client.users.create("pia", domain=domain, password="pia-secret", email="pia@example.org", default_project=team)
client.roles.grant(role, user=painter, project=team)
client.roles.check(role, user=painter, project=team)
assert [one.id for one in client.roles.list(user=painter, project=team)] == [role.id]
assigned = client.role_assignments.list(user=painter)
assert [one.scope["project"]["id"] for one in assigned] == [team.id], assigned


def login(secret="pia-secret", **scope):
    return by(v3.Password(base, user_id=painter.id, password=secret, **(scope or dict(project_id=team.id))))


pia, pia_client = login()
assert [one.id for one in pia_client.auth.projects()] == [team.id]
must_raise(http.Forbidden, pia_client.users.list)
must_raise(http.NotFound, lambda: pia_client.users.get(user_id))
assert pia_client.users.get(painter.id).name == "pia"

# An application credential: its token is as good as its user's, and ends with it.
made = pia_client.application_credentials.create("ci", roles=[{"id": role.id}], user=painter.id)
app, _ = by(v3.ApplicationCredential(base, application_credential_id=made.id, application_credential_secret=made.secret))
app_token = app.get_token()
assert client.tokens.validate(app_token).user_id == painter.id
pia_client.application_credentials.delete(made.id, user=painter.id)
must_raise(http.NotFound, lambda: client.tokens.validate(app_token))
pia_token = pia.get_token()
assert client.tokens.validate(pia_token).user_id == painter.id

# A password change ends what was, and a role that goes takes its tokens along.
pia_client.users.update_password("pia-secret", "pia-secret-2")
must_raise(http.NotFound, lambda: client.tokens.validate(pia_token))
pia, _ = login("pia-secret-2")
pia_token = pia.get_token()
client.roles.revoke(role, user=painter, project=team)
must_raise(http.NotFound, lambda: client.tokens.validate(pia_token))
must_raise(http.Unauthorized, lambda: login("pia-secret-2")[0].get_token())
client.roles.grant(role, user=painter, project=team)

for end in (
    lambda: client.users.update(painter, enabled=False),
    lambda: client.projects.update(team, enabled=False),
    lambda: client.domains.update(domain, enabled=False),
):
    pia_token = login("pia-secret-2")[0].get_token()
    end()
    must_raise(http.NotFound, lambda: client.tokens.validate(pia_token))
    must_raise(http.Unauthorized, lambda: login("pia-secret-2")[0].get_token())
    client.domains.update(domain, enabled=True)
    client.projects.update(team, enabled=True)
    client.users.update(painter, enabled=True)
    must_raise(http.NotFound, lambda: client.tokens.validate(pia_token))

pia_token = login("pia-secret-2")[0].get_token()
client.users.delete(painter)
must_raise(http.NotFound, lambda: client.tokens.validate(pia_token))
must_raise(http.NotFound, lambda: client.users.get(painter.id))
client.projects.delete(team)
client.roles.delete(role)
must_raise(http.Forbidden, lambda: client.domains.delete(domain))
client.domains.update(domain, enabled=False)
client.domains.delete(domain)
must_raise(http.NotFound, lambda: client.domains.get(domain.id))
print("keystoneclient v3: logged in, validated, revoked, administered")
