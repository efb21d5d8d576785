"""python3-keystonemiddleware: auth_token in front of a small WSGI application.

Arguments: the server's URL; the service user's name, password and project; a user's id, password and project.
"""

import logging
import sys

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystonemiddleware import auth_token

logging.disable(logging.CRITICAL)
url, service, service_password, service_project, user_id, password, project = sys.argv[1:]

seen = []
send = requests.Session.send


def recording_send(self, request, **words):
    answer = send(self, request, **words)
    seen.append((request.method, request.path_url.split("?")[0], answer.status_code))
    return answer


requests.Session.send = recording_send


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    said = [environ["HTTP_X_USER_ID"], environ["HTTP_X_PROJECT_ID"], environ["HTTP_X_IDENTITY_STATUS"]]
    return [" ".join(said).encode()]


def guard(**settings):
    return auth_token.AuthProtocol(
        application,
        {
            "auth_type": "password",
            "auth_url": f"{url}/v3",
            "www_authenticate_uri": f"{url}/v3",
            "username": service,
            "password": service_password,
            "user_domain_id": "default",
            "project_id": service_project,
            "interface": "internal",
            "http_request_max_retries": "0",
            **settings,
        },
    )


guarded = guard(token_cache_time="-1")


def ask(token, of=guarded):
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "HTTP_X_AUTH_TOKEN": token,
    }
    status = []
    body = b"".join(of(environ, lambda line, headers, info=None: status.append(line)))
    return int(status[0].split()[0]), body.decode()


def login():
    auth = v3.Password(f"{url}/v3", user_id=user_id, password=password, project_id=project)
    return session.Session(auth=auth)


def revoke(mine, token):
    mine.delete(f"{url}/v3/auth/tokens", headers={"X-Subject-Token": token})


def calls(method, path="/v3/auth/tokens"):
    return [status for (how, where, status) in seen if (how, where) == (method, path)]


for _ in range(5):
    mine = login()
    token = mine.get_token()
    assert ask(token) == (200, f"{user_id} {project} Confirmed"), ask(token)
    spare = login()
    revoke(spare, token)
    status, text = ask(token)
    assert status == 401, (status, text)

# Fresh tokens of the users were asked for, and one of the service: a revoked subject never sent it to log in again.
assert len(calls("POST")) == 11, calls("POST")
assert set(calls("GET")) == {200, 404}, calls("GET")
for nonsense in ("nonsense", "rsi_0000", token[:-1], token + "x", "ä"):
    assert ask(nonsense)[0] == 401, nonsense
assert len(calls("POST")) == 11, calls("POST")
assert 401 not in calls("GET"), calls("GET")

# Its own token is ended: it logs in again by itself, and goes on.
own = guarded._identity_server._adapter.session.get_token(guarded._auth)
mine = login()
token = mine.get_token()
service_auth = v3.Password(
    f"{url}/v3", username=service, password=service_password, user_domain_id="default", project_id=service_project
)
revoke(session.Session(auth=service_auth), own)
assert ask(token)[0] == 200
assert 401 in calls("GET"), "its own end is the one thing that is 401"
revoke(login(), token)
assert ask(token)[0] == 401
# [W21] As it comes it keeps what it was told, and lets the revoked token in: docs/identity.md says what to set.
keeping = guard()
mine = login()
token = mine.get_token()
assert ask(token, keeping)[0] == 200
revoke(login(), token)
assert ask(token, keeping)[0] == 200, "its default has changed: docs/identity.md and docs/gateways.md name it"
assert ask(token)[0] == 401
print("keystonemiddleware: let in, refused, never believed that its own credentials had failed")
