"""Parameters that hold objects and lists, in all forms in which callers write them."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from warest.loose import parsed

#: A parameter that may be an object, a list or the text of either.
Loose = Annotated[Any, BeforeValidator(parsed)]
