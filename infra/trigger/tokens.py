"""Google's identity tokens (OIDC), as Eventarc and Pub/Sub's push send them: verified by PyJWT."""

import json
from pathlib import Path
from typing import Any

from gristmill.infra.trigger.serve import Allowed
from gristmill.pipelines.errors import RecipeError

KEYS = "https://www.googleapis.com/oauth2/v3/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
LEEWAY = 60
"""Seconds that clocks may differ."""
MOST_BYTES = 16_384
"""Of a token."""


def identity(audience: str, account: str, keys: str = KEYS) -> Allowed:
    """Whether a token is of a service account, for this audience. `keys`: a JWKS, by address or file.

    Raises RecipeError without the package, or for a file that holds no keys.
    """
    try:
        import jwt
    except ImportError:
        fix = "pip install 'gristmill[oidc]'"
        raise RecipeError("PyJWT is not installed", where="--audience", fix=fix) from None
    if keys.startswith(("https://", "http://")):
        asked: Any = jwt.PyJWKClient(keys, cache_keys=True, lifespan=3600, timeout=10)
        key_of = asked.get_signing_key_from_jwt
    else:
        try:
            known = jwt.PyJWKSet.from_dict(json.loads(Path(keys).read_bytes()))
        except (OSError, ValueError, jwt.PyJWTError) as error:
            fix = f"name a file with a JWKS, such as {KEYS} gives"
            raise RecipeError(f"no keys ({type(error).__name__})", where=keys, fix=fix) from None

        def key_of(token: str) -> Any:
            return known[jwt.get_unverified_header(token)["kid"]]

    def allowed(token: str) -> bool:
        if len(token) > MOST_BYTES:
            return False
        try:
            claims = jwt.decode(
                token,
                key_of(token).key,
                algorithms=["RS256"],
                audience=audience,
                issuer=list(ISSUERS),
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "aud", "iss", "email"]},
            )
        except Exception:  # anybody may send anything: JSON of 10,000 brackets is a RecursionError
            return False
        return claims["email"] == account and claims.get("email_verified") is True

    return allowed
