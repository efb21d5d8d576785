"""python3-authlib: fetch, introspect and revoke a token, with secrets that naive Basic authentication breaks on.

Arguments: the server's URL; then pairs of a client's id and secret.
"""

import os
import sys

from authlib.integrations.requests_client import OAuth2Session

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
url, *parties = sys.argv[1:]
endpoint = f"{url}/api/id/v1/auth/token"

for method in ("client_secret_basic", "client_secret_post"):
    for client_id, secret in zip(parties[::2], parties[1::2]):
        session = OAuth2Session(
            client_id,
            secret,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        token = session.fetch_token(endpoint, grant_type="client_credentials")
        text = token["access_token"]

        def is_active():
            answer = session.introspect_token(f"{endpoint}/introspect", token=text)
            assert answer.status_code == 200, (answer.status_code, answer.text)
            return answer.json()["active"]

        assert is_active() is True, (method, client_id)
        for _ in range(2):
            answer = session.revoke_token(
                f"{endpoint}/revoke", token=text, token_type_hint="access_token"
            )
            assert (answer.status_code, answer.json()) == (200, {}), (answer.status_code, answer.text)
        assert is_active() is False, (method, client_id)

    wrong = OAuth2Session(parties[0], "wrong", token_endpoint_auth_method=method)
    try:
        wrong.fetch_token(endpoint, grant_type="client_credentials")
    except Exception as error:
        assert "invalid_client" in str(error), error
    else:
        raise AssertionError("a wrong secret was taken")
print("authlib: fetched, introspected, revoked")
