"""What browsers are told about every answer: not to guess types, not to show it in others' frames, to run nothing.

The list is that of the original (Helmet's defaults), but for `upgrade-insecure-requests`, which makes an installation
without HTTPS unusable (quirk Q23).
"""

from typing import Any

import falcon

_POLICY = (
    "default-src 'self'; base-uri 'self'; font-src 'self' data:; form-action 'self'; frame-ancestors 'self'; "
    "img-src 'self' data: blob:; object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self'"
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Download-Options": "noopen",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-XSS-Protection": "0",
}

#: Over HTTPS only: a browser that has heard it never comes by HTTP again.
STRICT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


class Guards:
    """What a resource has set itself stays."""

    def process_response(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        for name, value in HEADERS.items():
            if response.get_header(name) is None:
                response.set_header(name, value)
        if getattr(request.context, "is_https", False):
            response.set_header(*STRICT)
        if response.get_header("Cache-Control") is None and request.path.startswith("/api/"):
            response.set_header("Cache-Control", "no-store")  # QRs, texts, keys
