"""Counts the requests that this process answers, by route and status."""

import time
from typing import Any

import falcon

from warest.meters import Meter

#: Requests that reached no route are all one: paths come from strangers.
_NOWHERE = "none"


class Metering:
    def __init__(self) -> None:
        self.meter = Meter("method", "route", "status")

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        request.context.began = time.perf_counter()
        request.context.asked_as = request.method if request.method in falcon.HTTP_METHODS else "OTHER"

    def process_response(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        """A large body may still be on its way then."""
        began = getattr(request.context, "began", None)
        if began is not None:
            route = request.uri_template or _NOWHERE
            status = str(response.status_code)
            self.meter.took(time.perf_counter() - began, request.context.asked_as, route, status)
