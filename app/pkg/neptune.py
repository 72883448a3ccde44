"""Amazon Neptune's IAM authentication: requests signed by SigV4 with whatever credentials botocore finds.

Nothing is configured here but the region: an instance's or pod's IAM role, environment and profile are botocore's
business, renewal of short-lived ones included.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session
from neo4j import Auth
from neo4j.auth_management import AuthManager, AuthManagers, ExpiringAuth

from app.errors import Misconfigured

#: What IAM calls Neptune.
SERVICE = "neptune-db"
#: Seconds after which a signature is made anew. AWS takes one for five minutes.
SIGN_AGAIN_S = 240.0


def signed_headers(url: str, region: str) -> dict[str, str]:
    """Headers that prove who we are, for one connection.

    Args:
        url: http(s) address of the endpoint.
        region: of the cluster.

    Returns:
        `Host`, `Authorization`, `X-Amz-Date`, and `X-Amz-Security-Token` where the credentials have one.

    Raises:
        Misconfigured: there are no credentials.
    """
    held = _credentials(os.getpid())
    if held is None:
        raise Misconfigured(
            "ECHO_GRAPH_URL names Neptune, but no AWS credentials were found: give this host an IAM role"
        )
    request = AWSRequest(method="GET", url=url, headers={"Host": urlsplit(url).netloc})
    SigV4Auth(held.get_frozen_credentials(), SERVICE, region).add_auth(request)
    return dict(request.headers.items())


def bolt_auth(uri: str, region: str, *, sign_again_s: float = SIGN_AGAIN_S) -> AuthManager:
    """What the official driver asks for authentication: a signature, made anew before it expires.

    Neptune takes the signed headers of `GET /opencypher` as the password of basic authentication.

    Args:
        uri: Bolt address of the cluster.
        region: of the cluster.
        sign_again_s: seconds that a signature is used.
    """

    def sign() -> ExpiringAuth:
        headers = signed_headers(f"https://{urlsplit(uri).netloc}/opencypher", region)
        password = json.dumps({**headers, "HttpMethod": "GET"})
        return ExpiringAuth(Auth("basic", "username", password, "realm"), expires_at=time.time() + sign_again_s)

    return AuthManagers.bearer(sign)


@cache
def _credentials(_pid: int) -> Credentials | None:
    found: Credentials | None = get_session().get_credentials()
    return found
