"""What an HTTP status says of a request: whether it was carried out, and may be made again.

https://www.rfc-editor.org/rfc/rfc9110#section-15
"""

from http import HTTPStatus

OVERLOADED = HTTPStatus.SERVICE_UNAVAILABLE  # no room; mostly before anything was done
NOT_BEGUN = frozenset({425, 429})  # refused before anything was done; it may be made again
DOUBTFUL = frozenset({408, 500, 502, 503, 504})  # it may have been carried out
TRANSIENT = NOT_BEGUN | DOUBTFUL  # the same request may be answered later
# With every other status from 400 on the request was refused, and nothing was done.
