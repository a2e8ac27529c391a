"""An <iq> that WhatsApp answers with an error."""


class Refusal(Exception):
    """The answer is an error that belongs to the protocol, not a violation of it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
