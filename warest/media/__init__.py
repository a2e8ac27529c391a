"""Files that people send: what they are, what is refused, and how they become what WhatsApp takes.

Importing this package, `rules` or `options` loads no Pillow: web and session processes do that. `prepare` and what it
uses belong to a worker.
"""
