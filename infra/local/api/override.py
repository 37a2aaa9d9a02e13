"""Methods that a client names in a header, since its HTTP library can't send them.

Google's Java client sends PATCH as a POST with ``X-HTTP-Method-Override: PATCH``; its clients
for Java, Python and .NET send a GET with a long query as a POST with the query as its body.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-http-method-override"


class MethodOverride:
    """Hands requests on with the method that they mean.

    Only a POST can mean another method: a link or a cached address deletes nothing. A value
    that is no method of the path is refused by the routes, as the method itself is.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            scope = {**scope, "method": _method(scope)}
        await self._application(scope, receive, send)


def _method(scope: Scope) -> str:
    """Return the method that a POST means; several that differ are no method at all."""
    values = {
        value.decode("latin-1").strip().upper()
        for name, value in scope["headers"]
        if name == _HEADER
    }
    return ",".join(sorted(values - {""})) or "POST"
