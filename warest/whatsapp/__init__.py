"""Everything that touches neonize.

`library` knows its shared library as a file and as memory, `protos` hands on its protobuf modules without loading
that library. Only a session process loads it, and such a process is never forked afterwards (trap 29).
"""
